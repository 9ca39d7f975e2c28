"""
Provisioning: what a system that knows who works here may say of accounts and groups (SCIM 2.0, RFC 7643 and 7644).

It owns what it made, or what an administrator gave it, and nothing else. It makes nobody anything: roles are out of its
reach, and of whoever has one it may only say that they left, or came back.
"""

import re
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_address

from ostiary.core.directory.people import Group, User
from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.instants import Instant, Span, days
from ostiary.core.words.outcome import Reason, Refused

__all__ = [
    "MOST_PROVISIONERS", "MOST_TOKENS", "NEVER", "SECRET_BYTES", "Kept", "Person", "Provisioner", "Team", "admits",
    "as_told", "lifetime", "reach", "read_token", "switched_off", "written_token", "wrong_external", "wrong_team",
]  # fmt: skip

MOST_PROVISIONERS = 8
MOST_TOKENS = 2
"""At once: one in use, and the one that takes its place."""
MOST_MEMBERS = 20_000
"""Of one group."""
LONGEST_EXTERNAL = 256
"""Characters of an `externalId`."""
USUAL_TOKEN, LONGEST_TOKEN = days(180), days(365)
PREFIX = "ostp_"
SECRET_BYTES = 32

_TOKEN = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}", re.ASCII)
NEVER = Instant(-1)
"""The provisioner did not disable the account."""


@dataclass(frozen=True, slots=True)
class Provisioner:
    """A system that may provision."""

    id: str
    name: str
    networks: tuple[IPv4Network | IPv6Network, ...]
    """Where it comes from; empty: from anywhere."""
    created: Instant
    used: Instant | None = None
    ends: Instant | None = None
    """When its last token ends; None: it has none."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person as a provisioner tells of them."""

    user_name: str
    display_name: str
    mail: str | None = None
    active: bool = True
    external: str | None = None
    """What the provisioner calls them (`externalId`)."""


@dataclass(frozen=True, slots=True)
class Team:
    """A group as a provisioner tells of it."""

    name: str
    external: str | None = None
    members: frozenset[UserId] = frozenset()


def written_token(secret: str) -> str:
    """A token as it is shown once: *secret* is 43 characters of base64url."""
    return PREFIX + secret


def read_token(text: str) -> str | None:
    """*text* if it may be a token of ours; None otherwise, so that nothing is looked up."""
    return text if _TOKEN.fullmatch(text) else None


def admits(provisioner: Provisioner, address: str) -> bool:
    """Whether *provisioner* may come from *address*; from nowhere that cannot be read, where it has networks."""
    if not provisioner.networks:
        return True
    try:
        seen = ip_address(address)
    except ValueError:
        return False
    return any(seen in network for network in provisioner.networks)


def lifetime(asked: Span | None) -> Span | Refused:
    """How long a token lives. INVALID_VALUE beyond a year, or under a day."""
    chosen = USUAL_TOKEN if asked is None else asked
    if not days(1) <= chosen <= LONGEST_TOKEN:
        return Refused(Reason.INVALID_VALUE, "A token lives between a day and a year.", field="duration")
    return chosen


def as_told(user: User, person: Person) -> User:
    """*user* as *person* says; roles stay."""
    return replace(
        user, principal_name=person.user_name, display_name=person.display_name, mail=person.mail, enabled=person.active
    )


def switched_off(old: User, new: User, off: Instant) -> Instant:
    """`Kept.off` after a provisioner made *new* of *old*, which had *off*."""
    if new.enabled:
        return NEVER
    return new.epoch if old.enabled else off


def reach(old: User, new: User, *, off: Instant, trusted: bool) -> Refused | None:
    """
    Why a provisioner may not make *new* of *old*; None where it may. *off*: see `Kept`. *trusted*: an administrator put
    the person somewhere, and no provider is linked, so that a name would lead somebody else there.
    """
    if new.enabled and not old.enabled and off != old.epoch:
        return Refused(Reason.FORBIDDEN, "An administrator disabled this account, and enables it.", field="active")
    if trusted and new.principal_name != old.principal_name:
        text = "An administrator gave this account something: only an administrator renames it."
        return Refused(Reason.FORBIDDEN, text, field="userName")
    if old.roles and replace(new, enabled=old.enabled) != old:
        text = "This person administers something: only an administrator changes more than whether they are active."
        return Refused(Reason.FORBIDDEN, text, field="roles")
    return None


def wrong_external(external: str | None) -> Refused | None:
    """INVALID_VALUE for an `externalId` that is too long or cannot be shown."""
    if external is None or (0 < len(external) <= LONGEST_EXTERNAL and external.isprintable()):
        return None
    text = f"An externalId has 1 to {LONGEST_EXTERNAL} characters that can be shown."
    return Refused(Reason.INVALID_VALUE, text, field="externalId")


def wrong_team(group: Group, members: frozenset[UserId]) -> Refused | None:
    """INVALID_VALUE for a name or a number of members that a group cannot have."""
    if not (0 < len(group.display_name) <= 256 and group.display_name.isprintable()):
        return Refused(Reason.INVALID_VALUE, "A group's name has 1 to 256 characters.", field="displayName")
    if len(members) > MOST_MEMBERS:
        return Refused(Reason.INVALID_VALUE, f"A group has at most {MOST_MEMBERS} members.", field="members")
    return None


@dataclass(frozen=True, slots=True)
class Kept:
    """A provisioned account or group with what only provisioning knows of it."""

    id: UserId | GroupId
    external: str | None
    created: Instant
    modified: Instant
    off: Instant = NEVER
    """
    The epoch that the account had after this provisioner disabled it. Each disabling raises the epoch, so one that an
    administrator did later is not the provisioner's to undo.
    """
