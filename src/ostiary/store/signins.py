"""
Device sign-ins as rows. Every change of state is a compare-and-swap on the state it leaves.
"""

from dataclasses import dataclass, fields
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, insert, or_, select, update

from ostiary.core.signins.declared import Declared
from ostiary.core.signins.signin import OPEN, SignIn, State
from ostiary.core.words.ids import AppId, DeviceId, ExemptionId, SessionId, SignInId, UserId
from ostiary.core.words.instants import Instant
from ostiary.core.words.proof import Bound
from ostiary.store import Row, Tx
from ostiary.store.schema import signins
from ostiary.store.sql import Sql, sql

_COLUMNS = tuple(field.name for field in fields(SignIn))
_ALL = [signins.c[name] for name in _COLUMNS]
_ADDED = (
    "id", "device_code", "user_code", "client", "resource", "scopes", "state", "requester_address", "requester_agent",
    "created", "ends", "challenge", "jkt", "x5t", "named", "declared", "device",
)  # fmt: skip

_ADD = sql(insert(signins).values({name: bindparam(name) for name in _ADDED}))
_BY_DEVICE_CODE = sql(select(*_ALL).where(signins.c.device_code == bindparam("digest")))
_BY_USER_CODE = sql(select(*_ALL, signins.c.device_code).where(signins.c.user_code == bindparam("digest")))
_BY_ID = sql(select(*_ALL, signins.c.device_code).where(signins.c.id == bindparam("id")))
_LIVE = sql(
    select(
        signins.c.device_code,
        signins.c.client,
        signins.c.requester_address,
        signins.c.ends,
        signins.c.jkt,
        signins.c.x5t,
    ).where(signins.c.ends > bindparam("now"), signins.c.state.in_([State.ISSUED.value, State.CLAIMED.value]))
)
_LATEST = (
    select(signins.c.client, signins.c.requester_address)
    .where(signins.c.user == bindparam("user"), signins.c.redeemed.is_not(None))
    .order_by(signins.c.created.desc())
    .limit(200)  # not everything that the person ever did
    .subquery()
)
_BEFORE = sql(select(_LATEST).distinct())
_OPEN_OF = sql(
    select(*_ALL, signins.c.device_code).where(
        signins.c.user == bindparam("user_"),
        signins.c.ends > bindparam("now"),
        signins.c.state.in_([state.value for state in OPEN]),
    )
)
_FORGET = sql(
    delete(signins).where(
        signins.c.ends < bindparam("before"),
        or_(signins.c.redeemed.is_(None), signins.c.redeemed < bindparam("remembered")),
    )
)
_BIND = sql(
    update(signins)
    .where(signins.c.id == bindparam("id_"), signins.c.jkt.is_(None), signins.c.x5t.is_(None))
    .values(jkt=bindparam("jkt_"), x5t=bindparam("x5t_"))
)


def _move(*changed: str) -> Sql:
    """An update of *changed* and the state, for the row that still stands at `old` and has not expired."""
    return sql(
        update(signins)
        .where(signins.c.id == bindparam("id_"), signins.c.state == bindparam("old"), signins.c.ends > bindparam("now"))
        .values(state=bindparam("new"), **{name: bindparam(f"{name}_") for name in changed})
    )


_CLAIM = _move("user", "browser", "claimed", "reach", "matched")
_MATCH = _move("matched")
_RELEASE = _move("browser", "changes", "handed")
_CONSENTED = (
    "decided", "ends", "authenticated", "amr", "approver_address", "approver_agent", "approver_device",
    "approver_passkey", "exemption", "number",
)  # fmt: skip
_APPROVE = _move(*_CONSENTED)
_AWAIT = _move(*_CONSENTED, "asked")
_CONFIRM = _move("ends")
_READY = _move("ends")
_CLOSE = _move("decided", "approver_address", "approver_agent")
_CLOSE_ASKED = _move("decided", "approver_address", "approver_agent", "exemption", "asked")
_END_AWAITING = sql(
    update(signins)
    .where(
        signins.c.user == bindparam("user_"), signins.c.asked.is_not(None), signins.c.ends > bindparam("now"),
        signins.c.state.in_([State.AWAITING_NUMBER.value, State.AWAITING_EXEMPTION.value]),
    )
    .values(state=State.DENIED.value, decided=bindparam("now"))
    .returning(signins.c.id, signins.c.exemption)
)  # fmt: skip
_REDEEM = _move("redeemed", "session", "exemption")


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person's yes leaves in the row, beside where they were."""

    exemption: ExemptionId
    authenticated: Instant
    amr: tuple[str, ...]
    number: bytes | None
    device: DeviceId | None
    passkey: str | None


async def add(tx: Tx, signin: SignIn, *, device_code: bytes, user_code: bytes) -> None:
    """
    A new request; both codes as digests. A user code that is already there violates the unique index and fails the
    deed.
    """
    await tx.run(
        _ADD, id=signin.id, device_code=device_code, user_code=user_code, client=signin.client,
        resource=signin.resource,
        scopes=" ".join(signin.scopes), state=signin.state.value, requester_address=signin.requester_address,
        requester_agent=signin.requester_agent, created=signin.created, ends=signin.ends, challenge=signin.challenge,
        jkt=signin.jkt, x5t=signin.x5t, named=signin.named, declared=signin.declared.kept(), device=signin.device,
    )  # fmt: skip


async def by_device_code(tx: Tx, digest: bytes) -> SignIn | None:
    """The sign-in whose device code has this SHA-256."""
    row = await tx.one(_BY_DEVICE_CODE, digest=digest)
    return None if row is None else _signin(row)


async def by_user_code(tx: Tx, digest: bytes) -> tuple[SignIn, bytes] | None:
    """The sign-in whose user code has this HMAC, with the digest of its device code."""
    row = await tx.one(_BY_USER_CODE, digest=digest)
    return None if row is None else (_signin(row[:-1]), row[-1])


async def by_id(tx: Tx, id: SignInId) -> tuple[SignIn, bytes] | None:
    """The sign-in, with the digest of its device code."""
    row = await tx.one(_BY_ID, id=id)
    return None if row is None else (_signin(row[:-1]), row[-1])


async def live(tx: Tx, now: Instant) -> list[tuple[bytes, AppId, str, Instant, Bound]]:
    """(digest of the device code, client, requester address, end, key) of every pending sign-in."""
    return [
        (digest, AppId(client), address, Instant(ends), Bound(*keys))
        for digest, client, address, ends, *keys in await tx.all(_LIVE, now=now)
    ]


async def bind(tx: Tx, id: SignInId, key: Bound) -> bool:
    """Fix the key of a sign-in that has none; False for everybody who comes second."""
    return await tx.run(_BIND, id_=id, jkt_=key.jkt, x5t_=key.x5t) == 1


async def earlier(tx: Tx, user: UserId) -> list[tuple[AppId, str]]:
    """(client, requester address), each pair once, of the latest sign-ins that *user* approved and that gave tokens."""
    return [(AppId(client), address) for client, address in await tx.all(_BEFORE, user=user)]


async def open_of(tx: Tx, user: UserId, now: Instant) -> list[tuple[SignIn, bytes]]:
    """What of *user* is open at *now*, each with the digest of its device code."""
    return [(_signin(row[:-1]), row[-1]) for row in await tx.all(_OPEN_OF, user_=user, now=now)]


async def others_open(tx: Tx, signin: SignIn, user: UserId, now: Instant) -> list[tuple[SignIn, bytes]]:
    """The same, beside *signin*."""
    return [found for found in await open_of(tx, user, now) if found[0].id != signin.id]


async def forget(tx: Tx, *, before: Instant, remembered: Instant) -> int:
    """Delete requests that ended before *before*, but those redeemed since *remembered*: `earlier` looks at them."""
    return await tx.run(_FORGET, before=before, remembered=remembered)


async def claim(tx: Tx, signin: SignIn, *, user: UserId, browser: SessionId, now: Instant) -> bool:
    """issued → claimed, with the reach that *signin* has by now, and nothing typed yet."""
    reach = orjson.dumps(dict(signin.reach)).decode()
    return await _run(
        tx, _CLAIM, signin, State.CLAIMED, now, user_=user, browser_=browser, claimed_=now, reach_=reach, matched_=""
    )


async def match(tx: Tx, signin: SignIn, *, matched: tuple[str, ...], now: Instant) -> bool:
    """Still claimed, and its person typed *matched* of what the requester had said."""
    return await _run(tx, _MATCH, signin, State.CLAIMED, now, matched_=" ".join(matched))


async def release(tx: Tx, signin: SignIn, *, handed: bytes, now: Instant) -> bool:
    """claimed → issued: only the browser that holds the value of digest *handed* may claim it; `user` gave it back."""
    return await _run(
        tx, _RELEASE, signin, State.ISSUED, now, browser_=None, changes_=signin.changes + 1, handed_=handed
    )


async def approve(
    tx: Tx, signin: SignIn, consent: Consent, *, ends: Instant, address: str, agent: str, now: Instant
) -> bool:  # fmt: skip
    """
    claimed → ready, or with a number → awaiting it, until *ends*; awaiting_exemption → ready, at the second consent.
    """
    again = signin.state is State.AWAITING_EXEMPTION
    new = State.READY if again or consent.number is None else State.AWAITING_NUMBER
    return await _run(tx, _APPROVE, signin, new, now, **_consented(consent, ends, address, agent, now))


async def wait(
    tx: Tx, signin: SignIn, consent: Consent, *, ends: Instant, address: str, agent: str, now: Instant
) -> bool:  # fmt: skip
    """claimed → awaiting the exemption that was asked for, or with a number → awaiting that first, until *ends*."""
    new = State.AWAITING_EXEMPTION if consent.number is None else State.AWAITING_NUMBER
    return await _run(tx, _AWAIT, signin, new, now, asked_=now, **_consented(consent, ends, address, agent, now))


def _consented(consent: Consent, ends: Instant, address: str, agent: str, now: Instant) -> dict[str, object]:
    return {
        "number_": consent.number, "decided_": now, "ends_": ends, "authenticated_": consent.authenticated,
        "amr_": " ".join(consent.amr), "approver_address_": address, "approver_agent_": agent,
        "approver_device_": consent.device, "approver_passkey_": consent.passkey, "exemption_": consent.exemption,
    }  # fmt: skip


async def ready(tx: Tx, signin: SignIn, *, ends: Instant, now: Instant) -> bool:
    """awaiting_exemption → ready, until *ends*."""
    return await _run(tx, _READY, signin, State.READY, now, ends_=ends)


async def close_asked(tx: Tx, signin: SignIn, request: ExemptionId, *, address: str, agent: str, now: Instant) -> bool:
    """claimed → denied: it cannot wait for the *request* that was made at its page."""
    return await _run(
        tx, _CLOSE_ASKED, signin, State.DENIED, now, decided_=now, approver_address_=address, approver_agent_=agent,
        exemption_=request, asked_=now,
    )  # fmt: skip


async def end_awaiting(tx: Tx, user: UserId, *, now: Instant) -> list[tuple[SignInId, ExemptionId]]:
    """Everything of *user* that waits for an exemption → denied; each with its request, in order."""
    rows = await tx.all(_END_AWAITING, user_=user, now=now)
    return sorted((SignInId(id), ExemptionId(request)) for id, request in rows)


async def confirm(tx: Tx, signin: SignIn, *, ends: Instant, awaits: bool, now: Instant) -> bool:
    """awaiting_number → ready, or on to awaiting the exemption, until *ends*."""
    return await _run(tx, _CONFIRM, signin, State.AWAITING_EXEMPTION if awaits else State.READY, now, ends_=ends)


async def close(tx: Tx, signin: SignIn, state: State, *, address: str, agent: str, now: Instant) -> bool:
    """any open state → denied or reported."""
    return await _run(tx, _CLOSE, signin, state, now, decided_=now, approver_address_=address, approver_agent_=agent)


async def redeem(tx: Tx, signin: SignIn, *, session: SessionId, exemption: ExemptionId, now: Instant) -> bool:
    """ready → redeemed: the one swap that decides who gets the tokens."""
    return await _run(tx, _REDEEM, signin, State.REDEEMED, now, redeemed_=now, session_=session, exemption_=exemption)


async def _run(tx: Tx, statement: Sql, signin: SignIn, new: State, now: Instant, **values: object) -> bool:
    return await tx.run(statement, id_=signin.id, old=signin.state.value, new=new.value, now=now, **values) == 1


def _signin(row: Row) -> SignIn:
    """The columns `_COLUMNS`, which stand in the order of the value's fields: by place costs a third of by name."""
    (
        id,
        client,
        resource,
        words,
        state,
        *others,
        amr,
        address,
        agent,
        exemption,
        session,
        redeemed,
        said,
        number,
        reach,
        machine,
        browser,
        matched,
        passkey,
        asked,
    ) = row
    values: list[Any] = [
        id, client, resource, tuple(words.split()), State(state), *others, tuple((amr or "").split()), address, agent,
        exemption, session, redeemed, Declared.of(said), number,
        {AppId(app): tuple(names) for app, names in orjson.loads(reach).items()}, machine,
        browser, tuple(matched.split()), passkey, asked,
    ]  # fmt: skip
    return SignIn(*values)
