"""
Risk assessments of applications (R23): made, looked through, and announced when their review is overdue.

Each version stands whole in the journal; the registration holds the newest. Whether a device sign-in may begin is
derived from its date, wherever that is asked; the job here only tells.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.directory.assessments import Standing, assess, closes, standing, written
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.directory.readiness import Known, Readiness, examine
from ostiary.core.graph.query import Page
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.ids import AppId, UserId, is_guid
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.store import Store, Tx, directory, logs, registry
from ostiary.store.access import raise_version

__all__ = ["announce_reviews", "check", "checks", "date_carried", "note_assessment", "with_assessment"]

READER = "reviews"


async def with_assessment(
    tx: Tx, visit: Visit, old: Application | None, new: Application, changes: Mapping[str, Any]
) -> Application | Refused:
    """
    Step: *new* with the assessment that *changes* carry; refused when the device flow would be switched on without a
    current one. INVALID_VALUE with the field, WRONG_STATE.
    """
    before = old.assessment if old is not None else None
    if "assessment" in changes:
        made = await _made(tx, visit, new, changes["assessment"])
        if isinstance(made, Refused):
            return made
        new = made
    switched_on = new.device_flow and not (old is not None and old.device_flow)
    if switched_on and standing(new.assessment, visit.now) is not Standing.CURRENT:
        lacks = "no risk assessment" if before is None else "no risk assessment whose review is still ahead"
        detail = f"There is {lacks} of it: `ostiary app assess {new.id}` (R23)."
        return Refused(Reason.WRONG_STATE, detail, field="ostiary.deviceFlow")
    return new


async def _made(tx: Tx, visit: Visit, new: Application, wish: Mapping[str, Any]) -> Application | Refused:
    for uri in wish.get("resources", ()):
        if await registry.holder(tx, uri) is None and await registry.find(tx, uri) is None:
            return Refused(
                Reason.INVALID_VALUE, f"There is no resource {uri[:80]}.", field="ostiary.assessment.resources"
            )
    named = str(wish.get("owner", ""))
    owner = await (directory.find(tx, UserId(named)) if is_guid(named) else directory.find_named(tx, named.lower()))
    made = assess(new.assessment, wish, owner=owner, by=visit.caller.actor, now=visit.now)
    return made if isinstance(made, Refused) else replace(new, assessment=made)


async def note_assessment(tx: Tx, visit: Visit, old: Application | None, new: Application, reason: str) -> bool:
    """Step: the entry that keeps this version; whether there is a new one."""
    if new.assessment is None or (old is not None and new.assessment == old.assessment):
        return False
    detail = {"name": tame(new.name), "assessment": written(new.assessment), "reason": tame(reason)}
    await record(tx, visit, Entry(Kind.APPLICATION_ASSESSED, target=f"application:{new.id}", detail=detail))
    return True


async def checks(house: House, visit: Visit) -> Page[Readiness] | Refused:
    """Every application but the admin API, by name: few, one page."""
    refused = judge(Action.READ_DIRECTORY, visit.caller, now=visit.now)
    await house.desk.reload()
    picture = house.desk.picture

    async def body(tx: Tx) -> Page[Readiness] | Refused:
        every = sorted(picture.applications.values(), key=lambda a: (a.name, a.id))
        return refused or Page(
            tuple([await _examined(tx, picture, each, visit.now) for each in every if not each.admin_api])
        )

    return await house.store.read(body)


async def check(house: House, visit: Visit, id: str) -> Readiness | Refused:
    """One application, by client id."""
    refused = judge(Action.READ_DIRECTORY, visit.caller, now=visit.now)
    await house.desk.reload()
    picture = house.desk.picture

    async def body(tx: Tx) -> Readiness | Refused:
        application = picture.applications.get(AppId(id))
        if refused is not None or application is None:
            return refused or Refused(Reason.NOT_FOUND, "There is no such application.")
        return await _examined(tx, picture, application, visit.now)

    return await house.store.read(body)


async def _examined(tx: Tx, picture: Picture, application: Application, now: Instant) -> Readiness:
    """Step: what is consented to, what is in reach, and who owns the assessment."""
    assessment = application.assessment
    named = [picture.resource(uri) for uri in assessment.resources] if assessment is not None else []
    reached = [picture.applications.get(resource) for client, resource in picture.consents if client == application.id]
    reached += [picture.resource(uri) for uri in application.reach]
    owner = await directory.find(tx, UserId(assessment.owner)) if assessment is not None else None
    known = Known(
        {found.id: found.name for found in reached if found is not None},
        frozenset(found.id for found in named if found is not None),
        owner is not None and owner.enabled,
        picture.policies.asked,
    )
    return examine(application, known, now)


async def date_carried(store: Store, visit: Visit) -> int:
    """
    At a start: what an upgrade carried over without a date is due from now on, once; how many. It runs before there is
    a picture, so it takes the store. Only the migration makes such records: an application without one gets none.
    """

    async def body(tx: Tx) -> int:
        dated = 0
        for old in await registry.everything(tx):
            carried = old.assessment
            if carried is None or not carried.carried or carried.review:
                continue
            new = replace(old, assessment=replace(carried, review=visit.now, assessed=visit.now))
            if not await registry.change(tx, old, new):
                raise BrokenState(f"the application {old.id} moved in its own transaction")
            await note_assessment(tx, visit, old, new, "its device flow was on before assessments were asked for")
            dated += 1
        if dated:
            await raise_version(tx, PICTURE)
        return dated

    return await store.write(body)


async def announce_reviews(house: House, visit: Visit) -> int:
    """
    Job: an entry and an alert, once, for each review that is overdue and for each device flow that closes by it.

    Touches nothing that decides. A new version's review is ahead, so none can appear behind the cursor.
    """

    async def body(tx: Tx) -> int:
        seen, told = await logs.cursor(tx, READER), 0
        for application in await registry.everything(tx):
            told += await _announce(tx, visit, application, Instant(seen))
        if told:
            await logs.move_cursor(tx, READER, seen=seen, position=visit.now)
        return told

    return await house.store.write(body)


async def _announce(tx: Tx, visit: Visit, application: Application, seen: Instant) -> int:
    assessment = application.assessment
    if assessment is None or not application.device_flow:
        return 0
    if seen < closes(assessment) <= visit.now:
        kind, text = Kind.REVIEW_CLOSED, "is overdue for 30 days: no device sign-in of it begins until it is reviewed."
    elif seen < assessment.review <= visit.now:
        kind, text = Kind.REVIEW_OVERDUE, "is overdue: in 30 days its device sign-ins end."
    else:
        return 0
    target = f"application:{application.id}"
    detail = {"name": tame(application.name), "version": assessment.version, "owner": assessment.owner_name,
              "review": assessment.review, "closes": closes(assessment)}  # fmt: skip
    await record(tx, visit, Entry(kind, target=target, detail=detail))
    await alert(tx, visit, about="review overdue", target=target,
                text=f"The review of the risk assessment of {application.name} {text}")  # fmt: skip
    return 1
