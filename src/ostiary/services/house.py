"""
The house as deeds see it: everything that lives as long as the process, in one frozen record without methods.

`app/wiring` builds it, tests build their own with a movable clock; nothing else does.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostiary.core.detections.replay import Replays
from ostiary.core.signins.limits import SAFE, Limits
from ostiary.core.words.instants import Instant, Span, hours, minutes, seconds
from ostiary.outside import Outside
from ostiary.outside.attestation import NO_MODELS, Attesting
from ostiary.outside.clock import BEHIND, Clock
from ostiary.outside.random import Random
from ostiary.outside.vault import Vault
from ostiary.store import Store

if TYPE_CHECKING:  # the rooms know the house; it only names what they keep in it
    from ostiary.services.access.desk import Desk
    from ostiary.services.detections.look import Detector
    from ostiary.services.logs.floods import Floods
    from ostiary.services.signals.poll_room import PollRoom
    from ostiary.services.signins.waiting_room import WaitingRoom
    from ostiary.services.tokens.keyring import Keyring
    from ostiary.services.tokens.proofs import Proofs


@dataclass(frozen=True, slots=True)
class Proxy:
    """
    The one reverse proxy that may say where a request came from (R13): at a Unix socket, or at an address *and* with a
    shared secret. Loopback is no proxy unless it is named here.
    """

    header: str
    """The header that holds the addresses, e.g. ``x-forwarded-for``; each hop appends one at the right."""
    hops: int = 1
    """Which address counts, from the right."""
    unix: bool = False
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    secret_header: str = ""
    secret: bytes = field(default=b"", repr=False)
    """SHA-256 of the shared secret."""
    certificate_header: str = ""
    """
    The header in which it tells the certificate that a TLS client proved (lower case): ``client-cert`` of RFC 9440, or
    another name for nginx's escaped PEM. Empty: it tells none.
    """


@dataclass(frozen=True, slots=True)
class Settings:
    """
    What a deployment may set about its rules (R8, R10, R16); `app/settings` fills it from the configuration.
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
    proxy: Proxy | None = None
    """None: the address is the TCP peer's (R13)."""
    mtls_origin: str = ""
    """Where clients with a TLS certificate come, so that browsers are never asked for one (RFC 8705 §5)."""
    key_notice: Span = hours(1)
    """How long a new signing key is published before it signs: at least as long as verifiers keep the old list."""
    limits: Limits = SAFE
    """How many codes may be out, and how many sign-ins a person may be led to (R10, R21)."""
    attesting: Attesting = NO_MODELS
    """Models whose makers are believed when a passkey is made (R22)."""
    notice_reminder: Span = minutes(30)
    """After how long those who may decide a request are reminded of it."""
    anchor_file: Path | None = None
    """Where checkpoints are put beside the journal (R15), one after the other."""
    anchor_every: Span = hours(1)
    journal_kept: Span | None = None
    """How long entries of the journal stay (R15); None: for good."""
    sign_ins_kept: Span | None = None
    """How long sign-ins stay in the sign-in log; None for good."""
    ticket_host: str = ""
    """``host[:port]`` of the system whose tickets are checked: the token goes nowhere else."""
    ticket_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class House:
    """The house."""

    store: Store
    clock: Clock
    random: Random
    vault: Vault
    outside: Outside
    desk: "Desk"
    """The current picture of registrations and policies."""
    room: "WaitingRoom"
    """Pending device sign-ins, in memory; may only say "not yet"."""
    keyring: "Keyring"
    """The signing keys in use."""
    floods: "Floods"
    """How many anonymous refusals were written this minute (R21)."""
    proofs: "Proofs"
    """DPoP nonces, and the proofs that came: in memory, and never believed after a restart."""
    settings: Settings
    polls: "PollRoom"
    """Polls of event streams that wait, in memory; may only say "look again"."""
    detector: "Detector | None" = None
    """Who looks at the journal for the rules, where there is much to look at; None: the house itself."""
    replays: Replays = field(default_factory=Replays)
    """Replays of detections that somebody goes through piece by piece: in memory, and lost with the process."""
    charts: dict[str, tuple[Instant, Any]] = field(default_factory=dict, compare=False)
    """What was counted for charts of late, by the chart's name, and when."""


def able(house: House) -> bool:
    """
    Whether the house can do its work: not while commits fail (R14: nothing can be acknowledged), nor while the machine
    lives in the past.
    """
    return house.store.trouble is None and house.clock.behind() <= BEHIND
