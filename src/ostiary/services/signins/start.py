"""
A machine asks for a code (RFC 8628 §3.1). Closed by default: unless somebody could pass, no code exists (R1).
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ostiary.core.access.device_facts import device_facts
from ostiary.core.access.facts import UNKNOWN
from ostiary.core.access.picture import Picture
from ostiary.core.devices.device import Device
from ostiary.core.directory.applications import Application
from ostiary.core.directory.assessments import may_start
from ostiary.core.directory.credentials import source_of
from ostiary.core.exemptions.could_pass import Openings, Start, could_pass, in_the_way, refusal
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins import request_binding, user_code
from ostiary.core.signins.declared import NO_LENGTH, Declared, declared
from ostiary.core.signins.number import takes
from ostiary.core.signins.request_binding import Datum
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.tokens import scopes
from ostiary.core.tokens.binding import complaint, fixed, judge_key
from ostiary.core.tokens.clients import Shown
from ostiary.core.tokens.dpop import is_thumbprint
from ostiary.core.tokens.pkce import METHOD, is_challenge
from ostiary.core.words.digests import digest, keyed
from ostiary.core.words.errors import Clash
from ostiary.core.words.ids import AppId, SignInId, UserId
from ostiary.core.words.instants import Span, after, between, from_duration
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import UNBOUND, Bound, Proof
from ostiary.core.words.visit import Visit
from ostiary.services.access.clients import authenticate, spend
from ostiary.services.access.desk import settled
from ostiary.services.access.gather import asked_scopes
from ostiary.services.devices.proved import device_of
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.signins.crowding import barred, crowded, tell_crowd
from ostiary.services.signins.refusals import refuse
from ostiary.services.signins.tickets import spend_ticket, ticket_digests
from ostiary.store import Tx
from ostiary.store import signins as rows
from ostiary.store.directory import find_named

NO_ONE = UserId("-")  # whom a hint names that is nobody's name
LONGEST_HINT = 320  # characters; as long as a principal name may be
USER_CODES = user_code.KEY
DRAWS = 3  # user codes drawn before it is told that there is no room


@dataclass(frozen=True, slots=True)
class Request:
    """A device authorization request, as it came."""

    client: Shown = field(default_factory=Shown)
    scope: str = ""
    challenge: str = ""
    challenge_method: str = ""
    login_hint: str = ""
    dpop_jkt: str = ""
    machine: str = ""
    """The requester's name, as it says."""
    reason: str = ""
    """What it asks for a code for, as it says."""
    reference: str = ""
    """A ticket's number or the like, that its person knows (M17)."""
    number: bool = False
    """That it can take a number."""
    ticket: str = field(default="", repr=False)
    asks: str = ""
    """Why its person asks for an exemption, if they need one (R1); empty: it does not ask."""
    length: str = ""
    """For how long, as a duration; empty: as the rules usually give."""


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


@dataclass(frozen=True, slots=True)
class _Judged:
    """A request that may have a code, and the memory that says so."""

    picture: Picture
    openings: Openings
    application: Application
    asked: scopes.Asked
    device: Device | None
    binding: tuple[Datum, ...]
    proved: bool
    """Whether it proved something that strangers cannot, so that room is kept for it (R21)."""


async def start(house: House, visit: Visit, request: Request) -> Started | Refused:
    """Issue a code, or say why not. Reasons: those of `authenticate` and `scopes.parse`, BLOCKED, BUSY_SOURCE, …"""

    async def look(tx: Tx, picture: Picture) -> _Judged | Refused:
        device = await device_of(tx, _proved(visit, request, picture))
        return _judge(house, visit, request, picture, device)

    used = await spend(house, visit, request.client)
    key = _proved(visit, request, house.desk.picture)
    device = None if key == UNBOUND else await house.store.read(lambda tx: device_of(tx, key))
    judged = used or _judge(house, visit, request, house.desk.picture, device)
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


def _judge(house: House, visit: Visit, request: Request, picture: Picture, device: Device | None) -> _Judged | Refused:
    """Everything that can be decided in memory; *device* is the machine of the inventory whose key was proved."""
    application = authenticate(house, picture, request.client, visit.now)
    if isinstance(application, Refused):
        return application
    if picture.switch.on:
        return Refused(Reason.KILLED)
    if not application.device_flow:
        return Refused(Reason.DEVICE_FLOW_OFF)
    if not may_start(application.assessment, visit.now):
        return Refused(Reason.ASSESSMENT_OVERDUE)
    if device is not None and not device.counts(visit.now):
        return Refused(Reason.DEVICE_ENDED)
    wrong = _challenge(application, request) or _key(application, visit, request) or _asking(request)
    if wrong is not None:
        return wrong
    asked = scopes.parse(request.scope, picture, client=application, device=True)
    if isinstance(asked, Refused):
        return asked
    said = _said(application, request)
    offered = request_binding.offered(said)
    begin = Start(  # whoever is named: a stranger must not ask that
        application.id, asked.resource.id, visit.address, asked_scopes(scopes.stored(asked)),
        picture.atlas.place(visit.address), device=device_facts(device, visit.now),
        number=False if said.number else None,
        ticket=said.ticket,  # whether it is good is seen where it is spent
        reference=False if Datum.REFERENCE in offered else None, machine=False if Datum.MACHINE in offered else None,
        asks=said.asks,
    )  # fmt: skip
    lacks = _required(application, said)
    if lacks is None and not _could_pass(house, visit, picture, begin):
        lacks = _demanded(house, visit, picture, begin)
    if lacks is not None:
        return lacks
    binding = _binding(house, visit, picture, application, begin)
    proved = said.ticket or not application.public or device is not None
    judged = _Judged(picture, house.desk.openings, application, asked, device, binding, proved)
    return crowded(house, visit, application, proved=proved) or judged


def _said(application: Application, request: Request) -> Declared:
    """What the requester says of itself, and whether it brings a ticket, good or not, and asks, and may."""
    asks = application.exemption_requests and bool(request.asks.strip())
    return declared(
        machine=request.machine,
        reason=request.asks if asks else request.reason,
        reference=request.reference,
        number=takes(application, said=request.number),
        ticket=bool(request.ticket),
        asks=asks,
        length=_length(request) or NO_LENGTH,
    )


def _length(request: Request) -> Span | None:
    """For how long it asks; None for what is no length."""
    with suppress(ValueError):
        return from_duration(request.length) if request.length else NO_LENGTH
    return None


def _unbound(datum: Datum) -> Refused:
    parameter = request_binding.PARAMETERS[datum]
    return Refused(Reason.BINDING_REQUIRED, f"The parameter {parameter} is missing.", field=parameter)


def _required(application: Application, said: Declared) -> Refused | None:
    """What the registration requires and the request does not bring (R12)."""
    if not said.number and application.number_confirmation == "required":
        return Refused(Reason.NUMBER_REQUIRED)
    if not said.ticket and application.start_ticket == "required":
        return Refused(Reason.TICKET_REQUIRED)
    return next((_unbound(datum) for datum in request_binding.lacking(application, said)), None)


_BRINGS: tuple[tuple[str, bool | None, bool, Refused], ...] = (
    ("number", None, False, Refused(Reason.NUMBER_REQUIRED)),
    ("ticket", False, True, Refused(Reason.TICKET_REQUIRED)),
    *((datum.value, None, False, _unbound(datum)) for datum in Datum),
)
"""Of `Start`: what a request may lack, as it is then, as it would be, and what the requester is told."""


def _with(begin: Start, name: str, value: Any) -> Start:
    return replace(begin, **{name: value})


def _demanded(house: House, visit: Visit, picture: Picture, begin: Start) -> Refused:
    """Nobody could pass: the one thing with which somebody could, or the rules that block."""
    for name, without, having, refused in _BRINGS:
        brought = _with(begin, name, having)
        if getattr(begin, name) is without and _could_pass(house, visit, picture, brought):
            return refused
    if _could_pass(house, visit, picture, replace(begin, device=UNKNOWN)):
        return Refused(Reason.DEVICE_REQUIRED)
    really = in_the_way(
        picture.policies, house.desk.openings, begin, exception_group=picture.exception_group,
        version=picture.version, now=visit.now,
    )  # fmt: skip
    return Refused(Reason.BLOCKED, rules=refusal(picture.policies, begin).rules, unsaid=really)


def _binding(house: House, visit: Visit, picture: Picture, application: Application, begin: Start) -> tuple[Datum, ...]:
    """What everybody who could approve this will be asked for: by registration, or since nobody could without it."""

    def for_all(datum: Datum) -> bool:
        by_policy = request_binding.CONTROLS[datum] in picture.policies.asked
        return by_policy and not _could_pass(house, visit, picture, _with(begin, datum, None))

    return tuple(datum for datum in Datum if datum in request_binding.required(application) or for_all(datum))


def _proved(visit: Visit, request: Request, picture: Picture) -> Bound:
    """The key or certificate that this very request proves, if what it asks for will be bound to it."""
    application = picture.applications.get(AppId(request.client.name.lower()))
    return UNBOUND if application is None else fixed(visit.proof, application)


def _could_pass(house: House, visit: Visit, picture: Picture, begin: Start) -> bool:
    return could_pass(
        picture.policies, house.desk.openings, begin, exception_group=picture.exception_group,
        version=picture.version, now=visit.now,
    )  # fmt: skip


def _asking(request: Request) -> Refused | None:
    if _length(request) is not None:
        return None
    return Refused(Reason.INVALID_REQUEST, "ostiary_duration is no length (PT2H).", field="ostiary_duration")


def _challenge(application: Application, request: Request) -> Refused | None:
    """PKCE on the device flow (R12): enforced when sent, required when registered so."""
    if not request.challenge:
        return Refused(Reason.PKCE_REQUIRED) if application.pkce == "required" else None
    if request.challenge_method != METHOD or not is_challenge(request.challenge):
        return Refused(Reason.INVALID_REQUEST, "code_challenge must be S256.", field="code_challenge")
    return None


def _key(application: Application, visit: Visit, request: Request) -> Refused | None:
    """A key for the device flow (R12): fixed by what came or by its name, required when registered so."""
    if request.dpop_jkt and (not is_thumbprint(request.dpop_jkt) or visit.proof.jkt not in (None, request.dpop_jkt)):
        return Refused(Reason.INVALID_REQUEST, "dpop_jkt is not the thumbprint of the key.", field="dpop_jkt")
    proof = _shown(visit, request)
    return complaint(judge_key(UNBOUND, proof, application), proof, application)


def _shown(visit: Visit, request: Request) -> Proof:
    """What the request proves, and the key that it only names."""
    return replace(visit.proof, jkt=visit.proof.jkt or request.dpop_jkt or None)


def _codes(house: House) -> _Codes | None:
    letters = user_code.length(len(house.room.codes) + 1)
    if letters is None:
        return None
    return _Codes(house.random.token(), house.random.letters(user_code.ALPHABET, letters))


def _judge_again(
    house: House, visit: Visit, request: Request, picture: Picture, before: _Judged, device: Device | None
) -> _Judged | Refused:
    """
    *before*, if it still stands: on the very same memory and machine only the count of open codes can have changed.
    """
    if before.picture is picture and before.openings is house.desk.openings and before.device == device:
        return crowded(house, visit, before.application, proved=before.proved) or before
    return _judge(house, visit, request, picture, device)


async def _issue(house: House, visit: Visit, request: Request, codes: _Codes, before: _Judged) -> Started | Refused:
    """Write the request down, judged again on what is true in this transaction."""
    secret = digest(codes.device)
    typed = keyed(house.vault.derived(USER_CODES), codes.user)
    id, tickets = SignInId(visit.id), ticket_digests(house, request.ticket) if request.ticket else ()

    async def body(tx: Tx, picture: Picture) -> tuple[_Judged, SignIn] | Refused:
        device = await device_of(tx, _proved(visit, request, picture))
        judged = await barred(tx, visit, visit.address) or _judge_again(house, visit, request, picture, before, device)
        if isinstance(judged, Refused):
            return judged
        application, asked = judged.application, judged.asked
        bound = fixed(_shown(visit, request), application)
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
            declared=_said(application, request),
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
