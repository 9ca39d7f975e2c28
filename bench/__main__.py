"""
`python -m bench`: measure, print, write docs/benchmarks.md.

Each run starts its server anew on an empty folder, so nothing is carried from one piece of work to the next.
"""

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench import load
from bench.report import Result, page
from bench.servers import running
from bench.stacks import WORK, OidcProvider, Ostiary, Stack

PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PEERS: Final[tuple[Stack, ...]] = (OidcProvider("memory"), OidcProvider("sqlite"))
OURS: Final[tuple[Stack, ...]] = (Ostiary(), Ostiary(journal=False))


def main() -> None:
    """Do what the command line says."""
    asked = arguments()
    stacks = PEERS if asked.peers_only else OURS + PEERS
    results = [
        result for work in asked.work for result in measure(work, stacks, asked.rounds, asked.seconds, asked.warm_up)
    ]
    text = page(
        results, seconds=asked.seconds, warm_up=asked.warm_up, today=datetime.now(UTC).date(), shared=asked.shared
    )
    print(text)
    if asked.write:
        PAGE.write_text(text)


def arguments() -> argparse.Namespace:
    """Read the command line; everything is bounded."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, choices=range(1, 10), help="runs of each cell (3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a run (4)")
    parser.add_argument("--warm-up", type=float, default=1.5, help="seconds before it (1.5)")
    parser.add_argument("--work", nargs="+", choices=WORK, default=WORK, help="only these")
    parser.add_argument("--peers-only", action="store_true", help="leave our own server out")
    parser.add_argument("--shared", action="store_true", help="say on the page that the machine had other work to do")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave docs/benchmarks.md as it is")
    asked = parser.parse_args()
    if not (0 < asked.seconds <= 60 and 0 <= asked.warm_up <= 60):
        parser.error("--seconds and --warm-up are at most 60")
    return asked


def measure(work: str, stacks: tuple[Stack, ...], rounds: int, seconds: float, warm_up: float) -> list[Result]:
    """Run *work* on each server in turn, *rounds* times."""
    runs: dict[str, list[load.Sample]] = {stack.name: [] for stack in stacks}
    for number in range(rounds):
        for stack in stacks:
            sample = run(work, stack, seconds, warm_up)
            runs[stack.name].append(sample)
            cost = f"{sample.rate:8,.0f} requests/s  {sample.cpu_per_request:6.1f} µs/request"
            print(f"{work:16} {number + 1}/{rounds}  {stack.name:24} {cost}", file=sys.stderr)
    return [Result(work, stack, runs[stack.name]) for stack in stacks]


def run(work: str, stack: Stack, seconds: float, warm_up: float) -> load.Sample:
    """Start *stack*, load it with *work*, end it."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        running(stack.command(Path(folder)), Path(folder)) as on,
    ):
        flow = stack.flows(on.ready)[work]
        return load.run(on.ready["port"], flow, warm_up=warm_up, seconds=seconds, cpu_seconds=on.cpu_seconds)


if __name__ == "__main__":
    main()
