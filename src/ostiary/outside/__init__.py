"""
Everything that asks the machine or the network, except the store: one file a subject, no rules.

Owns clock, randomness, keys and secrets at rest, password hashing, one-time codes, certificates, geo files, outgoing
requests and the data folder. What comes in here goes out as plain values; what it means is decided in `core`. `app`
makes these things once at start; deeds get them through `House`, never by themselves.

`Outside` is what of it deeds share beside clock, randomness and keys. `totp` needs no state: deeds call its functions.
"""

from dataclasses import dataclass, field

from ostiary.outside.apprise import Apprise
from ostiary.outside.background import Background
from ostiary.outside.clock import SystemClock
from ostiary.outside.geo import NO_FILES, GeoFiles
from ostiary.outside.issuers import Issuers
from ostiary.outside.meters import Meters
from ostiary.outside.outgoing import Outgoing
from ostiary.outside.passwords import Passwords
from ostiary.outside.traces import Traces
from ostiary.outside.upstream import Upstream

__all__ = ["Outside"]


@dataclass(frozen=True, slots=True)
class Outside:
    """What of the outside lives as long as the process and is shared by all deeds."""

    passwords: Passwords
    geo: GeoFiles = field(default=NO_FILES)
    outgoing: Outgoing = field(default_factory=Outgoing)
    """The one way to ask others (R24)."""
    issuers: Issuers = field(default_factory=lambda: Issuers(Outgoing()))
    """The keys of the issuers that applications trust (RFC 8693)."""
    upstream: Upstream = field(default_factory=lambda: Upstream(Outgoing(), SystemClock()))
    """The providers that may vouch for people."""
    apprise: Apprise = field(default_factory=Apprise)
    """Mail, chats and pushes."""
    own_outgoing: Outgoing = field(default_factory=Outgoing)
    """For addresses that people give for themselves: what is listed for the service is not listed for them."""
    own_apprise: Apprise = field(default_factory=Apprise)
    """The same of mail, chats and pushes."""
    background: Background = field(default_factory=Background)
    """What goes on while nobody waits for it."""
    signal_outgoing: Outgoing = field(default_factory=Outgoing)
    """For events (shared signals): their receivers may hang, and take no turn of those that people wait for."""
    pushing: Background = field(default_factory=Background)
    """The streams to which events are being pushed."""
    meters: Meters = field(default_factory=Meters)
    """What this process counts of itself."""
    traces: Traces | None = None
    """The tracer, where there is a collector."""
