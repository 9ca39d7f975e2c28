"""
The steps of one sign-in, in their order: of each kind the first entry and, where there were more, the last, so that
thousands of refreshes are two steps and a number.
"""

from dataclasses import dataclass

from ostiary.core.logs.story import Story
from ostiary.core.words.instants import Instant

__all__ = ["Step", "steps"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened."""

    at: Instant
    kind: str
    """``source:subject:action``, of `kinds.py`; of a request and its exemption in the same form."""
    by: str
    """The actor."""
    name: str = ""
    """What the actor is called."""
    address: str = ""
    why: str = ""
    """The reason: a person's words, or the stable word of a refusal."""
    methods: tuple[str, ...] = ()
    """How they had proved who they are (RFC 8176)."""
    token: str = ""
    """Id of the access token that it gave."""
    policy_version: int | None = None
    """The policies by which it was judged."""
    count: int = 1
    """How many of the kind there were."""


def steps(story: Story) -> list[Step]:
    """Those of *story*."""
    marks = {
        mark.place: (kind, mark) for part in (story.first, story.last) for kind, mark in part.items()
    }  # what came once is its own last
    return [
        Step(
            Instant(mark.at),
            kind,
            mark.actor,
            mark.actor_name,
            mark.address,
            str(mark.detail.get("reason") or mark.detail.get("cause") or ""),
            _words(mark.detail.get("amr")),
            str(mark.detail.get("jti") or ""),
            mark.detail.get("policy_version"),
            story.counts.get(kind, 1),
        )
        for _, (kind, mark) in sorted(marks.items())
    ]


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(str(each) for each in value) if isinstance(value, list | tuple) else ()
