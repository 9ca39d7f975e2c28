"""
What the journal kept of the circumstances of one sign-in: where both sides were, what the person proved and when, and
whether what was given is bound to a key. Read from the facts that policy judged (`core/access/remembered.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.story import Mark, Story
from ostiary.core.words.instants import Instant, after, seconds

__all__ = ["NOWHERE", "UNJUDGED", "UNKNOWN", "Circumstances", "Position", "Proof", "Risk", "circumstances"]


class Position(NamedTuple):
    """Where an address is, as far as the data files told at that time."""

    country: str | None = None
    """ISO 3166 code."""
    network: int | None = None
    """The autonomous system's number."""
    coordinates: tuple[int, int] | None = None
    """Latitude and longitude in 1/10,000 degree."""


NOWHERE = Position()


class Proof(NamedTuple):
    """One factor that the person proved."""

    method: str
    """RFC 8176."""
    at: Instant


@dataclass(frozen=True, slots=True)
class Risk:
    """
    What detections say of a sign-in, in Graph's words: the one place from which its risk fields are read. Nothing was
    found as long as nobody puts another in a telling's place.
    """

    level: str = "none"
    state: str = "none"
    detail: str = "none"
    events: tuple[str, ...] = ()


UNJUDGED = Risk()


class Circumstances(NamedTuple):
    """Of one sign-in."""

    requester: Position = NOWHERE
    approver: Position = NOWHERE
    proofs: tuple[Proof, ...] = ()
    bound: str = ""
    """To what tokens are bound: ``dpop``, ``certificate``, or nothing."""


UNKNOWN = Circumstances()

_JUDGED = (
    Kind.REDEEMED, Kind.APPROVED, Kind.EXEMPTION_AWAITED, Kind.CODE_ISSUED, Kind.BLOCKED, Kind.CLAIMED,
    Kind.REDEMPTION_REFUSED, Kind.CODE_REFUSED, Kind.WORKLOAD_ISSUED, Kind.WORKLOAD_REFUSED, Kind.START_REFUSED,
    Kind.CLAIM_REFUSED, Kind.CODE_REDEEMED, Kind.REFRESHED, Kind.REFRESH_REFUSED,
)  # fmt: skip
_PROVED = (Kind.APPROVED, Kind.EXEMPTION_AWAITED, Kind.CODE_ISSUED, Kind.SIGNED_IN, Kind.CLAIMED, Kind.BLOCKED)
_NO_FACTORS = frozenset({"mfa", "user", "pop"})  # they say how many or whether, not what


def circumstances(story: Story) -> Circumstances:
    """Of *story*."""
    facts = [found for mark in _of(story, _JUDGED) if (found := mark.detail.get("facts"))]
    return Circumstances(
        _position(facts, "requester"),
        _position(facts, "person"),
        _proofs(_of(story, _PROVED)),
        _bound(story),
    )


def _of(story: Story, kinds: Iterable[str]) -> list[Mark]:
    return [story.first[kind] for kind in kinds if kind in story.first]


def _position(facts: list[Mapping[str, Any]], of: str) -> Position:
    found = next((place for each in facts if (place := each.get(of))), None)
    if found is None:
        return NOWHERE
    where = found.get("coordinates")
    return Position(found.get("country"), found.get("network"), (where[0], where[1]) if where else None)


def _proofs(marks: list[Mark]) -> tuple[Proof, ...]:
    """The factors of the first entry that has any; they were proved at one moment, which the facts tell."""
    for mark in marks:
        facts = mark.detail.get("facts") or {}
        amr = mark.detail.get("amr") or facts.get("amr") or ()
        methods = amr.split() if isinstance(amr, str) else [str(each) for each in amr]
        if methods:
            at = after(Instant(mark.at), seconds(-int(facts.get("proofAge") or 0)))
            return tuple(Proof(method, at) for method in methods if method not in _NO_FACTORS)
    return ()


def _bound(story: Story) -> str:
    marks = _of(story, (Kind.STARTED, Kind.KEY_BOUND, Kind.WORKLOAD_ISSUED))
    if any(mark.detail.get("certificate") for mark in marks):
        return "certificate"
    return "dpop" if any(mark.detail.get("key") for mark in marks) else ""
