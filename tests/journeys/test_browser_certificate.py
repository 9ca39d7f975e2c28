"""
The machine of the approver's browser (RFC 10027 M7): a real Chromium that shows a registered certificate to a real
proxy, where policy wants a compliant device. Playwright chooses the certificate, as a browser's management would.
"""

import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.core.directory.people import Role
from ostiary.core.graph.device import ShownDevice
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.policies import create_policy
from ostiary.services.devices.inventory import register_device, revoke_device
from tests.journeys.browser import Desk, Person, desk
from tests.proxied import furnish, haproxy
from tests.server import CLIENTS, Server, running
from tests.web.oauth.certificates import CLIENT_AUTH, Pair, make

WANTED: dict[str, Any] = {
    "displayName": "Approve on compliant machines",
    "state": "enabled",
    "conditions": {
        "users": {"includeUsers": ["All"]},
        "applications": {"includeApplications": ["All"]},
        "clientAppTypes": ["all"],
        "authenticationFlows": {"transferMethods": "deviceCodeFlow"},
    },
    "grantControls": {"operator": "OR", "builtInControls": ["compliantDevice"]},
}


@dataclass
class Office:
    """A house behind a proxy that asks browsers for certificates, and the certificate of a registered laptop."""

    server: Server
    folder: Path
    laptop: Pair
    device: ShownDevice

    def code(self) -> tuple[str, str]:
        """A user code and its device code, asked for by a machine without a certificate."""
        at = f"{self.server.origin}/{self.server.tenant}/oauth2/v2.0"
        asked = {"client_id": CLIENTS["azure-cli"], "scope": f"openid {self.server.origin}/User.Read"}
        trust = ssl.create_default_context(cafile=str(self.server.ca_file))
        given = httpx.post(f"{at}/devicecode", data=asked, verify=trust).json()
        return given["user_code"], given["device_code"]

    def poll(self, code: str) -> httpx.Response:
        """Ask for the tokens."""
        at = f"{self.server.origin}/{self.server.tenant}/oauth2/v2.0/token"
        form = {"client_id": CLIENTS["azure-cli"], "grant_type": "device_code", "device_code": code}
        return httpx.post(at, data=form, verify=ssl.create_default_context(cafile=str(self.server.ca_file)))


def administrator(server: Server) -> Visit:
    """Somebody who may register machines and make policies."""
    now = server.clock.now()
    caller = Caller(
        CallerKind.USER, "root", "root", Origin.BROWSER, roles=frozenset({Role.ADMINISTRATOR}),
        amr=("pwd", "otp", "mfa"), authenticated_at=now,
    )  # fmt: skip
    return replace(server.visit(), caller=caller)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Founded, with the laptop registered as compliant and the policy on."""
    folder = tmp_path_factory.mktemp("office")
    (folder / "run").mkdir(mode=0o750)
    path = folder / "run" / "proxy.sock"
    config: dict[str, Any] = {"proxy_socket": path, "proxy_certificate_header": "client-cert"}
    with running(folder / "data", plain=True, proxy_header="X-Forwarded-For", **config) as server:
        furnish(server, folder / "proxy")
        laptop = make("EC", server.clock.now(), usages=(CLIENT_AUTH,))
        (folder / "laptop.pem").write_bytes(laptop.pem)
        (folder / "laptop.key").write_bytes(laptop.private_pem)
        given = {"name": "laptop-3", "owner": server.people["alice"].username, "der": laptop.base64, "compliant": True}
        visit = administrator(server)
        device = server.run(register_device(server.house, visit, given, "company laptop"))
        assert isinstance(device, ShownDevice), device
        made = server.run(create_policy(server.house, visit, WANTED, "approve on our machines only"))
        assert not isinstance(made, Refused), made
        with haproxy(folder / "proxy", f"unix@{path}", server.port):
            yield Office(server, folder, laptop, device)


@pytest.fixture(scope="module")
def chromium(office: Office) -> Iterator[Desk]:
    """A browser that trusts the server, and so does the helper in which Playwright shows a certificate."""
    before = os.environ.get("NODE_EXTRA_CA_CERTS")
    os.environ["NODE_EXTRA_CA_CERTS"] = str(office.server.authority)
    try:
        with desk(office.folder / "browser", office.server.authority) as opened:
            yield opened
    finally:
        os.environ.pop("NODE_EXTRA_CA_CERTS")
        if before is not None:
            os.environ["NODE_EXTRA_CA_CERTS"] = before


def at_laptop(office: Office, chromium: Desk) -> Person:
    """Alice at the registered laptop."""
    shown = {
        "origin": office.server.origin,
        "certPath": str(office.folder / "laptop.pem"),
        "keyPath": str(office.folder / "laptop.key"),
    }
    return Person(chromium, office.server.origin, chromium.run(lambda: chromium.context(client_certificates=[shown])))


def sign_in(office: Office, person: Person) -> None:
    """Alice signs in at the device page."""
    alice = office.server.people["alice"]
    person.sign_in(alice.username, alice.password, alice.totp())


def test_only_the_browser_of_a_compliant_machine_approves(office: Office, chromium: Desk) -> None:
    """Elsewhere the page says no and the code stays; at the laptop the same person approves, until it is revoked."""
    office.server.open_exemption("alice")
    typed, device_code = office.code()
    with chromium.person(office.server.origin) as elsewhere:
        sign_in(office, elsewhere)
        elsewhere.enter_code(typed)
        assert "Approve on compliant machines" in elsewhere.says()
    with at_laptop(office, chromium) as person:
        sign_in(office, person)
        person.enter_code(typed)
        person.approve()
        office.server.pass_time(10)
        given = office.poll(device_code)
        assert given.status_code == 200, given.text
        again, _ = office.code()
        revoked = office.server.run(
            revoke_device(office.server.house, administrator(office.server), office.device.device.id, "lost")
        )
        assert isinstance(revoked, ShownDevice)
        person.enter_code(again)
        assert "Approve on compliant machines" in person.says()
    office.server.end_exemptions("alice")
