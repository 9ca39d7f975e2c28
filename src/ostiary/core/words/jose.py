"""
The two words of JOSE that both towers speak: base64url without padding, and the thumbprint of a key (RFC 7515 §2, RFC
7638).
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from hashlib import sha256

__all__ = ["decode", "encode", "thumbprint"]


def encode(raw: bytes) -> str:
    """*raw* as base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes | None:
    """
    What `encode` wrote; None for any other text, because a lenient decoder takes several texts for the same bytes.
    """
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (NotBase64, ValueError):
        return None
    return raw if encode(raw) == text else None


def thumbprint(members: Mapping[str, str]) -> str:
    """
    The SHA-256 thumbprint (RFC 7638 §3) of the key whose required members are *members*: ``crv``, ``kty``, ``x``, ``y``
    for an elliptic curve.
    """
    canonical = json.dumps(dict(members), sort_keys=True, separators=(",", ":"))
    return encode(sha256(canonical.encode()).digest())
