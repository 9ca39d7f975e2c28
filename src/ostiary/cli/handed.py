"""
What the helpers of other programs share (kubectl, git, Docker): an access token that is handed to one of them.

It is the stored sign-in's: a token of `OSTIARY_TOKEN` is passed over, since nobody can say here whom it is for. One
that is bound to a key or a certificate is not handed on: those programs cannot prove it. It is always of a resource
that was named, by the profile for a host; without one there is none, so that nobody gets the admin API's by default.
"""

import shlex

from ostiary.cli.ending import warn_of_end
from ostiary.cli.errand import Errand
from ostiary.cli.token import scope_of
from ostiary.client.cache import Access
from ostiary.client.errors import DeniedByPolicy, Misused, NotSignedIn
from ostiary.client.profiles import checked_host
from ostiary.client.session import NotKept

__all__ = ["USER", "handed", "refuse_bound", "scope_for"]

USER = "oauth2"
"""The user name that goes with a token where a program wants one; who it is, the token says."""


def handed(errand: Errand, scope: str) -> Access:
    """
    An access token for another program. Raises NotSignedIn, DeniedByPolicy and what else `fresh` raises, with the
    command that helps; nobody is asked anything.
    """
    refuse_bound(errand, scope)
    try:
        access = errand.stored(scope)
        warn_of_end(errand)
        return access
    except NotKept as fault:
        errand.screen.say(f"! {fault.message}; the token is handed on all the same.", "bold red")
        return fault.access
    except (NotSignedIn, DeniedByPolicy) as fault:
        fault.next_step = _sign_in(errand, scope)
        raise


def refuse_bound(errand: Errand, scope: str) -> None:
    """Raises Misused for a sign-in whose tokens are bound, and for one of another server."""
    try:
        held = errand.held()
    except NotSignedIn as fault:
        fault.next_step = _sign_in(errand, scope)
        raise
    if held.key is not None or held.pair is not None:
        what = "a key of this machine, which only ostiary can prove" if held.key else "a certificate"
        raise Misused(
            f"the sign-in of profile {errand.settings.profile.value} is bound to {what}: "
            "it gives no token that another program could use",
            next_step=_sign_in(errand, scope, profile="NAME"),
        )


def scope_for(errand: Errand, host: str) -> str | None:
    """The scope of a token for *host*, by the profile; None: it gets none."""
    try:
        resource = errand.settings.hosts.get(checked_host(host))
    except Misused:
        return None
    return None if resource is None else scope_of(resource, "")


def _sign_in(errand: Errand, scope: str, *, profile: str = "") -> str:
    """The command that makes a sign-in which can be handed on, in a profile of its own where another one is in use."""
    settings, words = errand.settings, ["ostiary", "login", "--bearer"]
    if profile or settings.profile.source != "default":
        words += ["--profile", profile or settings.profile.value]
    if settings.server.source == "--server":
        words += ["--server", settings.server.value]
    return shlex.join([*words, "--scope", scope])
