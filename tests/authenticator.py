"""
An authenticator in software (WebAuthn Level 3 §6): it makes ES256 passkeys and signs with them, and lies where a test
wants it to.

It reads the options that our pages put into a form and answers in the JSON that our script posts. Knows no page.
"""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40
"""Flags of authenticator data (§6.1)."""


def text(raw: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(encoded: str) -> bytes:
    """What *encoded*, base64url without padding, stands for."""
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


@dataclass
class Authenticator:
    """One passkey's worth of hardware; every field may be set to what an honest one would never say."""

    origin: str
    verifies: bool = True
    present: bool = True
    synced: bool = False
    backed_up: bool | None = None
    count: int = 0
    steps: int = 1
    """What a use adds to the counter; 0 is an authenticator that has none."""
    party: str = ""
    """An RP id of its own, instead of the one that it was asked for."""
    aaguid: bytes = bytes(16)
    credential: bytes = field(default_factory=lambda: os.urandom(32))
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    user: bytes | None = b""

    def create(self, options: str) -> str:
        """Make a passkey as *options* ask (§5.4), with no attestation."""
        asked = json.loads(options)
        self.user = raw(asked["user"]["id"])
        length = len(self.credential).to_bytes(2, "big")
        attested = self.aaguid + length + self.credential + cbor2.dumps(self._public())
        data = self._data(asked["rp"]["id"], AT) + attested
        shown = {
            "attestationObject": text(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
            "transports": ["internal"],
        }
        return self._answer("webauthn.create", asked["challenge"], shown)

    def get(self, options: str, *, handle: bool = True) -> str:
        """Sign as *options* ask (§5.5); without *handle* it does not say whose the passkey is."""
        asked = json.loads(options)
        self.count += self.steps
        data = self._data(asked["rpId"], 0)
        client = self._client("webauthn.get", asked["challenge"])
        signature = self.key.sign(data + sha256(client).digest(), ECDSA(SHA256()))
        shown: dict[str, Any] = {"authenticatorData": text(data), "signature": text(signature)}
        if handle and self.user is not None:
            shown["userHandle"] = text(self.user)
        return self._answer("webauthn.get", asked["challenge"], shown)

    def _public(self) -> dict[int, Any]:
        """COSE_Key of ES256 (RFC 9053 §7.1.1)."""
        numbers = self.key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}

    def _data(self, party: str, more: int) -> bytes:
        flags = more | (UP if self.present else 0) | (UV if self.verifies else 0) | (BE if self.synced else 0)
        if self.synced if self.backed_up is None else self.backed_up:
            flags |= BS
        return sha256((self.party or party).encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, kind: str, challenge: str, shown: dict[str, Any]) -> str:
        id = text(self.credential)
        response = {**shown, "clientDataJSON": text(self._client(kind, challenge))}
        answer = {"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": {}}
        return json.dumps(answer)
