"""
Taking a start ticket in the browser, and spending it when a machine asks for a code (R22).
"""

from dataclasses import dataclass, field

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.directory.credentials import source_of
from ostiary.core.directory.permissions import FRESH
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins import ticket
from ostiary.core.words.digests import keyed
from ostiary.core.words.ids import AppId, UserId
from ostiary.core.words.instants import Instant, after, between
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.directory.throttle import locked, strike
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx, credentials

__all__ = ["Taken", "open_to_tickets", "spend_ticket", "take_ticket", "ticket_digests"]


@dataclass(frozen=True, slots=True)
class Taken:
    """A ticket. The letters are a secret until they are spent: they leave in this answer and are nowhere else."""

    application: Application | None
    """None: for enrolling a machine."""
    letters: str = field(repr=False)
    ends: Instant


def open_to_tickets(picture: Picture) -> tuple[Application, ...]:
    """The applications that sign people in with a code, by name."""
    found = (each for each in picture.applications.values() if each.enabled and each.device_flow)
    return tuple(sorted(found, key=lambda each: (each.name.casefold(), each.id)))


async def take_ticket(house: House, visit: Visit, client: str) -> Taken | Refused:
    """
    A ticket of the person at the page for *client* (or `ticket.ENROLMENT`), with MFA not older than five minutes.

    Reasons: NOT_SIGNED_IN, MFA_REQUIRED, MFA_STALE, NOT_FOUND, BUSY_SOURCE.
    """
    caller, user = visit.caller, visit.caller.user
    if user is None:
        return Refused(Reason.NOT_SIGNED_IN)
    if not caller.mfa or caller.authenticated_at is None:
        return Refused(Reason.MFA_REQUIRED)
    if between(caller.authenticated_at, visit.now) > FRESH:
        return Refused(Reason.MFA_STALE)
    letters = house.random.letters(ticket.ALPHABET, ticket.LENGTH)
    digest, ends = keyed(house.vault.derived(ticket.KEY), letters), after(visit.now, ticket.LIFETIME)

    async def body(tx: Tx, picture: Picture) -> Taken | Refused:
        application = next((each for each in open_to_tickets(picture) if each.id == client), None)
        if application is None and client != ticket.ENROLMENT:
            return Refused(Reason.NOT_FOUND, "There is no such application.", field="application")
        held = await credentials.count_open(tx, "start_ticket:", user, now=visit.now)
        if held >= ticket.MOST:
            text = said("You have %(count)s tickets already. They end within ten minutes.", count=ticket.MOST)
            return Refused(Reason.BUSY_SOURCE, text)
        purpose = ticket.purpose(AppId(client))
        await credentials.invite(tx, digest=digest, purpose=purpose, user=user, created=visit.now, ends=ends)
        detail = {"user": user, "client": client, "ends": ends}
        await record(tx, visit, Entry(Kind.TICKET_TAKEN, target=f"user:{user}", detail=detail))
        return Taken(application, letters, ends)

    return await settled(house, body)


def ticket_digests(house: House, typed: str) -> tuple[bytes, ...]:
    """What a ticket may be kept as (R17); none for what cannot be one, so that it is looked up like a wrong one."""
    letters = ticket.normal(typed)
    return tuple(keyed(key, letters) for key in house.vault.derived_each(ticket.KEY))


async def spend_ticket(tx: Tx, visit: Visit, client: AppId, digests: tuple[bytes, ...]) -> UserId | Refused:
    """
    Step: whose ticket it is; it is spent with that. Wrong = unknown = of another application = spent = over, and
    counted against the source.

    Reasons: BAD_TICKET, BUSY_SOURCE.
    """
    subject = f"ticket:{source_of(visit.address)}"
    if await locked(tx, subject, visit.now) is not None:
        return Refused(Reason.BUSY_SOURCE, "Too many wrong tickets came from here.")
    found = [await credentials.invitation(tx, digest, ticket.purpose(client)) for digest in digests]
    held = next((each for each in found if each is not None), None)
    if held is not None and held.user is not None and await credentials.spend(tx, held.digest, visit.now):
        return held.user
    await strike(tx, subject, ticket.WRONG, now=visit.now)
    return Refused(Reason.BAD_TICKET)
