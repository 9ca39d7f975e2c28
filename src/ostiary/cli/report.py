"""
`ostiary report`: what auditors ask for on paper. So far on exemptions: who had access, when, why, who allowed it, what
was done with it, and what is still to be looked at.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.exemption_rows import REQUESTS, narrowed
from ostiary.cli.files import new_file
from ostiary.cli.lookup import actor, literal
from ostiary.cli.report_page import Question, account_of, page
from ostiary.cli.verb import ADMIN, Noun
from ostiary.cli.when import when
from ostiary.client.errors import Misused
from ostiary.client.graph import Graph
from ostiary.core.exemptions.hours import Hours, Stretch, clock_minutes, zone_exists
from ostiary.core.words.instants import Instant, from_iso, from_seconds

__all__ = ["REPORT"]

SIGN_INS = "/beta/auditLogs/signIns"
WORKDAYS = frozenset(range(5))


def exemptions(
    errand: Errand,
    *,
    start: Annotated[str, typer.Option("--from", metavar="WHEN", help="A date, a date-time, or so long ago.")] = "30d",
    end: Annotated[str, typer.Option("--to", metavar="WHEN", help="The same; up to now without it.")] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there instead of to stdout.")] = None,
    working: Annotated[
        str, typer.Option("--hours", metavar="FROM-TO", help="Working hours, Monday to Friday.")
    ] = "07:00-19:00",
    zone: Annotated[str, typer.Option("--zone", metavar="ZONE", help="Their time zone.")] = "UTC",
) -> None:
    """Report on exemptions asked for or opened in a time, as one printable page (HTML)."""
    now, begin = from_seconds(errand.machine.wall()), when(errand, start, "--from")
    if begin is None:
        raise Misused("--from: a date, a date-time or a length of time back")
    until, shop = when(errand, end, "--to") or now, _hours(working, zone)
    server = "the local door" if errand.given.local else urlsplit(errand.settings.server.value).netloc
    with new_file(errand, out) as file, errand.graph() as graph:
        told = [account_of(one, _sign_ins(graph, one)) for one in _requests(graph, begin, until)]
        names = {by: actor(graph, by) for by in {one.by for one in told}}
        told = [replace(one, by=names[one.by]) for one in told]
        file.write(page(Question(server, begin, until, now, shop), told))
    owed = sum(one.break_glass and one.review == "owed" for one in told)
    errand.screen.say(
        f"{len(told)} requests; {owed} break-glass without a written review.", "yellow" if owed else "green"
    )


REPORT: Noun = ("report", "Reports for auditors.", (("exemptions", exemptions, ADMIN),))


def _requests(graph: Graph, begin: Instant, until: Instant) -> Iterator[dict[str, Any]]:
    """Those that were made in the time; the list has the newest first."""
    for one in graph.items(REQUESTS):
        made = from_iso(str(one["createdDateTime"]))
        if made < begin:
            return
        if made <= until:
            yield dict(one)


def _sign_ins(graph: Graph, request: dict[str, Any]) -> list[dict[str, Any]]:
    """What the exemption let through; nothing was where none was used."""
    if not narrowed(request, "used"):
        return []
    return [dict(one) for one in graph.items(SIGN_INS, {"$filter": f"ostiary/exemptionId eq {literal(request['id'])}"})]


def _hours(working: str, zone: str) -> Hours:
    """Raises Misused."""
    opens, _, closes = working.partition("-")
    first, last = clock_minutes(opens), clock_minutes(closes)
    if first is None or last is None or first >= last:
        raise Misused("--hours: write them as 07:00-19:00")
    if not zone_exists(zone):
        raise Misused(f"--zone: {zone[:40]} is not known here")
    return Hours(zone, (Stretch(WORKDAYS, first, last),))
