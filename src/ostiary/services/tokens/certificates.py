"""
What a TLS client's certificate, as the trusted proxy told it, proves of a request (RFC 8705 §3).

INVARIANT: one that does not count leaves no thumbprint, so that nothing is ever bound to it or held by it.
"""

from dataclasses import replace

from ostiary.core.words.instants import Instant
from ostiary.core.words.proof import Proof
from ostiary.outside.client_certificates import presented

__all__ = ["with_certificate"]


def with_certificate(proof: Proof, der: bytes, now: Instant) -> Proof:
    """*proof* with the certificate in *der* as it counts at *now*. Memory alone."""
    found = presented(der)
    unfit = found if isinstance(found, str) else found.complaint(now)
    return replace(proof, unfit=unfit) if isinstance(found, str) or unfit else replace(proof, x5t=found.x5t)
