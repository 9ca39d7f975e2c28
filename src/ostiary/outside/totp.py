"""
One-time codes from an authenticator app (RFC 6238; RFC 4226 for the code itself).

Owns seed, address for the app and the check of one code. Owns no counting of wrong ones and no memory: the caller
keeps the step that was used last and brings it, which is what refuses a replay.
"""

import base64

import pyotp

from ostiary.core.words.digests import same
from ostiary.core.words.instants import Instant, to_seconds
from ostiary.outside.random import Random

__all__ = ["STEP_SECONDS", "matching_step", "new_seed", "provisioning_uri"]

STEP_SECONDS = 30  # RFC 6238 §5.2
DIGITS = 6

_SEED_BYTES = 20  # RFC 4226 §4 R6: 160 bits recommended
_DRIFT = 1  # RFC 6238 §5.2: one step either way for the delay of people and networks


def new_seed(random: Random) -> str:
    """A new shared secret: 160 bits as 32 characters of base32. To be sealed (R17)."""
    return base64.b32encode(random.bytes(_SEED_BYTES)).decode("ascii")


def provisioning_uri(seed: str, *, account: str, issuer: str) -> str:
    """
    The ``otpauth://totp/…`` address that an authenticator app reads from a QR code. Holds the seed: shown once, never
    logged.
    """
    return pyotp.TOTP(seed, digits=DIGITS, interval=STEP_SECONDS).provisioning_uri(name=account, issuer_name=issuer)


def matching_step(seed: str, code: str, now: Instant, *, after_step: int | None = None) -> int | None:
    """
    The time step whose code *code* is, within one step of *now*; None when it is none of them.

    Steps up to *after_step*, the one that was accepted last, count no more (RFC 6238 §5.2: a code is accepted once).
    The caller must store the answer by compare-and-swap, or two requests at once both pass. Spaces in *code* are
    forgiven. All steps are computed and compared whatever matches, so time does not tell how near a guess was.
    """
    given = code.replace(" ", "") if len(code) <= 2 * DIGITS else ""
    if len(given) != DIGITS or not (given.isascii() and given.isdigit()):
        return None
    generator = pyotp.HOTP(seed, digits=DIGITS)
    middle = to_seconds(now) // STEP_SECONDS
    steps = range(max(middle - _DRIFT, 0), middle + _DRIFT + 1)
    matches = [step for step in steps if same(generator.at(step), given)]
    fresh = [step for step in matches if after_step is None or step > after_step]
    return fresh[0] if fresh else None
