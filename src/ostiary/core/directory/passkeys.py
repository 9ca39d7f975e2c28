"""
Passkeys (WebAuthn Level 3): what is kept of one, what its answer must agree with, and what it proves.

Owns the rules that stand above the signature: the counter, the backup flags, whose it is, and the `amr` values of RFC
8176. Checking the signature, origin and flags is `outside/passkeys`' work; nothing here reads bytes of a browser.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

from ostiary.core.words.digests import same
from ostiary.core.words.ids import DeviceId, UserId
from ostiary.core.words.instants import Instant, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said

__all__ = [
    "CHALLENGE",
    "MOST",
    "NAME_LENGTH",
    "Created",
    "Flaw",
    "Passkey",
    "Proof",
    "amr_of",
    "device_bound",
    "flaw_of",
    "read_name",
    "relying_party",
]

CHALLENGE = minutes(5)
"""How long the browser may take for its answer."""
MOST = 20
"""Passkeys of one person."""
NAME_LENGTH = 64

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Created:
    """What a browser showed when a passkey was made, after every check of its form."""

    credential: bytes
    public_key: bytes
    """COSE_Key (RFC 9052 §7)."""
    sign_count: int
    transports: tuple[str, ...]
    backup_eligible: bool
    backed_up: bool
    aaguid: str
    """The authenticator's model as it says: unless `attested`, a hint for people and never a ground to trust it."""
    attested: bool = False
    """Whether the maker of that very model signed for it, under a root that the operator named (R22)."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey of a person."""

    id: str
    user: UserId
    credential: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    backup_eligible: bool
    backed_up: bool
    aaguid: str
    name: str
    created: Instant
    used: Instant | None = None
    attested: bool = False
    """Whether a model that was allowed then attested it when it was made (R22)."""
    device: DeviceId | None = None
    """The machine of the inventory whose browser made it; whether it still stands for that, `core/access` says."""
    certificate: str | None = None
    """The thumbprint by which that browser showed its machine (`x5t#S256`)."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A signed answer whose signature, challenge, origin and person's verification were right."""

    user_handle: str
    """The account that the authenticator keeps with it; empty where it sent none."""
    sign_count: int
    backup_eligible: bool
    backed_up: bool


class Flaw(StrEnum):
    """Why a rightly signed answer does not count all the same."""

    PERSON = "person"
    """It is another account's."""
    COUNTER = "counter"
    """Its counter did not go up: there may be two of it (WebAuthn §6.1.1)."""
    BACKUP = "backup"
    """What can be synced once could not be, or the other way round: never so of one key (WebAuthn §6.1.3)."""


def flaw_of(passkey: Passkey, proof: Proof, *, person: UserId | None = None) -> Flaw | None:
    """
    What is wrong with *proof* of *passkey*, or None. *person* is who must own it; without one, the answer itself must
    name the owner (WebAuthn §7.2 step 6).
    """
    if not same(passkey.user, proof.user_handle or ("" if person is None else person)):
        return Flaw.PERSON
    if person is not None and passkey.user != person:
        return Flaw.PERSON
    if proof.backup_eligible is not passkey.backup_eligible:
        return Flaw.BACKUP
    if max(proof.sign_count, passkey.sign_count) > 0 and proof.sign_count <= passkey.sign_count:
        return Flaw.COUNTER
    return None


def device_bound(passkey: Passkey) -> bool:
    """
    Whether it cannot leave the authenticator that made it (BE = 0).

    The first of the things that R22 asks of a passkey that counts as a device (`core/access/passkey_devices.py`). A
    synced one never counts.
    """
    return not passkey.backup_eligible


def amr_of(passkey: Passkey) -> tuple[str, ...]:
    """
    RFC 8176: a key that cannot leave its device is `hwk`, one that is synced `swk`; every passkey here verified its
    person, so it alone is two factors (`mfa`) with somebody present (`user`), by proof of possession (`pop`).
    """
    return ("hwk" if device_bound(passkey) else "swk", "user", "mfa", "pop")


def relying_party(origin: str) -> str | None:
    """The RP id of *origin*: its host. None where it is an address, which no authenticator takes (WebAuthn §5.1.2)."""
    host = urlsplit(origin).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host if _HOST.fullmatch(host) else None
    return None


def read_name(text: str) -> str | Refused:
    """What a person calls a passkey: printable, runs of white space made one; "Passkey" when nothing was typed."""
    name = " ".join(text[: 4 * NAME_LENGTH].split()) or "Passkey"
    if len(name) <= NAME_LENGTH and name.isprintable():
        return name
    text = said("A name has at most %(most)s printable characters.", most=NAME_LENGTH)
    return Refused(Reason.INVALID_VALUE, text, field="name")
