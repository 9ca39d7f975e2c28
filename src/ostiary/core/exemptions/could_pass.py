"""
May a device sign-in begin at all (R1)? A code exists only if there is somebody whom it could serve.

No person is known at the start, so this is a rule of its own: one enabled account with an active exemption that
admits this client and this requester, and that no policy would block on the facts known now. A request that asks also
counts accounts that are only eligible, as though what they may ask for were open: narrowed to this very sign-in, as far
as the rules demand. Everything is in memory; it costs no query.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ostiary.core.access.conditions import users
from ostiary.core.access.decision import Decision, Outcome
from ostiary.core.access.evaluate import evaluate
from ostiary.core.access.facts import NOWHERE, DeviceFacts, Facts, Place, Treat, Unknown
from ostiary.core.access.policy_set import PolicySet
from ostiary.core.exemptions.exemption import Exemption, Use
from ostiary.core.exemptions.narrowing import lacking, limited_to
from ostiary.core.words.ids import AppId, GroupId, UserId
from ostiary.core.words.instants import Instant

VERSION = "openings"  # the row of `versions`
REMEMBERED = 4096  # answers of `_decided`


@dataclass(frozen=True, slots=True)
class Opening:
    """One open exemption of an enabled account, with the groups its person stands in."""

    exemption: Exemption
    principal_name: str
    groups: frozenset[GroupId] = frozenset()
    roles: frozenset[str] = frozenset()

    @property
    def user(self) -> UserId:
        """Whose it is."""
        return self.exemption.user


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enabled account that may ask, and from when until when; None: until somebody ends that."""

    user: UserId
    starts: Instant
    ends: Instant | None
    groups: frozenset[GroupId] = frozenset()
    roles: frozenset[str] = frozenset()

    def stands(self, now: Instant) -> bool:
        """Whether they may ask at *now*."""
        return self.starts <= now and (self.ends is None or now < self.ends)


@dataclass(frozen=True, slots=True)
class Openings:
    """Who might pass now, and the version this was taken at."""

    version: int = 0
    all: tuple[Opening, ...] = ()
    eligible: tuple[Candidate, ...] = ()
    narrow: frozenset[str] = frozenset()
    """What the rules demand that an exemption is narrowed to (`rules.NARROWINGS`)."""
    _judged: dict[tuple[UserId, "Start", int], Decision] = field(default_factory=dict, compare=False, repr=False)
    """
    Memory of `_decided`, which depends on nothing that moves while this value lives, but for what is in its key.
    """
    _alike: dict[int, tuple[tuple[Candidate, ...], ...]] = field(default_factory=dict, compare=False, repr=False)
    """Memory of `_sorts`, of the last version."""


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of a device authorization request."""

    client: AppId
    resource: AppId
    requester_address: str
    scopes: frozenset[str] = frozenset()
    """What is asked for, as `Facts.scopes`."""
    place: Place = NOWHERE
    """Where the requester is."""
    device: DeviceFacts | None | Unknown = None
    """What it proved to be; nothing shown is no registered device."""
    ticket: bool = False
    """Whether it brought a start ticket (R22)."""
    number: bool | None = False
    """None: the requester cannot take a number (R12)."""
    reference: bool | None = False
    """None: it brought no reference that its person could type (M17)."""
    machine: bool | None = False
    """None: it told no name."""
    asks: bool = False
    """Whether it asks for an exemption, and may: its application allows that."""


def could_pass(
    policies: PolicySet, openings: Openings, start: Start, *, exception_group: GroupId, version: int, now: Instant
) -> bool:
    """Whether at least one person could complete this sign-in; *version* is the picture's, for the memory."""
    decisions = _decisions(policies, openings, start, exception_group, version, now)
    return any(decision.outcome is not Outcome.BLOCKED for decision in decisions)


def in_the_way(
    policies: PolicySet, openings: Openings, start: Start, *, exception_group: GroupId, version: int, now: Instant
) -> tuple[str, ...]:
    """
    The rules that block those whose exemption is open for this request; empty where none is. Who asks must not see
    them: strangers would learn that an exemption is open.
    """
    open_alone = replace(start, asks=False)
    decisions = _decisions(policies, openings, open_alone, exception_group, version, now)
    return tuple(dict.fromkeys(rule for decision in decisions for rule in decision.rules))


def _decisions(
    policies: PolicySet, openings: Openings, start: Start, exception_group: GroupId, version: int, now: Instant
) -> Iterator[Decision]:
    """
    What policy says at the start of each person whose exemption is open for this request, or who may ask with it.
    """
    use = _use(start)
    for opening in openings.all:
        exemption = opening.exemption
        if exemption.takes(now) and exemption.limits.admit(use):
            yield _decided(policies, openings, opening, start, exception_group, version)
    if start.asks and lacking(openings.narrow, limited_to(use, openings.narrow)) is None:
        for alike in _sorts(policies, openings, version):
            candidate = next((each for each in alike if each.stands(now)), None)
            if candidate is not None:
                yield _decided(policies, openings, candidate, start, exception_group, version)


def _sorts(policies: PolicySet, openings: Openings, version: int) -> tuple[tuple[Candidate, ...], ...]:
    """
    Who may ask, sorted by what policies can tell apart: thousands of people cost a start, which anybody can make, no
    more than the few sorts that they are of.
    """
    known = openings._alike.get(version)
    if known is None:
        named = policies.named("users")
        sorts: dict[frozenset[str], list[Candidate]] = {}
        for each in openings.eligible:
            sorts.setdefault(users.keys_of(each.user, each.groups, each.roles) & named, []).append(each)
        known = tuple(tuple(alike) for alike in sorts.values())
        openings._alike.clear()
        openings._alike[version] = known
    return known


def _use(start: Start) -> Use:
    """The request as an exemption's limits see it."""
    device = start.device.id if isinstance(start.device, DeviceFacts) else None
    return Use(start.client, start.requester_address, start.resource, start.scopes, device)


def _decided(
    policies: PolicySet, openings: Openings, who: Opening | Candidate, start: Start, exception_group: GroupId,
    version: int,
) -> Decision:  # fmt: skip
    start = replace(start, asks=False) if start.asks else start  # policy knows nothing of it
    key = (who.user, start, version)
    known = openings._judged.get(key)
    if known is None:
        facts = facts_at_start(start, who.user, who.groups | {exception_group}, who.roles)
        known = evaluate(policies, facts, unknown=Treat.LATER)
        if len(openings._judged) >= REMEMBERED:  # many sources: begin anew rather than grow
            openings._judged.clear()
        openings._judged[key] = known
    return known


def facts_at_start(start: Start, user: UserId, groups: frozenset[GroupId], roles: frozenset[str]) -> Facts:
    """
    What is known of *user* signing in with this request; where they are and what they will prove is not.
    """
    return Facts(
        user=user,
        groups=groups,
        roles=roles,
        service_principal=None,
        application=start.client,
        resource=start.resource,
        scopes=start.scopes,
        requester=start.place,
        requester_device=start.device,
        start_ticket=start.ticket,
        number_confirmed=start.number,
        reference_bound=start.reference,
        machine_bound=start.machine,
        client_type="mobileAppsAndDesktopClients",
        transfer_method="deviceCodeFlow",
    )


def refusal(policies: PolicySet, start: Start) -> Decision:
    """
    Why somebody without an exemption is refused: the decision to show and to log. It names the policies that are
    certain; where none is, those that might be.
    """
    facts = facts_at_start(start, UserId(""), frozenset(), frozenset())
    certain = evaluate(policies, facts, unknown=Treat.LATER)
    return certain if certain.rules else evaluate(policies, facts, unknown=Treat.STRICT)
