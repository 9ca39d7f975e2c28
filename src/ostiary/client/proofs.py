"""
Proving that we hold a key (DPoP, RFC 9449): a key for each sign-in, and a proof for each request.

Owns what a proof says, the nonces that servers ask for (§8, §9), and one more try when a server wants its nonce or
finds that our clock is wrong. The key is kept in the record of the tokens, under the same seal (`cache`).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from hashlib import sha256
from json import dumps
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ostiary.client.errors import StorageFailed
from ostiary.client.exchange import Answer, Call, Exchange, Lost, call
from ostiary.client.machine import Machine
from ostiary.core.words.jose import decode, encode, thumbprint

__all__ = ["ALGORITHM", "Prover", "new_prover", "proved", "prover_of"]

ALGORITHM = "ES256"
WRONG_CLOCK = 30.0
"""Seconds by which our clock may differ from a server's before we go by the server's."""

_SIZE = 32  # bytes of a scalar and of a coordinate of P-256
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (SP 800-186 §3.2.1.3)
_LONGEST_NONCE = 512
_TRY_AGAIN = ("use_dpop_nonce", "invalid_dpop_proof")


class Prover:
    """Makes the proofs of one key. Shown anywhere, it shows only the public side."""

    def __init__(self, scalar: int, wall: Callable[[], float], random: Callable[[int], bytes]) -> None:
        self._key = ec.derive_private_key(scalar, ec.SECP256R1())
        self._wall = wall
        self._random = random
        self._nonces: dict[str, str] = {}
        self._ahead = 0.0
        point = self._key.public_key().public_numbers()
        self._jwk = {
            "crv": "P-256",
            "kty": "EC",
            "x": encode(point.x.to_bytes(_SIZE, "big")),
            "y": encode(point.y.to_bytes(_SIZE, "big")),
        }

    @property
    def jkt(self) -> str:
        """The key's thumbprint (RFC 7638)."""
        return thumbprint(self._jwk)

    def secret(self) -> str:
        """The private key as text, for the vault of the tokens alone."""
        return encode(self._key.private_numbers().private_value.to_bytes(_SIZE, "big"))

    def header(self, method: str, url: str, token: str | None = None) -> str:
        """The proof for one request (§4.2); *token* is the access token that goes with it."""
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}"
        claims: dict[str, object] = {
            "jti": encode(self._random(16)),
            "htm": method,
            "htu": place + parts.path,
            "iat": int(self._wall() + self._ahead),
        }
        if token is not None:
            claims["ath"] = encode(sha256(token.encode()).digest())
        if place in self._nonces:
            claims["nonce"] = self._nonces[place]
        said = ({"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": self._jwk}, claims)
        text = ".".join(encode(dumps(part, separators=(",", ":")).encode()) for part in said)
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(SHA256())))
        return f"{text}.{encode(r.to_bytes(_SIZE, 'big') + s.to_bytes(_SIZE, 'big'))}"

    def learn(self, url: str, nonce: str | None, date: str | None) -> bool:
        """Take a server's nonce and its clock; whether the next proof is a better one than the last."""
        parts = urlsplit(url)
        place, news = f"{parts.scheme}://{parts.netloc}", False
        if nonce and len(nonce) <= _LONGEST_NONCE and nonce.isascii() and nonce.isprintable():
            news = self._nonces.get(place) != nonce
            self._nonces[place] = nonce
        ahead = _seconds(date)
        if ahead is not None and abs(ahead - self._wall() - self._ahead) > WRONG_CLOCK:
            self._ahead, news = ahead - self._wall(), True
        return news


def new_prover(machine: Machine) -> Prover:
    """A prover with a key of its own (FIPS 186-5 A.2.1: 64 bits more than needed, so that none is likelier)."""
    scalar = int.from_bytes(machine.random(_SIZE + 8), "big") % (_ORDER - 1) + 1
    return Prover(scalar, machine.wall, machine.random)


def prover_of(secret: str, machine: Machine) -> Prover:
    """The prover whose key `Prover.secret` wrote. Raises StorageFailed."""
    raw = decode(secret)
    scalar = int.from_bytes(raw, "big") if raw is not None and len(raw) == _SIZE else 0
    if not 0 < scalar < _ORDER:
        raise StorageFailed("the key of the sign-in is damaged; sign in again")
    return Prover(scalar, machine.wall, machine.random)


def proved(prover: Prover | None, request: Call, *, token: str | None = None) -> Exchange[Answer | Lost]:
    """
    Send *request* with a proof, and once more when the server wants another; as it is without a *prover*.

    *token* is the access token that the request carries.
    """
    if prover is None:
        return (yield from call(request))
    answer = yield from call(_with(prover, request, token))
    if isinstance(answer, Lost) or not _learned(prover, request, answer) or not _wants_another(answer):
        return answer
    again = yield from call(_with(prover, request, token))
    if isinstance(again, Answer):
        _learned(prover, request, again)
    return again


def _with(prover: Prover, request: Call, token: str | None) -> Call:
    return replace(request, headers={**request.headers, "dpop": prover.header(request.method, request.url, token)})


def _learned(prover: Prover, request: Call, answer: Answer) -> bool:
    return prover.learn(request.url, answer.headers.get("dpop-nonce"), answer.headers.get("date"))


def _wants_another(answer: Answer) -> bool:
    """Whether the answer refuses the proof and nothing else (§8, §9)."""
    if answer.status not in (400, 401):
        return False
    challenge = answer.headers.get("www-authenticate", "")
    fields = answer.fields_or_none() or {}
    return fields.get("error") in _TRY_AGAIN or any(f'error="{name}"' in challenge for name in _TRY_AGAIN)


def _seconds(date: str | None) -> float | None:
    """Seconds since the epoch of an HTTP date; None for anything else."""
    try:
        return parsedate_to_datetime(date).replace(tzinfo=UTC).timestamp() if date else None
    except (TypeError, ValueError, OverflowError):
        return None
