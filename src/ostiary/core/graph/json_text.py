"""
JSON objects from outside: UTF-8, no key twice, no deeper than 16, no number that JSON does not know, no half of a
character.

OData annotations (`@odata.type`, `owner@odata.context`) are dropped, because every SDK sends them. What an object means
is its reader's.
"""

import json
from typing import Any

from ostiary.core.graph.error import Invalid, Problem

__all__ = ["read_json"]

DEEPEST = 16

# The two that mean something: where they are not a field of the resource they are refused like any unknown property.
_MEANT = ("@odata.id", "@odata.bind")


def read_json(raw: bytes) -> dict[str, Any] | Invalid:
    """The JSON object in *raw*, without annotations; an empty body is an empty object."""
    if not raw.strip():
        return {}
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        found = _plain(found, 0)
    except (ValueError, RecursionError) as wrong:
        return Invalid((Problem("$", _story(wrong)),))
    return found if isinstance(found, dict) else Invalid((Problem("$", "An object is needed."),))


class _Bad(ValueError):
    """A fault of the document that we can name."""


def _story(wrong: Exception) -> str:
    if isinstance(wrong, _Bad):
        return str(wrong)
    if isinstance(wrong, json.JSONDecodeError):
        return f"Not JSON: {wrong.msg} at line {wrong.lineno}, column {wrong.colno}."
    return "Not JSON in UTF-8."


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Bad("A property stands there twice.")
    return found


def _no_constant(name: str) -> None:
    raise _Bad(f"{name} is not JSON.")


def _plain(value: Any, depth: int) -> Any:
    """*value* without annotations; raises for what is too deep and for text that is not Unicode."""
    if depth > DEEPEST:
        raise _Bad(f"Nested deeper than {DEEPEST}.")
    if isinstance(value, dict):
        return {_text(k): _plain(v, depth + 1) for k, v in value.items() if "@" not in k or k.endswith(_MEANT)}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    if any("\ud800" <= c <= "\udfff" for c in value):
        raise _Bad("Half of a surrogate pair is not text.")
    return value
