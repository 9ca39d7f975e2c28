"""
Applications' keys and certificates, made for a test, and the assertions that are signed with them.
"""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ostiary.core.directory.applications import Key
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant, Span, after, days, minutes, to_datetime
from ostiary.outside import client_keys

Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
CLIENT_AUTH, SERVER_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
_PSS = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)


@dataclass(frozen=True)
class Pair:
    """A private key with its self-signed certificate."""

    private: Private
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def base64(self) -> str:
        """The certificate's DER in base64."""
        return b64encode(self.der).decode()

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def private_pem(self) -> bytes:
        """The private key."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def thumbprint(self, hash_: Any) -> str:
        """`x5t` or `x5t#S256` (base64url without padding)."""
        return b64(self.certificate.fingerprint(hash_))

    @property
    def x5t(self) -> str:
        """`x5t#S256`."""
        return self.thumbprint(SHA256())

    def registered(self, id: str = "7a0d1f2e-0000-4000-8000-0000000000c1", **changes: Any) -> Key:
        """As a registration keeps it."""
        found = client_keys.read(self.der)
        assert isinstance(found, client_keys.Certificate), found
        key = Key(
            id, found.base64, found.algorithm, found.sha1, found.sha256, found.jkt, found.tls, found.starts, found.ends
        )
        return replace(key, **changes)


def make(
    kind: str, now: Instant, *, usages: tuple[Any, ...] = (), signs: bool = True, bits: int = 2048,
    begins: Span = minutes(-60), lasts: Span = days(30),
) -> Pair:  # fmt: skip
    """An EC or RSA pair, valid from an hour before *now* for 30 days."""
    starts = after(now, begins)
    private: Private
    if kind == "EC":
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "application")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(to_datetime(starts))
        .not_valid_after(to_datetime(after(starts, lasts)))
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if not signs:
        builder = builder.add_extension(
            x509.KeyUsage(False, False, True, False, False, False, False, False, False), critical=True
        )
    return Pair(private, builder.sign(private, SHA256()))


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims(client: AppId, audience: Any, now: Instant, **changes: Any) -> dict[str, Any]:
    """A right assertion's claims; a change to None leaves one out."""
    second = now // 1_000_000
    usual = {"iss": client, "sub": client, "aud": audience, "exp": second + 60, "iat": second, "jti": f"jti-{second}"}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def signed(private: Private, said: Mapping[str, Any], algorithm: str, **header: Any) -> str:
    """The assertion, whatever nonsense it says; an algorithm that we do not know gets 64 bytes of nothing."""
    head = b64(json.dumps({"alg": algorithm, "typ": "JWT", **header}).encode())
    text = f"{head}.{b64(json.dumps(said).encode())}"
    return f"{text}.{b64(_sign(private, algorithm, text.encode()))}"


def _sign(private: Private, algorithm: str, text: bytes) -> bytes:
    if algorithm == "ES256" and isinstance(private, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(private.sign(text, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    if algorithm in ("RS256", "PS256") and isinstance(private, rsa.RSAPrivateKey):
        return private.sign(text, _PSS if algorithm == "PS256" else padding.PKCS1v15(), SHA256())
    digest = Hash(SHA256())
    digest.update(text)
    return digest.finalize() * 2
