"""
A device sign-in that somebody approves who comes from an upstream provider, in a real browser: sign-in there, fresh
proof there, and everything gone when they leave there.
"""

import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import ConsoleMessage, Page, expect
from sqlalchemy import update

from ostiary.core.exemptions.opening import Opening
from ostiary.core.words.instants import hours
from ostiary.core.words.outcome import Refused
from ostiary.services.exemptions.open import open_exemption
from ostiary.store.schema import sessions
from tests.journeys.browser import APPROVE, CODE, CONTINUE, Desk, desk
from tests.journeys.walk import change, press
from tests.server import CLIENTS, Server
from tests.upstream.peer import Peer, believing, eventually

NAME = "nora@elsewhere.test"
Place = tuple[Server, Peer, Desk]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A house, the provider that it believes, and a browser before both."""
    folder = tmp_path_factory.mktemp("journey")
    with (
        believing(folder, domains=("elsewhere.test",), create=True, recheck=5, grace=60) as (server, peer),
        desk(folder / "browser", server.authority) as chromium,
    ):
        yield server, peer, chromium


class Machine:
    """A machine without a browser."""

    def __init__(self, server: Server) -> None:
        self._base, self._trust = server.origin, ssl.create_default_context(cafile=str(server.ca_file))
        started = self._post("devicecode", scope=f"openid {server.origin}/.default")
        self.user_code, self._device_code = started["user_code"], started["device_code"]

    def outcome(self) -> str:
        """The access token, or the error of a poll."""
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        said = self._post("token", grant_type=grant, device_code=self._device_code)
        return str(said.get("access_token") or said["error"])

    def knows(self, token: str) -> bool:
        """Whether *token* still opens anything."""
        headers = {"authorization": f"Bearer {token}"}
        return httpx.get(f"{self._base}/oidc/userinfo", headers=headers, verify=self._trust).status_code == 200

    def _post(self, end: str, **fields: str) -> dict[str, Any]:
        form = {"client_id": CLIENTS["ostiary-cli"], **fields}
        found: dict[str, Any] = httpx.post(
            f"{self._base}/common/oauth2/v2.0/{end}", data=form, verify=self._trust
        ).json()
        return found


def there(page: Page, proof: str) -> None:
    """At the provider's own page, say who one is, and come back."""
    expect(page).to_have_title("Somebody else")
    page.get_by_label("Proof").fill(proof)
    page.get_by_label("Who").fill("42")
    with page.expect_navigation(url="https://localhost:*/**"):
        page.get_by_role("button", name="Sign in there").click()


def test_a_device_sign_in_is_approved_by_somebody_from_elsewhere(place: Place) -> None:
    """No password of ours, no script: sign-in and fresh proof are the provider's, and what they gave ends with it."""
    server, peer, chromium = place
    peer.account("42", {"email": NAME, "email_verified": True, "name": "Nora"})

    def ours(said: ConsoleMessage) -> bool:
        return said.type == "error" and said.location["url"].startswith(server.origin)

    def story() -> tuple[Machine, str]:
        page = chromium.context().new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if ours(said) else None)
        page.goto(f"{server.origin}/devicelogin")
        press(page, "Sign in with Somebody else")
        there(page, "urn:test:mfa")
        expect(page.get_by_label(CODE, exact=True)).to_be_visible()
        wish = Opening(NAME, hours(1), "for a test")
        assert not isinstance(server.run(open_exemption(server.house, server.visit(), wish)), Refused)
        machine = Machine(server)
        page.get_by_label(CODE, exact=True).fill(machine.user_code)
        press(page, CONTINUE)
        # the proof grows old meanwhile: what the provider said is too long ago for an approval
        change(server, update(sessions).values(authenticated=sessions.c.authenticated - 600_000_000))
        press(page, APPROVE)
        press(page, "Confirm with Somebody else")
        there(page, "urn:test:phr")
        press(page, APPROVE)
        token = machine.outcome()
        assert complaints == []
        return machine, token

    machine, token = chromium.run(story)
    assert machine.knows(token), token
    peer.account("42", disabled=True)
    server.pass_time(6)
    eventually(lambda: not machine.knows(token))
