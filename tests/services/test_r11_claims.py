"""Whose a code is: claimed, given back for another account, typed by somebody else, reported (R11)."""

import pytest
from sqlalchemy import insert, update

from ostiary.core.signins.view import Approved, Claimed, Closed, Handed
from ostiary.core.words.ids import SignInId
from ostiary.core.words.instants import after, hours, minutes, seconds
from ostiary.core.words.outcome import Reason
from ostiary.services.signins import decide
from ostiary.services.tokens.issue import Issued
from ostiary.services.tokens.token import pending
from ostiary.store import schema
from tests.services.asking import Asking
from tests.services.door import REQUESTER, Door, alerts, reason, states
from tests.web.oauth.site import ALICE, BOB


def approved(door: Door, code: str) -> Approved:
    """Alice claims and approves *code*."""
    shown = door.claimed(code)
    answer = door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))
    assert isinstance(answer, Approved), answer
    return answer


def given_back(door: Door, id: SignInId, user: object = ALICE) -> str:
    """*user* gives the code back for another account; what the browser keeps."""
    answer = door.run(decide.change_account(door.house, door.at_browser(user), id))  # type: ignore[arg-type]
    assert isinstance(answer, Handed), answer
    return answer.value


def test_r11_a_claimed_code_belongs_to_that_person_and_browser_session(door: Door) -> None:
    """R11: the same person at another browser types a wrong code, and nothing is ended by that."""
    door.open()
    live_session(door)
    begun = door.started()
    shown = door.claimed(begun.user_code)
    assert reason(door.claim(begun.user_code, session="another")) is Reason.BAD_CODE
    assert alerts(door) == []
    other = door.at_browser(session="another")
    assert reason(door.run(decide.approve(door.house, other, shown.signin.id))) is Reason.WRONG_STATE
    assert isinstance(door.claim(begun.user_code), Claimed)


def test_r11_a_person_whose_session_ended_claims_again(door: Door) -> None:
    """R11: the code is theirs; it does not die with the session in which they typed it, and is nobody else's."""
    door.open()
    door.open(BOB)
    live_session(door)
    begun = door.started()
    shown = door.claimed(begun.user_code)
    door.change(update(schema.sessions).values(ended=door.clock.now()))
    again = door.claim(begun.user_code, session="another")
    assert isinstance(again, Claimed)
    assert again.signin.id == shown.signin.id
    other = door.at_browser(session="another")
    assert isinstance(door.run(decide.approve(door.house, other, shown.signin.id)), Approved)
    assert reason(door.claim(begun.user_code, BOB)) is Reason.BAD_CODE
    assert alerts(door) == ["two people, one code"]


def live_session(door: Door) -> None:
    """The browser session in which Alice claims is a row, as it is when she signed in at the pages."""
    now = door.clock.now()
    values = dict.fromkeys(("created", "seen", "authenticated"), now)
    ends = {name: after(now, hours(12)) for name in ("idle_ends", "ends")}
    kinds = {"kind": "browser", "origin": "browser", "amr": "pwd otp mfa", "story": "s"}
    door.change(insert(schema.sessions).values(id=f"browser-{ALICE}", user=ALICE, **kinds, **values, **ends))


def test_r11_only_the_browser_that_gave_the_code_back_can_claim_it(door: Door) -> None:
    """R11: another account of it may; somebody else is a second person, and the sign-in ends."""
    door.open()
    door.open(BOB)
    begun = door.started()
    handed = given_back(door, door.claimed(begun.user_code).signin.id)
    assert reason(door.poll(begun.device_code)) is Reason.PENDING
    answer = door.claim(begun.user_code, BOB, handed=handed)
    assert isinstance(answer, Claimed)
    assert alerts(door) == []
    assert isinstance(door.run(decide.approve(door.house, door.at_browser(BOB), answer.signin.id)), Approved)


@pytest.mark.parametrize("shown", ["", "x" * 43])
def test_r11_a_code_that_was_given_back_is_not_free_for_others(door: Door, shown: str) -> None:
    """R11: between two accounts it still belongs to the person who claimed it: whoever else types it ends it."""
    door.open()
    door.open(BOB)
    begun = door.started()
    handed = given_back(door, door.claimed(begun.user_code).signin.id)
    assert reason(door.claim(begun.user_code, BOB, handed=shown)) is Reason.BAD_CODE
    assert alerts(door) == ["two people, one code"]
    assert states(door) == ["denied"]
    assert reason(door.poll(begun.device_code)) is Reason.DENIED
    assert reason(door.claim(begun.user_code, BOB, handed=handed)) is Reason.BAD_CODE


def test_r11_the_same_person_elsewhere_does_not_get_it_back(door: Door) -> None:
    """R11: the browser is what may go on, not the account; but it is no second person, so nothing ends."""
    door.open()
    begun = door.started()
    handed = given_back(door, door.claimed(begun.user_code).signin.id)
    assert reason(door.claim(begun.user_code, session="elsewhere")) is Reason.BAD_CODE
    assert alerts(door) == []
    assert isinstance(door.claim(begun.user_code, handed=handed), Claimed)


def test_r11_each_change_has_a_value_of_its_own(door: Door) -> None:
    """R11: what the browser got at the first change counts no more after the second."""
    door.open()
    door.open(BOB)
    begun = door.started()
    first = given_back(door, door.claimed(begun.user_code).signin.id)
    again = door.claim(begun.user_code, BOB, handed=first)
    assert isinstance(again, Claimed)
    second = given_back(door, again.signin.id, BOB)
    assert reason(door.claim(begun.user_code, ALICE, handed=first)) is Reason.BAD_CODE
    assert states(door) == ["denied"]
    assert first != second


def test_r11_the_account_can_be_changed_twice_and_each_time_is_logged(door: Door) -> None:
    """R11: before consenting; the third time is refused."""
    door.open()
    begun, handed = door.started(), ""
    for _ in range(2):
        shown = door.claim(begun.user_code, handed=handed)
        assert isinstance(shown, Claimed)
        handed = given_back(door, shown.signin.id)
    last = door.claim(begun.user_code, handed=handed)
    assert isinstance(last, Claimed)
    refused = door.run(decide.change_account(door.house, door.at_browser(), last.signin.id))
    assert reason(refused) is Reason.WRONG_STATE
    assert [entry["detail"]["changes"] for entry in door.entries("device:signin:released")] == [1, 2]


def test_r11_the_account_cannot_be_changed_after_consenting(door: Door) -> None:
    """R11: an approved sign-in stays with who approved it."""
    door.open()
    told = approved(door, door.started().user_code)
    refused = door.run(decide.change_account(door.house, door.at_browser(), told.signin.id))
    assert reason(refused) is Reason.WRONG_STATE


def test_r11_only_the_named_person_can_claim(door: Door) -> None:
    """R11: where the request named somebody."""
    door.open()
    door.open(BOB)
    begun = door.started(login_hint="Bob@example.com")
    assert reason(door.claim(begun.user_code)) is Reason.BAD_CODE
    assert isinstance(door.claim(begun.user_code, BOB), Claimed)


@pytest.mark.parametrize("how", ["claimed", "given back", "approved", "waiting", "granted"])
def test_r11_a_second_person_before_redemption_ends_the_sign_in(asking: Asking, how: str) -> None:
    """
    R11: refused like a wrong code, so they learn nothing; it alerts; and for the first person it is over too, with the
    exemption that they asked for at its page.
    """
    begun = asking.begin()
    asked = asking.requested(begun).request.id if how in ("waiting", "granted") else None
    if asked is None:
        asking.open()
        shown = asking.claimed(begun.user_code).signin.id
    else:
        shown = asking.wish(asked).sign_in or SignInId("")
        assert reason(asking.poll(begun.device_code)) is Reason.EXEMPTION_AWAITED
    if how == "given back":
        given_back(asking, shown)
    if how == "approved":
        asking.run(decide.approve(asking.house, asking.at_browser(), shown))
    if how == "granted" and asked is not None:
        asking.decide(asked)
    asking.clock.move(seconds(1))
    assert reason(asking.claim(begun.user_code, BOB)) is Reason.BAD_CODE
    (alert,) = asking.entries("system:alert:raised")
    assert (alert["story"], alert["detail"]["about"]) == (shown, "two people, one code")
    assert alert["detail"]["text"].endswith("It was ended.")
    assert states(asking) == ["denied"]
    assert pending(asking.house, asking.at_machine(), asking.form(begun.device_code)) is None  # its poll is woken
    over = Reason.DENIED if asked is None else Reason.EXEMPTION_REFUSED
    assert reason(asking.poll(begun.device_code)) is over
    assert reason(asking.run(decide.approve(asking.house, asking.at_browser(), shown))) is Reason.WRONG_STATE
    if asked is None:
        return
    if how == "waiting":
        assert asking.wish(asked).phase == "withdrawn"
        assert reason(asking.decide(asked)) is Reason.CONFLICT
    else:
        (ended,) = asking.entries("admin:exemption:ended")
        assert (ended["target"], ended["detail"]["cause"]) == (f"exemption:{asked}", "doubted")
    assert reason(asking.start()) is Reason.BLOCKED  # nothing is open, and nothing will be


def test_r11_a_second_person_after_redemption_only_alerts(door: Door) -> None:
    """R11: what was given stays; whoever typed the code learns nothing."""
    door.open()
    door.open(BOB)
    begun = door.started()
    approved(door, begun.user_code)
    given = door.poll(begun.device_code)
    assert isinstance(given, Issued)
    assert reason(door.claim(begun.user_code, BOB)) is Reason.BAD_CODE
    assert alerts(door) == ["two people, one code"]
    assert states(door) == ["redeemed"]
    assert isinstance(door.refresh(given.refresh_token or ""), Issued)


@pytest.mark.parametrize("how", ["claimed", "approved"])
def test_r11_a_report_ends_the_sign_in(door: Door, how: str) -> None:
    """R11: nothing is given for it any more, and it alerts with the story."""
    door.open()
    begun = door.started()
    shown = door.claimed(begun.user_code)
    if how == "approved":
        door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))
    assert isinstance(door.run(decide.report(door.house, door.at_browser(), shown.signin.id)), Closed)
    assert states(door) == ["reported"]
    assert reason(door.poll(begun.device_code)) is Reason.DENIED
    (alert,) = door.entries("system:alert:raised")
    assert (alert["story"], alert["detail"]["about"]) == (shown.signin.id, "not started by the person")


def test_r11_a_report_ends_what_else_that_requester_has_with_that_person(door: Door) -> None:
    """R11: what they approved a moment before gives nothing; another machine's and another person's goes on."""
    door.open()
    door.open(BOB)
    same, other, bobs = door.started(), door.started("192.0.2.77"), door.started()
    for begun in (same, other):
        approved(door, begun.user_code)
    theirs = door.claimed(bobs.user_code, BOB)
    door.run(decide.approve(door.house, door.at_browser(BOB), theirs.signin.id))
    waiting = door.claimed(door.started().user_code)
    door.run(decide.report(door.house, door.at_browser(), waiting.signin.id))
    assert reason(door.poll(same.device_code)) is Reason.DENIED
    assert isinstance(door.poll(other.device_code), Issued)
    assert isinstance(door.poll(bobs.device_code), Issued)
    assert len(door.entries("device:signin:reported")) == 2


def test_r11_only_the_person_whose_it_was_can_report_it(door: Door) -> None:
    """R11: a report by somebody else would be a way to end what others do."""
    door.open()
    told = approved(door, door.started().user_code)
    refused = door.run(decide.report(door.house, door.at_browser(BOB), told.signin.id))
    assert reason(refused) is Reason.WRONG_STATE
    assert states(door) == ["ready"]


def test_r11_a_report_ends_what_it_gave_and_shuns_that_requester_for_an_hour(door: Door) -> None:
    """R11: for the person who reported, from that source."""
    door.open(length=hours(4))
    begun = door.started()
    told = approved(door, begun.user_code)
    given = door.poll(begun.device_code)
    assert isinstance(given, Issued)
    assert isinstance(door.run(decide.report(door.house, door.at_browser(), told.signin.id)), Closed)
    assert reason(door.refresh(given.refresh_token or "")) is Reason.SESSION_ENDED
    again = door.started()
    assert reason(door.claim(again.user_code)) is Reason.REPORTED
    assert isinstance(door.claim(door.started("192.0.2.77").user_code), Claimed)
    door.clock.move(minutes(60))
    assert isinstance(door.claim(door.started(REQUESTER).user_code), Claimed)


def test_r11_a_report_shuns_the_requester_for_that_person_only(door: Door) -> None:
    """R11: a whole source is not blocked by one reporter."""
    door.open()
    door.open(BOB)
    shown = door.claimed(door.started().user_code)
    door.run(decide.report(door.house, door.at_browser(), shown.signin.id))
    assert reason(door.claim(door.started().user_code)) is Reason.REPORTED
    assert isinstance(door.claim(door.started().user_code, BOB), Claimed)
