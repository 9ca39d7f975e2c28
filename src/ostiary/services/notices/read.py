"""
The reader that makes messages of the journal: one for each entry that is a notice and each channel that it concerns.

The messages are written in the transaction that moves the cursor: killed anywhere, run by two at once, it writes none
twice and leaves none out. Who is told is looked up as it is now.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import structlog

from ostiary.core.exemptions.request import Act, Request
from ostiary.core.exemptions.rules import Approvers, Rules
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.notices.audience import Audience, audience
from ostiary.core.notices.channel import MOST_WAITING, Alarm
from ostiary.core.notices.kinds import Notice, which
from ostiary.core.notices.message import body_of, link_of
from ostiary.core.notices.words import Matter
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.instants import Instant, Span
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.decide import people
from ostiary.services.exemptions.rules import current
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.store import Tx, logs, notices, requests
from ostiary.store.notices import Message
from ostiary.store.requests import Asked

__all__ = ["Line", "put_in_line", "read_journal"]

READER = "notices"
LOOK = 1000  # entries that one transaction passes over
BATCH = 20  # entries of which it makes messages
ENOUGH = 100  # messages, after which the next entry waits for the next transaction: it shares the loop with sign-ins
_UNREADABLE = (AttributeError, LookupError, TypeError, ValueError, BrokenState)
_EXEMPTION = "exemption:"
_CHANNEL = "notice_channel:"

_log = structlog.get_logger("ostiary.notices")


async def read_journal(house: House, visit: Visit) -> int:
    """Job: put in line what the entries that were there when it began have to tell; how many messages."""

    async def look(tx: Tx) -> tuple[int | None, int]:
        return await logs.where(tx, READER), await logs.head(tx)

    async def join(tx: Tx) -> int:
        return await logs.join(tx, READER)

    async def body(tx: Tx) -> tuple[int, int]:
        return await _next(tx, house, visit)

    found, head = await house.store.read(look)
    cursor = await house.store.write(join) if found is None else found
    written = 0
    while cursor < head:
        cursor, count = await house.store.write(body)
        written += count
    return written


async def _next(tx: Tx, house: House, visit: Visit) -> tuple[int, int]:
    """Step: the next entries; where the cursor is then, and how many messages they became."""
    seen = await logs.join(tx, READER)
    entries, cursor = await notices.ahead(tx, seen, look=LOOK, most=BATCH)
    if cursor == seen or not await logs.move_cursor(tx, READER, seen=seen, position=cursor):
        return cursor, 0
    written = 0
    for entry in entries:
        try:
            written += await _tell(tx, house, visit, entry)
        except _UNREADABLE as error:  # one that nobody can read silences no other
            _log.error("no notice of an entry", entry=f"{entry.stream}.{entry.number}", error=type(error).__name__)
        if written >= ENOUGH:
            await logs.move_cursor(tx, READER, seen=cursor, position=entry.position)  # it is ours: back to where we are
            return entry.position, written
    return cursor, written


async def _tell(tx: Tx, house: House, visit: Visit, entry: Recorded) -> int:
    """Step: the messages of one entry."""
    detail: Mapping[str, Any] = entry.body["detail"]
    notice = which(entry.kind, detail)
    if notice is None:
        return 0
    exemption = entry.target.removeprefix(_EXEMPTION) if entry.target.startswith(_EXEMPTION) else ""
    asked = await requests.show(tx, ExemptionId(exemption)) if exemption else None
    if notice.undecided and (asked is None or not asked.request.open(visit.now)):
        return 0
    told = await _addressed(tx, house, visit, notice, entry, asked)
    matter = matter_of(entry, asked)
    written = 0
    for channel, own in told.items():
        words = notice.theirs(matter) if own and notice.theirs is not None else notice.others(matter)
        body = body_of(
            notice.name, words, link=link_of(house.settings.origin, exemption if asked is not None else "", own=own),
            exemption=exemption, at=entry.at, entry=f"{entry.stream}.{entry.number}",
        )  # fmt: skip
        message = Message(
            house.random.guid(), channel, f"{entry.stream}.{entry.number}", notice.name, body, visit.now, exemption,
            matter.ends, entry.position,
        )  # fmt: skip
        written += await put_in_line(tx, visit, message) is Line.ADDED
    return written


class Line(Enum):
    """What became of a message that was put in line."""

    ADDED = "added"
    THERE = "there"
    """One of its cause waits already."""
    FULL = "full"
    """It is not kept."""


async def put_in_line(tx: Tx, visit: Visit, message: Message) -> Line:
    """Step: *message*, unless the line of its channel is full: then one alert says so, to others."""
    if await notices.waiting(tx, message.channel) < MOST_WAITING:
        return Line.ADDED if await notices.add(tx, message) else Line.THERE
    if await notices.first_alert(tx, message.channel, Alarm.OVERFULL):
        text = f"{MOST_WAITING} messages wait for one notice channel; further ones are not kept."
        await alert(tx, visit, about=Alarm.OVERFULL.about, text=text, target=_CHANNEL + message.channel)
    return Line.FULL


async def _addressed(
    tx: Tx, house: House, visit: Visit, notice: Notice, entry: Recorded, asked: Asked | None
) -> dict[str, bool]:
    """
    Step: the channels that are told, and whether as the person whom it concerns. One that was made after the entry is
    not, nor the one that an alert is about.
    """
    found = {c.id: False for c in await notices.channels(tx, None) if c.wants(notice.topic) and c.created <= entry.at}
    group = asked.request.group if asked is not None else house.desk.picture.exception_group
    rules = await current(tx, group)
    whose = await _audience(tx, visit, notice, entry, asked, rules)
    for each in whose.groups:
        for channel, user, since in await _of(tx, each):
            if user not in whose.without and since <= entry.at:
                found.setdefault(channel, False)
    makers = [one for user in sorted(whose.makers) for one in await notices.of_enabled(tx, user)]
    found = {channel: False for channel, _, since in makers if since <= entry.at} | found
    theirs = [one for user in sorted(whose.people) for one in await notices.of_person(tx, user)]
    theirs += await notices.of_stopped(tx, entry.at) if whose.stopped else []
    found |= {channel: True for channel, _, since in theirs if since <= entry.at}
    found.pop(entry.target.removeprefix(_CHANNEL), None)
    return found


async def _audience(
    tx: Tx, visit: Visit, notice: Notice, entry: Recorded, asked: Asked | None, rules: Rules
) -> Audience:
    request: Request | None = asked.request if asked is not None else None
    known = await people(tx, visit, request) if request is not None else {}
    return audience(notice, request, rules, known, now=visit.now, stage=entry.body["detail"].get("stage"))


async def _of(tx: Tx, whom: Approvers) -> list[notices.Reached]:
    """Step: the channels of those whom rules name."""
    found = [one for role in sorted(whom.roles) for one in await notices.of_role(tx, role)]
    found += [one for group in sorted(whom.groups) for one in await notices.of_group(tx, group)]
    return found + [one for user in sorted(whom.users) for one in await notices.of_enabled(tx, user)]


def matter_of(entry: Recorded, asked: Asked | None) -> Matter:
    """What the entry and the rows say, as the words need it."""
    detail: Mapping[str, Any] = entry.body["detail"]
    request, exemption = (asked.request, asked.exemption) if asked is not None else (None, None)
    ends = detail.get("ends") or (exemption.ends if exemption is not None else request.ends if request else 0)
    if request is not None and entry.kind in _OF_REQUESTS:
        ends = request.ends
    opened = entry.kind == Kind.EXEMPTION_OPENED
    length = detail.get("length") or (request.length if request is not None else 0)
    return Matter(
        who=asked.principal_name if asked is not None else str(detail.get("user_name", "")),
        actor="the rules" if detail.get("auto") else str(entry.body.get("actor_name") or entry.actor),
        length=Span(length),
        ends=Instant(ends),
        waits=bool(detail.get("waits")),
        reason=str(detail.get("reason", "")) if opened or not detail.get("approved") else "",
        cause=str(detail.get("cause", "")),
        extends=request is not None and request.act is Act.EXTEND,
        alert=str(detail.get("about", "")),
        said=str(detail.get("text", "")),
        checkpoint=str(detail.get("checkpoint", "")),
    )


_OF_REQUESTS = frozenset({
    Kind.REQUEST_MADE, Kind.REQUEST_DECIDED, Kind.REQUEST_REMINDED, Kind.REQUEST_ESCALATED, Kind.REQUEST_LAPSES_SOON,
})  # fmt: skip
"""Where the end that is spoken of is that of the request."""
