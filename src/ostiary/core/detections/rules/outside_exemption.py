"""
What an exemption does not admit was tried: from another network than it names, another application, or after its end.
Needs nothing beside the entry.
"""

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.outcome import Reason

__all__ = ["RULE"]

OUTSIDE = {
    Reason.ELSEWHERE.value: "from outside of the network that its exemption names",
    Reason.EXEMPTION_ENDED.value: "after its exemption had ended",
    Reason.REACH.value: "for a resource that was not agreed to",
}


def _look(event: Event, past: Past) -> Found | None:
    how = OUTSIDE.get(event.reason)
    if how is None or (event.reason == Reason.EXEMPTION_ENDED.value and _goes_on(event)):
        return None
    elsewhere = event.reason == Reason.ELSEWHERE.value
    return found(
        f"A sign-in was used {how}; nothing was given.",
        subject=f"{event.story} {event.reason}", severity=Severity.MEDIUM if elsewhere else None, reason=event.reason,
        address=event.side.address, country=event.side.country, agent=event.side.agent,
    )  # fmt: skip


def _goes_on(event: Event) -> bool:
    """A program that did not notice that its time is over, on the machine where it was."""
    return event.kind == Kind.REFRESH_REFUSED and event.side.source in ("", event.requester.source)


RULE = Rule(
    id="outside_exemption",
    title="Used outside of what was allowed",
    severity=Severity.LOW,
    explanation=(
        "A code or a refresh token came from outside of the network that its exemption names (medium), after that had "
        "ended (a refresh token: from another address), or for a resource that was not agreed to. Nothing was given; a "
        "stolen token shows itself so."
    ),
    false_positives="A laptop that changed its network; a program that begins late.",
    watches=frozenset({Kind.REDEMPTION_REFUSED, Kind.REFRESH_REFUSED}),
    look=_look,
)
