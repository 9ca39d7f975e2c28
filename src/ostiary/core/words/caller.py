"""
Who is asking: nobody, a person, an application, or the local door.

A caller is made once per visit from its credentials, after the session row was read; deeds and permissions judge by
it and by nothing else (R2, R3).
"""

from dataclasses import dataclass
from enum import StrEnum

from ostiary.core.words.ids import AppId, SessionId, UserId
from ostiary.core.words.instants import Instant


class Origin(StrEnum):
    """How a session began; remembered through refresh and exchange, in the token and in the log (R3)."""

    DEVICE_CODE = "device_code"
    BROWSER = "browser"
    WORKLOAD = "workload"
    LOCAL = "local"


class CallerKind(StrEnum):
    """What sort of actor a caller is."""

    NOBODY = "nobody"
    USER = "user"
    APPLICATION = "application"
    LOCAL = "local"
    PROVISIONER = "provisioner"
    """A system that says who works here (SCIM)."""
    SYSTEM = "system"
    """A job of the service itself, run by the clock."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One actor with what it may claim to be; every default means "nothing"."""

    kind: CallerKind = CallerKind.NOBODY
    id: str = ""
    """A user's or application's id, an operating-system user name, or a job's name."""
    name: str = ""
    origin: Origin | None = None
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    client: AppId | None = None
    session: SessionId | None = None
    amr: tuple[str, ...] = ()
    authenticated_at: Instant | None = None
    """When the person last proved who they are with every factor in `amr` (`auth_time`)."""
    passkey: str | None = None
    """The passkey of that proof, at a browser; None for any other proof."""

    @property
    def user(self) -> UserId | None:
        """The person's id, when a person is asking."""
        return UserId(self.id) if self.kind is CallerKind.USER else None

    @property
    def actor(self) -> str:
        """How the journal names this caller, e.g. ``user:1b9d…`` or ``local:alice`` (R2)."""
        return f"{self.kind}:{self.id}" if self.id else str(self.kind)

    @property
    def mfa(self) -> bool:
        """Whether the person proved a second factor (RFC 8176 `mfa`)."""
        return "mfa" in self.amr


NOBODY = Caller()
