"""
What every grant looks like.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.directory.people import User
from ostiary.core.tokens.clients import Shown
from ostiary.core.tokens.session import Session
from ostiary.core.words.ids import SessionId
from ostiary.core.words.instants import Instant, Span
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.store import Tx


@dataclass(frozen=True, slots=True)
class TokenForm:
    """
    A token request, as it came; absent parameters are empty (RFC 6749 §3.2: sent without a value counts as omitted).
    """

    grant_type: str = ""
    client: Shown = field(default_factory=Shown)
    device_code: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    code_verifier: str = field(default="", repr=False)
    redirect_uri: str = ""
    scope: str = ""
    client_info: bool = False
    subject_token: str = field(default="", repr=False)
    subject_token_type: str = ""
    requested_token_type: str = ""
    actor_token: str = field(default="", repr=False)
    audience: str = ""
    """`audience` or `resource` (RFC 8693 §2.1): which application the token is for."""
    wait: int = 0
    """For how many seconds a poll is content to wait for its answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """A token request whose client proved itself, with the id that a new session would get."""

    form: TokenForm
    client: Application
    new: SessionId


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What to sign: everything is in the transaction already but the journal entry about the tokens."""

    session: Session
    user: User
    resource: Application
    scopes: tuple[str, ...]
    openid: frozenset[str]
    words: tuple[str, ...]
    ends: Instant
    """When what stands behind the session ends (R8)."""
    number: int
    """Number of the refresh token to give."""
    kind: str
    """The journal kind of success, with its details."""
    detail: dict[str, object]
    nonce: str | None = None
    longest: Span | None = None
    """How long its access and id token live at most, by policy."""
    told: Mapping[str, object] = field(default_factory=dict, hash=False)
    """More for the client, under names of ours (``ostiary_…``)."""


class Grant(Protocol):
    """What each file offers."""

    GRANT_TYPES: tuple[str, ...]
    PARAMETERS: tuple[str, ...]

    async def redeem(
        self, house: House, tx: Tx, picture: Picture, visit: Visit, request: Request
    ) -> Redeemed | Refused:
        """
        Step: turn what *request* brought into a session, or say why not.

        *house* is read only (keys, settings); refusals that a person or a detection must see are recorded here.
        """
