"""
Refreshes as Graph's non-interactive sign-ins: told from the journal when they are asked for (docs/decisions/0076).
"""

from collections.abc import Mapping, Sequence

from ostiary.core.graph.signin import error_number
from ostiary.core.graph.signin_filter import Between, Condition
from ostiary.core.logs.refreshes import of_refresh
from ostiary.core.logs.telling import Protocol, Telling
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.store import Tx, refreshes
from ostiary.store.refreshes import ENDLESS, Stretch
from ostiary.store.stories import Place

__all__ = ["REFRESHES", "of_refreshes", "refresh_page"]

REFRESHES = Condition("protocol", "eq", (Protocol.REFRESH.value,))
"""Whoever asks for this asks for refreshes."""

_FOUND_BY = ("user", "client", "requester", "id", "error", "access", "outcome")
_ASKED = {(name, op) for name in _FOUND_BY for op in ("eq", "ne")} | {("user_name", "eq"), ("user_name", "starts")}
_TEXTS = ("user", "client", "requester", "id")  # stand in an entry as they are


def of_refreshes(asked: Sequence[Condition]) -> list[Condition] | None | Refused:
    """
    What else is asked of refreshes, where they are asked for; None where they are not. Refused: what an entry of a
    refresh does not say.
    """
    if REFRESHES not in asked:
        return None
    others = [each for each in asked if each != REFRESHES]
    strange = [each for each in others if (each.column, each.op) not in _ASKED]
    if strange:
        return Refused(
            Reason.INVALID_VALUE,
            "Refreshes are found by time, person, application, address, correlation, status and result of "
            "conditional access.",
            field="$filter",
        )
    return others


def _told_by(telling: Telling) -> Mapping[str, object]:
    """A refresh by the columns that it is found by."""
    return {
        "user": telling.user, "client": telling.client, "requester": telling.requester_address, "id": telling.id,
        "error": error_number(telling), "access": telling.access,
        "outcome": telling.outcome.value,
    }  # fmt: skip


async def refresh_page(
    tx: Tx, others: Sequence[Condition], within: Between, after: Place | None, *, most: int, rising: bool, now: Instant
) -> tuple[list[Telling], tuple[int, int] | None]:
    """Step: one page of them, and where the next one begins. A page may be short, or empty, and still go on."""
    stretch = Stretch(_bound(within.above.at, within.above.id), _bound(within.below.at, within.below.id))
    if after is not None:
        place = (after.at, int(after.id))
        stretch = (
            stretch._replace(above=max(place, stretch.above))
            if rising
            else stretch._replace(below=min(place, stretch.below))
        )
    texts = [
        str(each.values[0]) for each in others if each.op == "eq" and each.column in _TEXTS and len(each.values) == 1
    ]
    found = await refreshes.page(tx, texts, stretch, most=most, rising=rising)
    told = [of_refresh(entry, now) for entry in found.entries]
    return [telling for telling in told if _holds(telling, others)], found.more


def _bound(at: int, id: str) -> tuple[int, int]:
    """A bound of time stands before or behind every position of its instant."""
    return at, ENDLESS if id else -1


def _holds(telling: Telling, others: Sequence[Condition]) -> bool:
    told = _told_by(telling)
    return all((told[each.column] in each.values) is (each.op == "eq") for each in others)
