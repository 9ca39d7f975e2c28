"""
May somebody ask for this, under these rules? And does a rule approve it by itself, or is it break-glass?

Every rule that is not kept is told at once. What nobody knows (whether the device is managed, how high the risk is,
whether a ticket exists) counts as not kept (R4).
"""

from dataclasses import dataclass, field, replace

from ostiary.core.access.facts import UNKNOWN, DeviceFacts, Unknown
from ostiary.core.access.strengths import satisfied
from ostiary.core.exemptions.eligibility import Eligibility
from ostiary.core.exemptions.exemption import HARD_CAP, SHORTEST, Exemption, Limits
from ostiary.core.exemptions.narrowing import lacking
from ostiary.core.exemptions.opening import AHEAD, SKEW
from ostiary.core.exemptions.request import Act, Request, Ticket
from ostiary.core.exemptions.rules import Approver, Auto, AutoKind, Rules
from ostiary.core.words.caller import Caller, Origin
from ostiary.core.words.ids import ExemptionId, GroupId, SignInId
from ostiary.core.words.instants import Instant, Span, after, between, to_iso, to_iso_duration
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.said import said

__all__ = ["Circumstances", "Unmet", "Wish", "ask", "automatic"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    principal: str = ""
    """Whom it is for, by id or principal name; empty: whoever asks."""
    length: Span | None = None
    """None: what the rules usually give."""
    reason: str = ""
    limits: Limits = field(default_factory=Limits)
    ticket: Ticket | None = None
    starts: Instant | None = None
    break_glass: bool = False
    extends: ExemptionId | None = None
    sign_in: SignInId | None = None
    """The device sign-in at whose page it is asked for."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of the person it is for and of how it is asked."""

    person: Approver
    eligibility: Eligibility | None
    device: DeviceFacts | None | Unknown = UNKNOWN
    """The device that the request is made from."""
    risk: str | Unknown = UNKNOWN
    last_end: Instant | None = None
    """When an exemption of this person ended last."""
    running: Exemption | None = None
    """The exemption that is to be extended."""
    waiting: int = 0
    """Requests of this person that wait for a decision."""
    missing: str = ""
    """The field that narrows to something that does not exist; empty when all of it does."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """One rule that is not kept."""

    rule: str
    """PIM's name of it where it has one: ``ExpirationRule``, ``MfaRule``, ``JustificationRule``, ``TicketingRule``."""
    refused: Refused


MOST_SIGN_INS = 1000
MOST_WAITING = 5
"""Requests of one person that may wait at once (R21)."""


def ask(
    id: ExemptionId, group: GroupId, wish: Wish, caller: Caller, rules: Rules, known: Circumstances, *, now: Instant,
    address: str = "",
) -> Request | tuple[Unmet, ...]:  # fmt: skip
    """The request that *wish* becomes, or every rule that it does not keep."""
    wrong: list[Unmet] = []
    length = wish.length if wish.length is not None else _usual(wish, rules)
    starts = _starts(wish, now)
    reason = " ".join(wish.reason.split()) if not rules.reasoned and not wish.break_glass else ""
    for rule, refused in (
        ("EligibilityRule", _eligible(wish, known, now)),
        ("ExpirationRule", _length(wish, length, rules, known, now)),
        ("MfaRule", _proved(caller, rules)),
        ("DeviceRule", _device(rules, known)),
        ("TicketingRule", _ticket(wish, rules)),
        ("NarrowingRule", _narrowed(wish, rules, known)),
        ("StartRule", starts if isinstance(starts, Refused) else _when(wish, starts, rules, known, now)),
        ("BreakGlassRule", _glass(wish, caller, rules, known)),
        ("ExtensionRule", _extendable(wish, known, now)),
        ("PendingRule", _room(wish, known)),
    ):
        if refused is not None:
            wrong.append(Unmet(rule, refused))
    why = read_reason(wish.reason, field="justification") if rules.reasoned or wish.break_glass else reason
    unlike = _unlike(why, rules) if isinstance(why, str) else why
    if unlike is not None:
        wrong.append(Unmet("JustificationRule", unlike))
    if wrong or isinstance(why, Refused) or isinstance(starts, Refused):
        return tuple(wrong)
    return Request(
        id=id,
        act=Act.EXTEND if wish.extends is not None else Act.ACTIVATE,
        user=known.person.id,
        group=group,
        by=caller.actor,
        reason=why or "(none given)",
        length=length,
        created=now,
        ends=_lapses(rules, starts, now),
        limits=_few(_limits(wish, known), rules.most_sign_ins),
        ticket=wish.ticket,
        starts=starts,
        break_glass=wish.break_glass,
        target=wish.extends,
        address=address,
        sign_in=wish.sign_in,
    )


def _limits(wish: Wish, known: Circumstances) -> Limits:
    return known.running.limits if wish.extends is not None and known.running is not None else wish.limits


def _few(limits: Limits, most: int | None) -> Limits:
    return limits if most is None else replace(limits, sign_ins=min(limits.sign_ins or most, most))


def _usual(wish: Wish, rules: Rules) -> Span:
    return min(rules.usual, rules.glass_longest) if wish.break_glass else rules.usual


def _lapses(rules: Rules, starts: Instant | None, now: Instant) -> Instant:
    """When it is too late to decide: at the request's expiry, and when what was asked for could not begin any more."""
    expiry = after(now, rules.expiry)
    return expiry if starts is None else min(expiry, after(starts, rules.start_window))


def _starts(wish: Wish, now: Instant) -> Instant | None | Refused:
    """The scheduled start, None for "now" (a client's clock may be a little ahead)."""
    if wish.starts is None or between(now, wish.starts) <= SKEW:
        return None
    if between(now, wish.starts) <= AHEAD:
        return wish.starts
    return Refused(Reason.INVALID_VALUE, "The start lies too far ahead.", field="scheduleInfo.startDateTime")


def _eligible(wish: Wish, known: Circumstances, now: Instant) -> Refused | None:
    if not known.person.enabled:
        return Refused(Reason.INVALID_VALUE, "The account is disabled.", field="principalId")
    if known.eligibility is None or not known.eligibility.stands(now):
        return Refused(Reason.NOT_ELIGIBLE, "This person is not eligible for an exemption.", field="principalId")
    return None


def _length(wish: Wish, length: Span, rules: Rules, known: Circumstances, now: Instant) -> Refused | None:
    shortest, longest = rules.shortest, rules.longest
    if wish.break_glass:
        shortest, longest = SHORTEST, rules.glass_longest
    field = "scheduleInfo.expiration"
    if not shortest <= length <= min(longest, HARD_CAP):
        least, most = to_iso_duration(shortest), to_iso_duration(longest)
        text = said("The rules allow %(least)s to %(most)s.", least=least, most=most)
        return Refused(Reason.INVALID_VALUE, text, field=field)
    running = known.running
    if wish.extends is not None and running is not None:
        whole = between(running.starts, running.ends) + length
        if whole > HARD_CAP:
            text = said("With its extensions an exemption lasts %(most)s at most.", most=to_iso_duration(HARD_CAP))
            return Refused(Reason.INVALID_VALUE, text, field=field)
    return None


def _proved(caller: Caller, rules: Rules) -> Refused | None:
    proved = satisfied(caller.amr)
    if rules.mfa and not caller.mfa:
        return Refused(Reason.MFA_REQUIRED, "The rules ask for a second factor.")
    if rules.strength is not None and rules.strength not in proved:
        return Refused(Reason.MFA_REQUIRED, "The rules ask for a stronger way of signing in.")
    return None


def trusted(device: DeviceFacts | None | Unknown) -> bool:
    """Whether *device* is known to be a company's: managed or compliant. Unknown is not."""
    return isinstance(device, DeviceFacts) and (device.managed or device.compliant)


def _device(rules: Rules, known: Circumstances) -> Refused | None:
    if rules.trusted_device and not trusted(known.device):
        return Refused(Reason.BLOCKED, "The rules ask for a managed device, and this is not known to be one.")
    return None


def _ticket(wish: Wish, rules: Rules) -> Refused | None:
    field = "ticketInfo.ticketNumber"
    if not rules.ticket or wish.break_glass:  # an emergency does not wait for a number; its review does
        return None
    if wish.ticket is None or not wish.ticket.number:
        return Refused(Reason.INVALID_VALUE, "The rules ask for a ticket.", field=field)
    if rules.ticket_pattern is not None and not rules.ticket_pattern.found(wish.ticket.number):
        text = said("The ticket does not look like %(pattern)s.", pattern=rules.ticket_pattern.text[:80])
        return Refused(Reason.INVALID_VALUE, text, field=field)
    if rules.checker is not None and not wish.ticket.checked:
        return Refused(Reason.INVALID_VALUE, "The ticket could not be confirmed, or is not open.", field=field)
    return None


def _narrowed(wish: Wish, rules: Rules, known: Circumstances) -> Refused | None:
    if known.missing:
        return Refused(Reason.NOT_FOUND, "There is no such application.", field=known.missing)
    if wish.limits.sign_ins is not None and not 1 <= wish.limits.sign_ins <= MOST_SIGN_INS:
        text = said("From 1 to %(most)s sign-ins.", most=MOST_SIGN_INS)
        return Refused(Reason.INVALID_VALUE, text, field="ostiary.signIns")
    if wish.extends is not None and wish.limits != Limits():
        return Refused(Reason.INVALID_VALUE, "An extension is as narrow as what it extends.", field="ostiary")
    limits = _limits(wish, known)
    missing = lacking(rules.narrow, limits)
    if missing is None or wish.break_glass:
        return None
    field = f"ostiary.{_FIELD.get(missing, missing)}"
    return Refused(Reason.INVALID_VALUE, "The rules ask that an exemption is narrowed to this.", field=field)


_FIELD = {"application": "applicationId", "resource": "resourceId", "device": "deviceId"}


def _when(wish: Wish, starts: Instant | None, rules: Rules, known: Circumstances, now: Instant) -> Refused | None:
    field, begins = "scheduleInfo.startDateTime", starts or now
    if wish.break_glass or wish.extends is not None:
        if starts is not None:
            return Refused(Reason.INVALID_VALUE, "This begins at once.", field=field)
        return None
    if starts is not None and rules.allowed is not None and not rules.allowed.inside(starts):
        text = said("Outside the allowed hours (%(zone)s).", zone=rules.allowed.zone)
        return Refused(Reason.INVALID_VALUE, text, field=field)
    calm = None if known.last_end is None else after(known.last_end, rules.cool_down)
    if rules.cool_down and calm is not None and begins < calm:
        text = said("The last exemption cools down until %(until)s.", until=to_iso(calm))
        return Refused(Reason.INVALID_VALUE, text, field=field)
    return None


def _glass(wish: Wish, caller: Caller, rules: Rules, known: Circumstances) -> Refused | None:
    if not wish.break_glass:
        return None
    if wish.extends is not None:
        return Refused(Reason.INVALID_VALUE, "A break-glass exemption is not extended.", field="ostiary.breakGlass")
    if caller.user != known.person.id:
        return Refused(Reason.INVALID_VALUE, "One breaks glass for oneself.", field="ostiary.breakGlass")
    if not rules.glass.has(known.person):
        return Refused(Reason.NOT_ELIGIBLE, "The rules let you break no glass.", field="ostiary.breakGlass")
    return None


def _extendable(wish: Wish, known: Circumstances, now: Instant) -> Refused | None:
    if wish.extends is None:
        return None
    running, field = known.running, "targetScheduleId"
    if running is None or running.user != known.person.id:
        return Refused(Reason.NOT_FOUND, "There is no such exemption of yours.", field=field)
    if not running.active(now):
        return Refused(Reason.WRONG_STATE, "It has ended; ask for another one.", field=field)
    if running.waits is not None:
        return Refused(Reason.WRONG_STATE, "It has not begun: its clock starts at the first sign-in.", field=field)
    if running.break_glass:
        return Refused(Reason.WRONG_STATE, "A break-glass exemption is not extended.", field=field)
    return None


def _room(wish: Wish, known: Circumstances) -> Refused | None:
    if known.waiting < MOST_WAITING or wish.break_glass:
        return None
    return Refused(Reason.WRONG_STATE, said("%(count)s requests wait already: withdraw one.", count=MOST_WAITING))


def _unlike(reason: str, rules: Rules) -> Refused | None:
    if rules.pattern is None or rules.pattern.found(reason):
        return None
    text = said("The reason must contain %(pattern)s.", pattern=rules.pattern.text[:80])
    return Refused(Reason.INVALID_VALUE, text, field="justification")


# ---- what approves by itself


def automatic(request: Request, caller: Caller, rules: Rules, known: Circumstances) -> str | None:
    """
    What approves *request* in place of people, or None.

    Only for what a person asks for themselves, in a browser: a device sign-in may ask, and somebody else must approve
    (R3). The caller makes sure that the proof is fresh.
    """
    if caller.origin is not Origin.BROWSER or caller.user != request.user:
        return None
    if request.break_glass:
        return "breakGlass"
    if not rules.approved_by_people:
        return "noApproval"
    found = next((auto for auto in rules.auto if _fits(auto, request, known)), None)
    return found.kind.value if found is not None else None


_CALM = frozenset({"none", "low"})


def _fits(auto: Auto, request: Request, known: Circumstances) -> bool:
    if auto.longest is not None and request.length > auto.longest:
        return False
    if auto.kind is AutoKind.ON_CALL:
        return auto.group is not None and auto.group in known.person.groups
    return isinstance(known.risk, str) and known.risk in _CALM
