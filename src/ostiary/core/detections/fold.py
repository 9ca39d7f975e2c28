"""
The fold: events and what is remembered in, findings and what to remember out. The same for a live batch and history.

INVARIANT: the findings of a journal do not depend on how it is cut into batches.

Findings are bounded (R21): of one rule `PER_SUBJECT` an hour about one person, or from one source where no person is
known, and `STRANGERS` an hour from all sources together. What is beyond is counted and not kept; what comes again is no
further one. Nobody without an account can use up what is kept about people.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ostiary.core.detections.cause import cause_of
from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Finding, Found, id_of
from ostiary.core.detections.memory import Key, Memory, Past, Track
from ostiary.core.detections.rule import Rule
from ostiary.core.words.instants import Instant, hours

__all__ = ["PER_SUBJECT", "STRANGERS", "Fault", "Folded", "fold", "needs", "watching"]

PER_SUBJECT = 20
STRANGERS = 500
SHORT = 8  # characters of an id that tell it apart from so few others
HOUR = hours(1)
_QUOTA = Memory("quota.found", HOUR, 64)
"""One mark for each rule and hour, with the beginnings of the ids that were kept."""
_ALL = Memory("quota.strangers", HOUR, 64)


class Fault(NamedTuple):
    """A rule that could not look at an event."""

    rule: str
    error: str
    """The class; never the message, which may hold what was in the entry."""
    entry: str


@dataclass(slots=True)
class Folded:
    """What a batch came to."""

    findings: list[Finding] = field(default_factory=list)
    held_back: Counter[tuple[str, Instant]] = field(default_factory=Counter)
    """How many findings were beyond the bounds, by rule and the hour's beginning."""
    faults: list[Fault] = field(default_factory=list)


Watching = Mapping[str, Sequence[Rule]]


def watching(rules: Iterable[Rule]) -> Watching:
    """The rules by the kinds that they watch."""
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        for kind in sorted(rule.watches):
            found.setdefault(kind, []).append(rule)
    return found


def needs(events: Iterable[Event], rules: Watching, faults: list[Fault] | None = None) -> set[Key]:
    """Which tracks *events* make the rules look at. A rule that raises is left to `fold`, which tells of it."""
    found: set[Key] = set()
    for event in events:
        watchers = rules.get(event.kind, ())
        for rule in watchers:
            try:
                found.update(rule.keys(event))
            except Exception as error:  # one that cannot look silences no other
                if faults is not None:
                    faults.append(Fault(rule.id, type(error).__qualname__, event.entry))
        if watchers:
            found.update(_quotas(event))
    return found


def _quotas(event: Event) -> tuple[Key, Key]:
    return _QUOTA.of(event.user or event.side.source or event.actor), _ALL.of("")


def fold(events: Iterable[Event], past: Past, rules: Watching) -> Folded:
    """Run *rules* over *events*, in their order; what they remember is in *past* then."""
    folded = Folded()
    for event in events:
        for rule in rules.get(event.kind, ()):
            past.now = event.at
            try:
                seen = rule.look(event, past)
            except Exception as error:
                folded.faults.append(Fault(rule.id, type(error).__qualname__, event.entry))
                continue
            if seen is None:
                continue
            finding = _finding(rule, event, seen)
            if _admitted(finding, event, past):
                folded.findings.append(finding)
            else:
                folded.held_back[rule.id, Instant(event.at // HOUR * HOUR)] += 1
    return folded


def _admitted(finding: Finding, event: Event, past: Past) -> bool:
    """Whether it is kept; counted by the hour of the clock, and what comes again in it is counted once."""
    mine, everybody = _quotas(event)
    begins = (finding.rule, str(event.at // HOUR))
    known: tuple[str, ...] = next((mark.value[2:] for mark in past.of(mine) if mark.value[:2] == begins), ())
    short = finding.id[:SHORT]
    if short in known:
        return True
    if len(known) >= PER_SUBJECT or not (event.user or _counted(past, everybody, begins)):
        return False
    past.replace(mine, begins, *known, short)
    return True


def _counted(past: Past, key: Key, begins: tuple[str, ...]) -> bool:
    """One more stranger's of a rule and hour, unless there are `STRANGERS`: one mark for each rule holds the count."""
    track: Track = past.of(key)
    count = next((int(mark.value[2]) for mark in track if mark.value[:2] == begins), 0)
    if count >= STRANGERS:
        return False
    past.replace(key, begins, str(count + 1))
    return True


def _finding(rule: Rule, event: Event, seen: Found) -> Finding:
    asked = event.requester if event.requester.address else event.side
    return Finding(
        id=id_of(rule.id, seen.subject, event.at, rule.once),
        rule=rule.id,
        severity=seen.severity or rule.severity,
        at=event.at,
        sentence=seen.sentence,
        entry=event.entry,
        story=event.story,
        user=seen.user or event.user,
        client=event.client,
        session=event.session,
        exemption=event.exemption,
        source=asked.address,
        country=asked.country,
        evidence=seen.evidence,
        cause=cause_of(event, seen.user or event.user, rule.id, about_source=seen.about_source),
    )
