"""
A machine asks for a code (RFC 8628 §3.1). Closed by default: unless somebody could pass, no code exists (R1).
"""

from contextlib import suppress
from dataclasses import dataclass, field

from ostiary.core.access.picture import Picture
from ostiary.core.devices.device import Device
from ostiary.core.directory.applications import Application
from ostiary.core.directory.credentials import source_of
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins import user_code
from ostiary.core.signins.request_binding import Datum
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.tokens import scopes
from ostiary.core.tokens.binding import fixed
from ostiary.core.words.digests import digest, keyed
from ostiary.core.words.errors import Clash
from ostiary.core.words.ids import SignInId, UserId
from ostiary.core.words.instants import Span, after, between
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import UNBOUND
from ostiary.core.words.visit import Visit
from ostiary.services.access.clients import spend
from ostiary.services.access.desk import settled
from ostiary.services.devices.proved import device_of
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.signins.crowding import barred, crowded, tell_crowd
from ostiary.services.signins.refusals import refuse
from ostiary.services.signins.startable import Judged, Request, judge, proved_key, said_by, shown
from ostiary.services.signins.tickets import spend_ticket, ticket_digests
from ostiary.store import Tx
from ostiary.store import signins as rows
from ostiary.store.directory import find_named

__all__ = ["USER_CODES", "Request", "Started", "start"]

NO_ONE = UserId("-")  # whom a hint names that is nobody's name
LONGEST_HINT = 320  # characters; as long as a principal name may be
USER_CODES = user_code.KEY
DRAWS = 3  # user codes drawn before it is told that there is no room


@dataclass(frozen=True, slots=True)
class Started:
    """A code exists. The codes are secrets: they leave in this answer and are nowhere else."""

    application: Application
    device_code: str = field(repr=False)
    user_code: str = field(repr=False)
    lifetime: Span
    interval: Span
    binding: tuple[Datum, ...] = ()
    """What the page will ask whoever approves for (M17)."""
    id: str = ""  # of the sign-in: the name of its story and of its trace; it opens nothing


@dataclass(frozen=True, slots=True)
class _Codes:
    device: str = field(repr=False)
    user: str = field(repr=False)


async def start(house: House, visit: Visit, request: Request) -> Started | Refused:
    """Issue a code, or say why not. Reasons: those of `authenticate` and `scopes.parse`, BLOCKED, BUSY_SOURCE, …"""

    async def look(tx: Tx, picture: Picture) -> Judged | Refused:
        device = await device_of(tx, proved_key(visit, request, picture))
        return judge(house, visit, request, picture, device)

    used = await spend(house, visit, request.client)
    key = proved_key(visit, request, house.desk.picture)
    device = None if key == UNBOUND else await house.store.read(lambda tx: device_of(tx, key))
    judged = used or judge(house, visit, request, house.desk.picture, device)
    if isinstance(judged, Refused) and not used:  # memory may be old: a refusal is as true as a code
        judged = await settled(house, look, write=False)
    if isinstance(judged, Refused):
        return await _refuse(house, visit, request, judged)
    for _ in range(DRAWS):
        codes = _codes(house)
        if codes is None:
            break
        with suppress(Clash):  # somebody has this user code: another is drawn
            return await _issue(house, visit, request, codes, judged)
    return await _refuse(house, visit, request, Refused(Reason.BUSY_SOURCE, "Too many codes are open."))


async def _refuse(house: House, visit: Visit, request: Request, refused: Refused) -> Refused:
    """On its way out: written with a bound; where a limit of all is used up, somebody is alerted."""
    client, limit = request.client.name, refused.field if refused.reason is Reason.BUSY_SOURCE else ""
    detail = {"limit": limit} if limit else None
    await refuse(house, visit, Kind.START_REFUSED, refused, client=client, detail=detail)
    if limit:
        await tell_crowd(house, visit, client, limit)
    return refused


def _codes(house: House) -> _Codes | None:
    letters = user_code.length(len(house.room.codes) + 1)
    if letters is None:
        return None
    return _Codes(house.random.token(), house.random.letters(user_code.ALPHABET, letters))


def _judge_again(
    house: House, visit: Visit, request: Request, picture: Picture, before: Judged, device: Device | None
) -> Judged | Refused:
    """
    *before*, if it still stands: on the very same memory and machine only the count of open codes can have changed.
    """
    if before.picture is picture and before.openings is house.desk.openings and before.device == device:
        return crowded(house, visit, before.application, proved=before.proved) or before
    return judge(house, visit, request, picture, device)


async def _issue(house: House, visit: Visit, request: Request, codes: _Codes, before: Judged) -> Started | Refused:
    """Write the request down, judged again on what is true in this transaction."""
    secret = digest(codes.device)
    typed = keyed(house.vault.derived(USER_CODES), codes.user)
    id, tickets = SignInId(visit.id), ticket_digests(house, request.ticket) if request.ticket else ()

    async def body(tx: Tx, picture: Picture) -> tuple[Judged, SignIn] | Refused:
        device = await device_of(tx, proved_key(visit, request, picture))
        judged = await barred(tx, visit, visit.address) or _judge_again(house, visit, request, picture, before, device)
        if isinstance(judged, Refused):
            return judged
        application, asked = judged.application, judged.asked
        bound = fixed(shown(visit, request), application)
        named = await _named(tx, request.login_hint)
        if request.ticket:
            holder = await spend_ticket(tx, visit, application.id, tickets)
            if isinstance(holder, Refused):
                return holder
            named = holder if named in (None, holder) else NO_ONE
        signin = SignIn(
            id=id,
            client=application.id,
            resource=asked.resource.id,
            scopes=scopes.stored(asked),
            state=State.ISSUED,
            requester_address=visit.address,
            requester_agent=tame(visit.agent),
            created=visit.now,
            ends=after(visit.now, application.code_lifetime),
            challenge=request.challenge or None,
            jkt=bound.jkt,
            x5t=bound.x5t,
            named=named,
            device=judged.device.id if judged.device is not None else None,
            declared=said_by(application, request),
        )
        await rows.add(tx, signin, device_code=secret, user_code=typed)
        await record(tx, visit, _entry(application, signin))
        return judged, signin

    made = await settled(house, body)
    if isinstance(made, Refused):  # decided while it waited its turn
        return await _refuse(house, visit, request, made)
    application, signin = made[0].application, made[1]
    interval = house.settings.poll_interval
    house.room.admit(
        secret, client=application.id, source=source_of(visit.address), ends=signin.ends, interval=interval,
        bound=signin.bound,
    )  # fmt: skip
    left = between(visit.now, signin.ends)
    return Started(application, codes.device, codes.user, left, interval, made[0].binding, signin.id)


async def _named(tx: Tx, login_hint: str) -> UserId | None:
    """
    Step: the person that `login_hint` names (R11). The claim enforces it; a name that nobody has lets nobody claim.
    """
    hint = login_hint.strip().lower()
    if not hint:
        return None
    user = await find_named(tx, hint) if len(hint) <= LONGEST_HINT else None
    return user.id if user is not None else NO_ONE


def _entry(application: Application, signin: SignIn) -> Entry:
    detail = {
        "client": application.id,
        "client_name": application.name,
        "resource": signin.resource,
        "scopes": list(signin.scopes),
        "ends": signin.ends,
        "named": signin.named or "",
        "key": signin.jkt or "",
        "certificate": signin.x5t or "",
        "machine": tame(signin.declared.machine),
        "reason": tame(signin.declared.reason),
        "reference": tame(signin.declared.reference),
        "ticket": signin.declared.ticket,
        "device": signin.device or "",
        "asks": signin.declared.asks,
    }
    return Entry(Kind.STARTED, target=f"application:{application.id}", story=signin.id, detail=detail)
