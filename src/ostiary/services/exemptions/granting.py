"""
From a request that was approved to the exemption that it gives: a step of whichever deed said the last yes.

Whoever it is for, their eligibility and the rules are looked at as they are now; what fails here changes nothing.
"""

from dataclasses import dataclass, replace

from ostiary.core.exemptions.deciding import extended, opened, outgrown
from ostiary.core.exemptions.eligibility import Eligibility
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.exemptions.request import Phase, Request
from ostiary.core.exemptions.rules import Approver, Rules
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import Stale
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Span, between
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import OPENINGS, touch
from ostiary.services.exemptions.sign_ins import go_on
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.store import Tx, eligibilities, exemptions, requests
from ostiary.store.access import known_of

__all__ = ["Grant", "approver", "grant", "prepare"]


@dataclass(frozen=True, slots=True)
class Grant:
    """What an approval would give."""

    exemption: Exemption
    running: Exemption | None
    """The one that is made longer."""
    consent_window: Span
    """How long the consent of a sign-in that waits for it counts."""


async def approver(tx: Tx, visit: Visit, user: UserId) -> Approver | None:
    """Step: a person as rules look at them: enabled, groups and roles of now."""
    known = await known_of(tx, user, visit.now)
    if known is None:
        return None
    account, groups, _ = known
    return Approver(account.id, account.enabled, groups, frozenset(role.value for role in account.roles))


async def prepare(tx: Tx, visit: Visit, request: Request, rules: Rules) -> Grant | Refused:
    """Step: what *request* would give now; nothing is written."""
    person = await approver(tx, visit, request.user)
    eligibility = await eligibilities.standing(tx, request.user, request.group, visit.now)
    if person is None or not person.enabled or eligibility is None:
        return Refused(Reason.NOT_ELIGIBLE, "The person is not eligible any more.")
    late = outgrown(request, rules)
    if late is not None:
        return late
    if request.target is None:
        given = opened(request, rules, eligibility, now=visit.now)
        return given if isinstance(given, Refused) else Grant(given, None, rules.consent_window)
    return await _longer(tx, visit, request, rules, eligibility)


async def _longer(tx: Tx, visit: Visit, request: Request, rules: Rules, eligibility: Eligibility) -> Grant | Refused:
    running = await exemptions.find(tx, request.opens)
    if running is None:
        return Refused(Reason.NOT_FOUND, "There is no such exemption.")
    given = extended(request, rules, running, eligibility, now=visit.now)
    return given if isinstance(given, Refused) else Grant(given, running, rules.consent_window)


async def grant(tx: Tx, visit: Visit, request: Request, given: Grant, *, auto: str = "") -> Request:
    """
    Step: write that *request* is approved, and what it gives; the sign-in that waits for it goes on. Raises Stale when
    one of them moved meanwhile.
    """
    new = replace(
        request, phase=Phase.APPROVED, decided=visit.now, decided_by=visit.caller.actor, auto=auto,
        number=request.number + 1,
    )  # fmt: skip
    if not await requests.move(tx, request, new):
        raise Stale
    if given.running is None:
        await exemptions.add(tx, given.exemption)
    elif not await exemptions.stretch(tx, given.running, given.exemption.ends, now=visit.now):
        raise Stale
    await touch(tx, OPENINGS)
    await _write_down(tx, visit, new, given)
    await go_on(tx, visit, new, given.consent_window)
    return new


async def _write_down(tx: Tx, visit: Visit, request: Request, given: Grant) -> None:
    exemption, running = given.exemption, given.running
    detail = {
        "user": request.user,
        "auto": request.auto,
        "approvers": [d.by for d in request.decisions if d.approved],
        "length": exemption.waits if exemption.waits is not None else between(exemption.starts, exemption.ends),
        "waits": exemption.waits is not None,
        "starts": exemption.starts,
        "ends": exemption.ends,
    }
    story = request.sign_in or ""
    await record(tx, visit, Entry(Kind.REQUEST_APPROVED, target=f"exemption:{request.id}", story=story, detail=detail))
    if running is not None:
        detail = {"user": request.user, "request": request.id, "before": running.ends, "ends": exemption.ends}
        await record(tx, visit, Entry(Kind.EXEMPTION_EXTENDED, target=f"exemption:{running.id}", detail=detail))
    if request.break_glass:
        text = f"{visit.caller.name} broke glass: {tame(request.reason)}"
        await alert(tx, visit, about="break_glass", text=text, target=f"exemption:{request.id}")
