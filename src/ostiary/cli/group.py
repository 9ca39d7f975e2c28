"""
`ostiary group`: groups and their members. The exception group's members come from `ostiary exemption` alone.
"""

from typing import Annotated, Any

import typer

from ostiary.cli.eligible import VERBS as ELIGIBLE
from ostiary.cli.errand import Errand
from ostiary.cli.lookup import group, group_id, path, user, with_reason
from ostiary.cli.output import Column
from ostiary.cli.user import COLUMNS as PEOPLE
from ostiary.cli.verb import ADMIN, Noun

__all__ = ["GROUP"]

Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]
Name = Annotated[str, typer.Argument(metavar="GROUP", help="The group: name or id.")]
Person = Annotated[str, typer.Argument(metavar="USER", help="The person: address or id.")]

COLUMNS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("displayName")),
    ("Description", lambda r: r.get("description")),
    ("Purpose", lambda r: (r.get("ostiary") or {}).get("purpose")),
    ("ID", lambda r: r.get("id")),
)


def list_(errand: Errand) -> None:
    """List groups."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items("/groups"), COLUMNS)


def show(errand: Errand, name: Name) -> None:
    """Show one group."""
    with errand.graph() as graph:
        errand.screen.record(group(graph, name), COLUMNS)


def create(
    errand: Errand,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The group's name.")],
    *,
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    reason: Reason = "",
) -> None:
    """Create a group."""
    body: dict[str, Any] = {"displayName": name} | ({"description": description} if description else {})
    with errand.graph() as graph:
        created = graph.post("/groups", with_reason(body, reason))
    errand.screen.say(f"Created the group {name}.", "green")
    errand.screen.record(created, COLUMNS)


def members(errand: Errand, name: Name) -> None:
    """List the members of a group."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(path("/groups", group_id(graph, name), "members")), PEOPLE)


def add(errand: Errand, name: Name, person: Person) -> None:
    """Add a person to a group."""
    with errand.graph() as graph:
        member = f"{graph.base}/directoryObjects/{user(graph, person)['id']}"
        graph.post(path("/groups", group_id(graph, name), "members", "$ref"), {"@odata.id": member})
    errand.screen.say(f"{person} is a member of {name} now.", "green")


def remove(errand: Errand, name: Name, person: Person, *, reason: Reason = "") -> None:
    """Remove a person from a group."""
    with errand.graph() as graph:
        member = str(user(graph, person)["id"])
        graph.delete(path("/groups", group_id(graph, name), "members", member, "$ref"), reason)
    errand.screen.say(f"{person} is no member of {name} any more.", "green")


def delete(
    errand: Errand,
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Reason = "",
) -> None:
    """Delete a group."""
    with errand.graph() as graph:
        found = group_id(graph, name)
        errand.confirm(f"Delete the group {name}, for good?", yes=yes)
        graph.delete(path("/groups", found), reason)
    errand.screen.say(f"Deleted the group {name}.", "green")


GROUP: Noun = (
    "group",
    "Groups and their members.",
    (
        ("list", list_, ADMIN),
        ("show", show, ADMIN),
        ("create", create, ADMIN),
        ("members", members, ADMIN),
        ("add", add, ADMIN),
        ("remove", remove, ADMIN),
        ("delete", delete, ADMIN),
        *ELIGIBLE,
    ),
)
