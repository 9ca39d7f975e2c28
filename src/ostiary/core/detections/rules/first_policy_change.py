"""
Somebody changes policy who never did. Needs nothing beside the journal.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]

KNOWN = Memory("first_policy_change", days(180), most=1)


def _keys(event: Event) -> Iterable[Key]:
    yield KNOWN.of(event.actor)


def _look(event: Event, past: Past) -> Found | None:
    if past.know(KNOWN.of(event.actor)) or not event.by:
        return None
    return found(
        "Somebody changed a policy, or the rules of exemptions, for the first time in 180 days.",
        subject=event.actor, by=event.actor, target=event.target, address=event.side.address,
        country=event.side.country,
    )  # fmt: skip


RULE = Rule(
    id="first_policy_change",
    title="Policy is changed by a new hand",
    severity=Severity.MEDIUM,
    explanation=(
        "An administrator who had changed no policy, location or rule of exemptions within 180 days did so: a taken "
        "account looks for what closes it out."
    ),
    false_positives="A new administrator, and the first change after a long quiet time.",
    watches=frozenset({
        Kind.POLICY_CREATED, Kind.POLICY_CHANGED, Kind.POLICY_DELETED, Kind.LOCATION_CREATED, Kind.LOCATION_CHANGED,
        Kind.LOCATION_DELETED, Kind.EXEMPTION_RULES_CHANGED,
    }),
    look=_look,
    keys=_keys,
    covers=("sigma-50a3c7aa",),
)  # fmt: skip
