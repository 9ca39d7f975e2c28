"""
A machine is enrolled soon after a device sign-in of its owner. Needs nothing beside the journal.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.usual import Usual, source_of
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Span, between, in_words, minutes

__all__ = ["RULE"]

SIGNED_IN = Memory("device_after_sign_in", minutes(30), most=1)
"""When a code was redeemed for a person last."""
SOON = minutes(10)


USUAL = Usual("device_after_sign_in", source_of, several=1)
"""Addresses from which somebody signed in a machine before today."""


def _owner(event: Event) -> str:
    return event.user if event.kind == Kind.REDEEMED else event.text("owner") or event.user


def _keys(event: Event) -> Iterable[Key]:
    return SIGNED_IN.of(_owner(event)), *USUAL.keys(event, event.side)


def _look(event: Event, past: Past) -> Found | None:
    owner = _owner(event)
    if not owner:
        return None
    key = SIGNED_IN.of(owner)
    if event.kind == Kind.REDEEMED:
        past.replace(key, (), event.story, event.side.source)
        USUAL.learn(event, event.side, past)
        return None
    last = past.of(key)
    if not last:
        return None
    story, source = last[-1].value
    ago = Span(max(0, between(last[-1].at, event.at)))  # nodes have clocks of their own
    same = source == event.side.source and bool(source)
    soon = Severity.HIGH if ago <= SOON and same else None
    return found(
        f"A machine was enrolled for somebody {in_words(ago)} after a device sign-in of theirs"
        + (", from the address that had got it." if same else "."),
        subject=event.target or owner, user=owner,
        severity=soon if same or not USUAL.ours(event, event.side, past) else Severity.LOW,
        signIn=story, minutes=ago // minutes(1), sameAddress=same, name=event.text("name"),
    )  # fmt: skip


RULE = Rule(
    id="device_after_sign_in",
    title="A machine is enrolled after a device sign-in",
    severity=Severity.MEDIUM,
    explanation=(
        "Within half an hour after a code was redeemed for a person, a machine asked to be theirs or was admitted; "
        "high within ten minutes and from the address that had got the tokens, low from another where "
        "people signed in before. Campaigns register a device that way, to stay."
    ),
    false_positives="A new machine that its owner signs in and enrols in one go.",
    watches=frozenset({Kind.REDEEMED, Kind.DEVICE_ASKED, Kind.DEVICE_ADMITTED}),
    look=_look,
    keys=_keys,
    covers=("elastic-d2c02b2b", "elastic-fcd2e4be", "eye-security", "storm-2372-drs"),
)
