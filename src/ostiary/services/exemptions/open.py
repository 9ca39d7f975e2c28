"""
Opening an exemption: an administrator's, or the local door's, for a reason that is written down.

The clock starts at opening unless a later start was asked for. A window for oneself is a break-glass window and
raises an alert (R3).
"""

from ostiary.core.access.picture import Picture
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.exemption import Exemption, Limits, limits_document
from ostiary.core.exemptions.opening import PRINCIPAL_LENGTH, Opening, Terms, examine, for_oneself
from ostiary.core.exemptions.request import record_of
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.instants import to_iso_duration
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import OPENINGS, settled, touch
from ostiary.services.exemptions.rules import current
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert, refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, requests
from ostiary.store.exemptions import Person, Shown, add, person


async def open_exemption(house: House, visit: Visit, opening: Opening) -> Shown | Refused:
    """
    Open a window through the block for one person.

    Refused: the caller may not (R2, R3), no reason, a length outside 5 minutes to 4 hours (2 through the local door),
    an unknown or disabled account, an unknown application. Windows may overlap.
    """
    new = ExemptionId(house.random.guid())

    async def body(tx: Tx, picture: Picture) -> Shown | Refused:
        shown = await _admit(tx, picture, visit, opening, new)
        if isinstance(shown, Refused):
            target = f"user:{opening.principal[:PRINCIPAL_LENGTH]}"
            return await refuse(tx, visit, Action.OPEN_EXEMPTION, shown, target=target)
        await add(tx, shown.exemption)
        await requests.add(tx, record_of(shown.exemption))
        await touch(tx, OPENINGS)
        await _write_down(tx, visit, shown)
        return shown

    return await settled(house, body)


async def try_opening(house: House, visit: Visit, opening: Opening) -> Shown | Refused:
    """What `open_exemption` would answer; nothing is opened and nothing written (Graph's `isValidationOnly`)."""
    new = ExemptionId(house.random.guid())

    async def body(tx: Tx, picture: Picture) -> Shown | Refused:
        return await _admit(tx, picture, visit, opening, new)

    return await settled(house, body, write=False)


async def _admit(tx: Tx, picture: Picture, visit: Visit, opening: Opening, new: ExemptionId) -> Shown | Refused:
    """Step: the window that *opening* would give, not yet written."""
    terms = judge(Action.OPEN_EXEMPTION, visit.caller, now=visit.now) or examine(opening, visit.caller, now=visit.now)
    if isinstance(terms, Refused):
        return terms
    whose = await _whose(tx, opening)
    if isinstance(whose, Refused):
        return whose
    longest = (await current(tx, picture.exception_group)).assigned_longest
    if opening.length > longest:
        text = f"The rules allow {to_iso_duration(longest)} at most."
        return Refused(Reason.INVALID_VALUE, text, field="scheduleInfo.expiration")
    missing = unknown_in(picture, opening.limits)
    if missing:
        return Refused(Reason.NOT_FOUND, "There is no such application.", field=missing)
    return Shown(_window(picture, visit, opening, terms, whose, new), whose.principal_name, whose.display_name)


def unknown_in(picture: Picture, limits: Limits) -> str:
    """The field of *limits* that names an application that is not there: it would admit nothing; empty if none does."""
    for field, id in (("ostiary.applicationId", limits.application), ("ostiary.resourceId", limits.resource)):
        application = picture.applications.get(id) if id is not None else None
        if id is not None and (application is None or not application.enabled):
            return field
    return ""


async def _whose(tx: Tx, opening: Opening) -> Person | Refused:
    whose = await person(tx, opening.principal) if len(opening.principal) <= PRINCIPAL_LENGTH else None
    if whose is None:
        return Refused(Reason.NOT_FOUND, "There is no such user.", field="principalId")
    if not whose.enabled:
        return Refused(Reason.INVALID_VALUE, "The account is disabled.", field="principalId")
    return whose


def _window(
    picture: Picture, visit: Visit, opening: Opening, terms: Terms, whose: Person, new: ExemptionId
) -> Exemption:
    return Exemption(
        id=new,
        user=whose.id,
        group=picture.exception_group,
        reason=terms.reason,
        starts=terms.starts,
        ends=terms.ends,
        opened=visit.now,
        opened_by=visit.caller.actor,
        limits=opening.limits,
        break_glass=opening.break_glass or for_oneself(visit.caller, whose.id, whose.principal_name),
    )


async def _write_down(tx: Tx, visit: Visit, shown: Shown) -> None:
    """Step: the entry, and an alert for what administrators should see at once (R3)."""
    exemption, target = shown.exemption, f"exemption:{shown.exemption.id}"
    detail = {
        "user": exemption.user,
        "user_name": shown.principal_name,
        "reason": exemption.reason,
        "starts": exemption.starts,
        "ends": exemption.ends,
        "limits": limits_document(exemption.limits),
        "break_glass": exemption.break_glass,
    }
    await record(tx, visit, Entry(Kind.EXEMPTION_OPENED, target=target, detail=detail))
    if exemption.break_glass:
        text = f"A break-glass exemption was opened for {shown.principal_name}."
        await alert(tx, visit, about="break_glass", text=text, target=target)
