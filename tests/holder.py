"""
Who holds a key and proves it (RFC 9449 §4.2): proofs that are right, or wrong in exactly one thing.
"""

import base64
import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from ostiary.core.words.instants import Instant, to_seconds


class Holder:
    """One P-256 key and its proofs."""

    def __init__(self) -> None:
        """Make the key."""
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.jwk = ECKey.import_key(self.private.public_key()).as_dict(private=False)

    @property
    def jkt(self) -> str:
        """Its thumbprint, by joserfc."""
        return str(ECKey.import_key(self.jwk).thumbprint())

    def proof(self, method: str, uri: str, now: Instant, *, nonce: str = "", token: str = "", **changes: Any) -> str:
        """A proof; *changes* replace claims, `header` members of the header; a None leaves one out."""
        header: dict[str, Any] = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.public(), **changes.pop("header", {})}
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16), "htm": method, "htu": uri, "iat": to_seconds(now),
            **({"nonce": nonce} if nonce else {}), **({"ath": digest(token)} if token else {}), **changes,
        }  # fmt: skip
        return self.signed(header, claims)

    def public(self) -> dict[str, Any]:
        """The key as a header shows it."""
        return {name: self.jwk[name] for name in ("kty", "crv", "x", "y")}

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """Exactly this, signed with ES256 whatever the header says."""
        said = (json.dumps({k: v for k, v in one.items() if v is not None}).encode() for one in (header, claims))
        text = ".".join(map(encoded, said))
        r, s = decode_dss_signature(self.private.sign(text.encode(), ec.ECDSA(SHA256())))
        return f"{text}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def digest(token: str) -> str:
    """`ath` of *token*."""
    return encoded(hashlib.sha256(token.encode("ascii")).digest())


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
