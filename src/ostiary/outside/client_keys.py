"""
Certificates of applications: what one says, and whether a signature belongs to it (RFC 5280, RFC 7518 §3).

Owns reading DER and PEM and the three signatures that client assertions may have. Trusts no certificate: which ones
count is the registration's word. Nothing of a private key is ever read here.
"""

import json
from base64 import b64encode
from binascii import b2a_base64
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1, sha256
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from ostiary.core.words.instants import Instant, from_datetime

__all__ = ["LARGEST", "Certificate", "Public", "from_pem", "read", "signed_with", "usages", "verifies"]

LARGEST = 8192  # bytes of DER

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_HASH = SHA256()
_PSS = padding.PSS(padding.MGF1(_HASH), padding.PSS.DIGEST_LENGTH)  # RFC 7518 §3.5: salt as long as the hash
_PKCS1 = padding.PKCS1v15()
_CLIENT = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})

Public = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says that we can use."""

    der: bytes
    algorithm: Literal["EC", "RSA"]
    sha1: str
    sha256: str
    jkt: str
    signs: bool
    """Whether its key usage lets it sign (RFC 5280 §4.2.1.3); true where it names none."""
    tls: bool
    """Whether it may also authenticate a TLS client (§4.2.1.12)."""
    starts: Instant
    ends: Instant

    @property
    def base64(self) -> str:
        """DER in base64."""
        return b64encode(self.der).decode("ascii")


def read(der: bytes) -> Certificate | str:
    """The certificate in *der*, or in one sentence why it cannot be used."""
    if len(der) > LARGEST:
        return f"A certificate has at most {LARGEST} bytes."
    try:
        found = x509.load_der_x509_certificate(der)
        key = found.public_key()
        signs, tls = usages(found)
    except (ValueError, UnsupportedAlgorithm):
        return "This is no X.509 certificate in DER."
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        kind: Literal["EC", "RSA"] = "EC"
    elif isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 4096:
        kind = "RSA"
    else:
        return "The key is on P-256, or RSA of 2048 to 4096 bits."
    return Certificate(
        der, kind, sha1(der, usedforsecurity=False).hexdigest(), sha256(der).hexdigest(), _thumbprint(key), signs,
        signs and tls, from_datetime(found.not_valid_before_utc), from_datetime(found.not_valid_after_utc),
    )  # fmt: skip


def from_pem(pem: bytes) -> bytes | None:
    """The DER of the one certificate in *pem*; None for anything else."""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return found[0].public_bytes(Encoding.DER) if len(found) == 1 else None


def verifies(der: bytes, algorithm: str, signed: bytes, signature: bytes) -> bool:
    """Whether *signature* over *signed* is one of *algorithm* (ES256, RS256, PS256) by the certificate's key."""
    return signed_with(_key(der), algorithm, signed, signature)


def signed_with(key: object, algorithm: str, signed: bytes, signature: bytes) -> bool:
    """The same for a public key by itself."""
    try:
        if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey):
            _verify_ecdsa(key, signed, signature)
        elif algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, _PKCS1, _HASH)
        elif algorithm == "PS256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, _PSS, _HASH)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _verify_ecdsa(key: ec.EllipticCurvePublicKey, signed: bytes, signature: bytes) -> None:
    if len(signature) != 64:  # RFC 7518 §3.4
        raise InvalidSignature
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(_HASH))


@lru_cache(maxsize=256)  # the same few applications prove themselves again and again
def _key(der: bytes) -> object:
    return x509.load_der_x509_certificate(der).public_key()


def usages(certificate: x509.Certificate) -> tuple[bool, bool]:
    """Whether it may sign, and whether it may be a TLS client's; a usage that is not named forbids nothing."""
    signs = tls = True
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.KeyUsage):
            signs = extension.value.digital_signature
        elif isinstance(extension.value, x509.ExtendedKeyUsage):
            tls = bool(_CLIENT & set(extension.value))
    return signs, tls


def _thumbprint(key: Public) -> str:
    """RFC 7638 §3."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        point = key.public_numbers()
        members = {"crv": "P-256", "kty": "EC", "x": _number(point.x, 32), "y": _number(point.y, 32)}
    else:
        numbers = key.public_numbers()
        n, e = numbers.n, numbers.e
        members = {"e": _number(e, (e.bit_length() + 7) // 8), "kty": "RSA", "n": _number(n, (n.bit_length() + 7) // 8)}
    return _encode(sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest())


def _number(value: int, length: int) -> str:
    return _encode(value.to_bytes(length, "big"))


def _encode(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode("ascii")
