"""
Passkeys in a real browser with its virtual authenticator (CDP): enrolled, then nothing else needed, up to the approval
of a device sign-in; and every authenticator that proves too little.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import CDPSession, Page, expect
from sqlalchemy import update

from ostiary.core.words.outcome import Refused
from ostiary.services.directory.first_admin import issue_code
from ostiary.store.schema import users
from tests.journeys.asking import Asking
from tests.journeys.browser import (
    ADD_PASSKEY,
    APPROVE,
    CODE,
    CONTINUE,
    PASSKEY,
    PASSWORD,
    SIGN_IN,
    SIGN_OUT,
    TOTP,
    USER_NAME,
    Desk,
    desk,
)
from tests.journeys.walk import change, fill, press
from tests.server import Server, running


@dataclass
class Key:
    """A page, the virtual authenticator in its browser, and what its console complained of."""

    page: Page
    cdp: CDPSession
    id: str
    complaints: list[str] = field(default_factory=list)

    def held(self) -> list[dict]:
        """The credentials in the authenticator."""
        return list(self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"])

    def verify(self, verified: bool) -> None:
        """Whether it recognises its person from now on."""
        self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": verified})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Desk]]:
    """A house of this module's own, since its people get other ways to sign in, and a browser before it."""
    folder = tmp_path_factory.mktemp("passkeys")
    with running(folder / "data") as server, desk(folder / "browser", server.authority) as chromium:
        yield server, chromium


@contextmanager
def plugged(chromium: Desk, **traits: bool) -> Iterator[Key]:
    """A fresh profile with an authenticator that has *traits*."""
    page = chromium.context().new_page()
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True, **traits,
    }  # fmt: skip
    key = Key(page, cdp, cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"])
    page.on("console", lambda line: key.complaints.append(f"{line.type}: {line.text}"))
    page.on("pageerror", lambda error: key.complaints.append(str(error)))
    try:
        yield key
    finally:
        page.context.close()


def sign_in(page: Page, server: Server, name: str) -> None:
    """With password and code, to the page of one's own passkeys."""
    person = server.people[name]
    page.goto(server.origin + "/account/passkeys")
    page.get_by_label(USER_NAME, exact=True).fill(person.username)
    page.get_by_label(PASSWORD, exact=True).fill(person.password)
    press(page, SIGN_IN)
    page.get_by_label(TOTP, exact=True).fill(person.totp())
    press(page, CONTINUE)
    page.goto(server.origin + "/account/passkeys")


def refuse(page: Page, button: str, text: str) -> None:
    """Press *button*; the script says *text*, and the page stays."""
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator("[data-trouble]:visible")).to_contain_text(text)


@pytest.mark.parametrize("synced", [False, True], ids=["device-bound", "synced"])
def test_a_passkey_from_enrolment_to_the_approval_of_a_device(place: tuple[Server, Desk], synced: bool) -> None:
    """Enrol, sign out, sign in with the passkey alone, approve: no password is typed after the first time."""
    server, chromium = place
    server.open_exemption("alice")

    def story() -> None:
        with plugged(chromium, defaultBackupEligibility=synced, defaultBackupState=synced) as key:
            page = key.page
            sign_in(page, server, "alice")
            page.get_by_label("Name of the passkey").fill("phone" if synced else "blue key")
            press(page, ADD_PASSKEY)
            row = page.locator("li", has_text="phone" if synced else "blue key")
            expect(row).to_contain_text("synced" if synced else "this device only")
            (held,) = key.held()
            assert (held["isResidentCredential"], held["rpId"]) == (True, "localhost")
            press(page, SIGN_OUT)
            page.goto(server.origin + "/devicelogin")
            press(page, PASSKEY)
            expect(page.get_by_text("A passkey was added to your account").first).to_be_visible()
            page.get_by_role("link", name="Continue").click()
            asking = Asking(server)
            page.get_by_label(CODE, exact=True).fill(asking.user_code)
            press(page, CONTINUE)
            press(page, APPROVE)
            assert asking.outcome() == "access_token"
            assert key.complaints == []

    chromium.run(story)
    server.end_exemptions("alice")


def test_the_second_step_and_the_step_up_take_a_passkey(place: tuple[Server, Desk]) -> None:
    """After a password, and again where fresh proof is asked for; the authenticator's counter goes up each time."""
    server, chromium = place

    def story() -> None:
        with plugged(chromium) as key:
            page = key.page
            sign_in(page, server, "dana")
            press(page, ADD_PASSKEY)
            counts = [key.held()[0]["signCount"]]
            press(page, SIGN_OUT)
            person = server.people["dana"]
            page.goto(server.origin + "/signin?return=/account")
            page.get_by_label(USER_NAME, exact=True).fill(person.username)
            page.get_by_label(PASSWORD, exact=True).fill(person.password)
            press(page, SIGN_IN)
            press(page, "Use a passkey")
            counts.append(key.held()[0]["signCount"])
            page.goto(server.origin + "/signin/again?return=/account/passkeys")
            press(page, "Use a passkey")
            assert page.url == server.origin + "/account/passkeys"
            counts.append(key.held()[0]["signCount"])
            assert counts == sorted(set(counts))
            refuse(page, ADD_PASSKEY, "has a passkey for your account already")
            assert key.complaints == []

    chromium.run(story)


@pytest.mark.parametrize(
    ("traits", "says"),
    [
        ({"hasUserVerification": False, "isUserVerified": False}, "No passkey was used"),
        ({"isUserVerified": False}, "No passkey was used"),
        ({"hasResidentKey": False}, "No passkey was used"),
    ],
    ids=["cannot verify", "does not verify", "keeps nothing"],
)
def test_an_authenticator_that_proves_too_little_makes_no_passkey(
    place: tuple[Server, Desk], traits: dict[str, bool], says: str
) -> None:
    """The browser refuses for us, the page says so, and nothing was kept."""
    server, chromium = place

    def story() -> None:
        with plugged(chromium, **traits) as key:
            sign_in(key.page, server, "emil")
            refuse(key.page, ADD_PASSKEY, says)
            key.page.reload()
            expect(key.page.get_by_text("You have none yet.")).to_be_visible()

    chromium.run(story)


def test_whom_the_authenticator_does_not_recognise_is_not_signed_in(place: tuple[Server, Desk]) -> None:
    """Somebody else's finger on the right key: no session."""
    server, chromium = place

    def story() -> None:
        with plugged(chromium) as key:
            page = key.page
            sign_in(page, server, "emil")
            press(page, ADD_PASSKEY)
            press(page, SIGN_OUT)
            key.verify(False)
            page.goto(server.origin + "/signin")
            refuse(page, PASSKEY, "No passkey was used")
            assert "__Host-session" not in {each["name"] for each in page.context.cookies()}

    chromium.run(story)


def test_without_scripts_password_and_code_sign_in_as_before(place: tuple[Server, Desk]) -> None:
    """Nothing on the pages offers what could not work there."""
    server, chromium = place

    def story() -> None:
        page = chromium.context(java_script_enabled=False).new_page()
        page.goto(server.origin + "/signin")
        assert not page.get_by_role("button", name=PASSKEY, exact=True).is_visible()
        sign_in(page, server, "fay")
        assert not page.get_by_role("button", name=ADD_PASSKEY, exact=True).is_visible()
        assert page.get_by_text("Adding a passkey needs JavaScript").is_visible()
        page.context.close()

    chromium.run(story)


def test_r18_the_first_administrator_may_bring_a_passkey(place: tuple[Server, Desk]) -> None:
    """The browser makes one only when all else is filled in; the passkey carries the name that was typed."""
    server, chromium = place
    change(server, update(users).values(roles="[]"))
    issued = server.run(issue_code(server.house, server.visit()))
    assert not isinstance(issued, Refused), issued
    instead, password = "Continue with a passkey instead", "a wholly different sentence"

    def story() -> None:
        with plugged(chromium) as key:
            page = key.page
            page.goto(server.origin + "/setup")
            page.get_by_role("button", name=instead, exact=True).click()
            assert key.held() == []
            fill(page, code=issued[0], username="root@ostiary.example", display="Root", password=password)
            fill(page, repeat=password)
            press(page, instead)
            expect(page.get_by_text("The house has an administrator").first).to_be_visible()
            (held,) = key.held()
            assert held.get("userName", "root@ostiary.example") == "root@ostiary.example"
            page.goto(server.origin + "/signin?return=/account")
            press(page, PASSKEY)
            page.goto(server.origin + "/account")
            expect(page.get_by_role("link", name="root@ostiary.example")).to_be_visible()
            assert key.complaints == []

    chromium.run(story)
