"""
Who may provision: systems with a token of their own, made, renewed and taken away by administrators (SCIM 2.0).

A token is 256 random bits, shown once and kept as a digest (R17); it opens provisioning and nothing else.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network, ip_network

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.directory.provisioning import (
    MOST_PROVISIONERS,
    MOST_TOKENS,
    NEVER,
    SECRET_BYTES,
    Kept,
    Provisioner,
    admits,
    lifetime,
    read_token,
    written_token,
)
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, Span, after, between, minutes, to_iso
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory, provisioning

__all__ = [
    "NewToken", "add_provisioner", "give_user", "list_provisioners", "provisioning_visit", "remove_provisioner",
    "renew_token",
]  # fmt: skip

_ACTION = Action.WRITE_PROVISIONERS
_NONE = Refused(Reason.NOT_FOUND, "There is no such provisioner.")
_SEEN = minutes(1)
"""Its last use is written no more often than this."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A provisioner with its new token, which is shown this once."""

    provisioner: Provisioner
    token: str = field(repr=False)
    ends: Instant


async def provisioning_visit(house: House, visit: Visit, bearer: str) -> Visit:
    """*visit* with the provisioner whose token came, from where it may come; nobody otherwise."""
    token = read_token(bearer)
    if token is None:
        return visit
    found = await house.store.read(lambda tx: provisioning.by_token(tx, digest(token), visit.now))
    if found is None or not admits(found, visit.address):
        return visit
    if found.used is None or between(found.used, visit.now) >= _SEEN:
        await house.store.write(lambda tx: provisioning.use(tx, found.id, visit.now))
    return replace(visit, caller=Caller(CallerKind.PROVISIONER, found.id, found.name))


async def list_provisioners(house: House, visit: Visit, query: Query) -> Page[Provisioner] | Refused:
    """All of them on one page. Refused: FORBIDDEN and its kin; a filter or an order."""
    refused = judge(Action.READ_DIRECTORY, visit.caller, now=visit.now)
    if refused is None and (query.filter is not None or query.order is not None):
        refused = Refused(Reason.INVALID_VALUE, "They come in one order, all of them.", field="$filter")

    async def body(tx: Tx) -> Page[Provisioner] | Refused:
        if refused:
            return refused
        found = tuple(await provisioning.listed(tx))
        return Page(found, None, len(found) if query.count else None)

    return await house.store.read(body)


async def add_provisioner(
    house: House, visit: Visit, name: str, networks: Sequence[str], length: Span | None, reason: str
) -> NewToken | Refused:
    """
    Make one, with its first token. Refused: FORBIDDEN and its kin, REASON_REQUIRED, INVALID_VALUE, CONFLICT for a name
    that is taken or when there are enough.
    """
    why, places, lives = read_reason(reason), _networks(networks), lifetime(length)
    id, token = house.random.guid(), _token(house)

    async def body(tx: Tx) -> NewToken | Refused:
        refused = judge(_ACTION, visit.caller, now=visit.now)
        refused = refused or next((one for one in (why, places, lives) if isinstance(one, Refused)), None)
        refused = refused or await _room(tx, name)
        if refused or isinstance(places, Refused) or isinstance(lives, Refused):
            return await refuse(tx, visit, _ACTION, refused or _NONE, target="provisioner:")
        ends = after(visit.now, lives)
        made = Provisioner(id, name, places, visit.now, ends=ends)
        await provisioning.add(tx, made)
        await provisioning.add_token(tx, digest(token), provisioner=id, now=visit.now, ends=ends)
        detail = {"provisioner": id, "name": tame(name), "networks": [str(one) for one in places], "reason": why}
        await record(tx, visit, Entry(Kind.PROVISIONER_ADDED, target=f"provisioner:{id}", detail=detail))
        return NewToken(made, token, ends)

    return await house.store.write(body)


async def _room(tx: Tx, name: str) -> Refused | None:
    there = await provisioning.listed(tx)
    if any(one.name == name for one in there):
        return Refused(Reason.CONFLICT, "Another provisioner has this name.", field="displayName")
    if len(there) >= MOST_PROVISIONERS:
        return Refused(Reason.CONFLICT, f"There are {MOST_PROVISIONERS} already. Remove one first.")
    return None


async def renew_token(house: House, visit: Visit, id: str, length: Span | None, reason: str) -> NewToken | Refused:
    """
    A new token; the one before goes on until its end, any older one ends now. Refused: FORBIDDEN and its kin,
    REASON_REQUIRED, INVALID_VALUE, NOT_FOUND.
    """
    why, lives, token = read_reason(reason), lifetime(length), _token(house)

    async def body(tx: Tx) -> NewToken | Refused:
        refused = judge(_ACTION, visit.caller, now=visit.now)
        refused = refused or next((one for one in (why, lives) if isinstance(one, Refused)), None)
        found = None if refused else await provisioning.find(tx, id)
        if refused or found is None or isinstance(lives, Refused):
            return await refuse(tx, visit, _ACTION, refused or _NONE, target=f"provisioner:{id[:64]}")
        ends = after(visit.now, lives)
        held = await provisioning.tokens(tx, id, visit.now)
        await provisioning.drop_tokens(tx, id, held[MOST_TOKENS - 1 :], visit.now)
        await provisioning.add_token(tx, digest(token), provisioner=id, now=visit.now, ends=ends)
        detail = {"provisioner": id, "name": tame(found.name), "ends": to_iso(ends), "reason": why}
        await record(tx, visit, Entry(Kind.PROVISIONER_TOKEN, target=f"provisioner:{id}", detail=detail))
        return NewToken(replace(found, ends=ends), token, ends)

    return await house.store.write(body)


async def remove_provisioner(house: House, visit: Visit, id: str, reason: str = "") -> bool | Refused:
    """Take it away: its tokens end now; its accounts and groups stay. Refused: FORBIDDEN and its kin, NOT_FOUND."""

    async def body(tx: Tx) -> bool | Refused:
        refused = judge(_ACTION, visit.caller, now=visit.now)
        found = None if refused else await provisioning.find(tx, id)
        if refused or found is None:
            return await refuse(tx, visit, _ACTION, refused or _NONE, target=f"provisioner:{id[:64]}")
        await provisioning.remove(tx, id)
        detail = {"provisioner": id, "name": tame(found.name), "reason": tame(reason)}
        await record(tx, visit, Entry(Kind.PROVISIONER_REMOVED, target=f"provisioner:{id}", detail=detail))
        return True

    return await house.store.write(body)


async def give_user(house: House, visit: Visit, id: str, user: str, reason: str) -> bool | Refused:
    """
    Give an account that is there to the provisioner *id*, which finds it by its name then. Refused: FORBIDDEN and its
    kin, REASON_REQUIRED, NOT_FOUND, CONFLICT for one that is a provisioner's.
    """
    why = read_reason(reason)

    async def body(tx: Tx) -> bool | Refused:
        refused = judge(_ACTION, visit.caller, now=visit.now) or (why if isinstance(why, Refused) else None)
        found = None if refused else await provisioning.find(tx, id)
        person = None if refused else await directory.find(tx, UserId(user))
        owned = None if person is None else await provisioning.owner_of(tx, person.id)
        if refused is None and owned is not None and not owned.gone:
            refused = Refused(Reason.CONFLICT, "This account is a provisioner's already.")
        if refused or found is None or person is None:
            missing = Refused(Reason.NOT_FOUND, "There is no such user.") if found else _NONE
            return await refuse(tx, visit, _ACTION, refused or missing, target=f"provisioner:{id[:64]}")
        kept = Kept(person.id, None, visit.now, visit.now, off=NEVER if owned is None else owned.off)
        await (provisioning.keep_user(tx, id, kept) if owned is None else provisioning.move_user(tx, id, kept))
        detail = {
            "provisioner": id, "name": tame(found.name), "user": person.id, "user_name": person.principal_name,
            "reason": why,
        }  # fmt: skip
        await record(tx, visit, Entry(Kind.PROVISIONER_GIVEN, target=f"user:{person.id}", detail=detail))
        return True

    return await house.store.write(body)


def _token(house: House) -> str:
    return written_token(urlsafe_b64encode(house.random.bytes(SECRET_BYTES)).rstrip(b"=").decode())


def _networks(given: Sequence[str]) -> tuple[IPv4Network | IPv6Network, ...] | Refused:
    try:
        return tuple(ip_network(one) for one in given)
    except ValueError:
        return Refused(Reason.INVALID_VALUE, "A network looks like 203.0.113.0/24.", field="networks")
