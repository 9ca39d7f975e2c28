"""
A sign-in that waits for the exemption which its person asked for with their consent (R5): how long, and how long that
consent counts. Pure.
"""

from ostiary.core.signins.signin import SignIn
from ostiary.core.words.instants import Instant, Span, after, between, hours
from ostiary.core.words.proof import UNBOUND

__all__ = ["LONGEST_WAIT", "consent_counts", "waits_until"]

LONGEST_WAIT = hours(8)
"""Counted from the request for the code."""


def waits_until(signin: SignIn, request_ends: Instant, code_lifetime: Span) -> Instant:
    """
    When *signin* stops waiting: only one that is bound to a key lives longer than its code, until its request lapses,
    and never beyond `LONGEST_WAIT`.
    """
    if signin.bound == UNBOUND:
        return min(request_ends, after(signin.created, code_lifetime))
    return min(request_ends, after(signin.created, LONGEST_WAIT))


def consent_counts(signin: SignIn, window: Span, now: Instant) -> bool:
    """Whether its person's consent is young enough for an approval that comes at *now*."""
    return signin.decided is not None and between(signin.decided, now) < window
