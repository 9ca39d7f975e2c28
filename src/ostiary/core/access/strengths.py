"""
Which authentication strengths a sign-in satisfies, by the `amr` values (RFC 8176) that it left.

Graph's three built-in strengths under their fixed ids; policies ask for them by id. What our methods leave: `pwd` a
password, `otp` a one-time code, `hwk` a key that cannot leave its device or `swk` one that is synced, `pop` any key
whose possession was proved (all that an upstream provider is believed to say of one), `mfa` wherever there were two
factors. Whatever is not named here proves nothing.
"""

from collections.abc import Iterable
from enum import StrEnum

__all__ = ["Strength", "satisfied"]

_KEYS = frozenset({"hwk", "swk", "pop"})


class Strength(StrEnum):
    """The built-in authentication strengths, by their ids in Graph."""

    MFA = "00000000-0000-0000-0000-000000000002"
    PASSWORDLESS = "00000000-0000-0000-0000-000000000003"
    PHISHING_RESISTANT = "00000000-0000-0000-0000-000000000004"


def satisfied(amr: Iterable[str]) -> frozenset[Strength]:
    """
    Every strength that a sign-in with *amr* has; each holds the weaker ones.

    A key counts when it verified its person, which `mfa` without a password says: beside a password `mfa` may mean the
    password itself. `user` would not do: it only says that somebody was there (RFC 8176 §2). A key answers to its own
    origin alone, so whatever is passwordless here resists phishing as well.
    """
    proved = frozenset(amr)
    if "mfa" not in proved:
        return frozenset()
    if proved & _KEYS and not proved & {"pwd", "otp"}:
        return frozenset(Strength)
    return frozenset({Strength.MFA})
