"""
`ostiary request`: requests for exemptions: what waits for one's decision, one's own, and the decisions.

Approving and denying need a sign-in made in a browser with a second factor not older than five minutes (R3).
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ostiary.cli.durations import iso_length
from ostiary.cli.errand import Errand
from ostiary.cli.exemption_rows import BASE, COLUMNS, REQUESTS, decisions, narrowed
from ostiary.cli.lookup import actor, path
from ostiary.cli.output import Column
from ostiary.cli.verb import COMMON, Noun
from ostiary.client.errors import Misused
from ostiary.client.graph import Graph

__all__ = ["REQUEST"]

APPROVALS = f"{BASE}/assignmentApprovals"
Id = Annotated[str, typer.Argument(metavar="ID", help="The request's id.")]
Reason = Annotated[str, typer.Option("--reason", help="Why. The person and the audit log are told.")]


WHOLE: tuple[Column, ...] = (
    *COLUMNS,
    ("Asked", lambda r: r.get("createdDateTime")),
    ("Lapses", lambda r: narrowed(r, "requestEndDateTime")),
    ("Ticket", lambda r: (r.get("ticketInfo") or {}).get("ticketNumber")),
    ("Ended", lambda r: narrowed(r, "endedDateTime")),
    ("End cause", lambda r: narrowed(r, "endCause")),
    ("Approved by rule", lambda r: narrowed(r, "autoApproval")),
    ("Review", lambda r: narrowed(r, "review")),
)


SAID: tuple[Column, ...] = (
    ("Time", lambda d: d.get("reviewedDateTime")),
    ("Decision", lambda d: d.get("reviewResult")),
    ("By", lambda d: d.get("reviewedBy")),
    ("With", lambda d: d.get("authenticationMethods")),
    ("For less", lambda d: d.get("duration")),
    ("Why", lambda d: d.get("justification")),
)


def list_(
    errand: Errand,
    *,
    mine: Annotated[bool, typer.Option("--mine", help="One's own instead, whatever became of them.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Everybody's instead, whatever became of them.")] = False,
) -> None:
    """List the requests that wait for your decision."""
    if mine and all_:
        raise Misused("either --mine or --all")
    whose = "" if all_ else f"/filterByCurrentUser(on='{'principal' if mine else 'approver'}')"
    with errand.graph() as graph:
        errand.screen.rows(graph.items(f"{REQUESTS}{whose}"), COLUMNS)


def show(errand: Errand, id_: Id) -> None:
    """Show one request, and below it what was said to it: by whom, when, and how they had signed in."""
    with errand.graph() as graph:
        found = graph.get(path(REQUESTS, id_))
        by = actor(graph, narrowed(found, "openedBy")) if not errand.given.json else ""
    errand.screen.record(found, (*WHOLE, ("Made by", lambda _: by)))
    if not errand.given.json:
        errand.screen.data("")
        errand.screen.rows(decisions(found), SAID)


def approve(
    errand: Errand,
    id_: Id,
    *,
    reason: Reason,
    for_: Annotated[str, typer.Option("--for", help="For less than was asked for: 45m, PT1H.")] = "",
) -> None:
    """Approve a request: somebody else's, that the rules name you for."""
    less = {"ostiary": {"duration": iso_length(for_, "--for")}} if for_ else {}
    shown = _decide(errand, id_, "Approve", reason, less)
    waits = narrowed(shown, "state") == "partlyApproved"
    errand.screen.say("Approved; others have to as well." if waits else "Approved.", "green")


def deny(errand: Errand, id_: Id, *, reason: Reason) -> None:
    """Deny a request."""
    _decide(errand, id_, "Deny", reason, {})
    errand.screen.say("Denied.", "green")


def withdraw(errand: Errand, id_: Id, *, reason: Reason = "") -> None:
    """Withdraw a request that waits: your own; an administrator, with a reason, any."""
    with errand.graph() as graph:
        graph.post(path(REQUESTS, id_, "cancel"), {"justification": reason} if reason else {})
    errand.screen.say("Withdrawn.", "green")
    errand.screen.event("request_withdrawn", id=id_)


def _decide(errand: Errand, id: str, result: str, reason: str, more: Mapping[str, Any]) -> Mapping[str, Any]:
    with errand.graph() as graph:
        body = {"reviewResult": result, "justification": reason, **more}
        graph.patch(path(APPROVALS, id, "stages", _stage(graph, id)), body)
        shown = graph.get(path(REQUESTS, id))
    errand.screen.event("request_decided", **shown)
    return shown


def _stage(graph: Graph, id: str) -> str:
    """The stage that is one's own and open; else the first, and the server says what is in the way."""
    stages: list[Mapping[str, Any]] = graph.get(path(APPROVALS, id)).get("stages") or []
    mine = [stage for stage in stages if stage.get("assignedToMe") and stage.get("status") == "InProgress"]
    return str((mine or stages or [{"id": "0"}])[0].get("id"))


REQUEST: Noun = (
    "request",
    "Requests for exemptions.",
    (
        ("list", list_, COMMON),
        ("show", show, COMMON),
        ("approve", approve, COMMON),
        ("deny", deny, COMMON),
        ("withdraw", withdraw, COMMON),
    ),
)
