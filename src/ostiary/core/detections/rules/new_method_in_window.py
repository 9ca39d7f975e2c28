"""
A way to sign in is added soon after a device sign-in. Needs nothing beside the journal.
"""

from collections.abc import Iterable

from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Found, Severity, found
from ostiary.core.detections.memory import Key, Memory, Past
from ostiary.core.detections.rule import Rule
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Span, between, hours, in_words

__all__ = ["RULE"]

WINDOW = Memory("new_method_in_window", hours(2), most=1)
"""When a code was redeemed for a person last."""
_WORDS = {
    Kind.PASSKEY_ADDED: "a passkey",
    Kind.AUTHENTICATOR_ADDED: "an authenticator",
    Kind.RECOVERY_CODES_MADE: "recovery codes",
    Kind.PASSWORD_CHANGED: "a new password",
    Kind.PASSWORD_SET: "a new password",
    Kind.ACCESS_PASS_MADE: "an access pass",
    Kind.LINKED: "an identity of another provider",
    Kind.OWN_CHANNEL_ADDED: "a place for their notices",
    Kind.OWN_CHANNEL_REMOVED: "one place less for their notices",
}


def _keys(event: Event) -> Iterable[Key]:
    yield WINDOW.of(event.user)


def _look(event: Event, past: Past) -> Found | None:
    if not event.user:
        return None
    key = WINDOW.of(event.user)
    if event.kind == Kind.REDEEMED:
        past.replace(key, (), event.story, event.side.address)
        return None
    window = past.of(key)
    if not window:
        return None
    ago = in_words(Span(max(0, between(window[-1].at, event.at))))
    return found(
        f"An account got {_WORDS[Kind(event.kind)]} {ago} after a device sign-in of its person.",
        subject=f"{event.user} {event.kind}", signIn=window[-1].value[0], machine=window[-1].value[1],
        address=event.side.address, what=event.kind,
    )  # fmt: skip


RULE = Rule(
    id="new_method_in_window",
    title="A new way to sign in after a device sign-in",
    severity=Severity.MEDIUM,
    explanation=(
        "Within two hours after a code was redeemed for a person, their account got a passkey, an authenticator, "
        "recovery codes, a password, an access pass, an identity elsewhere, or their notices go somewhere else: how "
        "somebody stays in who came in by a relayed code."
    ),
    false_positives="A person who sets up a new machine, and their account with it.",
    watches=frozenset({Kind.REDEEMED, *_WORDS}),
    look=_look,
    keys=_keys,
)
