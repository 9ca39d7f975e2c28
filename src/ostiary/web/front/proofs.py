"""
What a request proves beside its words, checked once, at the porch: its DPoP header (RFC 9449 §4.1) and the certificate
of its TLS client (RFC 8705). A request without them costs a look at its headers.

The address that a proof must name is one of the service's own origins with the path as it was asked for; what a proxy
or a Host header says does not count.
"""

from dataclasses import replace

from ostiary.core.tokens.binding import CERTIFICATE
from ostiary.core.tokens.dpop import ALGORITHMS
from ostiary.core.tokens.refusals import wire
from ostiary.core.words.outcome import Reason
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.tokens.certificates import with_certificate
from ostiary.services.tokens.proofs import prove
from ostiary.web.front.answer import Answer
from ostiary.web.front.certificate import certificate
from ostiary.web.front.visit import Scope, headers

__all__ = ["challenge", "offer", "over_tls", "proved", "proved_with"]


def proved(house: House, scope: Scope, seen: Visit, *, nonce_needed: bool = True) -> Visit:
    """*seen* with what this request proves: a key by its DPoP headers, its TLS client's certificate."""
    shown = headers(scope, b"dpop")
    return over_tls(house, scope, _proved(house, scope, seen, shown, "", nonce_needed) if shown else seen)


def proved_with(house: House, scope: Scope, seen: Visit, token: str) -> Visit:
    """
    *seen* with the proof that has to come with the access *token*, where there is one, and the certificate of its TLS
    client.
    """
    key = _proved(house, scope, seen, headers(scope, b"dpop"), token, True) if token else seen
    return over_tls(house, scope, key)


def _proved(house: House, scope: Scope, seen: Visit, shown: list[bytes], token: str, nonce_needed: bool) -> Visit:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0].decode("latin-1")
    proof = prove(house, seen, shown, method=scope["method"], path=path, token=token, nonce_needed=nonce_needed)
    return replace(seen, proof=proof)


def over_tls(house: House, scope: Scope, seen: Visit) -> Visit:
    """
    *seen* with the certificate of this request's TLS client. A header that nobody may send was refused before any door
    (`stack.py`), and proves nothing here either.
    """
    der = certificate(scope, house)
    if not isinstance(der, bytes) or not der:
        return seen
    return replace(seen, proof=with_certificate(seen.proof, der, seen.now))


def offer(answer: Answer, seen: Visit) -> Answer:
    """*answer* with the nonce for the next proof (RFC 9449 §8), for who sends proofs."""
    if seen.proof.nonce:
        answer.headers.append((b"dpop-nonce", seen.proof.nonce.encode()))
    return answer


def challenge(seen: Visit) -> bytes | None:
    """
    The WWW-Authenticate value for who did not prove the key of an access token (RFC 9449 §7.1); None for who had no
    business with keys, and for a certificate, which no scheme of its own asks for (RFC 8705 §3).
    """
    refused = seen.proof.refused
    if (not seen.proof.nonce and refused is None) or (refused is not None and refused.field == CERTIFICATE):
        return None
    reason = refused.reason if refused is not None else Reason.BAD_TOKEN
    error = wire(reason).error if reason in (Reason.DPOP_INVALID, Reason.DPOP_NONCE) else "invalid_token"
    return f'DPoP error="{error}", error_description="{wire(reason).sentence}", algs="{" ".join(ALGORITHMS)}"'.encode()
