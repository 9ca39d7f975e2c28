"""
`ostiary kill-switch`: stop every device sign-in at once, and allow them again.

Off takes two administrators within half an hour, or somebody on the server's machine (`--local`) with a reason.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Noun

__all__ = ["KILL_SWITCH", "PATH"]

PATH = "/ostiary/killSwitch"
Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]


def _proposal(name: str) -> Any:
    return lambda switch: (switch.get("offProposed") or {}).get(name)


COLUMNS: tuple[Column, ...] = (
    ("Kill switch", lambda r: "on: no device sign-in" if r.get("on") else "off"),
    ("Turned on last", lambda r: r.get("killedDateTime")),
    ("By", lambda r: r.get("changedBy")),
    ("Reason", lambda r: r.get("reason")),
    ("Off proposed by", _proposal("by")),
    ("To be confirmed by", _proposal("endDateTime")),
)


def on(errand: Errand, *, reason: Reason) -> None:
    """Stop every device sign-in at once: none begins, what is pending ends, sessions that one gave end too."""
    switch = _turn(errand, "on", reason)
    errand.screen.say("Device sign-ins are stopped. Sign-ins with a browser go on.", "bold red")
    errand.screen.record(switch, COLUMNS)


def off(errand: Errand, *, reason: Reason) -> None:
    """Allow device sign-ins again: propose it, or confirm what another administrator proposed."""
    switch = _turn(errand, "off", reason)
    if switch.get("on"):
        errand.screen.say("Proposed. Another administrator must say the same within half an hour:", "bold")
        errand.screen.say('  next:         ostiary kill-switch off --reason "why"')
    else:
        errand.screen.say("Device sign-ins are possible again. What was stopped stays ended.", "green")
    errand.screen.record(switch, COLUMNS)


def status(errand: Errand) -> None:
    """Show how it stands, and whether somebody proposed to turn it off."""
    with errand.graph() as graph:
        errand.screen.record(graph.get(PATH), COLUMNS)


def _turn(errand: Errand, way: str, reason: str) -> Mapping[str, Any]:
    with errand.graph() as graph:
        return graph.post(f"{PATH}/{way}", {"reason": reason})


KILL_SWITCH: Noun = (
    "kill-switch",
    "One switch that stops every device sign-in.",
    (("on", on, ADMIN), ("off", off, ADMIN), ("status", status, ADMIN)),
)
