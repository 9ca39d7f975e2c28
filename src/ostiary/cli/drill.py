"""
`ostiary drill`: marked tests of whether people refuse a code that they did not ask for (RFC 10027 §6.1, M13).

The codes go to people by the organisation's own way; this service sends no mail.
"""

from typing import Annotated, Any

import typer

from ostiary.cli.durations import iso_length
from ostiary.cli.errand import Errand
from ostiary.cli.lookup import application, group_id, path, user
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Noun
from ostiary.client.errors import Misused

__all__ = ["DRILL"]

DRILLS = "/ostiary/drills"
COLUMNS: tuple[Column, ...] = (
    ("ID", lambda r: r.get("id")),
    ("Person", lambda r: r.get("userPrincipalName")),
    ("Status", lambda r: r.get("status")),
    ("Sent", lambda r: r.get("createdDateTime")),
    ("Typed", lambda r: r.get("typedDateTime")),
    ("Decided", lambda r: r.get("decidedDateTime")),
)
MORE: tuple[Column, ...] = (
    *COLUMNS,
    ("Ends", lambda r: r.get("endDateTime")),
    ("Application", lambda r: r["ostiary"].get("appId")),
    ("Address shown", lambda r: r["ostiary"].get("address")),
    ("Machine shown", lambda r: r["ostiary"].get("machine")),
    ("Pretext", lambda r: r["ostiary"].get("pretext")),
    ("Reason", lambda r: r["ostiary"].get("reason")),
    ("Sent by", lambda r: r["ostiary"].get("sentBy")),
)
_SENT: tuple[Column, ...] = (
    ("Person", lambda r: r.get("userPrincipalName")),
    ("Code", lambda r: r.get("userCode")),
    ("Page", lambda r: r.get("verificationUri")),
    ("ID", lambda r: r.get("id")),
)


def start(
    errand: Errand,
    *,
    to: Annotated[str, typer.Option("--user", metavar="NAME", help="Send it to this person.")] = "",
    group: Annotated[str, typer.Option("--group", metavar="NAME", help="Or to each standing member of a group.")] = "",
    app: Annotated[str, typer.Option("--app", help="The application that seems to ask: client id or name.")] = "",
    lifetime: Annotated[str, typer.Option("--for", help="How long the codes can be typed: 5m to 7d, or a day.")] = "",
    address: Annotated[str, typer.Option("--address", help="Where the machine is said to be.")] = "",
    machine: Annotated[str, typer.Option("--machine", help="What the machine calls itself.")] = "",
    pretext: Annotated[str, typer.Option("--pretext", help="What it says that the sign-in is for.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")],
) -> None:
    """Make marked codes for people, of which nothing can come; you bring them the codes, as an attacker would."""
    if bool(to) == bool(group):
        raise Misused("name --user or --group")
    body: dict[str, Any] = {"reason": reason, "address": address, "machine": machine, "pretext": pretext}
    body["lifetime"] = iso_length(lifetime, "--for") if lifetime else ""
    with errand.graph() as graph:
        body |= {"userId": user(graph, to)["id"]} if to else {"groupId": group_id(graph, group)}
        body |= {"appId": application(graph, app)["appId"]} if app else {}
        made = graph.post(DRILLS, {name: value for name, value in body.items() if value})
    for one in made["skipped"]:
        errand.screen.say(f"! {one['userPrincipalName']} got none: {one['reason']}.", "bold")
    errand.screen.rows(made["value"], _SENT)
    errand.screen.say(f"{len(made['value'])} made. Bring people the page and their code; nothing can come of it.")


def list_(errand: Errand) -> None:
    """List drills, the newest first, with what people did."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(DRILLS), COLUMNS)


def show(errand: Errand, id: Annotated[str, typer.Argument(metavar="ID", help="The drill.")]) -> None:
    """Show one drill: what it said, and what its person did."""
    with errand.graph() as graph:
        errand.screen.record(graph.get(path(DRILLS, id)), MORE)


DRILL: Noun = (
    "drill",
    "Tests of whether people refuse a code that they did not ask for.",
    (("start", start, ADMIN), ("list", list_, ADMIN), ("show", show, ADMIN)),
)
