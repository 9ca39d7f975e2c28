"""
`ostiary signins`: the stories of sign-ins, as Graph's beta `signIn` tells them (v1.0 lacks the protocol).
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import both, literal, path
from ostiary.cli.output import Column
from ostiary.cli.since import since_filter
from ostiary.cli.verb import ADMIN, Noun

__all__ = ["SIGNINS"]

BASE = "/beta/auditLogs/signIns"


def _result(resource: Mapping[str, Any]) -> str:
    status, ours = resource.get("status"), resource.get("ostiary")
    found = status if isinstance(status, dict) else {}
    if isinstance(ours, dict) and ours.get("outcome") == "pending":
        return "pending"
    return "success" if found.get("errorCode") == 0 else f"{found.get('errorCode')} {found.get('failureReason') or ''}"


def _policies(resource: Mapping[str, Any]) -> list[str]:
    applied = resource.get("appliedConditionalAccessPolicies") or []
    return [f"{p.get('displayName')}={p.get('result')}" for p in applied if isinstance(p, dict)]


COLUMNS: tuple[Column, ...] = (
    ("Time", lambda r: r.get("createdDateTime")),
    ("ID", lambda r: r.get("id")),
    ("Person", lambda r: r.get("userPrincipalName")),
    ("Application", lambda r: r.get("appDisplayName") or r.get("appId")),
    ("Protocol", lambda r: r.get("authenticationProtocol")),
    ("From", lambda r: r.get("ipAddress")),
    ("Result", _result),
)
DETAILS: tuple[Column, ...] = (
    *COLUMNS,
    ("Resource", lambda r: r.get("resourceDisplayName") or r.get("resourceId")),
    ("Agent", lambda r: r.get("userAgent")),
    ("Transfer", lambda r: r.get("originalTransferMethod")),
    ("Policies", _policies),
    ("Correlation", lambda r: r.get("correlationId")),
    ("Further", lambda r: r.get("ostiary")),
)


def list_(
    errand: Errand,
    *,
    user: Annotated[str, typer.Option("--user", help="Of this person (address).")] = "",
    app: Annotated[str, typer.Option("--app", help="Of this application (client id).")] = "",
    reference: Annotated[str, typer.Option("--reference", help="With this reference (correlation id).")] = "",
    failed: Annotated[bool, typer.Option("--failed", help="Only refused ones.")] = False,
    since: Annotated[str, typer.Option("--since", help="Younger than this (24h, 90m, PT2H).")] = "24h",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many.")] = 50,
) -> None:
    """List sign-ins, the latest first."""
    where = both(
        since_filter(errand, "createdDateTime", since),
        f"userPrincipalName eq {literal(user.lower())}" if user else "",
        f"appId eq {literal(app)}" if app else "",
        f"correlationId eq {literal(reference)}" if reference else "",
        "status/errorCode ne 0" if failed else "",
    )
    query = {**where, "$orderby": "createdDateTime desc", "$top": str(min(limit, 200))}
    with errand.graph() as graph:
        errand.screen.rows(graph.items(BASE, query, most=limit), COLUMNS)


def show(
    errand: Errand,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The sign-in's id, from the list.")],
    *,
    explain: Annotated[bool, typer.Option("--explain", help="Each policy, with the condition that decided.")] = False,
) -> None:
    """Show everything that is known of one sign-in, or why it was decided so."""
    with errand.graph() as graph:
        if not explain:
            errand.screen.record(graph.get(path(BASE, id_)), DETAILS)
            return
        found = graph.get(path(BASE, id_, "explanation"))
    if errand.given.json:
        errand.screen.record(found, ())
        return
    errand.screen.rows(_decisions(found), EXPLAINED)


def _decisions(found: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for step in found.get("value") or []:
        for policy in step.get("policies") or []:
            yield {"step": step.get("step"), "at": step.get("activityDateTime"), **policy}


EXPLAINED: tuple[Column, ...] = (
    ("Time", lambda r: r.get("at")),
    ("Step", lambda r: r.get("step")),
    ("Policy", lambda r: r.get("displayName")),
    ("Result", lambda r: r.get("result")),
    ("Decided by", lambda r: r.get("condition") or r.get("missing")),
)


SIGNINS: Noun = (
    "signins",
    "Sign-ins: who, from where, with what, and how it ended.",
    (("list", list_, ADMIN), ("show", show, ADMIN)),
)
