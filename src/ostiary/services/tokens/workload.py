"""
Token exchange: a workload brings its issuer's token and gets one of ours (RFC 8693; Entra's `client_credentials` with
a federated assertion). No person, no refresh token, ten minutes.

Owns the order: what the request says, the issuer's keys (before the transaction: the network is slow), then in one
transaction the trust as it is now, the subject token that counts once, policy, the session, the signature. Only issuers
that the named application trusts are ever asked for keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.core.access.decision import Outcome
from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.directory.credentials import source_of
from ostiary.core.directory.trusts import Trust
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens import assertions, federation
from ostiary.core.tokens.assertions import Assertion
from ostiary.core.tokens.binding import complaint, fixed, judge_key
from ostiary.core.tokens.scopes import Asked
from ostiary.core.tokens.session import Session, SessionKind
from ostiary.core.words.caller import Origin
from ostiary.core.words.errors import OstiaryError
from ostiary.core.words.ids import AppId, SessionId, UserId
from ostiary.core.words.instants import after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.proof import UNBOUND
from ostiary.core.words.visit import Visit
from ostiary.services.access.clients import take
from ostiary.services.access.desk import settled
from ostiary.services.access.gather import Judged, told
from ostiary.services.access.workloads import judge_workload
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.signins.refusals import refuse
from ostiary.services.tokens.grants.grant import TokenForm
from ostiary.services.tokens.issue import Issued, issue_workload
from ostiary.store import Tx
from ostiary.store import tokens as sessions

__all__ = ["GRANT_TYPES", "exchange"]

GRANT_TYPES: tuple[str, ...] = (federation.EXCHANGE, federation.CREDENTIALS)

USED = Refused(Reason.SUBJECT_TOKEN, "It was used before: each counts once.")
NO_KEYS = Refused(Reason.UNAVAILABLE, "The keys of the token's issuer cannot be had now.")


@dataclass(frozen=True, slots=True)
class _Stopped:
    """A refusal with what was known by then."""

    refused: Refused
    known: Mapping[str, object]


class _Undo(OstiaryError):
    """The token could not be made after all: nothing of it happened."""

    def __init__(self, stopped: _Stopped) -> None:
        super().__init__(stopped.refused.reason)
        self.stopped = stopped


@dataclass(frozen=True, slots=True)
class _Vouched:
    """A subject token whose signature is its issuer's."""

    token: Assertion
    new: SessionId

    @property
    def subject(self) -> str:
        return tame(self.token.subject)

    @property
    def issuer(self) -> str:
        return tame(str(self.token.claims["iss"]))


async def exchange(house: House, visit: Visit, form: TokenForm) -> Issued | Refused:
    """
    A workload's token, or why not.

    Reasons: INVALID_REQUEST, UNSUPPORTED_GRANT (`client_credentials` without another issuer's token), SUBJECT_TOKEN,
    UNAVAILABLE while the issuer's keys cannot be had, CLIENT_DISABLED, DPOP_REQUIRED, KILLED, BLOCKED, those of scopes.
    """
    vouched = _worded(form) or await _vouched(house, visit, form)
    if isinstance(vouched, Refused):
        return await _tell(house, visit, form, _Stopped(vouched, {}))

    async def body(tx: Tx, picture: Picture) -> Issued | _Stopped:
        return await _exchanged(house, tx, picture, visit, form, vouched)

    try:
        answer = await settled(house, body)
    except _Undo as undone:
        answer = undone.stopped
    return await _tell(house, visit, form, answer) if isinstance(answer, _Stopped) else answer


def _worded(form: TokenForm) -> Refused | None:
    """What is wrong with the request before anything is looked at."""
    exchanging, shown = form.grant_type == federation.EXCHANGE, form.client
    if shown.client_secret or (shown.basic or ("", ""))[1]:
        return Refused(Reason.INVALID_REQUEST, "The token of the workload is its proof: send no secret beside it.")
    if (shown.basic is not None and shown.client_id) or not shown.name:
        return Refused(Reason.INVALID_REQUEST, "Name the application once, by client_id.", field="client_id")
    if not exchanging and not shown.assertion:
        return Refused(Reason.UNSUPPORTED_GRANT, "client_credentials needs a client_assertion of a trusted issuer.")
    if exchanging and (shown.assertion or not form.subject_token):
        return Refused(Reason.INVALID_REQUEST, "The parameter subject_token is needed, alone.", field="subject_token")
    return federation.asked(
        subject_type=form.subject_token_type, requested=form.requested_token_type, actor=form.actor_token,
        assertion_type=shown.assertion_type, exchange=exchanging,
    )  # fmt: skip


def _named(picture: Picture, form: TokenForm) -> Application | None:
    return picture.applications.get(AppId(form.client.name.lower()))


async def _vouched(house: House, visit: Visit, form: TokenForm) -> _Vouched | Refused:
    """
    The subject token, signed by an issuer of a trust. Memory may be old: before it says no it is taken anew, and the
    trust is looked for again inside the transaction.
    """
    token = assertions.read(form.subject_token or form.client.assertion)
    if token is not None and not federation.foreign(_named(house.desk.picture, form), token):
        await house.desk.reload()
    if token is None or not federation.foreign(_named(house.desk.picture, form), token):
        return Refused(Reason.SUBJECT_TOKEN, federation.NO_TRUST)
    keys = await house.outside.issuers.keys(str(token.claims["iss"]), token.names.get("kid", ""), visit.now)
    if keys is None:
        return NO_KEYS
    if not any(key.made(token.algorithm, token.signed, token.signature) for key in keys):
        return Refused(Reason.SUBJECT_TOKEN, "Its signature is by no key of its issuer.")
    return _Vouched(token, SessionId(house.random.guid()))


async def _exchanged(
    house: House, tx: Tx, picture: Picture, visit: Visit, form: TokenForm, vouched: _Vouched
) -> Issued | _Stopped:
    """Step: everything that decides, on the registration as it is now."""
    known: dict[str, object] = {"issuer": vouched.issuer, "subject": vouched.subject}
    client = _named(picture, form)
    trust = federation.trusted(client, vouched.token) if client is not None else None
    if client is None or trust is None:
        return _Stopped(Refused(Reason.SUBJECT_TOKEN, federation.NO_TRUST), known)
    known["trust"] = trust.id
    refused = await _spent(tx, visit, client, trust, vouched.token)
    asked = refused or _asked(picture, client, trust, form)
    if isinstance(asked, Refused):
        return _Stopped(asked, known)
    judged = judge_workload(picture, client, asked, visit.address)
    known |= told(judged)
    if judged.decision.outcome is not Outcome.ALLOWED:
        return _Stopped(Refused(Reason.BLOCKED, rules=judged.decision.rules), known)
    return await _give(house, tx, picture, visit, form, vouched, client, trust, asked, judged, known)


async def _spent(tx: Tx, visit: Visit, client: Application, trust: Trust, token: Assertion) -> Refused | None:
    """
    Step: take the token, which counts once whatever comes of the request; why not, where it does not count. A request
    that lacks the proof of a key may come again with one.
    """
    wrong = federation.complaint(token, visit.now)
    if wrong:
        return Refused(Reason.SUBJECT_TOKEN, wrong)
    unproved = complaint(judge_key(UNBOUND, visit.proof, client), visit.proof, client)
    if unproved is not None:
        return unproved
    used = await take(tx, federation.once(token, trust), source_of(visit.address))
    return used if used is None or used.reason is Reason.UNAVAILABLE else USED


def _asked(picture: Picture, client: Application, trust: Trust, form: TokenForm) -> Asked | Refused:
    """What it may have, if anybody may have anything now."""
    if not client.enabled:
        return Refused(Reason.CLIENT_DISABLED)
    if picture.switch.on:
        return Refused(Reason.KILLED)
    return federation.permitted(picture, client, trust, text=form.scope, audience=form.audience)


async def _give(
    house: House, tx: Tx, picture: Picture, visit: Visit, form: TokenForm, vouched: _Vouched, client: Application,
    trust: Trust, asked: Asked, judged: Judged, known: Mapping[str, object],
) -> Issued:  # fmt: skip
    """Step: session, signature, entry (R14: signed before the commit)."""
    session = _session(visit, vouched, client, trust, asked, judged)
    exchanging = form.grant_type == federation.EXCHANGE
    issued = issue_workload(
        house, picture, visit, session, client=client, asked=asked, vouched=vouched.subject,
        issued_type=federation.ACCESS_TOKEN if exchanging else None,
    )  # fmt: skip
    if isinstance(issued, Refused):
        raise _Undo(_Stopped(issued, known))
    await sessions.add(tx, session)
    detail = {
        **known, "client": client.id, "client_name": tame(client.name), "trust_name": trust.name,
        "session": session.id, "resource": asked.resource.id, "scopes": list(asked.scopes), "jti": issued.jti,
        "ends": issued.expires, "key": session.jkt or "", "certificate": session.x5t or "",
    }  # fmt: skip
    await record(
        tx, visit, Entry(Kind.WORKLOAD_ISSUED, target=f"application:{client.id}", story=session.story, detail=detail)
    )
    return issued


def _session(
    visit: Visit, vouched: _Vouched, client: Application, trust: Trust, asked: Asked, judged: Judged
) -> Session:  # fmt: skip
    limits = judged.decision.limits
    ends = after(visit.now, min(limit for limit in (federation.LIFETIME, limits.access, limits.session) if limit))
    bound = fixed(visit.proof, client)
    return Session(
        id=vouched.new,
        kind=SessionKind.WORKLOAD,
        origin=Origin.WORKLOAD,
        user=UserId(client.object_id),
        client=client.id,
        story=visit.id,
        created=visit.now,
        idle_ends=ends,
        ends=ends,
        authenticated=visit.now,
        amr=(),
        resource=asked.resource.id,
        scopes=asked.scopes,
        requester_address=visit.address,
        jkt=bound.jkt,
        x5t=bound.x5t,
        trust=trust.id,
    )


async def _tell(
    house: House, visit: Visit, form: TokenForm, stopped: _Stopped
) -> Refused:  # fmt: skip
    """A refusal on its way out: written with what is known of who asked, within bounds (R21)."""
    detail = {"detail": stopped.refused.detail, **stopped.known}
    return await refuse(house, visit, Kind.WORKLOAD_REFUSED, stopped.refused, client=form.client.name, detail=detail)
