"""
`/ostiary/keys`: the keys that sign tokens, and a rotation with overlap. Private halves never come here.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.fields import Field, Kind
from ostiary.core.graph.key import KEY
from ostiary.core.graph.query import Page
from ostiary.core.words.instants import to_iso
from ostiary.core.words.outcome import Refused
from ostiary.services.tokens.rotation import held_keys, rotate
from ostiary.web.graph.resource import Call, Path, acting, listing

__all__ = ["PATHS"]

_ROTATION: tuple[Field[Any], ...] = (
    Field("reason", Kind.STRING, write="reason", required=True, limit=512, doc="Why; kept in the audit log."),
    Field("atOnce", Kind.BOOL, write="at_once", doc="The old keys may be known to others: end all they signed now."),
)


async def _list(call: Call) -> Any:
    """Few rows, one page."""
    return Page(held_keys(call.house, call.visit.now))


async def _rotate(call: Call) -> Any:
    rotated = await rotate(call.house, call.visit, call.reason, at_once=call.changes.get("at_once", False))
    if isinstance(rotated, Refused):
        return rotated
    return {"keys": [key.kid for key in rotated.keys], "signsFromDateTime": to_iso(rotated.signs_from)}


PATHS: tuple[Path, ...] = (
    Path("/ostiary/keys", (listing(KEY, Action.READ_KEYS, _list),)),
    Path("/ostiary/keys/rotate", (acting(Action.ROTATE_KEYS, _rotate, "Sign with new keys", fields=_ROTATION),)),
)
