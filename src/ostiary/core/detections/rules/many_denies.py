"""
Sign-ins are denied again and again: of one person, or from one source. Needs nothing beside the journal, and the
source's address.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.usual import Usual, source_of
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours

__all__ = ["RULE"]

OF_PERSON = Memory("many_denies.person", hours(1), most=16)
OF_SOURCE = Memory("many_denies.source", hours(24), most=16)
"""People who denied what came from a source."""
TIRED, SEVERAL = 3, 2


USUAL = Usual("many_denies", source_of, several=1)
"""Machines on which somebody signed in before today."""


def _keys(event: Event) -> Iterable[Key]:
    machine = event.requester
    return OF_PERSON.of(event.user), OF_SOURCE.of(machine.source), *USUAL.keys(event, machine)


def _look(event: Event, past: Past) -> Found | None:
    if event.kind == Kind.REDEEMED:
        USUAL.learn(event, event.requester, past)
        return None
    if not event.user or event.by != event.user:
        return None  # the machine took its own code back
    person, source = OF_PERSON.of(event.user), OF_SOURCE.of(event.requester.source)
    past.mark(person)
    times = len(past.of(person))
    people = 1
    if event.requester.source not in ("", event.person.source) and not USUAL.ours(event, event.requester, past):
        past.know(source, event.user)
        people = len(past.of(source))
    if people >= SEVERAL:
        return found(
            f"{people} people denied sign-ins that {event.requester.source} had started, within a day.",
            subject=event.requester.source, severity=Severity.HIGH, source=event.requester.source, people=people,
        )  # fmt: skip
    if times < TIRED:
        return None
    return found(
        f"{event.user_name or 'Somebody'} denied {times} sign-ins within an hour: somebody may want to tire them out.",
        subject=event.user, times=times, address=event.requester.address,
    )  # fmt: skip


RULE = Rule(
    id="many_denies",
    title="Sign-ins are denied again and again",
    severity=Severity.MEDIUM,
    explanation=(
        "A person denied three sign-ins within an hour, or two people denied what came from one source within a day "
        "(high; not one at which they sit, nor a machine that people signed in on before): somebody is led to "
        "approve, and tried until they do."
    ),
    false_positives="A program that starts a sign-in at each run; people who try the flow out.",
    watches=frozenset({Kind.DENIED, Kind.REDEEMED}),
    look=_look,
    keys=_keys,
    once=hours(6),
)
