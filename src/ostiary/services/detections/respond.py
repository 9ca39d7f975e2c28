"""
What a finding leads to, done: each finding is taken and answered in one transaction, with an entry for each effect.

Killed anywhere, run by two at once, a finding is answered once or waits still. What policy wants and may not be done
(`core/detections/response.py`) is held back, in writing, and administrators are alerted instead.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from ostiary.core.detections.finding import CONFIRMED_PERSON, Finding, Kept
from ostiary.core.detections.response import REPORTERS, Known, Response, ResponsePolicy, held_back
from ostiary.core.directory.credentials import Rule, source_of
from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.signin import OPEN, SignIn, State
from ostiary.core.words.errors import Stale
from ostiary.core.words.ids import AppId, ExemptionId, SessionId, SignInId, UserId
from ostiary.core.words.instants import after
from ostiary.core.words.visit import Visit
from ostiary.services.access.kill_switch import stop_all
from ostiary.services.directory.applications import suspend_device_flow
from ostiary.services.directory.people import end_requests, end_sessions
from ostiary.services.directory.throttle import strike
from ostiary.services.exemptions.ending import end, end_all_of
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.services.signins.claim import shunned_source
from ostiary.services.signins.closing import close
from ostiary.services.signins.crowding import barred_source
from ostiary.store import Tx, directory, exemptions, responses, signins, tokens

__all__ = ["answered", "run_responses"]

AT_ONCE = 50  # findings of one run; the next comes in a moment
_log = structlog.get_logger("ostiary.responses")


@dataclass(slots=True)
class Effects:
    """What memory must hear after the commit."""

    codes: list[bytes] = field(default_factory=list)
    picture: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    """One finding that is being answered."""

    house: House
    tx: Tx
    visit: Visit
    finding: Finding
    signin: SignIn | None
    """The device sign-in that it is about, where that is its person's."""
    policy: ResponsePolicy
    confirmed: bool
    """Whether an administrator said so."""
    whole: bool
    """Whether its source may be blocked for everybody (R11)."""
    effects: Effects

    @property
    def whole_person(self) -> bool:
        """Whether it is about everything of a person, not about one sign-in."""
        return self.confirmed and self.finding.rule == CONFIRMED_PERSON

    @property
    def why(self) -> str:
        """For people, and for what is kept."""
        return f"A detection ({self.finding.rule}): {self.finding.sentence}"[:512]


async def run_responses(house: House, visit: Visit) -> int:
    """
    Job: answer the findings that wait, `AT_ONCE` of them; how many. One that cannot be answered is told, and keeps no
    other waiting: the run goes on behind it.
    """
    count, after_ = 0, responses.START
    while count < AT_ONCE:
        place, most = after_, AT_ONCE - count
        waiting = await house.store.read(partial(responses.unanswered, most=most, after=place))
        if not waiting:
            break
        count += await _answer_each(house, visit, [id for _, id in waiting])
        after_ = waiting[-1]
    return count


async def _answer_each(house: House, visit: Visit, ids: list[str]) -> int:
    count = 0
    for id in ids:
        effects = Effects()

        async def body(tx: Tx, id: str = id, effects: Effects = effects) -> bool:
            kept = await responses.answer(tx, id, visit.now)
            if kept is None:
                return False
            await answered(house, tx, visit, kept, effects)
            return True

        try:
            count += await house.store.write(body)
        except Stale:  # what it was about moved meanwhile: the next run looks anew
            continue
        except Exception as error:
            _log.error("a finding could not be answered", finding=id, error=type(error).__name__)
            continue
        await tell(house, effects)
    return count


async def tell(house: House, effects: Effects) -> None:
    """After the commit: who waits hears it, and this node looks anew."""
    if effects.picture:
        await house.desk.reload()
        house.room.wake_all()
    for code in effects.codes:
        house.room.wake(code)


async def answered(
    house: House, tx: Tx, visit: Visit, kept: Kept, effects: Effects, *, confirmed: bool = False
) -> None:
    """Step: do what policy says of *kept*, or of what an administrator confirmed. Raises Stale."""
    finding, policy = kept.finding, await responses.policy(tx)
    reporters = finding.evidence.get("reporters")
    found = await signins.by_id(tx, SignInId(finding.story)) if finding.story else None
    signin = found[0] if found is not None and finding.user and found[0].user == finding.user else None
    whole = confirmed or (finding.rule == "reported" and isinstance(reporters, int) and reporters >= REPORTERS)
    case = _Case(house, tx, visit, finding, signin, policy, confirmed, whole, effects)
    refused: list[str] = []
    alerts = False
    for response in policy.of(finding, confirmed=confirmed):
        known = Known(
            visit.now, confirmed, await responses.people(tx, finding, response, visit.now),
            await responses.lately(tx, response, visit.now),
            await responses.lately(tx, response, visit.now, finding.user) if finding.user else 0,
        )  # fmt: skip
        why = held_back(response, finding, known)
        if why:
            refused.append(response.value)
            await _write_down(case, response, Kind.RESPONSE_HELD_BACK, reason=why)
            continue
        alerts = alerts or response is Response.ALERT
        if response in _EFFECTS and await _EFFECTS[response](case) and found is not None:
            effects.codes.append(found[1])
    if (alerts and not confirmed) or refused:
        text = finding.sentence + (f" Not done by itself: {', '.join(refused)}." if refused else "")
        await alert(
            tx, visit, about=f"detection {finding.rule.replace('_', ' ')}", text=text, target=f"finding:{finding.id}",
            story=finding.story,
        )  # fmt: skip


async def _write_down(case: _Case, response: Response, kind: Kind, **more: str | int) -> None:
    """Step: what became of *response*. What hit a person is an entry about that person, who is told of it."""
    finding, made = case.finding, responses.CONFIRMED if case.confirmed else responses.DONE
    outcome = str(more.get("reason", made))
    hits = kind is Kind.RESPONSE_DONE and finding.user
    target = f"user:{finding.user}" if hits else f"finding:{finding.id}"
    detail = {
        "finding": finding.id, "rule": finding.rule, "severity": finding.severity.value, "response": response.value,
        "user": finding.user, "client": finding.client, **more,
    }  # fmt: skip
    await responses.note(case.tx, finding.id, response, outcome, case.visit.now)
    await record(case.tx, case.visit, Entry(kind, target=target, story=finding.story, detail=detail))


async def _end_exemption(case: _Case) -> bool:
    """Step: the exemption behind the sign-in, if it is its person's; False where there is none that stands."""
    if case.whole_person:
        return await _end_exemptions(case)
    id = case.finding.exemption or (case.signin.exemption if case.signin is not None else None)
    found = await exemptions.find(case.tx, ExemptionId(id)) if id else None
    if found is None or found.user != case.finding.user:
        return False
    if not await end(case.tx, case.visit, found, EndCause.DOUBTED, case.why):
        return False
    await _write_down(case, Response.END_EXEMPTION, Kind.RESPONSE_DONE, exemption=found.id)
    return True


async def _end_exemptions(case: _Case) -> bool:
    """Step: every exemption of its person, and every request that waits."""
    tx, visit, user = case.tx, case.visit, UserId(case.finding.user)
    await end_requests(tx, visit, user, EndCause.DOUBTED)
    ended = await end_all_of(tx, visit, user, EndCause.DOUBTED, case.why)
    for id in ended:
        await _write_down(case, Response.END_EXEMPTION, Kind.RESPONSE_DONE, exemption=id)
    return False


async def _revoke_all(case: _Case) -> bool:
    """Step: every open sign-in of its person, and every session."""
    tx, visit, user = case.tx, case.visit, UserId(case.finding.user)
    for signin, code in await signins.open_of(tx, user, visit.now):
        if not await close(tx, visit, signin, State.DENIED, EndCause.DOUBTED, at_page=False):
            raise Stale
        case.effects.codes.append(code)
    person = await directory.find(tx, user)
    if person is not None:
        await end_sessions(tx, visit, person)
        await _write_down(case, Response.REVOKE_SESSIONS, Kind.RESPONSE_DONE)
    return False


async def _revoke(case: _Case) -> bool:
    """Step: the sign-in, where it is open, and its session, or the one that the finding names, if it is theirs."""
    if case.whole_person:
        return await _revoke_all(case)
    ended = await _close(case)
    named = case.signin.session if case.signin is not None else None
    for id in dict.fromkeys((named, SessionId(case.finding.session) if case.finding.session else None)):
        session = await tokens.find(case.tx, id) if id is not None else None
        if session is not None and session.user == case.finding.user:
            over = await tokens.end(case.tx, session.id, now=case.visit.now, cause="detected")
            if over:
                await _write_down(case, Response.REVOKE_SESSIONS, Kind.RESPONSE_DONE, session=session.id)
            ended = ended or over
    return ended


async def _close(case: _Case) -> bool:
    signin = case.signin
    if signin is None or signin.standing(case.visit.now) not in OPEN:
        return False
    if not await close(case.tx, case.visit, signin, State.DENIED, EndCause.DOUBTED, at_page=False):
        raise Stale
    await _write_down(case, Response.REVOKE_SESSIONS, Kind.RESPONSE_DONE)
    return True


async def _block(case: _Case) -> bool:
    """Step: further sign-ins from its source: for its person, or for everybody (R11)."""
    source = source_of(case.finding.source) if case.finding.source else ""
    if not source or not (case.whole or case.finding.user):
        return False
    length = case.policy.block
    subject = barred_source(source) if case.whole else shunned_source(UserId(case.finding.user), source)
    await strike(case.tx, subject, Rule(length, 1, length), now=case.visit.now)
    ends = after(case.visit.now, length)
    await _write_down(
        case, Response.BLOCK_SOURCE, Kind.RESPONSE_DONE, source=source, ends=ends, everybody=int(case.whole)
    )
    return False


async def _suspend(case: _Case) -> bool:
    """Step: the device flow of its application."""
    if not case.finding.client or not await suspend_device_flow(
        case.tx, case.visit, AppId(case.finding.client), case.why
    ):
        return False
    case.effects.picture = True
    await _write_down(case, Response.SUSPEND_APPLICATION, Kind.RESPONSE_DONE)
    return True


async def _kill(case: _Case) -> bool:
    """Step: everything."""
    if not await stop_all(case.tx, case.visit, case.why, case.house.clock.now()):
        return False
    case.effects.picture = True
    await _write_down(case, Response.KILL_SWITCH, Kind.RESPONSE_DONE)
    return True


_EFFECTS: dict[Response, Callable[[_Case], Awaitable[bool]]] = {
    Response.END_EXEMPTION: _end_exemption,
    Response.REVOKE_SESSIONS: _revoke,
    Response.BLOCK_SOURCE: _block,
    Response.SUSPEND_APPLICATION: _suspend,
    Response.KILL_SWITCH: _kill,
}
"""What is done, and whether the machine that waits for the sign-in must hear of it."""
