"""
`ostiary device-rule`: what the organisation says about machines that nobody looks at.
"""

from typing import Annotated, Any

import typer

from ostiary.cli.durations import iso_length
from ostiary.cli.errand import Errand
from ostiary.cli.lookup import group_id
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Noun

__all__ = ["DEVICE_RULE"]

PATH = "/ostiary/deviceAdmission"
Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]

COLUMNS: tuple[Column, ...] = (
    ("Rule", lambda r: "on: admits without asking" if r.get("isEnabled") else "off"),
    ("Group", lambda r: r.get("groupId")),
    ("Networks", lambda r: r.get("networks")),
    ("Per person", lambda r: r.get("maximumPerPerson")),
    ("Lifetime", lambda r: r.get("lifetime")),
)


def show(errand: Errand) -> None:
    """Show the rule that admits machines without asking."""
    with errand.graph() as graph:
        errand.screen.record(graph.get(PATH), COLUMNS)


def on(
    errand: Errand,
    *,
    group: Annotated[str, typer.Option("--group", help="Members of this group (name or id).")],
    network: Annotated[list[str], typer.Option("--network", help="Asking from here (CIDR); may be given again.")],
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")],
    most: Annotated[int, typer.Option("--most", min=1, max=20, help="Machines of one person.")] = 2,
    lifetime: Annotated[str, typer.Option("--for", help="How long an admission lasts (P30D, 720h).")] = "P30D",
) -> None:
    """Admit machines whose owner took a ticket for them, by group, network and number."""
    body: dict[str, Any] = {"isEnabled": True, "networks": network, "maximumPerPerson": most, "reason": reason}
    body["lifetime"] = iso_length(lifetime, "--for")
    with errand.graph() as graph:
        graph.patch(PATH, body | {"groupId": group_id(graph, group)})
        errand.screen.record(graph.get(PATH), COLUMNS)


def off(errand: Errand, *, reason: Reason = "") -> None:
    """Admit nothing without asking; what was admitted stays."""
    with errand.graph() as graph:
        graph.patch(PATH, {"isEnabled": False, **({"reason": reason} if reason else {})})
    errand.screen.say("The rule is off.", "green")


DEVICE_RULE: Noun = (
    "device-rule",
    "What admits machines without an administrator: off, or narrow.",
    (("show", show, ADMIN), ("on", on, ADMIN), ("off", off, ADMIN)),
)
