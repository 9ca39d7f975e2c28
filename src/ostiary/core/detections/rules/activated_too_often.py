"""
A person's exemptions are many. Needs nothing beside the journal.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import between, days

__all__ = ["RULE"]

GIVEN = Memory("activated_too_often", days(7), most=12)
"""Exemptions of a person, however they came."""
A_DAY, A_WEEK = 4, 10


def _keys(event: Event) -> Iterable[Key]:
    yield GIVEN.of(event.user)


def _look(event: Event, past: Past) -> Found | None:
    if not event.user or past.know(GIVEN.of(event.user), event.exemption or event.entry):
        return None
    given = past.of(GIVEN.of(event.user))
    today = sum(between(mark.at, event.at) <= days(1) for mark in given)
    if today < A_DAY and len(given) < A_WEEK:
        return None
    return found(
        f"A person got {len(given)} exemptions within a week, {today} of them within a day.",
        subject=event.user, severity=Severity.MEDIUM if today >= A_DAY else None, week=len(given), day=today,
    )  # fmt: skip


RULE = Rule(
    id="activated_too_often",
    title="Exemptions too often",
    severity=Severity.LOW,
    explanation=(
        "Somebody got four exemptions within a day (medium) or ten within a week: what is an exception has become the "
        "rule, or an approver no longer looks."
    ),
    false_positives="A migration or a release, when much is done by hand.",
    watches=frozenset({Kind.EXEMPTION_OPENED, Kind.REQUEST_APPROVED}),
    look=_look,
    keys=_keys,
    covers=("sigma-645fd80d",),
)
