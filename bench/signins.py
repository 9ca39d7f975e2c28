"""
`python -m bench.signins`: pages and single stories of a long sign-in log, through the admin API (DESIGN §7).

A server of its own on a folder with ten million sign-ins (`bench/many.py`), asked over the local door as an auditor's
tool asks: lists by each filter, pages in the middle, a thousand rows at once, one sign-in. Each question is asked many
times with other values, so that no answer lies ready; every answer is checked to be one. Before, the page cache of the
operating system is what the filling left.

Prints the percentiles and writes docs/signins-benchmark.md.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
import uvloop

from bench.many import EXEMPTION, FIRST, RARE, RESOURCE, SECOND, fill, id_of, person
from bench.ostiary import prepared
from bench.servers import Running, running
from ostiary.app.console import perform
from ostiary.app.serve import serve
from ostiary.app.wiring import DATABASE
from ostiary.core.words.instants import Instant, to_iso

PAGE: Final = Path(__file__).parents[1] / "docs" / "signins-benchmark.md"
LIMIT: Final = 0.2  # seconds, DESIGN §7
LOG: Final = "/beta/auditLogs/signIns"
SEED: Final = 20261128
PATIENCE: Final = 3600.0  # seconds until it is filled


# ---- the server's side


def serving(folder: Path, rows: int) -> None:
    """Fill the log in *folder* and serve it until told to stop."""
    perform(lambda: _serve(folder, rows))


async def _serve(folder: Path, rows: int) -> None:
    async with prepared(folder, local_door=True) as (house, config, said):
        path = config.data / DATABASE
        await asyncio.to_thread(fill, path, rows)
        await asyncio.to_thread(os.sync)  # what the filling left unwritten would be written while it is measured
        more = {"door": str(config.data / "admin.sock"), "size": path.stat().st_size}

        def ready() -> None:
            print(json.dumps({**said, **more}), flush=True)

        await serve(house, config, None, ready=ready, stop=asyncio.Event())


# ---- the measuring side


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and how it is called on the page."""

    name: str
    ask: Callable[[random.Random, int], str]
    """The address, by chance and the number of rows."""


def _list(filter: str = "", **options: str) -> str:
    asked = {**({"$filter": filter} if filter else {}), **{f"${name}": value for name, value in options.items()}}
    return f"{LOG}?{httpx.QueryParams(asked)}"


def _when(chance: random.Random, rows: int) -> str:
    return to_iso(Instant(FIRST + chance.randrange(rows) * SECOND))


QUESTIONS: Final = (
    Question("the latest 100", lambda chance, rows: _list()),
    Question("100 before some moment", lambda chance, rows: _list(f"createdDateTime lt {_when(chance, rows)}")),
    Question("1,000 before some moment", lambda chance, rows: _list(
        f"createdDateTime lt {_when(chance, rows)}", top="1000")),
    Question("of one person", lambda chance, rows: _list(f"userId eq '{person(chance.randrange(1000))}'")),
    Question("of one person, refused", lambda chance, rows: _list(
        f"userId eq '{person(chance.randrange(1000))}' and status/errorCode eq 53003")),
    Question("of a person who is rarely seen", lambda chance, rows: _list(
        f"userId eq '{RARE}' and createdDateTime lt {_when(chance, rows)}")),
    Question("from one address", lambda chance, rows: _list(
        f"ipAddress eq '203.0.{chance.randrange(250)}.{chance.randrange(250)}'")),
    Question("through one exemption", lambda chance, rows: _list(
        f"ostiary/exemptionId eq '{EXEMPTION}' and createdDateTime lt {_when(chance, rows)}")),
    Question("refused by policy", lambda chance, rows: _list(
        f"conditionalAccessStatus eq 'failure' and createdDateTime lt {_when(chance, rows)}")),
    Question("failed, of whatever kind", lambda chance, rows: _list(
        f"status/errorCode ne 0 and createdDateTime lt {_when(chance, rows)}")),
    Question("device sign-ins to one resource", lambda chance, rows: _list(
        f"originalTransferMethod eq 'deviceCodeFlow' and resourceId eq '{RESOURCE}'"
        f" and createdDateTime lt {_when(chance, rows)}")),
    Question("two conditions that never meet (a piece)", lambda chance, rows: _list(
        "status/errorCode eq 53003 and authenticationProtocol eq 'none'"
        f" and createdDateTime lt {_when(chance, rows)}")),
    Question("one sign-in", lambda chance, rows: f"{LOG}/{id_of(chance.randrange(rows))}"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds."""

    p50: float
    p99: float
    worst: float
    first: float
    """Of the first one that was asked."""
    count: int
    rows: float
    """Mean number of rows of an answer."""
    cpu: float
    """CPU of the server for one answer."""

    @classmethod
    def of(cls, times: list[float], rows: int, cpu: float) -> "Spread":
        """Of *times*, in the order in which they were measured, with all their *rows* and *cpu*."""
        ordered, count = sorted(times), len(times)
        return cls(
            ordered[count // 2], ordered[count * 99 // 100], ordered[-1], times[0], count, rows / count, cpu / count
        )


async def asked(
    http: httpx.AsyncClient, question: Question, times: int, rows: int, cpu_seconds: Callable[[], float]
) -> Spread:
    """Ask *question*, *times* times."""
    before = cpu_seconds()
    chance, took, seen = random.Random(SEED), [], 0  # noqa: S311 (no secret)
    for _ in range(times):
        address = question.ask(chance, rows)
        begun = time.perf_counter()
        answer = await http.get(address)
        took.append(time.perf_counter() - begun)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        seen += len(found["value"]) if "value" in found else 1
    return Spread.of(took, seen, cpu_seconds() - before)


async def questions(on: Running, times: int, rows: int) -> dict[str, Spread]:
    """Ask them all through the local door of the server *on*."""
    transport = httpx.AsyncHTTPTransport(uds=on.ready["door"])
    async with httpx.AsyncClient(base_url="http://localhost", transport=transport, timeout=30) as http:
        return {each.name: await asked(http, each, times, rows, on.cpu_seconds) for each in QUESTIONS}


async def measure(rows: int, times: int, place: Path | None) -> tuple[dict[str, Spread], int]:
    """Fill, serve, ask, and remove it again: the percentiles, and the size of the database in bytes."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=place) as folder:
        command = [sys.executable, "-m", "bench.signins", "--serve", folder, str(rows)]
        starting = running(command, Path(folder), patience=PATIENCE)
        on = await asyncio.to_thread(starting.__enter__)
        try:
            return await questions(on, times, rows), int(on.ready["size"])
        finally:
            await asyncio.to_thread(starting.__exit__, None, None, None)


def page(found: dict[str, Spread], today: str, *, rows: int, size: int, shared: bool) -> str:
    """The page."""
    more = " The machine had other work to do at the same time." if shared else ""
    lines = "".join(
        f"| {name} | {s.rows:,.0f} | {s.count:,} | {s.p50 * 1000:.0f} ms | {s.p99 * 1000:.0f} ms |"
        f" {s.worst * 1000:.0f} ms | {s.first * 1000:.0f} ms | {s.cpu * 1000:.0f} ms |\n"
        for name, s in found.items()
    )
    missed = [name for name, spread in found.items() if spread.p99 >= LIMIT]
    met = f"missed by: {', '.join(missed)}" if missed else "met"
    return (
        "# The sign-in log, when it is long\n\n"
        f"Made by `python -m bench.signins` on {today}.{more}\n{rows:,} sign-ins in {size / 1e9:.1f} GB, one server, "
        f"{os.cpu_count()} cores, the admin API over the local door, one question at a time. The stories are\nshorter "
        "than real ones, of which those that are shown are looked up by id; the columns that are asked, and their\n"
        "indexes, are as they are.\n\n"
        f"| question | rows | times | p50 | p99 | worst | first | CPU |\n|---|--:|--:|--:|--:|--:|--:|--:|\n{lines}\n"
        "CPU is the server's for one answer, which carries to another machine as times beside other work do not.\n"
        f"The aim is p99 < {LIMIT * 1000:.0f} ms: {met}. That no plan has a scan or a sort, and how many rows a page\n"
        "looks at, is asserted by `tests/records/test_sign_in_pages.py` on a million rows.\n"
    )


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.signins", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="sign-ins (10,000,000)")
    parser.add_argument("--times", type=int, default=1000, choices=range(10, 2001), metavar="N", help="of each (1,000)")
    parser.add_argument("--place", type=Path, help="where so much may be written (the folder for temporary files)")
    parser.add_argument("--shared", action="store_true", help="say on the page that the machine had other work to do")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave the page as it is")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.serve:
        folder, rows = wanted.serve
        return serving(Path(folder), int(rows))
    if not 1000 <= wanted.rows <= 10_000_000:
        parser.error("--rows is from 1,000 to 10,000,000")
    gc.freeze()  # or a full collection here would be counted as 0.1 s of the server's
    found, size = uvloop.run(measure(wanted.rows, wanted.times, wanted.place))
    today = datetime.now(UTC).date().isoformat()
    text = page(found, today, rows=wanted.rows, size=size, shared=wanted.shared)
    print(text)
    if wanted.write:
        PAGE.write_text(text)
    return None


if __name__ == "__main__":
    main()
