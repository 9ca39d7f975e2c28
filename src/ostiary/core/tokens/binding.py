"""
What a key has to do with what was begun: fixed at the request or by the first proof, and the same from then on (R12).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from ostiary.core.directory.applications import Dpop
from ostiary.core.words.digests import same

__all__ = ["Held", "holds", "judge_key"]


class Held(Enum):
    """How the key that came stands to the key that counts."""

    NONE = "none"
    """Nothing is bound, and nothing has to be."""
    SAME = "same"
    FIRST = "first"
    """Nothing was bound before: what came is bound now."""
    MISSING = "missing"
    """The registration requires a key, and none came."""
    OTHER = "other"
    """Bound, and another key came, or none."""


def judge_key(bound: str | None, shown: str | None, use: Dpop) -> Held:
    """
    How *shown* stands to *bound* (both thumbprints) for an application registered with *use*.

    What is bound stays so, whatever the registration says since.
    """
    if bound is not None:
        return Held.SAME if shown is not None and same(bound, shown) else Held.OTHER
    if use == "never":
        return Held.NONE
    if shown is not None:
        return Held.FIRST
    return Held.MISSING if use == "required" else Held.NONE


def holds(claims: Mapping[str, Any], shown: str | None) -> bool:
    """
    Whether who brings an access token with *claims* is its holder: a bound one comes with the proof of its own key, one
    that is not comes without any (RFC 9449 §7.1, §7.2).
    """
    bound = (claims.get("cnf") or {}).get("jkt")
    return bound == shown if bound is None or shown is None else same(bound, shown)
