"""
What a request proved beside its words: the key that its sender holds.

Made at the porch, before any deed runs, and part of the visit from then on. Whoever binds something to a key, or asks
for the key that it is bound to, looks here and nowhere else.
"""

from dataclasses import dataclass
from typing import NamedTuple

from ostiary.core.words.outcome import Refused


class Bound(NamedTuple):
    """
    The key that a sign-in or session belongs to: of its DPoP proofs or of its TLS client's certificate.

    INVARIANT: one of them at most, because a token shows a single key (RFC 7800 §3.1).
    """

    jkt: str | None = None
    """Thumbprint of a public key (RFC 7638)."""
    x5t: str | None = None
    """SHA-256 of a certificate (DER), base64url: `x5t#S256` (RFC 8705 §3.1)."""


UNBOUND = Bound()


@dataclass(frozen=True, slots=True)
class Proof:
    """The sender's keys as far as they were proved; every default means "nothing"."""

    jkt: str | None = None
    """Thumbprint (RFC 7638) of the key of a DPoP proof that passed every check (RFC 9449 §4.3)."""
    refused: Refused | None = None
    """Why a proof that came does not count: the door answers this and runs no deed."""
    nonce: str = ""
    """What the next proof should carry: given in the answer to everybody who sends proofs (RFC 9449 §8)."""
    x5t: str | None = None
    """`x5t#S256` of the TLS client's certificate, as the trusted proxy told it (R13), if it counts."""
    unfit: str = ""
    """Why the certificate that came does not count, in a public sentence: only who needs one is refused for it."""


NOTHING_PROVED = Proof()
