"""
`ostiary exemption`: one person's open window through the block: ask for it, open, extend, list, end it.

On the wire these are time-bound memberships of the exception group, in the words of PIM for Groups; what narrows one
stands under `ostiary`.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ostiary.cli.durations import iso_length
from ostiary.cli.errand import Errand
from ostiary.cli.exemption_rows import BASE, COLUMNS, REQUESTS, limits_of, narrowed, until
from ostiary.cli.lookup import EXCEPTION_GROUP, both, group_id, literal, path, user
from ostiary.cli.own_exemption import VERBS as OWN
from ostiary.cli.verb import ADMIN, COMMON, Noun
from ostiary.client.errors import Misused
from ostiary.client.graph import Graph
from ostiary.core.words.ids import is_guid

__all__ = ["EXEMPTION"]


def open_(
    errand: Errand,
    *,
    user_: Annotated[str, typer.Option("--user", help="The person: address or id.")],
    for_: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, PT2H (from 5m to 4h; --local: to 2h).")],
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")],
    app: Annotated[str, typer.Option("--app", help="Only for this application: client id or name.")] = "",
    network: Annotated[str, typer.Option("--network", help="Only for requesters in this network (CIDR).")] = "",
) -> None:
    """Let one person sign in with a code, for a reason, for a while."""
    length = iso_length(for_, "--for")
    with errand.graph() as graph:
        limits = limits_of(errand, graph, app, network)
        body: dict[str, Any] = {
            "accessId": "member",
            "action": "adminAssign",
            **_whom(errand, graph, user_),
            "justification": reason,
            "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": length}},
        }
        opened = graph.post(REQUESTS, body | ({"ostiary": limits} if limits else {}))
    _show_opened(errand, user_, opened)


def list_(
    errand: Errand,
    *,
    owed: Annotated[bool, typer.Option("--review-owed", help="Break-glass that nobody reviewed yet.")] = False,
) -> None:
    """List the exemptions that are open now."""
    with errand.graph() as graph:
        if owed:
            errand.screen.rows(graph.items(REQUESTS, both("ostiary/review eq 'owed'")), COLUMNS)
            return
        where = {} if errand.given.local else both(f"groupId eq {literal(group_id(graph, EXCEPTION_GROUP))}")
        errand.screen.rows(graph.items(f"{BASE}/assignmentScheduleInstances", where), COLUMNS)


def end(
    errand: Errand,
    id_: Annotated[str, typer.Argument(metavar="[ID]", help="The exemption's id, from the list.")] = "",
    *,
    user_: Annotated[str, typer.Option("--user", help="All of this person's exemptions instead.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")],
) -> None:
    """End an exemption at once; what it gave stops working."""
    if bool(id_) == bool(user_):
        raise Misused("name either the exemption's id or --user")
    with errand.graph() as graph:
        body: dict[str, Any] = {"accessId": "member", "action": "adminRemove", "justification": reason}
        if id_:
            body["targetScheduleId"] = id_
        else:
            body |= _whom(errand, graph, user_)
        ended = graph.post(REQUESTS, body)
    errand.screen.say(f"Ended: {id_ or user_}. Tokens that it gave are refused from now on.", "green")
    errand.screen.event("exemption_ended", **ended)


def review(
    errand: Errand,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The exemption's id.")],
    *,
    text: Annotated[str, typer.Option("--text", help="What it was used for, in a sentence or more.")],
) -> None:
    """Write the review that a break-glass exemption owes."""
    with errand.graph() as graph:
        graph.post(path(REQUESTS, id_, "review"), {"justification": text})
    errand.screen.say("Reviewed.", "green")
    errand.screen.event("exemption_reviewed", id=id_)


def _whom(errand: Errand, graph: Graph, name: str) -> dict[str, str]:
    """
    The person and the exception group as ids. The local door may not read the directory (R2), so there the server
    finds both: the person by the name as typed, the group as the only one there is.
    """
    if errand.given.local:
        return {"principalId": name}
    principal = name if is_guid(name) else str(user(graph, name)["id"])
    return {"principalId": principal, "groupId": group_id(graph, EXCEPTION_GROUP)}


def _show_opened(errand: Errand, name: str, opened: Mapping[str, Any]) -> None:
    errand.screen.say(f"Open for {name}{until(errand, opened)}.", "green")
    if narrowed(opened, "breakGlass"):
        errand.screen.say("! It is your own, so it counts as break-glass: the administrators are told of it.", "bold")
    errand.screen.say("  next:         ostiary login   (that person, on the machine without a browser)")
    errand.screen.event("exemption_opened", **opened)


EXEMPTION: Noun = (
    "exemption",
    "One person's open window through the block.",
    (("open", open_, ADMIN), ("list", list_, ADMIN), ("end", end, ADMIN), *OWN, ("review", review, COMMON)),
)
