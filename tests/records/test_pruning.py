"""Retention on a real database (R15): what is old goes with an announcement, and readers lose nothing."""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ostiary.app.jobs import JOBS
from ostiary.core.logs.canonical import canonical
from ostiary.core.logs.checkpoint import read_key
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.evidence import Damage, verify
from ostiary.core.logs.export_lines import canonical_text
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.merkle import leaf_hash
from ostiary.core.signals.streams import Method, Stream
from ostiary.core.words.instants import days
from ostiary.outside.random import SystemRandom
from ostiary.outside.vault import MasterKey
from ostiary.services.detections.read import run_detections
from ostiary.services.house import House
from ostiary.services.logs import prune as pruning
from ostiary.services.logs.checkpoints import log_keys, newest_checkpoint, rotate_log_key, seal
from ostiary.services.logs.prune import prune
from ostiary.services.logs.record import record
from ostiary.services.logs.stories import catch_up
from ostiary.services.notices.read import read_journal
from ostiary.services.signals.transmit import begin, transmit
from ostiary.store import Tx, gone, logs, signals
from ostiary.store.schema import cursors
from ostiary.store.sql import sql as compiled
from tests.clock import MovableClock
from tests.records.house import BOB, CLI, a_house, alice, journal, visit
from tests.records.test_checkpoints import exported, happen, judged, sql

Play = Callable[[House, MovableClock], Awaitable[None]]


def play(folder: Path, story: Play) -> None:
    """Run *story* in a house that keeps its journal for 40 days."""

    async def main() -> None:
        async with a_house(folder) as (house, clock):
            await story(replace(house, settings=replace(house.settings, journal_kept=days(40))), clock)

    asyncio.run(main())


async def read(house: House) -> None:
    """What the jobs do in less than a second."""
    await catch_up(house, visit(house))
    await run_detections(house, visit(house))
    await read_journal(house, visit(house))
    await seal(house, visit(house))


async def leave(house: House, *entries: Entry) -> None:
    """These entries."""

    async def body(tx: Tx) -> None:
        for entry in entries:
            await record(tx, visit(house), entry)

    await house.store.write(body)


def test_r15_what_is_old_goes_and_the_gap_is_announced(tmp_path: Path) -> None:
    """In pieces, each announced; an export to the end holds, with a kept checkpoint too; young entries stay."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 600)
        await read(house)
        kept = await newest_checkpoint(house)
        clock.move(days(41))
        await happen(house, 10)
        await read(house)
        assert await prune(house, visit(house)) == 601  # the sealer's first key as well
        assert await prune(house, visit(house)) == 0
        kinds = [kind for kind, _ in await journal(house)]
        assert kinds == [Kind.USER_CREATED] * 10 + [Kind.LOG_PRUNED] * 3
        report = await judged(house, kept)  # type: ignore[arg-type]
        assert (report.found, report.gone, len(report.announcements)) == (None, 601, 3)
        assert {one.reason for one in report.announcements} == {"kept for 40 days"}
        await seal(house, visit(house))
        clock.move(days(100))
        assert await prune(house, visit(house)) == 10  # and not what nobody has read
        await read(house)
        assert await prune(house, visit(house)) > 0
        assert [kind for kind, _ in await journal(house)].count(Kind.LOG_PRUNED) == 5
        assert (await judged(house)).found is None

    play(tmp_path, story)


def test_r15_a_row_removed_beside_the_announced_ones_is_named(tmp_path: Path) -> None:
    """Retention hides no deletion."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 20)
        await read(house)
        clock.move(days(41))
        await happen(house, 5)
        await read(house)
        assert await prune(house, visit(house)) == 21
        sql(tmp_path, "DELETE FROM journal WHERE number = 23")
        found = (await judged(house)).found
        assert found is not None
        assert found.damage is Damage.REMOVED
        assert "entry 22 " in found.text

    play(tmp_path, story)


def test_r15_who_writes_the_database_announces_nothing(tmp_path: Path) -> None:
    """A row removed, and one put there that announces it and that the sealer signs: without the log's key, damage."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 10)
        await read(house)
        detail = {"places": [[4, 4]], "count": 1, "reason": "kept for 40 days"}
        forged = canonical(
            Entry(Kind.LOG_PRUNED, target="log", detail=detail), visit(house), stream="n1", number=12, salt=b"x" * 16
        )
        with sqlite3.connect(tmp_path / "ostiary.db", isolation_level=None) as db:
            db.execute("DELETE FROM journal WHERE number = 5")
            db.execute("UPDATE streams SET head = head + 1")
            db.execute(
                """INSERT INTO journal (stream, number, kind, at, story, actor, target, body, leaf)
                SELECT stream, (SELECT head FROM streams), ?, at, 'x', actor, 'log', ?, ?
                FROM journal WHERE number = 11""",
                (Kind.LOG_PRUNED.value, forged.decode(), leaf_hash(forged)),
            )
        await happen(house, 1)
        report = await judged(house)
        assert any(kind == Kind.LOG_PRUNED for kind, _ in await journal(house))
        assert report.found is not None
        assert report.found.damage is Damage.REMOVED
        assert "entry 4 " in report.found.text
        assert report.announcements == ()

    play(tmp_path, story)


BACKDATED = {
    "the row": ("UPDATE journal SET at = 1 WHERE number = 5", None),
    "the row and the entry": (
        """UPDATE journal SET at = 1, body = json_set(body, '$.at', 1) WHERE number = 5""", Damage.CHANGED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BACKDATED)
def test_r15_an_entry_is_as_old_as_it_says_itself(tmp_path: Path, what: str) -> None:
    """An older date in the database takes nothing out of the journal: it stays, administrators are told."""
    statement, damage = BACKDATED[what]

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 10)
        await read(house)
        sql(tmp_path, statement)
        assert await prune(house, visit(house)) == 0
        assert [d["about"] for kind, d in await journal(house) if kind == Kind.ALERT] == ["journal_changed"]
        await read(house)
        found = (await judged(house)).found
        assert (found and found.damage) is damage
        clock.move(days(41))
        await happen(house, 1)
        await read(house)
        await prune(house, visit(house))
        left = [number for (number,) in sql_rows(tmp_path, "SELECT number FROM journal WHERE number <= 10")]
        assert left == ([] if damage is None else [5])  # what was changed stays for good

    play(tmp_path, story)


def test_r15_an_altered_entry_is_told_once_and_another_one_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often retention runs and however its pieces fall; the same one altered further is told again too."""

    async def story(house: House, clock: MovableClock) -> None:
        async def told(prunes: int = 3) -> list[str]:
            for _ in range(prunes):
                await read(house)
                await prune(house, visit(house))
            return [str(d["text"]).split()[0] for k, d in await journal(house) if d.get("about") == "journal_changed"]

        await happen(house, 30)
        await read(house)
        clock.move(days(41))
        await happen(house, 5)
        assert await told(0) == []
        for number in (20, 22):
            sql(tmp_path, f"UPDATE journal SET body = json_set(body, '$.target', 'x') WHERE number = {number}")
        assert await told() == ["2"]
        monkeypatch.setattr(pruning, "BATCH", 1)
        assert await told() == ["2"]
        monkeypatch.undo()
        sql(tmp_path, "UPDATE journal SET at = 1, body = json_set(body, '$.target', 'x') WHERE number = 33")
        assert await told() == ["2", "3"]
        sql(tmp_path, "UPDATE journal SET body = json_set(body, '$.target', 'y') WHERE number = 20")
        assert await told() == ["2", "3", "3"]
        clock.move(days(41))
        await happen(house, 1)
        assert (await told(1))[-1:] == ["3"]  # the alerts went by age: what still stands is told anew

    play(tmp_path, story)


def test_r15_what_went_before_its_time_is_named(tmp_path: Path) -> None:
    """
    An entry made old together with its hash in the tree and its checkpoint's row, until retention has taken it, and the
    hash put back: the tree is whole and the gap announced by the log's key, but checkpoints say when it was sealed.
    """

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 10)
        await read(house)
        clock.move(days(30))
        await happen(house, 10)
        await read(house)
        ((text, leaf),) = sql_rows(tmp_path, "SELECT body, leaf FROM journal WHERE number = 15")
        old = json.loads(text) | {"at": 1}
        body = canonical_text(old)
        with sqlite3.connect(tmp_path / "ostiary.db", isolation_level=None) as db:
            db.execute("UPDATE checkpoints SET at = 1")
            db.execute("UPDATE journal SET at = 1, body = ? WHERE number = 15", (body,))
            db.execute("UPDATE log_leaves SET leaf = ? WHERE number = 15", (leaf_hash(body.encode()),))
        clock.move(days(11))
        await read(house)
        assert await prune(house, visit(house)) == 12  # ten, the sealer's first key, and that one
        assert not sql_rows(tmp_path, "SELECT 1 FROM journal WHERE number = 15")
        await read(house)
        forged = (await judged(house)).found
        assert forged is not None
        assert forged.damage is Damage.REWRITTEN
        with sqlite3.connect(tmp_path / "ostiary.db", isolation_level=None) as db:
            db.execute("UPDATE log_leaves SET leaf = ? WHERE number = 15", (leaf,))
        found = (await judged(house)).found
        assert found is not None
        assert (found.damage, found.text[:8]) == (Damage.EARLY, "entry 14")

    play(tmp_path, story)


def test_r15_what_was_sealed_late_goes_late(tmp_path: Path) -> None:
    """Written before a long stop and sealed after it: it goes when it was sealed for long enough, and is no damage."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 10)
        clock.move(days(5))  # nothing runs
        await happen(house, 1)
        await read(house)
        clock.move(days(36))
        await read(house)
        assert await prune(house, visit(house)) == 0
        clock.move(days(5))
        await read(house)
        assert await prune(house, visit(house)) >= 11
        await read(house)
        assert (await judged(house)).found is None

    play(tmp_path, story)


def sql_rows(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    """What *statement* finds."""
    with sqlite3.connect(folder / "ostiary.db") as db:
        return db.execute(statement).fetchall()


def test_r15_gaps_hold_through_new_keys(tmp_path: Path) -> None:
    """Announced and not yet sealed when the key is replaced, by an administrator or with the master key."""

    async def story(house: House, clock: MovableClock) -> None:
        for number in range(3):
            await happen(house, 5)
            await read(house)
            clock.move(days(41))
            assert await prune(house, visit(house)) > 0
            if number == 0:
                await rotate_log_key(house, visit(house, alice(clock.now())), "yearly")
            else:
                other = MasterKey(SystemRandom().bytes(32))
                house.vault.take(other, tuple(house.vault._masters.values()))
        await seal(house, visit(house))
        keys = await log_keys(house)
        assert len(keys) == 4
        lines = await exported(house)
        for each in keys:
            report = verify(lines, read_key(each.key))
            assert (report.found, len(report.announcements)) == (None, 3)
            assert report.gone >= 15

    play(tmp_path, story)


def test_r15_nothing_goes_before_every_reader_has_read_it(tmp_path: Path) -> None:
    """A reader that is behind, or a folder that never ran, holds everything after its place."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 20)
        await seal(house, visit(house))
        clock.move(days(41))
        assert await prune(house, visit(house)) == 0
        await read(house)

        async def behind(tx: Tx) -> None:
            await logs.cursor(tx, "sink:slow")
            await logs.move_cursor(tx, "sink:slow", seen=0, position=7)

        await house.store.write(behind)
        assert await prune(house, visit(house)) == 7
        assert (await judged(house)).found is None

    play(tmp_path, story)


INSTANTS = {"exemption_ends", "request_ends", "anchors", "reviews", "device_lapses"}  # cursors that hold a time


def test_r15_every_job_of_a_house_lets_retention_go_on(tmp_path: Path) -> None:
    """Each job once: what they keep beside the journal holds nothing back; nor does a stream, nor one that was."""
    readers = compiled(select(cursors.c.reader))

    async def every(house: House) -> None:
        for job in JOBS:
            if job.name not in ("pruning", "erasing"):
                await job.deed(house, visit(house))

    async def story(house: House, clock: MovableClock) -> None:
        async def subscribe(tx: Tx) -> None:
            stream = Stream("s1", CLI, "https://rs.example.com", Method.POLL, "", None, "", clock.now())
            await begin(tx)
            await signals.add(tx, stream, b"")

        async def aged(count: int) -> int:
            await leave(house, *[Entry(Kind.GROUP_CREATED, target=f"group:{n}") for n in range(count)])
            await seal(house, visit(house))
            clock.move(days(41))
            await every(house)
            return await prune(house, visit(house))

        await every(house)
        assert await aged(5) >= 5
        await house.store.write(subscribe)
        assert await aged(5) >= 5  # its cursor is behind, and nothing is for it
        await leave(house, Entry(Kind.SESSIONS_ENDED, target=f"user:{BOB}"))
        await leave(house, Entry(Kind.SIGNED_IN, target=f"user:{BOB}"))
        await seal(house, visit(house))
        clock.move(days(41))
        await read(house)
        await prune(house, visit(house))
        assert Kind.SESSIONS_ENDED in [kind for kind, _ in await journal(house)]  # it has not told of that yet
        await transmit(house, visit(house))
        await prune(house, visit(house))
        assert Kind.SESSIONS_ENDED not in [kind for kind, _ in await journal(house)]
        await house.store.write(lambda tx: signals.remove(tx, "s1"))
        assert await aged(5) >= 5
        known = {*gone.READERS, gone.SIGNALS, "checkpoints", *INSTANTS}
        assert {row[0] for row in await house.store.read(lambda tx: tx.all(readers))} <= known
        assert (await judged(house)).found is None

    play(tmp_path, story)


def test_r15_what_a_person_was_not_told_yet_stays(tmp_path: Path) -> None:
    """Until their next sign-in, however old it is."""

    async def story(house: House, clock: MovableClock) -> None:
        target = f"user:{BOB}"
        await leave(house, Entry(Kind.MFA_RESET, target=target), Entry(Kind.SIGNED_IN, target=target, story="s1"),
                    Entry(Kind.PASSKEY_TAKEN, target=target))  # fmt: skip
        await read(house)
        clock.move(days(41))
        assert await prune(house, visit(house)) == 2
        left = [kind for kind, _ in await journal(house)]
        assert left == [Kind.PASSKEY_TAKEN, Kind.LOG_KEY_CHANGED, Kind.LOG_PRUNED, Kind.SIGN_INS_REMOVED]
        await leave(house, Entry(Kind.SIGNED_IN, target=target, story="s2"))
        await read(house)
        assert await prune(house, visit(house)) == 2
        assert (await judged(house)).found is None

    play(tmp_path, story)


def test_r15_a_kill_between_pieces_leaves_whole_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that fails in the middle leaves neither a gap nor an announcement; the next run goes on."""
    monkeypatch.setattr(pruning, "BATCH", 10)

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 30)
        await read(house)
        clock.move(days(41))
        real, calls = gone.remove, 0

        async def killed(tx: Tx, position: int) -> None:
            nonlocal calls
            calls += 1
            if calls == 15:
                raise OSError("killed")
            await real(tx, position)

        monkeypatch.setattr(gone, "remove", killed)
        with pytest.raises(OSError, match="killed"):
            await prune(house, visit(house))
        report = await judged(house)
        assert (report.found, report.gone) == (None, 10)
        monkeypatch.setattr(gone, "remove", real)
        assert await prune(house, visit(house)) == 20
        assert (await judged(house)).gone == 30

    play(tmp_path, story)


def test_r15_without_the_setting_everything_stays(tmp_path: Path) -> None:
    """For good, as long as nobody says otherwise."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 5)
        await read(house)
        clock.move(days(10_000))
        assert await prune(replace(house, settings=replace(house.settings, journal_kept=None)), visit(house)) == 0

    play(tmp_path, story)
