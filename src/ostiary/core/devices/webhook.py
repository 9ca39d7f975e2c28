"""
What an MDM may say of machines through a signed webhook, and how its signature is checked.

The signature is that of Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA-256 over id, timestamp and body,
in a list of `v1,<base64>`, so that a sender can change its secret. What may be said is bounded: managed, compliant, and
until when. A machine is named by our id; nobody is admitted, revoked or renamed this way.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ostiary.core.words.digests import same
from ostiary.core.words.ids import DeviceId, is_guid
from ostiary.core.words.instants import Instant, between, from_iso, from_seconds, minutes

__all__ = [
    "BODY_LIMIT", "MOST", "MOST_HOOKS", "PREFIX", "PURPOSE", "SECRET_BYTES", "WINDOW", "Said", "Signed", "genuine",
    "in_time", "read_said", "secret_of", "signature",
]  # fmt: skip

BODY_LIMIT = 64 * 1024  # bytes
MOST = 200
"""Machines that one message speaks of."""
MOST_HOOKS = 4
"""Secrets that are listened to at once."""
WINDOW = minutes(5)
"""How far its timestamp may be from now, either way."""
SECRET_BYTES = 32
PREFIX = "whsec_"  # of a secret as text
PURPOSE = "device-hooks"  # of the seal of a secret
_SIGNATURES = 8  # that one message may carry
_LONGEST_ID = 128
_FIELDS = {"isManaged": "managed", "isCompliant": "compliant", "complianceExpirationDateTime": "compliance_ends"}


@dataclass(frozen=True, slots=True)
class Signed:
    """A message as it came: the three headers and the body, nothing of it believed."""

    id: str
    timestamp: str
    signatures: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one machine, by the names of its fields."""

    device: DeviceId
    changes: Mapping[str, Any]


def in_time(signed: Signed, now: Instant) -> bool:
    """Whether its timestamp (seconds) is within `WINDOW` of *now*."""
    text = signed.timestamp
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        return False
    return abs(between(from_seconds(int(text)), now)) <= WINDOW


def signature(secret: bytes, signed: Signed) -> str:
    """The right signature, as `v1,<base64>`."""
    over = f"{signed.id}.{signed.timestamp}.".encode() + signed.body
    return "v1," + b64encode(hmac.new(secret, over, sha256).digest()).decode()


def genuine(secret: bytes, signed: Signed) -> bool:
    """Whether one of its signatures was made with *secret*."""
    named = bool(signed.id) and len(signed.id) <= _LONGEST_ID and signed.id.isascii() and signed.id.isprintable()
    right = signature(secret, signed)
    fits = [same(each.encode(), right.encode()) for each in signed.signatures.split(" ")[:_SIGNATURES]]
    return named and any(fits)


def secret_of(text: str) -> bytes | None:
    """The bytes of a secret that is written as `whsec_<base64>`."""
    try:
        raw = b64decode(text.removeprefix(PREFIX), validate=True)
    except (NotBase64, ValueError):
        return None
    return raw if len(raw) == SECRET_BYTES else None


def read_said(document: Any) -> tuple[Said, ...] | str:
    """What the body's JSON says, or the first thing that is wrong with it, with its place."""
    listed = document.get("devices") if isinstance(document, dict) and set(document) == {"devices"} else None
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST:
        return f"$.devices: a list of 1 to {MOST} machines is needed, and nothing beside it."
    found: dict[DeviceId, Said] = {}
    for number, each in enumerate(listed):
        read = _one(each)
        if isinstance(read, str):
            return f"$.devices[{number}]{read}"
        if read.device in found:
            return f"$.devices[{number}].deviceId: It stands there twice."
        found[read.device] = read
    return tuple(found.values())


def _one(value: Any) -> Said | str:
    if not isinstance(value, dict) or not set(value) <= {"deviceId", *_FIELDS} or len(value) < 2:
        return f": deviceId and some of {', '.join(_FIELDS)} are needed."
    id = value.get("deviceId")
    if not isinstance(id, str) or not is_guid(id.lower()):
        return ".deviceId: A device's id is needed."
    changes: dict[str, Any] = {}
    for name, field in _FIELDS.items():
        if name in value:
            read = _moment(value[name]) if field == "compliance_ends" else value[name]
            if field == "compliance_ends" and isinstance(read, str):
                return f".{name}: {read}"
            if field != "compliance_ends" and not isinstance(read, bool):
                return f".{name}: Either true or false is needed."
            changes[field] = read
    return Said(DeviceId(id.lower()), changes)


def _moment(value: Any) -> Instant | str | None:
    if value is None:
        return None
    try:
        return from_iso(value) if isinstance(value, str) else "A date-time is needed."
    except ValueError:
        return "A date-time such as 2026-11-23T08:00:00Z is needed."
