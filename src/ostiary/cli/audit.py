"""
`ostiary audit`: what was changed, by whom and why, as Graph's `directoryAudit` tells it.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ostiary.cli.audit_log import AUDIT_LOG
from ostiary.cli.errand import Errand
from ostiary.cli.lookup import both, literal
from ostiary.cli.output import Column
from ostiary.cli.since import since_filter
from ostiary.cli.verb import ADMIN, Noun

__all__ = ["AUDIT"]


def _actor(resource: Mapping[str, Any]) -> object:
    """A person by name; everybody else as the journal calls them: `local:root` is not a person called root."""
    by, ours = resource.get("initiatedBy"), resource.get("ostiary")
    user = by.get("user") if isinstance(by, dict) else None
    if isinstance(user, dict):
        return user.get("userPrincipalName") or user.get("displayName") or user.get("id")
    return ours.get("actor") if isinstance(ours, dict) else None


def _targets(resource: Mapping[str, Any]) -> list[object]:
    found = resource.get("targetResources") or []
    return [t.get("userPrincipalName") or t.get("displayName") or t.get("id") for t in found if isinstance(t, dict)]


def _result(resource: Mapping[str, Any]) -> object:
    reason = resource.get("resultReason")
    return f"{resource.get('result')}: {reason}" if reason else resource.get("result")


COLUMNS: tuple[Column, ...] = (
    ("Time", lambda r: r.get("activityDateTime")),
    ("Activity", lambda r: r.get("activityDisplayName")),
    ("By", _actor),
    ("On", _targets),
    ("Result", _result),
    ("Reference", lambda r: r.get("correlationId")),
)


def list_(
    errand: Errand,
    *,
    activity: Annotated[str, typer.Option("--activity", help="Of this kind (activityDisplayName).")] = "",
    reference: Annotated[str, typer.Option("--reference", help="With this reference (correlation id).")] = "",
    since: Annotated[str, typer.Option("--since", help="Younger than this (24h, 90m, PT2H).")] = "24h",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many.")] = 50,
) -> None:
    """List changes, the latest first."""
    where = both(
        since_filter(errand, "activityDateTime", since),
        f"activityDisplayName eq {literal(activity)}" if activity else "",
        f"correlationId eq {literal(reference)}" if reference else "",
    )
    query = {**where, "$orderby": "activityDateTime desc", "$top": str(min(limit, 200))}
    with errand.graph() as graph:
        errand.screen.rows(graph.items("/auditLogs/directoryAudits", query, most=limit), COLUMNS)


AUDIT: Noun = ("audit", "Changes: what, by whom, why; and the proof of it.", (("list", list_, ADMIN), *AUDIT_LOG))
