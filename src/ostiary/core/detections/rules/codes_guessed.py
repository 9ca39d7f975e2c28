"""
Many wrong codes: of one person, or from one source. Needs nothing beside the entry and its address.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past, Track
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours, minutes

__all__ = ["RULE"]

WRONG = Memory("codes_guessed", minutes(30), most=64)
"""Wrong codes from a source, with who typed them."""
MANY = 20


def _keys(event: Event) -> Iterable[Key]:
    yield WRONG.of(event.side.source)


def _look(event: Event, past: Past) -> Found | None:
    source = event.side.source
    tries: Track = ()
    if source:
        past.mark(WRONG.of(source), event.user)
        tries = past.of(WRONG.of(source))
    if event.told("locked"):
        return found(
            f"{event.user_name or 'Somebody'} typed so many wrong codes that they may type none for a while.",
            subject=event.user, count=event.number("count"), address=event.side.address,
        )  # fmt: skip
    if len(tries) < MANY:
        return None
    people = len({mark.value for mark in tries})
    return found(
        f"{len(tries)} wrong codes were typed from {source} within half an hour, by {people} people.",
        subject=source, severity=Severity.HIGH if people > 1 else None, about_source=True, source=source,
        count=len(tries), people=people,
    )  # fmt: skip


RULE = Rule(
    id="codes_guessed",
    title="Codes are guessed",
    severity=Severity.MEDIUM,
    explanation=(
        "A person typed so many wrong codes that they were stopped, or 20 came from one source within half an hour; "
        "high from several people's sessions at one source. Whoever guesses a code gets the sign-in of a machine that "
        "somebody else started."
    ),
    false_positives="Somebody with a display that is hard to read; a classroom behind one address.",
    watches=frozenset({Kind.CODE_WRONG}),
    look=_look,
    keys=_keys,
    once=hours(1),
)
