"""
The audit log: what was changed, by whom and why; and one change with what it was before.
"""

from starlette.responses import Response

from ostiary.core.graph.audit import ACTIVITIES, AUDIT, Audit, audit_id
from ostiary.core.graph.fields import render as as_graph
from ostiary.core.words.ids import is_guid
from ostiary.core.words.outcome import Refused
from ostiary.services.logs.list import audit, audits
from ostiary.web.pages.console.frame import console_page, missing, show
from ostiary.web.pages.console.lists import Choice, Column, How, List, Period, Search, listed, literal
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.page import Guest

__all__ = ["ROUTES", "by_whom", "entry_path"]

HERE = at("/console/audit")


def entry_path(entry: Audit) -> str:
    """The page of one change."""
    return HERE.below(audit_id(entry.entry))


def by_whom(entry: Audit) -> str:
    """Who did it, by the name that is known best."""
    return str(entry.entry.body.get("actor_name") or entry.actor_principal or entry.entry.actor)


def _why(entry: Audit) -> str:
    return str(entry.detail.get("reason") or entry.detail.get("text") or "")


def _ask(text: str) -> str:
    """A reference, else what was changed or who did, as the log names them: `user:…`, `policy:…`."""
    if is_guid(text.lower()):
        return f"correlationId eq {literal(text.lower())}"
    return f"ostiary/target eq {literal(text)}"


LIST = List(
    HERE,
    AUDIT,
    audits,
    (
        Column("When", lambda a: a.entry.at, How.MOMENT, entry_path),
        Column("What", lambda a: a.activity.name),
        Column("By", by_whom),
        Column("About", lambda a: a.target_name or a.entry.target),
        Column("Why", _why),
    ),
    lead="Every change, and what administrators should know. The latest is first.",
    empty="Nothing was changed yet.",
    search=Search("Reference, or what it is about", "The whole of it: a reference, user:…, policy:…", _ask),
    choices=(
        Choice(
            "what", "What", lambda guest: sorted(((str(kind), each.name) for kind, each in ACTIVITIES.items()),
                                                 key=lambda pair: pair[1]),
            lambda value: f"ostiary/kind eq {literal(value)}",
        ),
    ),
    period=Period("activityDateTime"),
    subject="audit",
)  # fmt: skip


async def _list(guest: Guest) -> Response:
    return await listed(guest, LIST)


async def _one(guest: Guest) -> Response:
    found = await audit(guest.house, guest.visit, guest.path("entry")[:128])
    if isinstance(found, Refused):
        return missing(guest, HERE, "There is no such entry.")
    told = as_graph(AUDIT.fields, found)
    return show(
        guest, "audit.html", HERE, entry=found.entry, activity=found.activity, by=by_whom(found), why=_why(found),
        about=found.target_name or found.entry.target, further=told["additionalDetails"],
        changed=[each for target in told["targetResources"] for each in target["modifiedProperties"]],
    )  # fmt: skip


ROUTES = (console_page(HERE, get=_list), console_page(HERE, path=HERE.path + "/{entry}", get=_one))
