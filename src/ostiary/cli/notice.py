"""
`ostiary notice`: where notices go, the organisation's and one's own.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.files import read_text
from ostiary.cli.lookup import path
from ostiary.cli.output import Column
from ostiary.cli.verb import COMMON, Noun
from ostiary.client.errors import Misused

__all__ = ["NOTICE"]

OURS, OWN = "/ostiary/noticeChannels", "/ostiary/ownNoticeChannels"
LONGEST = 4096  # bytes of a file with an address
Mine = Annotated[bool, typer.Option("--own", help="Your own, instead of the organisation's.")]
Which = Annotated[str, typer.Argument(metavar="ID", help="The channel's id, from the list.")]

COLUMNS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("displayName")),
    ("Kind", lambda r: r.get("kind")),
    ("Where", lambda r: r.get("host")),
    ("About", lambda r: ", ".join(r.get("about") or ()) or "everything"),
    ("Last sent", lambda r: r.get("lastSentDateTime")),
    ("Trouble", lambda r: f"{r.get('trouble')} ({r.get('failures')})" if r.get("trouble") else ""),
    ("ID", lambda r: r.get("id")),
)


def list_(errand: Errand, *, own: Mine = False) -> None:
    """List where notices go, and how that works."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(_place(own)), COLUMNS)


def add(
    errand: Errand,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it.")],
    *,
    own: Mine = False,
    webhook: Annotated[bool, typer.Option("--webhook", help="A signed webhook: https://…")] = False,
    apprise: Annotated[
        bool, typer.Option("--apprise", help="A URL of Apprise: mailtos://…, ntfys://…, slack://…")
    ] = False,
    from_: Annotated[
        str, typer.Option("--from", metavar="FILE", help="Read the address from this file (- is stdin).")
    ] = "",
    about: Annotated[
        list[str] | None,
        typer.Option("--about", help="Only requests, exemptions, alerts or anchors (checkpoints); may be repeated."),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")] = "",
) -> None:
    """Send notices to one more place; asks for its address, which is never on the command line."""
    if webhook == apprise:
        raise Misused("say either --webhook or --apprise")
    if own and (about or reason):
        raise Misused("--about and --reason are for the organisation's channels")
    body: dict[str, Any] = {"displayName": name, "kind": "webhook" if webhook else "apprise"}
    body |= {"address": _address(errand, from_)}
    if not own:
        body |= {"about": about or [], "reason": reason}
    with errand.graph() as graph:
        made = graph.post(_place(own), body)
    errand.screen.say(
        f"Added: {made.get('host')}. Try it: ostiary notice test {made.get('id')}{' --own' * own}", "green"
    )
    errand.screen.event("notice_channel", **made)
    if made.get("secret") and not errand.given.json:
        errand.screen.say("Give this secret to the receiver, which verifies with it; it is not shown again.")
        errand.screen.data(str(made.get("secret")))


def try_(errand: Errand, id: Which, *, own: Mine = False) -> None:
    """Send a test message there."""
    with errand.graph() as graph:
        graph.post(path(_place(own), id, "test"), {})
    errand.screen.say("It is on its way; the list shows whether it arrived.", "green")


def remove(
    errand: Errand, id: Which, *, own: Mine = False,
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")] = "",
) -> None:  # fmt: skip
    """Send nothing there any more."""
    with errand.graph() as graph:
        graph.delete(path(_place(own), id), reason)
    errand.screen.say("Removed.", "green")


def _place(own: bool) -> str:
    return OWN if own else OURS


def _address(errand: Errand, file: str) -> str:
    """The address from *file*, from stdin, or typed. Raises Misused."""
    if file and file != "-":
        text = read_text(Path(file), LONGEST)
    elif file == "-" or not errand.may_ask:
        text = errand.machine.read_input(LONGEST)
    else:
        text = errand.ask("Type the address:") or ""
    if not text.strip():
        raise Misused("no address was given")
    return text.strip()


NOTICE: Noun = (
    "notice",
    "Where notices go: the organisation's, and your own.",
    (("list", list_, COMMON), ("add", add, COMMON), ("test", try_, COMMON), ("remove", remove, COMMON)),
)
