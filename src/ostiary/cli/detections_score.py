"""
`ostiary detections score`: how much of made-up campaigns the rules see, and how often they call honest people. Offline.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.output import Column
from ostiary.core.detections.rules import BY_ID, RULES
from ostiary.core.detections.score import HELD_OUT_SEEDS, TUNED_SEEDS, score
from ostiary.core.detections.score_rows import by_rule, by_variant, summary

__all__ = ["score_rules"]

_CAMPAIGNS: tuple[Column, ...] = (
    ("Campaign", lambda r: r["campaign"]),
    ("Variant", lambda r: r["variant"]),
    ("In time", lambda r: f"{r['inTime']}/{r['plays']}"),
    ("At worst", lambda r: r["worst"]),
    ("Seconds", lambda r: r["seconds"]),
    ("Rules", lambda r: r["rules"]),
)
_RULES: tuple[Column, ...] = (
    ("Rule", lambda r: r["rule"]),
    ("True", lambda r: r["true"]),
    ("False", lambda r: r["false"]),
    ("Precision", lambda r: "" if r["precision"] is None else f"{r['precision']:.0%}"),
    ("Low", lambda r: r["low"]),
)


def score_rules(
    errand: Errand,
    *,
    seed: Annotated[
        list[int] | None,
        typer.Option("--seed", min=0, max=1 << 32, help="Play these, all variants; usually two tables of fixed ones."),
    ] = None,
    people: Annotated[int, typer.Option("--people", min=20, max=2000, help="How many the organisation has.")] = 150,
    days: Annotated[int, typer.Option("--days", min=6, max=90, help="Days after the first four weeks.")] = 14,
) -> None:
    """Play honest days and campaigns against the rules: what is seen, when, and how many alarms are false."""
    sets = (
        [("seeds", tuple(seed), True)] if seed else [("tuned", TUNED_SEEDS, False), ("held out", HELD_OUT_SEEDS, True)]
    )
    for name, seeds, held_out in sets:
        found = score(RULES, seeds, people=people, length=days, held_out=held_out)
        told = summary(found)
        errand.screen.say(f"{name} ({', '.join(map(str, seeds))}):", "bold")
        _rows(errand, name, "campaigns", by_variant(found), _CAMPAIGNS)
        _rows(errand, name, "rules", by_rule(found, tuple(BY_ID)), _RULES)
        errand.screen.event("score", set=name, **told)
        errand.screen.say(
            f"{told['inTime']} of {told['plays']} campaigns were seen before their second token request; "
            f"{told['falsePerThousand']} false alarms for each 1,000 of {told['signIns']} honest sign-ins.",
        )  # fmt: skip


def _rows(errand: Errand, name: str, table: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
    if errand.screen.as_json:
        rows = [{"set": name, "table": table, **row} for row in rows]
    errand.screen.rows(rows, columns)
