"""
One request as those see it who decide it, with what is odd about it; and as the person sees it whom it is for.

Who may not decide gets one and the same answer, whether the request exists or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ostiary.core.access.picture import Picture
from ostiary.core.access.places import network
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.deciding import Verdict, decide, lesser, may_end, may_look
from ostiary.core.exemptions.oddities import Oddity, oddities, unknown
from ostiary.core.exemptions.request import UNDECIDED, Decision, State, standing
from ostiary.core.exemptions.rules import Approver, Rules
from ostiary.core.graph.approval import Approval
from ostiary.core.words.ids import DeviceId, ExemptionId
from ostiary.core.words.instants import Instant, Span
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.approvals import stages_of
from ostiary.services.exemptions.around import around, called
from ostiary.services.exemptions.decide import people
from ostiary.services.exemptions.granting import approver
from ostiary.services.exemptions.machine import Waiter, sign_in_of, waiter
from ostiary.services.exemptions.requests import may_review, not_reviewable
from ostiary.services.exemptions.rules import current
from ostiary.services.house import House
from ostiary.store import Tx, devices, requests
from ostiary.store.requests import Asked

__all__ = ["NOT_YOURS", "Look", "Opens", "look", "look_at_own"]

NOT_YOURS = Refused(
    Reason.NOT_FOUND,
    "There is nothing for you to decide here. Either there is no such request, or it is your own, or the rules do not "
    "name you as one of its approvers (any more).",
)
_TRY = Verdict(approve=True, reason="may I?")


@dataclass(frozen=True, slots=True)
class Opens:
    """What it would open, in words; an empty text or tuple is "not narrowed"."""

    application: str = ""
    resource: str = ""
    scopes: tuple[str, ...] = ()
    """What the resource calls them."""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A request as somebody sees it at one moment."""

    asked: Asked
    state: State
    opens: Opens
    approval: Approval
    names: Mapping[str, str]
    """Actors by what they are called."""
    eligible: Instant | None = None
    """Since when the person is; None: not any more."""
    used: Instant | None = None
    """When an exemption of the person was used last."""
    country: str = ""
    network: str = ""
    """Of the address that it was made from; empty: not known."""
    machine: Waiter | None = None
    """The machine at whose sign-in it was asked."""
    odd: tuple[Oddity, ...] = ()
    unknown: tuple[str, ...] = ()
    refused: Refused | None = None
    """Why the caller cannot decide it now, apart from proof that is too old; None: they can."""
    reasoned: bool = True
    """Whether an approval needs a reason."""
    lengths: tuple[Span, ...] = ()
    """For how much less it can be approved."""
    stale: bool = False
    """Whether the caller's second factor is asked for again first (R3)."""
    may_end: bool = False
    may_review: bool = False

    @property
    def waits(self) -> bool:
        """Whether it waits for a decision."""
        return self.state in UNDECIDED


async def look(house: House, visit: Visit, id: str) -> Look | Refused:
    """
    The request *id* for one of its approvers, or an administrator. Refused: `NOT_YOURS` for everybody else and for ids
    that nobody has, NOT_SIGNED_IN.
    """

    async def body(tx: Tx) -> Look | Refused:
        me = await approver(tx, visit, visit.caller.user) if visit.caller.user is not None else None
        refused = judge(Action.READ_SELF, visit.caller, now=visit.now)
        if refused is not None or me is None:
            return refused or Refused(Reason.NOT_SIGNED_IN)
        asked = await requests.show(tx, ExemptionId(id[:64]))
        if asked is None:
            return NOT_YOURS
        rules = await current(tx, asked.request.group)
        if not may_look(asked.request, rules, me, visit.now):
            return NOT_YOURS
        return await _for_approver(tx, visit, house.desk.picture, asked, rules, me)

    return await house.store.survey(body)


async def look_at_own(house: House, visit: Visit, id: str) -> Look | Refused:
    """The request *id* for whom it is for, or who made it. Refused: NOT_FOUND for all others, NOT_SIGNED_IN."""

    async def body(tx: Tx) -> Look | Refused:
        caller = visit.caller
        refused = judge(Action.READ_SELF, caller, now=visit.now)
        asked = await requests.show(tx, ExemptionId(id[:64]))
        if refused is not None or asked is None or caller.user is None:
            return refused or Refused(Reason.NOT_FOUND, "There is no such request of yours.")
        if caller.user != asked.request.user and caller.actor != asked.request.by:
            return Refused(Reason.NOT_FOUND, "There is no such request of yours.")
        rules, known = await current(tx, asked.request.group), await people(tx, visit, asked.request)
        return await _common(tx, visit, house.desk.picture, asked, stages_of(asked.request, rules, known, visit))

    return await house.store.survey(body)


async def _common(tx: Tx, visit: Visit, picture: Picture, asked: Asked, approval: Approval) -> Look:
    """Step: what everybody sees who sees it at all."""
    request, exemption = asked.request, asked.exemption
    actors = {request.by, request.decided_by, request.reviewed_by, (exemption and exemption.ended_by) or ""}
    return Look(
        asked,
        standing(request, exemption, visit.now),
        await _opens(tx, picture, asked),
        approval,
        MappingProxyType({actor: await called(tx, actor) for actor in actors if actor}),
    )


async def _opens(tx: Tx, picture: Picture, asked: Asked) -> Opens:
    limits = asked.request.limits
    named = picture.applications.get(limits.application) if limits.application is not None else None
    resource = picture.applications.get(limits.resource) if limits.resource is not None else None
    words = {scope.value: scope.description for scope in resource.scopes} if resource is not None else {}
    device = await devices.listed(tx, DeviceId(limits.device)) if limits.device is not None else None
    return Opens(
        named.name if named is not None else (limits.application or ""),
        resource.name if resource is not None else (limits.resource or ""),
        tuple(words.get(value) or value for value in sorted(limits.scopes or ())),
        device.device.name if device is not None else (limits.device or ""),
    )


async def _for_approver(tx: Tx, visit: Visit, picture: Picture, asked: Asked, rules: Rules, me: Approver) -> Look:
    """Step: with the person's history, what is odd, and what the caller may do."""
    request, now, caller = asked.request, visit.now, visit.caller
    signin = await sign_in_of(tx, request)
    seen = await around(tx, visit, picture, request, rules, signin)
    known = await people(tx, visit, request)
    verdict = decide(request, _TRY, caller, rules, known, now=now)
    place = seen.place
    shown = await _common(tx, visit, picture, asked, stages_of(request, rules, known, visit))
    running = shown.state in (State.APPROVED, State.ACTIVE)
    stale = judge(Action.DECIDE_REQUEST, caller, now=now)
    return replace(
        shown,
        eligible=seen.eligible,
        used=seen.history.used,
        country=place.country if isinstance(place.country, str) else "",
        network=network(place, seen.operator),
        machine=await waiter(tx, visit, picture, signin, seen) if signin is not None else None,
        odd=oddities(seen),
        unknown=unknown(seen),
        refused=verdict if isinstance(verdict, Refused) else None,
        reasoned=not isinstance(verdict, Decision) or rules.stages[verdict.stage].reasoned,
        lengths=lesser(request, rules),
        stale=stale is not None and stale.reason is Reason.STEP_UP,
        may_end=running and may_end(request, rules, me, now),
        may_review=may_review(visit) and not_reviewable(visit, asked) is None,
    )
