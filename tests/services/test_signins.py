"""A device sign-in from its request to its last refresh, deed by deed (R1, R5, R6, R7, R8, R12, R14)."""

from ipaddress import ip_network

import pytest
from sqlalchemy import insert, select, update

from ostiary.core.directory.credentials import source_of
from ostiary.core.exemptions.could_pass import VERSION as OPENINGS
from ostiary.core.exemptions.exemption import Limits
from ostiary.core.signins.limits import OpenNow
from ostiary.core.signins.view import Approved, Claimed, Closed
from ostiary.core.tokens.clients import Shown
from ostiary.core.tokens.pkce import challenge_of
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Span, hours, minutes, seconds, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.signins import decide
from ostiary.services.signins.start import Started
from ostiary.services.tokens.issue import Issued
from ostiary.store import schema
from tests.services.door import Door
from tests.web.oauth.site import ALICE, API_URI, CLI, OLD, VERIFIER


def reason(answer: object) -> Reason:
    """Why *answer* is no."""
    assert isinstance(answer, Refused), answer
    return answer.reason


def approved(door: Door, code: str) -> Approved:
    """Alice claims and approves *code*."""
    shown = door.claimed(code)
    answer = door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))
    assert isinstance(answer, Approved), answer
    return answer


def signed_in(door: Door, **asked: str) -> Issued:
    """A whole sign-in."""
    begun = door.started(**asked)
    approved(door, begun.user_code)
    given = door.poll(begun.device_code)
    assert isinstance(given, Issued), given
    return given


def nobody(_: Door) -> None:
    """A fresh organisation."""


def eligible(door: Door) -> None:
    """Ten people who could be given one, and have none."""
    for n in range(10):
        values = {"id": f"u{n}", "principal_name": f"u{n}@example.com", "display_name": "U", "created": 0}
        door.change(schema.users.insert().values(enabled=1, roles="[]", **values), OPENINGS)


def other_application(door: Door) -> None:
    """One for another application."""
    door.open(limits=Limits(application=OLD))


def other_network(door: Door) -> None:
    """One for another network."""
    door.open(limits=Limits(network=ip_network("192.0.2.0/24")))


def ended_a_second_ago(door: Door) -> None:
    """One that ran out a second ago."""
    door.open(length=minutes(5))
    door.clock.move(minutes(5))
    door.clock.move(seconds(1))


def ended_by_hand(door: Door) -> None:
    """One that was ended."""
    door.end(door.open())


def of_a_disabled_person(door: Door) -> None:
    """One whose person is disabled."""
    door.open()
    door.change(update(schema.users).where(schema.users.c.id == ALICE).values(enabled=0), OPENINGS)


CLOSED = (nobody, eligible, other_application, other_network, ended_a_second_ago, ended_by_hand, of_a_disabled_person)


@pytest.mark.parametrize("before", CLOSED)
def test_r1_no_code_exists_unless_somebody_could_pass(door: Door, before: object) -> None:
    """R1: refused by the rule, with no row in the code table, and written down."""
    assert callable(before)
    before(door)
    answer = door.start()
    assert reason(answer) is Reason.BLOCKED
    assert isinstance(answer, Refused)
    assert answer.rules == ("Block device code flow",)
    assert door.signins() == []
    assert [entry["detail"]["reason"] for entry in door.entries("device:signin:refused")] == ["blocked"]


def test_r1_an_open_exemption_that_admits_lets_it_begin(door: Door) -> None:
    """R1: narrowed to this client and this network, it counts at once, also where a start was refused just now."""
    assert reason(door.start()) is Reason.BLOCKED
    door.open(limits=Limits(application=CLI, network=ip_network("203.0.113.0/24")))
    assert isinstance(door.start(), Started)
    assert reason(door.start("192.0.2.1")) is Reason.BLOCKED
    assert len(door.signins()) == 1


def test_r5_the_person_decides_before_anything_is_given(door: Door) -> None:
    """R5: issued, claimed, ready, redeemed; each poll before that is pending."""
    door.open()
    begun = door.started()
    assert reason(door.poll(begun.device_code)) is Reason.PENDING
    shown = door.claimed(begun.user_code)
    assert reason(door.poll(begun.device_code)) is Reason.PENDING
    door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))
    assert isinstance(door.poll(begun.device_code), Issued)
    assert [state for _, state in door.signins()] == ["redeemed"]


def test_r5_what_is_ready_waits_five_minutes(door: Door) -> None:
    """R5: approved and not redeemed for so long is expired."""
    door.open()
    begun = door.started()
    approved(door, begun.user_code)
    door.clock.move(minutes(5))
    assert reason(door.poll(begun.device_code)) is Reason.CODE_EXPIRED


def test_r5_who_denies_ends_it(door: Door) -> None:
    """R5: denied is told to the machine, and cannot be approved any more."""
    door.open()
    begun = door.started()
    shown = door.claimed(begun.user_code)
    assert isinstance(door.run(decide.deny(door.house, door.at_browser(), shown.signin.id)), Closed)
    assert reason(door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))) is Reason.WRONG_STATE
    assert reason(door.poll(begun.device_code)) is Reason.DENIED


def test_r6_parallel_refreshes_all_go_on_with_one_head(door: Door) -> None:
    """R6: twenty processes with one cache get the same refresh token, and nothing forks."""
    door.open()
    token = signed_in(door).refresh_token or ""
    given = door.at_once([door.form("", grant_type="refresh_token", refresh_token=token) for _ in range(20)])
    heads = {one.refresh_token for one in given if isinstance(one, Issued)}
    assert len(given) == 20
    assert not [one for one in given if isinstance(one, Refused)]
    assert len(heads) == 1
    assert heads != {token}


def test_r6_an_answer_that_was_lost_is_repaired_within_a_minute(door: Door) -> None:
    """R6: the old number brings the head again; after 60 s it is a theft, and the family ends."""
    door.open()
    first = signed_in(door).refresh_token or ""
    second = door.refresh(first)
    assert isinstance(second, Issued)
    door.clock.move(seconds(59))
    again = door.refresh(first)
    assert isinstance(again, Issued)
    assert again.refresh_token == second.refresh_token
    door.clock.move(seconds(1))
    assert reason(door.refresh(first)) is Reason.TOKEN_REUSED
    assert reason(door.refresh(second.refresh_token or "")) is Reason.SESSION_ENDED
    assert len(door.entries("token:session:reused")) == 1


def test_r7_a_refresh_reaches_only_what_was_fixed_at_redemption(door: Door) -> None:
    """R7: a resource that the registration did not list then stays out of reach, and the family lives."""
    door.open()
    given = signed_in(door, scope="User.Read offline_access")
    other = door.refresh(given.refresh_token or "", scope=f"{API_URI}Read")
    assert isinstance(other, Issued)
    door.register(CLI, reach=())
    late = signed_in(door, scope="User.Read offline_access")
    door.register(CLI, reach=(API_URI,))
    assert isinstance(door.refresh(late.refresh_token or "", scope=f"{API_URI}Read"), Refused)
    assert isinstance(door.refresh(late.refresh_token or ""), Issued)


def test_r8_nothing_outlives_its_exemption(door: Door) -> None:
    """R8: tokens end with the window, and nothing is given with under a minute left or after it."""
    window = door.open(length=minutes(8))
    given = signed_in(door)
    assert given.expires_in == 8 * 60
    door.clock.move(minutes(6))
    token = door.refresh(given.refresh_token or "")
    assert isinstance(token, Issued)
    assert to_seconds(door.clock.now()) + token.expires_in <= to_seconds(window.ends)
    door.clock.move(seconds(61))
    assert reason(door.refresh(token.refresh_token or "")) is Reason.EXEMPTION_ENDED


def test_r8_what_a_person_ended_ends_its_families_whatever_else_is_open(door: Door) -> None:
    """R8: another window takes over from one that ran out, never from one that was ended."""
    window = door.open(length=hours(2))
    given = signed_in(door)
    door.open(length=hours(1))
    door.end(window)
    assert reason(door.refresh(given.refresh_token or "")) is Reason.EXEMPTION_ENDED


@pytest.mark.parametrize("before", [59, 30, 1])
def test_r8_an_extension_has_no_gap(door: Door, before: int) -> None:
    """
    R8: in the last minute of a window nothing can be minted under it; where another one is open, that takes over then,
    and nobody is signed out by refreshing a moment too late.
    """
    window, issued = door.open(length=minutes(20)), signed_in(door)
    other = door.open(length=hours(2))
    door.clock.move(Span(window.ends - door.clock.now() - seconds(before)))
    answer = door.refresh(issued.refresh_token or "")
    assert isinstance(answer, Issued), answer
    assert door.rows(select(schema.sessions.c.exemption).where(schema.sessions.c.kind == "device")) == [(other.id,)]
    door.clock.move(seconds(before + 1))
    assert door.introspect(answer.access_token).json()["active"] is True


def test_r8_a_number_that_is_brought_again_goes_on_under_the_new_window(door: Door) -> None:
    """
    R6, R8: the window ran out between the answer that was lost and the second try: what is given then counts, and the
    head is the same.
    """
    window, issued = door.open(length=minutes(20)), signed_in(door)
    door.clock.move(Span(window.ends - door.clock.now() - seconds(61)))
    head = door.refresh(issued.refresh_token or "")
    assert isinstance(head, Issued)
    other = door.open(length=hours(2))
    door.clock.move(seconds(59))
    again = door.refresh(issued.refresh_token or "")
    assert isinstance(again, Issued), again
    assert again.refresh_token == head.refresh_token
    assert door.rows(select(schema.sessions.c.exemption).where(schema.sessions.c.kind == "device")) == [(other.id,)]
    door.clock.move(seconds(3))
    assert door.introspect(again.access_token).json()["active"] is True


def test_r8_another_window_takes_over_in_writing(door: Door) -> None:
    """R8: when the first runs out, one that admits the sign-in carries it on, and the journal says so."""
    window = door.open(length=minutes(10))
    given = signed_in(door)
    door.clock.move(minutes(9))
    other = door.open(length=hours(1))
    door.clock.move(minutes(2))
    assert isinstance(door.refresh(given.refresh_token or ""), Issued)
    (entry,) = door.entries("token:session:refreshed")
    assert entry["detail"]["took_over"] == {"from": window.id, "to": other.id}


def test_r12_a_challenge_that_was_sent_is_enforced(door: Door) -> None:
    """R12: a wrong verifier gives nothing and ends nothing."""
    door.open()
    begun = door.started(challenge=challenge_of(VERIFIER), challenge_method="S256")
    approved(door, begun.user_code)
    for wrong in ("", "w" * 64):
        assert reason(door.poll(begun.device_code, code_verifier=wrong)) is Reason.BAD_VERIFIER
    assert isinstance(door.poll(begun.device_code, code_verifier=VERIFIER), Issued)


def test_r12_what_the_registration_requires_is_required_at_start(door: Door) -> None:
    """R12: without it no code exists."""
    door.open()
    door.register(CLI, pkce="required")
    assert reason(door.start()) is Reason.PKCE_REQUIRED
    assert door.signins() == []


def test_r14_two_hundred_redemptions_at_once_give_one_token(door: Door) -> None:
    """R14: one code buys one token; within a minute the others change nothing."""
    door.open()
    begun = door.started()
    approved(door, begun.user_code)
    given = door.at_once([door.form(begun.device_code) for _ in range(200)])
    (winner,) = [one for one in given if isinstance(one, Issued)]
    assert {reason(one) for one in given if one is not winner} == {Reason.BAD_CODE}
    assert isinstance(door.refresh(winner.refresh_token or ""), Issued)
    assert len(door.rows(select(schema.sessions.c.id).where(schema.sessions.c.kind == "device"))) == 1


def test_r5_sixty_people_at_once_begin_their_exemptions(door: Door) -> None:
    """R5: each first use changes what the others had in memory, and yet nobody is refused or told of a fault."""
    people = [UserId(f"7a0d1f2e-0000-4000-8000-0000000002{n:02}") for n in range(60)]
    codes = []
    for n, user in enumerate(people):
        values = {"principal_name": f"p{n}@example.com", "display_name": f"P{n}", "created": 0}
        door.change(insert(schema.users).values(id=user, **values))
        door.open(user, limits=Limits(sign_ins=1))
    for n, user in enumerate(people):
        begun = door.started(f"198.51.100.{n}")
        shown = door.claim(begun.user_code, user)
        assert isinstance(shown, Claimed), shown
        assert isinstance(door.run(decide.approve(door.house, door.at_browser(user), shown.signin.id)), Approved)
        codes.append(begun.device_code)
    given = door.at_once([door.form(code) for code in codes])
    assert [one for one in given if not isinstance(one, Issued)] == []


def test_r14_a_code_that_comes_again_after_a_minute_ends_what_it_gave(door: Door) -> None:
    """R14: a replay is a theft then; another client's is nothing."""
    door.open()
    begun = door.started()
    approved(door, begun.user_code)
    given = door.poll(begun.device_code)
    assert isinstance(given, Issued)
    door.clock.move(seconds(61))
    assert reason(door.poll(begun.device_code, client=Shown(OLD))) is Reason.BAD_CODE
    fresh = door.refresh(given.refresh_token or "")
    assert isinstance(fresh, Issued)
    assert reason(door.poll(begun.device_code)) is Reason.BAD_CODE
    assert reason(door.refresh(fresh.refresh_token or "")) is Reason.SESSION_ENDED


def test_a_sign_in_that_is_waiting_again_counts_for_the_same_source(door: Door) -> None:
    """Codes of one IPv6 /64 are one source also after a poll brought them back into memory."""
    door.open()
    begun = door.started("2001:db8::1:2")
    shown = door.claimed(begun.user_code)
    door.run(decide.change_account(door.house, door.at_browser(), shown.signin.id))
    assert len(door.house.room) == 0
    assert reason(door.poll(begun.device_code)) is Reason.PENDING
    assert door.house.room.codes.of(CLI, source_of("2001:db8::9:9")) == OpenNow(1, 1, 1)
