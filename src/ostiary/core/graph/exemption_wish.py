"""
What a body of `assignmentScheduleRequests` asks for: to open, to ask, to extend, to end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from ostiary.core.exemptions.asking import Wish as Asked
from ostiary.core.exemptions.exemption import Limits
from ostiary.core.exemptions.opening import Opening
from ostiary.core.exemptions.request import Act, Ticket
from ostiary.core.graph.exemption import id_in
from ostiary.core.graph.exemption_request import DURATION, MOMENT
from ostiary.core.words.ids import AppId, ExemptionId
from ostiary.core.words.instants import Instant, Span, between
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said

__all__ = ["Ask", "Ending", "Wish", "read_request"]

MOST_SCOPES = 64


@dataclass(frozen=True, slots=True)
class Ending:
    """A wish to end: one exemption, or all of one person."""

    id: ExemptionId | None
    principal: str
    reason: str
    action: str


@dataclass(frozen=True, slots=True)
class Wish:
    """An administrator's wish to open, or only to try whether it would be."""

    opening: Opening
    trial: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """A wish that the rules of the group judge, or only to try it."""

    wish: Asked
    trial: bool


def read_request(changes: Mapping[str, Any], *, exception_group: str, now: Instant) -> Wish | Ask | Ending | Refused:
    """What a checked body asks for; `changes` are by the fields' `write` names."""
    if changes.get("group", exception_group) != exception_group:
        return Refused(Reason.INVALID_VALUE, "Only the exception group takes assignments.", field="groupId")
    principal = changes.get("principal", "")
    if changes["action"] in (Act.ACTIVATE, Act.EXTEND):
        return _asking(changes, principal, now)
    reason = _reason(changes)
    if changes["action"] != Act.ASSIGN:
        return _ending(changes, principal, reason)
    if not principal:
        return Refused(Reason.INVALID_VALUE, "Somebody must be named.", field="principalId")
    length = _length(changes, now)
    limits = _limits(changes)
    if isinstance(length, Refused) or isinstance(limits, Refused):
        return length if isinstance(length, Refused) else limits  # type: ignore[return-value]
    opening = Opening(principal, length, reason, limits, changes.get("starts"), bool(changes.get("break_glass")))
    return Wish(opening, bool(changes.get("trial")))


def _asking(changes: Mapping[str, Any], principal: str, now: Instant) -> Ask | Refused:
    """A length may be left out: the rules have a usual one."""
    given = any(changes.get(name) is not None for name in ("expires", "duration", "end"))
    length, limits = _length(changes, now) if given else None, _limits(changes)
    if isinstance(length, Refused) or isinstance(limits, Refused):
        return length if isinstance(length, Refused) else limits  # type: ignore[return-value]
    schedule = changes.get("schedule") or ""
    if (changes["action"] == Act.EXTEND) is not bool(schedule):
        detail = "Name the schedule that is to be extended, there and only there."
        return Refused(Reason.INVALID_VALUE, detail, field="targetScheduleId")
    number = changes.get("ticket_number")
    wish = Asked(
        principal, length, changes.get("justification") or "", limits,
        Ticket(number, changes.get("ticket_system") or "") if number else None, changes.get("starts"),
        bool(changes.get("break_glass")), id_in(schedule) if schedule else None,
    )  # fmt: skip
    return Ask(wish, bool(changes.get("trial")))


def _reason(changes: Mapping[str, Any]) -> str:
    ticket = " ".join(filter(None, (changes.get("ticket_system"), changes.get("ticket_number"))))
    reason = changes.get("justification") or ""
    return f"{reason} ({ticket})" if reason and ticket else reason


def _ending(changes: Mapping[str, Any], principal: str, reason: str) -> Ending | Refused:
    if changes.get("trial"):
        return Refused(Reason.INVALID_VALUE, "Ending cannot be tried.", field="isValidationOnly")
    schedule = changes.get("schedule") or ""
    if not schedule and not principal:
        return Refused(Reason.INVALID_VALUE, "Name the person or the schedule.", field="principalId")
    id = id_in(schedule) if schedule else None
    return Ending(id, principal, reason, changes["action"])


def _length(changes: Mapping[str, Any], now: Instant) -> Span | Refused:
    kind, duration, end = (changes.get(name) for name in ("expires", "duration", "end"))
    if duration is not None and kind in (None, *DURATION):
        return Span(duration)
    if end is not None and kind in (None, *MOMENT):
        return between(max(changes.get("starts") or now, now), end)
    detail = "An exemption ends: give afterDuration and a duration, or afterDateTime and an end."
    return Refused(Reason.INVALID_VALUE, detail, field="scheduleInfo.expiration")


def _limits(changes: Mapping[str, Any]) -> Limits | Refused:
    application, text, resource = (changes.get(name) for name in ("application", "network", "resource"))
    try:
        network = ip_network(text) if text else None
    except ValueError:
        detail = "A network such as 203.0.113.0/24 is needed, with no bits set beyond its length."
        return Refused(Reason.INVALID_VALUE, detail, field="ostiary.network")
    scopes, sign_ins = changes.get("scopes"), changes.get("sign_ins")
    if scopes is not None and not 0 < len(scopes) <= MOST_SCOPES:
        return Refused(
            Reason.INVALID_VALUE, said("From 1 to %(most)s scopes.", most=MOST_SCOPES), field="ostiary.scopes"
        )
    if sign_ins is not None and sign_ins < 1:
        return Refused(Reason.INVALID_VALUE, "At least one sign-in.", field="ostiary.signIns")
    return Limits(
        AppId(application.lower()) if application else None,
        network,
        AppId(resource.lower()) if resource else None,
        frozenset(scopes) if scopes is not None else None,
        changes.get("device") or None,
        sign_ins,
    )
