"""
Streams, as their receivers configure them (SSF 1.0 §8.1): made, read, changed, paused, removed, verified.

Each deed is one application's, which proves itself in the deciding transaction, and about its own streams alone. An
application that is no resource and no gateway of one gets no stream: there is nothing that it may be told.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.signals import subjects
from ostiary.core.signals.events import verification
from ostiary.core.signals.streams import (
    MOST_STREAMS,
    PURPOSE,
    VERIFY_EVERY,
    Method,
    Status,
    Stream,
    Target,
    Wish,
    changed,
    contradiction,
    document,
    read_wish,
)
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.destinations import place_of
from ostiary.core.words.instants import between
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.services.signals.outbox import issuer_of, put
from ostiary.services.signals.receivers import MANAGE, READ, Receiver, note_refused, own_stream, receiver
from ostiary.services.signals.transmit import begin
from ostiary.store import Tx, signals

__all__ = [
    "POLLED_AT",
    "Shown",
    "add_subject",
    "change_stream",
    "create_stream",
    "delete_stream",
    "list_streams",
    "open_target",
    "read_status",
    "read_stream",
    "remove_subject",
    "set_status",
    "told",
    "verify_stream",
]

T = TypeVar("T")
Shown = dict[str, Any]
"""A stream, or its status, as SSF shapes it."""
POLLED_AT = "/ssf/poll/"
"""Where the events of a stream are polled, its id behind it."""
_LONGEST_STATE = 1024  # characters of what a verification event carries back
_LONGEST_WHY = 256

_UNFIT = Refused(Reason.FORBIDDEN, "Only a resource, or a registered gateway of one, has streams.")
_BARRED = Refused(
    Reason.INVALID_REQUEST, "This service may not send to that address (setting `outgoing_allow`).",
    field="delivery.endpoint_url",
)  # fmt: skip


async def _as_receiver(
    house: House, visit: Visit, who: Receiver, scopes: frozenset[str],
    act: Callable[[Tx, Picture, Visit, Application], Coroutine[Any, Any, T | Refused]], *, write: bool = True,
    wakes: str = "",
) -> T | Refused:  # fmt: skip
    """
    Run *act* in one transaction in which the application proved itself; a refusal of that is written down. Where it was
    done, polls of the stream *wakes* look again.
    """

    async def body(tx: Tx, picture: Picture) -> T | Refused:
        found = await receiver(house, tx, picture, visit, who, scopes)
        if isinstance(found, Refused):
            return found
        caller = Caller(CallerKind.APPLICATION, found.id, found.name)
        return await act(tx, picture, replace(visit, caller=caller), found)

    answer = await settled(house, body, write=write)
    if isinstance(answer, Refused):
        return await note_refused(house, visit, who, answer)
    house.polls.wake(wakes)
    return answer


def _named(given: Mapping[str, Any]) -> str:
    """The stream that *given* is about, if any."""
    return str(given.get("stream_id", ""))


def _wrong(what: str) -> Refused:
    field, _, sentence = what.partition(": ")
    return Refused(Reason.INVALID_REQUEST, sentence or what, field=field if sentence else "")


# ---- where events are pushed to


def _seal(house: House, id: str, target: Target | None) -> bytes:
    if target is None:
        return b""
    return house.vault.seal(PURPOSE, signals.TABLE, id, signals.FIELD, orjson.dumps([target.url, target.header]))


def open_target(house: House, id: str, sealed: bytes) -> Target | None:
    """Where the events of stream *id* are pushed to; None when they are polled. Raises SealBroken."""
    if not sealed:
        return None
    return Target(*orjson.loads(house.vault.open(PURPOSE, signals.TABLE, id, signals.FIELD, sealed)))


async def _shown(house: House, tx: Tx, stream: Stream) -> Shown:
    target = open_target(house, stream.id, await signals.sealed(tx, stream.id))
    endpoint = target.url if target is not None else f"{house.settings.origin}{POLLED_AT}{stream.id}"
    return document(stream, issuer=issuer_of(house), endpoint=endpoint)


def _asked(house: House, given: Mapping[str, Any], *, whole: bool) -> Wish | Refused:
    wish = read_wish(given, whole=whole)
    if isinstance(wish, str):
        return _wrong(wish)
    place = place_of(wish.target.url) if wish.target is not None else None
    return _BARRED if place is not None and house.outside.signal_outgoing.bars(place) else wish


# ---- the configuration (§8.1.1)


async def create_stream(house: House, visit: Visit, who: Receiver, given: Mapping[str, Any]) -> Shown | Refused:
    """A new stream. Refused: INVALID_REQUEST, FORBIDDEN for who is no resource, CONFLICT when there are enough."""
    wish, id = _asked(house, given, whole=True), house.random.guid()

    async def act(tx: Tx, picture: Picture, visit: Visit, own: Application) -> Shown | Refused:
        if isinstance(wish, Refused):
            return wish
        if not own.identifier_uris and picture.looks_after(own) == {own.id}:
            return _UNFIT
        if len(await signals.of_application(tx, own.id)) >= MOST_STREAMS:
            return Refused(Reason.CONFLICT, f"An application has at most {MOST_STREAMS} streams.")
        if not await signals.any_stream(tx):
            await begin(tx)
        audience = own.identifier_uris[0] if own.identifier_uris else own.id
        new = changed(Stream(id, own.id, audience, Method.POLL, "", None, "", visit.now), wish, whole=True)
        await signals.add(tx, new, _seal(house, id, wish.target))
        await _note(tx, visit, Kind.STREAM_CREATED, new, after=told(new))
        return await _shown(house, tx, new)

    return await _as_receiver(house, visit, who, MANAGE, act)


async def list_streams(house: House, visit: Visit, who: Receiver) -> list[Shown] | Refused:
    """Every stream of the application."""

    async def act(tx: Tx, _: Picture, __: Visit, own: Application) -> list[Shown] | Refused:
        return [await _shown(house, tx, stream) for stream in await signals.of_application(tx, own.id)]

    return await _as_receiver(house, visit, who, READ, act, write=False)


async def read_stream(house: House, visit: Visit, who: Receiver, id: str) -> Shown | Refused:
    """One of them. NOT_FOUND."""

    async def act(tx: Tx, _: Picture, __: Visit, own: Application) -> Shown | Refused:
        stream = await own_stream(tx, own, id)
        return stream if isinstance(stream, Refused) else await _shown(house, tx, stream)

    return await _as_receiver(house, visit, who, READ, act, write=False)


async def change_stream(
    house: House, visit: Visit, who: Receiver, given: Mapping[str, Any], *, whole: bool
) -> Shown | Refused:
    """
    Change what *given* names of the stream `stream_id`, or replace the *whole* of what is the receiver's (§8.1.1.3,
    §8.1.1.4). Refused: INVALID_REQUEST, NOT_FOUND, CONFLICT when it changed meanwhile.
    """
    wish = _asked(house, given, whole=whole)

    async def act(tx: Tx, _: Picture, visit: Visit, own: Application) -> Shown | Refused:
        old = await own_stream(tx, own, _named(given))
        if isinstance(old, Refused):
            return old
        wrong = contradiction(given, await _shown(house, tx, old))
        if wrong is not None:
            return _wrong(wrong)
        if isinstance(wish, Refused):
            return wish
        new = changed(old, wish, whole=whole)
        target = await signals.sealed(tx, old.id) if wish.method is None else _seal(house, old.id, wish.target)
        if not await signals.change(tx, old, new, target):
            return Refused(Reason.CONFLICT)
        await _note(tx, visit, Kind.STREAM_CHANGED, new, before=told(old), after=told(new))
        return await _shown(house, tx, new)

    return await _as_receiver(house, visit, who, MANAGE, act, wakes=_named(given))


async def delete_stream(house: House, visit: Visit, who: Receiver, id: str) -> bool | Refused:
    """Remove it, with all that waits on it. NOT_FOUND."""

    async def act(tx: Tx, _: Picture, visit: Visit, own: Application) -> bool | Refused:
        stream = await own_stream(tx, own, id)
        if isinstance(stream, Refused):
            return stream
        await signals.remove(tx, stream.id)
        await _note(tx, visit, Kind.STREAM_DELETED, stream, before=told(stream))
        return True

    return await _as_receiver(house, visit, who, MANAGE, act, wakes=id)


# ---- the status (§8.1.2)


async def read_status(house: House, visit: Visit, who: Receiver, id: str) -> Shown | Refused:
    """Whether it is enabled, paused or disabled, and why. NOT_FOUND."""

    async def act(tx: Tx, _: Picture, __: Visit, own: Application) -> Shown | Refused:
        stream = await own_stream(tx, own, id)
        return stream if isinstance(stream, Refused) else _status(stream)

    return await _as_receiver(house, visit, who, READ, act, write=False)


async def set_status(house: House, visit: Visit, who: Receiver, given: Mapping[str, Any]) -> Shown | Refused:
    """Enable, pause or disable it; what waits on one that is disabled is dropped. INVALID_REQUEST, NOT_FOUND."""
    status, why = given.get("status"), given.get("reason", "")

    async def act(tx: Tx, _: Picture, visit: Visit, own: Application) -> Shown | Refused:
        old = await own_stream(tx, own, _named(given))
        if isinstance(old, Refused):
            return old
        if status not in tuple(Status) or not isinstance(why, str) or len(why) > _LONGEST_WHY:
            return _wrong(f"status: one of {', '.join(Status)} is needed, and a reason of {_LONGEST_WHY} characters.")
        new = replace(old, status=Status(status), why=tame(why), revision=old.revision + 1, failures=0, retry=None)
        if not await signals.change(tx, old, new, await signals.sealed(tx, old.id)):
            return Refused(Reason.CONFLICT)
        if new.status is Status.DISABLED:
            await signals.count_dropped(tx, new.id, await signals.empty(tx, new.id))
        await _note(tx, visit, Kind.STREAM_CHANGED, new, before=told(old), after=told(new))
        return _status(new)

    return await _as_receiver(house, visit, who, MANAGE, act, wakes=_named(given))


def _status(stream: Stream) -> Shown:
    shown = {"stream_id": stream.id, "status": stream.status.value}
    return {**shown, "reason": stream.why} if stream.why else shown


# ---- subjects and verification (§8.1.3, §8.1.4)


async def add_subject(house: House, visit: Visit, who: Receiver, given: Mapping[str, Any]) -> bool | Refused:
    """Leave a subject out no more; every other is on the stream anyway. INVALID_REQUEST, NOT_FOUND."""
    return await _subject(house, visit, who, given, signals.take_in)


async def remove_subject(house: House, visit: Visit, who: Receiver, given: Mapping[str, Any]) -> bool | Refused:
    """
    Leave a subject out. INVALID_REQUEST, NOT_FOUND; BUSY_SOURCE when a stream leaves out too many. Whether there is
    such a subject is told to nobody (§9.1).
    """

    async def leave_out(tx: Tx, stream: str, subject: str) -> Refused | None:
        known = await signals.left_out(tx, stream)
        if subject in known:
            return None
        if len(known) >= subjects.MOST:
            return Refused(Reason.BUSY_SOURCE, f"A stream leaves out at most {subjects.MOST} subjects.")
        await signals.leave_out(tx, stream, subject)
        return None

    return await _subject(house, visit, who, given, leave_out)


async def _subject(
    house: House, visit: Visit, who: Receiver, given: Mapping[str, Any],
    act: Callable[[Tx, str, str], Coroutine[Any, Any, Refused | None]],
) -> bool | Refused:  # fmt: skip
    subject = subjects.read(given.get("subject"))

    async def body(tx: Tx, _: Picture, visit: Visit, own: Application) -> bool | Refused:
        stream = await own_stream(tx, own, _named(given))
        if isinstance(stream, Refused):
            return stream
        if subject is None:
            return _wrong("subject: one of the formats iss_sub, opaque, or complex of those is needed.")
        return await act(tx, stream.id, subject) or True

    return await _as_receiver(house, visit, who, MANAGE, body)


async def verify_stream(house: House, visit: Visit, who: Receiver, given: Mapping[str, Any]) -> bool | Refused:
    """
    Send a verification event soon, with the `state` that came. Refused: INVALID_REQUEST, NOT_FOUND, BUSY_SOURCE within
    thirty seconds of the last.
    """
    state = given.get("state")

    async def act(tx: Tx, _: Picture, visit: Visit, own: Application) -> bool | Refused:
        stream = await own_stream(tx, own, _named(given))
        if isinstance(stream, Refused):
            return stream
        if state is not None and (not isinstance(state, str) or len(state) > _LONGEST_STATE):
            return _wrong(f"state: a text of at most {_LONGEST_STATE} characters is needed.")
        if stream.verified is not None and between(stream.verified, visit.now) < VERIFY_EVERY:
            return Refused(Reason.BUSY_SOURCE, wait=VERIFY_EVERY)
        await signals.verify(tx, stream.id, visit.now)
        event = verification(stream.id, state)
        return await put(house, tx, visit, stream, event, held=await signals.held(tx, stream.id)) or True

    return await _as_receiver(house, visit, who, MANAGE, act, wakes=_named(given))


# ---- what the journal keeps


def told(stream: Stream) -> dict[str, Any]:
    """What may be written down: never the address, which may hold a secret, nor what authorises (R17)."""
    return {
        "method": stream.method.value, "host": stream.host, "events": list(stream.delivered),
        "status": stream.status.value, "reason": stream.why, "description": tame(stream.description),
    }  # fmt: skip


async def _note(tx: Tx, visit: Visit, kind: Kind, stream: Stream, **said: dict[str, Any]) -> None:
    detail = {"client": stream.application, **said}
    await record(tx, visit, Entry(kind, target=f"signal_stream:{stream.id}", detail=detail))
