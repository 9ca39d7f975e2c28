"""
`python -m bench.beside`: the log beside the tokens. 3,000 entries a second come to the rules of the detections while
the token endpoint is driven at half its measured rate; how far behind the rules are, and what the tokens lose.

Four runs, A B A B, each with a server of its own on an empty folder: the product's with all its jobs.
Its journal holds a made-up past that every reader has read; in B the detections have not, and their job, the product's
own deed at the product's own cadence, is handed that past at 3,000 entries a second. The load comes from another
process. Refreshes are asked for at a fixed rate, and their latencies count from when each was due, so nothing hides
behind a slow answer.

Prints what it found and writes docs/beside-benchmark.md.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from bench import load
from bench.detections import journal
from bench.ostiary import prepared
from bench.servers import running
from bench.stacks import REFRESH, Ostiary
from ostiary.app import serve as serving
from ostiary.app.console import perform
from ostiary.app.jobs import JOBS, Job, run_jobs
from ostiary.core.detections.scenario.honest import BEGIN, days_of
from ostiary.core.detections.scenario.people import organisation
from ostiary.core.words.visit import Visit
from ostiary.services.detections import read
from ostiary.services.detections.look import Detector, Seen
from ostiary.services.detections.respond import run_responses
from ostiary.services.house import House
from ostiary.services.logs.checkpoints import seal
from ostiary.services.logs.stories import catch_up
from ostiary.services.notices.read import read_journal
from ostiary.services.signals.transmit import transmit
from ostiary.store import logs

PAGE: Final = Path(__file__).parents[1] / "docs" / "beside-benchmark.md"
PACE: Final = 3_000
"""Entries a second that come to the rules."""
LAG: Final = 1.0
"""Seconds within which an entry is to be judged (99 of 100)."""
RATIO: Final = 0.9
"""Of the tokens that are given without them, at least so many are to be given beside them."""
LEAST: Final = read.FAR + 1
"""Entries that are judged at once: from so many on the product has them judged beside it."""
PEOPLE: Final = 150
A_DAY: Final = 880
"""Entries that so many people make in a day, about."""
PATIENCE: Final = 300.0  # seconds for a past to be written and read
AFTER: Final = 1.5  # seconds that the replay goes on after the load: the last entries are judged as well

# ---- the server's side


class Replay:
    """The past, handed to the detections at `PACE`; when each batch of it was judged."""

    def __init__(self, folder: Path, before: int, entries: int, detector: Detector) -> None:
        """
        *entries* in all, behind *before* others that were judged; it begins when the file `go` is in *folder*.
        *detector*, the product's own, is asked for no more than has come.
        """
        self._folder, self._before, self._entries, self._detector = folder, before, entries, detector
        self._began, self._judged = 0.0, 0

    async def deed(self, house: House, visit: Visit) -> int:
        """The product's deed, over the batches that have come by now, one after the other."""
        if not self._began:
            if not (self._folder / "go").exists():
                return 0
            self._began = time.perf_counter()
        found = 0
        while self._coming() >= min(LEAST, self._entries - self._judged or LEAST):
            found += await read.run_detections(house, visit, most=1)
            self._judged = await house.store.read(partial(logs.cursor, reader=read.READER)) - self._before
            with (self._folder / "judged.jsonl").open("a") as told:
                told.write(f"{json.dumps([time.perf_counter() - self._began, self._judged])}\n")
        return found

    async def look(self, most: int) -> Seen | None:
        """See `Detector`."""
        seen = await self._detector.look(min(most, self._coming()))
        assert seen is not None, "the process of the rules has failed"
        return seen

    def close(self) -> None:
        """See `Detector`."""

    def _coming(self) -> int:
        """How many entries have come that nobody has judged."""
        return min(self._entries, int((time.perf_counter() - self._began) * PACE)) - self._judged


def serve_with(folder: Path, entries: int, *, replayed: bool) -> None:
    """Serve on *folder* until told to stop."""
    perform(lambda: _serve(folder, entries, replayed=replayed), log_level="warning")


async def _serve(folder: Path, entries: int, *, replayed: bool) -> None:
    async with prepared(folder) as (house, config, said):
        visit = Visit(house.clock.now(), house.random.guid())
        await read.run_detections(house, visit)
        before = await house.store.read(logs.head)
        count = await _past(house, entries)
        if not replayed:
            await read.run_detections(house, visit)
        while await run_responses(house, visit):
            pass
        for reader in (read_journal, transmit, catch_up, seal):  # what they leave themselves, they have read as well
            await reader(house, visit)
        if replayed:
            assert house.detector is not None
            await house.detector.look(1)  # a house with so much to do has its process already
            replay = Replay(folder, before, count, house.detector)
            house = replace(house, detector=replay)
            jobs = tuple(replace(job, deed=replay.deed) if job.name == "detections" else job for job in JOBS)
            vars(serving)["run_jobs"] = partial(_run_jobs, jobs)
        await serving.serve(
            house, config, None, ready=lambda: print(json.dumps({**said, "past": count}), flush=True),
            stop=asyncio.Event(),
        )  # fmt: skip


async def _run_jobs(jobs: tuple[Job, ...], house: House) -> None:
    await run_jobs(house, jobs)


async def _past(house: House, least: int) -> int:
    """At least so many entries of honest people, as their deeds leave them; how many there are then."""
    entries = days_of(organisation(1, PEOPLE), 1, least // A_DAY + 3, BEGIN).entries
    assert len(entries) >= least, (len(entries), least)
    for place in range(0, len(entries), 500):
        await journal(house, entries[place : place + 500])
    return len(entries)


# ---- the measuring side


@dataclass(frozen=True, slots=True)
class Run:
    """One of the four."""

    replayed: bool
    sample: load.Sample
    lags: tuple[float, ...] = ()
    """Seconds from when an entry came to when it was judged, of each entry that came while it was measured."""


def run(*, replayed: bool, rate: float, seconds: float, warm_up: float) -> Run:
    """Start a server, load it with refreshes at *rate* (0: as fast as it answers), end it."""
    past = int((warm_up + seconds + AFTER) * PACE) + read.ASIDE
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        command = [
            sys.executable, "-m", "bench.beside", "--serve", name, str(past), *(["--replayed"] if replayed else [])
        ]  # fmt: skip
        with running(command, folder, patience=PATIENCE) as on:
            sample = load.run(
                on.ready["port"], Ostiary().flows(on.ready)[REFRESH], warm_up=warm_up, seconds=seconds,
                cpu_seconds=on.cpu_seconds, rate=rate, began=(folder / "go").touch,
            )  # fmt: skip
            time.sleep(AFTER if replayed else 0)
            return Run(replayed, sample, _lags(folder, warm_up, warm_up + seconds) if replayed else ())


def _lags(folder: Path, begin: float, end: float) -> tuple[float, ...]:
    """Of each entry that came between *begin* and *end*; one that nobody judged until the end counts until then."""
    judged = [json.loads(line) for line in (folder / "judged.jsonl").read_text().splitlines()]
    found, at = [], 0
    for moment, until in judged:
        found += [(entry / PACE, moment) for entry in range(at, until)]
        at = until
    found += [(entry / PACE, end + AFTER) for entry in range(at, int(end * PACE))]
    return tuple(judged - came for came, judged in found if begin <= came < end)


def percentile(values: tuple[float, ...], of: float) -> float:
    """The value under which the share *of* of *values* stays."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * of))]


def measure(seconds: float, warm_up: float, tell: Callable[[str], None]) -> tuple[float, list[Run]]:
    """The full rate, and the four runs at half of it."""
    full = run(replayed=False, rate=0.0, seconds=seconds, warm_up=warm_up).sample.rate
    tell(f"full rate: {full:,.0f} refreshes/s")
    runs: list[Run] = []
    for replayed in (False, True, False, True):
        runs.append(run(replayed=replayed, rate=full / 2, seconds=seconds, warm_up=warm_up))
        tell(_line(runs[-1]))
    return full, runs


def ratio(runs: list[Run]) -> float:
    """Tokens beside the replay, for each without it."""
    with_it, without = ([one.sample.rate for one in runs if one.replayed is replayed] for replayed in (True, False))
    return (sum(with_it) / len(with_it)) / (sum(without) / len(without))


def _line(one: Run) -> str:
    sample = one.sample
    lag: tuple[str, ...] = ("–", "–", "–")
    if one.lags:
        lag = tuple(f"{each * 1000:,.0f} ms" for each in (
            percentile(one.lags, 0.5), percentile(one.lags, 0.99), max(one.lags)))  # fmt: skip
    return (
        f"| {'B: 3,000 entries a second' if one.replayed else 'A: tokens alone'} | {sample.rate:,.0f} |"
        f" {sample.percentile(0.5):.1f} ms | {sample.percentile(0.99):.1f} ms |"
        f" {sample.cpu_seconds / sample.seconds:.0%} | {' | '.join(lag)} |"
    )


def page(full: float, runs: list[Run], today: str, *, seconds: float, shared: bool) -> str:
    """docs/beside-benchmark.md."""
    lags = tuple(lag for one in runs for lag in one.lags)
    behind, kept = percentile(lags, 0.99), ratio(runs)
    more = " The machine had other work to do at the same time." if shared else ""
    lines = "\n".join(map(_line, runs))
    return f"""# The log beside the tokens

Written by `python -m bench.beside` on {today}; {os.cpu_count()} cores, SQLite, {seconds:.0f} s a run.{more}

While the token endpoint is driven at half the rate that it can do, {PACE:,} entries a second come to the rules of the
detections: a made-up past of honest people, read by the product's own job at the cadence of the product. The rules look
in a process of their own (decision 0091), the server writes down what they saw. Server, rules and load share the cores.

- **Behind**: 99 of 100 entries are judged {behind * 1000:,.0f} ms after they came (the aim: {LAG * 1000:,.0f} ms).
- **Tokens**: {kept:.2f} of what is given without them (the aim: {RATIO}).

At full rate, one after the other on {load.CONNECTIONS} connections, it was {full:,.0f} refreshes a second; half of
that was asked for. Latencies of refreshes count from when each was due.

| Run | Refreshes a second | p50 | p99 | CPU of the server and the rules | Lag p50 | p99 | worst |
|---|---|---|---|---|---|---|---|
{lines}

The entries are there before they are handed out, and the other readers of the journal (the sign-in log, the sealer,
notices) have read them: what writing them and those readers cost at that pace is not in these numbers.
"""


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.beside", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of a run (8)")
    parser.add_argument("--warm-up", type=float, default=2.0, help="seconds before it (2)")
    parser.add_argument("--shared", action="store_true", help="say on the page that the machine had other work to do")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave the page as it is")
    parser.add_argument("--serve", nargs=2, metavar=("FOLDER", "ENTRIES"), help=argparse.SUPPRESS)
    parser.add_argument("--replayed", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve_with(Path(asked.serve[0]), int(asked.serve[1]), replayed=asked.replayed)
        return
    if not (0 < asked.seconds <= 60 and 0 <= asked.warm_up <= 60):
        parser.error("--seconds and --warm-up are at most 60")
    full, runs = measure(asked.seconds, asked.warm_up, lambda line: print(line, file=sys.stderr, flush=True))
    today = datetime.now(UTC).date().isoformat()
    text = page(full, runs, today, seconds=asked.seconds, shared=asked.shared)
    print(text)
    if asked.write:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
