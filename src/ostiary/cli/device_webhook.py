"""
`ostiary device-webhook`: who else may say whether machines comply, by signed messages.
"""

from typing import Annotated

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import path
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Noun

__all__ = ["DEVICE_WEBHOOK"]

PATH = "/ostiary/complianceWebhooks"
Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]

COLUMNS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("displayName")),
    ("Created", lambda r: r.get("createdDateTime")),
    ("Last used", lambda r: r.get("lastUsedDateTime")),
    ("ID", lambda r: r.get("id")),
)


def list_(errand: Errand) -> None:
    """List who may say whether machines comply."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(PATH), COLUMNS)


def add(
    errand: Errand,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who sends the messages.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")],
) -> None:
    """Make a secret for signed messages about compliance, and print it this once."""
    with errand.graph() as graph:
        made = graph.post(PATH, {"displayName": name, "reason": reason})
    if errand.given.json:
        errand.screen.event("webhook", id=made.get("id"), secret=made.get("secret"))
        return
    errand.screen.say("Give this secret to the sender; it is not shown again.")
    errand.screen.data(str(made.get("secret")))


def remove(
    errand: Errand,
    id: Annotated[str, typer.Argument(metavar="ID", help="The webhook's id.")],
    *,
    reason: Reason = "",
) -> None:
    """Listen to it no more."""
    with errand.graph() as graph:
        graph.delete(path(PATH, id), reason)
    errand.screen.say("Removed.", "green")


DEVICE_WEBHOOK: Noun = (
    "device-webhook",
    "Who may say by signed messages whether machines comply.",
    (("list", list_, ADMIN), ("add", add, ADMIN), ("remove", remove, ADMIN)),
)
