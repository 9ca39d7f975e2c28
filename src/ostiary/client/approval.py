"""
A sign-in that waits for somebody to approve its person's exemption (R5): what the server tells of it, and what is kept
so that another command can go on.

The file holds the device code and, where the sign-in is bound to a key of its own, that key: 0600, written whole or not
at all, and gone with the sign-in.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ostiary.client.errors import (
    DeniedByPerson,
    DeniedByPolicy,
    OstiaryError,
    StorageFailed,
    TimedOut,
    plain,
    refusal_from,
)
from ostiary.client.exchange import Answer, Event
from ostiary.client.profiles import Places
from ostiary.client.tokens import length
from ostiary.client.vaults import read_private, remove_private, write_private

__all__ = [
    "LONGEST_WAIT",
    "ApprovalAwaited",
    "Keep",
    "Kept",
    "StillWaiting",
    "approvers",
    "awaited_in",
    "forget_kept",
    "kept_path",
    "load_kept",
    "not_given",
    "save_kept",
]

LONGEST_WAIT = 8 * 3600.0  # R5: nothing waits for an exemption longer than 8 h
_MOST_NAMES = 20


class StillWaiting(TimedOut):
    """Nobody has decided yet; the request lives on."""

    code = "still_waiting"


@dataclass(frozen=True, slots=True)
class ApprovalAwaited(Event):
    """The person consented and asked; told again whenever something changed."""

    request: str
    """Its id, for `ostiary request show`."""
    expires_in: float
    approved_by: tuple[str, ...] = ()
    """So far."""
    again: str | None = None
    """It was approved too late for the consent: the page at this address asks the person once more."""


@dataclass(frozen=True, slots=True)
class Keep(Event):
    """What another command needs to go on with; a secret, for the file alone."""

    device_code: str = field(repr=False)
    interval: float
    expires_in: float
    request: str


@dataclass(frozen=True, slots=True)
class Kept:
    """
    What the file holds. `address`, `client_id` and `scope` are what was asked for; `ends_at` is by the wall clock;
    `key` is the private key of `proofs.Prover.secret` and None for an enrolled machine's or none.
    """

    address: str
    issuer: str
    client_id: str
    scope: str
    device_code: str = field(repr=False)
    interval: float
    ends_at: float
    request: str
    reason: str | None = None
    duration: str | None = None
    reference: str | None = None
    key: str | None = field(default=None, repr=False)
    bound: bool = False
    """Whether polls prove a key: its own, or that of the enrolled machine."""
    certificate: str | None = None
    certificate_key: str | None = None


def kept_path(places: Places, profile: str) -> Path:
    """The file of *profile*."""
    return places.state / f"{profile}.waiting"


def save_kept(path: Path, kept: Kept) -> None:
    """Keep it. Raises StorageFailed."""
    write_private(path, json.dumps(asdict(kept)).encode())


def load_kept(path: Path) -> Kept | None:
    """What *path* holds; None when there is none. Raises StorageFailed for what cannot be read."""
    held = read_private(path)
    try:
        return None if held is None else Kept(**json.loads(held))
    except (ValueError, TypeError) as fault:
        raise StorageFailed(f"{path} is damaged", next_step="ostiary login") from fault


def forget_kept(path: Path) -> None:
    """The sign-in is over. Raises StorageFailed."""
    remove_private(path)


def awaited_in(fields: Mapping[str, object]) -> ApprovalAwaited | None:
    """What a pending answer tells of the approval; None where it tells nothing."""
    request = plain(fields.get("ostiary_request"), 100)
    state = fields.get("ostiary_state")
    if request is None or state not in ("awaiting_exemption", "consent_again"):
        return None
    left = length(fields.get("ostiary_expires_in"), least=0, most=LONGEST_WAIT, missing=0)
    page = plain(fields.get("ostiary_page"), 500) or "the page of the sign-in"
    return ApprovalAwaited(request, left, approvers(fields), page if state == "consent_again" else None)


def approvers(fields: Mapping[str, object]) -> tuple[str, ...]:
    """Who said yes, by name."""
    names = fields.get("ostiary_approved_by")
    found = [plain(name, 80) for name in names[:_MOST_NAMES]] if isinstance(names, list) else []
    return tuple(name for name in found if name)


def not_given(answer: Answer, fields: Mapping[str, object]) -> OstiaryError | None:
    """What an error answer means that tells of a request; None where it tells of none."""
    state, request = plain(fields.get("ostiary_state"), 40), plain(fields.get("ostiary_request"), 100)
    if state is None or request is None:
        return None
    refusal, shown = refusal_from(answer.status, fields), f"ostiary request show {request}"
    if state in ("exemption_requested", "approved"):
        text = "the code has run out; the request lives on" if state == "exemption_requested" else "approved meanwhile"
        if fields.get("error") == "expired_token":
            return StillWaiting(text, refusal=refusal, next_step="ostiary login --resume")
        return DeniedByPolicy(refusal.description or "blocked; an exemption was asked for", refusal=refusal)
    if state == "exemption_denied":
        by, why = plain(fields.get("ostiary_denied_by"), 80), plain(fields.get("ostiary_reason"), 200)
        text = f"denied by {by or 'an approver'}" + (f": {why}" if why else "")
        return DeniedByPerson(text, refusal=refusal, next_step=shown)
    if state == "exemption_withdrawn":
        return DeniedByPerson("the request was withdrawn", refusal=refusal, next_step=shown)
    if state == "exemption_lapsed":
        return TimedOut("nobody decided in time", refusal=refusal, next_step='ostiary login --reason "why"')
    return DeniedByPolicy(f"the exemption: {state.removeprefix('exemption_')}", refusal=refusal, next_step=shown)
