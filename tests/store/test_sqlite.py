"""The embedded store: groups, rollbacks, refusals to acknowledge (R14)."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, bindparam, insert, select, text

from ostiary.core.words.errors import Clash, StoreBusy, StoreFailed, SurveyTimeout
from ostiary.store import Body, Tx, sqlite
from ostiary.store.sql import sql
from ostiary.store.sqlite import ForeignAwait, SqliteStore

THINGS = Table("things", MetaData(), Column("id", Integer, primary_key=True), Column("body", Text))
ADD = sql(insert(THINGS).values(id=bindparam("id"), body=bindparam("body")))
ALL = sql(select(THINGS.c.id).order_by(THINGS.c.id))
FOREVER = sql(text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"))

Story = Callable[[SqliteStore], Awaitable[None]]


def play(folder: Path, story: Story) -> None:
    """Run *story* on a store of its own."""
    path = folder / "t.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, body TEXT)")
    db.execute("CREATE TABLE streams (stream TEXT PRIMARY KEY, head INTEGER)")
    db.execute("INSERT INTO streams VALUES ('n', 0)")
    db.commit()
    db.close()

    async def run() -> None:
        store = SqliteStore(path, stream="n", salt=lambda: b"s" * 16)
        try:
            await story(store)
        finally:
            await store.close()

    asyncio.run(run())


def adding(id: int, body: str = "x") -> Body[int]:
    """A body that adds *id* and returns it."""

    async def add(tx: Tx) -> int:
        await tx.run(ADD, id=id, body=body)
        return id

    return add


async def ids(store: SqliteStore) -> list[int]:
    """What is committed."""

    async def look(tx: Tx) -> list[int]:
        return [id for (id,) in await tx.all(ALL)]

    return await store.read(look)


def test_one_body_that_fails_rolls_back_alone(tmp_path: Path) -> None:
    """The others of its group are committed and answered."""

    async def story(store: SqliteStore) -> None:
        async def failing(tx: Tx) -> int:
            await tx.run(ADD, id=50, body="gone")
            raise ValueError("no")

        bodies = [adding(1), failing, adding(2), adding(1)]
        one, wrong, two, twice = await asyncio.gather(*(store.write(b) for b in bodies), return_exceptions=True)
        assert (one, two) == (1, 2)
        assert isinstance(wrong, ValueError)
        assert isinstance(twice, Clash)
        assert await ids(store) == [1, 2]
        assert store.trouble is None

    play(tmp_path, story)


def test_bodies_of_one_turn_share_a_transaction(tmp_path: Path) -> None:
    """Two hundred writes need a few commits, one for each group."""

    async def story(store: SqliteStore) -> None:
        commits: list[str] = []
        store._db.set_trace_callback(lambda s: commits.append(s) if s == "COMMIT" else None)
        await asyncio.gather(*(store.write(adding(n)) for n in range(200)))
        store._db.set_trace_callback(None)
        assert len(commits) == -(-200 // sqlite.GROUP)
        assert await ids(store) == list(range(200))

    play(tmp_path, story)


def test_a_body_that_awaits_something_else_is_rolled_back(tmp_path: Path) -> None:
    """Only the transaction may be awaited inside."""

    async def story(store: SqliteStore) -> None:
        async def foreign(tx: Tx) -> None:
            await tx.run(ADD, id=1, body="x")
            await asyncio.sleep(0)

        with pytest.raises(ForeignAwait):
            await store.write(foreign)
        assert await ids(store) == []

    play(tmp_path, story)


def test_a_line_that_is_too_long_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather an honest no than a wait without end; who stands in line already is served."""
    monkeypatch.setattr(sqlite, "LINE", 10)

    async def story(store: SqliteStore) -> None:
        answers = await asyncio.gather(*(store.write(adding(n)) for n in range(12)), return_exceptions=True)
        assert answers[:10] == list(range(10))
        assert [type(one) for one in answers[10:]] == [StoreBusy, StoreBusy]

    play(tmp_path, story)


def test_r14_a_full_disk_acknowledges_nothing_of_the_group(tmp_path: Path) -> None:
    """R14: no body of it is told yes, nothing of it is there, the store is in trouble; with room again it goes on."""

    async def story(store: SqliteStore) -> None:
        await store.write(adding(1))
        store._db.execute("PRAGMA max_page_count=4")
        bodies = [adding(2), adding(3, "x" * 100_000), adding(4)]
        answers = await asyncio.gather(*(store.write(b) for b in bodies), return_exceptions=True)
        assert [type(one) for one in answers] == [StoreFailed] * 3
        assert "full" in str(store.trouble)
        assert await ids(store) == [1]

        async def nothing(tx: Tx) -> None:
            await tx.all(ALL)

        await store.write(nothing)
        assert "full" in str(store.trouble), "a commit of nothing proves nothing"
        store._db.execute("PRAGMA max_page_count=100000")
        assert await store.write(adding(5)) == 5
        assert store.trouble is None
        assert await ids(store) == [1, 5]

    play(tmp_path, story)


def numbering(*, fail: bool = False) -> Body[int]:
    """A body that takes two numbers, writes both down and then may fail."""

    async def number(tx: Tx) -> int:
        first, second = await tx.number(), await tx.number()
        await tx.run(ADD, id=first, body="")
        await tx.run(ADD, id=second, body="")
        if fail:
            raise KeyError("no")
        return second

    return number


def test_r15_numbers_are_gapless_whoever_fails(tmp_path: Path) -> None:
    """R15: of deeds in one group some are undone, and the numbers of those that stay follow one another."""

    async def story(store: SqliteStore) -> None:
        bodies = [numbering(fail=n % 3 == 0) for n in range(100)]
        answers = await asyncio.gather(*(store.write(b) for b in bodies), return_exceptions=True)
        given = [one for one in answers if isinstance(one, int)]
        assert len(given) == 66
        assert sorted(given) == list(range(2, 133, 2))
        assert await ids(store) == list(range(1, 133))
        assert store._db.execute("SELECT head FROM streams").fetchall() == [(132,)]

    play(tmp_path, story)


def test_r15_a_group_that_fails_takes_its_numbers_back(tmp_path: Path) -> None:
    """R15: what was never committed was never numbered, also when the whole group is lost."""

    async def story(store: SqliteStore) -> None:
        assert await store.write(numbering()) == 2
        store._db.execute("PRAGMA max_page_count=4")
        bodies = [numbering(), adding(90, "x" * 100_000)]
        answers = await asyncio.gather(*(store.write(b) for b in bodies), return_exceptions=True)
        assert [type(one) for one in answers] == [StoreFailed] * 2
        store._db.execute("PRAGMA max_page_count=100000")
        assert await store.write(numbering()) == 4
        assert await ids(store) == [1, 2, 3, 4]

    play(tmp_path, story)


def test_r15_a_stream_that_was_never_opened_numbers_nothing(tmp_path: Path) -> None:
    """An entry without a stream fails its deed, and the deeds beside it stay."""

    async def story(store: SqliteStore) -> None:
        store._db.execute("DELETE FROM streams")
        bodies = [numbering(), adding(7)]
        answers = await asyncio.gather(*(store.write(b) for b in bodies), return_exceptions=True)
        assert [type(one) for one in answers] == [LookupError, int]
        assert await ids(store) == [7]

    play(tmp_path, story)


def test_a_survey_that_takes_too_long_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No list may go on for ever, and none holds up a write."""
    monkeypatch.setattr(sqlite, "SURVEY_SECONDS", 0.2)

    async def story(store: SqliteStore) -> None:
        async def endless(tx: Tx) -> object:
            return await tx.one(FOREVER)

        asked = asyncio.ensure_future(store.survey(endless))
        assert await store.write(adding(1)) == 1
        with pytest.raises(SurveyTimeout):
            await asked

    play(tmp_path, story)


def test_closing_finishes_what_is_in_line_and_takes_nothing_more(tmp_path: Path) -> None:
    """Who was accepted is answered; who comes later is told."""

    async def story(store: SqliteStore) -> None:
        writes = [asyncio.ensure_future(store.write(adding(n))) for n in range(100)]
        await asyncio.sleep(0)
        await store.close()
        assert await asyncio.gather(*writes) == list(range(100))
        with pytest.raises(StoreBusy):
            await store.write(adding(200))

    path = tmp_path / "t.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, body TEXT)")
    db.close()

    async def run() -> None:
        await story(SqliteStore(path, stream="n", salt=lambda: b"s" * 16))

    asyncio.run(run())


def test_a_reader_may_not_write(tmp_path: Path) -> None:
    """Look-ups run on a connection that cannot."""

    async def story(store: SqliteStore) -> None:
        with pytest.raises(sqlite3.OperationalError):
            await store.read(adding(1))

    play(tmp_path, story)
