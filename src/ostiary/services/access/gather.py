"""
The facts of a sign-in, gathered in one place: who, in which groups, with which exemption, from where, with what proof.

The exception group is among the groups exactly when an active exemption admits this client from this requester. What
nobody brings is unknown, but for devices: one that was not shown is no registered device. A device is named by who
proved it; what it is now, the inventory says in the same transaction.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ostiary.core.access.conditions.platforms import platform_of
from ostiary.core.access.decision import Decision
from ostiary.core.access.device_facts import device_facts
from ostiary.core.access.evaluate import evaluate
from ostiary.core.access.facts import NOWHERE, UNKNOWN, DeviceFacts, Facts, Place, Treat, Unknown
from ostiary.core.access.picture import Picture
from ostiary.core.access.remembered import facts_document
from ostiary.core.devices.device import Device
from ostiary.core.directory.people import User
from ostiary.core.exemptions.exemption import Exemption, Use
from ostiary.core.signins.number import confirmed
from ostiary.core.signins.request_binding import Datum, typed
from ostiary.core.signins.signin import SignIn
from ostiary.core.tokens.claims import SHORTEST_LEFT
from ostiary.core.tokens.scopes import asked_scopes
from ostiary.core.words.ids import AppId, DeviceId, ExemptionId, UserId
from ostiary.core.words.instants import Instant, between, to_seconds
from ostiary.services.devices.proved import NO_MACHINE, Browser, device_of_passkey
from ostiary.store import Tx, devices
from ostiary.store.access import is_assigned, known_of
from ostiary.store.risk import Risks, risk_levels

DEVICE_CODE = "deviceCodeFlow"
_SHOWN = ("number", "ticket", "reference", "machine")
"""What a session remembers of how it began, so that a policy which demands it passes refreshes."""


@dataclass(frozen=True, slots=True)
class Side:
    """The person's side: the browser in which somebody signs in or approved."""

    address: str = ""
    platform: str | Unknown = UNKNOWN
    device: DeviceId | None = None
    """The machine of the inventory that the browser runs on, as it proved."""
    passkey: str | None = None
    """Or the passkey that stood for one (R22)."""
    number: bool = False
    """Whether the consent was confirmed by its number (R12)."""
    ticket: bool = False
    """Whether it began with a start ticket (R22)."""
    reference: bool = False
    """Whether its reference was typed at the page (M17)."""
    machine: bool = False
    """Whether the machine's name was."""

    @classmethod
    def at(cls, address: str | None, agent: str | None, browser: Browser = NO_MACHINE) -> "Side":
        """A *browser* at *address* that calls itself *agent*."""
        return cls(address or "", platform_of(agent or ""), browser.device, browser.passkey)

    def kept(self) -> str:
        """As a session keeps it. The device is looked up again, as it is then."""
        platform = None if self.platform is UNKNOWN else self.platform
        return json.dumps({"address": self.address, "platform": platform, **self._shown()})

    def _shown(self) -> dict[str, Any]:
        return {name: value for name in ("device", "passkey", *_SHOWN) if (value := getattr(self, name))}

    @classmethod
    def of(cls, kept: str) -> "Side":
        """Read `kept`; an empty text is a side of which nothing is known."""
        if not kept:
            return cls()
        found: dict[str, Any] = json.loads(kept)
        shown = {name: found.get(name, False) for name in _SHOWN}
        platform = found["platform"] or UNKNOWN
        return cls(found["address"], platform, found.get("device"), found.get("passkey"), **shown)


@dataclass(frozen=True, slots=True)
class Ask:
    """One sign-in to be judged."""

    user: UserId
    client: AppId
    resource: AppId
    requester_address: str
    """Where the request came from that began it: what an exemption may be narrowed to."""
    transfer_method: str | None
    client_type: str
    amr: tuple[str, ...]
    scopes: frozenset[str] | Unknown = UNKNOWN
    """As `asked_scopes` gives them."""
    person: Side = Side()
    machine: str = ""
    """Where the machine asks from now; empty: still from `requester_address`."""
    machine_device: DeviceId | None = None
    """The machine of the inventory that asks, as it proved."""
    proof_age: int | Unknown = UNKNOWN
    number_confirmed: bool | None = False
    start_ticket: bool = False
    reference_bound: bool | None = None
    machine_bound: bool | None = None
    story: str = ""
    """The device sign-in that it is, or is a session of: findings about it make it risky."""
    came_from: str | None = None
    """Where what was asked for is used from now, if that must be admitted as well."""
    supposing: bool = False
    """Whether it is judged as though an exemption that admits it were open: what its person might ask for."""
    held: ExemptionId | None = None
    """The exemption behind the session that is renewed: it was counted when the session began."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision on somebody who is no person."""

    decision: Decision
    facts: Facts
    version: int
    """Of the picture: which policies these were."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of it, and what policy says."""

    user: User
    exemption: Exemption | None
    """The active exemption that admits it and ends last."""
    decision: Decision
    facts: Facts
    version: int
    """Of the picture: which policies these were."""
    assigned: bool = True
    """Whether the client is open to this person: assigned, directly or by a group, where that is required."""
    elsewhere: bool = False
    """Whether an active exemption admits it where it was asked for, and none where it is used."""
    machine: Device | None = None
    """The machine that asks, as it is now."""
    lost: bool = False
    """Whether it began on a machine of the inventory that does not count any more."""


def told(gathered: Gathered | Judged | None) -> dict[str, Any]:
    """What a journal entry keeps of a decision, so that it can be explained again."""
    if gathered is None:
        return {"policies": []}
    return {
        "policies": gathered.decision.document(),
        "outcome": gathered.decision.outcome.value,
        "facts": facts_document(gathered.facts),
        "policy_version": gathered.version,
    }


def age(proved: Instant | None, now: Instant) -> int | Unknown:
    """Seconds since a proof."""
    return UNKNOWN if proved is None else max(0, to_seconds(between(proved, now)))


def device_ask(
    user: UserId,
    signin: SignIn,
    *,
    amr: tuple[str, ...],
    person: Side,
    proof_age: int | Unknown,
    machine: str = "",
) -> Ask:
    """A device sign-in before it is redeemed; *machine* is where its poll comes from."""
    return Ask(
        user, signin.client, signin.resource, signin.requester_address, DEVICE_CODE, "mobileAppsAndDesktopClients",
        amr, asked_scopes(signin.scopes), person, machine, proof_age=proof_age, came_from=machine or None,
        number_confirmed=confirmed(signin), start_ticket=signin.declared.ticket, machine_device=signin.device,
        reference_bound=typed(signin, Datum.REFERENCE), machine_bound=typed(signin, Datum.MACHINE), story=signin.id,
    )  # fmt: skip


async def gather(tx: Tx, picture: Picture, ask: Ask, now: Instant) -> Gathered | None:
    """Step: judge *ask*; None when the person does not exist."""
    known = await known_of(tx, ask.user, now)
    if known is None:
        return None
    user, groups, active = known
    client = picture.applications.get(ask.client)
    restricted = client is None or client.assignment_required
    assigned = not restricted or await is_assigned(tx, ask.client, {user.id, *groups})
    machine, person = await _device(tx, ask.machine_device), await _persons_device(tx, picture, ask, now)
    shown = device_facts(machine, now)
    exemption, elsewhere = _admitting(active, ask, shown, now)
    if exemption is not None or ask.supposing:
        groups |= {picture.exception_group}
    risks = await risk_levels(tx, user.id, ask.story, now)
    facts = _facts(picture, ask, user, groups, (shown, device_facts(person, now)), risks)
    decision = evaluate(picture.policies, facts, unknown=Treat.STRICT)
    lost = ask.machine_device is not None and facts.requester_device is None
    return Gathered(user, exemption, decision, facts, picture.version, assigned, elsewhere, machine, lost)


async def _device(tx: Tx, id: DeviceId | None) -> Device | None:
    return await devices.find(tx, id) if id is not None else None


async def _persons_device(tx: Tx, picture: Picture, ask: Ask, now: Instant) -> Device | None:
    """Step: the machine of the person's browser; what a passkey stands for is asked again, as it is now (R22)."""
    side = ask.person
    if side.device is not None:
        return await devices.find(tx, side.device)
    return await device_of_passkey(tx, side.passkey, ask.user, picture.built_in, now)


def _facts(
    picture: Picture, ask: Ask, user: User, groups: frozenset[Any],
    found: tuple[DeviceFacts | None, DeviceFacts | None], risks: Risks,
) -> Facts:  # fmt: skip
    """*found*: the machine that asks, and the person's."""
    return Facts(
        user=user.id,
        groups=groups,
        roles=frozenset(role.value for role in user.roles),
        service_principal=None,
        application=ask.client,
        resource=ask.resource,
        scopes=ask.scopes,
        client_type=ask.client_type,
        transfer_method=ask.transfer_method,
        amr=ask.amr,
        proof_age=ask.proof_age,
        platform=ask.person.platform,
        person=_place(picture, ask.person.address),
        requester=_place(picture, ask.machine or ask.requester_address),
        requester_device=found[0],
        person_device=found[1],
        number_confirmed=ask.number_confirmed,
        start_ticket=ask.start_ticket,
        reference_bound=ask.reference_bound,
        machine_bound=ask.machine_bound,
        sign_in_risk=risks.sign_in,
        user_risk=risks.person,
    )


def _place(picture: Picture, address: str) -> Place:
    return picture.atlas.place(address) if address else NOWHERE


def use_at(ask: Ask, address: str, device: DeviceFacts | None | Unknown) -> Use:
    """*ask*, from *address* and *device*, as the limits of an exemption see it."""
    names = None if isinstance(ask.scopes, Unknown) else ask.scopes
    return Use(ask.client, address, ask.resource, names, device.id if isinstance(device, DeviceFacts) else None)


def _rank(exemption: Exemption, now: Instant) -> tuple[bool, bool]:
    return between(now, exemption.begun(now).ends) < SHORTEST_LEFT, exemption.waits is not None


def _admitting(
    active: Sequence[Exemption], ask: Ask, device: DeviceFacts | None, now: Instant
) -> tuple[Exemption | None, bool]:
    """
    The first that admits both places and has room for one more sign-in: one that runs before one that waits, and
    neither before one that has time left for a token. And whether only the second place is in the way.
    """
    free = sorted((e for e in active if e.id == ask.held or e.takes(now)), key=lambda e: _rank(e, now))
    asked = [e for e in free if e.limits.admit(use_at(ask, ask.requester_address, device))]
    used = asked if ask.came_from is None else [e for e in asked if e.limits.admit(use_at(ask, ask.came_from, device))]
    return next(iter(used), None), bool(asked) and not used
