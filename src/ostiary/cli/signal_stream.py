"""
`ostiary signal-stream`: which resource servers are told of ended sessions, how far behind they are, and the end of one.
"""

from typing import Annotated

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import path
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Noun

__all__ = ["SIGNAL_STREAM"]

PATH = "/ostiary/signalStreams"

COLUMNS: tuple[Column, ...] = (
    ("Application", lambda r: r.get("appDisplayName")),
    ("How", lambda r: r.get("host") or r.get("method")),
    ("Status", lambda r: r.get("status")),
    ("Waiting", lambda r: r.get("waitingEvents")),
    ("Since", lambda r: r.get("oldestWaitingDateTime")),
    ("Failures", lambda r: r.get("failuresInARow")),
    ("Dropped", lambda r: r.get("droppedEvents")),
    ("ID", lambda r: r.get("id")),
)


def list_(errand: Errand) -> None:
    """List who is told of ended sessions, and what waits for them."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(PATH), COLUMNS)


def remove(
    errand: Errand,
    id: Annotated[str, typer.Argument(metavar="ID", help="The stream's id.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")] = "",
) -> None:
    """Tell it no more, and drop what waits for it. Its application may subscribe again."""
    with errand.graph() as graph:
        graph.delete(path(PATH, id), reason)
    errand.screen.say("Removed.", "green")


SIGNAL_STREAM: Noun = (
    "signal-stream",
    "Who is told of ended sessions.",
    (("list", list_, ADMIN), ("remove", remove, ADMIN)),
)
