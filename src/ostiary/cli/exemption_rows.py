"""
What the verbs about exemptions share: where they stand in the admin API, how one is shown, and what narrows it.
"""

from collections.abc import Mapping
from typing import Any

from ostiary.cli.durations import left
from ostiary.cli.errand import Errand
from ostiary.cli.lookup import application
from ostiary.cli.output import Column
from ostiary.client.graph import Graph
from ostiary.core.words.ids import is_guid
from ostiary.core.words.instants import from_iso, to_seconds

__all__ = ["BASE", "COLUMNS", "REQUESTS", "decisions", "ends", "length", "limits_of", "narrowed", "person", "until"]

BASE = "/identityGovernance/privilegedAccess/group"
REQUESTS = f"{BASE}/assignmentScheduleRequests"


def narrowed(resource: Mapping[str, Any], name: str) -> object:
    """What stands under `ostiary`."""
    limits = resource.get("ostiary")
    return limits.get(name) if isinstance(limits, dict) else None


def person(resource: Mapping[str, Any]) -> object:
    """Whose it is."""
    principal = resource.get("principal")
    named = principal.get("userPrincipalName") if isinstance(principal, dict) else None
    return named or narrowed(resource, "userPrincipalName") or resource.get("principalId")


def decisions(resource: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What approvers said, the last one last."""
    said = narrowed(resource, "decisions")
    return said if isinstance(said, list) else []


def _expiration(resource: Mapping[str, Any], name: str) -> object:
    info = resource.get("scheduleInfo")
    ending = info.get("expiration") if isinstance(info, dict) else None
    return ending.get(name) if isinstance(ending, dict) else None


def ends(resource: Mapping[str, Any]) -> object:
    """When it ends."""
    return resource.get("endDateTime") or _expiration(resource, "endDateTime")


def length(resource: Mapping[str, Any]) -> object:
    """How long it is for."""
    return _expiration(resource, "duration")


COLUMNS: tuple[Column, ...] = (
    ("ID", lambda r: r.get("id")),
    ("Person", person),
    ("State", lambda r: narrowed(r, "state")),
    ("For", length),
    ("Ends", ends),
    ("Application", lambda r: narrowed(r, "applicationId") or "any"),
    ("Network", lambda r: narrowed(r, "network") or "any"),
    ("Break-glass", lambda r: narrowed(r, "breakGlass")),
    ("Reason", lambda r: narrowed(r, "reason") or r.get("justification")),
)


def limits_of(errand: Errand, graph: Graph, app: str, network: str) -> dict[str, Any]:
    """What `--app` and `--network` narrow to."""
    limits: dict[str, Any] = {"network": network} if network else {}
    if app and (is_guid(app) or errand.given.local):
        limits["applicationId"] = app
    elif app:
        limits["applicationId"] = str(application(graph, app)["appId"])
    return limits


def until(errand: Errand, resource: Mapping[str, Any]) -> str:
    """When it ends, by the clock on the wall here."""
    try:
        moment = to_seconds(from_iso(str(ends(resource))))
    except ValueError:
        return ""
    return f" until {errand.machine.local_time(moment)} (in {left(moment - errand.machine.wall())})"
