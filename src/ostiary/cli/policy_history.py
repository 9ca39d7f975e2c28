"""
`ostiary policy history`: who changed a policy, when, why and from what; and what it said on a day.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import path
from ostiary.cli.output import Column
from ostiary.cli.policy_lookup import BASE, NAME, named_policy
from ostiary.client.errors import plain
from ostiary.core.words.ids import is_guid

__all__ = ["history"]

LONGEST = 4_000  # characters of a line of a document

CHANGES: tuple[Column, ...] = (
    ("Time", lambda r: r.get("activityDateTime")),
    ("Activity", lambda r: r.get("activity")),
    ("By", lambda r: r.get("by")),
    ("Why", lambda r: r.get("reason")),
    ("What", lambda r: [_difference(one) for one in r.get("differences") or ()]),
)


def _difference(one: Mapping[str, Any]) -> str:
    before, after = (json.dumps(one.get(name), ensure_ascii=False) for name in ("before", "after"))
    return f"{one.get('path')}: {before} -> {after}"


def history(
    errand: Errand,
    name: NAME,
    *,
    on: Annotated[str, typer.Option("--on", metavar="DAY", help="What it said on that day (2026-11-28, UTC).")] = "",
) -> None:
    """Who changed a policy, when, why and from what, the latest change first; or what it said on a day."""
    with errand.graph() as graph:
        whose = path(f"{BASE}/policies", name if is_guid(name) else str(named_policy(graph, name)["id"]))
        found = graph.get(f"{whose}/ostiary.onDay(day={quote(on, safe='')})" if on else f"{whose}/ostiary.history")
    if not on:
        errand.screen.rows(found.get("changes") or (), CHANGES)
        return
    if not found.get("certain"):
        errand.screen.say(
            "The journal does not hold all changes of it any more: on that day it may have said something else.",
            "yellow",
        )
    if errand.given.json:
        errand.screen.record(found, ())
        return
    for stand in found.get("stands") or ():
        _stood(errand, stand)
    if found.get("more"):
        errand.screen.say("There were more changes on that day; the audit log has all of them.", "yellow")


def _stood(errand: Errand, stand: Mapping[str, Any]) -> None:
    """One stretch of the day: from when, who made it so, and the document as it was."""
    change = stand.get("change") or {}
    by = f", {change.get('activity')} by {change.get('by')}" if change else ""
    why = f": {change.get('reason')}" if change.get("reason") else ""
    errand.screen.data(plain(f"From {stand.get('fromDateTime')}{by}{why}", LONGEST) or "")
    document = stand.get("document")
    if document is None:
        errand.screen.data("  There was no such policy.")
        return
    for line in json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True).splitlines():
        rest = line.lstrip(" ")
        errand.screen.data(" " * (len(line) - len(rest)) + (plain(rest, LONGEST) or ""))
