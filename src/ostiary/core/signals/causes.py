"""
Which entries of the journal make sessions worth a look, whose, and what is said of those that are over.

An entry is only a hint: whether a session is over is read from the store as it is now, so that an entry that ended
nothing tells nothing. One line a kind; a kind that is not here ends no session.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.signals.events import Initiator
from ostiary.core.words.instants import Instant

__all__ = ["CAUSES", "Cause", "Whose", "cause_of"]


class Whose(StrEnum):
    """By what the sessions are found."""

    USER = "user"
    SESSION = "session"
    DEVICE = "device"
    CLIENT = "client"
    ANYBODY = "anybody"


@dataclass(frozen=True, slots=True)
class Cause:
    """What is known of why sessions may be over."""

    whose: Whose
    id: str
    at: Instant
    by: Initiator
    why: str


_Detail = Mapping[str, Any]
_By = Callable[[_Detail], Initiator]


@dataclass(frozen=True, slots=True)
class _Rule:
    whose: Whose
    by: _By
    why: str
    key: str = ""
    """Of the detail that holds the id; empty: the entry's target does."""


def _admin(_: _Detail) -> Initiator:
    return Initiator.ADMIN


def _user(_: _Detail) -> Initiator:
    return Initiator.USER


def _system(_: _Detail) -> Initiator:
    return Initiator.SYSTEM


def _policy(_: _Detail) -> Initiator:
    return Initiator.POLICY


def _own(detail: _Detail) -> Initiator:
    return Initiator.USER if detail.get("own") else Initiator.ADMIN


def _released(detail: _Detail) -> Initiator:
    if detail.get("cause") == EndCause.DOUBTED:
        return Initiator.SYSTEM
    return Initiator.USER if detail.get("cause") in (EndCause.RELEASED, EndCause.REPORTED) else Initiator.ADMIN


CAUSES: Mapping[str, _Rule] = {
    Kind.EXEMPTION_ENDED: _Rule(Whose.USER, _released, "The exemption was ended before its time.", "user"),
    Kind.EXEMPTION_RAN_OUT: _Rule(Whose.USER, _policy, "The exemption ran out.", "user"),
    Kind.REUSED: _Rule(Whose.SESSION, _system, "A refresh token was used twice.", "session"),
    Kind.REPLAYED: _Rule(Whose.SESSION, _system, "A device code was used twice.", "session"),
    Kind.REVOKED: _Rule(Whose.SESSION, _user, "The application ended the session.", "session"),
    Kind.REPORTED: _Rule(Whose.USER, _user, "The person did not start the sign-in."),
    Kind.SIGNED_OUT: _Rule(Whose.USER, _user, "The person ended the session."),
    Kind.SESSIONS_ENDED: _Rule(Whose.USER, _own, "Every session of the person was ended."),
    Kind.USER_CHANGED: _Rule(Whose.USER, _admin, "The account was changed."),
    Kind.USER_DELETED: _Rule(Whose.USER, _admin, "The account was deleted."),
    Kind.PASSWORD_SET: _Rule(Whose.USER, _user, "The password was changed."),
    Kind.PASSWORD_CHANGED: _Rule(Whose.USER, _user, "The password was changed."),
    Kind.MFA_RESET: _Rule(Whose.USER, _admin, "The second factors were removed."),
    Kind.PASSKEY_TAKEN: _Rule(Whose.USER, _admin, "A passkey was removed."),
    Kind.UNLINKED: _Rule(Whose.USER, _admin, "The account was separated from its provider."),
    Kind.UPSTREAM_ENDED: _Rule(Whose.USER, _system, "The provider vouches for the person no more."),
    Kind.DEVICE_REVOKED: _Rule(Whose.DEVICE, _own, "The machine was revoked."),
    Kind.DEVICE_LAPSED: _Rule(Whose.DEVICE, _policy, "The machine's time in the inventory ran out."),
    Kind.DEVICE_DELETED: _Rule(Whose.DEVICE, _admin, "The machine was taken out of the inventory."),
    Kind.DEVICE_CHANGED: _Rule(Whose.DEVICE, _admin, "The machine was changed."),
    Kind.APPLICATION_CHANGED: _Rule(Whose.CLIENT, _admin, "The application was changed."),
    Kind.APPLICATION_DELETED: _Rule(Whose.CLIENT, _admin, "The application was deleted."),
    Kind.TRUST_CHANGED: _Rule(Whose.CLIENT, _admin, "The trust behind the workload was changed."),
    Kind.TRUST_REMOVED: _Rule(Whose.CLIENT, _admin, "The trust behind the workload was removed."),
    Kind.KILL_SWITCH_ON: _Rule(Whose.ANYBODY, _admin, "All device sign-ins were stopped."),
    Kind.RESPONSE_DONE: _Rule(Whose.SESSION, _system, "A detection ended the session.", "session"),
    Kind.RESTORED: _Rule(Whose.ANYBODY, _admin, "The service was restored from a backup."),
}


_ENDED: Mapping[str, str] = {
    EndCause.RELEASED: "The exemption was released by its person.",
    EndCause.REPORTED: "The person did not start a sign-in.",
    EndCause.DOUBTED: "The sign-in that it was asked for was in doubt.",
    EndCause.DISABLED: "The account was disabled or deleted.",
    EndCause.INELIGIBLE: "The person is not eligible for exemptions any more.",
}
_SINCE: Mapping[str, str] = {Kind.EXEMPTION_RAN_OUT: "ends", Kind.DEVICE_LAPSED: "expires"}
"""Entries that are written a little later than what they tell: where they say since when."""


def cause_of(entry: Recorded) -> Cause | None:
    """What *entry* hints at; None for a kind that ends nothing, and for an entry that names nobody."""
    rule = CAUSES.get(entry.kind)
    if rule is None:
        return None
    detail: _Detail = entry.body["detail"]
    id = str(detail.get(rule.key, "")) if rule.key else entry.target.partition(":")[2]
    if not id and rule.whose is not Whose.ANYBODY:
        return None
    at = detail[_SINCE[entry.kind]] if entry.kind in _SINCE else entry.at
    why = _ENDED.get(detail["cause"], rule.why) if entry.kind == Kind.EXEMPTION_ENDED else rule.why
    return Cause(rule.whose, id, Instant(at), rule.by(detail), why)
