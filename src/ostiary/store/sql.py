"""
Statements, compiled once at import for both databases, and never run by the compiler.

SQLAlchemy Core writes the SQL (running through it would cost 94 µs a statement); the drivers run the text. Values are
passed by name: `await tx.one(FIND, id=...)`.
"""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
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
    lite, values, _ = _compiled(statement, _SQLITE)
    post, _, names = _compiled(statement, _POSTGRES)
    return Sql(lite, post, names, {name: value for name, value in values.items() if value is not None})


def _compiled(statement: ClauseElement, dialect: Dialect) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """
    The text, the values that are known, and the order of the names. Lists (`in_`) are spelled out at once: the
    compiler wants values for every parameter to do that, so those that come later stand there as None meanwhile.
    """
    plain: Any = statement.compile(dialect=dialect)
    if "POSTCOMPILE" not in str(plain):
        return str(plain), dict(plain.params or {}), tuple(getattr(plain, "positiontup", None) or ())
    later = {name: None for name, bind in plain.binds.items() if bind.required}
    state = plain.construct_expanded_state(later)
    return state.statement, dict(state.parameters), tuple(state.positiontup or ())
