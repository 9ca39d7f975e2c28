"""
`ostiary token`: an access token for scripts. The only verb that puts a secret on stdout.
"""

from typing import Annotated

import typer

from ostiary.cli.errand import Errand
from ostiary.client.errors import Misused
from ostiary.client.session import NotKept

__all__ = ["scope_of", "token"]


def token(
    errand: Errand,
    *,
    resource: Annotated[str, typer.Option("--resource", help="For this resource (its address).")] = "",
    scope: Annotated[str, typer.Option("--scope", help="With these scopes.")] = "",
) -> None:
    """Print an access token, renewed when it must be."""
    wanted = scope_of(resource, scope)
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
    if errand.given.json:
        errand.screen.event("token", access_token=found)
    else:
        errand.screen.data(found)
    errand.tell_bound()
