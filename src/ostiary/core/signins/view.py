"""
What the page shows a person before they decide: who asks, for what, from where, since when (RFC 8628 §5.4).
"""

from dataclasses import dataclass, field

from ostiary.core.directory.applications import Application, Scope
from ostiary.core.exemptions import request as exemptions
from ostiary.core.exemptions.exemption import Limits
from ostiary.core.exemptions.request import Request
from ostiary.core.exemptions.rules import Rules
from ostiary.core.signins.oddities import Oddity
from ostiary.core.signins.request_binding import Datum
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.words.instants import Instant, Span


@dataclass(frozen=True, slots=True)
class Around:
    """Where the machine is, in words, and what is odd; an empty text is "not known"."""

    country: str = ""
    network: str = ""
    distance: str = ""
    """From the person."""
    oddities: tuple[Oddity, ...] = ()
    """The worst first."""

    def tags(self) -> list[str]:
        """What is odd, as the journal keeps it."""
        return [oddity.tag.value for oddity in self.oddities]


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """The asking machine as the inventory knows it, proved by its key: no words of a stranger."""

    name: str
    owner: str
    """Principal name; empty for none."""
    own: bool
    """Whether it is the person's who decides."""
    managed: bool = False
    compliant: bool = False


@dataclass(frozen=True, slots=True)
class Asking:
    """The person is blocked and may ask for an exemption: the form that consents and asks, and what it cannot mend."""

    rules: tuple[str, ...]
    """Names of the policies that block."""
    terms: Rules
    limits: Limits
    """What it would be for, and no more."""
    reason: str
    """As the requester said; a person may write another."""
    length: Span
    obstacles: tuple[str, ...]
    """All that keeps the rules from being met whatever is typed, a sentence each."""
    until: Instant
    """How long the sign-in would wait for it; not at all where that is not ahead."""
    at_once: bool
    """Whether a rule grants it without another person's word."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The person said yes and asked; *signin* waits for it until *until*, or (None) was ended."""

    signin: SignIn
    application: Application
    request: Request
    until: Instant | None
    number: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A sign-in in the hands of a person."""

    signin: SignIn
    application: Application
    resource: Application
    scopes: tuple[Scope, ...]
    """What it may do, in words."""
    reach: tuple[tuple[Application, tuple[Scope, ...]], ...] = ()
    """What a refresh may name beside that (R7)."""
    offline: bool = False
    """Whether it stays signed in (a refresh token)."""
    around: Around = Around()
    device: KnownDevice | None = None
    awaited: tuple[Datum, ...] = ()
    """What the person has to type first; until then nothing is shown that the requester says of itself (M17)."""
    asking: Asking | None = None
    """None: an exemption is open, or they cannot ask."""


@dataclass(frozen=True, slots=True)
class Approved:
    """The person said yes; *ends* is when what was allowed ends at the latest."""

    signin: SignIn
    application: Application
    ends: Instant
    number: str = field(default="", repr=False)
    """What the person has to type on the machine, if anything (R12)."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a sign-in, for the browser session that decided; *ends* as in `Approved`."""

    signin: SignIn
    application: Application | None
    state: State
    ends: Instant | None = None
    number: str = field(default="", repr=False)
    request: Request | None = None
    """The exemption that was asked for with it."""
    asked: exemptions.State | None = None
    """Where that stands."""


@dataclass(frozen=True, slots=True)
class Handed:
    """The code was given back for another account of the same browser, which keeps *value* to show that it is."""

    signin: SignIn
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Closed:
    """The person said no, or that somebody else started it."""

    signin: SignIn
    application: Application | None
    others: tuple[bytes, ...] = field(default=(), repr=False)
    """Digests of the device codes of sign-ins that ended with it."""
