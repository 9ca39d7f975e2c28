"""
One source tries many names, or many applications. Needs its address.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours

__all__ = ["RULE"]

NAMES = Memory("recon.names", hours(1), most=24)
"""Accounts whose password or factor a source got wrong."""
CLIENTS = Memory("recon.clients", hours(1), most=24)
"""Applications for which a source was refused a code."""
MANY = 8


def _keys(event: Event) -> Iterable[Key]:
    return NAMES.of(event.side.source), CLIENTS.of(event.side.source)


def _look(event: Event, past: Past) -> Found | None:
    source = event.side.source
    if not source:
        return None
    people = event.kind in (Kind.SIGN_IN_REFUSED, Kind.CLAIM_REFUSED)
    key = (NAMES if people else CLIENTS).of(source)
    tried = event.user if people else event.client[:64]
    if not tried or past.know(key, tried) or len(past.of(key)) < MANY:
        return None
    number = len(past.of(key))
    what = f"sign in as {number} people" if people else f"start sign-ins of {number} applications"
    return found(
        f"{source} tried to {what} within an hour, and was refused.",
        subject=f"{source} {'people' if people else 'clients'}", about_source=True, source=source,
        people=number if people else 0, applications=0 if people else number, hosted=event.side.hosted,
    )  # fmt: skip


RULE = Rule(
    id="recon",
    title="Somebody tries what there is",
    severity=Severity.MEDIUM,
    explanation=(
        "Within an hour one source was refused as eight people or more (wrong passwords, claims that were not theirs), "
        "or for eight applications or more: campaigns look for accounts and for what may start, days before."
    ),
    false_positives="A whole office behind one address on the day when passwords ran out.",
    watches=frozenset({Kind.SIGN_IN_REFUSED, Kind.CLAIM_REFUSED, Kind.START_REFUSED}),
    look=_look,
    keys=_keys,
)
