"""
Client assertions: a JWT with which an application proves itself (RFC 7523 §3, OIDC Core §9).

Owns what an assertion must look like and say. Which signatures belong to a certificate is told by a function that the
caller brings; which assertions were used, the store knows. Nothing that an assertion brings of its own (`jwk`, `x5c`,
`jku`) is looked at: keys come from the registration alone.
"""

import json
import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from binascii import unhexlify
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.core.access.picture import Organisation
from ostiary.core.directory.applications import Application, Key
from ostiary.core.tokens.claims import issuer
from ostiary.core.words.instants import Instant, Span, after, from_seconds, hours, minutes

__all__ = ["ALGORITHMS", "SKEW", "TYPE", "Assertion", "Verify", "audiences", "complaint", "read", "signed_by", "times"]

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = {"ES256": "EC", "RS256": "RSA", "PS256": "RSA"}
"""What may sign, and with which sort of key; never `none`, never a shared secret (RFC 8725 §3.1, §3.2)."""
LIFETIME = hours(1)
"""The longest of one that counts once: Authlib makes them this long."""
LIFETIME_AGAIN = minutes(10)
"""The longest of one that may come again: MSAL's."""
SKEW = minutes(1)
"""How far another clock may be before ours."""

LARGEST = 16_384  # characters: MSAL sends its certificate along
_SHORTEST_ID, _LONGEST_ID = 1, 256
_TYPES = ("", "jwt", "client-authentication+jwt")
_LONGEST_KEY_NAME = 256
_B64 = re.compile(rb"[A-Za-z0-9_-]*")

Verify = Callable[[bytes, str, bytes, bytes], bool]
"""Certificate (DER), algorithm, what was signed, signature."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion as it came: well-formed, and nothing of it is proven."""

    algorithm: str
    names: Mapping[str, str]
    """How it names its key: `kid`, `x5t`, `x5t#S256`."""
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    @property
    def subject(self) -> str:
        """Whose it says it is."""
        found = self.claims.get("sub")
        return found if isinstance(found, str) else ""

    @property
    def id(self) -> str:
        """`jti`, once `complaint` had none."""
        return str(self.claims["jti"])

    @property
    def ends(self) -> Instant:
        """`exp`, once `complaint` had none."""
        return from_seconds(self.claims["exp"])


def read(text: str) -> Assertion | None:
    """The assertion in *text*; None for what is not a JWT that we could take."""
    parts = text.split(".") if text.isascii() and len(text) <= LARGEST else []
    if len(parts) != 3:
        return None
    header, claims, signature = _object(parts[0]), _object(parts[1]), _decode(parts[2])
    if header is None or claims is None or not signature or not _acceptable(header):
        return None
    names: dict[str, str] = {name: header[name] for name in ("kid", "x5t", "x5t#S256") if name in header}
    if not all(isinstance(name, str) and len(name) <= _LONGEST_KEY_NAME for name in names.values()):
        return None
    return Assertion(header["alg"], names, claims, f"{parts[0]}.{parts[1]}".encode(), signature)


def _acceptable(header: Mapping[str, Any]) -> bool:
    """An algorithm of ours, no extension that would have to be understood (RFC 7515 §4.1.11), no other kind of JWT."""
    algorithm, kind = header.get("alg"), header.get("typ", "")
    known = isinstance(algorithm, str) and algorithm in ALGORITHMS
    return known and "crit" not in header and isinstance(kind, str) and kind.lower() in _TYPES


def signed_by(assertion: Assertion, application: Application, now: Instant, verify: Verify) -> bool:
    """Whether one of the *application*'s keys that count at *now* made the signature."""
    may = [key for key in application.keys if _may(key, assertion, now)]
    return any(verify(b64decode(key.certificate), assertion.algorithm, *_signature(assertion)) for key in may)


def _signature(assertion: Assertion) -> tuple[bytes, bytes]:
    return assertion.signed, assertion.signature


def _may(key: Key, assertion: Assertion, now: Instant) -> bool:
    return (
        key.algorithm == ALGORITHMS[assertion.algorithm]
        and key.starts <= now < key.ends
        and all(_named(key, kind, name) for kind, name in assertion.names.items())
    )


def _named(key: Key, kind: str, name: str) -> bool:
    """Whether *name* means *key*; `kid` is whatever clients make of a certificate, so any of its names is taken."""
    sha1, sha256 = _base64url(key.sha1), _base64url(key.sha256)
    bare = name.rstrip("=")  # MSAL leaves the padding on
    if kind == "kid":
        return bare in (key.id, key.jkt, sha1, sha256) or name.lower() in (key.sha1, key.sha256)
    return bare == (sha1 if kind == "x5t" else sha256)


def _base64url(hexadecimal: str) -> str:
    return urlsafe_b64encode(unhexlify(hexadecimal)).decode().rstrip("=")


def audiences(origin: str, organisation: Organisation, endpoint: str) -> frozenset[str]:
    """
    Who an assertion for *endpoint* may be addressed to: the issuer, the token endpoint under any name of the tenant
    (MSAL's habit), or the endpoint itself (RFC 7523 §3; OIDC Core §9).
    """
    paths = {"/oauth2/v2.0/token", endpoint}
    urls = {f"{origin}/{name}{path}" for name in organisation.names for path in paths}
    return frozenset({issuer(origin, organisation), *urls})


def complaint(assertion: Assertion, application: Application, may_be: frozenset[str], now: Instant) -> str:
    """
    What is wrong with what a signed assertion says, in one public sentence; empty when nothing is.

    Only for whoever made the signature: the application itself.
    """
    claims = assertion.claims
    if claims.get("iss") != claims.get("sub") or assertion.subject.lower() != application.id:
        return "In the assertion, iss and sub must both be the client id."
    if _audience(claims.get("aud")) not in may_be:
        return "The assertion must have one audience: the issuer or the token endpoint."
    jti = claims.get("jti")
    if not isinstance(jti, str) or not _SHORTEST_ID <= len(jti) <= _LONGEST_ID:
        return "The assertion needs a jti."
    return times(claims, LIFETIME_AGAIN if application.microsoft_family else LIFETIME, now)


def _audience(value: Any) -> str:
    """The one audience; more than one is none, so that nobody can use elsewhere what was meant for both."""
    only = value[0] if isinstance(value, list) and len(value) == 1 else value
    return only if isinstance(only, str) else ""


def times(claims: Mapping[str, Any], longest: Span, now: Instant) -> str:
    """What is wrong with `exp`, `iat` and `nbf` at *now*, in one public sentence; the end is at most *longest* away."""
    ends = _moment(claims.get("exp"))
    begins = [_moment(claims[name]) for name in ("iat", "nbf") if name in claims]
    if ends is None or None in begins:
        return "The assertion needs exp; exp, iat and nbf are numbers of seconds."
    if ends <= now:
        return "The assertion has expired."
    if ends > after(after(now, longest), SKEW):
        return f"The assertion must expire within {longest // minutes(1)} minutes."
    if any(moment > after(now, SKEW) for moment in begins if moment is not None):
        return "The assertion is not valid yet: see to the clock."
    return ""


def _moment(value: Any) -> Instant | None:
    """A NumericDate (RFC 7519 §2), which may have a fraction; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        return None
    return from_seconds(value)


def _object(part: str) -> dict[str, Any] | None:
    """A JSON object whose names each stand there once, and whose texts are text (RFC 7493 §2.1, §2.3)."""
    raw = _decode(part)
    if raw is None:
        return None
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        json.dumps(found, ensure_ascii=False).encode()  # half of a surrogate pair has no UTF-8
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _decode(part: str) -> bytes | None:
    """Base64url without padding (RFC 7515 §2), in its one form."""
    text = part.encode("ascii")
    if not _B64.fullmatch(text):
        return None
    try:
        raw = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except (NotBase64, ValueError):
        return None
    return raw if urlsafe_b64encode(raw).rstrip(b"=") == text else None
