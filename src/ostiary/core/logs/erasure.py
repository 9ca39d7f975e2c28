"""
Whom a text is about: how entries that name a person are found when that person's data is erased.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from ostiary.core.words.digests import keyed

__all__ = ["asked_for", "is_about", "names_in", "pattern", "without"]

_OF_NAMES = r"[\w.%+'-]"  # what a name or address goes on with: ann@example.com is not in joann@example.com
_PERSON = "user:"


def asked_for(key: bytes, id: str, by: str, reason: str, asked: int, names: Iterable[str]) -> str:
    """
    The stamp (HMAC-SHA-256, hexadecimal) of the erasure of *id*, called *names*, for which *by* asked at *asked*. The
    *key* is outside the database, so whoever can write that asks for none, and for no more than was asked for.
    """
    return keyed(key, id, by, reason, str(asked), *sorted(names)).hex()


def pattern(id: str, names: Iterable[str]) -> re.Pattern[str]:
    """What finds the id *id*, or one of *names* (principal names, mail addresses) as a whole, in any case."""
    return re.compile("|".join((re.escape(id), *_whole(names))), re.IGNORECASE)


def without(text: str, names: Iterable[str], instead: str) -> str:
    """*text* with *instead* where one of *names* stands as a whole; ids stay."""
    found = _whole(names)
    return re.sub("|".join(found), lambda _: instead, text, flags=re.IGNORECASE) if found else text


def _whole(names: Iterable[str]) -> list[str]:
    return [rf"(?<!{_OF_NAMES}){re.escape(name)}(?![\w-])(?!\.\w)" for name in sorted({*names} - {""})]


def is_about(body: str, id: str, names: Iterable[str]) -> bool:
    """
    Whether the entry *body*, as JSON, goes with the person *id*, who is or was called *names*.

    By its id always; by a name alone not where it tells what another account did, or what was done to one: an address
    that somebody wrote into an account must not take the deeds of whoever has it.
    """
    if pattern(id, ()).search(body):
        return True
    if not pattern(id, names).search(body):
        return False
    entry = orjson.loads(body)
    return not any(str(entry.get(key, "")).startswith(_PERSON) for key in ("actor", "target"))


def names_in(detail: Mapping[str, Any]) -> frozenset[str]:
    """What a person was called, as an entry about their account says: `user_name` and `mail`, now, before and after."""
    parts = [detail, *(part for part in (detail.get("before"), detail.get("after")) if isinstance(part, Mapping))]
    return frozenset(str(part[key]) for part in parts for key in ("user_name", "mail") if part.get(key))
