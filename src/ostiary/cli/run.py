"""
`ostiary run -- COMMAND`: a command that finds a fresh access token in its environment.
"""

from typing import Annotated

import typer

from ostiary.cli.ending import warn_of_end
from ostiary.cli.errand import Errand
from ostiary.cli.token import scope_of
from ostiary.client.errors import Misused
from ostiary.client.session import NotKept

__all__ = ["run"]

LASTING = 300.0
"""Seconds that the token should live for: a younger one is asked for when less is left."""


def run(
    errand: Errand,
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="The command, after --.")],
    *,
    resource: Annotated[str, typer.Option("--resource", help="With a token for this resource.")] = "",
    scope: Annotated[str, typer.Option("--scope", help="With a token of these scopes.")] = "",
) -> None:
    """Run COMMAND with a fresh access token in OSTIARY_TOKEN; its exit status is ours."""
    try:
        token = errand.token(scope_of(resource, scope), need=LASTING)
    except NotKept as fault:
        errand.screen.say(f"! {fault.message}; the command runs with the token all the same.", "bold red")
        token = fault.access.token
    errand.tell_bound()
    if errand.settings.token is None:
        warn_of_end(errand)
    try:
        errand.machine.become(command, {**errand.machine.environ, "OSTIARY_TOKEN": token})
    except OSError as fault:
        raise Misused(f"cannot run {command[0]}: {fault.strerror}") from fault
