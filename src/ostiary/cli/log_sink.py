"""
`ostiary log-sink`: other systems that are sent every entry of the journal.
"""

from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import path
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Noun
from ostiary.client.errors import Misused

__all__ = ["LOG_SINK"]

BASE = "/ostiary/logSinks"
Which = Annotated[str, typer.Argument(metavar="ID", help="The sink's id, from the list.")]
Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]

COLUMNS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("displayName")),
    ("Kind", lambda r: r.get("kind")),
    ("Format", lambda r: r.get("format")),
    ("Where", lambda r: r.get("host")),
    ("Last sent", lambda r: r.get("lastSentDateTime")),
    ("Behind", lambda r: r.get("behind")),
    ("Trouble", lambda r: f"{r.get('trouble')} ({r.get('failures')})" if r.get("trouble") else ""),
    ("ID", lambda r: r.get("id")),
)


def list_(errand: Errand) -> None:
    """List where the journal is sent, and how that works."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(BASE), COLUMNS)


def add(
    errand: Errand,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it.")],
    *,
    syslog: Annotated[str, typer.Option("--syslog", metavar="HOST[:PORT]", help="Syslog over TLS; port 6514.")] = "",
    webhook: Annotated[bool, typer.Option("--webhook", help="A signed webhook; its address is asked for.")] = False,
    form: Annotated[str, typer.Option("--format", help="json, ocsf, or (syslog) cef.")] = "json",
    reason: Reason,
) -> None:
    """Send every entry from now on to one more place."""
    if bool(syslog) == webhook:
        raise Misused("say either --syslog or --webhook")
    address = syslog or (errand.ask("Type the address:") if errand.may_ask else errand.machine.read_input(4096)) or ""
    if not address.strip():
        raise Misused("no address was given")
    body: dict[str, Any] = {"displayName": name, "kind": "syslog" if syslog else "webhook", "format": form}
    with errand.graph() as graph:
        made = graph.post(BASE, {**body, "address": address.strip(), "reason": reason})
    errand.screen.say(f"Added: {made.get('host')}. Try it: ostiary log-sink test {made.get('id')}", "green")
    errand.screen.event("log_sink", **made)
    if made.get("secret") and not errand.given.json:
        errand.screen.say("Give this secret to the receiver, which verifies with it; it is not shown again.")
        errand.screen.data(str(made.get("secret")))


def try_(errand: Errand, id: Which) -> None:
    """Write an entry for it, and try at once."""
    with errand.graph() as graph:
        graph.post(path(BASE, id, "test"), {})
    errand.screen.say("It is on its way; the list shows whether it arrived.", "green")


def remove(errand: Errand, id: Which, *, reason: Reason = "") -> None:
    """Send nothing there any more."""
    with errand.graph() as graph:
        graph.delete(path(BASE, id), reason)
    errand.screen.say("Removed.", "green")


LOG_SINK: Noun = (
    "log-sink",
    "Where the journal is sent: syslog, webhooks.",
    (("list", list_, ADMIN), ("add", add, ADMIN), ("test", try_, ADMIN), ("remove", remove, ADMIN)),
)
