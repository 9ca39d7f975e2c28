"""
How people decide a request: who may, which stages are open, when it is approved, and what it gives then.

Approvers are looked at as they are now, at every decision: the word of one who was removed or disabled since counts no
more. A person counts once, whatever the number of stages, and never for a request that is for them or was made by
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ostiary.core.access.strengths import satisfied
from ostiary.core.directory.people import Role
from ostiary.core.directory.permissions import Action
from ostiary.core.exemptions.eligibility import Eligibility
from ostiary.core.exemptions.exemption import Exemption, bounded, stretched
from ostiary.core.exemptions.narrowing import lacking
from ostiary.core.exemptions.request import Decision, Phase, Request
from ostiary.core.exemptions.rules import Approver, Clock, Mode, Rules, Stage
from ostiary.core.words.caller import Caller
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, Span, after, between, minutes, to_iso_duration
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.said import said

__all__ = [
    "People",
    "Verdict",
    "approved",
    "choices",
    "decide",
    "extended",
    "first_word",
    "lesser",
    "may_end",
    "may_look",
    "may_see",
    "open_stages",
    "opened",
    "outgrown",
    "own",
    "right_to_end",
    "votes",
]

People = Mapping[UserId, Approver]
SHORTEST_OPEN = minutes(1)
"""What closes sooner gives no token (R8)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What somebody says to a request."""

    approve: bool
    reason: str = ""
    length: Span | None = None
    """Approve for less than was asked for."""
    stage: int | None = None
    """None: whichever open stage is theirs."""


def own(request: Request, person: UserId) -> bool:
    """Whether it is for *person* or was made by them: then they have no word in it."""
    return person == request.user or request.by == f"user:{person}"


def votes(request: Request, rules: Rules, stage: int, people: People) -> int:
    """How many approvals of *stage* count now."""
    counted = {
        d.by
        for d in request.decisions
        if d.approved and d.stage == stage and _still(request, rules.stages[stage], d, people)
    }
    return len(counted)


def _still(request: Request, stage: Stage, decision: Decision, people: People) -> bool:
    """Whether who decided is still one who may; the time that counts for the chain is when they did."""
    person = people.get(decision.by)
    waited = between(request.created, decision.at)
    return (
        person is not None
        and not own(request, person.id)
        and any(group.has(person) for group in stage.approvers(waited))
    )


def open_stages(request: Request, rules: Rules, people: People) -> tuple[int, ...]:
    """The stages that still need somebody and whose turn it is."""
    missing = tuple(at for at, stage in enumerate(rules.stages) if votes(request, rules, at, people) < stage.needed)
    return missing if rules.mode is Mode.PARALLEL else missing[:1]


def approved(request: Request, rules: Rules, people: People) -> bool:
    """Whether every stage has its approvals under the rules of now. Never true of rules without a stage."""
    return bool(rules.stages) and not open_stages(request, rules, people)


def may_see(request: Request, rules: Rules, person: Approver, now: Instant) -> bool:
    """Whether *person* is somebody to decide *request*, at any of its stages."""
    waited = between(request.created, now)
    named = any(group.has(person) for stage in rules.stages for group in stage.approvers(waited))
    return named and not own(request, person.id)


def right_to_end(request: Request, rules: Rules, person: Approver, now: Instant) -> Action | None:
    """
    By which right *person* ends what *request* gave (0068): as their own, as an administrator, or as one whom the rules
    of now name to decide it; None: by none. From where, and how freshly proved, is `judge`'s to say.
    """
    if person.id == request.user:
        return Action.END_OWN
    if person.enabled and Role.ADMINISTRATOR in person.roles:
        return Action.END_EXEMPTION
    return Action.DECIDE_REQUEST if may_see(request, rules, person, now) else None


def may_end(request: Request, rules: Rules, person: Approver, now: Instant) -> bool:
    """Whether *person* may end what *request* gave to somebody else."""
    return right_to_end(request, rules, person, now) not in (None, Action.END_OWN)


def may_look(request: Request, rules: Rules, person: Approver, now: Instant) -> bool:
    """
    Whether *person* may look at it as an approver does. Who may end what it gave may too; while it waits nobody looks
    so at what is for them or was made by them.
    """
    ends = may_end(request, rules, person, now)
    return ends and not (request.open(now) and own(request, person.id))


_LENGTHS = tuple(minutes(count) for count in (5, 10, 15, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720))


def choices(shortest: Span, longest: Span) -> tuple[Span, ...]:
    """Round lengths to choose from, with both ends."""
    found = {length for length in (shortest, *_LENGTHS, longest) if shortest <= length <= longest}
    return tuple(sorted(found))


def lesser(request: Request, rules: Rules) -> tuple[Span, ...]:
    """Lengths to choose from for an approval for less than was asked for, from the shortest that the rules allow on."""
    return tuple(each for each in choices(rules.shortest, rules.longest) if each < request.length)


def first_word(request: Request) -> str:
    """Who decided, as the one who comes second is told."""
    last = request.decisions[-1].name if request.decisions else ""
    if last and request.phase is Phase.DENIED:
        return said("It was denied already by %(name)s.", name=last)
    if last and request.phase is Phase.APPROVED:
        return said("It was approved already by %(name)s.", name=last)
    return _FIRST_WORD.get(request.phase, said("It was decided already."))


_FIRST_WORD = {
    Phase.DENIED: said("It was denied already."),
    Phase.APPROVED: said("It was approved already."),
    Phase.WITHDRAWN: said("It was withdrawn already."),
    Phase.KILLED: said("It was ended already."),
}


def decide(
    request: Request, verdict: Verdict, caller: Caller, rules: Rules, people: People, *, now: Instant
) -> Decision | Refused:
    """The decision that *caller* takes at *now*, or why it is none of theirs."""
    person = people.get(caller.user) if caller.user is not None else None
    if person is None or not person.enabled:
        return Refused(Reason.FORBIDDEN)
    if own(request, person.id):
        return Refused(Reason.FORBIDDEN, "Nobody decides their own request, nor one that they made for another.")
    if not may_see(request, rules, person, now):
        return Refused(Reason.FORBIDDEN, "The rules do not name you as an approver.")
    if rules.approver_strength is not None and rules.approver_strength not in satisfied(caller.amr):
        return Refused(Reason.STEP_UP, "The rules ask approvers for a stronger way of signing in.")
    if request.phase is not Phase.OPEN:
        return Refused(Reason.CONFLICT, first_word(request))
    if not request.open(now):
        return Refused(Reason.WRONG_STATE, "Nobody decided in time: the request has lapsed.")
    if any(d.by == person.id for d in request.decisions):
        return Refused(Reason.CONFLICT, "You have approved it already; others have to.")
    stage = _stage(request, verdict, rules, people, person, now)
    return stage if isinstance(stage, Refused) else _said(request, verdict, caller, rules, stage, person, now)


def _stage(
    request: Request, verdict: Verdict, rules: Rules, people: People, person: Approver, now: Instant
) -> int | Refused:
    """The open stage that *person* may decide."""
    waited = between(request.created, now)
    ready = [
        at
        for at in open_stages(request, rules, people)
        if any(group.has(person) for group in rules.stages[at].approvers(waited))
    ]
    if verdict.stage is not None and verdict.stage not in ready:
        return Refused(Reason.CONFLICT, "This stage is not open to you: it is decided, or its turn has not come.")
    if not ready:
        return Refused(Reason.CONFLICT, "Others decide at this stage.")
    return ready[0] if verdict.stage is None else verdict.stage


def _said(
    request: Request, verdict: Verdict, caller: Caller, rules: Rules, stage: int, person: Approver, now: Instant
) -> Decision | Refused:
    reason = " ".join(verdict.reason.split())
    if rules.stages[stage].reasoned or not verdict.approve or reason:
        why = read_reason(verdict.reason, field="justification")
        if isinstance(why, Refused):
            return why
        reason = why
    if verdict.length is not None and not rules.shortest <= verdict.length <= request.length:
        least, most = to_iso_duration(rules.shortest), to_iso_duration(request.length)
        text = said("Approve for %(least)s to %(most)s, what was asked for.", least=least, most=most)
        return Refused(Reason.INVALID_VALUE, text, field="ostiary.duration")
    return Decision(person.id, caller.name, stage, verdict.approve, reason, now, verdict.length, caller.amr)


def outgrown(request: Request, rules: Rules) -> Refused | None:
    """
    Why *request*, as it was asked, cannot be granted under the rules of now: they may have changed while it waited.

    Its length is no reason, because it is cut; break-glass waits for nobody.
    """
    ticket, sign_ins = request.ticket, request.limits.sign_ins
    unlike = rules.ticket_pattern is not None and (ticket is None or not rules.ticket_pattern.found(ticket.number))
    unchecked = rules.checker is not None and (ticket is None or not ticket.checked)
    missing = (
        lacking(rules.narrow, request.limits) is not None
        or (rules.ticket and (ticket is None or unlike or unchecked))
        or (rules.pattern is not None and not rules.pattern.found(request.reason))
        or (rules.most_sign_ins is not None and (sign_ins is None or sign_ins > rules.most_sign_ins))
    )
    if not missing or request.break_glass:
        return None
    return Refused(Reason.WRONG_STATE, "The rules ask for more than they did: it must be asked for anew.")


def granted(request: Request, rules: Rules) -> Span:
    """How long it is approved for: the least that anybody said, never more than the rules of now."""
    given = [d.length for d in request.decisions if d.approved and d.length is not None]
    longest = rules.glass_longest if request.break_glass else rules.longest
    return Span(min((request.length, longest, *given)))


def opened(request: Request, rules: Rules, eligibility: Eligibility, *, now: Instant) -> Exemption | Refused:
    """
    The exemption that an approved *request* gives at *now*.

    Break-glass runs from now on. Otherwise the clock starts at the first use or at the approval, as the rules say,
    within the allowed hours, and never later than the eligibility behind it.
    """
    length, starts = granted(request, rules), max(now, request.starts or now)
    latest = eligibility.ends
    exemption = Exemption(
        id=request.id, user=request.user, group=request.group, reason=request.reason, starts=starts, ends=starts,
        opened=now, opened_by=request.by, limits=request.limits, break_glass=request.break_glass,
        hours=None if request.break_glass else rules.allowed, latest=latest,
    )  # fmt: skip
    if request.break_glass or rules.clock is Clock.APPROVAL:
        exemption = replace(exemption, ends=bounded(starts, length, exemption.hours, latest))
        if between(starts, exemption.ends) < SHORTEST_OPEN:
            return Refused(Reason.WRONG_STATE, "It would begin outside the allowed hours, or after the eligibility.")
        return exemption
    window = after(starts, rules.start_window)
    return replace(exemption, ends=window if latest is None else min(window, latest), waits=length)


def extended(
    request: Request, rules: Rules, running: Exemption, eligibility: Eligibility, *, now: Instant
) -> Exemption | Refused:
    """*running* with the end that an approved *request* gives it: no gap, and never an earlier end than it had."""
    if not running.active(now) or running.waits is not None:
        return Refused(Reason.WRONG_STATE, "The exemption that was to be extended has ended.")
    ends = stretched(running, granted(request, rules), latest=eligibility.ends)
    if ends <= running.ends:
        return Refused(Reason.WRONG_STATE, "It cannot last any longer.")
    return replace(running, ends=ends)
