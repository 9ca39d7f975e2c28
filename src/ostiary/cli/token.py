"""
`ostiary token`: an access token for scripts. The only verb that puts a secret on stdout.
"""

from typing import Annotated

import typer

from ostiary.cli.ending import warn_of_end
from ostiary.cli.errand import Errand
from ostiary.client.discovery import discover
from ostiary.client.errors import Misused
from ostiary.client.session import NotKept
from ostiary.client.workload import exchange_workload

__all__ = ["scope_of", "token"]


def token(
    errand: Errand,
    *,
    resource: Annotated[str, typer.Option("--resource", help="For this resource (its address).")] = "",
    scope: Annotated[str, typer.Option("--scope", help="With these scopes.")] = "",
    workload: Annotated[
        bool, typer.Option("--workload", help="A pipeline's: exchange the job's own id token. Nothing is kept.")
    ] = False,
    client: Annotated[str, typer.Option("--client", help="As this application (its client id), with --workload.")] = "",
    audience: Annotated[
        str, typer.Option("--audience", help="Whom the job's id token is for, instead of the server.")
    ] = "",
) -> None:
    """Print an access token, renewed when it must be."""
    wanted = scope_of(resource, scope)
    if workload:
        _print_workload(errand, wanted, client, audience)
        return
    if client or audience:
        raise Misused("--client and --audience go with --workload")
    try:
        found = errand.token(wanted)
    except NotKept as fault:
        _print(errand, fault.access.token)  # good for this once; the exit status says that the next call may fail
        raise
    _print(errand, found)


def scope_of(resource: str, scope: str) -> str | None:
    """What to ask for; None is what the sign-in asked for."""
    if resource and scope:
        raise Misused("--resource and --scope exclude each other")
    return f"{resource}/.default" if resource else scope or None


def _print(errand: Errand, found: str) -> None:
    _show(errand, found)
    errand.tell_bound()
    if errand.settings.token is None:
        warn_of_end(errand)


def _print_workload(errand: Errand, wanted: str | None, client: str, audience: str) -> None:
    """Another one at each call: a job that needs it for long asks again."""
    configured = errand.settings.client
    if not client and configured.source == "default":
        raise Misused("whose workload is this? name the application with --client")
    server = errand.perform(discover(errand.settings.server.value))
    granted = errand.perform(
        exchange_workload(server, errand.machine, client or configured.value, scope=wanted, audience=audience or None)
    )
    _show(errand, granted.access_token)


def _show(errand: Errand, found: str) -> None:
    if errand.given.json:
        errand.screen.event("token", access_token=found)
    else:
        errand.screen.data(found)
