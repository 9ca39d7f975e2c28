"""
A signing key as the admin API lists it: everything but the private half. Ours, Graph has no such resource.
"""

from dataclasses import dataclass

from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.instants import Instant


@dataclass(frozen=True, slots=True)
class ShownKey:
    """One key at a moment."""

    kid: str
    algorithm: str
    created: Instant
    signs_from: Instant
    signs_until: Instant | None
    shown_until: Instant | None
    now: Instant


def state(key: ShownKey) -> str:
    """`waiting`, `signing`, `published` (signs no more, what it signed still counts) or `ended`."""
    if key.shown_until is not None and key.shown_until <= key.now:
        return "ended"
    if key.signs_until is not None and key.signs_until <= key.now:
        return "published"
    return "signing" if key.signs_from <= key.now else "waiting"


KEY: Shape[ShownKey] = Shape(
    "ostiary/keys",
    "ostiary.signingKey",
    (
        Field("id", Kind.ID, lambda k: k.kid, doc="The `kid` of tokens and of the key set."),
        Field("algorithm", Kind.ID, lambda k: k.algorithm),
        Field("state", Kind.ID, state, doc="waiting, signing, published or ended."),
        Field("createdDateTime", Kind.MOMENT, lambda k: k.created),
        Field("startDateTime", Kind.MOMENT, lambda k: k.signs_from, doc="When it begins to sign."),
        Field("endDateTime", Kind.MOMENT, lambda k: k.signs_until, doc="When it stops signing."),
        Field(
            "publishedUntilDateTime", Kind.MOMENT, lambda k: k.shown_until, doc="When what it signed stops counting."
        ),
    ),
)
