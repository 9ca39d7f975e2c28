"""
Refusals that anybody can bring about: written, but never without a bound (R21).
"""

from collections.abc import Mapping
from typing import Any

from ostiary.core.directory.credentials import Rule
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import AppId, UserId
from ostiary.core.words.instants import hours
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory import throttle
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.store import Tx

ELSEWHERE = Rule(hours(1), 1, hours(1))
"""How often it is told that a sign-in is used from elsewhere."""


async def refuse(
    house: House, visit: Visit, kind: Kind, refused: Refused, *, client: str, detail: Mapping[str, Any] | None = None
) -> Refused:
    """A refusal on its way out: a row for the first twenty of its like in a minute, counted after that."""
    name = client.lower()
    registered = name in house.desk.picture.applications
    if not house.floods.admit(name, visit.address, refused.reason.value, visit.now, known=registered):
        return refused
    rules = list(refused.unsaid or refused.rules)
    more = {"reason": refused.reason.value, "client": tame(client), "rules": rules, **(detail or {})}

    async def body(tx: Tx) -> None:
        await record(tx, visit, Entry(kind, target=f"application:{tame(client)}", detail=more))

    await house.store.write(body)
    return refused


async def note(house: House, tx: Tx, visit: Visit, refused: Refused, entry: Entry) -> Refused:
    """
    Step: *entry* about a refusal that knows its sign-in, bounded by that: who holds a dead token can bring it at will.

    Counted inside the body: one that runs twice counts twice, and a row less is no harm.
    """
    if house.floods.admit_of(entry.story, refused.reason.value, visit.now):
        await record(tx, visit, entry)
        if refused.reason is Reason.ELSEWHERE:
            await _alert_elsewhere(tx, visit, entry)
    return refused


async def note_person(
    house: House, tx: Tx, visit: Visit, refused: Refused, entry: Entry, *, user: UserId, client: AppId
) -> Refused:
    """Step: *entry* about a refusal of a known person at *client*, bounded by the two: who may ask may ask again."""
    if house.floods.admit_by(user, client, refused.reason.value, visit.now):
        await record(tx, visit, entry)
    return refused


async def _alert_elsewhere(tx: Tx, visit: Visit, entry: Entry) -> None:
    """Step: what an exemption narrowed to a network gave came from another one: one alert a sign-in and hour."""
    subject = f"elsewhere:{entry.story}"
    if await throttle.locked(tx, subject, visit.now) is not None:
        return
    await throttle.strike(tx, subject, ELSEWHERE, now=visit.now)
    text = f"What an exemption gave was used from {visit.address or 'an unknown address'}, outside of its network."
    await alert(tx, visit, about="used from elsewhere", target=entry.target, story=entry.story, text=text)
