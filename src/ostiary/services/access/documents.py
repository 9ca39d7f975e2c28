"""
What the deeds about policies and named locations share: the list, and a refusal written down.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from ostiary.core.access.stored import Stored
from ostiary.core.directory.permissions import Action
from ostiary.core.graph.error import Invalid
from ostiary.core.graph.etag import Seen
from ostiary.core.graph.matching import matches
from ostiary.core.graph.query import Page, Query
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.store import Tx

Id = TypeVar("Id", bound=str)

_ANOTHER = Refused(
    Reason.PRECONDITION_FAILED,
    "Somebody changed it since you looked at it. Look at what it says now, and change it again.",
)
LONGEST_TARGET = 80  # characters; the id comes from an address that anybody can write


async def listed(
    house: House, query: Query, everything: Callable[[Tx], Awaitable[list[Stored[Id]]]]
) -> Page[Stored[Id]] | Refused:
    """What of *everything* is asked for on one page, the oldest first. Refused: another order."""
    if query.order is not None:
        return Refused(Reason.INVALID_VALUE, "They come in one order.", field="$orderby")

    async def body(tx: Tx) -> Page[Stored[Id]]:
        asked = query.filter
        found = tuple(one for one in await everything(tx) if asked is None or matches(asked, partial(_value, one)))
        return Page(found, None, len(found) if query.count else None)

    return await house.store.survey(body)


def _value(one: Stored[Any], column: str) -> Any:
    return one.id if column == "id" else one.document.get(column)


def moved(old: Stored[Any], seen: Seen) -> Refused | None:
    """PRECONDITION_FAILED when *old*, as it stands there in the deciding transaction, is not what was *seen*."""
    return None if seen.allows(old.version) else _ANOTHER


async def turned_down(tx: Tx, visit: Visit, wrong: Refused | Invalid, target: str) -> Refused | Invalid:
    """Step: a refusal or an invalid document, written down."""
    first = wrong
    if isinstance(first, Invalid):
        first = Refused(Reason.INVALID_VALUE, first.problems[0].message, field=first.problems[0].path)
    await refuse(tx, visit, Action.WRITE_POLICIES, first, target=target[:LONGEST_TARGET])
    return wrong
