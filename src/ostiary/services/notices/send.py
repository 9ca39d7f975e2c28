"""
Sending what waits: each channel by a task of its own, so that one that does not answer delays no other; at least once,
with a pause that grows, for a day.

A message is claimed before it is sent and let go after: who is killed between the two leaves it to be sent again two
minutes later, with the same id.
"""

from base64 import b64decode
from dataclasses import dataclass, replace
from functools import partial

import orjson
import structlog

from ostiary.core.notices.address import Form, read_address
from ostiary.core.notices.channel import PURPOSE, Alarm, again
from ostiary.core.notices.kinds import NOTICES
from ostiary.core.notices.message import headers_of, text_of
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.instants import Instant, after, minutes
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.outside.outgoing import Outgoing, Trouble, Unanswered
from ostiary.outside.vault import SealBroken
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.store import Tx, exemptions, notices, requests
from ostiary.store.notices import Due

__all__ = ["send_notices"]

CLAIMED = minutes(2)
"""How long a message belongs to who sends it: longer than any try takes."""
AT_ONCE = 16
TROUBLED = 6
"""Of those, how many may be for channels that failed last time."""
BURST = 50
"""Messages of one channel in a row, before others get its place."""

_log = structlog.get_logger("ostiary.notices")


@dataclass(frozen=True, slots=True)
class _Came:
    """How a try went."""

    trouble: str = ""
    """Empty: it arrived."""
    whole: bool = False
    """Nothing else would go through that channel now either."""


async def send_notices(house: House, visit: Visit) -> int:
    """Job: begin to send for the channels that something is due for; how many were begun. Waits for none of them."""
    found = await house.store.read(lambda tx: notices.due_channels(tx, visit.now, 4 * AT_ONCE))
    background, begun = house.outside.background, 0
    troubled = 0
    for channel, failures in found:
        name = f"notices {channel}"
        troubled += failures > 0
        if len(background) >= AT_ONCE or (failures and troubled > TROUBLED):
            continue
        begun += background.start(name, partial(_send_all, house, visit, channel))
    return begun


async def _send_all(house: House, visit: Visit, channel: str) -> None:
    """What is due for one channel. A failure of our own is told, and the message is tried again when its claim ends."""
    try:
        for _ in range(BURST):
            if not await _send_one(house, replace(visit, now=house.clock.now()), channel):
                return
    except Exception as error:
        _log.error("notice not sent", channel=channel, error=type(error).__name__)


async def _send_one(house: House, visit: Visit, channel: str) -> bool:
    """The next message of *channel*; whether to go on."""

    async def claim(tx: Tx) -> Due | None:
        due = await notices.claim(tx, channel, now=visit.now, until=after(visit.now, CLAIMED))
        if due is None or not await _pointless(tx, due, visit.now):
            return due
        await notices.done(tx, due.id)
        return replace(due, body="")

    due = await house.store.write(claim)
    if due is None or not due.body:
        return due is not None
    came = await _send(house, channel, due, visit.now)
    later = replace(visit, now=house.clock.now())
    await house.store.write(partial(_mark, visit=later, channel=channel, due=due, came=came))
    return not came.whole


async def _pointless(tx: Tx, due: Due, now: Instant) -> bool:
    """Step: whether what it says is over: the request was decided, the exemption ended or lasts longer."""
    notice, id = NOTICES.get(due.name), ExemptionId(due.exemption)
    if notice is None or not due.exemption:
        return False
    if notice.undecided:
        request = await requests.find(tx, id)
        return request is None or not request.open(now)
    if notice.open:
        exemption = await exemptions.find(tx, id)
        return exemption is None or not exemption.active(now) or exemption.ends != due.ends
    return False


async def _send(house: House, channel: str, due: Due, now: Instant) -> _Came:
    """One try."""
    try:
        kept = orjson.loads(house.vault.open(PURPOSE, notices.TABLE, channel, notices.FIELD, due.sealed))
    except SealBroken:
        return _Came("sealed", whole=True)
    outgoing = house.outside.own_outgoing if due.own else house.outside.outgoing
    if due.form is Form.APPRISE:
        trouble = await _by_apprise(house, due, kept["address"], outgoing)
        return _Came(trouble, whole=bool(trouble))
    headers = headers_of(due.id, due.body, b64decode(kept["secret"]), now)
    came = await outgoing.ask("POST", kept["address"], headers=headers, body=due.body.encode())
    if isinstance(came, Unanswered):
        return _Came(came.trouble.value, whole=True)
    if came.status < 300:
        return _Came()
    return _Came(f"status {came.status}", whole=came.status >= 500 or came.status == 429)


async def _by_apprise(house: House, due: Due, address: str, outgoing: Outgoing) -> str:
    """One try through Apprise; empty, or what was the trouble. Judged anew: what is listed may have changed."""
    read = read_address(due.form, address)
    if isinstance(read, Refused):
        return "unfit"
    if read.place is not None and outgoing.bars(read.place):
        return Trouble.BARRED.value
    title, text = text_of(due.body)
    apprise = house.outside.own_apprise if due.own else house.outside.apprise
    return await apprise.send(address, title, text)


async def _mark(tx: Tx, *, visit: Visit, channel: str, due: Due, came: _Came) -> None:
    """Step: what became of a try."""
    now = visit.now
    if not came.trouble:
        await notices.done(tx, due.id)
        await notices.mark(tx, channel, sent=now)
        return
    next_try = again(due.tries + 1, due.created, now)
    failures = due.failures + 1
    rests = again(failures, now, now) if came.whole else None
    await notices.mark(tx, channel, failures=failures, rests=rests or Instant(0), trouble=came.trouble)
    if next_try is not None:
        await notices.put_off(tx, due.id, next_try)
        return
    await notices.done(tx, due.id)
    if await notices.first_alert(tx, channel, Alarm.FAILED):
        found = await notices.find_channel(tx, channel)
        text = f"Notices did not arrive for a day ({came.trouble}): {found.host if found is not None else channel}."
        await alert(tx, visit, about=Alarm.FAILED.about, text=text, target=f"notice_channel:{channel}")
