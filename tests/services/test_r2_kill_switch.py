"""The kill switch by its deeds: what it stops at once and for good, who turns it, and what off takes."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, update

from ostiary.core.directory.people import Role
from ostiary.core.graph.kill_switch import ShownSwitch
from ostiary.core.signins.view import Approved
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import hours, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.kill_switch import look, turn_off, turn_on
from ostiary.services.signins import decide
from ostiary.services.tokens.introspect import introspect
from ostiary.services.tokens.issue import Issued
from ostiary.store import schema
from tests.services.door import Door
from tests.web.oauth.site import ALICE, API, BOB, SECRETS

ALL = frozenset({Role.ADMINISTRATOR})


def reason(answer: object) -> Reason:
    """Why *answer* is no."""
    assert isinstance(answer, Refused), answer
    return answer.reason


def administrator(door: Door, who: UserId = ALICE) -> Visit:
    """A request of *who*, an administrator who proved it just now."""
    door.change(update(schema.users).where(schema.users.c.id == who).values(roles='["administrator"]'))
    visit = door.at_browser(who)
    return replace(visit, caller=replace(visit.caller, roles=ALL))


def turned(door: Door, deed: Coroutine[Any, Any, ShownSwitch | Refused]) -> ShownSwitch:
    """A turn that succeeds."""
    answer = door.run(deed)
    assert isinstance(answer, ShownSwitch), answer
    return answer


def on(door: Door, visit: Visit | None = None) -> ShownSwitch:
    """Turned on, a second after whatever was before."""
    door.clock.move(seconds(1))
    visit = replace(visit, now=door.clock.now()) if visit else door.local()
    return turned(door, turn_on(door.house, visit, "a phishing wave"))


def off(door: Door, visit: Visit) -> ShownSwitch | Refused:
    """One person's word for off."""
    return door.run(turn_off(door.house, replace(visit, now=door.clock.now()), "it is over"))


def signed_in(door: Door) -> tuple[str, Issued]:
    """A device sign-in that gave tokens, and its device code."""
    door.open(length=hours(4))
    begun = door.started()
    shown = door.claimed(begun.user_code)
    assert isinstance(door.run(decide.approve(door.house, door.at_browser(), shown.signin.id)), Approved)
    issued = door.poll(begun.device_code)
    assert isinstance(issued, Issued), issued
    return begun.device_code, issued


def renewed(door: Door, issued: Issued) -> Issued | Refused:
    """What its refresh token gives."""
    return door.refresh(issued.refresh_token or "")


def active(door: Door, token: str) -> bool:
    """Whether the API that the token is for may still believe it."""
    shown = Shown(API, client_secret=SECRETS[API])
    return door.run(introspect(door.house, door.at_machine(), shown, token)) is not None


def test_r2_while_it_is_on_no_code_exists(door: Door) -> None:
    """R2: a start is refused with a reason of its own although somebody could pass, and the code table stays empty."""
    door.open()
    on(door)
    assert reason(door.start()) is Reason.KILLED
    assert door.signins() == []
    (entry,) = door.entries("device:signin:refused")
    assert entry["detail"]["reason"] == "killed"


def test_r2_nothing_pending_is_claimed_approved_or_redeemed(door: Door) -> None:
    """R2: one sign-in at each step; none goes further while it is on, nor when it is off again."""
    door.open()
    issued, claimed, ready = door.started(), door.started(), door.started()
    held = door.claimed(claimed.user_code).signin.id
    approved = door.claimed(ready.user_code).signin.id
    assert isinstance(door.run(decide.approve(door.house, door.at_browser(), approved)), Approved)
    on(door)
    assert reason(door.claim(issued.user_code)) is Reason.KILLED
    assert reason(door.run(decide.approve(door.house, door.at_browser(), held))) is Reason.KILLED
    assert reason(door.poll(ready.device_code)) is Reason.KILLED
    assert isinstance(off(door, door.local()), ShownSwitch)
    assert reason(door.claim(issued.user_code)) is Reason.KILLED
    for begun in (issued, claimed, ready):
        assert isinstance(door.poll(begun.device_code), Refused)
    assert not door.entries("device:signin:redeemed")
    assert {state for _, state in door.signins()} == {"denied"}


def test_r2_a_waiting_machine_hears_it_at_its_next_poll(door: Door) -> None:
    """The waiting room says "not yet" from memory: the switch makes each poll ask the store."""
    door.open()
    begun = door.started()
    assert len(door.house.room) == 1
    on(door)
    assert len(door.house.room) == 0
    assert reason(door.poll(begun.device_code)) is Reason.KILLED


def test_r8_what_a_code_gave_is_over_for_good(door: Door) -> None:
    """R8, killed: refresh and introspection refuse at once, though the exemption is open, also when it is off again."""
    _, issued = signed_in(door)
    assert active(door, issued.access_token)
    on(door)
    assert not active(door, issued.access_token)
    assert reason(renewed(door, issued)) is Reason.KILLED
    assert isinstance(off(door, door.local()), ShownSwitch)
    assert not active(door, issued.access_token)
    assert reason(renewed(door, issued)) is Reason.SESSION_ENDED


def test_a_sign_in_after_it_lives(door: Door) -> None:
    """Off is off: a new code, its tokens and their renewal."""
    on(door)
    off(door, door.local())
    door.clock.move(seconds(1))
    _, issued = signed_in(door)
    assert isinstance(renewed(door, issued), Issued)


def test_r2_one_administrator_proposes_and_another_turns_it_off(door: Door) -> None:
    """R2: the first word changes nothing but is seen, written and alerted; the second one's does it."""
    first, second = administrator(door), administrator(door, BOB)
    on(door, first)
    proposed = off(door, first)
    assert isinstance(proposed, ShownSwitch)
    assert proposed.switch.on
    assert proposed.proposal is not None
    assert proposed.proposal.reason == "it is over"
    assert reason(off(door, first)) is Reason.WRONG_STATE  # the same one again
    assert reason(door.start()) is Reason.KILLED
    confirmed = off(door, second)
    assert isinstance(confirmed, ShownSwitch)
    assert not confirmed.switch.on
    (entry,) = door.entries("admin:kill_switch:off")
    assert entry["detail"]["proposed_by"] == f"user:{ALICE}"
    raised = [entry["detail"]["about"] for entry in door.entries("system:alert:raised")]
    assert raised == ["kill_switch on", "kill_switch off_proposed", "kill_switch off"]


@pytest.mark.parametrize("left", ["late", "disabled", "demoted", "deleted", "objected"])
def test_a_proposal_that_stands_no_more_counts_for_nothing(door: Door, left: str) -> None:
    """After half an hour, of somebody who is no administrator any more, or withdrawn: the next word only proposes."""
    first, second = administrator(door), administrator(door, BOB)
    on(door, first)
    off(door, first)
    mine = schema.users.c.id == ALICE
    if left == "late":
        door.clock.move(minutes(30))
        fresh = replace(second.caller, authenticated_at=door.clock.now())
        second = replace(second, caller=fresh)
    elif left == "objected":
        on(door, second)
    elif left == "deleted":
        door.change(delete(schema.users).where(mine))
    else:
        door.change(update(schema.users).where(mine).values({"enabled": 0} if left == "disabled" else {"roles": "[]"}))
    answer = off(door, second)
    assert isinstance(answer, ShownSwitch)
    assert answer.switch.on
    assert answer.proposal is not None
    assert answer.proposal.by == f"user:{BOB}"


def test_r3_turning_needs_an_administrator_who_proved_it_now(door: Door) -> None:
    """R3: not anybody, not by a device sign-in, not with an old proof, and never without a reason (R2)."""
    nobody = door.at_browser(BOB)
    chief = administrator(door)
    old = replace(chief, caller=replace(chief.caller, authenticated_at=None))
    for visit, why in ((nobody, Reason.FORBIDDEN), (old, Reason.STEP_UP)):
        for deed in (turn_on, turn_off):
            assert reason(door.run(deed(door.house, visit, "because"))) is why
    for visit in (chief, door.local()):
        for deed in (turn_on, turn_off):
            assert reason(door.run(deed(door.house, visit, " "))) is Reason.REASON_REQUIRED
    assert reason(off(door, chief)) is Reason.WRONG_STATE  # it is off
    assert not door.entries("admin:kill_switch:on")


def test_who_may_not_administer_sees_that_it_is_on_and_nothing_else(door: Door) -> None:
    """The reason of an incident is for those who handle it."""
    on(door)
    seen = door.run(look(door.house, door.at_browser(BOB)))
    assert isinstance(seen, ShownSwitch)
    assert (seen.switch.on, seen.whole) == (True, False)
    chief = door.run(look(door.house, administrator(door)))
    assert isinstance(chief, ShownSwitch)
    assert chief.whole


def test_browsers_and_their_refreshes_go_on(door: Door) -> None:
    """Only what began with a device code is stopped."""
    on(door)
    door.sign_in()
    answer = door.redeem(door.code(scope="https://api.example/Read offline_access openid"))
    assert answer.status_code == 200, answer.text
    assert active(door, answer.json()["access_token"])
    assert isinstance(door.refresh(answer.json()["refresh_token"]), Issued)
