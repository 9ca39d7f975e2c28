"""
Sinks of the journal as administrators set them up. Address and secret are sealed (R17) and never shown again; the
secret of a webhook once, to whoever made it.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from ostiary.core.devices.webhook import PREFIX, SECRET_BYTES
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.log_sink import ShownSink
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.sinks import MOST_SINKS, PURPOSE, Body, Form, Sink, read_target
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert, refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, sinks

__all__ = ["add_sink", "list_sinks", "remove_sink", "test_sink"]

_NONE = Refused(Reason.NOT_FOUND, "There is no such sink.")


async def list_sinks(house: House, visit: Visit, query: Query) -> Page[ShownSink] | Refused:
    """All of them, on one page. Refused: a filter."""
    if query.filter is not None or query.order is not None:
        return Refused(Reason.INVALID_VALUE, "They come in one order, all of them.", field="$filter")
    shown = tuple(ShownSink(sink) for sink in await house.store.read(sinks.sinks))
    return Page(shown, None, len(shown) if query.count else None)


async def add_sink(house: House, visit: Visit, wanted: Mapping[str, Any], reason: str) -> ShownSink | Refused:
    """
    Send every entry from now on to one more place: *wanted* has `name`, `form`, `body`, `address`.

    Refused: FORBIDDEN and its kin, REASON_REQUIRED, INVALID_VALUE (no address, or one that may never be asked),
    CONFLICT when there are enough.
    """
    form, body, address = Form(wanted["form"]), Body(wanted.get("body") or Body.JSON), str(wanted["address"])
    refused, why = judge(Action.WRITE_SINKS, visit.caller, now=visit.now), read_reason(reason)
    target = read_target(form, body, address)
    if refused is None and not isinstance(target, Refused) and house.outside.outgoing.bars(target.place):
        refused = Refused(Reason.INVALID_VALUE, "This address may not be asked (outgoing_allow).", field="address")
    wrong = refused or next((each for each in (why, target) if isinstance(each, Refused)), None)
    if wrong is not None or isinstance(target, Refused):
        answer = wrong or _NONE
        return await house.store.write(lambda tx: refuse(tx, visit, Action.WRITE_SINKS, answer, target="log_sink:"))
    id, secret = house.random.guid(), house.random.bytes(SECRET_BYTES) if form is Form.WEBHOOK else b""
    kept = orjson.dumps({"address": address, "secret": b64encode(secret).decode()})
    sealed = house.vault.seal(PURPOSE, sinks.TABLE, id, sinks.FIELD, kept)
    new = Sink(id, str(wanted["name"]), form, body, f"{target.place.host}:{target.place.port}", visit.now)

    async def write(tx: Tx) -> ShownSink | Refused:
        if len(await sinks.sinks(tx)) >= MOST_SINKS:
            full = Refused(Reason.CONFLICT, f"There are {MOST_SINKS} already. Remove one first.")
            return await refuse(tx, visit, Action.WRITE_SINKS, full, target="log_sink:")
        text = f"From now on every entry of the journal is sent to {new.host} as well."
        await alert(tx, visit, about="log_sink", text=text, target=f"log_sink:{id}")
        await sinks.add(tx, new, sealed)  # it hears from here on: its own entry first
        detail = {"name": tame(new.name), "form": form.value, "host": new.host, "body": body.value, "reason": why}
        await record(tx, visit, Entry(Kind.SINK_ADDED, target=f"log_sink:{id}", detail=detail))
        return ShownSink(new, PREFIX + b64encode(secret).decode() if secret else "")

    return await house.store.write(write)


async def remove_sink(house: House, visit: Visit, id: str) -> bool | Refused:
    """Send nothing there any more: administrators are alerted. Refused: FORBIDDEN and its kin, NOT_FOUND."""
    return await _change(house, visit, id, Kind.SINK_REMOVED)


async def test_sink(house: House, visit: Visit, id: str) -> bool | Refused:
    """
    Write an entry for it to be sent, and try at once, however long it rests. Refused: FORBIDDEN and its kin, NOT_FOUND.
    """
    return await _change(house, visit, id, Kind.SINK_TESTED)


async def _change(house: House, visit: Visit, id: str, kind: Kind) -> bool | Refused:
    async def body(tx: Tx) -> bool | Refused:
        found = await sinks.find(tx, id)
        refused = judge(Action.WRITE_SINKS, visit.caller, now=visit.now) or (_NONE if found is None else None)
        if refused is not None or found is None:
            return await refuse(tx, visit, Action.WRITE_SINKS, refused or _NONE, target=f"log_sink:{id[:64]}")
        sink = found.sink
        if kind is Kind.SINK_REMOVED:
            await sinks.remove(tx, id)
            text = f"The journal is not sent to {sink.host} any more: {sink.behind} entries did not go there."
            await alert(tx, visit, about="log_sink", text=text, target=f"log_sink:{id}")
        else:
            await sinks.mark(tx, id, failures=sink.failures, trouble=sink.trouble)
        detail = {"name": tame(sink.name), "host": sink.host}
        await record(tx, visit, Entry(kind, target=f"log_sink:{id}", detail=detail))
        return True

    return await house.store.write(body)
