"""
What a key has to do with what was begun: fixed at the request or by the first proof, and the same from then on (R12).

A key is that of DPoP proofs (RFC 9449) or a TLS client's certificate (RFC 8705 §3), never both: a proof is made for us
on purpose, a certificate comes with the connection, so the proof counts where the registration does not require the
certificate (docs/decisions/0050).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from ostiary.core.directory.applications import Application
from ostiary.core.words.digests import same
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import UNBOUND, Bound, Proof

__all__ = ["CERTIFICATE", "Held", "complaint", "confirmation", "fixed", "judge_key", "requires_key", "unheld"]

CERTIFICATE = "certificate"
"""`field` of a refusal that a certificate would heal, as no DPoP proof would."""
_X5T = "x5t#S256"  # the member of `cnf` that names a certificate (RFC 8705 §3.1)


class Held(Enum):
    """How the key that came stands to the key that counts."""

    NONE = "none"
    """Nothing is bound, and nothing has to be."""
    SAME = "same"
    FIRST = "first"
    """Nothing was bound before: what came is bound now."""
    MISSING = "missing"
    """The registration requires a key, and none came."""
    OTHER = "other"
    """Bound, and another key came, or none."""
    UNFIT = "unfit"
    """A certificate counts here, and the one that came does not."""


def fixed(proof: Proof, client: Application) -> Bound:
    """What *proof* binds something of *client* to that was not bound before."""
    if client.certificate == "required":
        return Bound(x5t=proof.x5t)
    if client.dpop == "required" or (client.dpop == "optional" and proof.jkt is not None):
        return Bound(jkt=proof.jkt)
    return UNBOUND if client.certificate == "never" else Bound(x5t=proof.x5t)


def judge_key(bound: Bound, proof: Proof, client: Application) -> Held:
    """
    How what came with a request of *client* stands to what is *bound*.

    What is bound stays so, whatever the registration says since.
    """
    if bound.jkt is not None:
        return Held.SAME if _same(bound.jkt, proof.jkt) else Held.OTHER
    if bound.x5t is not None:
        return Held.SAME if _same(bound.x5t, proof.x5t) else Held.UNFIT if proof.unfit else Held.OTHER
    if fixed(proof, client) != UNBOUND:
        return Held.FIRST
    if proof.unfit and client.certificate != "never" and client.dpop != "required":
        return Held.UNFIT
    return Held.MISSING if requires_key(client) else Held.NONE


def requires_key(client: Application) -> bool:
    """Whether nothing of *client* may be without a key."""
    return "required" in (client.dpop, client.certificate)


def complaint(held: Held, proof: Proof, client: Application, *, reference: str = "") -> Refused | None:
    """What is answered to a key that stands so; None where it may go on."""
    if held is Held.OTHER:
        return Refused(Reason.WRONG_KEY, reference=reference)
    if held is Held.UNFIT:
        return Refused(Reason.CERTIFICATE_UNFIT, proof.unfit, reference=reference)
    if held is Held.MISSING:
        certificate = client.certificate == "required"
        return Refused(Reason.CERTIFICATE_REQUIRED if certificate else Reason.DPOP_REQUIRED, reference=reference)
    return None


def confirmation(bound: Bound) -> dict[str, str] | None:
    """`cnf` of a token: RFC 9449 §6.1 or RFC 8705 §3.1; None for a token of whoever has it."""
    if bound.jkt is not None:
        return {"jkt": bound.jkt}
    return {_X5T: bound.x5t} if bound.x5t is not None else None


def unheld(claims: Mapping[str, Any], proof: Proof) -> Refused | None:
    """
    Why who brings an access token with *claims* is not its holder; None for the holder. One that is bound comes with
    the proof of its own key or over TLS with its own certificate, one that is not bound to a key comes without proof
    (RFC 9449 §7.1, §7.2, RFC 8705 §3).
    """
    cnf = claims.get("cnf") or {}
    key, certificate = cnf.get("jkt"), cnf.get(_X5T)
    if not _same(key, proof.jkt) if key is not None else proof.jkt is not None:
        return Refused(Reason.WRONG_KEY)
    if certificate is not None and not _same(certificate, proof.x5t):
        detail = proof.unfit or "It is good only over TLS with its own certificate."
        return Refused(Reason.WRONG_KEY, detail, field=CERTIFICATE)
    return None


def _same(bound: str, shown: str | None) -> bool:
    return shown is not None and same(bound, shown)
