"""
One device sign-in and its states (R5).

INVARIANT: a state is left by one compare-and-swap and never entered again; `expired` is derived from the clock, not
stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ostiary.core.directory.credentials import Rule
from ostiary.core.signins.declared import NOTHING, Declared
from ostiary.core.words.digests import digest, same
from ostiary.core.words.ids import AppId, DeviceId, ExemptionId, SessionId, SignInId, UserId
from ostiary.core.words.instants import Instant, after, minutes
from ostiary.core.words.proof import Bound

READY_FOR = minutes(5)
"""Approved and not redeemed for so long is expired."""

ACCOUNT_CHANGES = 2
"""How often the browser session that claimed may hand the sign-in to another account before consenting (R11)."""

SHUNNED = Rule(minutes(60), 1, minutes(60))
"""One report: how long a reported requester may not start a sign-in to the person who reported it (R11)."""


class State(StrEnum):
    """Where a sign-in stands."""

    ISSUED = "issued"
    CLAIMED = "claimed"
    AWAITING_NUMBER = "awaiting_number"
    """Consented; the requester has to bring the number that the person was shown (R12)."""
    AWAITING_EXEMPTION = "awaiting_exemption"
    """Consented; the exemption that its person asked for is not granted, or was too late for that consent (R5)."""
    READY = "ready"
    REDEEMED = "redeemed"
    DENIED = "denied"
    REPORTED = "reported"
    EXPIRED = "expired"


OPEN = (State.ISSUED, State.CLAIMED, State.AWAITING_NUMBER, State.AWAITING_EXEMPTION, State.READY)
DECIDED = (
    State.AWAITING_NUMBER, State.AWAITING_EXEMPTION, State.READY, State.REDEEMED, State.DENIED, State.REPORTED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SignIn:
    """What is kept of one request; codes are digests and live in the store only."""

    id: SignInId
    client: AppId
    resource: AppId
    scopes: tuple[str, ...]
    """As granted: names of the resource's scopes, and the OIDC ones that were asked for."""
    state: State
    requester_address: str
    requester_agent: str
    created: Instant
    ends: Instant
    challenge: str | None = None
    jkt: str | None = None
    """Thumbprint of the key that every poll has to prove (R12); None until there is one."""
    x5t: str | None = None
    """Of the certificate that every poll has to come with instead (RFC 8705)."""
    named: UserId | None = None
    """The only person who may claim it (R11)."""
    user: UserId | None = None
    """Who holds it; of one that was given back, who did that."""
    browser: SessionId | None = None
    changes: int = 0
    handed: bytes | None = None
    """Digest of what the browser that gave the code back holds: nobody else may claim it then (R11)."""
    claimed: Instant | None = None
    decided: Instant | None = None
    authenticated: Instant | None = None
    amr: tuple[str, ...] = ()
    approver_address: str | None = None
    approver_agent: str | None = None
    exemption: ExemptionId | None = None
    """What it stands on; of one that asked, the id of the request, which the exemption gets."""
    session: SessionId | None = None
    redeemed: Instant | None = None
    declared: Declared = NOTHING
    """What the requester says of itself."""
    number: bytes | None = None
    """Keyed digest of the number of the consent (R12)."""
    reach: Mapping[AppId, tuple[str, ...]] = field(default_factory=dict)
    """What a refresh may name later, as it was when the person came to the page: never more than they saw (R7)."""
    device: DeviceId | None = None
    """The machine of the inventory that asked, by the key or certificate that it proved."""
    approver_device: DeviceId | None = None
    """The machine of the inventory that the approving browser ran on, as its certificate proved."""
    matched: tuple[str, ...] = ()
    """What of `request_binding.Datum` its person typed as the requester had said it (M17)."""
    approver_passkey: str | None = None
    """The passkey that stood for the approver's machine, where no certificate showed one (R22)."""
    asked: Instant | None = None
    """When its person asked for an exemption with their consent."""

    @property
    def bound(self) -> Bound:
        """The key that it belongs to."""
        return Bound(self.jkt, self.x5t)

    def standing(self, now: Instant) -> State:
        """The state at *now*: an open sign-in past its end is expired."""
        return State.EXPIRED if self.state in OPEN and now >= self.ends else self.state


def comes_back(signin: SignIn, handed: str) -> bool:
    """Whether *handed* is what the browser got when it gave the code back for another account."""
    return signin.handed is not None and bool(handed) and same(digest(handed), signin.handed)


def ready_until(decided: Instant) -> Instant:
    """Until when an approved sign-in can be redeemed."""
    return after(decided, READY_FOR)
