"""
DPoP proofs (RFC 9449): whether the sender of a request holds a key, and which.

Owns the twelve checks of §4.3 in their order, each with a name of its own for the log. ES256 only: what has a key in
hardware has P-256, and every algorithm more is one more way in. Pure: the bytes that came, what they must fit, and the
time go in; whether the same proof came before, who remembers says (`services/tokens/proofs.py`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ostiary.core.words.digests import same
from ostiary.core.words.instants import Instant, Span, after, seconds
from ostiary.core.words.jose import decode, encode, thumbprint

__all__ = [
    "ALGORITHMS",
    "FUTURE",
    "OLDEST",
    "Broken",
    "Check",
    "Expected",
    "Proved",
    "is_thumbprint",
    "judge",
    "normal_uri",
]

ALGORITHMS = ("ES256",)
"""What `dpop_signing_alg_values_supported` lists."""

OLDEST = seconds(60)
"""How long ago a proof without a nonce of ours may have been made, by its own `iat`."""
FUTURE = seconds(10)
"""How far ahead of ours its maker's clock may be."""

LONGEST = 8192  # bytes of one proof: an address of 2,000 characters and all the rest fit
LONGEST_URI = 4096
LONGEST_ID = 256  # characters of `jti`: an UUID has 36

_TYPE = "dpop+jwt"
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 §6.2.2, §6.3.2, §6.4.1
_SIZE = 32  # bytes of a coordinate of P-256, and of each half of its signatures
_ECDSA = ec.ECDSA(SHA256())
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PORTS = {"https": 443, "http": 80}


class Check(StrEnum):
    """The checks of RFC 9449 §4.3, as the log names the one that failed."""

    ONE_HEADER = "one_header"
    WELL_FORMED = "well_formed"
    CLAIMS = "claims"
    TYPE = "typ"
    ALGORITHM = "alg"
    SIGNATURE = "signature"
    PRIVATE_KEY = "private_key"
    METHOD = "htm"
    URI = "htu"
    NONCE = "nonce"
    """Missing, or not a current one: the answer is `use_dpop_nonce` with a new one, not a refusal for good."""
    TIME = "iat"
    TOKEN = "ath"
    REPLAYED = "jti"
    """§11.1: the same proof came before."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a proof must fit."""

    method: str
    uris: tuple[str | None, ...]
    """The names that the address has, each as `normal_uri` gives it."""
    now: Instant
    current: Callable[[str], bool]
    """Whether a nonce is one of ours that still counts."""
    since: Instant
    """From when on everything that came is remembered: what may be older needs a nonce."""
    nonce_needed: bool = True
    token: str = ""
    """The access token that came with it."""


@dataclass(frozen=True, slots=True)
class Proved:
    """All checks passed: the key, and the name under which this one proof is remembered."""

    jkt: str
    id: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """The first check that failed."""

    check: Check


@dataclass(frozen=True, slots=True)
class _Read:
    """A proof taken apart, nothing of it believed yet."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


def judge(shown: Sequence[bytes], expected: Expected) -> Proved | Broken:
    """What *shown*, the values of every DPoP header of one request, proves."""
    if len(shown) != 1:
        return Broken(Check.ONE_HEADER)
    read = _read(shown[0])
    if read is None:
        return Broken(Check.WELL_FORMED)
    shown_key = read.header.get("jwk")
    jwk: Mapping[str, Any] = shown_key if isinstance(shown_key, dict) else {}
    checks: tuple[tuple[Check, Callable[[], bool]], ...] = (
        (Check.CLAIMS, lambda: _complete(read.claims, expected)),
        (Check.TYPE, lambda: read.header.get("typ") == _TYPE),
        (Check.ALGORITHM, lambda: read.header.get("alg") in ALGORITHMS),
        (Check.SIGNATURE, lambda: _signed(read, jwk)),
        (Check.PRIVATE_KEY, lambda: not _PRIVATE & set(jwk)),
        (Check.METHOD, lambda: read.claims["htm"] == expected.method),
        (Check.URI, lambda: _names(read.claims["htu"], expected)),
        (Check.NONCE, lambda: _current(read.claims, expected)),
        (Check.TIME, lambda: _timely(read.claims, expected)),
        (Check.TOKEN, lambda: _for_token(read.claims, expected)),
    )
    failed = next((check for check, passes in checks if not passes()), None)
    if failed is not None:
        return Broken(failed)
    jkt = _thumbprint(jwk["x"], jwk["y"])
    return Proved(jkt, sha256(f"{jkt} {read.claims['jti']}".encode()).digest()[:16])


def is_thumbprint(text: str) -> bool:
    """Whether *text* can be the thumbprint of a key (`dpop_jkt`, RFC 9449 §10)."""
    return _THUMBPRINT.fullmatch(text) is not None


@lru_cache(maxsize=1024)  # the same few addresses, asked for again and again
def normal_uri(uri: str) -> str | None:
    """
    *uri* without query and fragment, in the form in which two that mean the same are equal (RFC 3986 §6.2.2, §6.2.3);
    None when it is no http address.
    """
    if len(uri) > LONGEST_URI or not uri.isascii() or not uri.isprintable() or " " in uri:
        return None
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc:
        return None
    name = f"[{host}]" if ":" in host else host
    place = name if port in (None, _PORTS[parts.scheme]) else f"{name}:{port}"
    path = _ESCAPE.sub(_plain, parts.path.encode("ascii")).decode("ascii")
    return f"{parts.scheme}://{place}{path or '/'}"


def _plain(escape: re.Match[bytes]) -> bytes:
    """RFC 3986 §6.2.2: what needs no escape has none, the others are in upper case."""
    byte = unquote_to_bytes(escape[0])
    return byte if byte[0] in _UNRESERVED else escape[0].upper()


def _read(raw: bytes) -> _Read | None:
    """RFC 7515 §3.1, RFC 7519 §7.2: three parts, two of them JSON objects, no extension that must be understood."""
    parts = raw.split(b".") if len(raw) <= LONGEST and raw.isascii() else []
    if len(parts) != 3:
        return None
    header, claims, signature = (decode(part.decode("ascii")) for part in parts)
    if header is None or claims is None or signature is None:
        return None
    try:
        told = orjson.loads(header), orjson.loads(claims)
    except orjson.JSONDecodeError:
        return None
    if not all(isinstance(one, dict) for one in told) or "crit" in told[0]:
        return None
    return _Read(told[0], told[1], parts[0] + b"." + parts[1], signature)


def _complete(claims: Mapping[str, Any], expected: Expected) -> bool:
    """Every claim that must be there is, as what it must be."""
    names = ("jti", "htm", "htu", *(("ath",) if expected.token else ()))
    texts = all(isinstance(claims.get(name), str) and claims[name] for name in names)
    made = claims.get("iat")
    number = isinstance(made, int | float) and not isinstance(made, bool) and abs(made) < 1 << 40
    return texts and number and len(claims["jti"]) <= LONGEST_ID and isinstance(claims.get("nonce", ""), str)


def _signed(read: _Read, jwk: Mapping[str, Any]) -> bool:
    """Whether the key in the header made the signature (RFC 7518 §3.4)."""
    if (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
        return False
    across, up = jwk.get("x"), jwk.get("y")
    key = _key(across, up) if isinstance(across, str) and isinstance(up, str) else None
    if key is None or len(read.signature) != 2 * _SIZE:
        return False
    r, s = int.from_bytes(read.signature[:_SIZE], "big"), int.from_bytes(read.signature[_SIZE:], "big")
    try:
        key.verify(encode_dss_signature(r, s), read.signed, _ECDSA)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=1024)  # a requester polls with one key
def _key(x: str, y: str) -> ec.EllipticCurvePublicKey | None:
    """The public key of these coordinates; None when they are no point of the curve."""
    across, up = decode(x), decode(y)
    if across is None or up is None or len(across) != _SIZE or len(up) != _SIZE:
        return None
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(across, "big"), int.from_bytes(up, "big"), ec.SECP256R1())
    try:
        return numbers.public_key()
    except ValueError:
        return None


def _names(htu: str, expected: Expected) -> bool:
    named = normal_uri(htu)
    return named is not None and named in expected.uris


def _current(claims: Mapping[str, Any], expected: Expected) -> bool:
    """A nonce of ours that counts; without one, where none is needed, only what cannot have come unseen before."""
    nonce = claims.get("nonce", "")
    if nonce:
        return expected.current(nonce)
    return not expected.nonce_needed and _made(claims) > after(
        expected.since, FUTURE
    )  # what was seen then may be that new


def _timely(claims: Mapping[str, Any], expected: Expected) -> bool:
    """
    §4.3 (11): what carries a nonce that counts was made lately, whatever its maker's clock says; else `iat` tells.
    """
    oldest, newest = after(expected.now, Span(-OLDEST)), after(expected.now, FUTURE)
    return bool(claims.get("nonce")) or oldest <= _made(claims) <= newest


def _made(claims: Mapping[str, Any]) -> Instant:
    return Instant(int(claims["iat"] * 1_000_000))


def _for_token(claims: Mapping[str, Any], expected: Expected) -> bool:
    if not expected.token:
        return True
    return same(encode(sha256(expected.token.encode()).digest()), claims["ath"].encode())


@lru_cache(maxsize=1024)
def _thumbprint(x: str, y: str) -> str:
    return thumbprint({"crv": "P-256", "kty": "EC", "x": x, "y": y})
