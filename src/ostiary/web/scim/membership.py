"""
What a PATCH does to the members of a group (RFC 7644 §3.5.2), as steps on a set: a library's walk over each member for
each operation would take the loop's time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.core.words.ids import UserId

__all__ = ["MOST_OPERATIONS", "Steps", "split"]

MOST_OPERATIONS = 100

_ONE = re.compile(r'members\[value eq "([^"]{1,64})"\]', re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Steps:
    """What is done to members, in order; and the operations that are about something else."""

    members: tuple[tuple[str, frozenset[UserId] | None], ...]
    """`add`, `remove` or `replace`, and whom; None: everybody."""
    others: tuple[Mapping[str, Any], ...]

    def applied(self, before: frozenset[UserId]) -> frozenset[UserId]:
        """Who stands in the group afterwards."""
        now = before
        for act, whom in self.members:
            if act == "remove":
                now = frozenset() if whom is None else now - whom
            else:
                now = (whom or frozenset()) | (now if act == "add" else frozenset())
        return now


def split(body: Mapping[str, Any]) -> Steps | str:
    """The operations of a PATCH; why not, where they cannot be read or are too many."""
    operations = body.get("Operations")
    if not isinstance(operations, list) or not all(isinstance(one, Mapping) for one in operations):
        return "Operations is a list of objects."
    if not 0 < len(operations) <= MOST_OPERATIONS:
        return f"A request has 1 to {MOST_OPERATIONS} operations."
    members: list[tuple[str, frozenset[UserId] | None]] = []
    others: list[Mapping[str, Any]] = []
    for one in operations:
        act, path, value = str(one.get("op", "")).lower(), str(one.get("path") or "").strip(), one.get("value")
        found = _ONE.fullmatch(path)
        if found is not None and act == "remove":
            members.append((act, frozenset({UserId(found[1])})))
        elif path.lower() == "members":
            whom = None if act == "remove" and value is None else _people(value)
            if isinstance(whom, str):
                return whom
            members.append((act, whom))
        elif path.lower().startswith("members"):
            return 'Members are chosen by `members[value eq "ID"]` and removed.'
        else:
            rest = one
            if not path and isinstance(value, Mapping) and "members" in value:
                whom = _people(value["members"])
                if isinstance(whom, str):
                    return whom
                members.append((act, whom))
                rest = {**one, "value": {key: said for key, said in value.items() if key != "members"}}
            others.append(rest)
    if any(act not in ("add", "remove", "replace") for act, _ in members):
        return "An operation is add, remove or replace."
    return Steps(tuple(members), tuple(one for one in others if one.get("value") != {}))


def _people(value: object) -> frozenset[UserId] | str:
    """The ids in a list of `{"value": id}`, or in one such object."""
    given = value if isinstance(value, list) else [value]
    ids = [one.get("value") for one in given if isinstance(one, Mapping)]
    if len(ids) != len(given) or not all(isinstance(id, str) and 0 < len(id) <= 64 for id in ids):
        return 'Members are a list of {"value": ID}.'
    return frozenset(UserId(str(id)) for id in ids)
