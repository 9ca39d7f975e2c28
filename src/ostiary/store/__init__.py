"""
The store: SQL, one file a subject, and the one way to run it.

Owns tables, statements and transactions; knows no rule. A deed hands in a *body*, a coroutine that awaits only its
transaction; returning commits, raising rolls back. Subjects (`directory`, `access`, `exemptions`, `signins`,
`tokens`, `logs`) hold functions that take a `Tx` and speak values of `core`. Only `services` come in; `app` opens it.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from ostiary.store.sql import Sql

__all__ = ["Body", "Row", "Store", "Tx"]

T = TypeVar("T")
Row = tuple[Any, ...]


class Tx(Protocol):
    """
    A running transaction. Nothing else may be awaited inside a body; on SQLite a foreign await rolls the deed back.
    """

    stream: str
    """This node's journal stream (R15)."""

    async def one(self, sql: Sql, /, **values: object) -> Row | None:
        """The first row, or None."""

    async def all(self, sql: Sql, /, **values: object) -> list[Row]:
        """Every row."""

    async def run(self, sql: Sql, /, **values: object) -> int:
        """How many rows were changed."""

    async def many(self, sql: Sql, rows: Sequence[Mapping[str, object]], /) -> int:
        """Run *sql* once for each of *rows*; how many rows were changed in all."""

    async def number(self) -> int:
        """
        The next number of this node's journal stream: gapless, and taken back when the deed is undone (R15). Raises
        LookupError when the stream was never opened.
        """

    def salt(self) -> bytes:
        """16 random bytes for a journal entry (R15)."""


Body = Callable[[Tx], Coroutine[Any, Any, T]]


class Store(Protocol):
    """What a deed needs of a database. A body may run twice, so it changes nothing outside its transaction."""

    @property
    def trouble(self) -> str | None:
        """Why the store cannot acknowledge anything at the moment, or None."""

    @property
    def waiting(self) -> int:
        """How many deeds wait for their turn."""

    async def write(self, body: Body[T]) -> T:
        """
        Run *body* in a transaction and return its value once that is on disk (R14).

        Raises what the body raises (its writes are undone), StoreBusy, StoreFailed.
        """

    async def read(self, body: Body[T]) -> T:
        """Run *body* for look-ups by key; it sees one committed state and may not write."""

    async def survey(self, body: Body[T]) -> T:
        """Run *body* for lists, counts and exports, away from sign-ins, within a time limit. Raises SurveyTimeout."""

    async def close(self) -> None:
        """Finish what is in line and let go of the file."""
