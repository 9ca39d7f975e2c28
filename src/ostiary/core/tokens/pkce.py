"""
Proof Key for Code Exchange (RFC 7636): S256 only.

`plain` is not here: it protects nothing that S256 does not (RFC 9700 §2.1.1).
"""

import re
from binascii import b2a_base64
from hashlib import sha256

from ostiary.core.words.digests import same

__all__ = ["METHOD", "challenge_of", "fits", "is_challenge", "is_verifier"]

METHOD = "S256"

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # base64url of 32 bytes, RFC 7636 §4.2
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)  # RFC 7636 §4.1


def is_challenge(text: str) -> bool:
    """Whether *text* can be an S256 challenge."""
    return _CHALLENGE.fullmatch(text) is not None


def is_verifier(text: str) -> bool:
    """Whether *text* can be a verifier."""
    return _VERIFIER.fullmatch(text) is not None


def challenge_of(verifier: str) -> str:
    """BASE64URL(SHA256(verifier)), RFC 7636 §4.2."""
    return (
        b2a_base64(sha256(verifier.encode("ascii")).digest(), newline=False).translate(_URL_SAFE, b"=").decode("ascii")
    )


def fits(verifier: str, challenge: str) -> bool:
    """Whether *verifier* is the one behind *challenge* (RFC 7636 §4.6); False for text that can be none."""
    return is_verifier(verifier) and same(challenge_of(verifier), challenge)
