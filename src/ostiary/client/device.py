"""
The device flow from the requester's side (RFC 8628): ask for a code, show it, wait for the person, get the tokens.

Owns the pace (§3.5: the first poll after one interval, five seconds more for every `slow_down`; where the server lets
polls wait, the next goes out when one was answered), what a lost connection does to it (slower and slower, given up
after 60 s), and giving the request back when we stop waiting. All waiting is by the monotonic clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn

from ostiary.client.approval import (
    LONGEST_WAIT,
    ApprovalAwaited,
    Keep,
    StillWaiting,
    approvers,
    awaited_in,
    not_given,
)  # fmt: skip
from ostiary.client.discovery import Server
from ostiary.client.errors import (
    CodeExpired,
    DeniedByPerson,
    DeniedByPolicy,
    Misused,
    OstiaryError,
    ServerFault,
    TimedOut,
    Unreachable,
    plain,
)
from ostiary.client.exchange import Answer, Call, Event, Exchange, Lost, answered, pause, question, tell
from ostiary.client.proofs import Prover, proved
from ostiary.client.tokens import Granted, give_up_after, length, raise_refusal, read_grant, redeem, revoke

__all__ = [
    "CodeIssued",
    "ConnectionLost",
    "Extended",
    "NumberWanted",
    "Request",
    "Resumed",
    "resume_by_device",
    "sign_in_by_device",
]

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER = 5.0  # RFC 8628 §3.5: this and all later requests
LONGEST_INTERVAL = 60.0
LONGEST_CODE = 3600.0
NUMBER_WITHIN = 115.0  # R12: the server waits for two minutes


@dataclass(frozen=True, slots=True)
class CodeIssued(Event):
    """
    Show this. `address_with_code` is None where the server sends none. The device code is not here: nobody shows it
    (§3.3).
    """

    user_code: str
    address: str
    address_with_code: str | None
    expires_in: float
    binding: tuple[str, ...] = ()
    """What the page will ask whoever approves for: `reference`, `machine` (RFC 10027 M17)."""
    sign_in: str | None = None
    """The server's id of the sign-in, for its log; it opens nothing."""


@dataclass(frozen=True, slots=True)
class Extended(Event):
    """The sign-in now lives for *expires_in* seconds from now: somebody has to approve an exemption first (R5)."""

    expires_in: float


@dataclass(frozen=True, slots=True)
class NumberWanted(Event):
    """The person said yes and sees two digits on the page: ask for them (R12). Who answers, answers once."""


@dataclass(frozen=True, slots=True)
class ConnectionLost(Event):
    """The server does not answer; we go on trying."""

    reason: str


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """The server answers again."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    What is asked for. `reason` is shown to the person who decides, and asks for an exemption where the application
    allows that (R1); so is `machine`, this machine's name. `timeout` is in seconds.
    """

    client_id: str
    scope: str
    reason: str | None = None
    timeout: float | None = None
    machine: str | None = None
    number: bool = False
    """Whether somebody is there to type a number (R12)."""
    reference: str | None = None
    """The number of a ticket or the like, that the person types on the page where that is demanded."""
    ticket: str | None = field(default=None, repr=False)
    """A start ticket that the person took in a browser (R22)."""
    duration: str | None = None
    """For how long an exemption is asked for, if one is (``PT2H``)."""
    wait: bool = True
    """Whether to wait for somebody's approval of it."""


@dataclass(frozen=True, slots=True)
class _Code:
    """One issued code: `ends` is by the monotonic clock."""

    device_code: str
    interval: float
    ends: float
    event: CodeIssued


@dataclass(frozen=True, slots=True)
class _Pace:
    """Between two polls: how long to wait, until when, since when the server has been silent, and what was told."""

    interval: float
    wait: float
    ends: float
    silent_since: float | None = None
    last_try: bool = False
    awaited: ApprovalAwaited | None = None
    """Told last of the approval that the sign-in waits for."""


class _Course:
    """How far a sign-in has come, for whoever breaks it off."""

    __slots__ = ("awaits",)

    def __init__(self) -> None:
        self.awaits = False


def sign_in_by_device(server: Server, request: Request, prover: Prover | None = None) -> Exchange[Granted]:
    """
    One device sign-in from the request to the tokens, bound to *prover*'s key; `CodeIssued` is told in between, and
    where somebody has to approve an exemption first `Keep` and `ApprovalAwaited`.

    Raises DeniedByPolicy, DeniedByPerson, CodeExpired, TimedOut (after `request.timeout`), StillWaiting, Unreachable,
    ServerFault, Misused. When the waiting is broken off from outside (Ctrl-C, cancellation) or by the timeout, the
    request is given back before the exception goes on, but for one that waits for an approval: `resume_by_device`.
    """
    code = yield from _ask(server, request, prover)
    return (yield from _from_code(server, request, code, prover))


def resume_by_device(server: Server, request: Request, kept: Keep, prover: Prover | None = None) -> Exchange[Granted]:
    """Go on with a sign-in that was left waiting for an approval; as `sign_in_by_device`."""
    now = yield from pause(0.0)
    event = CodeIssued("", "", None, kept.expires_in)
    code = _Code(kept.device_code, kept.interval, now + kept.expires_in, event)
    return (yield from _from_code(server, request, code, prover, shown=False))


def _from_code(
    server: Server, request: Request, code: _Code, prover: Prover | None, *, shown: bool = True
) -> Exchange[Granted]:  # fmt: skip
    course = _Course()
    course.awaits = not shown
    try:
        if shown:
            yield from tell(code.event)
        return (yield from _wait(server, request, code, prover, course))
    except GeneratorExit:
        raise
    except BaseException as fault:
        if not course.awaits and (not isinstance(fault, OstiaryError) or type(fault) is TimedOut):
            yield from revoke(server, request.client_id, code.device_code, "device_code")
        raise


def _ask(server: Server, request: Request, prover: Prover | None) -> Exchange[_Code]:
    if server.device_authorization_endpoint is None:
        raise Misused("this server does not offer sign-in with a code")
    form = {"client_id": request.client_id, "scope": request.scope}
    if request.reason:
        form |= {"ostiary_request": request.reason, "ostiary_reason": request.reason}
    if request.reason and request.duration:
        form["ostiary_duration"] = request.duration
    if request.machine:
        form["ostiary_machine"] = request.machine
    if request.reference:
        form["ostiary_reference"] = request.reference
    if request.ticket:
        form["ostiary_ticket"] = request.ticket
    if request.number and server.confirmation_endpoint is not None:
        form["ostiary_number"] = "1"
    headers = {"accept": "application/json"}
    asked = Call("POST", server.device_authorization_endpoint, form=form, headers=headers)
    answer = answered(asked, (yield from proved(prover, asked)))
    if answer.status == 200:
        return _read_code(answer)
    try:
        raise_refusal(answer, otherwise=DeniedByPolicy)
    except DeniedByPerson as fault:  # before a code exists nobody can have said no: it was a rule (R1)
        raise DeniedByPolicy(fault.message, refusal=fault.refusal) from None


def _read_code(answer: Answer) -> _Code:
    fields = answer.fields()
    device_code, user_code = plain(fields.get("device_code"), 2000), plain(fields.get("user_code"), 40)
    address = plain(fields.get("verification_uri"), 500)
    if device_code is None or user_code is None or address is None:
        raise ServerFault("the server's answer holds no code to show")
    expires_in = length(fields.get("expires_in"), least=1, most=LONGEST_CODE, missing=300)
    with_code, binding = plain(fields.get("verification_uri_complete"), 1000), _binding(fields.get("ostiary_binding"))
    sign_in = plain(fields.get("ostiary_sign_in"), 64)
    event = CodeIssued(user_code, address, with_code, expires_in, binding, sign_in)
    interval = length(fields.get("interval"), least=1, most=LONGEST_INTERVAL, missing=5)
    return _Code(device_code, interval, answer.at + expires_in, event)


def _binding(value: object) -> tuple[str, ...]:
    return tuple(datum for datum in ("reference", "machine") if isinstance(value, list) and datum in value)


def _wait(
    server: Server, request: Request, code: _Code, prover: Prover | None, course: _Course
) -> Exchange[Granted]:  # fmt: skip
    form = {"grant_type": GRANT_TYPE, "device_code": code.device_code, "client_id": request.client_id}
    pace = _Pace(code.interval, code.interval, code.ends)
    started = now = code.ends - code.event.expires_in
    limit = started + request.timeout if request.timeout is not None else None
    while True:
        pace = _towards_the_end(pace, now)
        now = yield from pause(pace.wait if limit is None else min(pace.wait, limit - now))
        if limit is not None and now >= limit:
            raise (StillWaiting if course.awaits else TimedOut)("nobody approved the sign-in in the time given")
        late = _may_wait(server, pace.ends if limit is None else min(pace.ends, limit), now)
        asked, waiting = now, form | ({"ostiary_wait": str(late)} if late else {})
        answer = yield from redeem(server, waiting, prover, late=late)
        if isinstance(answer, Answer) and answer.status == 200 and answer.fields_or_none() is not None:
            granted = read_grant(answer, server, request.client_id, request.scope, prover)
            return replace(granted, approved_by=approvers(answer.fields()))
        told, pace = pace.awaited, (yield from _next(pace, answer))
        now = answer.at
        if pace.silent_since is None:  # §3.5 counts from request to request, and this one was kept waiting
            pace = replace(pace, wait=max(0.0, pace.wait - (now - asked)))
        if pace.awaited is not None:
            course.awaits = True
            if _changed(told, pace.awaited):
                yield from _news(code, told, pace.awaited)
                pace = replace(pace, wait=0.0) if late else pace  # what comes next may come at once as well
            if not request.wait:
                raise StillWaiting("asked; nobody has decided yet", next_step="ostiary login --resume")
        if request.number and _number_wanted(answer):
            now = yield from _confirm(server, request, code, prover)
            pace = replace(pace, wait=0.0, ends=max(pace.ends, now + pace.interval), last_try=False)


def _may_wait(server: Server, ends: float, now: float) -> int:
    """For how many seconds a poll at *now* may wait for its answer; 0: it may not."""
    return max(0, min(server.longest_wait, int(ends - now)))


def _changed(before: ApprovalAwaited | None, now: ApprovalAwaited) -> bool:
    return before is None or replace(before, expires_in=now.expires_in) != now


def _news(code: _Code, before: ApprovalAwaited | None, now: ApprovalAwaited) -> Exchange[None]:
    """Tell what is new of the approval, and first of all what to keep."""
    if before is None:
        yield from tell(Keep(code.device_code, code.interval, now.expires_in, now.request))
    yield from tell(now)


def _number_wanted(answer: Answer | Lost) -> bool:
    fields = answer.fields_or_none() if isinstance(answer, Answer) else None
    return fields is not None and fields.get("ostiary_confirm") == "number"


def _confirm(server: Server, request: Request, code: _Code, prover: Prover | None) -> Exchange[float]:
    """Ask the person for the number and send it: there is one try. The time after it, when it was right."""
    if server.confirmation_endpoint is None:
        raise ServerFault("the server wants a number and does not say where to send it")
    typed = yield from question(NumberWanted(), NUMBER_WITHIN)
    if typed.text is None:
        raise TimedOut("nobody typed the number in time")
    form = {"client_id": request.client_id, "device_code": code.device_code, "number": typed.text}
    headers = {"accept": "application/json"}
    asked = Call("POST", server.confirmation_endpoint, form=form, headers=headers)
    answer = answered(asked, (yield from proved(prover, asked)))
    if answer.status != 200:
        raise_refusal(answer, otherwise=CodeExpired)
    return answer.at


def _towards_the_end(pace: _Pace, now: float) -> _Pace:
    """The last poll falls just after the end, so that the server has the last word; after it the code is over."""
    if pace.last_try and now >= pace.ends:
        raise CodeExpired("the code has expired before anybody approved it")
    if now + pace.wait < pace.ends:
        return replace(pace, last_try=False)
    return replace(pace, wait=max(1.0, pace.ends - now), last_try=True)


def _next(pace: _Pace, answer: Answer | Lost) -> Exchange[_Pace]:
    """The pace after an answer that brought no tokens. Raises what ends the sign-in."""
    fields = answer.fields_or_none() if isinstance(answer, Answer) else None
    if isinstance(answer, Lost) or fields is None or answer.status >= 500 or answer.status == 429:
        return (yield from _silence(pace, answer))
    error = fields.get("error")
    if error not in ("authorization_pending", "slow_down"):
        _over(pace, answer, fields)
    if pace.silent_since is not None:
        yield from tell(Resumed())
    interval = min(pace.interval + (SLOWER if error == "slow_down" else 0.0), LONGEST_INTERVAL)
    awaited = awaited_in(fields)
    if awaited is not None:
        ends = answer.at + awaited.expires_in
    else:
        ends = yield from _longer_life(pace.ends, answer.at, fields)
    return replace(pace, interval=interval, wait=interval, ends=ends, silent_since=None, awaited=awaited)


def _silence(pace: _Pace, answer: Answer | Lost) -> Exchange[_Pace]:
    since = give_up_after(answer, pace.silent_since)
    if pace.silent_since is None:
        reason = answer.reason if isinstance(answer, Lost) else f"it answers {answer.status}"
        yield from tell(ConnectionLost(reason))
    # §3.5: fewer requests, doubled each time; but often enough that a minute sees several
    return replace(pace, wait=min(max(pace.wait, pace.interval) * 2, 20.0), silent_since=since)


def _longer_life(ends: float, at: float, fields: Mapping[str, object]) -> Exchange[float]:
    more = length(fields.get("ostiary_expires_in"), least=0, most=LONGEST_WAIT, missing=0)
    if at + more <= ends + 1:
        return ends
    if at + more > ends + 30:  # the same end told again, a moment later, is no news
        yield from tell(Extended(more))
    return at + more


def _over(pace: _Pace, answer: Answer, fields: Mapping[str, object]) -> NoReturn:
    error, told = fields.get("error"), not_given(answer, fields)
    if told is not None:
        raise told
    if error == "expired_token":
        raise CodeExpired("the code has expired before anybody approved it")
    if error in ("invalid_grant", "bad_verification_code") and pace.silent_since is not None:
        raise Unreachable("the connection was lost while the sign-in finished; start it again")
    raise_refusal(answer, otherwise=CodeExpired)
