"""
`ostiary git-credential`, which git calls as `git-credential-ostiary`: access tokens as passwords, for the hosts that
the profile names.

Speaks git's helper protocol (gitcredentials(7), git-credential(1)): lines `key=value` on both sides, an operation as
the only argument. Any other host is left to other helpers. A host that is named here gets its token or nothing: `quit`
keeps git from asking for a password that does not exist.
"""

from typing import Annotated

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.handed import USER, handed, scope_for
from ostiary.client.errors import OstiaryError
from ostiary.client.session import drop

__all__ = ["git_credential"]

_LIMIT = 64 * 1024


def git_credential(
    errand: Errand,
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="get, store or erase.")],
) -> None:
    """Answer git, which calls this as git-credential-ostiary."""
    asked = _asked(errand.machine.read_input(_LIMIT))
    host = asked.get("host", "")
    scope = scope_for(errand, host) if asked.get("protocol") == "https" else None
    if scope is None:
        return
    if operation == "get":
        _get(errand, scope, asked)
    elif operation == "erase" and asked.get("password"):
        errand.perform(drop(errand.cache, asked["password"]))
    # `store` is told of what we gave, which is kept already; other operations may come (gitcredentials(7))


def _get(errand: Errand, scope: str, asked: dict[str, str]) -> None:
    try:
        access = handed(errand, scope)
    except OstiaryError:
        errand.screen.data("quit=1")
        raise
    errand.screen.data(f"username={asked.get('username') or USER}")
    errand.screen.data(f"password={access.token}")
    errand.screen.data(f"password_expiry_utc={int(access.expires_at)}")


def _asked(text: str) -> dict[str, str]:
    """The lines up to an empty one; of a key that comes twice the last counts, as git has it."""
    asked = {}
    for line in text.split("\n"):
        if not line:
            break
        key, _, value = line.partition("=")
        asked[key] = value
    return asked
