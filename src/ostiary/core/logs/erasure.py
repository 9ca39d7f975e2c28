"""
Whom a text is about: how entries that name a person are found when that person's data is erased.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["names_in", "pattern"]

_OF_NAMES = r"[\w.%+'-]"  # what a name or address goes on with: ann@example.com is not in joann@example.com


def pattern(id: str, names: Iterable[str]) -> re.Pattern[str]:
    """What finds the id *id*, or one of *names* (principal names, mail addresses) as a whole, in any case."""
    found = [re.escape(id)]
    for name in sorted({name.casefold() for name in names if name}):
        found.append(rf"(?<!{_OF_NAMES}){re.escape(name)}(?![\w-])(?!\.\w)")
    return re.compile("|".join(found), re.IGNORECASE)


def names_in(detail: Mapping[str, Any]) -> frozenset[str]:
    """What a person was called, as an entry about their account says: `user_name` and `mail`, now, before and after."""
    parts = [detail, *(part for part in (detail.get("before"), detail.get("after")) if isinstance(part, Mapping))]
    return frozenset(str(part[key]) for part in parts for key in ("user_name", "mail") if part.get(key))
