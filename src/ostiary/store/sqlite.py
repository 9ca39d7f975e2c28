"""
The embedded database: stdlib sqlite3 in WAL with full sync, and group commit.

The bodies that wait in one turn of the event loop share one `BEGIN … COMMIT`, a savepoint each; `COMMIT` with its
fsync runs in a thread of its own, and answers leave after it (R14). 15-18 µs CPU a durable deed at 32 concurrent
against about 140 alone. One process per file writes (the data folder's lock); another of ours may look at it
(`SqliteReader`).

The journal's stream (R15) is read once and written once in a group; between, its head is counted here, and a deed that
is undone gives its numbers back.

INVARIANT: a value leaves `write` only after the fsync of the transaction that holds it.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any, Protocol, TypeVar

from ostiary.core.words.errors import Clash, OstiaryError, StoreBusy, StoreFailed, SurveyTimeout
from ostiary.core.words.instants import Instant
from ostiary.store import Body, Row
from ostiary.store.sql import Sql

T = TypeVar("T")

GROUP = 64  # bodies per transaction: larger groups gain nothing and hold up the loop
LINE = 8192  # deeds that may wait; beyond that the honest answer is "busy"
SURVEYS = 2  # threads for lists and exports
SURVEY_SECONDS = 5.0

_HEAD = "SELECT head FROM streams WHERE stream = ?"
_MOVE_HEAD = "UPDATE streams SET head = ? WHERE stream = ?"


class ForeignAwait(OstiaryError):
    """A body awaited something other than its transaction."""


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Drive *work* to its end; a body awaits nothing but its transaction, and on SQLite that never suspends."""
    try:
        work.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    work.close()
    raise ForeignAwait("a transaction body awaited something other than its transaction")


class SqliteTx:
    """A transaction on one connection."""

    __slots__ = ("_execute", "_many", "_salt", "head", "stream")

    def __init__(self, db: sqlite3.Connection, stream: str, salt: Callable[[], bytes]) -> None:
        self._execute: Callable[..., sqlite3.Cursor] = db.execute
        self._many: Callable[..., sqlite3.Cursor] = db.executemany
        self._salt = salt
        self.stream = stream
        self.head: int | None = None
        """The stream's last number; None until somebody in this transaction asks for one."""

    async def one(self, sql: Sql, /, **values: object) -> Row | None:
        row: Row | None = self._execute(sql.sqlite, {**sql.constants, **values} if sql.constants else values).fetchone()
        return row

    async def all(self, sql: Sql, /, **values: object) -> list[Row]:
        return self._execute(sql.sqlite, {**sql.constants, **values} if sql.constants else values).fetchall()

    async def run(self, sql: Sql, /, **values: object) -> int:
        return self._execute(sql.sqlite, {**sql.constants, **values} if sql.constants else values).rowcount

    async def many(self, sql: Sql, rows: Sequence[Mapping[str, object]], /) -> int:
        given = [{**sql.constants, **row} for row in rows] if sql.constants else rows
        return self._many(sql.sqlite, given).rowcount if rows else 0

    async def number(self) -> int:
        if self.head is None:
            row = self._execute(_HEAD, (self.stream,)).fetchone()
            if row is None:
                raise LookupError(f"journal stream {self.stream!r} was never opened")
            self.head = row[0]
        self.head += 1
        return self.head

    def write_head(self) -> None:
        """Write down the numbers that were given, and forget them: the last thing before COMMIT."""
        if self.head is not None:
            self._execute(_MOVE_HEAD, (self.head, self.stream))
        self.head = None

    def salt(self) -> bytes:
        return self._salt()


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with our settings: WAL, full sync, foreign keys, no waiting for other processes beyond a second."""
    mode = "ro" if read_only else "rw"
    db = sqlite3.connect(
        f"file:{path}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
        timeout=1.0,
    )
    db.execute("PRAGMA foreign_keys=ON")
    db.execute("PRAGMA cache_size=-16384")
    # What a savepoint must be able to put back stays in memory: on a file it costs two writes a page, and leaves pages
    # of the database outside the data folder.
    db.execute("PRAGMA temp_store=MEMORY")
    if not read_only:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
    return db


class Watch(Protocol):
    """Who is told of each commit."""

    def steady(self) -> Instant:
        """Time for differences."""

    def committed(self, bodies: int, began: Instant, ended: Instant, good: bool) -> None:
        """A `COMMIT` of so many deeds ended."""


def _look(db: sqlite3.Connection, tx: SqliteTx, body: Body[T]) -> T:
    """Run *body* on one committed state."""
    db.execute("BEGIN")
    try:
        return finish(body(tx))
    finally:
        db.execute("ROLLBACK")


class SqliteReader:
    """The database at *path* for a process that only looks, beside the one that holds the data folder."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, read_only=True)
        self._tx = SqliteTx(self._db, "", bytes)

    def read(self, body: Body[T]) -> T:
        """Run *body* on one committed state; it may not write."""
        return _look(self._db, self._tx, body)


class SqliteStore:
    """See `ostiary.store.Store`."""

    def __init__(self, path: Path, *, stream: str, salt: Callable[[], bytes], watch: Watch | None = None) -> None:
        """
        Open the database at *path*, which must exist and be migrated; *salt* gives 16 random bytes, *watch* hears of
        each commit.
        """
        self._watch = watch
        self._stream = stream
        self._db = connect(path)
        self._reader = connect(path, read_only=True)
        self._tx = SqliteTx(self._db, stream, salt)
        self._read_tx = SqliteTx(self._reader, stream, salt)
        self._path = path
        self._salt = salt
        self._line: deque[tuple[Body[Any], asyncio.Future[Any]]] = deque()
        self._busy = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self._trouble: str | None = None
        self._wrote = False
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._surveyors = ThreadPoolExecutor(SURVEYS, thread_name_prefix="survey")

    @property
    def trouble(self) -> str | None:
        return self._trouble

    @property
    def waiting(self) -> int:
        return len(self._line)

    async def write(self, body: Body[T]) -> T:
        if self._closed or len(self._line) >= LINE:
            raise StoreBusy("closed" if self._closed else f"{LINE} deeds wait in line")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._line.append((body, done))
        if not self._busy:
            self._busy = True
            self._idle.clear()
            loop.call_soon(self._turn, loop)
        return await done

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run one group. The loop stands still only for the statements, not for the fsync."""
        results: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        group = [self._line.popleft() for _ in range(min(GROUP, len(self._line)))]
        self._wrote = False
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._tx.head = None
            for body, done in group:
                if not done.done():  # else the caller went away before its turn
                    results.append((done, *self._deed(body)))
            self._tx.write_head()
        except sqlite3.Error as wrong:
            self._settle(loop, [(done, None, None) for _, done in group], wrong)
            return
        commit = loop.run_in_executor(self._committer, self._commit, len(results))
        commit.add_done_callback(lambda done: self._settle(loop, results, done.exception()))

    def _commit(self, bodies: int) -> None:
        """In the committer's thread. Only one runs at a time, so whoever watches needs no lock."""
        watch = self._watch
        if watch is None:
            self._db.execute("COMMIT")
            return
        began, good = watch.steady(), False
        try:
            self._db.execute("COMMIT")
            good = True
        finally:
            watch.committed(bodies, began, watch.steady(), good)

    def _deed(self, body: Body[Any]) -> tuple[Any, BaseException | None]:
        """
        One body inside its savepoint. Raises sqlite3.Error when SQLite itself ended the transaction: then the group
        fails.
        """
        execute, head = self._db.execute, self._tx.head
        execute("SAVEPOINT deed")
        before, value, fault = self._db.total_changes, None, None
        try:
            value = finish(body(self._tx))
            self._wrote = self._wrote or self._db.total_changes != before
        except Exception as wrong:
            if not self._db.in_transaction:  # disk full, I/O error: SQLite rolled everything back
                raise sqlite3.OperationalError(f"the database ended the transaction: {wrong}") from wrong
            fault = Clash(str(wrong)) if isinstance(wrong, sqlite3.IntegrityError) else wrong
            execute("ROLLBACK TO deed")
            self._tx.head = head
        execute("RELEASE deed")
        return value, fault

    def _settle(
        self,
        loop: asyncio.AbstractEventLoop,
        results: list[tuple[asyncio.Future[Any], Any, BaseException | None]],
        failed: BaseException | None,
    ) -> None:
        if failed is not None and self._db.in_transaction:
            with suppress(sqlite3.Error):  # the next BEGIN fails then: still nobody is told yes
                self._db.execute("ROLLBACK")
        if failed is not None:
            self._trouble = f"commit failed: {failed}"
        elif self._wrote:  # a commit of nothing proves nothing: it reaches no disk
            self._trouble = None
        for done, value, fault in results:
            if done.done():
                continue
            if failed is not None:
                done.set_exception(StoreFailed(str(failed)))
            elif fault is not None:
                done.set_exception(fault)
            else:
                done.set_result(value)
        if self._line:
            loop.call_soon(self._turn, loop)
        else:
            self._busy = False
            self._idle.set()

    async def read(self, body: Body[T]) -> T:
        return _look(self._reader, self._read_tx, body)

    async def survey(self, body: Body[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._surveyors, self._survey, body)

    def _survey(self, body: Body[T]) -> T:
        db = connect(self._path, read_only=True)
        alarm = Timer(SURVEY_SECONDS, db.interrupt)
        alarm.start()
        try:
            return _look(db, SqliteTx(db, self._stream, self._salt), body)
        except sqlite3.OperationalError as wrong:
            if wrong.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:  # a broken disk must not read as "takes too long"
                raise
            raise SurveyTimeout(str(wrong)) from wrong
        finally:
            alarm.cancel()
            db.close()

    async def close(self) -> None:
        self._closed = True
        await self._idle.wait()
        self._committer.shutdown()
        self._surveyors.shutdown(cancel_futures=True)
        self._reader.close()
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()
