"""
Which model made a passkey, by the word of its maker (WebAuthn Level 3 §6.5, §8; R22).

Owns the allowed models, the makers' roots and the question whether a statement leads from one to the other. What
py_webauthn does not ask is asked here: that the certificate itself names the model (§8.2.1), because the roots of all
makers stand side by side, and one maker's key must not speak for another's model. Formats whose certificates name none
(`fido-u2f`, `android-key`, `apple`) attest no model here.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier
from webauthn.helpers import parse_attestation_object
from webauthn.helpers.structs import AttestationFormat, RegistrationCredential

__all__ = ["NO_MODELS", "Attesting", "attests", "models_of", "read_roots"]

_MODEL = ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
"""id-fido-gen-ce-aaguid: an OCTET STRING of 16 bytes, in the extension's own."""
_FORMATS = (AttestationFormat.PACKED, AttestationFormat.TPM)
_AAGUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_NO_MODEL = str(UUID(int=0))


@dataclass(frozen=True, slots=True)
class Attesting:
    """The models (AAGUID, lower case) that an operator allows, and the makers' root certificates (PEM, one each)."""

    models: frozenset[str] = frozenset()
    roots: tuple[bytes, ...] = field(default=(), repr=False)
    built_in: frozenset[str] = frozenset()
    """Those of the models that are part of a machine, so that a passkey of theirs can stand for it (R22)."""


NO_MODELS = Attesting()
"""Nobody is trusted for a model, so nobody is asked for one."""


def read_roots(path: Path) -> tuple[bytes, ...]:
    """The certificates in the PEM file *path*. Raises ValueError where there are none."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as wrong:
        raise ValueError(f"{path}: no certificates in PEM ({type(wrong).__name__})") from None
    return tuple(each.public_bytes(Encoding.PEM) for each in found)


def attests(
    attesting: Attesting, answer: RegistrationCredential, model: str, check: Callable[..., Any]
) -> bool:  # fmt: skip
    """
    Whether the statement in *answer*, which passed *check* (py_webauthn's verification) without roots, is a maker's
    word that *model* made the passkey, and *model* is allowed.
    """
    if model not in attesting.models or not attesting.roots:
        return False
    try:
        shown = parse_attestation_object(answer.response.attestation_object)
        chain = shown.att_stmt.x5c
        if shown.fmt not in _FORMATS or not chain or not _names(chain[0], model, shown.fmt):
            return False
        check(pem_root_certs_bytes_by_fmt={shown.fmt: list(attesting.roots)})
    except (
        Exception
    ):  # strangers write these bytes, and the library raises whatever the parser of the broken part raises
        return False
    return True


def _names(der: bytes, model: str, format: str) -> bool:
    """Whether the certificate is one for attesting *model* (§8.2.1, §8.3.1), and no authority's own."""
    leaf = x509.load_der_x509_certificate(der)
    constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value
    named = leaf.extensions.get_extension_for_oid(_MODEL).value
    units = [str(each.value) for each in leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)]
    if constraints.ca or leaf.version is not x509.Version.v3 or not isinstance(named, x509.UnrecognizedExtension):
        return False
    if format == AttestationFormat.PACKED and units != ["Authenticator Attestation"]:
        return False
    return named.value == b"\x04\x10" + UUID(model).bytes


def models_of(texts: Iterable[str]) -> frozenset[str]:
    """The models that *texts* name. Raises ValueError with the one that is none."""
    found = frozenset(text.lower() for text in texts)
    for text in found:
        if not _AAGUID.fullmatch(text) or text == _NO_MODEL:
            raise ValueError(f"{text[:64]!r} is no AAGUID of a model")
    return found
