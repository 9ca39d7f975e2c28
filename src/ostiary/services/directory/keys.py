"""
The public keys of a registration: from what a Graph body says of certificates to values.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any

from ostiary.core.directory.applications import Key
from ostiary.core.words.outcome import Reason, Refused
from ostiary.outside import client_keys
from ostiary.outside.random import Random

__all__ = ["with_keys"]


def with_keys(old: tuple[Key, ...], changes: Mapping[str, Any], random: Random) -> dict[str, Any] | Refused:
    """
    *changes* with its `keys` as values. They replace all of *old*; an entry without a certificate stands for the one
    of its id. Refused: INVALID_VALUE with the field.
    """
    if "keys" not in changes:
        return dict(changes)
    known, keys = {key.id: key for key in old}, []
    for number, entry in enumerate(changes["keys"]):
        key = _key(entry, known, random)
        if isinstance(key, str):
            return Refused(Reason.INVALID_VALUE, key, field=f"keyCredentials[{number}]")
        keys.append(key)
    return {**changes, "keys": tuple(keys)}


def _key(entry: Mapping[str, Any], known: Mapping[str, Key], random: Random) -> Key | str:
    """One entry, or what is wrong with it."""
    id, encoded = entry.get("id", ""), entry.get("certificate")
    before = known.get(id)
    if before is not None and not encoded:
        kept = {"certificate": before.certificate, "name": before.name, "starts": before.starts, "ends": before.ends}
        entry = {**kept, **{name: value for name, value in entry.items() if name != "certificate"}}
        encoded = before.certificate
    found = _certificate(encoded or "")
    if isinstance(found, str):
        return found
    if not found.signs:
        return "The certificate's key usage lacks digitalSignature."
    if entry.get("sha1", found.sha1).lower() != found.sha1:
        return "customKeyIdentifier is not this certificate's."
    starts, ends = entry.get("starts") or found.starts, entry.get("ends") or found.ends
    if starts < found.starts or ends > found.ends:
        return "A key counts no longer than its certificate."
    return Key(
        id if before is not None else random.guid(), found.base64, found.algorithm, found.sha1, found.sha256, found.jkt,
        found.tls, starts, ends, entry.get("name") or "",
    )  # fmt: skip


def _certificate(encoded: str) -> client_keys.Certificate | str:
    """The certificate in *encoded*, DER or PEM in base64 (portals upload either)."""
    try:
        raw = b64decode(encoded, validate=True)
    except (NotBase64, ValueError):
        raw = b""
    if raw.startswith(b"-----BEGIN"):
        raw = client_keys.from_pem(raw) or b""
    return client_keys.read(raw)
