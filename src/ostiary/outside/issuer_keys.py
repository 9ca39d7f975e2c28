"""
The public keys that another issuer publishes: a JSON Web Key Set (RFC 7517 §5) read within bounds.

Owns which keys of a set are taken and whether one of them made a signature. Fetches nothing.
"""

from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ostiary.outside.client_keys import Public, signed_with

__all__ = ["IssuerKey", "read_keys", "read_metadata"]

MOST_KEYS = 64
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """One key that may sign."""

    kid: str
    """Empty where the set does not name it."""
    algorithm: str
    """`alg`; empty where the set leaves it open."""
    key: Public = field(repr=False)

    def made(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether this key made *signature* over *signed* with *algorithm* (ES256, RS256, PS256)."""
        return self.algorithm in ("", algorithm) and signed_with(self.key, algorithm, signed, signature)


def read_metadata(raw: bytes, issuer: str) -> str | None:
    """
    The `jwks_uri` of an OpenID Provider's metadata (OpenID Connect Discovery §3) that says to be *issuer*'s own; None
    for anything else.
    """
    found = _object(raw)
    address = found.get("jwks_uri") if found.get("issuer") == issuer else None
    return address if isinstance(address, str) and address.startswith("https://") and len(address) <= 2048 else None


def read_keys(raw: bytes) -> tuple[IssuerKey, ...] | None:
    """
    The keys of a set that can sign and that we can use; None when *raw* is no set, or names too many.

    A key that is none of ours (another curve, a short modulus, for encryption) is left out, as RFC 7517 §5 says.
    """
    entries = _object(raw).get("keys")
    if not isinstance(entries, list) or len(entries) > MOST_KEYS:
        return None
    return tuple(key for key in map(_key, entries) if key is not None)


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _key(entry: Any) -> IssuerKey | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or "d" in entry:
        return None
    operations = entry.get("key_ops", ["verify"])
    kid, algorithm = entry.get("kid", ""), entry.get("alg", "")
    if not isinstance(kid, str) or not isinstance(algorithm, str) or len(kid) > _LONGEST_NAME:
        return None
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        key = _rsa(entry) if entry.get("kty") == "RSA" else _ec(entry) if entry.get("kty") == "EC" else None
    except (ValueError, TypeError, KeyError, AttributeError, NotBase64):
        return None
    return IssuerKey(kid, algorithm, key) if key is not None else None


def _rsa(entry: Mapping[str, Any]) -> rsa.RSAPublicKey | None:
    """RFC 7518 §6.3.1; 2048 to 4096 bits (§3.3: at least 2048)."""
    n, e = _number(entry["n"]), _number(entry["e"])
    if not 2048 <= n.bit_length() <= 4096 or not 2 < e < 2**32:
        return None
    return rsa.RSAPublicNumbers(e, n).public_key()


def _ec(entry: Mapping[str, Any]) -> ec.EllipticCurvePublicKey | None:
    """RFC 7518 §6.2.1; the point is proved to lie on the curve."""
    if entry.get("crv") != "P-256":
        return None
    return ec.EllipticCurvePublicNumbers(_number(entry["x"]), _number(entry["y"]), ec.SECP256R1()).public_key()


def _number(text: str) -> int:
    if len(text) > 1024:
        raise ValueError("too long")
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
