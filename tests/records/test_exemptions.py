"""Exemptions: who may open one, for how long, and how it ends (R1, R2, R3)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.exemptions.exemption import Limits
from ostiary.core.exemptions.opening import Opening
from ostiary.core.words.caller import Caller, Origin
from ostiary.core.words.ids import AppId, ExemptionId, UserId
from ostiary.core.words.instants import Span, hours, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.exemptions.end import announce_ends, end_exemption, end_exemptions_of
from ostiary.services.exemptions.open import open_exemption, try_opening
from ostiary.services.house import House
from ostiary.store.exemptions import Shown
from tests.clock import MovableClock
from tests.records.house import ALICE, BOB, CLI, a_house, alice, bob, journal, local, person, visit

Story = Callable[[House, MovableClock], Awaitable[None]]


def play(folder: Path, story: Story) -> None:
    """Run *story* in a fresh house."""

    async def run() -> None:
        async with a_house(folder) as (house, clock):
            await story(house, clock)

    asyncio.run(run())


def wish(**changes: Any) -> Opening:
    """An ordinary wish."""
    return Opening(**{"principal": "Bob@Example.com ", "length": hours(2), "reason": "Server work", **changes})


async def opened(house: House, caller: Caller | None = None, **changes: Any) -> Shown:
    """One that is opened."""
    given = await open_exemption(house, visit(house, caller or alice(house.clock.now())), wish(**changes))
    assert isinstance(given, Shown), given
    return given


async def refused(house: House, caller: Caller, **changes: Any) -> Refused:
    """One that is not."""
    given = await open_exemption(house, visit(house, caller), wish(**changes))
    assert isinstance(given, Refused), given
    return given


def test_the_clock_starts_at_opening_and_runs_out_by_itself(tmp_path: Path) -> None:
    """Active from the first microsecond to just before the last; no job is needed for either."""

    async def story(house: House, clock: MovableClock) -> None:
        given = (await opened(house)).exemption
        assert (given.user, given.starts, given.ends - given.starts) == (BOB, clock.now(), hours(2))
        assert given.active(given.starts)
        assert not given.active(given.ends)
        assert not given.break_glass
        assert [kind for kind, _ in await journal(house)] == ["admin:exemption:opened"]

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("length", "by_local", "fine"),
    [
        (minutes(5), False, True),
        (Span(minutes(5) - 1), False, False),
        (hours(4), False, True),
        (Span(hours(4) + 1), False, False),
        (hours(2), True, True),
        (Span(hours(2) + 1), True, False),
        (Span(0), False, False),
        (Span(-1), False, False),
    ],
)
def test_r2_lengths_are_bounded(tmp_path: Path, length: Span, by_local: bool, fine: bool) -> None:
    """Five minutes to four hours; two through the local door."""

    async def story(house: House, clock: MovableClock) -> None:
        caller = local() if by_local else alice(clock.now())
        given = await open_exemption(house, visit(house, caller), wish(length=length))
        assert isinstance(given, Shown) is fine
        assert fine or (isinstance(given, Refused) and given.reason is Reason.INVALID_VALUE)

    play(tmp_path, story)


@pytest.mark.parametrize("reason", ["", "  ", "ab", "x" * 513, "x" * 5000, "rm\x1b[31m red", "half \ud800"])
@pytest.mark.parametrize("by_local", [False, True])
def test_a_reason_is_mandatory_for_everybody(tmp_path: Path, reason: str, by_local: bool) -> None:
    """Administrators and the local door write down why, in printable words."""

    async def story(house: House, clock: MovableClock) -> None:
        no = await refused(house, local() if by_local else alice(clock.now()), reason=reason)
        assert (no.reason, no.field) == (Reason.REASON_REQUIRED, "justification")
        assert house.desk.openings.all == ()

    play(tmp_path, story)


def test_r3_only_a_fresh_browser_session_of_an_administrator_or_the_local_door_opens(tmp_path: Path) -> None:
    """Every other origin and role is refused, and each refusal of somebody known is written down."""

    async def story(house: House, clock: MovableClock) -> None:
        now = clock.now()
        stale = alice(Span(now - minutes(5) - 1))  # type: ignore[arg-type]
        cases = (
            (alice(now, Origin.DEVICE_CODE), Reason.ORIGIN_FORBIDDEN),
            (alice(now, Origin.WORKLOAD), Reason.ORIGIN_FORBIDDEN),
            (stale, Reason.STEP_UP),
            (bob(now), Reason.FORBIDDEN),
            (Caller(), Reason.NOT_SIGNED_IN),
        )
        for caller, reason in cases:
            assert (await refused(house, caller)).reason is reason
        assert [kind for kind, _ in await journal(house)] == ["admin:request:refused"] * 4

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("caller", "principal", "glass"),
    [("alice", "alice@example.com", True), ("alice", ALICE, True), ("local", "alice@example.com", True),
     ("local", "bob@example.com", False), ("alice", BOB, False)],
)  # fmt: skip
def test_r3_an_exemption_for_oneself_is_break_glass_and_alerts(
    tmp_path: Path, caller: str, principal: str, glass: bool
) -> None:
    """By any path: by name, by id, or as the operating-system user of the same name."""

    async def story(house: House, clock: MovableClock) -> None:
        who = local("alice") if caller == "local" else alice(clock.now())
        given = await opened(house, who, principal=principal)
        about = [detail["about"] for kind, detail in await journal(house) if kind == "system:alert:raised"]
        assert given.exemption.break_glass is glass
        assert about == (["break_glass"] if glass else [])

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"principal": "nobody@example.com"}, Reason.NOT_FOUND, "principalId"),
        ({"principal": "x" * 5000}, Reason.NOT_FOUND, "principalId"),
        ({"principal": "carol@example.com"}, Reason.INVALID_VALUE, "principalId"),
        ({"limits": Limits(AppId("unknown"))}, Reason.NOT_FOUND, "ostiary.applicationId"),
    ],
)
def test_what_does_not_exist_gets_no_exemption(
    tmp_path: Path, changes: dict[str, Any], reason: Reason, field: str
) -> None:
    """An unknown or disabled person and an unknown application are refused with the field's name."""

    async def story(house: House, clock: MovableClock) -> None:
        no = await refused(house, alice(clock.now()), **changes)
        assert (no.reason, no.field) == (reason, field)

    play(tmp_path, story)


def test_a_start_ahead_is_kept_and_one_within_the_skew_is_now(tmp_path: Path) -> None:
    """A client whose clock is two minutes ahead still gets a window that is open."""

    async def story(house: House, clock: MovableClock) -> None:
        now = clock.now()
        assert (await opened(house, starts=now + minutes(2))).exemption.starts == now
        assert (await opened(house, starts=now - hours(9))).exemption.starts == now
        later = (await opened(house, starts=now + hours(20), limits=Limits(CLI))).exemption
        assert later.starts == now + hours(20)
        assert not later.active(now)
        no = await refused(house, alice(now), starts=now + hours(25))
        assert no.field == "scheduleInfo.startDateTime"

    play(tmp_path, story)


def test_trying_says_the_same_and_leaves_nothing(tmp_path: Path) -> None:
    """`isValidationOnly` neither opens nor writes."""

    async def story(house: House, clock: MovableClock) -> None:
        given = await try_opening(house, visit(house, alice(clock.now())), wish())
        no = await try_opening(house, visit(house, alice(clock.now())), wish(reason=""))
        assert isinstance(given, Shown)
        assert isinstance(no, Refused)
        await house.desk.reload()
        assert house.desk.openings.all == ()
        assert await journal(house) == []

    play(tmp_path, story)


def test_opening_and_ending_tell_every_node(tmp_path: Path) -> None:
    """Memory that is reloaded sees the window, and sees it gone."""

    async def story(house: House, clock: MovableClock) -> None:
        given = (await opened(house)).exemption
        await house.desk.reload()
        assert [o.exemption.id for o in house.desk.openings.all] == [given.id]
        ended = await end_exemption(house, visit(house, alice(clock.now())), given.id, "Done")
        assert isinstance(ended, Shown)
        assert not ended.exemption.active(clock.now())
        await house.desk.reload()
        assert house.desk.openings.all == ()

    play(tmp_path, story)


def test_ones_own_may_be_ended_from_any_origin_without_a_reason(tmp_path: Path) -> None:
    """Closing is never held up; the journal says that its own person released it."""

    async def story(house: House, clock: MovableClock) -> None:
        given = (await opened(house)).exemption
        done = await end_exemption(house, visit(house, bob(clock.now(), Origin.DEVICE_CODE)), given.id)
        assert isinstance(done, Shown)
        assert done.exemption.end_cause == "released"
        assert (await journal(house))[-1][1]["cause"] == "released"

    play(tmp_path, story)


def test_nobody_ends_what_is_somebody_elses_without_being_allowed(tmp_path: Path) -> None:
    """Another person hears the same about a window that exists and one that does not."""

    async def story(house: House, clock: MovableClock) -> None:
        given = (await opened(house, principal="alice@example.com")).exemption
        for id in (given.id, ExemptionId("unknown")):
            no = await end_exemption(house, visit(house, bob(clock.now())), id, "Mine")
            assert isinstance(no, Refused)
            assert no.reason is Reason.FORBIDDEN
        carried = visit(house, alice(clock.now(), Origin.DEVICE_CODE))
        other = (await opened(house)).exemption
        no = await end_exemption(house, carried, other.id, "From afar")
        assert isinstance(no, Refused)
        assert no.reason is Reason.ORIGIN_FORBIDDEN
        no = await end_exemption(house, visit(house, alice(clock.now())), other.id)
        assert isinstance(no, Refused)
        assert no.reason is Reason.REASON_REQUIRED

    play(tmp_path, story)


def test_ending_is_one_compare_and_swap(tmp_path: Path) -> None:
    """Of twenty that end at once, one does; what ran out cannot be ended any more."""

    async def story(house: House, clock: MovableClock) -> None:
        given = (await opened(house)).exemption
        deeds = [end_exemption(house, visit(house, alice(clock.now())), given.id, "Race") for _ in range(20)]
        answers = await asyncio.gather(*deeds)
        assert sum(isinstance(answer, Shown) for answer in answers) == 1
        assert {a.reason for a in answers if isinstance(a, Refused)} == {Reason.CONFLICT}
        second = (await opened(house)).exemption
        clock.move(hours(2))
        late = await end_exemption(house, visit(house, alice(clock.now())), second.id, "Late")
        assert isinstance(late, Refused)
        assert late.reason is Reason.CONFLICT

    play(tmp_path, story)


def test_windows_overlap_and_all_of_one_person_end_together(tmp_path: Path) -> None:
    """`adminRemove` names the person: everything of theirs that stands ends, nobody else's."""

    async def story(house: House, clock: MovableClock) -> None:
        mine = [await opened(house), await opened(house, starts=clock.now() + hours(1))]
        other = await opened(house, principal=ALICE)
        done = await end_exemptions_of(house, visit(house, local()), "bob@example.com", "Incident 12")
        assert isinstance(done, list)
        assert {s.exemption.id for s in done} == {s.exemption.id for s in mine}
        await house.desk.reload()
        assert [o.exemption.id for o in house.desk.openings.all] == [other.exemption.id]
        again = await end_exemptions_of(house, visit(house, local()), UserId(BOB), "Incident 12")
        assert isinstance(again, Refused)
        assert again.reason is Reason.CONFLICT

    play(tmp_path, story)


def test_an_end_is_announced_once_and_announcing_decides_nothing(tmp_path: Path) -> None:
    """However often and late the job runs: one entry for each that ran out, none for those ended before."""

    async def story(house: House, clock: MovableClock) -> None:
        first = (await opened(house, length=minutes(5))).exemption
        twin = (await opened(house, length=minutes(5))).exemption
        ended = (await opened(house, length=minutes(10))).exemption
        await end_exemption(house, visit(house, alice(clock.now())), ended.id, "Done early")
        clock.move(seconds(299))
        assert await announce_ends(house, visit(house)) == 0
        clock.move(seconds(1))
        await house.desk.reload()
        before = house.desk.openings.version
        assert await announce_ends(house, visit(house)) == 2
        clock.move(hours(1))
        assert [await announce_ends(house, visit(house)) for _ in range(3)] == [0, 0, 0]
        said = [d["user"] for kind, d in await journal(house) if kind == "system:exemption:ran_out"]
        assert said == [first.user, twin.user]
        await house.desk.reload()
        assert house.desk.openings.version == before

    play(tmp_path, story)


def test_a_role_alone_opens_nothing(tmp_path: Path) -> None:
    """An administrator's token without the scope is refused."""

    async def story(house: House, clock: MovableClock) -> None:
        caller = person(ALICE, *alice(clock.now()).roles, at=clock.now())  # type: ignore[arg-type]
        scoped = Caller(**{f: getattr(caller, f) for f in caller.__slots__} | {"client": CLI, "scopes": frozenset()})
        assert (await refused(house, scoped)).reason is Reason.FORBIDDEN

    play(tmp_path, story)
