"""
Whether a machine may have a code, as far as memory tells (R1, R12, R23): asked before there is one, and again in the
transaction that issues it (`start.py`). Pure but for what the desk and the room remember.
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
from ostiary.core.exemptions.could_pass import Openings, Start, could_pass, in_the_way, refusal
from ostiary.core.signins import request_binding
from ostiary.core.signins.declared import NO_LENGTH, Declared, declared
from ostiary.core.signins.number import takes
from ostiary.core.signins.request_binding import Datum
from ostiary.core.tokens import scopes
from ostiary.core.tokens.binding import complaint, fixed, judge_key
from ostiary.core.tokens.clients import Shown
from ostiary.core.tokens.dpop import is_thumbprint
from ostiary.core.tokens.pkce import METHOD, is_challenge
from ostiary.core.tokens.scopes import asked_scopes
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Span, from_duration
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import UNBOUND, Bound, Proof
from ostiary.core.words.visit import Visit
from ostiary.services.access.clients import authenticate
from ostiary.services.house import House
from ostiary.services.signins.crowding import crowded

__all__ = ["Judged", "Request", "judge", "proved_key", "said_by", "shown"]


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
class Judged:
    """A request that may have a code, and the memory that says so."""

    picture: Picture
    openings: Openings
    application: Application
    asked: scopes.Asked
    device: Device | None
    binding: tuple[Datum, ...]
    proved: bool
    """Whether it proved something that strangers cannot, so that room is kept for it (R21)."""


def judge(house: House, visit: Visit, request: Request, picture: Picture, device: Device | None) -> Judged | Refused:
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
    said = said_by(application, request)
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
    judged = Judged(picture, house.desk.openings, application, asked, device, binding, proved)
    return crowded(house, visit, application, proved=proved) or judged


def said_by(application: Application, request: Request) -> Declared:
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


def proved_key(visit: Visit, request: Request, picture: Picture) -> Bound:
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
    proof = shown(visit, request)
    return complaint(judge_key(UNBOUND, proof, application), proof, application)


def shown(visit: Visit, request: Request) -> Proof:
    """What the request proves, and the key that it only names."""
    return replace(visit.proof, jkt=visit.proof.jkt or request.dpop_jkt or None)
