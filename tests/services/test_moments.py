"""What time did, among many requests and exemptions: every one is looked at, by few statements."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.exemptions.request import Act, Decision, Phase, Request
from ostiary.core.logs.kinds import Kind
from ostiary.core.notices.moments import OWED_SINCE
from ostiary.core.words.ids import ExemptionId, GroupId, UserId
from ostiary.core.words.instants import Instant, after, days, hours, minutes
from ostiary.services.house import House
from ostiary.services.notices import moments as job
from ostiary.store import Tx, exemptions, moments, requests, schema
from ostiary.store.moments import Place
from ostiary.store.sql import sql
from tests.clock import MovableClock
from tests.records.house import ALICE, BOB, GROUP, a_house, journal, visit

Story = Callable[[House, MovableClock], Awaitable[None]]
TOLD = {Kind.REQUEST_REMINDED, Kind.REQUEST_LAPSES_SOON, Kind.EXEMPTION_ENDS_SOON, Kind.REVIEW_OWED}


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Story], None]:
    """Run a story in a fresh house that looks at three rows in one go."""
    monkeypatch.setattr(job, "PIECE", 3)
    monkeypatch.setattr(job, "BATCH", 2)

    def run(story: Story) -> None:
        async def whole() -> None:
            async with a_house(tmp_path) as (house, clock):
                await story(house, clock)

        asyncio.run(whole())

    return run


def asks(id: str, at: Instant, **more: Any) -> Request:
    """Bob asks."""
    return Request(
        ExemptionId(id), Act.ACTIVATE, UserId(BOB), GroupId(GROUP), f"user:{BOB}", "fix", hours(1), at,
        **{"ends": after(at, hours(24)), **more},
    )  # fmt: skip


def runs(id: str, at: Instant, **more: Any) -> Exemption:
    """An hour for Bob."""
    return Exemption(
        ExemptionId(id), UserId(BOB), GroupId(GROUP), "fix", at, after(at, hours(1)), at, f"user:{BOB}", **more
    )


async def keep(house: House, *rows: Request | Exemption) -> None:
    """Write them."""

    async def body(tx: Tx) -> None:
        for row in rows:
            await (requests.add(tx, row) if isinstance(row, Request) else exemptions.add(tx, row))

    await house.store.write(body)


async def told(house: House) -> list[tuple[str, dict[str, object]]]:
    """What time did, as the journal has it."""
    return [entry for entry in await journal(house) if entry[0] in TOLD]


async def look(house: House) -> int:
    """One run of the job."""
    return await job.announce_moments(house, visit(house))


def test_every_request_that_waits_is_reminded_once_and_before_it_lapses(
    play: Callable[[Story], None],
) -> None:
    """However many wait, made at one moment or one after another: each is looked at in each run."""

    async def story(house: House, clock: MovableClock) -> None:
        start = clock.now()
        await keep(house, *(asks(f"same{n}", start) for n in range(4)))
        await keep(house, *(asks(f"next{n}", after(start, minutes(n))) for n in range(1, 5)))
        clock.move(minutes(29))
        assert await look(house) == 0
        clock.move(minutes(6))
        assert await look(house) == 8
        assert await look(house) == 0
        clock.move(hours(22))
        clock.move(minutes(26))
        assert await look(house) == 5, "the oldest lapse in an hour, and one of those that came later"
        assert Counter(kind for kind, _ in await told(house)) == {
            Kind.REQUEST_REMINDED: 8, Kind.REQUEST_LAPSES_SOON: 5,
        }  # fmt: skip

    play(story)


def test_every_exemption_that_ends_is_warned_of(play: Callable[[Story], None]) -> None:
    """Many that end at one moment hide none of each other, nor those that were told before."""

    async def story(house: House, clock: MovableClock) -> None:
        start = clock.now()
        await keep(house, *(runs(f"first{n}", start) for n in range(5)))
        await keep(house, *(runs(f"then{n}", after(start, minutes(5))) for n in range(5)))
        clock.move(minutes(50))
        assert await look(house) == 5
        clock.move(minutes(5))
        assert await look(house) == 5
        assert {kind for kind, _ in await told(house)} == {Kind.EXEMPTION_ENDS_SOON}

    play(story)


def test_a_review_is_spoken_of_for_two_weeks_and_old_ones_are_not_read_any_more(play: Callable[[Story], None]) -> None:
    """Newer ones never hide older ones; those that nobody ever wrote do not cost each run more."""

    async def story(house: House, clock: MovableClock) -> None:
        start = clock.now()
        for n in range(7):
            glass = {"break_glass": True}
            await keep(house, asks(f"g{n}", start, phase=Phase.APPROVED, **glass), runs(f"g{n}", start, **glass))
        clock.move(hours(2))
        assert await look(house) == 7
        assert await look(house) == 0
        clock.move(days(1))
        assert await look(house) == 7
        clock.move(days(13))
        assert await look(house) == 0

        async def old(tx: Tx) -> int:
            return len((await moments.owed(tx, Place(Instant(clock.now() - OWED_SINCE)), most=100))[0])

        assert await house.store.read(old) == 7, "not spoken of any more, and read for a week longer"
        clock.move(days(7))
        assert await house.store.read(old) == 0

    play(story)


def test_rules_that_nobody_can_read_silence_no_other_group(play: Callable[[Story], None]) -> None:
    """Requests of the broken group get no reminders, which name approvers; all else goes on."""

    async def story(house: House, clock: MovableClock) -> None:
        start, other = clock.now(), "6f2b9d1e-0000-4000-8000-0000000000ff"
        group = sql(insert(schema.groups).values(id=other, display_name="Other", created=0))
        rules = sql(
            insert(schema.exemption_rules).values(
                group=other, documents='{"Approval_EndUser_Assignment": {"setting": 7}}', modified=0, modified_by="x"
            )
        )

        async def broken(tx: Tx) -> None:
            await tx.run(group)
            await tx.run(rules)

        await house.store.write(broken)
        await keep(house, replace(asks("broken", start), group=GroupId(other)), asks("whole", start), runs("x", start))
        clock.move(minutes(55))
        assert await look(house) == 2
        assert {kind for kind, _ in await told(house)} == {Kind.EXEMPTION_ENDS_SOON, Kind.REQUEST_REMINDED}

    play(story)


class Counting:
    """A transaction that counts its statements."""

    def __init__(self, tx: Tx) -> None:
        """None yet."""
        self.tx, self.count = tx, 0

    def __getattr__(self, name: str) -> Any:
        """The transaction's own, counted."""
        self.count += 1
        return getattr(self.tx, name)


def test_a_piece_is_read_by_as_many_statements_however_many_rows_it_has(play: Callable[[Story], None]) -> None:
    """Requests with their exemption and decisions are joined; which moments were told is asked for all at once."""

    async def story(house: House, clock: MovableClock) -> None:
        await keep(house, *(asks(f"r{n}", clock.now()) for n in range(30)))
        said = Decision(UserId(ALICE), "alice", 0, True, "yes", clock.now())

        async def body(tx: Tx) -> None:
            for n in range(30):
                await requests.decide(tx, ExemptionId(f"r{n}"), said)

        await house.store.write(body)

        async def count(tx: Tx) -> list[int]:
            counts = []
            for most in (1, 30):
                counted: Any = Counting(tx)
                found, _ = await moments.waiting(counted, Place(clock.now()), now=clock.now(), most=most)
                assert [each.request.decisions for each in found] == [(said,)] * most
                await moments.told(counted, [each.request.id for each in found])
                counts.append(counted.count)
            return counts

        one, many = await house.store.read(count)
        assert one == many == 3

    play(story)
