"""
`python -m bench.detections`: the score of the rules over the fixed seeds, and how many entries a second the reader
takes through rules and store on one core. Writes docs/detections-score.md.

The reader is measured by its own deed, `run_detections`, on a SQLite file that holds a made-up journal, in one process.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.ostiary import prepared
from ostiary.core.detections.rules import BY_ID, RULES
from ostiary.core.detections.scenario.campaigns import CAMPAIGNS
from ostiary.core.detections.scenario.honest import BEGIN, days_of
from ostiary.core.detections.scenario.people import organisation
from ostiary.core.detections.score import HELD_OUT_SEEDS, KNOWN_MISSES, TUNED_SEEDS, WARM_UP, Score, score
from ostiary.core.detections.score_rows import by_rule, by_variant, summary
from ostiary.core.logs.entry import Entry, Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.caller import NOBODY, Caller, CallerKind, Origin
from ostiary.core.words.instants import Span, after, between
from ostiary.core.words.visit import Visit
from ostiary.services.detections.read import run_detections
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx

PAGE: Final = Path(__file__).parents[1] / "docs" / "detections-score.md"
PEOPLE, LENGTH = 150, 14
TARGET: Final = 3_000
"""Entries a second on one core."""


async def journal(house: House, entries: Sequence[Recorded]) -> None:
    """Write *entries* into the house's journal, as though its deeds had, the last of them now."""
    shift = between(entries[-1].at, house.clock.now())

    async def body(tx: Tx) -> None:
        for entry in entries:
            await record(tx, _visit(house, entry, shift), _entry(entry))

    await house.store.write(body)


def _visit(house: House, entry: Recorded, shift: Span) -> Visit:
    caller = NOBODY
    if entry.actor.startswith("user:"):
        caller = Caller(CallerKind.USER, entry.actor[5:], str(entry.body["actor_name"]), Origin.BROWSER)
    address, agent = str(entry.body["address"]), str(entry.body["agent"])
    return Visit(after(entry.at, shift), house.random.guid(), address=address, agent=agent, caller=caller)


def _entry(entry: Recorded) -> Entry:
    return Entry(Kind(entry.kind), target=entry.target, story=entry.story, detail=dict(entry.body["detail"]))


async def read(folder: Path, people: int, length: int) -> tuple[int, float, float]:
    """How many entries were read, and the seconds of wall clock and of CPU that this took."""
    entries = days_of(organisation(1, people), 1, length, BEGIN).entries
    async with prepared(folder) as (house, _, _said):
        for place in range(0, len(entries), 500):
            await journal(house, entries[place : place + 500])
        visit = Visit(house.clock.now(), house.random.guid())
        alone = replace(house, detector=None)  # rules and store in one process, so that one clock tells of both
        wall, spent = time.perf_counter(), time.process_time()
        await run_detections(alone, visit)
        return len(entries), time.perf_counter() - wall, time.process_time() - spent


def page(tuned: Score, held_out: Score, rate: str, today: str, *, people: int, length: int) -> str:
    """docs/detections-score.md."""
    parts = [
        "# Detections: the score", "",
        f"Written by `python -m bench.detections` on {today}; `ostiary detections score --json` tells the "
        "same numbers but for the last, offline.", "",
        f"A made-up organisation of {people} people lives for {WARM_UP + length} days; what happens in the first "
        f"{WARM_UP}, in which much is new, is not counted. Then each variant of each campaign is played against it, "
        "by itself and amid the honest traffic of its days. An alarm is a finding of medium severity or higher. The "
        "made-up entries have the kinds and keys of real ones: a test plays the same stories through the service and "
        "compares.",
        "",
        "These numbers say how the rules compare from one change to the next. They are not a promise: the people, "
        "their journeys and the campaigns are as we imagine them from what was published, and real ones differ.", "",
        f"**Tuned**: seeds {_numbers(TUNED_SEEDS)}, by which thresholds were chosen. **Held out**: seeds "
        f"{_numbers(HELD_OUT_SEEDS)} and the variants with a star, by which none was.", "",
        "| | Campaigns seen before their second token request | Seen at all | Honest sign-ins | False alarms | "
        "For each 1,000 sign-ins | Low findings for each 1,000 |", "|---|---|---|---|---|---|---|",
        *(_line(name, summary(found)) for name, found in (("Tuned", tuned), ("Held out", held_out))), "",
    ]  # fmt: skip
    for name, found in (("Tuned", tuned), ("Held out", held_out)):
        parts += _tables(name, found)
    parts += ["## What is not always seen in time, and why", ""]
    parts += [f"- `{campaign}`, {variant}: {reason}" for (campaign, variant), reason in KNOWN_MISSES.items()]
    parts += ["", "## How fast the reader is", "", rate, ""]
    return "\n".join(parts)


def _numbers(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))


def _line(name: str, row: dict[str, Any]) -> str:
    return (
        f"| {name} | {row['inTime']} of {row['plays']} | {row['seen']} | {row['signIns']} | {row['falseAlarms']} | "
        f"{row['falsePerThousand']} | {row['lowPerThousand']} |"
    )


def _tables(name: str, found: Score) -> list[str]:
    starred = {(campaign.id, variant) for campaign in CAMPAIGNS for variant in campaign.held_out}
    lines = [
        f"## {name}: campaigns", "",
        "| Campaign | Variant | In time | At worst | Seconds to the alarm (median) | Rules |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in by_variant(found):
        star = "*" if (row["campaign"], row["variant"]) in starred else ""
        seconds = "–" if row["seconds"] is None else row["seconds"]
        rules = ", ".join(f"`{rule}`" for rule in row["rules"]) or "–"
        lines.append(
            f"| `{row['campaign']}` | {row['variant']}{star} | {row['inTime']} of {row['plays']} | {row['worst']} | "
            f"{seconds} | {rules} |"
        )
    lines += [
        "", f"## {name}: rules", "", "| Rule | True alarms | False alarms | Precision | Low on honest traffic |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for row in by_rule(found, tuple(BY_ID)):
        precise = "–" if row["precision"] is None else f"{row['precision']:.0%}"
        lines.append(f"| `{row['rule']}` | {row['true']} | {row['false']} | {precise} | {row['low']} |")
    return [*lines, ""]


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.detections", description=__doc__)
    parser.add_argument("--shared", action="store_true", help="say on the page that the machine had other work to do")
    parser.add_argument("--no-reader", dest="reader", action="store_false", help="measure the score only")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave the page as it is")
    asked = parser.parse_args()
    tuned = score(RULES, TUNED_SEEDS, people=PEOPLE, length=LENGTH, held_out=False)
    held_out = score(RULES, HELD_OUT_SEEDS, people=PEOPLE, length=LENGTH, held_out=True)
    text = page(tuned, held_out, rate(asked), datetime.now(UTC).date().isoformat(), people=PEOPLE, length=LENGTH)
    print(text)
    if asked.write:
        PAGE.write_text(text)


def rate(asked: argparse.Namespace) -> str:
    """What the reader took, in words."""
    if not asked.reader:
        return "Not measured in this run."
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        count, wall, spent = asyncio.run(read(Path(folder), PEOPLE, LENGTH))
    return (
        f"{count} entries through rules and store (SQLite, one process) in {wall:.1f} s of wall clock and {spent:.1f} "
        f"s of CPU: {count / spent:,.0f} entries for a second of CPU; the aim is {TARGET:,}."
        + (" The machine had other work to do." if asked.shared else "")
    )


if __name__ == "__main__":
    main()
