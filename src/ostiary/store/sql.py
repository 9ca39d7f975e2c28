"""
Statements, compiled once at import for both databases, and never run by the compiler.

SQLAlchemy Core writes the SQL (running through it would cost 94 µs a statement); the drivers run the text. Values are
passed by name: `await tx.one(FIND, id=...)`.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

_SQLITE = sqlite.dialect(paramstyle="named")
_POSTGRES = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Sql:
    """One statement in both dialects."""

    sqlite: str
    postgres: str
    names: tuple[str, ...]
    """Parameter names in the order of PostgreSQL's $1, $2, …"""
    constants: dict[str, Any] = field(default_factory=dict)
    """Values that the statement itself fixes."""


def sql(statement: ClauseElement) -> Sql:
    """Compile *statement*; its `bindparam` names become the keyword names of `Tx.one`, `all` and `run`."""
    lite = statement.compile(dialect=_SQLITE)
    post = statement.compile(dialect=_POSTGRES)
    constants = {name: value for name, value in (lite.params or {}).items() if value is not None}
    return Sql(str(lite), str(post), tuple(getattr(post, "positiontup", None) or ()), constants)
