"""Jobs: one node runs what all nodes share, and an orderly stop loses nothing that was counted."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ostiary.app.config import Config
from ostiary.app.jobs import JOBS, Job, Leases, end_jobs, run_jobs, run_once
from ostiary.app.sample import found_sample
from ostiary.app.wiring import DATABASE, close_house, open_house, open_parts
from ostiary.core.words.instants import seconds
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.store import logs
from ostiary.store.sqlite import SqliteStore
from tests.clock import MovableClock
from tests.process import CLI, Process
from tests.server import CHEAP


@dataclass
class Node:
    """A node on the shared database, with a job that counts its own runs."""

    house: House
    held: Leases
    runs: int = 0

    async def turn(self, job: Job) -> bool:
        """One call of *job* by the clock; whether it ran."""

        async def deed(house: House, visit: Visit) -> None:
            self.runs += 1

        return await run_once(self.house, replace(job, deed=deed), self.held)


Story = Callable[[Node, Node, MovableClock], Coroutine[Any, Any, None]]
ENDS = next(job for job in JOBS if job.name == "ends")


def play(folder: Path, story: Story) -> None:
    """Two nodes on one database, each with its own stream."""

    async def run() -> None:
        clock = MovableClock()
        parts = await open_parts(Config(data=folder / "data"), {}, sample=True, clock=clock, cost=CHEAP)
        await found_sample(parts)
        first = await open_house(parts)
        store = SqliteStore(folder / "data" / DATABASE, stream="second", salt=lambda: b"s" * 16)
        await store.write(lambda tx: logs.open_stream(tx, "second"))
        try:
            await story(Node(first, Leases()), Node(replace(first, store=store), Leases()), clock)
        finally:
            await store.close()
            await close_house(first, parts)

    asyncio.run(run())


def test_of_two_runners_one_runs(tmp_path: Path) -> None:
    """Whoever comes first keeps the job as long as it goes on."""

    async def story(one: Node, other: Node, clock: MovableClock) -> None:
        for _ in range(200):
            assert await one.turn(ENDS)
            assert not await other.turn(ENDS)
            clock.move(seconds(1))
        assert (one.runs, other.runs) == (200, 0)

    play(tmp_path, story)


def test_the_lease_of_a_dead_holder_is_taken_over_when_it_runs_out(tmp_path: Path) -> None:
    """Not a moment sooner; and the dead one that wakes up again does not run."""

    async def story(one: Node, other: Node, clock: MovableClock) -> None:
        assert await one.turn(ENDS)
        clock.move(seconds(59))
        assert not await other.turn(ENDS)
        clock.move(seconds(1))
        assert await other.turn(ENDS)
        assert not await one.turn(ENDS)
        assert (one.runs, other.runs) == (1, 1)

    play(tmp_path, story)


def test_a_node_that_stops_in_order_leaves_its_leases_free(tmp_path: Path) -> None:
    """The others need not wait for them to run out."""

    async def story(one: Node, other: Node, clock: MovableClock) -> None:
        assert await one.turn(ENDS)
        await end_jobs(one.house)
        assert await other.turn(ENDS)

    play(tmp_path, story)


def test_a_lease_from_a_clock_that_went_back_counts_as_over(tmp_path: Path) -> None:
    """Else one wrong clock would stop a job for as long as it was wrong."""

    async def story(one: Node, other: Node, clock: MovableClock) -> None:
        clock.move(seconds(7200))
        assert await one.turn(ENDS)
        clock.move(seconds(-7200))
        assert await other.turn(ENDS)
        assert not await one.turn(ENDS)

    play(tmp_path, story)


def test_taking_a_lease_at_once_has_one_winner(tmp_path: Path) -> None:
    """Compare-and-swap: also when nobody ever held it, and when it ran out for both."""

    async def story(one: Node, other: Node, clock: MovableClock) -> None:
        for _ in range(3):
            ran = await asyncio.gather(one.turn(ENDS), other.turn(ENDS))
            assert sum(ran) == 1
            clock.move(seconds(61))

    play(tmp_path, story)


def test_what_a_node_keeps_in_memory_is_its_own_job(tmp_path: Path) -> None:
    """Counted refusals and the ring of keys are looked after by every node."""

    async def story(one: Node, other: Node, clock: MovableClock) -> None:
        for job in JOBS:
            assert await one.turn(job)
            assert await other.turn(job) is job.own
        assert {job.name for job in JOBS if job.own} == {"floods", "keys"}

    play(tmp_path, story)


def test_a_held_lease_costs_no_write(tmp_path: Path) -> None:
    """A job that runs four times a second must not sync the disk four times a second."""

    async def story(one: Node, other: Node, clock: MovableClock) -> None:
        writes = 0

        class Counting(SqliteStore):
            async def write(self, body: Any) -> Any:
                nonlocal writes
                writes += 1
                return await super().write(body)

        one.house.store.__class__ = Counting
        for _ in range(240):
            assert await one.turn(ENDS)
            clock.move(seconds(0.25))
        assert writes <= 3

    play(tmp_path, story)


def test_a_job_that_fails_is_run_again(tmp_path: Path) -> None:
    """And the others do not notice."""

    async def story(one: Node, other: Node, clock: MovableClock) -> None:
        tries = 0
        again = asyncio.Event()

        async def failing(house: House, visit: Visit) -> None:
            nonlocal tries
            tries += 1
            if tries == 3:
                again.set()
            raise ValueError("no")

        running = asyncio.create_task(run_jobs(one.house, (Job("failing", 0, failing),)))
        await asyncio.wait_for(again.wait(), 20)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    play(tmp_path, story)


def test_r21_an_orderly_stop_writes_what_was_only_counted(tmp_path: Path) -> None:
    """Refusals beyond the twentieth of the running minute wait in memory; SIGTERM loses none of them."""
    with Process(tmp_path) as process:
        process.start()
        with process.visitor() as machine:
            form = {"client_id": CLI, "scope": f"{process.origin}/.default"}
            for _ in range(50):
                assert machine.http.post("/common/oauth2/v2.0/devicecode", data=form).status_code == 403
        process.end()
        assert process.running.returncode == 0
        db = sqlite3.connect(process.data / DATABASE)
        rows = db.execute("SELECT count(*) FROM journal WHERE kind = 'device:signin:refused'").fetchone()[0]
        counted = db.execute(
            "SELECT coalesce(sum(json_extract(body, '$.detail.count')), 0) FROM journal WHERE kind LIKE '%refused%' "
            "AND json_extract(body, '$.detail.count') IS NOT NULL"
        ).fetchone()[0]
        held = db.execute("SELECT count(*) FROM leases WHERE until > (SELECT max(at) FROM journal)").fetchone()[0]
        db.close()
    assert rows + counted == 50
    assert counted >= 50 - 2 * 20, "the minute may have changed in between"
    assert held == 0
