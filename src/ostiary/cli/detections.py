"""
`ostiary detections`: what looked like abuse of device codes, the rules that say so, and what they would have found.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ostiary.cli.detections_score import score_rules
from ostiary.cli.errand import Errand
from ostiary.cli.lookup import both, literal, path
from ostiary.cli.output import Column
from ostiary.cli.since import since_filter
from ostiary.cli.verb import ADMIN, Noun
from ostiary.cli.when import when
from ostiary.core.words.instants import to_iso

__all__ = ["DETECTIONS"]

BASE = "/identityProtection/riskDetections"
RULES, REPLAYS = "/ostiary/detectionRules", "/ostiary/detectionReplays"


def _ours(name: str) -> Any:
    def get(resource: Mapping[str, Any]) -> object:
        ours = resource.get("ostiary")
        return ours.get(name) if isinstance(ours, dict) else None

    return get


def _country(resource: Mapping[str, Any]) -> object:
    place = resource.get("location")
    return place.get("countryOrRegion") if isinstance(place, dict) else None


COLUMNS: tuple[Column, ...] = (
    ("Time", lambda r: r.get("activityDateTime")),
    ("Level", lambda r: r.get("riskLevel")),
    ("Rule", lambda r: r.get("riskEventType")),
    ("Person", lambda r: r.get("userPrincipalName") or r.get("userId")),
    ("From", lambda r: r.get("ipAddress")),
    ("State", _ours("state")),
    ("What", _ours("sentence")),
    ("ID", lambda r: r.get("id")),
)
DETAILS: tuple[Column, ...] = (
    *COLUMNS,
    ("Title", _ours("title")),
    ("Meaning", _ours("explanation")),
    ("Harmless when", _ours("falsePositives")),
    ("Evidence", _ours("evidence")),
    ("Seen", _ours("seen")),
    ("Country", _country),
    ("Timing", lambda r: r.get("detectionTimingType")),
    ("Sign-in", lambda r: r.get("correlationId")),
    ("Entry", _ours("entry")),
    ("Covers", _ours("covers")),
)
OF_RULES: tuple[Column, ...] = (
    ("Rule", lambda r: r.get("id")),
    ("Level", lambda r: r.get("riskLevel")),
    ("Title", lambda r: r.get("displayName")),
    ("Needs", lambda r: r.get("needs")),
    ("Covers", lambda r: [one.get("name") for one in r.get("covers") or () if isinstance(one, dict)]),
    ("Found in 30 days", lambda r: r.get("found")),
    ("Held back", lambda r: r.get("heldBack")),
    ("Done", lambda r: r.get("responses")),
)
OF_REPLAYS: tuple[Column, ...] = (
    ("Time", lambda r: r.get("activityDateTime")),
    ("Level", lambda r: r.get("riskLevel")),
    ("Rule", lambda r: r.get("riskEventType")),
    ("Person", lambda r: r.get("userId")),
    ("From", lambda r: r.get("ipAddress")),
    ("What", lambda r: r.get("sentence")),
)


def list_(
    errand: Errand,
    *,
    user: Annotated[str, typer.Option("--user", help="About this person (address).")] = "",
    level: Annotated[str, typer.Option("--level", help="Only low, medium or high.")] = "",
    state: Annotated[str, typer.Option("--state", help="Only open, confirmed or dismissed.")] = "",
    rule: Annotated[str, typer.Option("--rule", help="Only of this rule.")] = "",
    since: Annotated[str, typer.Option("--since", help="Younger than this (24h, 90m, PT2H).")] = "24h",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many.")] = 50,
) -> None:
    """List what detections found, the latest first."""
    where = both(
        since_filter(errand, "activityDateTime", since),
        f"userPrincipalName eq {literal(user.lower())}" if user else "",
        f"riskLevel eq {literal(level)}" if level else "",
        f"ostiary/state eq {literal(state)}" if state else "",
        f"riskEventType eq {literal(rule)}" if rule else "",
    )
    query = {**where, "$orderby": "activityDateTime desc", "$top": str(min(limit, 200))}
    with errand.graph() as graph:
        errand.screen.rows(graph.items(BASE, query, most=limit), COLUMNS)


def show(
    errand: Errand, id_: Annotated[str, typer.Argument(metavar="ID", help="The finding's id, from the list.")]
) -> None:
    """Show one finding: what was seen, what it may mean, when it is harmless."""
    with errand.graph() as graph:
        errand.screen.record(graph.get(path(BASE, id_)), DETAILS)


def rules(errand: Errand) -> None:
    """List the rules: what each found, how much of the last day was not kept, and what is done about it."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(RULES, {}), OF_RULES)


def replay(
    errand: Errand,
    *,
    start: Annotated[
        str, typer.Option("--from", metavar="WHEN", help="Tell of what happened since (7d, a date).")
    ] = "",
    end: Annotated[str, typer.Option("--to", metavar="WHEN", help="Read what was written until then.")] = "",
    rule: Annotated[list[str] | None, typer.Option("--rule", help="Only this rule; may be repeated.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Store what is found, as though found then.")] = False,
) -> None:
    """Run the rules over the stored journal, and tell what they find. Changes nothing without --keep."""
    moments = {"from": when(errand, start, "--from"), "to": when(errand, end, "--to")}
    asked: dict[str, Any] = {name: to_iso(moment) for name, moment in moments.items() if moment is not None}
    found: list[Mapping[str, Any]] = []
    counts: Counter[str] = Counter()
    with errand.graph() as graph:
        begun = graph.post(REPLAYS, {**asked, "rules": rule or [], "keep": keep})
        piece: Mapping[str, Any] = begun
        while not piece.get("done"):
            piece = graph.post(path(REPLAYS, str(begun["id"]), "next"), {})
            found += piece.get("findings") or ()
            errand.screen.event("replay", **{name: piece.get(name) for name in ("entries", "position", "head")})
    counts.update(piece.get("counts") or {})
    errand.screen.rows(found, OF_REPLAYS)
    told = ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "nothing"
    errand.screen.say(f"{piece.get('entries')} entries. Found: {told}.")
    if piece.get("heldBack"):
        errand.screen.say(f"{piece.get('heldBack')} more were beyond the bounds.")
    for name, count in (piece.get("faults") or {}).items():
        errand.screen.say(f"! The rule {name} could not look at {count} entries.")


def confirm(
    errand: Errand,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The finding's id, from the list.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")] = "",
) -> None:
    """Say that a finding is what it looks like: what the policy wants for that is done at once."""
    with errand.graph() as graph:
        errand.screen.record(graph.post(path(BASE, id_, "confirmCompromised"), {"reason": reason}), DETAILS)


def dismiss(
    errand: Errand,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The finding's id, from the list.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why it is harmless. The audit log keeps it.")],
) -> None:
    """Say that a finding is harmless: it makes nobody risky any more."""
    with errand.graph() as graph:
        errand.screen.record(graph.post(path(BASE, id_, "dismiss"), {"reason": reason}), DETAILS)


DETECTIONS: Noun = (
    "detections",
    "What looked like abuse of device codes.",
    (
        ("list", list_, ADMIN),
        ("show", show, ADMIN),
        ("rules", rules, ADMIN),
        ("replay", replay, ADMIN),
        ("score", score_rules, ("json",)),
        ("confirm", confirm, ADMIN),
        ("dismiss", dismiss, ADMIN),
    ),
)
