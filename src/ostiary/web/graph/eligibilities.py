"""
`eligibilityScheduleRequests`, `eligibilitySchedules`, `eligibilityScheduleInstances`: who may ask for exemptions.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.eligibility import ELIGIBLE_INSTANCE, ELIGIBLE_REQUEST, ELIGIBLE_SCHEDULE, Shown
from ostiary.core.graph.fields import Shape
from ostiary.core.graph.query import Page
from ostiary.core.words.instants import Instant, Span, after
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.exemptions.eligible import (
    Wanted,
    find_eligibility,
    give_eligibility,
    list_eligibilities,
    take_eligibility,
)
from ostiary.web.graph.resource import Call, Operation, Path, creating, listing, reading

__all__ = ["PATHS"]

_MAY_READ = (Action.READ_ELIGIBILITY, Action.READ_SELF)


async def _request(call: Call) -> Shown | Refused:
    """POST: give, change or take."""
    changes, action = call.changes, call.changes["action"]
    if changes.get("group", call.house.desk.picture.exception_group) != call.house.desk.picture.exception_group:
        return Refused(Reason.INVALID_VALUE, "Only the exception group takes eligibilities.", field="groupId")
    principal, reason = changes.get("principal", ""), changes.get("justification") or ""
    if action == "adminRemove":
        taken = await take_eligibility(
            call.house, call.visit, id=changes.get("schedule") or "", principal=principal, reason=reason
        )
        return taken if isinstance(taken, Refused) else _shown(taken, call, action)
    starts = max(changes.get("starts") or call.visit.now, call.visit.now)
    ends = _ends(call, starts)
    if isinstance(ends, Refused):
        return ends
    wanted = Wanted(principal, reason, starts, ends, instead=action != "adminAssign")
    given = await give_eligibility(call.house, call.visit, wanted)
    return given if isinstance(given, Refused) else _shown(given, call, action)


def _ends(call: Call, starts: Instant) -> Instant | None | Refused:
    """The end that the body's expiration means; None for one that never ends."""
    kind, duration, end = (call.changes.get(name) for name in ("expires", "duration", "end"))
    if kind in (None, "afterDuration") and duration is not None:
        return after(starts, Span(duration))
    if kind in (None, "afterDateTime") and end is not None:
        return Instant(end)
    if kind == "noExpiration" and duration is None and end is None:
        return None
    detail = "Give afterDuration and a duration, afterDateTime and an end, or noExpiration."
    return Refused(Reason.INVALID_VALUE, detail, field="scheduleInfo.expiration")


def _shown(each: Any, call: Call, action: str = "adminAssign") -> Shown:
    names = (each.principal_name, each.display_name)
    return Shown(each.eligibility, *names, each.used, call.visit.now, action)


def _lister(*, over: bool, mine: bool = False) -> Callable[[Call], Awaitable[Any]]:
    async def run(call: Call) -> Any:
        page = await list_eligibilities(call.house, call.visit, call.query, over=over, mine=mine)
        if isinstance(page, Refused):
            return page
        return Page(tuple(_shown(each, call) for each in page.items), page.next, page.count)

    return run


async def _one(call: Call) -> Shown | Refused:
    found = await find_eligibility(call.house, call.visit, call.path["id"])
    return found if isinstance(found, Refused) else _shown(found, call)


def _paths(shape: Shape[Shown], *more: Operation, over: bool) -> tuple[Path, ...]:
    base = f"/{shape.name}"
    own = f"{base}/filterByCurrentUser(on='principal')"
    return (
        Path(own, (listing(shape, Action.READ_SELF, _lister(over=over, mine=True), "List one's own"),)),
        Path(base, (listing(shape, _MAY_READ, _lister(over=over)), *more)),
        Path(base + "/{id}", (reading(shape, _MAY_READ, _one),)),
    )


_WRITE = creating(ELIGIBLE_REQUEST, Action.WRITE_ELIGIBILITY, _request, "Give, change or take an eligibility")
PATHS: tuple[Path, ...] = (
    *_paths(ELIGIBLE_REQUEST, _WRITE, over=True),
    *_paths(ELIGIBLE_SCHEDULE, over=False),
    *_paths(ELIGIBLE_INSTANCE, over=False),
)
