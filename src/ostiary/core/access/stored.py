"""
A document of Graph as it was saved: a conditional access policy, a named location. It is its own stored form.
"""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ostiary.core.words.digests import digest
from ostiary.core.words.instants import Instant

__all__ = ["Stored"]

Id = TypeVar("Id", bound=str)


@dataclass(frozen=True)  # no slots: with them CPython 3.11 cannot make one by the name of an alias, `Stored[PolicyId]`
class Stored(Generic[Id]):
    """One of them."""

    id: Id
    document: dict[str, Any]
    """Graph's, without what has a column of its own (id and dates)."""
    created: Instant
    modified: Instant
    text: str = ""
    """The document as it stands in the row: what a change compares."""

    @property
    def version(self) -> str:
        """
        Names exactly what is shown of it, for those who change what they looked at: another after every change, also
        after one that brought an old text back.
        """
        return digest(f"{self.modified}\n{self.text}").hex()[:32]
