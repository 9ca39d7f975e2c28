"""What a scrape reads of the store: each node its own entries, every entry once, and no zero where nothing is known."""

import asyncio
from pathlib import Path

import pytest

from ostiary.app.config import Config
from ostiary.app.metrics import METRICS, Metrics, Reading
from ostiary.app.sample import found_sample
from ostiary.app.wiring import DATABASE, close_house, open_house, open_parts, system_visit
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import logs, measures
from ostiary.store.sqlite import SqliteStore
from tests.clock import MovableClock
from tests.server import CHEAP


def told(reading: Reading, name: str) -> dict[tuple[str, ...], float]:
    """The samples of one metric."""
    family = next(metric for metric in METRICS if metric.name == name).family(reading)
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


async def leave(house: House, store: SqliteStore, count: int) -> None:
    """*count* entries of one kind, by the node that *store* is of."""
    for _ in range(count):
        await store.write(lambda tx: record(tx, system_visit(house, "test"), Entry(Kind.ALERT)))


def test_entries_are_counted_once_and_by_their_own_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes may be added up; more than one look can count are counted by the next; what was before a start is not."""

    async def run() -> None:
        parts = await open_parts(Config(data=tmp_path / "data"), {}, sample=True, clock=MovableClock(), cost=CHEAP)
        await found_sample(parts)
        house = await open_house(parts)
        other = SqliteStore(tmp_path / "data" / DATABASE, stream="second", salt=lambda: b"s" * 16)
        await other.write(lambda tx: logs.open_stream(tx, "second"))
        try:
            await leave(house, parts.store, 2)
            metrics = await Metrics.from_now(house, None)
            await leave(house, parts.store, 3)
            await leave(house, other, 4)
            monkeypatch.setattr(measures, "MOST", 5)
            for so_far in (3, 3, 3):
                reading, again = await asyncio.gather(metrics.reading(), metrics.reading())
                assert again.kinds[Kind.ALERT.value] == so_far
            assert told(again, "ostiary_journal_entries")[Kind.ALERT.value,] == 3
            behind = told(reading, "ostiary_reader_behind_entries")
            assert behind["stories",] == 0  # it never read: it begins where the journal is
            assert behind["sinks",] == 0
            await parts.store.write(lambda tx: logs.cursor(tx, "stories"))
            await parts.store.write(lambda tx: logs.join(tx, "sink:up to date"))
            await parts.store.write(lambda tx: logs.cursor(tx, "sink:one that reads nothing"))
            reading = await metrics.reading()
            head = told(reading, "ostiary_journal_head")[()]
            assert told(reading, "ostiary_reader_behind_entries")["stories",] == head >= 9
            assert told(reading, "ostiary_reader_behind_entries")["sinks",] == head
        finally:
            await other.close()
            await close_house(house, parts)

    asyncio.run(run())


def test_where_the_store_does_not_answer_nothing_looks_well(tmp_path: Path) -> None:
    """A scrape comes through all the same, says that it is not whole, and has no zero for what it does not know."""

    async def run() -> None:
        parts = await open_parts(Config(data=tmp_path / "data"), {}, sample=True, clock=MovableClock(), cost=CHEAP)
        await found_sample(parts)
        house = await open_house(parts)
        try:
            metrics = await Metrics.from_now(house, None)
            assert told(await metrics.reading(), "ostiary_scrape_complete")[()] == 1
            (tmp_path / "data" / DATABASE).rename(tmp_path / "gone")
            reading = await metrics.reading()
            assert told(reading, "ostiary_scrape_complete")[()] == 0
            for name in ("ostiary_kill_switch_on", "ostiary_exemptions_open", "ostiary_reader_behind_seconds"):
                assert told(reading, name) == {}
            body, _ = await metrics.exposition("")
            assert b"ostiary_scrape_complete 0.0" in body
            (tmp_path / "gone").rename(tmp_path / "data" / DATABASE)
            assert told(await metrics.reading(), "ostiary_scrape_complete")[()] == 1
        finally:
            await close_house(house, parts)

    asyncio.run(run())
