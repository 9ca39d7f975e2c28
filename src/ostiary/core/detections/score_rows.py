"""
The score as rows, for a screen and for a page.
"""

from collections.abc import Sequence
from typing import Any

from ostiary.core.detections.score import Outcome, Score, Step

__all__ = ["by_rule", "by_variant", "summary"]

_WORST = (Step.NEVER, Step.LATER, Step.BEFORE_SECOND, Step.BEFORE_FIRST)

Row = dict[str, Any]


def by_variant(score: Score) -> list[Row]:
    """Of each variant of each campaign: how often it was seen in time, when at worst, how soon, and by which rules."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in score.outcomes:
        groups.setdefault((outcome.campaign, outcome.variant), []).append(outcome)
    return [_variant(campaign, variant, plays) for (campaign, variant), plays in groups.items()]


def _variant(campaign: str, variant: str, plays: Sequence[Outcome]) -> Row:
    times = sorted(play.took for play in plays if play.took is not None)
    return {
        "campaign": campaign,
        "variant": variant,
        "plays": len(plays),
        "seen": len(times),
        "inTime": sum(play.in_time for play in plays),
        "worst": min((play.step for play in plays), key=_WORST.index).value,
        "seconds": times[len(times) // 2] // 1_000_000 if times else None,
        "rules": _often(play.rules for play in plays),
        "low": _often(play.low for play in plays),
    }


def _often(lists: Any) -> list[str]:
    """The names in *lists*, those in the most of them first."""
    count: dict[str, int] = {}
    for names in lists:
        for name in names:
            count[name] = count.get(name, 0) + 1
    return sorted(count, key=lambda name: (-count[name], name))


def by_rule(score: Score, rules: Sequence[str]) -> list[Row]:
    """Of each rule: alarms that campaigns made, false ones, its precision, and what it found of low severity."""
    return [
        {
            "rule": rule,
            "true": score.true[rule],
            "false": score.false[rule],
            "precision": score.precision(rule),
            "low": score.low[rule],
            "warmUp": score.early[rule],
        }
        for rule in rules
    ]


def summary(score: Score) -> Row:
    """In one row: the share that was seen in time, and false alarms for each thousand honest sign-ins."""
    plays = len(score.outcomes)
    return {
        "plays": plays,
        "inTime": sum(each.in_time for each in score.outcomes),
        "seen": sum(each.step is not Step.NEVER for each in score.outcomes),
        "signIns": score.sign_ins,
        "falseAlarms": score.false.total(),
        "falsePerThousand": round(score.false_per_thousand, 2),
        "lowPerThousand": round(1000 * score.low.total() / max(1, score.sign_ins), 2),
        "entries": score.entries,
    }
