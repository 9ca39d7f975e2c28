"""
The machine of the approver's browser (RFC 10027 M7, R22): a real Chromium that shows a registered certificate to a real
proxy, where policy wants a compliant device; or a passkey that was made so. Playwright chooses the certificate, as a
browser's management would; the passkey's authenticator is ours, because Chromium's names no model in its attestation.
"""

import os
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import Page

from ostiary.core.directory.people import Role
from ostiary.core.graph.device import ShownDevice
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.policies import create_policy
from ostiary.services.devices.inventory import delete_device, register_device, revoke_device
from tests.authenticator import Authenticator, Maker
from tests.journeys.browser import Desk, Person, desk
from tests.proxied import furnish, haproxy
from tests.server import CLIENTS, Server, running
from tests.web.oauth.certificates import CLIENT_AUTH, Pair, make

MODEL = bytes(range(16))
"""Of an authenticator that is built into machines."""
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
    """A house behind a proxy that asks browsers for certificates, a laptop's certificate, and a maker of passkeys."""

    server: Server
    folder: Path
    laptop: Pair
    maker: Maker

    def register(self, **more: Any) -> ShownDevice:
        """Put the laptop into the inventory, as Alice's and compliant."""
        given = {"name": "laptop-3", "owner": self.server.people["alice"].username, "der": self.laptop.base64}
        visit = administrator(self.server)
        made = self.server.run(
            register_device(self.server.house, visit, {**given, "compliant": True, **more}, "company laptop")
        )
        assert isinstance(made, ShownDevice), made
        return made

    def delete(self, device: ShownDevice) -> None:
        """Its certificate may be registered again."""
        visit = administrator(self.server)
        assert not isinstance(
            self.server.run(delete_device(self.server.house, visit, device.device.id, "over")), Refused
        )

    def code(self) -> tuple[str, str]:
        """A user code and its device code, asked for by a machine without a certificate."""
        at = f"{self.server.origin}/{self.server.tenant}/oauth2/v2.0"
        asked = {"client_id": CLIENTS["azure-cli"], "scope": f"openid offline_access {self.server.origin}/User.Read"}
        trust = ssl.create_default_context(cafile=str(self.server.ca_file))
        given = httpx.post(f"{at}/devicecode", data=asked, verify=trust).json()
        return given["user_code"], given["device_code"]

    def token(self, **form: str) -> httpx.Response:
        """Ask for tokens."""
        at = f"{self.server.origin}/{self.server.tenant}/oauth2/v2.0/token"
        trust = ssl.create_default_context(cafile=str(self.server.ca_file))
        return httpx.post(at, data={"client_id": CLIENTS["azure-cli"], **form}, verify=trust)

    def poll(self, code: str) -> httpx.Response:
        """Ask for the tokens of a device code."""
        return self.token(grant_type="device_code", device_code=code)

    def revoke(self, device: ShownDevice) -> None:
        """It is lost."""
        visit = administrator(self.server)
        assert isinstance(
            self.server.run(revoke_device(self.server.house, visit, device.device.id, "lost")), ShownDevice
        )


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
    """Founded, with the policy on."""
    folder = tmp_path_factory.mktemp("office")
    (folder / "run").mkdir(mode=0o750)
    path = folder / "run" / "proxy.sock"
    maker = Maker(MODEL)
    (folder / "roots.pem").write_bytes(maker.pem)
    models = (str(UUID(bytes=MODEL)),)
    config: dict[str, Any] = {
        "proxy_socket": path, "proxy_certificate_header": "client-cert", "passkey_models": models,
        "passkey_device_models": models, "passkey_roots": folder / "roots.pem",
    }  # fmt: skip
    with running(folder / "data", plain=True, proxy_header="X-Forwarded-For", **config) as server:
        furnish(server, folder / "proxy")
        laptop = make("EC", server.clock.now(), usages=(CLIENT_AUTH,))
        (folder / "laptop.pem").write_bytes(laptop.pem)
        (folder / "laptop.key").write_bytes(laptop.private_pem)
        made = server.run(create_policy(server.house, administrator(server), WANTED, "approve on our machines only"))
        assert not isinstance(made, Refused), made
        with haproxy(folder / "proxy", f"unix@{path}", server.port):
            yield Office(server, folder, laptop, maker)


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
    device = office.register()
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
        office.revoke(device)
        person.enter_code(again)
        assert "Approve on compliant machines" in person.says()
    office.delete(device)
    office.server.end_exemptions("alice")


def answer(page: Page, action: str, how: Callable[[str], str]) -> None:
    """Answer the passkey's form to *action* with what *how* makes of its options, as our script would."""
    form = page.locator(f'form[action="{action}"]')
    credential = how(form.get_attribute("data-options") or "")
    with page.expect_navigation():
        form.evaluate(
            "(form, answer) => { form.elements.namedItem('credential').value = answer; form.submit(); }", credential
        )


def test_r22_a_passkey_made_on_the_laptop_stands_for_it(office: Office, chromium: Desk) -> None:
    """R22: made where the certificate is shown; then it alone lets its person approve, until the laptop is revoked."""
    device, server = office.register(managed=True), office.server
    built_in = Authenticator(server.origin, aaguid=MODEL, maker=office.maker)
    server.open_exemption("alice")

    def enrol(page: Page) -> str:
        page.goto(f"{server.origin}/account/passkeys")
        answer(page, "/account/passkeys", built_in.create)
        return page.inner_text("main")

    def come_back(page: Page) -> None:
        page.goto(f"{server.origin}/devicelogin")
        answer(page, "/signin/passkey", built_in.get)

    with at_laptop(office, chromium) as person:
        sign_in(office, person)
        assert "Stands for your machine laptop-3" in person.look(enrol)
    with chromium.person(server.origin) as person:
        person.look(come_back)
        typed, device_code = office.code()
        person.enter_code(typed)
        person.approve()
        server.pass_time(10)
        given = office.poll(device_code)
        assert given.status_code == 200, given.text
        renewed = office.token(grant_type="refresh_token", refresh_token=given.json()["refresh_token"])
        assert renewed.status_code == 200, renewed.text
        again, _ = office.code()
        office.revoke(device)
        person.enter_code(again)
        assert "Approve on compliant machines" in person.says()
        refused = office.token(grant_type="refresh_token", refresh_token=renewed.json()["refresh_token"])
        assert (refused.status_code, refused.json()["error_codes"]) == (400, [53003])
    office.delete(device)
    server.end_exemptions("alice")
