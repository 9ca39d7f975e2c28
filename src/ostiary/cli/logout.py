"""
`ostiary logout`: end the sign-in, here and on the server.
"""

from typing import Annotated

import typer

from ostiary.cli.errand import Errand
from ostiary.client.errors import Unreachable
from ostiary.client.session import end

__all__ = ["logout"]


def logout(
    errand: Errand,
    *,
    everywhere: Annotated[bool, typer.Option("--all", help="End every session of yours, on all machines.")] = False,
) -> None:
    """End the sign-in, here and on the server."""
    if everywhere:
        with errand.graph() as graph:
            graph.post("/me/revokeSignInSessions")
    confirmed = errand.perform(end(errand.cache))
    if everywhere:
        errand.screen.say("All of your sessions have been ended, this one included.")
    elif confirmed is None:
        errand.screen.say("Nobody was signed in here.")
    elif confirmed:
        errand.screen.say("Signed out.")
    else:
        raise Unreachable(
            "signed out on this machine, but the server did not confirm the end of the session; "
            "it ends there with its exemption or when it is idle"
        )
    errand.screen.event("signed_out", server=True if everywhere else confirmed)
