"""The number that goes from the page to the machine after consent (R12; RFC 10027 M16): deeds, and all over HTTP."""

import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from ostiary.core.signins import number
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.signins.view import Approved, Decided
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.ids import AppId, SignInId
from ostiary.core.words.instants import Instant, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import Proof
from ostiary.services.signins import decide
from ostiary.services.signins.confirm import Confirmed, Form, confirm
from ostiary.services.signins.start import Request, Started, start
from ostiary.services.tokens.issue import Issued
from ostiary.store import schema
from ostiary.web.front.csrf import token
from tests.services.door import SCOPE, Door, alerts, reason, states
from tests.services.test_policy import save
from tests.web.oauth.site import API_URI, CLI, ORIGIN, OTHER, TENANT

DEMANDED = {"controls": {"numberConfirmation": True}}


def consented(door: Door, **asked: Any) -> tuple[Started, Approved]:
    """A code that Alice approved."""
    begun = door.started(**{"number": True, **asked})
    shown = door.claimed(begun.user_code)
    answer = door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))
    assert isinstance(answer, Approved), answer
    return begun, answer


def bring(door: Door, begun: Started, typed: str, client: AppId = CLI) -> Confirmed | Refused:
    """The machine posts what was typed."""
    return door.run(confirm(door.house, door.at_machine(), Form(Shown(client), begun.device_code, typed)))


def other(right: str) -> str:
    """A number that is wrong."""
    return f"{(int(right) + 1) % 100:02}"


@pytest.fixture
def demanding(door: Door) -> Door:
    """The CLI's registration requires the number, and Alice may sign in."""
    door.open()
    door.register(CLI, number_confirmation="required")
    return door


def test_r12_a_number_is_asked_for_after_consent_and_nothing_is_given_before(demanding: Door) -> None:
    """R12: two digits for the page, "pending" with a task for the machine; then the right ones make it ready."""
    begun, approved = consented(demanding)
    assert number.well_formed(approved.number)
    assert reason(demanding.poll(begun.device_code)) is Reason.NUMBER_AWAITED
    assert states(demanding) == ["awaiting_number"]
    assert isinstance(bring(demanding, begun, approved.number), Confirmed)
    given = demanding.poll(begun.device_code)
    assert isinstance(given, Issued)
    (entry,) = demanding.entries("device:signin:number_confirmed")
    assert entry["story"] == approved.signin.id
    assert alerts(demanding) == []


def test_r12_there_is_one_try_and_a_wrong_number_ends_the_sign_in(demanding: Door) -> None:
    """R12: the right one after it is worth nothing, the machine hears "turned down", and somebody is alerted."""
    begun, approved = consented(demanding)
    assert reason(bring(demanding, begun, other(approved.number))) is Reason.WRONG_NUMBER
    assert reason(bring(demanding, begun, approved.number)) is Reason.DENIED
    assert reason(demanding.poll(begun.device_code)) is Reason.DENIED
    assert states(demanding) == ["denied"]
    assert alerts(demanding) == ["wrong number"]
    assert len(demanding.entries("device:signin:number_wrong")) == 1


def test_r12_none_in_two_minutes_ends_it(demanding: Door) -> None:
    """R12: one second before it still counts."""
    late, late_number = consented(demanding)
    demanding.clock.move(minutes(2))
    assert reason(bring(demanding, late, late_number.number)) is Reason.CODE_EXPIRED
    assert reason(demanding.poll(late.device_code)) is Reason.CODE_EXPIRED
    begun, approved = consented(demanding)
    demanding.clock.move(seconds(119))
    assert isinstance(bring(demanding, begun, approved.number), Confirmed)
    demanding.clock.move(minutes(4))
    assert isinstance(demanding.poll(begun.device_code), Issued)


def test_r12_what_cannot_be_a_number_is_no_try(demanding: Door) -> None:
    """A slip that tells nobody anything costs nothing."""
    begun, approved = consented(demanding)
    for typed in ("", "4", "123", "4 ", "ab", "٤٢", "+7"):
        assert reason(bring(demanding, begun, typed)) is Reason.INVALID_REQUEST
    assert isinstance(bring(demanding, begun, approved.number), Confirmed)


def test_r12_a_number_before_consent_is_no_try_and_no_use(demanding: Door) -> None:
    """All hundred of them, before there is one: it is random and made at the consent."""
    begun = demanding.started(number=True)
    shown = demanding.claimed(begun.user_code)
    for typed in range(100):
        assert reason(bring(demanding, begun, f"{typed:02}")) is Reason.PENDING
    answer = demanding.run(decide.approve(demanding.house, demanding.at_browser(), shown.signin.id))
    assert isinstance(answer, Approved)
    assert reason(demanding.poll(begun.device_code)) is Reason.NUMBER_AWAITED


def test_r12_an_answer_that_was_lost_is_told_again(demanding: Door) -> None:
    """The same number once more is no second try; another one neither ends nor gives anything."""
    begun, approved = consented(demanding)
    assert isinstance(bring(demanding, begun, approved.number), Confirmed)
    assert isinstance(bring(demanding, begun, approved.number), Confirmed)
    assert reason(bring(demanding, begun, other(approved.number))) is Reason.BAD_CODE
    assert isinstance(demanding.poll(begun.device_code), Issued)
    assert reason(bring(demanding, begun, approved.number)) is Reason.BAD_CODE


def test_r12_only_the_client_of_the_code_confirms(demanding: Door) -> None:
    """Somebody else's code is as good as none, and its one try stays."""
    begun, approved = consented(demanding)
    demanding.register(OTHER, public=True, secrets=())
    assert reason(bring(demanding, begun, approved.number, OTHER)) is Reason.BAD_CODE
    assert reason(bring(demanding, replace(begun, device_code="x" * 43), approved.number)) is Reason.BAD_CODE
    assert isinstance(bring(demanding, begun, approved.number), Confirmed)


def test_r12_a_bound_code_is_confirmed_with_its_key_only(demanding: Door) -> None:
    """R12: who carried the device code off spends no try, right number or not."""
    key, stolen = Proof(jkt="k" * 43), Proof(jkt="s" * 43)
    asked = Request(client=Shown(CLI), scope=SCOPE, number=True)
    begun = demanding.run(start(demanding.house, replace(demanding.at_machine(), proof=key), asked))
    assert isinstance(begun, Started)
    shown = demanding.claimed(begun.user_code)
    approved = demanding.run(decide.approve(demanding.house, demanding.at_browser(), shown.signin.id))
    assert isinstance(approved, Approved)
    form = Form(Shown(CLI), begun.device_code, approved.number)
    for proof in (stolen, Proof()):
        visit = replace(demanding.at_machine(), proof=proof)
        for typed in (approved.number, other(approved.number)):
            refused = demanding.run(confirm(demanding.house, visit, replace(form, number=typed)))
            assert reason(refused) is Reason.WRONG_KEY
    held = demanding.run(confirm(demanding.house, replace(demanding.at_machine(), proof=key), form))
    assert isinstance(held, Confirmed)


def test_r12_a_requester_that_takes_no_number_gets_no_code(demanding: Door) -> None:
    """R12: whatever it claims; the registration decides, and nothing stands in the code table."""
    assert reason(demanding.start()) is Reason.NUMBER_REQUIRED
    assert demanding.signins() == []


@pytest.mark.parametrize("ability", ["never", "optional"])
def test_r12_policy_can_demand_it_of_every_application(door: Door, ability: str) -> None:
    """And one whose registration says that it never can is refused at the start."""
    door.open()
    door.register(CLI, number_confirmation=ability)
    save(door, ostiary=DEMANDED)
    assert reason(door.start()) is Reason.NUMBER_REQUIRED
    assert door.signins() == []
    if ability == "never":
        assert reason(door.start(number=True)) is Reason.NUMBER_REQUIRED
        return
    begun, approved = consented(door)
    assert isinstance(bring(door, begun, approved.number), Confirmed)
    given = door.poll(begun.device_code)
    assert isinstance(given, Issued)
    again = door.refresh(given.refresh_token or "")
    assert isinstance(again, Issued)  # the session remembers that it was confirmed


def test_r12_a_demand_that_came_after_the_start_stops_who_cannot(door: Door) -> None:
    """A code that was made without the ability is not approved once a number is demanded: fail closed."""
    door.open()
    shown = door.claimed(door.started().user_code)
    door.register(CLI, number_confirmation="required")
    refused = door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))
    assert reason(refused) is Reason.BLOCKED
    assert states(door) == ["claimed"]


def test_r12_without_a_demand_nothing_is_asked(door: Door) -> None:
    """`optional` means that policy may demand it; our own program says that it can every time."""
    door.open()
    begun, approved = consented(door)
    assert approved.number == ""
    assert isinstance(door.poll(begun.device_code), Issued)


def test_r12_the_number_is_kept_as_a_digest_and_told_again_to_its_browser_only(demanding: Door) -> None:
    """Reloading the page shows it again; another browser of the same person sees nothing; it is in no entry."""
    _, approved = consented(demanding)
    id = approved.signin.id
    again = demanding.run(decide.decided(demanding.house, demanding.at_browser(), id))
    assert isinstance(again, Decided)
    assert (again.state, again.number) == (State.AWAITING_NUMBER, approved.number)
    elsewhere = demanding.at_browser(session="another")
    assert isinstance(demanding.run(decide.decided(demanding.house, elsewhere, id)), Refused)
    ((kept,),) = demanding.rows(select(schema.signins.c.number))
    assert len(kept) == 32
    (entry,) = demanding.entries("device:signin:approved")
    assert entry["detail"]["number"] is True


def test_r12_a_report_ends_what_awaits_its_number(demanding: Door) -> None:
    """Whoever sees no machine that asks has one button."""
    begun, approved = consented(demanding)
    demanding.run(decide.report(demanding.house, demanding.at_browser(), approved.signin.id))
    assert reason(bring(demanding, begun, approved.number)) is Reason.DENIED
    assert states(demanding) == ["reported"]


def test_r12_numbers_of_two_consents_do_not_fit_each_other() -> None:
    """The digest is bound to the sign-in, and to the key."""
    one, two = (
        SignIn(SignInId(id), CLI, CLI, (), State.AWAITING_NUMBER, "", "", Instant(0), Instant(1)) for id in "ab"
    )
    one = replace(one, number=number.kept(b"k", one, "42"))
    assert number.fits((b"old", b"k"), one, "42")
    assert not number.fits((b"k",), replace(two, number=one.number), "42")
    assert number.told_again((b"k",), one) == "42"
    assert number.told_again((b"other",), one) == ""


def test_r12_the_whole_of_it_over_http(demanding: Door) -> None:
    """As clients and browsers speak it: metadata, request, page, pending with a task, confirmation, tokens."""
    base = f"/{TENANT}/oauth2/v2.0"
    metadata = demanding.get(f"/{TENANT}/v2.0/.well-known/openid-configuration").json()
    assert metadata["ostiary_confirmation_endpoint"] == f"{ORIGIN}{base}/confirm"
    asked = {"client_id": CLI, "scope": f"{API_URI}Read"}
    refused = demanding.post(f"{base}/devicecode", asked)
    assert (refused.status_code, refused.json()["error"]) == (403, "unauthorized_client")
    assert "types on the machine" in refused.json()["error_description"]
    begun = demanding.post(f"{base}/devicecode", {**asked, "ostiary_number": "1"}).json()
    demanding.sign_in()
    where = {"headers": {"origin": ORIGIN}}
    form = {"form_token": token(demanding.house, demanding.cookie)}
    claimed = demanding.post("/devicelogin", {**form, "user_code": begun["user_code"]}, **where)
    path = claimed.headers["location"]
    page = demanding.post(f"{path}/approve", form, **where)
    found = re.search(r'class="number"><strong>(\d\d)</strong>', page.text)
    assert found, page.text
    assert f"<strong>{found[1]}</strong>" in demanding.get(path).text
    poll = {"client_id": CLI, "device_code": begun["device_code"]}
    kind = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
    waiting = demanding.post(f"{base}/token", {**poll, **kind}).json()
    assert (waiting["error"], waiting["ostiary_confirm"]) == ("authorization_pending", "number")
    missing = demanding.post(f"{base}/confirm", {"client_id": CLI, "number": found[1]})
    assert missing.json()["error"] == "invalid_request"
    confirmed = demanding.post(f"{base}/confirm", {**poll, "number": found[1]})
    assert (confirmed.status_code, confirmed.json()) == (200, {"ostiary_expires_in": 300})
    assert "access_token" in demanding.post(f"{base}/token", {**poll, **kind}).json()
