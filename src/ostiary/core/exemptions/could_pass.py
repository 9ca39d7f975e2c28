"""
May a device sign-in begin at all (R1)? A code exists only if there is somebody whom it could serve.

No person is known at the start, so this is a rule of its own: one enabled account with an active exemption that
admits this client and this requester, and that no policy would block on the facts known now. Everything is in memory;
it costs no query.
"""

from dataclasses import dataclass, field

from ostiary.core.access.compile import PolicySet
from ostiary.core.access.decision import Decision, Outcome
from ostiary.core.access.evaluate import evaluate
from ostiary.core.access.facts import Facts, Treat
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.words.ids import AppId, GroupId, UserId
from ostiary.core.words.instants import Instant

VERSION = "openings"  # the row of `versions`


@dataclass(frozen=True, slots=True)
class Opening:
    """One open exemption of an enabled account, with the groups its person stands in."""

    exemption: Exemption
    principal_name: str
    groups: frozenset[GroupId] = frozenset()


@dataclass(frozen=True, slots=True)
class Openings:
    """Who might pass now, and the version this was taken at."""

    version: int = 0
    all: tuple[Opening, ...] = ()
    _judged: dict[tuple[UserId, AppId, AppId, int], bool] = field(default_factory=dict, compare=False, repr=False)
    """
    Memory of `_unblocked`, which depends on nothing that moves while this value lives, but for the policies' version.
    """


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of a device authorization request."""

    client: AppId
    resource: AppId
    requester_address: str


def could_pass(
    policies: PolicySet, openings: Openings, start: Start, *, exception_group: GroupId, version: int, now: Instant
) -> bool:
    """Whether at least one person could complete this sign-in; *version* is the picture's, for the memory."""
    for opening in openings.all:
        exemption = opening.exemption
        if (
            exemption.active(now)
            and exemption.limits.admit(start.client, start.requester_address)
            and _unblocked(policies, openings, opening, start, exception_group, version)
        ):
            return True
    return False


def _unblocked(
    policies: PolicySet, openings: Openings, opening: Opening, start: Start, exception_group: GroupId, version: int
) -> bool:
    key = (opening.exemption.user, start.client, start.resource, version)
    known = openings._judged.get(key)
    if known is None:
        facts = facts_at_start(start, opening.exemption.user, opening.groups | {exception_group})
        known = evaluate(policies, facts, unknown=Treat.LATER).outcome is not Outcome.BLOCKED
        openings._judged[key] = known
    return known


def facts_at_start(start: Start, user: UserId, groups: frozenset[GroupId]) -> Facts:
    """What is known of *user* signing in with this request; what the person will prove is not."""
    return Facts(
        user=user,
        groups=groups,
        application=start.client,
        resource=start.resource,
        client_type="mobileAppsAndDesktopClients",
        transfer_method="deviceCodeFlow",
    )


def refusal(policies: PolicySet, start: Start) -> Decision:
    """Why somebody without an exemption is refused: the decision to show and to log."""
    return evaluate(policies, facts_at_start(start, UserId(""), frozenset()), unknown=Treat.STRICT)
