"""
Digests: what we keep of a secret that we only ever compare.

SHA-256 for values of 256 random bits, HMAC-SHA-256 under a key of its own for values that people type (R10, R17).
Comparison takes the same time whatever differs.
"""

import hmac
from hashlib import sha256

__all__ = ["digest", "keyed", "same"]


def digest(secret: str | bytes) -> bytes:
    """SHA-256 of *secret*; fit only for values with at least 128 random bits."""
    return sha256(secret.encode() if isinstance(secret, str) else secret).digest()


def keyed(key: bytes, *parts: str | bytes) -> bytes:
    """
    HMAC-SHA-256 of *parts* under *key*.

    Each part goes in with its length before it, so that ``("ab", "c")`` and ``("a", "bc")`` differ.
    """
    mac = hmac.new(key, digestmod=sha256)
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        mac.update(len(raw).to_bytes(4, "big"))
        mac.update(raw)
    return mac.digest()


def same(one: str | bytes, other: str | bytes) -> bool:
    """Whether both are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(
        one.encode() if isinstance(one, str) else one, other.encode() if isinstance(other, str) else other
    )
