"""Real confidential clients that prove themselves with a key: msal with its certificate, Authlib with its key."""

import json
import secrets
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from playwright.sync_api import Error, Page

from ostiary.core.directory.applications import Application
from ostiary.core.directory.people import Role
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.applications import create_application
from ostiary.services.directory.consents import create_consent
from tests.clients.programs import BIN, HERE, Process, environment
from tests.journeys.browser import Desk
from tests.server import Server
from tests.web.oauth.certificates import Pair, make

BACK = "http://localhost:1/back"  # nobody listens there: the browser's request for it is all that we want


def administrator(server: Server) -> Visit:
    """A visit of an administrator, freshly proved."""
    now = server.clock.now()
    caller = Caller(
        CallerKind.USER, "admin", "admin", Origin.BROWSER, frozenset({Role.ADMINISTRATOR}), amr=("pwd", "otp", "mfa"),
        authenticated_at=now,
    )  # fmt: skip
    return Visit(now, server.house.random.guid(), caller=caller)


def registered(server: Server, pair: Pair, **changes: Any) -> Application:
    """A confidential application with a certificate, which may read its people's profiles."""
    keys = ({"certificate": b64encode(pair.der).decode()},)
    asked = {
        "name": f"Portal {secrets.token_hex(8)}",
        "public": False,
        "web_redirects": (BACK,),
        "keys": keys,
        **changes,
    }
    made = server.run(create_application(server.house, administrator(server), asked))
    assert isinstance(made, Application), made
    api = next(app for app in server.house.desk.picture.applications.values() if app.admin_api)
    consent = {"client": made.id, "resource": api.id, "scope": "User.Read"}
    given = server.run(create_consent(server.house, administrator(server), consent))
    assert not isinstance(given, Refused), given
    return made


@contextmanager
def program(server: Server, home: Path, name: str, given: dict[str, Any]) -> Iterator[Process]:
    """One of the drivers."""
    command = [str(BIN / "python"), str(HERE / "drivers" / f"{name}.py"), json.dumps(given)]
    process = Process(command, environment(cast(Any, server), home), listen_to="stdout")
    try:
        yield process
    finally:
        process.close()


def event(process: Process) -> dict[str, Any]:
    """What the driver says next."""
    line = process.line()
    assert line is not None, process.log()
    told: dict[str, Any] = json.loads(line)
    return told


def visited(page: Page, address: str) -> dict[str, str]:
    """The parameters with which the browser comes back from *address*."""
    with page.expect_request(lambda request: request.url.startswith(BACK)) as seen, suppress(Error):
        page.goto(address)
    return {name: values[0] for name, values in parse_qs(urlsplit(seen.value.url).query).items()}


@pytest.mark.parametrize("how", ["certificate", "thumbprint"])
def test_msal_proves_itself_with_its_certificate(server: Server, chromium: Desk, tmp_path: Path, how: str) -> None:
    """PS256 and `x5t#S256`, or RS256 and `x5t`; the second request carries the same assertion as the first."""
    pair, alice = make("RSA", server.clock.now()), server.people["alice"]
    application = registered(server, pair, microsoft_family=True)
    credential = {"private_key": pair.private_pem.decode()}
    if how == "certificate":
        credential["public_certificate"] = pair.pem.decode()
    else:
        credential["thumbprint"] = pair.certificate.fingerprint(SHA1()).hex()
    given = {
        "client_id": application.id, "authority": f"{server.origin}/{server.tenant}", "scopes": ["User.Read"],
        "redirect": BACK, "credential": credential,
    }  # fmt: skip
    with chromium.person(server.origin) as person, program(server, tmp_path, "msal_certificate", given) as msal:
        person.sign_in(alice.username, alice.password, alice.totp())
        msal.order("begin")
        address = event(msal)["address"]
        msal.order("finish")
        msal.order(json.dumps(person.look(lambda page: visited(page, address))))
        first = event(msal)
        assert first["event"] == "signed_in", first
        assert first["claims"]["preferred_username"] == alice.username
        msal.order("token")
        assert event(msal)["event"] == "signed_in"


def test_msal_asks_us_whether_we_are_genuine(server: Server, tmp_path: Path) -> None:
    """`instance_discovery=` with our address: our tenant is found, through the answer; one that is not ours is not."""
    pair = make("RSA", server.clock.now())
    application = registered(server, pair)
    where = f"{server.origin}/common/discovery/instance"
    for tenant, event_name in ((server.tenant, "visit"), ("nobody", None)):
        given = {
            "client_id": application.id, "authority": f"{server.origin}/{tenant}", "scopes": ["User.Read"],
            "redirect": BACK, "credential": "x", "instance_discovery": where,
        }  # fmt: skip
        with program(server, tmp_path, "msal_certificate", given) as msal:
            if event_name is None:
                assert msal.line() is None
                assert "invalid_instance" in msal.log()
            else:
                msal.order("begin")
                assert event(msal)["event"] == event_name


@pytest.mark.parametrize(("kind", "alg"), [("EC", "ES256"), ("RSA", "RS256")])
def test_authlib_proves_itself_with_its_key(server: Server, tmp_path: Path, kind: str, alg: str) -> None:
    """At introspection and revocation, with a new assertion each time."""
    pair = make(kind, server.clock.now())
    application = registered(server, pair, web_redirects=())
    at = f"{server.origin}/{server.tenant}/oauth2/v2.0"
    given = {
        "client_id": application.id, "private_key": pair.private_pem.decode(), "alg": alg, "token": "unknown",
        "token_endpoint": f"{at}/token", "introspection": f"{at}/introspect", "revocation": f"{at}/revoke",
    }  # fmt: skip
    with program(server, tmp_path, "authlib_key", given) as authlib:
        for _ in range(2):
            authlib.order("introspect")
            assert event(authlib) == {"event": "answered", "status": 200, "body": {"active": False}}
        authlib.order("revoke")
        told = event(authlib)
        assert told["status"] == 200, told
