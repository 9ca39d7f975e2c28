"""
Event streams in the hands of administrators: how they fare, and the removal of one. Only receivers configure theirs.
"""

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.query import Page, Query
from ostiary.core.graph.signal_stream import ShownStream
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.services.signals.receivers import NO_STREAM
from ostiary.services.signals.streams import told
from ostiary.store import Tx, signals

__all__ = ["all_streams", "remove_stream"]


async def all_streams(house: House, visit: Visit, query: Query) -> Page[ShownStream] | Refused:
    """Every stream on one page. Refused: a filter."""
    refused = judge(Action.READ_DIRECTORY, visit.caller, now=visit.now)
    if refused is None and (query.filter is not None or query.order is not None):
        refused = Refused(Reason.INVALID_VALUE, "They come in one order, all of them.", field="$filter")

    if refused:
        return refused
    names = house.desk.picture.applications

    async def body(tx: Tx) -> Page[ShownStream]:
        lags, found = await signals.lags(tx), []
        for stream in await signals.streams(tx):
            application, lag = names.get(stream.application), lags.get(stream.id)
            name = application.name if application is not None else ""
            found.append(ShownStream(stream, name, lag.held if lag else 0, lag.oldest if lag else None))
        return Page(tuple(found), None, len(found) if query.count else None)

    return await house.store.survey(body)


async def remove_stream(house: House, visit: Visit, id: str) -> None | Refused:
    """Remove one, with all that waits on it; its receiver may make another. FORBIDDEN and its kin, NOT_FOUND."""

    async def body(tx: Tx) -> None | Refused:
        refused = judge(Action.WRITE_APPLICATIONS, visit.caller, now=visit.now)
        stream = await signals.find(tx, id[:64])
        if refused or stream is None:
            why = refused or NO_STREAM
            return await refuse(tx, visit, Action.WRITE_APPLICATIONS, why, target=f"signal_stream:{id[:64]}")
        await signals.remove(tx, stream.id)
        detail = {"client": stream.application, "before": told(stream)}
        await record(tx, visit, Entry(Kind.STREAM_DELETED, target=f"signal_stream:{stream.id}", detail=detail))
        return None

    answer = await house.store.write(body)
    if answer is None:
        house.polls.wake(id)
    return answer
