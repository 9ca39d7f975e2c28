"""
Whom findings make risky now, as policies with `userRiskLevels` see it.
"""

from ostiary.core.graph.query import Page, Query
from ostiary.core.graph.risky_user import RiskyUser
from ostiary.core.words.ids import UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.search import FOREIGN_CURSOR
from ostiary.services.house import House
from ostiary.store import Tx, risk, stories

__all__ = ["list_risky_users"]


async def list_risky_users(house: House, visit: Visit, query: Query) -> Page[RiskyUser] | Refused:
    """Everybody who is risky, by id. Refused: a filter or an order, a cursor of another list."""
    if query.filter is not None or query.order is not None:
        return Refused(Reason.INVALID_VALUE, "They come in one order, all of them.", field="$filter")
    after = query.after[0] if query.after else ""
    if not isinstance(after, str):
        return FOREIGN_CURSOR

    async def body(tx: Tx) -> Page[RiskyUser]:
        rows = await risk.risky(tx, after, query.top + 1, visit.now)
        shown = []
        for id, rank, changed, confirmed in rows[: query.top]:
            name, display_name = await stories.names(tx, UserId(id)) or ("", "")
            shown.append(RiskyUser(id, rank, changed, confirmed, name, display_name))
        return Page(tuple(shown), (shown[-1].id,) if len(rows) > query.top else None)

    return await house.store.survey(body)
