"""
Asking for an exemption: what the rules do not allow is told at once and in full, and nothing exists then.

Anybody eligible asks from anywhere; what no other person has to approve (an extension, break-glass, what a rule grants)
needs a browser session with fresh MFA (R3).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ostiary.core.access.device_facts import device_facts
from ostiary.core.access.picture import Picture
from ostiary.core.devices.device import Device
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.asking import Circumstances, Unmet, Wish, ask, automatic
from ostiary.core.exemptions.exemption import Limits, limits_document
from ostiary.core.exemptions.opening import PRINCIPAL_LENGTH
from ostiary.core.exemptions.request import Request
from ostiary.core.exemptions.rules import Checker, Rules
from ostiary.core.graph.error import Invalid, Problem, meaning
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import Origin
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import Bound
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.devices.proved import browser_of, device_of, device_of_passkey
from ostiary.services.exemptions.granting import Grant, approver, grant, prepare
from ostiary.services.exemptions.open import unknown_in
from ostiary.services.exemptions.rules import current
from ostiary.services.exemptions.tickets import check
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, eligibilities, exemptions, requests
from ostiary.store.exemptions import Person, person
from ostiary.store.requests import Asked
from ostiary.store.risk import risk_levels

__all__ = ["ask_exemption", "asked", "checked", "outlook"]


async def ask_exemption(house: House, visit: Visit, wish: Wish, *, trial: bool = False) -> Asked | Refused | Invalid:
    """
    Ask for *wish*. *trial*: what would be answered; nothing exists afterwards and nothing is written.

    Invalid: every rule that is not kept, by its place. Refused: NOT_SIGNED_IN, NOT_ELIGIBLE, STEP_UP,
    ORIGIN_FORBIDDEN, KILLED, FORBIDDEN (for somebody else, without being an administrator), NOT_FOUND.
    """
    new = ExemptionId(house.random.guid())
    checker, wish = await checked(house, visit, wish)

    async def body(tx: Tx, picture: Picture) -> Asked | Refused | Invalid:
        return await asked(tx, visit, picture, wish, new, checker, trial=trial)

    return await settled(house, body, write=not trial)


async def asked(
    tx: Tx,
    visit: Visit,
    picture: Picture,
    wish: Wish,
    new: ExemptionId,
    checker: Checker | None,
    *,
    trial: bool = False,
) -> Asked | Refused | Invalid:
    """
    Step: *wish* becomes the request *new*, or all that the rules do not allow is told. *wish* and *checker* are what
    `checked` gave before the transaction. As `ask_exemption`; CONFLICT where tickets are checked differently since.
    """
    whose = await _whose(tx, visit, picture, wish)
    if isinstance(whose, Refused):
        return whose if trial else await refuse(tx, visit, Action.ASK_EXEMPTION, whose, target=_target(wish))
    rules = await current(tx, picture.exception_group)
    if rules.checker != checker:  # changed meanwhile: what was asked was another question
        return Refused(Reason.CONFLICT)
    known = await _known(tx, visit, picture, wish, whose)
    request = ask(new, picture.exception_group, wish, visit.caller, rules, known, now=visit.now, address=visit.address)
    if not isinstance(request, Request):
        return await _unmet(tx, visit, whose, request, trial=trial)
    auto = automatic(request, visit.caller, rules, known)
    given = await _at_once(tx, visit, request, rules, auto)
    if isinstance(given, Refused):
        return given if trial else await refuse(tx, visit, Action.ASK_AT_ONCE, given, target=_target(wish))
    if not trial:
        request = await _write(tx, visit, whose, request, given, auto or "")
    return Asked(request, given.exemption if given else known.running, whose.principal_name, whose.display_name)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would come of a wish."""

    rules: Rules
    wish: Wish
    unmet: tuple[Unmet, ...]
    at_once: bool
    """Whether a rule would grant it without another person's word."""


async def outlook(
    tx: Tx, visit: Visit, picture: Picture, wish: Wish, narrow: Callable[[Rules], Limits]
) -> Outlook | Refused:  # fmt: skip
    """
    Step: all that the rules do not allow of *wish*, narrowed by *narrow*; whether its ticket can be confirmed is not
    asked. Refused: as `ask_exemption`, about who asks.
    """
    whose = await _whose(tx, visit, picture, wish)
    if isinstance(whose, Refused):
        return whose
    rules = await current(tx, picture.exception_group)
    wish = replace(wish, limits=narrow(rules))
    known = await _known(tx, visit, picture, wish, whose)
    answer = ask(ExemptionId(""), picture.exception_group, wish, visit.caller, rules, known, now=visit.now)
    if not isinstance(answer, Request):
        return Outlook(rules, wish, answer, at_once=False)
    return Outlook(rules, wish, (), automatic(answer, visit.caller, rules, known) is not None)


async def checked(house: House, visit: Visit, wish: Wish) -> tuple[Checker | None, Wish]:
    """*wish* with its ticket checked, if the rules ask for that; and the checker that was asked."""

    async def look(tx: Tx) -> Rules:
        return await current(tx, house.desk.picture.exception_group)

    checker = (await house.store.read(look)).checker
    ticket = wish.ticket
    if ticket is None or checker is None or judge(Action.ASK_EXEMPTION, visit.caller, now=visit.now) is not None:
        return checker, wish
    confirmed = await check(house, checker, ticket.number)
    return checker, replace(wish, ticket=replace(ticket, checked=confirmed))


def _target(wish: Wish) -> str:
    return f"user:{wish.principal[:PRINCIPAL_LENGTH]}"


async def _whose(tx: Tx, visit: Visit, picture: Picture, wish: Wish) -> Person | Refused:
    """Step: the person that it is for, if the caller may ask for them."""
    caller = visit.caller
    action = Action.ASK_AT_ONCE if wish.break_glass or wish.extends is not None else Action.ASK_EXEMPTION
    refused = judge(action, caller, now=visit.now)
    if refused is not None or caller.user is None:
        return refused or Refused(Reason.NOT_SIGNED_IN)
    if picture.switch.on:
        return Refused(Reason.KILLED, "Device sign-ins are stopped: nothing can be asked for.")
    named = wish.principal or caller.user
    found = await person(tx, named) if len(named) <= PRINCIPAL_LENGTH else None
    if found is None or found.id != caller.user:
        refused = judge(Action.OPEN_EXEMPTION, caller, now=visit.now)  # for another: as an administrator
    if refused is not None:
        return refused
    return found or Refused(Reason.NOT_FOUND, "There is no such user.", field="principalId")


async def _known(tx: Tx, visit: Visit, picture: Picture, wish: Wish, whose: Person) -> Circumstances:
    """Step: what the rules look at. How high the risk is may be unknown, which grants nothing (R4)."""
    someone = await approver(tx, visit, whose.id)
    assert someone is not None  # the row was read in this transaction
    return Circumstances(
        person=someone,
        eligibility=await eligibilities.standing(tx, whose.id, picture.exception_group, visit.now),
        device=device_facts(await _device(tx, visit, picture), visit.now),
        risk=(await risk_levels(tx, whose.id, "", visit.now)).person,
        last_end=await exemptions.last_end(tx, whose.id, visit.now),
        running=await exemptions.find(tx, wish.extends) if wish.extends is not None else None,
        waiting=await requests.waiting(tx, whose.id, visit.now),
        missing=unknown_in(picture, wish.limits),
    )


async def _device(tx: Tx, visit: Visit, picture: Picture) -> Device | None:
    """
    Step: the machine of the inventory that the request comes from, by the certificate or the key that it proved, or by
    the passkey of the browser's session.
    """
    browser = await browser_of(tx, visit, picture.built_in)
    if browser.passkey is not None:
        return await device_of_passkey(tx, browser.passkey, visit.caller.user, picture.built_in, visit.now)
    shown = await device_of(tx, Bound(x5t=visit.proof.x5t)) if visit.proof.x5t is not None else None
    return shown or (await device_of(tx, Bound(jkt=visit.proof.jkt)) if visit.proof.jkt is not None else None)


async def _at_once(tx: Tx, visit: Visit, request: Request, rules: Rules, auto: str | None) -> Grant | Refused | None:
    """Step: what is given without another person's word; None: it waits for one."""
    if auto is None:
        if rules.approved_by_people:
            return None
        by_browser = visit.caller.origin is Origin.BROWSER
        text = said("No approver is asked under these rules, so one asks for oneself, in a browser.")
        return Refused(Reason.FORBIDDEN if by_browser else Reason.ORIGIN_FORBIDDEN, text)
    refused = judge(Action.ASK_AT_ONCE, visit.caller, now=visit.now)
    if refused is not None:
        return None if rules.approved_by_people and not request.break_glass else refused
    return await prepare(tx, visit, request, rules)


async def _write(tx: Tx, visit: Visit, whose: Person, request: Request, given: Grant | None, auto: str) -> Request:
    """Step: the request, its entry, and what it gives at once."""
    await requests.add(tx, request)
    ticket = request.ticket
    detail = {
        "user": request.user,
        "user_name": whose.principal_name,
        "act": request.act.value,
        "reason": tame(request.reason),
        "length": request.length,
        "starts": request.starts or 0,
        "ends": request.ends,
        "limits": limits_document(request.limits),
        "ticket": "" if ticket is None else tame(f"{ticket.system} {ticket.number}".strip()),
        "break_glass": request.break_glass,
        "target": request.target or "",
    }
    story = request.sign_in or ""
    await record(tx, visit, Entry(Kind.REQUEST_MADE, target=f"exemption:{request.id}", story=story, detail=detail))
    return request if given is None else await grant(tx, visit, request, given, auto=auto)


_FIRST = (Reason.NOT_ELIGIBLE, Reason.NOT_FOUND, Reason.WRONG_STATE)


async def _unmet(tx: Tx, visit: Visit, whose: Person, wrong: tuple[Unmet, ...], *, trial: bool) -> Refused | Invalid:
    """Step: everything that the rules do not allow, written down and told."""
    if not trial:
        detail = {
            "user": whose.id,
            "rules": [unmet.rule for unmet in wrong],
            "problems": [tame(unmet.refused.detail or unmet.refused.reason.value) for unmet in wrong],
        }
        await record(tx, visit, Entry(Kind.REQUEST_REFUSED, target=f"user:{whose.id}", detail=detail))
    for unmet in wrong:
        if unmet.refused.reason in _FIRST:
            return unmet.refused
        if unmet.refused.reason is Reason.MFA_REQUIRED:
            return replace(unmet.refused, reason=Reason.STEP_UP)
    return Invalid(tuple(_problem(unmet) for unmet in wrong))


def _problem(unmet: Unmet) -> Problem:
    refused = unmet.refused
    return Problem(refused.field or unmet.rule, refused.detail or meaning(refused.reason).message, unmet.rule)
