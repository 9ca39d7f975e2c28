"""
What a client certificate says of the machine that is registered with it.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any

from ostiary.core.devices.device import LIFETIME
from ostiary.core.words.instants import Instant, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.outside.client_certificates import presented
from ostiary.outside.client_keys import from_pem

__all__ = ["read_certificate"]

FIELD = "ostiary.certificate"


def read_certificate(given: Mapping[str, Any], now: Instant, ends: Instant | None = None) -> dict[str, Any] | Refused:
    """
    *given* with what its `der`, DER or PEM in base64, says: the thumbprint, and an end no later than its own, which it
    gets now (None: a new device) or has (*ends*).

    Refused: INVALID_VALUE.
    """
    changes = dict(given)
    encoded = changes.pop("der", None)
    if encoded is None:
        return changes
    found = presented(_der(encoded))
    wrong = found if isinstance(found, str) else found.complaint(now)
    if isinstance(found, str) or wrong:
        return Refused(Reason.INVALID_VALUE, wrong, field=FIELD)
    if changes.setdefault("certificate", found.x5t) != found.x5t:
        return Refused(Reason.INVALID_VALUE, "certificateThumbprint is of another certificate.", field=FIELD)
    asked = changes.get("expires")
    if asked is not None and asked > found.ends:
        return Refused(Reason.INVALID_VALUE, "A device counts no longer than its certificate.", field=FIELD)
    if asked is None and found.ends < (ends if ends is not None else after(now, LIFETIME)):
        changes["expires"] = found.ends
    return changes


def _der(encoded: str) -> bytes:
    try:
        raw = b64decode(encoded, validate=True)
    except (NotBase64, ValueError):
        return b""
    return (from_pem(raw) or b"") if raw.startswith(b"-----BEGIN") else raw
