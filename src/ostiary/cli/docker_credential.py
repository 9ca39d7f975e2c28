"""
`ostiary docker-credential`, which Docker calls as `docker-credential-ostiary`: access tokens as passwords, for the
registries that the profile names.

Speaks the protocol of docker-credential-helpers: the operation as the only argument, a server's address on stdin, JSON
on stdout; Docker shows what a failing helper wrote to stdout. Names are compared as `git_credential` does.
"""

import json
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.handed import USER, handed, scope_for
from ostiary.client.errors import Exit, Misused, OstiaryError

__all__ = ["docker_credential"]

NONE = "credentials not found in native keychain"
"""By these words Docker knows that there are none, and goes on without."""

_LIMIT = 64 * 1024


def docker_credential(
    errand: Errand,
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="get, list, store or erase.")],
) -> None:
    """Answer Docker, which calls this as docker-credential-ostiary."""
    if operation == "get":
        _get(errand, errand.machine.read_input(_LIMIT).strip())
    elif operation == "list":
        errand.screen.data(json.dumps(dict.fromkeys(errand.settings.hosts, USER)))
    elif operation == "store":
        _fail(errand, Misused("nothing is kept here for Docker", next_step="ostiary login --bearer"))
    elif operation == "erase":
        errand.screen.say("The sign-in stays; it ends with: ostiary logout")
    else:
        raise Misused(f"Docker's helpers know get, list, store and erase, not {operation[:40]!r}")


def _get(errand: Errand, address: str) -> None:
    scope = scope_for(errand, _host(address))
    if scope is None:
        errand.screen.data(NONE)
        raise typer.Exit(int(Exit.UNEXPECTED))
    try:
        access = handed(errand, scope)
    except OstiaryError as fault:
        _fail(errand, fault)
    errand.screen.data(json.dumps({"ServerURL": address, "Username": USER, "Secret": access.token}))


def _host(address: str) -> str:
    """The host of a registry as Docker writes it: bare, or as an address; an empty one for what is not https."""
    scheme, separator, _ = address.partition("://")
    if separator and scheme.lower() != "https":
        return ""
    try:
        return urlsplit(address if separator else f"https://{address}").netloc  # with a user name in it: no host
    except ValueError:
        return ""


def _fail(errand: Errand, fault: OstiaryError) -> NoReturn:
    """Docker shows stdout only: say there what happened and what helps."""
    errand.screen.data(fault.message + (f" (next: {fault.next_step})" if fault.next_step else ""))
    raise fault
