"""
`ostiary app assign…`: who may use an application, where its registration says that people must be assigned.
"""

from typing import Annotated

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import application, group_id, path, user, with_reason
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Verb
from ostiary.client.errors import Misused
from ostiary.client.graph import Graph

__all__ = ["VERBS"]

Name = Annotated[str, typer.Argument(metavar="APP", help="The application: client id or name.")]
Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]
Person = Annotated[str, typer.Option("--user", help="The person: address or id.")]
Members = Annotated[str, typer.Option("--group", help="The group: name or id.")]

COLUMNS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("principalDisplayName")),
    ("Kind", lambda r: r.get("principalType")),
    ("Since", lambda r: r.get("createdDateTime")),
    ("ID", lambda r: r.get("id")),
)


def assigned(errand: Errand, name: Name) -> None:
    """List who is assigned to an application."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(_assignments(graph, name)), COLUMNS)


def assign(
    errand: Errand,
    name: Name,
    *,
    user_: Person = "",
    group_: Members = "",
    reason: Reason = "",
) -> None:
    """Let a person or a group use an application."""
    with errand.graph() as graph:
        whom = _principal(graph, user_, group_)
        made = graph.post(_assignments(graph, name), with_reason({"principalId": whom}, reason))
    errand.screen.say(f"{user_ or group_} may use {name} now.", "green")
    errand.screen.event("assigned", **made)


def unassign(errand: Errand, name: Name, *, user_: Person = "", group_: Members = "", reason: Reason = "") -> None:
    """Take that away again."""
    with errand.graph() as graph:
        whom, assignments = _principal(graph, user_, group_), _assignments(graph, name)
        found = next((one for one in graph.items(assignments) if one.get("principalId") == whom), None)
        if found is None:
            raise Misused(f"{user_ or group_} is not assigned to {name}", next_step=f"ostiary app assigned {name}")
        graph.delete(path(assignments, str(found["id"])), reason)
    errand.screen.say(f"{user_ or group_} is not assigned to {name} any more.", "green")


def _assignments(graph: Graph, name: str) -> str:
    return path("/servicePrincipals", str(application(graph, name)["id"]), "appRoleAssignedTo")


def _principal(graph: Graph, user_: str, group_: str) -> str:
    if bool(user_) == bool(group_):
        raise Misused("name either --user or --group")
    return str(user(graph, user_)["id"]) if user_ else group_id(graph, group_)


VERBS: tuple[Verb, ...] = (("assigned", assigned, ADMIN), ("assign", assign, ADMIN), ("unassign", unassign, ADMIN))
