"""
An authenticator in software (WebAuthn Level 3 §6): it makes ES256 passkeys and signs with them, and lies where a test
wants it to.

It reads the options that our pages put into a form and answers in the JSON that our script posts. Knows no page.
"""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

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
    maker: "Maker | None" = None
    """Who attests it, where that is asked for; None attests nothing."""
    asked_for: str = ""
    """Which attestation the last options asked for."""

    def create(self, options: str) -> str:
        """Make a passkey as *options* ask (§5.4), attested by its maker where they ask for that (§8.2)."""
        asked = json.loads(options)
        self.user = raw(asked["user"]["id"])
        length = len(self.credential).to_bytes(2, "big")
        attested = self.aaguid + length + self.credential + cbor2.dumps(self._public())
        data = self._data(asked["rp"]["id"], AT) + attested
        self.asked_for = asked.get("attestation", "none")
        statement: dict[str, Any] = {"fmt": "none", "attStmt": {}, "authData": data}
        if self.maker is not None and self.asked_for != "none":
            client = self._client("webauthn.create", asked["challenge"])
            statement |= {"fmt": "packed", "attStmt": self.maker.packed(data + sha256(client).digest())}
        shown = {"attestationObject": text(cbor2.dumps(statement)), "transports": ["internal"]}
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


MODEL = ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")


@dataclass
class Maker:
    """A maker of authenticators: a root, and the certificate with which one model attests (§8.2.1)."""

    aaguid: bytes
    unit: str = "Authenticator Attestation"
    authority: bool = False
    names_model: bytes | None = b""
    """The model in the certificate; empty: the right one; None: the extension is missing."""
    root_key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def __post_init__(self) -> None:
        """Sign both certificates."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A maker's root")])
        self.root = self._certificate(name, name, self.root_key, ca=True)
        subject = x509.Name([
            x509.NameAttribute(NameOID.COUNTRY_NAME, "XX"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "A maker"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, self.unit),
            x509.NameAttribute(NameOID.COMMON_NAME, "A model"),
        ])  # fmt: skip
        self.leaf = self._certificate(subject, name, self.key, ca=self.authority, model=True)

    @property
    def pem(self) -> bytes:
        """The root, as an operator gets it from the maker."""
        return self.root.public_bytes(Encoding.PEM)

    def packed(self, signed: bytes) -> dict[str, Any]:
        """The statement over *signed* (§8.2)."""
        signature = self.key.sign(signed, ECDSA(SHA256()))
        return {"alg": -7, "sig": signature, "x5c": [self.leaf.public_bytes(Encoding.DER)]}

    def _certificate(
        self, subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, *, ca: bool, model: bool = False
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if model and self.names_model is not None:
            value = b"\x04\x10" + (self.names_model or self.aaguid)
            builder = builder.add_extension(x509.UnrecognizedExtension(MODEL, value), critical=False)
        return builder.sign(self.root_key, SHA256())
