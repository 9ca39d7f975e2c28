"""
`/ostiary/auditLog/…`: the journal for those who check it elsewhere (R15): checkpoints, keys, exports with proofs.

An export is a POST because the log keeps who took it; nothing else changes.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.fields import Field, Kind
from ostiary.core.words.instants import Instant, to_iso
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.logs.checkpoints import log_keys, newest_checkpoint, rotate_log_key
from ostiary.services.logs.export import export_header, export_lines
from ostiary.web.graph.resource import Call, Gives, Operation, Path, acting

__all__ = ["PATHS"]

_RANGE: tuple[Field[Any], ...] = (
    Field("from", Kind.MOMENT, write="start", doc="What was written from then on; from the beginning without it."),
    Field("to", Kind.MOMENT, write="end", doc="What was written until then; everything without it."),
    Field("kept", Kind.INTEGER, write="kept", doc="The size that a checkpoint says which you kept."),
)
_WHY: tuple[Field[Any], ...] = (
    Field("reason", Kind.STRING, write="reason", required=True, limit=512, doc="Why; kept in the audit log."),
)


async def _export(call: Call) -> Any:
    asked = call.changes
    start, end = asked.get("start"), asked.get("end")
    return await export_header(
        call.house, call.visit, start=start or Instant(0), end=call.visit.now if end is None else end,
        kept=asked.get("kept"),
    )  # fmt: skip


async def _lines(call: Call) -> Any:
    first, until = (_place(call.path[name]) for name in ("first", "until"))
    if first is None or until is None:
        return Refused(Reason.INVALID_VALUE, "Places are whole numbers from 0.")
    return await export_lines(call.house, first=first, until=until)


def _place(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


async def _checkpoint(call: Call) -> Any:
    found = await newest_checkpoint(call.house)
    return found if isinstance(found, Refused) else {"checkpoint": str(found)}


async def _keys(call: Call) -> Any:
    keys = await log_keys(call.house)
    shown = [{"key": one.key, "size": one.size, "fromDateTime": to_iso(one.at), "handOver": one.hand_over or None}
             for one in keys]  # fmt: skip
    return {"keys": shown}


async def _rotate(call: Call) -> Any:
    rotated = await rotate_log_key(call.house, call.visit, call.reason)
    return rotated if isinstance(rotated, Refused) else {"key": rotated.key, "size": rotated.size}


def _looking(run: Any, summary: str) -> Operation:
    return Operation("GET", (Action.READ_LOGS,), run, Gives.OBJECT, summary=summary)


PATHS: tuple[Path, ...] = (
    Path("/ostiary/auditLog/checkpoint", (_looking(_checkpoint, "The newest signed checkpoint of the journal"),)),
    Path("/ostiary/auditLog/keys", (_looking(_keys, "The keys that signed checkpoints, and how each handed over"),)),
    Path(
        "/ostiary/auditLog/keys/rotate",
        (acting(Action.ROTATE_KEYS, _rotate, "Sign checkpoints with a new key", fields=_WHY),),
    ),
    Path(
        "/ostiary/auditLog/export",
        (acting(Action.EXPORT_LOGS, _export, "What an export of the journal begins with", fields=_RANGE),),
    ),
    Path(
        "/ostiary/auditLog/lines(first={first},until={until})",
        (_looking(_lines, "Lines of an export of the journal, by their places in its tree"),),
    ),
)
