"""
`ostiary provisioner`: which systems may provision accounts and groups (SCIM), and with which tokens.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ostiary.cli.durations import iso_length
from ostiary.cli.errand import Errand
from ostiary.cli.lookup import path, user
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Noun
from ostiary.client.errors import Misused
from ostiary.client.graph import Graph

__all__ = ["PROVISIONER"]

PATH = "/ostiary/provisioners"
SCIM = "/scim/v2"

Name = Annotated[str, typer.Argument(metavar="NAME", help="The provisioner: name or id.")]
Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]
Length = Annotated[str, typer.Option("--for", help="How long the token lives: 90d, P90D; half a year when left out.")]

COLUMNS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("displayName")),
    ("From", lambda r: ", ".join(r.get("networks") or ["anywhere"])),
    ("Last used", lambda r: r.get("lastUsedDateTime")),
    ("Token ends", lambda r: r.get("endDateTime")),
    ("ID", lambda r: r.get("id")),
)


def list_(errand: Errand) -> None:
    """List the systems that may provision."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(PATH), COLUMNS)


def add(
    errand: Errand,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    *,
    reason: Reason,
    network: Annotated[
        list[str], typer.Option("--network", help="Where it comes from (CIDR); may be given again.")
    ] = [],  # noqa: B006
    length: Length = "",
) -> None:
    """Let a system provision, and print its address and its token, this once."""
    asked = {"displayName": name, "networks": list(network), "reason": reason} | _length(length)
    with errand.graph() as graph:
        _shown(errand, dict(graph.post(PATH, asked)))


def renew(errand: Errand, name: Name, *, reason: Reason, length: Length = "") -> None:
    """Print a new token; the one before goes on until its end."""
    with errand.graph() as graph:
        made = graph.post(path(PATH, _id(graph, name), "renew"), {"reason": reason} | _length(length))
        _shown(errand, dict(made))


def remove(errand: Errand, name: Name, *, reason: Reason = "") -> None:
    """Let it provision no more; its accounts and groups stay."""
    with errand.graph() as graph:
        graph.delete(path(PATH, _id(graph, name)), reason)
    errand.screen.say("Removed. Its accounts and groups are an administrator's now.", "green")


def give(
    errand: Errand,
    name: Name,
    who: Annotated[str, typer.Argument(metavar="USER", help="The person: address or id.")],
    *,
    reason: Reason,
) -> None:
    """Give an account that is there to a provisioner, which changes and disables it from then on."""
    with errand.graph() as graph:
        found = user(graph, who)
        graph.post(path(PATH, _id(graph, name), "give"), {"userId": found["id"], "reason": reason})
    errand.screen.say("Given.", "green")


def _length(length: str) -> dict[str, str]:
    return {"duration": iso_length(length, "--for")} if length else {}


def _id(graph: Graph, name: str) -> str:
    """The id of the provisioner that is called *name*, or *name* itself where it is one. Raises Misused."""
    for one in graph.items(PATH):
        if name in (one.get("id"), one.get("displayName")):
            return str(one["id"])
    raise Misused(f"there is no provisioner {name}")


def _shown(errand: Errand, made: Mapping[str, Any]) -> None:
    address = f"{errand.settings.server.value.rstrip('/')}{SCIM}"
    if errand.given.json:
        errand.screen.event("provisioner", address=address, token=made.get("token"), ends=made.get("endDateTime"))
        return
    errand.screen.say(f"Address: {address}")
    errand.screen.say("Give this token to the system; it is not shown again.")
    errand.screen.data(str(made.get("token")))


PROVISIONER: Noun = (
    "provisioner",
    "Which systems may provision accounts and groups (SCIM).",
    (("list", list_, ADMIN), ("add", add, ADMIN), ("renew", renew, ADMIN), ("remove", remove, ADMIN),
     ("give", give, ADMIN)),
)  # fmt: skip
