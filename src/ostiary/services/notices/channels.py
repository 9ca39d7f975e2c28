"""
Channels: the organisation's, which administrators set up, and each person's own. The address and the secret of a
webhook are sealed (R17) and never shown again; the secret once, to whoever made it.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from ostiary.core.devices.webhook import PREFIX, SECRET_BYTES
from ostiary.core.directory.credentials import Rule
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.notice_channel import ShownChannel
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.notices.address import Form, read_address
from ostiary.core.notices.channel import MOST_OF_ONE, MOST_OF_US, MOST_WAITING, PURPOSE, Channel
from ostiary.core.notices.kinds import TEST, Topic
from ostiary.core.notices.message import body_of, link_of
from ostiary.core.notices.words import Words
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.directory import throttle
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.services.notices.read import Line, put_in_line
from ostiary.store import Tx, notices
from ostiary.store.notices import Message

__all__ = ["add_channel", "list_channels", "remove_channel", "test_channel"]

TESTS = Rule(minutes(10), 20, minutes(10))
"""Test messages of one person, to all of their channels."""
_NOT_SENT = {Line.THERE: "A test waits for it already.", Line.FULL: f"{MOST_WAITING} messages wait for it already."}
_NONE = Refused(Reason.NOT_FOUND, "There is no such notice channel.")


async def list_channels(house: House, visit: Visit, query: Query, *, own: bool) -> Page[ShownChannel] | Refused:
    """The caller's own, or the organisation's, on one page and without addresses. Refused: a filter."""
    refused = judge(Action.READ_SELF if own else Action.READ_POLICIES, visit.caller, now=visit.now)
    if refused is None and (query.filter is not None or query.order is not None):
        refused = Refused(Reason.INVALID_VALUE, "They come in one order, all of them.", field="$filter")
    if refused is not None:
        return refused
    found = await house.store.read(lambda tx: notices.channels(tx, _whose(visit, own=own)))
    shown = tuple(ShownChannel(channel) for channel in found)
    return Page(shown, None, len(shown) if query.count else None)


def _whose(visit: Visit, *, own: bool) -> UserId | None:
    """Whose channels; a person who asks for their own is known by then."""
    if not own:
        return None
    assert visit.caller.user is not None
    return visit.caller.user


def _action(*, own: bool) -> Action:
    return Action.CHANGE_CHANNELS if own else Action.WRITE_CHANNELS


async def add_channel(
    house: House, visit: Visit, wanted: Mapping[str, Any], reason: str = "", *, own: bool
) -> ShownChannel | Refused:
    """
    Send notices to one more place: *wanted* has `name`, `form`, `address` and, of the organisation's, `about`.

    Refused: FORBIDDEN and its kin, REASON_REQUIRED (the organisation's), INVALID_VALUE (no address, or one that may
    never be asked), CONFLICT when there are enough.
    """
    action, form, address = _action(own=own), Form(wanted["form"]), str(wanted["address"])
    refused = judge(action, visit.caller, now=visit.now)
    why = read_reason(reason) if not own else ""
    read = read_address(form, address)
    place = read.place if not isinstance(read, Refused) else None
    outgoing = house.outside.own_outgoing if own else house.outside.outgoing
    if refused is None and place is not None and outgoing.bars(place):
        listing = "notice_allow" if own else "outgoing_allow"
        refused = Refused(Reason.INVALID_VALUE, f"This address may not be asked ({listing}).", field="address")
    wrong = refused or next((each for each in (why, read) if isinstance(each, Refused)), None)
    if wrong is not None or isinstance(read, Refused):
        answer = wrong or _NONE
        return await house.store.write(lambda tx: refuse(tx, visit, action, answer, target="notice_channel:"))
    id, secret = house.random.guid(), house.random.bytes(SECRET_BYTES) if form is Form.WEBHOOK else b""
    kept = orjson.dumps({"address": address, "secret": b64encode(secret).decode()})
    sealed = house.vault.seal(PURPOSE, notices.TABLE, id, notices.FIELD, kept)
    topics = frozenset(Topic(each) for each in wanted.get("about") or ())
    new = Channel(id, str(wanted["name"]), form, _whose(visit, own=own), topics, read.shown, visit.now)

    async def body(tx: Tx) -> ShownChannel | Refused:
        most = MOST_OF_ONE if own else MOST_OF_US
        if len(await notices.channels(tx, new.user)) >= most:
            full = Refused(Reason.CONFLICT, f"There are {most} already. Remove one first.")
            return await refuse(tx, visit, action, full, target="notice_channel:")
        await notices.add_channel(tx, new, sealed)
        detail: dict[str, Any] = {"name": tame(new.name), "form": form.value, "host": read.shown}
        if own:
            await record(tx, visit, Entry(Kind.OWN_CHANNEL_ADDED, target=f"user:{new.user}", detail=detail))
        else:
            detail |= {"about": sorted(topics), "reason": why}
            await record(tx, visit, Entry(Kind.CHANNEL_ADDED, target=f"notice_channel:{id}", detail=detail))
        return ShownChannel(new, PREFIX + b64encode(secret).decode() if secret else "")

    return await house.store.write(body)


async def _found(tx: Tx, visit: Visit, id: str, *, own: bool) -> Channel | Refused:
    """Step: the channel that the caller may change; somebody else's is none."""
    refused = judge(_action(own=own), visit.caller, now=visit.now)
    if refused is not None:
        return refused
    found = await notices.find_channel(tx, id)
    return found if found is not None and found.user == _whose(visit, own=own) else _NONE


async def remove_channel(house: House, visit: Visit, id: str, *, own: bool) -> bool | Refused:
    """Send nothing there any more; what waits for it is dropped. Refused: FORBIDDEN and its kin, NOT_FOUND."""

    async def body(tx: Tx) -> bool | Refused:
        found = await _found(tx, visit, id, own=own)
        if isinstance(found, Refused):
            return await refuse(tx, visit, _action(own=own), found, target=f"notice_channel:{id[:64]}")
        await notices.remove_channel(tx, id)
        kind = Kind.OWN_CHANNEL_REMOVED if own else Kind.CHANNEL_REMOVED
        target = f"user:{found.user}" if own else f"notice_channel:{id}"
        await record(tx, visit, Entry(kind, target=target, detail={"name": tame(found.name), "host": found.host}))
        return True

    return await house.store.write(body)


async def _tested(tx: Tx, visit: Visit, channel: Channel, message: Message) -> Channel | Refused:
    """Step: the test is in line. Counted, or anybody with an account could have the service ask whomever all day."""
    subject = f"notice-tests:{visit.caller.actor}"
    if await throttle.locked(tx, subject, visit.now) is not None:
        return Refused(Reason.BUSY_SOURCE, "That was many tests. Wait for some minutes.")
    line = await put_in_line(tx, visit, message)
    if line is not Line.ADDED:
        return Refused(Reason.CONFLICT, _NOT_SENT[line])
    await throttle.strike(tx, subject, TESTS, now=visit.now)
    return channel


async def test_channel(house: House, visit: Visit, id: str, *, own: bool) -> bool | Refused:
    """
    Put a test message in line, in front of nobody. Refused: FORBIDDEN and its kin, NOT_FOUND, CONFLICT while one waits
    or the line is full, BUSY_SOURCE after many.
    """
    words = Words("This is a test", f"{visit.caller.name} sent it to see whether notices arrive here.")
    link = link_of(house.settings.origin, "")
    body_ = body_of(TEST, words, link=link, exemption="", at=visit.now, entry="")
    message = Message(house.random.guid(), id, TEST, TEST, body_, visit.now)

    async def body(tx: Tx) -> bool | Refused:
        found = await _found(tx, visit, id, own=own)
        if not isinstance(found, Refused):
            found = await _tested(tx, visit, found, message)
        if isinstance(found, Refused):
            return await refuse(tx, visit, _action(own=own), found, target=f"notice_channel:{id[:64]}")
        return True

    return await house.store.write(body)
