"""
The number that a person carries from the page to the machine after they said yes (R12; RFC 10027 §6.1, M16).

Two digits, random for each consent, one try. Whoever phished the consent sits at another machine and does not see them.
Only a keyed digest is kept; who holds the key can tell the number again to the browser that consented, nobody else can.
"""

from collections.abc import Iterable

from ostiary.core.access.controls.confirmations import NUMBER
from ostiary.core.access.decision import Decision
from ostiary.core.directory.applications import Application
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.words.digests import keyed, same
from ostiary.core.words.instants import minutes

DIGITS = "0123456789"
LENGTH = 2
ASKED_FOR = minutes(2)
"""None in this time ends the sign-in."""
KEY = "numbers"  # purpose of the key under which they are kept


def takes(application: Application, *, said: bool) -> bool:
    """
    Whether the requester can take a number: it said so, and the registration does not say that it never can. The
    registration decides; saying less than is required only ever refuses (R12).
    """
    return said and application.number_confirmation != "never"


def wanted(application: Application, decision: Decision) -> bool:
    """Whether this consent has to be confirmed: by registration, or because a policy demands it."""
    return application.number_confirmation == "required" or NUMBER in decision.missing


def confirmed(signin: SignIn) -> bool | None:
    """The fact as policies see it: confirmed, not yet, or None for "this requester cannot take one"."""
    if signin.number is not None and signin.state in (State.AWAITING_EXEMPTION, State.READY, State.REDEEMED):
        return True
    return False if signin.declared.number else None


def well_formed(typed: str) -> bool:
    """Whether *typed* can be a number at all; what cannot is no try."""
    return len(typed) == LENGTH and all(digit in DIGITS for digit in typed)


def kept(key: bytes, signin: SignIn, number: str) -> bytes:
    """What is kept of it."""
    return keyed(key, signin.id, number)


def fits(keys: Iterable[bytes], signin: SignIn, number: str) -> bool:
    """Whether *number* is the one of this consent; every key is tried, whichever fits (R17)."""
    held = signin.number or b""
    answers = [same(kept(key, signin, number), held) for key in keys]
    return True in answers


def told_again(keys: Iterable[bytes], signin: SignIn) -> str:
    """The number of a consent that awaits it, for the browser that consented; empty when no key fits."""
    every, held = (f"{n:0{LENGTH}}" for n in range(10**LENGTH)), tuple(keys)
    return next((number for number in every if fits(held, signin, number)), "")
