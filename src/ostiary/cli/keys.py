"""
`ostiary keys`: the keys that sign tokens: which there are, and a new one with overlap.
"""

from typing import Annotated

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Noun

__all__ = ["KEYS"]

COLUMNS: tuple[Column, ...] = (
    ("ID", lambda r: r.get("id") or r.get("kid")),
    ("Algorithm", lambda r: r.get("algorithm") or r.get("alg")),
    ("State", lambda r: r.get("state")),
    ("Created", lambda r: r.get("createdDateTime")),
    ("Ends", lambda r: r.get("endDateTime")),
)


def list_(errand: Errand) -> None:
    """List the signing keys; private halves never leave the server."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items("/ostiary/keys"), COLUMNS)


def rotate(
    errand: Errand,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")],
) -> None:
    """Sign with a new key from now on; what the old one signed stays valid until it ends."""
    with errand.graph() as graph:
        rotated = graph.post("/ostiary/keys/rotate", {"reason": reason})
    errand.screen.say(
        "New keys sign from now on; the old ones are published until their last token has ended.", "green"
    )
    errand.screen.event("keys_rotated", **rotated)


KEYS: Noun = ("keys", "The keys that sign tokens.", (("list", list_, ADMIN), ("rotate", rotate, ADMIN)))
