"""
How a journal entry is written down: RFC 8785 JSON over strings, integers, booleans, null, lists and objects with ASCII
keys (no floats, so that no number can be written two ways); the leaf hash is RFC 9162 §2.1.1's (R15).

Apart from `entry.py`, which the headless side reads and whose wheel has no orjson.
"""

import orjson

from ostiary.core.logs.entry import Entry, tame
from ostiary.core.words.visit import Visit

__all__ = ["canonical"]


def canonical(entry: Entry, visit: Visit, *, stream: str, number: int, salt: bytes) -> bytes:
    """The entry as RFC 8785 JSON: what is stored, hashed and exported."""
    return orjson.dumps(
        {
            "action": entry.kind.value,
            "actor": visit.caller.actor,
            "actor_name": tame(visit.caller.name),
            "address": visit.address,
            "agent": tame(visit.agent),
            "at": visit.now,
            "detail": entry.detail,
            "number": number,
            "origin": visit.caller.origin or "",
            "salt": salt.hex(),
            "story": entry.story or visit.id,
            "stream": stream,
            "target": entry.target,
            "visit": visit.id,
        },
        option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER,
    )
