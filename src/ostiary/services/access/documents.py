"""
What the deeds about policies and named locations share: the list, and a refusal written down.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ostiary.core.access.stored import Stored
from ostiary.core.directory.permissions import Action
from ostiary.core.graph.error import Invalid
from ostiary.core.graph.query import Page, Query
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.store import Tx

Id = TypeVar("Id", bound=str)

LONGEST_TARGET = 80  # characters; the id comes from an address that anybody can write


async def listed(
    house: House, query: Query, everything: Callable[[Tx], Awaitable[list[Stored[Id]]]], what: str
) -> Page[Stored[Id]] | Refused:
    """*everything* on one page, the oldest first; *what* it is called. Refused: a filter."""
    if query.filter is not None or query.order is not None:
        return Refused(Reason.INVALID_VALUE, f"{what} come in one order, all of them.", field="$filter")

    async def body(tx: Tx) -> Page[Stored[Id]]:
        found = tuple(await everything(tx))
        return Page(found, None, len(found) if query.count else None)

    return await house.store.survey(body)


async def turned_down(tx: Tx, visit: Visit, wrong: Refused | Invalid, target: str) -> Refused | Invalid:
    """Step: a refusal or an invalid document, written down."""
    first = wrong
    if isinstance(first, Invalid):
        first = Refused(Reason.INVALID_VALUE, first.problems[0].message, field=first.problems[0].path)
    await refuse(tx, visit, Action.WRITE_POLICIES, first, target=target[:LONGEST_TARGET])
    return wrong
