"""
What a request proved beside its words: the key that its sender holds.

Made at the porch, before any deed runs, and part of the visit from then on. Whoever binds something to a key, or asks
for the key that it is bound to, looks here and nowhere else.
"""

from dataclasses import dataclass

from ostiary.core.words.outcome import Refused


@dataclass(frozen=True, slots=True)
class Proof:
    """The sender's keys as far as they were proved; every default means "nothing"."""

    jkt: str | None = None
    """Thumbprint (RFC 7638) of the key of a DPoP proof that passed every check (RFC 9449 §4.3)."""
    refused: Refused | None = None
    """Why a proof that came does not count: the door answers this and runs no deed."""
    nonce: str = ""
    """What the next proof should carry: given in the answer to everybody who sends proofs (RFC 9449 §8)."""


NOTHING_PROVED = Proof()
