"""
Requests for exemptions that approvers deny. Needs nothing beside the journal.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days

__all__ = ["RULE"]

DENIED = Memory("requests_denied", days(7), most=8)
"""Requests of a person that were denied."""
MANY = 3


def _keys(event: Event) -> Iterable[Key]:
    yield DENIED.of(event.user)


def _look(event: Event, past: Past) -> Found | None:
    if not event.user or event.detail.get("approved") is not False:
        return None
    past.know(DENIED.of(event.user), event.exemption)
    times = len(past.of(DENIED.of(event.user)))
    return found(
        "An approver denied a request for an exemption" + (f", the {times}th of this person in a week." if times > 1
                                                          else "."),
        subject=event.exemption or event.user, severity=Severity.MEDIUM if times >= MANY else None, times=times,
        approver=event.by,
    )  # fmt: skip


RULE = Rule(
    id="requests_denied",
    title="A request for an exemption is denied",
    severity=Severity.LOW,
    explanation=(
        "An approver said no; medium from the third request of one person within a week on. Somebody who holds a "
        "person's session may ask in their name."
    ),
    false_positives="A request for too long or for the wrong application, that is then made again.",
    watches=frozenset({Kind.REQUEST_DECIDED}),
    look=_look,
    keys=_keys,
    covers=("sigma-039a7469", "sentinel-pim-rejected"),
)
