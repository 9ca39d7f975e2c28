"""
A TLS client's certificate: whether it can stand for somebody at all (RFC 5280, RFC 8705).

Owns what is looked at in the certificate itself: its dates, its usages, the strength of its key. The TLS handshake,
which proves that the client has the key, was the proxy's. Who issued it is not looked at: what counts is the exact
certificate that something is bound to or that is registered.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from ostiary.core.words.instants import Instant, from_datetime
from ostiary.core.words.jose import encode
from ostiary.outside.client_keys import LARGEST, usages

__all__ = ["ClientCertificate", "presented"]

LEAST_RSA = 2048  # bits
LARGEST_RSA = 8192
LEAST_EC = 256


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What counts of one."""

    x5t: str
    """SHA-256 of its DER, base64url: `x5t#S256` (RFC 8705 §3.1)."""
    starts: Instant
    ends: Instant

    def complaint(self, now: Instant) -> str:
        """Why it does not count at *now*, in a public sentence; empty when it does."""
        if now < self.starts:
            return "The certificate is not valid yet."
        return "" if now < self.ends else "The certificate has expired."


@lru_cache(maxsize=1024)  # the same machines poll again and again
def presented(der: bytes) -> ClientCertificate | str:
    """The certificate in *der*, or in a public sentence why it can never count for a TLS client."""
    if len(der) > LARGEST:
        return f"A certificate has at most {LARGEST} bytes."
    try:
        found = x509.load_der_x509_certificate(der)
        strong = _strong(found.public_key())
        signs, tls = usages(found)
        starts, ends = from_datetime(found.not_valid_before_utc), from_datetime(found.not_valid_after_utc)
    except (ValueError, UnsupportedAlgorithm):
        return "The certificate cannot be read."
    if not strong:
        return "The certificate's key is of an unknown kind or too short."
    if not (signs and tls):
        return "The certificate is not meant for TLS clients."
    return ClientCertificate(encode(sha256(der).digest()), starts, ends)


def _strong(key: object) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        return LEAST_RSA <= key.key_size <= LARGEST_RSA
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.key_size >= LEAST_EC
    return isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey)
