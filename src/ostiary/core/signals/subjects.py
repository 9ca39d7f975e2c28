"""
Subjects that a receiver takes out of its stream or puts back (SSF 1.0 §8.1.3), and whether they match an event's.

A stream begins with every subject (`default_subjects` is ALL), because a receiver that forgot to add somebody would go
on letting them in. What is kept is therefore what was removed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

__all__ = ["MOST", "read", "removed"]

MOST = 1000
"""Subjects that one stream may leave out."""
_LONGEST = 1024  # bytes of one in its canonical form
_MEMBERS = {"iss_sub": ("iss", "sub"), "opaque": ("id",)}
_COMPLEX = ("user", "session", "device", "application", "tenant", "org_unit", "group")


def read(given: object) -> str | None:
    """
    The canonical text of a subject in a format that our events have: `iss_sub`, `opaque`, and `complex` of those. None
    for anything else. A simple one means the member of a complex one that has its format: a user, a session.
    """
    if not isinstance(given, dict):
        return None
    if given.get("format") == "complex":
        parts = {name: _simple(value) for name, value in given.items() if name != "format"}
        if not parts or not parts.keys() <= set(_COMPLEX) or None in parts.values():
            return None
    else:
        simple = _simple(given)
        if simple is None:
            return None
        parts = {"user" if simple["format"] == "iss_sub" else "session": simple}
    text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS).decode()
    return text if len(text.encode()) <= _LONGEST else None


def _simple(given: object) -> dict[str, str] | None:
    if not isinstance(given, dict) or not isinstance(given.get("format"), str):
        return None
    names = _MEMBERS.get(given["format"])
    if names is None or set(given) != {"format", *names} or not all(isinstance(v, str) for v in given.values()):
        return None
    return dict(given)


def removed(subject: Mapping[str, Any], left_out: Iterable[str]) -> bool:
    """
    Whether a stream that leaves out *left_out* (as `read` wrote them) leaves out an event about *subject*.

    An event must name all that was removed, the same: a member that it lacks matches nothing here, though SSF 1.0
    §8.1.3.1 lets it for what was added. Who removes one machine must not silence everybody's sessions (§9.3).
    """
    return any(all(subject.get(n) == v for n, v in orjson.loads(text).items()) for text in left_out)
