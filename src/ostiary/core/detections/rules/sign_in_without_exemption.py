"""
A device sign-in succeeded without an open exemption: it must never happen. Needs nothing beside the journal.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days, minutes

__all__ = ["RULE"]

WINDOWS = Memory("sign_in_without_exemption", days(120), most=6)
"""What is known of an exemption: `given`, `ended`, or `until` a time."""
SLACK = minutes(1)
"""Clocks of several nodes, and an entry's time, which is that of its request's beginning."""
_GIVEN = frozenset({Kind.EXEMPTION_OPENED, Kind.REQUEST_APPROVED})
_LENGTH = frozenset({Kind.EXEMPTION_BEGUN, Kind.EXEMPTION_EXTENDED})
_OVER = frozenset({Kind.EXEMPTION_ENDED, Kind.EXEMPTION_RAN_OUT, Kind.EXEMPTION_UNUSED})


def _keys(event: Event) -> Iterable[Key]:
    yield WINDOWS.of(event.exemption)


def _look(event: Event, past: Past) -> Found | None:
    key = WINDOWS.of(event.exemption)
    if event.kind != Kind.REDEEMED:
        if event.exemption:
            _remember(event, past, key)
        return None
    how = _how(event, past, key)
    if not how:
        return None
    return found(
        f"A device sign-in succeeded {how}. That must never happen: look whether this service was tampered with.",
        subject=event.story, exemptionId=event.exemption, address=event.side.address,
    )  # fmt: skip


def _remember(event: Event, past: Past, key: Key) -> None:
    if event.kind in _GIVEN:
        past.know(key, "given")
    if event.kind in _LENGTH and event.number("ends"):
        past.replace(key, ("until",), str(event.number("ends")))
    if event.kind in _OVER:
        past.know(key, "ended", str(event.at))


def _how(event: Event, past: Past, key: Key) -> str:
    """How no exemption was open; empty: one was, or it is not known."""
    if not event.exemption:
        return "without an exemption"
    marks = past.of(key)
    if any(mark.value[0] == "ended" and event.at > int(mark.value[1]) + SLACK for mark in marks):
        return "by an exemption that had ended"
    ends = [int(mark.value[1]) for mark in marks if mark.value[0] == "until"]
    return "by an exemption whose time was over" if ends and event.at > ends[-1] + SLACK else ""


RULE = Rule(
    id="sign_in_without_exemption",
    title="A device sign-in without an exemption",
    severity=Severity.HIGH,
    explanation=(
        "A code was redeemed though no exemption was named, or the one that was had ended or run out by what the "
        "journal says. The service refuses that; so either it was tampered with, or its journal was."
    ),
    false_positives="None that is known.",
    watches=frozenset({Kind.REDEEMED, *_GIVEN, *_LENGTH, *_OVER}),
    look=_look,
    keys=_keys,
)
