"""
How policies came to be as they are: who changed one when and what, and which of its words stood on a day.

Told from the journal; what an original policy of the founding said before its first change is kept beside it. Changes
that the journal does not hold any more are not guessed: `Day.certain` says where one may be missing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ostiary.core.access.history import Change, Stand, joins, stands
from ostiary.core.access.stored import Stored
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Recorded
from ostiary.core.words.ids import PolicyId
from ostiary.core.words.instants import Instant, after, days
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.policies import list_policies
from ostiary.services.house import House
from ostiary.store import Tx, policies

__all__ = ["Day", "Told", "history", "list_told", "on_day"]

MOST = 50
"""Changes that one look gives out; the audit log has all of them."""


@dataclass(frozen=True)
class Told(Stored[PolicyId]):
    """A policy with who changed it last."""

    by: str = ""
    """Empty: nobody since the founding, as far as the journal reaches."""


@dataclass(frozen=True, slots=True)
class Day:
    """What a policy said on one day, in UTC."""

    start: Instant
    stands: tuple[Stand, ...]
    certain: bool
    """Whether what the journal still holds joins without a gap: else a change may be missing that it held once."""
    more: bool
    """Whether there were more changes that day than are told."""


async def list_told(house: House, visit: Visit, query: Query) -> Page[Told] | Refused:
    """`list_policies`, each with who changed it last."""
    page = await list_policies(house, visit, query)
    if isinstance(page, Refused):
        return page

    async def body(tx: Tx) -> Page[Told]:
        return Page(tuple([await _told(tx, one) for one in page.items]), page.next, page.count)

    return await house.store.survey(body)


async def _told(tx: Tx, one: Stored[PolicyId]) -> Told:
    by = next((change.by for change in _changes(await policies.changes(tx, one.id, most=1))), "")
    return Told(one.id, one.document, one.created, one.modified, one.text, by)


async def history(house: House, visit: Visit, id: str) -> tuple[Change, ...] | Refused:
    """The latest changes of policy *id*, the latest first, also of one that was deleted."""
    refused = judge(Action.READ_POLICIES, visit.caller, now=visit.now)
    if refused is not None:
        return refused

    async def body(tx: Tx) -> tuple[Change, ...]:
        return _changes(await policies.changes(tx, id, most=MOST))

    return await house.store.survey(body)


async def on_day(house: House, visit: Visit, id: str, start: Instant) -> Day | Refused:
    """What policy *id* said on the day that begins at *start*. Refused: NOT_FOUND for one that nothing is known of."""
    refused = judge(Action.READ_POLICIES, visit.caller, now=visit.now)
    if refused is not None:
        return refused
    end = after(start, days(1))

    async def body(tx: Tx) -> Day | Refused:
        now = await policies.find(tx, PolicyId(id))
        last = _changes(await policies.changes(tx, id, until=start, most=1))
        during = _changes(await policies.changes(tx, id, since=start, until=end, most=MOST + 1, rising=True))
        following = _changes(await policies.changes(tx, id, since=end, most=1, rising=True))
        if now is not None and now.modified < start:  # it says since then what it says now, whatever the journal holds
            last = ()
        if now is None and not (last or during or following):
            return Refused(Reason.NOT_FOUND)
        found = stands(
            start, end, last=next(iter(last), None), during=during[:MOST], following=next(iter(following), None),
            now=None if now is None else now.document, born=None if now is None else now.created,
        )  # fmt: skip
        more = len(during) > MOST
        chain = (*last, *during, *(() if more else following))
        joined = joins(chain, None if now is None else now.document, to_now=not (more or following))
        certain = joined and (bool(last) or await _begins(tx, id, start, next(iter(chain), None), now))
        return Day(start, found, certain, more)

    return await house.store.survey(body)


async def _begins(tx: Tx, id: str, start: Instant, coming: Change | None, now: Stored[PolicyId] | None) -> bool:
    """Step: whether no change before *coming*, the first that the journal tells of, can have been after *start*."""
    if coming is not None:
        return coming.before is None or await policies.original(tx, id) == coming.before
    return now is not None and (now.modified == now.created or now.modified < start)


def _changes(entries: Iterable[Recorded]) -> tuple[Change, ...]:
    return tuple(Change(entry) for entry in entries)
