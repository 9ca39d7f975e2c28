"""
People: an account, its roles, and when it is alive.
"""

from dataclasses import dataclass
from enum import StrEnum

from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.instants import Instant

FEDERATED = "fed"
"""Among the `amr` of whoever came in on the word of an upstream provider: it counts as long as that word does."""


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
    vouched: Instant | None = None
    """Until when the last word of their upstream provider counts; None: nobody vouches for them."""


def stands(user: User, *, began: Instant, amr: tuple[str, ...], now: Instant) -> bool:
    """
    Whether what *user* began at *began*, having proved *amr*, is still anybody's at *now*: the account is enabled, its
    sessions were not ended since, and where an upstream provider let them in, it said yes not too long ago.
    """
    if not user.enabled or user.epoch > began:
        return False
    return FEDERATED not in amr or (user.vouched is not None and now < user.vouched)


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
