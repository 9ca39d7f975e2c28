"""
Notices as rows: where they go, and what waits to be sent. A message that was sent has no row.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, case, delete, func, insert, select, update

from ostiary.core.exemptions.request import Phase
from ostiary.core.logs.entry import Recorded
from ostiary.core.notices.address import Form
from ostiary.core.notices.channel import MOST_WAITING, Alarm, Channel
from ostiary.core.notices.kinds import WATCHED, Topic
from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Row, Tx, logs
from ostiary.store.schema import (
    HAS_ROLE,
    exemption_requests,
    exemptions,
    journal,
    members,
    notice_channels,
    notices,
    users,
)
from ostiary.store.sql import sql

__all__ = [
    "FIELD", "TABLE", "Due", "Message", "add", "add_channel", "ahead", "channels", "claim", "done", "due_channels",
    "find_channel", "first_alert", "mark", "of_enabled", "of_group", "of_person", "of_role", "of_stopped", "put_off",
    "remove_channel", "waiting",
]  # fmt: skip

TABLE, FIELD = "notice_channels", "sealed"
"""Where the address of a channel and the secret of a webhook are sealed (R17)."""
MOST_TOLD = 500  # channels of one group of people

_SHOWN = tuple(
    notice_channels.c[name]
    for name in ("id", "name", "form", "user", "about", "host", "created", "sent", "failures", "trouble")
)
_ORDER = (notice_channels.c.created, notice_channels.c.id)
_WATCHED = sql(
    logs.ENTRIES.where(
        journal.c.position > bindparam("after"), journal.c.position <= bindparam("upto"),
        journal.c.kind.in_(sorted(WATCHED)),
    )
    .order_by(journal.c.position)
    .limit(bindparam("most"))
)  # fmt: skip
_OURS = sql(select(*_SHOWN).where(notice_channels.c.user.is_(None)).order_by(*_ORDER))
_THEIRS = sql(select(*_SHOWN).where(notice_channels.c.user == bindparam("user")).order_by(*_ORDER))
_FIND = sql(select(*_SHOWN).where(notice_channels.c.id == bindparam("id")))
_ADD_CHANNEL = sql(
    insert(notice_channels).values(
        {name: bindparam(name) for name in ("id", "user", "name", "form", "about", "host", "sealed", "created")}
    )
)
_REMOVE_CHANNEL = sql(delete(notice_channels).where(notice_channels.c.id == bindparam("id_")))
_REACHED = (
    select(notice_channels.c.id, notice_channels.c.user, notice_channels.c.created)
    .join(users, users.c.id == notice_channels.c.user)
    .where(users.c.enabled == 1)
    .order_by(notice_channels.c.id)
    .limit(MOST_TOLD)
)
_HAVE_ROLE = select(users.c.id).where(users.c.enabled == 1, HAS_ROLE, users.c.roles.like(bindparam("pattern")))
_OF_ROLE = sql(
    select(notice_channels.c.id, notice_channels.c.user, notice_channels.c.created)
    .where(notice_channels.c.user.in_(_HAVE_ROLE))
    .order_by(notice_channels.c.id)
    .limit(MOST_TOLD)
)
_OF_GROUP = sql(_REACHED.join(members, members.c.user == users.c.id).where(members.c.group == bindparam("group")))
_OF_ENABLED = sql(_REACHED.where(notice_channels.c.user == bindparam("user")))
_OF_PERSON = sql(
    select(notice_channels.c.id, notice_channels.c.user, notice_channels.c.created).where(
        notice_channels.c.user == bindparam("user")
    )
)
_ENDED_BY_SWITCH = select(exemptions.c.user).where(
    exemptions.c.ended.is_(None), exemptions.c.opened <= bindparam("at"), exemptions.c.ends > bindparam("at")
)
_STOPPED_BY_SWITCH = select(exemption_requests.c.user).where(
    exemption_requests.c.phase == Phase.OPEN.value, exemption_requests.c.created <= bindparam("at"),
    exemption_requests.c.ends > bindparam("at"),
)  # fmt: skip
_OF_STOPPED = sql(_REACHED.where(notice_channels.c.user.in_(_ENDED_BY_SWITCH.union(_STOPPED_BY_SWITCH))))
_WAITING = sql(select(func.count()).where(notices.c.channel == bindparam("channel")))
_ADD = sql(
    insert(notices).values(
        {
            name: bindparam(name)
            for name in ("id", "channel", "cause", "name", "exemption", "ends", "body", "place", "created", "due")
        }
    )
)
_HAS = sql(select(notices.c.id).where(notices.c.channel == bindparam("channel"), notices.c.cause == bindparam("cause")))
_DUE_CHANNELS = sql(
    select(notice_channels.c.id, notice_channels.c.failures)
    .where(
        notice_channels.c.rests <= bindparam("now"),
        notice_channels.c.id.in_(select(notices.c.channel).where(notices.c.due <= bindparam("now"))),
    )
    .order_by(notice_channels.c.failures, notice_channels.c.id)
    .limit(bindparam("most"))
)
_MESSAGE = ("id", "name", "exemption", "ends", "body", "created", "tries", "due")
_NEXT = sql(
    select(
        *(notices.c[name] for name in _MESSAGE), notice_channels.c.form, notice_channels.c.sealed,
        notice_channels.c.failures, notice_channels.c.user,
    )
    .join(notice_channels, notice_channels.c.id == notices.c.channel)
    .where(
        notices.c.channel == bindparam("channel"), notices.c.due <= bindparam("now"),
        notice_channels.c.rests <= bindparam("now"),
    )
    .order_by(notices.c.place, notices.c.id)
    .limit(1)
)  # fmt: skip
_CLAIM = sql(
    update(notices)
    .where(notices.c.id == bindparam("id_"), notices.c.tries == bindparam("old"))
    .values(tries=notices.c.tries + 1, due=bindparam("due_"))
)
_PUT_OFF = sql(update(notices).where(notices.c.id == bindparam("id_")).values(due=bindparam("due_")))
_DONE = sql(delete(notices).where(notices.c.id == bindparam("id_")))
# Of a channel that sends less than comes, each message that leaves would else make room for one more alert.
_LONG_LINE = and_(
    notice_channels.c.alerted >= Alarm.OVERFULL.value,
    select(func.count()).where(notices.c.channel == notice_channels.c.id).scalar_subquery() > MOST_WAITING // 2,
)
_MARK = sql(
    update(notice_channels)
    .where(notice_channels.c.id == bindparam("id_"))
    .values(
        sent=func.coalesce(bindparam("sent_"), notice_channels.c.sent), failures=bindparam("failures_"),
        rests=bindparam("rests_"), trouble=bindparam("trouble_"),
        alerted=case(
            (bindparam("failures_") > 0, notice_channels.c.alerted),
            (_LONG_LINE, notice_channels.c.alerted.bitwise_and(Alarm.OVERFULL.value)),
            else_=0,
        ),
    )
)  # fmt: skip
_ALERT = sql(
    update(notice_channels)
    .where(notice_channels.c.id == bindparam("id_"), notice_channels.c.alerted.bitwise_and(bindparam("alarm")) == 0)
    .values(alerted=notice_channels.c.alerted.bitwise_or(bindparam("alarm")))
)

# ---- the journal


async def ahead(tx: Tx, after: int, *, look: int, most: int) -> tuple[list[Recorded], int]:
    """
    Up to *most* entries that may become notices, among the next *look* after position *after*, and the position up to
    which there are no more of them: what becomes none is passed over unread.
    """
    upto = await logs.reach(tx, after, look)
    found = [logs.recorded(row) for row in await tx.all(_WATCHED, after=after, upto=upto, most=most)]
    return found, found[-1].position if len(found) == most else upto


# ---- channels


def _channel(row: Row) -> Channel:
    id, name, form, user, about, host, created, sent, failures, trouble = row
    topics = frozenset(Topic(each) for each in orjson.loads(about))
    whose = None if user is None else UserId(user)
    at = None if sent is None else Instant(sent)
    return Channel(id, name, Form(form), whose, topics, host, Instant(created), at, failures, trouble)


async def channels(tx: Tx, user: UserId | None) -> list[Channel]:
    """Those of *user*; None: the organisation's. The oldest first."""
    rows = await tx.all(_OURS) if user is None else await tx.all(_THEIRS, user=user)
    return [_channel(row) for row in rows]


async def find_channel(tx: Tx, id: str) -> Channel | None:
    """The channel *id*, whosever."""
    row = await tx.one(_FIND, id=id)
    return None if row is None else _channel(row)


async def add_channel(tx: Tx, channel: Channel, sealed: bytes) -> None:
    """A new one."""
    await tx.run(
        _ADD_CHANNEL, id=channel.id, user=channel.user, name=channel.name, form=channel.form.value,
        about=orjson.dumps(sorted(channel.about)).decode(), host=channel.host, sealed=sealed, created=channel.created,
    )  # fmt: skip


async def remove_channel(tx: Tx, id: str) -> bool:
    """With everything that waits for it; False when there is none of that id."""
    return await tx.run(_REMOVE_CHANNEL, id_=id) == 1


Reached = tuple[str, UserId, Instant]
"""A channel of somebody: its id, whose, since when."""


def _reached(rows: list[Row]) -> list[Reached]:
    return [(id, UserId(user), Instant(created)) for id, user, created in rows]


async def of_role(tx: Tx, role: str) -> list[Reached]:
    """Channels of everybody enabled who has *role*, up to 500."""
    return _reached(await tx.all(_OF_ROLE, pattern=f'%"{role}"%'))


async def of_group(tx: Tx, group: GroupId) -> list[Reached]:
    """Channels of the enabled standing members of *group*, up to 500."""
    return _reached(await tx.all(_OF_GROUP, group=group))


async def of_enabled(tx: Tx, user: UserId) -> list[Reached]:
    """Channels of *user*, if the account is enabled."""
    return _reached(await tx.all(_OF_ENABLED, user=user))


async def of_person(tx: Tx, user: UserId) -> list[Reached]:
    """Channels of *user*, enabled or not: what ends with an account is told too."""
    return _reached(await tx.all(_OF_PERSON, user=user))


async def of_stopped(tx: Tx, at: Instant) -> list[Reached]:
    """Channels of everybody whose exemption or request the kill switch ended that was turned at *at*."""
    return _reached(await tx.all(_OF_STOPPED, at=at))


# ---- messages


@dataclass(frozen=True, slots=True)
class Message:
    """One message for one channel."""

    id: str
    channel: str
    cause: str
    """What it is about: no channel gets two messages of one cause."""
    name: str
    body: str
    created: Instant
    exemption: str = ""
    ends: Instant = Instant(0)
    place: int = 2**62
    """Of the entry in the journal; what is of no entry comes last."""


@dataclass(frozen=True, slots=True)
class Due:
    """A message whose time has come, and how its channel stands."""

    id: str
    name: str
    exemption: str
    ends: Instant
    body: str
    created: Instant
    tries: int
    """Those before this one."""
    form: Form
    sealed: bytes = field(repr=False)
    failures: int
    own: bool
    """Of a person, not of the organisation."""


async def waiting(tx: Tx, channel: str) -> int:
    """How many messages wait for *channel*."""
    row = await tx.one(_WAITING, channel=channel)
    return int(row[0]) if row else 0


async def add(tx: Tx, message: Message) -> bool:
    """Put *message* in line; False where one of its cause waits there."""
    if await tx.one(_HAS, channel=message.channel, cause=message.cause) is not None:
        return False
    await tx.run(
        _ADD, id=message.id, channel=message.channel, cause=message.cause, name=message.name, body=message.body,
        created=message.created, exemption=message.exemption, ends=message.ends,
        place=message.place, due=message.created,
    )  # fmt: skip
    return True


async def due_channels(tx: Tx, now: Instant, most: int) -> list[tuple[str, int]]:
    """Channels that something is due for, with their failures in a row; those that work come first."""
    return [(id, int(failures)) for id, failures in await tx.all(_DUE_CHANNELS, now=now, most=most)]


async def claim(tx: Tx, channel: str, *, now: Instant, until: Instant) -> Due | None:
    """
    The next message for *channel*, which nobody else gets before *until*: who took it and is gone is tried again then.
    """
    row = await tx.one(_NEXT, channel=channel, now=now)
    if row is None:
        return None
    values: dict[str, Any] = dict(zip(_MESSAGE, row, strict=False))
    form, sealed, failures, user = row[len(_MESSAGE) :]
    if await tx.run(_CLAIM, id_=values["id"], old=values["tries"], due_=until) != 1:
        return None
    del values["due"]
    return Due(**values, form=Form(form), sealed=bytes(sealed), failures=failures, own=user is not None)


async def put_off(tx: Tx, id: str, due: Instant) -> None:
    """Try it again at *due*."""
    await tx.run(_PUT_OFF, id_=id, due_=due)


async def done(tx: Tx, id: str) -> bool:
    """It was sent, dropped or given up; False where it is gone already."""
    return await tx.run(_DONE, id_=id) == 1


async def first_alert(tx: Tx, channel: str, alarm: Alarm) -> bool:
    """Whether nobody was alerted so about *channel* since that was over; from now on somebody was."""
    return await tx.run(_ALERT, id_=channel, alarm=alarm.value) == 1


async def mark(
    tx: Tx, channel: str, *, failures: int = 0, rests: Instant = Instant(0), trouble: str = "",
    sent: Instant | None = None,
) -> None:  # fmt: skip
    """
    How *channel* stands after a try. Without failures it works again, and once its line is half empty it is not
    overfull any more either.
    """
    await tx.run(_MARK, id_=channel, sent_=sent, failures_=failures, rests_=rests, trouble_=trouble)
