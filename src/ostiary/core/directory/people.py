"""
People: an account, its roles, and when it is alive.
"""

from dataclasses import dataclass
from enum import StrEnum

from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.instants import Instant


class Role(StrEnum):
    """What a person may administer; nobody's role is the empty set."""

    ADMINISTRATOR = "administrator"
    APPROVER = "approver"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class User:
    """One account."""

    id: UserId
    principal_name: str
    """Lower case, like an address: ``alice@example.com``."""
    display_name: str
    mail: str | None = None
    enabled: bool = True
    roles: frozenset[Role] = frozenset()
    created: Instant = Instant(0)
    epoch: Instant = Instant(0)
    """Sessions that began before it are over: raised when everything of this person ends at once."""


@dataclass(frozen=True, slots=True)
class Group:
    """One group. Its `purpose` tells the exception group from the others, whatever its name."""

    id: GroupId
    display_name: str
    description: str = ""
    purpose: str = ""
    created: Instant = Instant(0)


EXCEPTION = "exception"
"""`Group.purpose` of the group that the block policy excludes: only active exemptions make members of it."""

EXCEPTION_GROUP_NAME = "Device Code Flow Exception"
