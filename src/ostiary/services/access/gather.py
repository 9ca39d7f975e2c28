"""
The facts of a sign-in, gathered in one place: who, in which groups, with which exemption.

The exception group is among the groups exactly when an active exemption admits this client from this requester.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ostiary.core.access.decision import Decision
from ostiary.core.access.evaluate import evaluate
from ostiary.core.access.facts import Facts, Treat
from ostiary.core.access.picture import Picture
from ostiary.core.directory.people import User
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.words.ids import AppId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Tx
from ostiary.store.access import is_assigned, known_of

DEVICE_CODE = "deviceCodeFlow"


@dataclass(frozen=True, slots=True)
class Ask:
    """One sign-in to be judged."""

    user: UserId
    client: AppId
    resource: AppId
    requester_address: str
    transfer_method: str | None
    client_type: str
    amr: tuple[str, ...]
    came_from: str | None = None
    """Where what was asked for is used from now, if that must be admitted as well."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of it, and what policy says."""

    user: User
    exemption: Exemption | None
    """The active exemption that admits it and ends last."""
    decision: Decision
    assigned: bool = True
    """Whether the client is open to this person: assigned, directly or by a group, where that is required."""
    elsewhere: bool = False
    """Whether an active exemption admits it where it was asked for, and none where it is used."""


def device_ask(
    user: UserId, client: AppId, resource: AppId, *, requester_address: str, amr: tuple[str, ...],
    came_from: str | None = None,
) -> Ask:  # fmt: skip
    """A device sign-in, or the refresh of what one gave: the transfer method stays (R3)."""
    return Ask(user, client, resource, requester_address, DEVICE_CODE, "mobileAppsAndDesktopClients", amr, came_from)


async def gather(tx: Tx, picture: Picture, ask: Ask, now: Instant) -> Gathered | None:
    """Step: judge *ask*; None when the person does not exist."""
    known = await known_of(tx, ask.user, now)
    if known is None:
        return None
    user, groups, active = known
    client = picture.applications.get(ask.client)
    restricted = client is None or client.assignment_required
    assigned = not restricted or await is_assigned(tx, ask.client, {user.id, *groups})
    exemption, elsewhere = _admitting(active, ask)
    if exemption is not None:
        groups |= {picture.exception_group}
    facts = Facts(
        user=user.id,
        groups=groups,
        application=ask.client,
        resource=ask.resource,
        client_type=ask.client_type,
        transfer_method=ask.transfer_method,
        amr=ask.amr,
    )
    decision = evaluate(picture.policies, facts, unknown=Treat.STRICT)
    return Gathered(user, exemption, decision, assigned, elsewhere)


def _admitting(active: Sequence[Exemption], ask: Ask) -> tuple[Exemption | None, bool]:
    """The first that admits both places, and whether only the second one is in the way."""
    asked = [e for e in active if e.limits.admit(ask.client, ask.requester_address)]
    used = asked if ask.came_from is None else [e for e in asked if e.limits.admit(ask.client, ask.came_from)]
    return next(iter(used), None), bool(asked) and not used
