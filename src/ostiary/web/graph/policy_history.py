"""
How a policy came to be as it is (`…/policies/{id}/ostiary.history`), and what it said on a day (`…/ostiary.onDay(…)`).
"""

from datetime import date
from typing import Any

from ostiary.core.access.history import Change, Stand
from ostiary.core.directory.permissions import Action
from ostiary.core.words.instants import from_iso, to_iso
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.access.history import history, on_day
from ostiary.web.graph.resource import Call, Gives, Operation, Path

__all__ = ["PATHS"]

_BASE = "/identity/conditionalAccess/policies/{id}"


async def _history(call: Call) -> Any:
    found = await history(call.house, call.visit, call.path["id"])
    return found if isinstance(found, Refused) else {"changes": [_changed(change) for change in found]}


async def _on_day(call: Call) -> Any:
    try:
        day = date.fromisoformat(call.path["day"]).isoformat()
        start = from_iso(f"{day}T00:00:00Z")
    except ValueError:
        return Refused(Reason.INVALID_VALUE, "A day is written 2026-11-28.", field="day")
    found = await on_day(call.house, call.visit, call.path["id"], start)
    if isinstance(found, Refused):
        return found
    return {
        "day": day, "stands": [_stood(stand) for stand in found.stands], "certain": found.certain, "more": found.more,
    }  # fmt: skip


def _changed(change: Change) -> dict[str, Any]:
    differences = [{"path": one.path, "before": one.before, "after": one.after} for one in change.differences]
    return {**_by(change), "differences": differences}


def _stood(stand: Stand) -> dict[str, Any]:
    by = None if stand.change is None else _by(stand.change)
    return {"fromDateTime": to_iso(stand.since), "document": stand.document, "change": by}


def _by(change: Change) -> dict[str, Any]:
    what = "created" if change.before is None else "deleted" if change.after is None else "changed"
    return {
        "activityDateTime": to_iso(change.entry.at), "activity": what, "by": change.by, "reason": change.why or None,
    }  # fmt: skip


def _looking(run: Any, summary: str) -> Operation:
    return Operation("GET", (Action.READ_POLICIES,), run, Gives.OBJECT, summary=summary)


PATHS: tuple[Path, ...] = (
    Path(f"{_BASE}/ostiary.history", (_looking(_history, "The latest changes of a policy, also of a deleted one"),)),
    Path(f"{_BASE}/ostiary.onDay(day={{day}})", (_looking(_on_day, "What a policy said on one day, in UTC"),)),
)
