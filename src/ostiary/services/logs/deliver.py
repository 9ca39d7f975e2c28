"""
Sending the journal to sinks: each by a task of its own, so that one that hangs delays no other, and nobody.

At least once and in order: a sink's cursor moves in the transaction after its batch arrived. Killed between the two,
the same batch goes out again; a webhook's has the same id.
"""

from base64 import b64decode
from dataclasses import replace
from functools import partial

import orjson
import structlog

from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.sinks import ALERT_AFTER, PURPOSE, Body, Form, again, as_syslog, as_webhook, read_target
from ostiary.core.notices.message import headers_of
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.outside.outgoing import Trouble, Unanswered
from ostiary.outside.vault import SealBroken
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert
from ostiary.store import Tx, logs, sinks
from ostiary.store.sinks import Due

__all__ = ["send_to_sinks"]

LOOK = 100  # entries of one batch at most
BURST = 50  # batches of one sink in a row, before others get its place
FAILED = "log_sink_failed"
"""What the alert is about that says that a sink does not work."""

_log = structlog.get_logger("ostiary.sinks")


async def send_to_sinks(house: House, visit: Visit) -> int:
    """Job: begin to send to the sinks that are behind; how many were begun. Waits for none of them."""
    found = await house.store.read(lambda tx: sinks.due(tx, visit.now))
    return sum(house.outside.background.start(f"sink {id}", partial(_send_all, house, visit, id)) for id in found)


async def _send_all(house: House, visit: Visit, id: str) -> None:
    """What one sink has still to be sent. A failure of our own is told; the next run of the job tries again."""
    try:
        for _ in range(BURST):
            if not await _send_next(house, replace(visit, now=house.clock.now()), id):
                return
    except Exception as error:
        _log.error("journal not sent", sink=id, error=type(error).__name__)


async def _send_next(house: House, visit: Visit, id: str) -> bool:
    """The next batch; whether to go on."""

    async def look(tx: Tx) -> tuple[Due | None, list[Recorded]]:
        due = await sinks.find(tx, id)
        return due, await logs.since(tx, due.seen, LOOK) if due is not None else []

    due, entries = await house.store.read(look)
    if due is None or not entries:
        return False
    trouble, last = await _send(house, visit, due, entries)

    async def mark(tx: Tx) -> None:
        if not trouble:
            if await sinks.move(tx, id, seen=due.seen, position=last):
                await sinks.mark(tx, id, sent=visit.now)
            return
        failures = due.sink.failures + 1
        await sinks.mark(tx, id, failures=failures, rests=again(failures, house.clock.now()), trouble=trouble)
        if failures == ALERT_AFTER:
            text = (
                f"The journal does not arrive at {due.sink.host} ({trouble}). It is tried again; nothing is left out."
            )
            await alert(tx, visit, about=FAILED, text=text, target=f"log_sink:{id}")

    await house.store.write(mark)
    return not trouble


async def _send(house: House, visit: Visit, due: Due, entries: list[Recorded]) -> tuple[str, int]:
    """One try: what was the trouble (empty: it arrived), and the position of the last entry."""
    sink = due.sink
    try:
        kept = orjson.loads(house.vault.open(PURPOSE, sinks.TABLE, sink.id, sinks.FIELD, due.sealed))
    except SealBroken:
        return "sealed", due.seen
    target = read_target(sink.form, sink.body, kept["address"])
    if isinstance(target, Refused):
        return Trouble.BARRED.value, due.seen
    outgoing = house.outside.outgoing
    if sink.form is Form.SYSLOG:
        host = house.settings.origin.partition("://")[2].partition(":")[0]
        batch = as_syslog(entries, Body(sink.body), sink.id, host)
        failed = await outgoing.deliver(target.place, batch.data)
        return (failed.trouble.value if failed is not None else ""), batch.last
    batch = as_webhook(entries, Body(sink.body), sink.id)
    headers = headers_of(batch.id, batch.data.decode(), b64decode(kept["secret"]), visit.now)
    came = await outgoing.ask("POST", target.url, headers=headers, body=batch.data)
    if isinstance(came, Unanswered):
        return came.trouble.value, batch.last
    return ("" if came.status < 300 else f"status {came.status}"), batch.last
