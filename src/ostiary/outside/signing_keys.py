"""
The keys that sign our tokens: making, keeping, publishing, signing, verifying.

Owns ES256 (P-256) and RS256 (RSA) keys and the bytes of a compact JWS (RFC 7515 §3.1). Knows no claim, no lifetime
and no rotation: those are rules. Signing goes straight to `cryptography`, because a JOSE library in between makes an
ES256 token cost half as much again. A verifier takes no algorithm from a token: it knows the complete header of every
token that we sign, byte for byte, and anything else is not ours (RFC 8725 §3.1).
"""

import json
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha1, sha256
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key
from cryptography.x509.oid import NameOID

from ostiary.core.words.instants import Instant, to_datetime
from ostiary.outside.vault import Vault

__all__ = [
    "Algorithm",
    "PublicKey",
    "Signer",
    "SigningKey",
    "Verified",
    "Verifier",
    "certified",
    "make",
    "open_key",
    "seal_key",
]

PURPOSE = "signing-key"  # the vault's data key for private keys
LARGEST_TOKEN = 16 * 1024  # characters; ours have about 1,000

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_HASH = SHA256()
_ECDSA = ec.ECDSA(_HASH)
_NO_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_PKCS1 = padding.PKCS1v15()  # RFC 7518 §3.3


class Algorithm(StrEnum):
    """The signature algorithms that we use (RFC 7518 §3.1)."""

    ES256 = "ES256"
    RS256 = "RS256"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """
    A public key as others see it.

    *kid* is its thumbprint (RFC 7638), so a key has one name wherever it is; *members* are the JWK members of the key
    itself (``kty``, ``crv``, ``x``, ``y`` or ``kty``, ``n``, ``e``).
    """

    kid: str
    algorithm: Algorithm
    members: Mapping[str, str]
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey = field(repr=False, compare=False)
    certificate: bytes = field(default=b"", repr=False, compare=False)
    """A self-signed certificate of it (DER), which some clients read instead of the members; says nothing more."""

    def jwk(self) -> dict[str, Any]:
        """The key as it is published (RFC 7517 §4): for signatures only, with its algorithm and its certificate."""
        return {"kid": self.kid, "use": "sig", "alg": self.algorithm.value, **self.members, **self._x5c()}

    def _x5c(self) -> dict[str, Any]:
        """RFC 7517 §4.7 to §4.9."""
        if not self.certificate:
            return {}
        digests = {"x5t": sha1(self.certificate, usedforsecurity=False), "x5t#S256": sha256(self.certificate)}
        chain = [b2a_base64(self.certificate, newline=False).decode()]
        return {"x5c": chain, **{name: _encode(digest.digest()).decode() for name, digest in digests.items()}}

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> "PublicKey":
        """
        Read what `jwk` wrote. Raises ValueError when it is not one of our two kinds, or its kid is not its thumbprint,
        or the certificate is another key's.
        """
        found = _public(_key_of(jwk))
        if jwk.get("kid") != found.kid or jwk.get("alg") != found.algorithm:
            raise ValueError("a public key's kid or alg does not belong to it")
        if "x5c" not in jwk:
            return found
        certificate = a2b_base64(jwk["x5c"][0])
        if x509.load_der_x509_certificate(certificate).public_key() != found.key:
            raise ValueError("a public key's certificate does not belong to it")
        return replace(found, certificate=certificate)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its public side. Shown anywhere, it shows only the public side."""

    public: PublicKey
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(repr=False, compare=False)

    @property
    def kid(self) -> str:
        """The name of the key (RFC 7638 thumbprint)."""
        return self.public.kid

    def to_der(self) -> bytes:
        """PKCS #8 DER, in the clear: only for sealing."""
        return self.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    @classmethod
    def from_der(cls, der: bytes) -> "SigningKey":
        """
        Read what `to_der` wrote. Raises ValueError when it is neither a P-256 nor an RSA key of 2048 bits and more.
        """
        private = load_der_private_key(der, password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise ValueError("a signing key is P-256 or RSA")
        return cls(_public(private.public_key()), private)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token that we signed says: the key that signed it and the payload's bytes."""

    kid: str
    payload: bytes


class Signer:
    """Signs compact tokens with one key. Safe among threads."""

    __slots__ = ("_key", "_sign")

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._sign = _signature_function(key.private)

    @property
    def kid(self) -> str:
        """The name of the key."""
        return self._key.kid

    def header_prefix(self, typ: str) -> bytes:
        """
        The header for tokens of this *typ* (``JWT``, ``at+jwt``: RFC 9068 §2.1), encoded and with its dot: make it
        once, keep it.
        """
        return _header_prefix(self._key.public, typ)

    def sign_jwt(self, header_prefix: bytes, payload: bytes) -> bytes:
        """The token of a header from `header_prefix` of this same signer and a *payload* of JSON bytes."""
        signed = header_prefix + _encode(payload)
        return signed + b"." + _encode(self._sign(signed))


class Verifier:
    """
    Recognises the tokens that our keys signed, for the types named.

    INVARIANT: key and algorithm follow from the complete header, which must be one that our `Signer` makes; nothing
    of a token is parsed before its signature is verified. Safe among threads; made anew when the keys change.
    """

    __slots__ = ("_known",)

    def __init__(self, keys: Iterable[PublicKey], types: Iterable[str]) -> None:
        kinds = tuple(types)
        self._known = {
            _header_prefix(key, typ): (typ, key.kid, _check_function(key.key)) for key in keys for typ in kinds
        }

    def verify(self, token: bytes | str, typ: str) -> Verified | None:
        """
        What *token* says, if one of the keys signed it as a token of this *typ*; None for everything else, without a
        reason. Looks at no claim.
        """
        raw = _ascii(token)
        prefix, dot, rest = raw.partition(b".")
        known = self._known.get(prefix + dot)
        payload, _, signature = rest.partition(b".")
        if known is None or known[0] != typ:
            return None
        binary = _decode(signature)
        if binary is None or not known[2](binary, prefix + dot + payload):
            return None
        content = _decode(payload)
        return None if content is None else Verified(known[1], content)


def make(algorithm: Algorithm, *, rsa_bits: int = 2048) -> SigningKey:
    """
    A new key pair. *rsa_bits* (2048 or 3072) counts for RS256 only, which takes 0.1 to 1 s: not on the event loop.
    """
    if algorithm is Algorithm.ES256:
        private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = ec.generate_private_key(ec.SECP256R1())
    elif rsa_bits in (2048, 3072):
        private = rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)
    else:
        raise ValueError(f"an RSA key has 2048 or 3072 bits, not {rsa_bits}")
    return SigningKey(_public(private.public_key()), private)


def certified(key: SigningKey, created: Instant) -> PublicKey:
    """
    The public side of *key* with a self-signed certificate from *created* on. It has no end of its own (RFC 5280
    §4.1.2.5): until when a key counts, the published list says.
    """
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, key.kid)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public.key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(to_datetime(created))
        .not_valid_after(_NO_END)
        .sign(key.private, _HASH)
    )
    return replace(key.public, certificate=certificate.public_bytes(Encoding.DER))


def seal_key(vault: Vault, key: SigningKey, *, table: str, field: str) -> bytes:
    """The private key sealed for the row named after its kid."""
    return vault.seal(PURPOSE, table, key.kid, field, key.to_der())


def open_key(vault: Vault, sealed: bytes, *, kid: str, table: str, field: str) -> SigningKey:
    """The key that `seal_key` sealed. Raises `SealBroken`, or ValueError when it is not the key of that name."""
    key = SigningKey.from_der(vault.open(PURPOSE, table, kid, field, sealed))
    if key.kid != kid:
        raise ValueError("a sealed signing key is not the one that its row names")
    return key


def _public(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> PublicKey:
    """Name and members of *key*; ValueError for a curve or a size that we do not use."""
    members = _members(key)
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))  # RFC 7638 §3: the required members only
    algorithm = Algorithm.ES256 if members["kty"] == "EC" else Algorithm.RS256
    return PublicKey(_encode(sha256(canonical.encode()).digest()).decode(), algorithm, members, key)


def _members(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> dict[str, str]:
    """RFC 7518 §6.2.1, §6.3.1."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("an ES256 key is on P-256")
        point = key.public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": _coordinate(point.x), "y": _coordinate(point.y)}
    if not 2048 <= key.key_size <= 4096:
        raise ValueError("an RS256 key has 2048 to 4096 bits")
    numbers = key.public_numbers()
    return {"kty": "RSA", "n": _unsigned(numbers.n), "e": _unsigned(numbers.e)}


def _key_of(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    """The key that the members of *jwk* describe; ValueError otherwise."""
    try:
        if jwk["kty"] == "EC":
            point = ec.EllipticCurvePublicNumbers(_integer(jwk["x"]), _integer(jwk["y"]), ec.SECP256R1())
            return point.public_key()
        return rsa.RSAPublicNumbers(_integer(jwk["e"]), _integer(jwk["n"])).public_key()
    except KeyError as missing:
        raise ValueError(f"a public key lacks {missing}") from None


def _signature_function(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    if isinstance(key, rsa.RSAPrivateKey):
        return lambda signed: key.sign(signed, _PKCS1, _HASH)

    def sign(signed: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(signed, _ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")  # RFC 7518 §3.4

    return sign


def _check_function(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> Callable[[bytes, bytes], bool]:
    """A function of signature and signed bytes that says whether they belong together."""

    def check(signature: bytes, signed: bytes) -> bool:
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, signed, _PKCS1, _HASH)
                return True
            if len(signature) != 64:
                return False
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            key.verify(encode_dss_signature(r, s), signed, _ECDSA)
        except InvalidSignature:
            return False
        return True

    return check


def _header_prefix(key: PublicKey, typ: str) -> bytes:
    """INVARIANT: one key and one type have one header; changing the form here makes every token out there unknown."""
    header = {"typ": typ, "alg": key.algorithm.value, "kid": key.kid}
    return _encode(json.dumps(header, separators=(",", ":")).encode()) + b"."


def _ascii(token: bytes | str) -> bytes:
    """*token* as bytes; nothing, which no key signed, when it is too long or not ASCII."""
    if len(token) > LARGEST_TOKEN or not token.isascii():
        return b""
    return token.encode("ascii") if isinstance(token, str) else token


def _encode(raw: bytes) -> bytes:
    """Base64url without padding (RFC 7515 §2)."""
    return b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=")


def _decode(text: bytes) -> bytes | None:
    """
    What `_encode` wrote; None for any other text.

    Written back and compared, because a lenient decoder takes several texts for the same bytes, and a token must have
    one form only.
    """
    try:
        raw = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return None
    return raw if _encode(raw) == text else None


def _coordinate(value: int) -> str:
    """A coordinate of P-256: always 32 bytes (RFC 7518 §6.2.1.2)."""
    return _encode(value.to_bytes(32, "big")).decode()


def _unsigned(value: int) -> str:
    """A positive integer in the fewest bytes (RFC 7518 §2, Base64urlUInt)."""
    return _encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).decode()


def _integer(text: str) -> int:
    raw = _decode(text.encode())
    if raw is None or len(raw) > 512:
        raise ValueError("a public key holds a number that is not base64url")
    return int.from_bytes(raw, "big")
