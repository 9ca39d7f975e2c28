"""
A store that tells of each transaction how long it took and which journal entries it left; used only while tracing.

What is told of entries is told once they are on disk, never of a deed that was undone.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from ostiary.core.words.instants import Instant
from ostiary.store import Body, Row, Store, Tx
from ostiary.store.logs import ADD
from ostiary.store.sql import Sql

__all__ = ["Left", "Look", "TracedStore"]

T = TypeVar("T")


class Left(NamedTuple):
    """An entry that a transaction left."""

    kind: str
    story: str
    body: str
    """The canonical JSON."""


class Look(NamedTuple):
    """One transaction."""

    what: str
    """read, write or survey."""
    began: Instant
    ended: Instant
    good: bool
    """It came to its end: for a write, on disk."""
    left: tuple[Left, ...]


class _Tx:
    """A transaction whose journal entries are noted."""

    __slots__ = ("_left", "_tx", "stream")

    def __init__(self, tx: Tx, left: list[Left]) -> None:
        self._tx = tx
        self._left = left
        self.stream = tx.stream

    async def one(self, sql: Sql, /, **values: object) -> Row | None:
        return await self._tx.one(sql, **values)

    async def all(self, sql: Sql, /, **values: object) -> list[Row]:
        return await self._tx.all(sql, **values)

    async def run(self, sql: Sql, /, **values: object) -> int:
        if sql is ADD:
            self._left.append(Left(str(values["kind"]), str(values["story"]), str(values["body"])))
        return await self._tx.run(sql, **values)

    async def many(self, sql: Sql, rows: Sequence[Mapping[str, object]], /) -> int:
        return await self._tx.many(sql, rows)

    async def number(self) -> int:
        return await self._tx.number()

    def salt(self) -> bytes:
        return self._tx.salt()


class TracedStore:
    """*store*, watched. See `ostiary.store.Store`."""

    def __init__(self, store: Store, now: Callable[[], Instant], tell: Callable[[Look], None]) -> None:
        """*tell* hears of each transaction in the task that asked for it."""
        self._store = store
        self._now = now
        self._tell = tell

    @property
    def trouble(self) -> str | None:
        return self._store.trouble

    @property
    def waiting(self) -> int:
        return self._store.waiting

    async def write(self, body: Body[T]) -> T:
        return await self._watched("write", self._store.write, body)

    async def read(self, body: Body[T]) -> T:
        return await self._watched("read", self._store.read, body)

    async def survey(self, body: Body[T]) -> T:
        return await self._watched("survey", self._store.survey, body)

    async def close(self) -> None:
        await self._store.close()

    async def _watched(self, what: str, run: Callable[[Body[T]], Coroutine[Any, Any, T]], body: Body[T]) -> T:
        left: list[Left] = []

        async def noted(tx: Tx) -> T:
            left.clear()  # a body may run twice
            return await body(_Tx(tx, left))

        began, good = self._now(), False
        try:
            value = await run(noted)
            good = True
            return value
        finally:
            self._tell(Look(what, began, self._now(), good, tuple(left) if good else ()))
