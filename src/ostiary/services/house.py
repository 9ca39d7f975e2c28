"""
The house as deeds see it: everything that lives as long as the process, in one frozen record without methods.

`app/wiring` builds it, tests build their own with a movable clock; nothing else does.
"""

from dataclasses import dataclass
from pathlib import Path

from ostiary.core.words.instants import Span, hours, minutes, seconds
from ostiary.outside import Outside
from ostiary.outside.clock import Clock
from ostiary.outside.random import Random
from ostiary.outside.vault import Vault
from ostiary.services.access.desk import Desk
from ostiary.services.signins.waiting_room import WaitingRoom
from ostiary.services.tokens.keyring import Keyring
from ostiary.store import Store


@dataclass(frozen=True, slots=True)
class Settings:
    """
    What a deployment may set about its rules (R8, R10, R16); `app/config` fills it from the file and the environment.
    """

    origin: str
    """``https://host[:port]``, no slash at the end."""
    data: Path
    poll_interval: Span = seconds(5)
    lenient_pace: bool = True
    """Answer early polls `authorization_pending` unless the abuse is gross."""
    session_idle: Span = minutes(30)
    session_longest: Span = hours(12)
    refresh_idle: Span = minutes(30)
    local_door: bool = True


@dataclass(frozen=True, slots=True)
class House:
    """The house."""

    store: Store
    clock: Clock
    random: Random
    vault: Vault
    outside: Outside
    desk: Desk
    """The current picture of registrations and policies."""
    room: WaitingRoom
    """Pending device sign-ins, in memory; may only say "not yet"."""
    keyring: Keyring
    """The signing keys in use."""
    settings: Settings
