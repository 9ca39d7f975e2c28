"""A datum from another channel, typed at the page before consent (RFC 10027 M17): deeds, and all of it over HTTP."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from ostiary.core.signins.request_binding import Datum
from ostiary.core.signins.signin import SignIn
from ostiary.core.signins.view import Approved, Handed
from ostiary.core.words.ids import SignInId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.signins import claim, decide
from ostiary.services.signins.bind import bind
from ostiary.services.signins.start import Started
from ostiary.services.tokens.issue import Issued
from ostiary.store import schema
from ostiary.web.front.csrf import token
from tests.services.door import Door, alerts, reason, states
from tests.services.test_policy import save
from tests.services.test_r11_claims import live_session
from tests.web.oauth.site import API_URI, BOB, CLI, ORIGIN, TENANT

WORDS = {"reference": "INC-4412", "machine": "build-7.prod", "reason": "type INC-4412 below"}


def at_page(door: Door, **said: Any) -> tuple[Started, SignInId]:
    """A code that Alice claimed."""
    begun = door.started(**{**WORDS, **said})
    return begun, door.claimed(begun.user_code).signin.id


def type_(door: Door, id: SignInId, reference: str = "", machine: str = "") -> SignIn | Refused:
    """Alice types at the page."""
    answers = {Datum.REFERENCE: reference, Datum.MACHINE: machine}
    return door.run(bind(door.house, door.at_browser(), id, answers))


def approve(door: Door, id: SignInId) -> Approved | Refused:
    """Alice presses the button."""
    return door.run(decide.approve(door.house, door.at_browser(), id))


def asked(door: Door, id: SignInId) -> tuple[Datum, ...]:
    """What the page asks Alice for."""
    seen = door.run(claim.view(door.house, door.at_browser(), id))
    assert not isinstance(seen, Refused), seen
    return seen.awaited


@pytest.fixture
def demanding(door: Door) -> Door:
    """The CLI's registration requires the reference; Alice and Bob may sign in."""
    door.open()
    door.open(BOB)
    door.register(CLI, reference_binding="required")
    return door


def test_m17_a_request_that_says_nothing_gets_no_code(demanding: Door) -> None:
    """Before anything is in the code table, with the parameter that is missing; blanks and dashes are nothing."""
    for said in ("", " - ", "\u200b"):
        refused = demanding.start(reference=said)
        assert reason(refused) is Reason.BINDING_REQUIRED
        assert isinstance(refused, Refused)
        assert refused.field == "ostiary_reference"
    assert demanding.signins() == []
    begun = demanding.started(reference="INC-4412")
    assert begun.binding == (Datum.REFERENCE,)


def test_m17_approving_comes_after_typing(demanding: Door) -> None:
    """Whoever posts the approval without it approves nothing; what is right lets them, and the entry names it."""
    begun, id = at_page(demanding)
    assert asked(demanding, id) == (Datum.REFERENCE,)
    assert reason(approve(demanding, id)) is Reason.BINDING_REQUIRED
    assert states(demanding) == ["claimed"]
    assert isinstance(type_(demanding, id, " inc 4412 "), SignIn)
    assert asked(demanding, id) == ()
    assert isinstance(approve(demanding, id), Approved)
    assert isinstance(demanding.poll(begun.device_code), Issued)
    (entry,) = demanding.entries("device:signin:bound")
    assert entry["detail"]["data"] == ["reference"]
    assert entry["detail"]["reference"] == "INC-4412"
    assert "machine" not in entry["detail"]


def test_m17_the_third_wrong_try_ends_the_sign_in(demanding: Door) -> None:
    """Counted down on the page; the machine hears that it was turned down; what was typed is kept nowhere."""
    begun, id = at_page(demanding)
    for left in ("2 more tries", "one more try"):
        refused = type_(demanding, id, "my secret password")
        assert isinstance(refused, Refused)
        assert left in refused.detail
    assert reason(type_(demanding, id, "my secret password")) is Reason.WRONG_BINDING
    assert reason(type_(demanding, id, "INC-4412")) is Reason.WRONG_STATE
    assert reason(demanding.poll(begun.device_code)) is Reason.DENIED
    assert states(demanding) == ["denied"]
    assert alerts(demanding) == ["wrong binding"]
    written = str([demanding.rows(select(table)) for table in (schema.journal, schema.signins, schema.throttles)])
    assert "my secret password" not in written
    assert "mysecretpassword" not in written


def test_m17_nothing_typed_is_no_try(demanding: Door) -> None:
    """An empty field, or one of signs, costs nothing."""
    _, id = at_page(demanding)
    for _ in range(9):
        assert reason(type_(demanding, id, " - ")) is Reason.INVALID_VALUE
    assert isinstance(type_(demanding, id, "INC-4412"), SignIn)


def test_m17_tries_are_the_sign_ins_and_what_was_typed_is_the_persons(demanding: Door) -> None:
    """Another account of the same browser types it anew, and has no more tries than were left."""
    live_session(demanding)
    begun, id = at_page(demanding)
    assert reason(type_(demanding, id, "x")) is Reason.WRONG_BINDING
    assert isinstance(type_(demanding, id, "INC-4412"), SignIn)
    handed = demanding.run(decide.change_account(demanding.house, demanding.at_browser(), id))
    assert isinstance(handed, Handed)
    assert not isinstance(demanding.claim(begun.user_code, BOB, handed=handed.value), Refused)
    bob = demanding.at_browser(BOB)
    assert reason(demanding.run(decide.approve(demanding.house, bob, id))) is Reason.BINDING_REQUIRED
    for more in ("y", "z"):
        refused = demanding.run(bind(demanding.house, bob, id, {Datum.REFERENCE: more}))
        assert reason(refused) is Reason.WRONG_BINDING
    assert states(demanding) == ["denied"]


def test_m17_only_who_holds_the_sign_in_types(demanding: Door) -> None:
    """Somebody else, or another browser of the same person, is told nothing and spends no try."""
    _, id = at_page(demanding)
    for visit in (demanding.at_browser(BOB), demanding.at_browser(session="another"), demanding.at_machine()):
        for _ in range(3):
            refused = demanding.run(bind(demanding.house, visit, id, {Datum.REFERENCE: "wrong"}))
            assert reason(refused) is Reason.WRONG_STATE
    assert isinstance(type_(demanding, id, "INC-4412"), SignIn)


def test_m17_policy_can_demand_it_and_both(door: Door) -> None:
    """Refused at the start where nobody could pass without; one wrong of two is wrong; refreshes remember it."""
    door.open()
    save(door, ostiary={"controls": {"referenceBinding": True}})
    assert reason(door.start(machine="build-7")) is Reason.BINDING_REQUIRED
    assert door.signins() == []
    door.register(CLI, machine_binding="required")
    begun, id = at_page(door)
    assert begun.binding == (Datum.REFERENCE, Datum.MACHINE)
    assert asked(door, id) == (Datum.REFERENCE, Datum.MACHINE)
    assert reason(type_(door, id, "INC-4412", "build-8")) is Reason.WRONG_BINDING
    assert reason(approve(door, id)) is Reason.BINDING_REQUIRED
    assert isinstance(type_(door, id, "INC-4412", "BUILD 7"), SignIn)
    assert isinstance(approve(door, id), Approved)
    given = door.poll(begun.device_code)
    assert isinstance(given, Issued)
    assert isinstance(door.refresh(given.refresh_token or ""), Issued)


def test_m17_a_demand_that_came_later_stops_what_did_not_bring_it(door: Door) -> None:
    """By registration after the start, by policy after the approval: nothing is given."""
    door.open()
    _, id = at_page(door, reference="")
    door.register(CLI, reference_binding="required")
    assert reason(approve(door, id)) is Reason.BLOCKED
    door.register(CLI, reference_binding="optional")
    begun, id = at_page(door)
    assert isinstance(approve(door, id), Approved)
    save(door, ostiary={"controls": {"referenceBinding": True}})
    assert reason(door.poll(begun.device_code)) is Reason.BLOCKED


def test_m17_over_http_the_page_shows_nothing_of_it_before(demanding: Door) -> None:
    """Neither the datum nor any other word of the requester, which could tell what to type; then all of them."""
    where, base = {"headers": {"origin": ORIGIN}}, f"/{TENANT}/oauth2/v2.0/devicecode"
    request = {"client_id": CLI, "scope": f"{API_URI}Read"}
    refused = demanding.post(base, request)
    assert (refused.status_code, refused.json()["error"]) == (403, "access_denied")
    assert "ostiary_reference" in refused.json()["error_description"]
    said = {f"ostiary_{name}": text for name, text in WORDS.items()}
    begun = demanding.post(base, {**request, **said}, headers={"user-agent": "enter-INC-4412/1.0"}).json()
    assert begun["ostiary_binding"] == ["reference"]
    demanding.sign_in()
    form = {"form_token": token(demanding.house, demanding.cookie)}
    path = demanding.post("/devicelogin", {**form, "user_code": begun["user_code"]}, **where).headers["location"]
    page = demanding.get(path)
    assert not re.search(r"4412|build-7", page.text)
    assert f'action="{path}/approve"' not in page.text
    assert demanding.post(f"{path}/approve", form, **where).headers["location"] == path
    wrong = demanding.post(f"{path}/bind", {**form, "reference": "INC-4413"}, **where)
    assert wrong.status_code == 400
    assert "2 more tries" in wrong.text
    assert not re.search(r"441[23]|build-7", wrong.text)
    assert demanding.post(f"{path}/bind", {**form, "reference": "inc4412"}, **where).headers["location"] == path
    after = demanding.get(path).text
    assert all(text in after for text in ("INC-4412", "build-7.prod", "enter-INC-4412/1.0", f"{path}/approve"))
    assert "Approved" in demanding.post(f"{path}/approve", form, **where).text


def test_m17_over_http_the_last_wrong_try_says_that_it_is_over(demanding: Door) -> None:
    """The page says why it ended, also to who comes back to it."""
    begun = demanding.started(**WORDS)
    demanding.sign_in()
    where, form = {"headers": {"origin": ORIGIN}}, {"form_token": token(demanding.house, demanding.cookie)}
    path = demanding.post("/devicelogin", {**form, "user_code": begun.user_code}, **where).headers["location"]
    pages = [demanding.post(f"{path}/bind", {**form, "reference": "x"}, **where) for _ in range(4)]
    assert [page.status_code for page in pages] == [400, 400, 200, 409]
    assert "That was the last try" in pages[2].text
    assert "The code is dead" in demanding.get(path).text
