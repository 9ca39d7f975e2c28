"""
From samples to words: medians, ratios, the aims, and what is not comparable. Writes the Markdown page.
"""

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Final

from bench.load import CONNECTIONS, Sample
from bench.stacks import GRANT, INTROSPECT, POLL, REFRESH, REQUEST, Stack

OURS: Final = "Ostiary"


SHARED: Final = (
    "**The machine was shared with other work while this was measured, so these figures settle no aim.** Rates are far "
    "below what it gives when idle, CPU times far above, on all sides and not equally. Where runs are short, the "
    "peers' just-in-time compiler was still warming up, which flatters ours: a `yes` below holds for this run "
    "only. Repeat on an idle machine, with three rounds or more."
)


@dataclass(frozen=True, slots=True)
class Aim:
    """What we want of one piece of work: *factor* times the rate of *peer*, and a budget of CPU (microseconds)."""

    work: str
    peer: str
    factor: float
    budget: int


AIMS: Final = (
    Aim(POLL, "oidc-provider memory", 2.0, 45),
    Aim(REQUEST, "oidc-provider sqlite", 2.0, 200),
    Aim(GRANT, "oidc-provider sqlite", 3.0, 600),
    Aim(REFRESH, "oidc-provider memory", 1.0, 280),
    Aim(INTROSPECT, "oidc-provider memory", 1.5, 70),
)

NOT_COMPARABLE: Final = """\
- **Approval.** The peer approves by calls into its own store behind one small handler
  (`bench/peers/oidc_provider.mjs`), without its pages, a session or a form. We claim and consent by two form posts of
  a signed-in browser session with their CSRF token, which are the posts a person's browser makes; the page views are
  left out on both sides. So a grant is 3 requests there and 4 here, and rates are compared by grants.
- **Durability.** `oidc-provider memory` is that library's default store: at most 1,000 entries, gone at the end of the
  process. `oidc-provider sqlite` is an adapter written for this benchmark (`bench/peers/sqlite_adapter.mjs`): WAL and
  `synchronous=FULL`, as ours. The library awaits each store call alone, so its writes are one commit each.
- **What is on.** Ours evaluates policy, keeps a journal and a sign-in log, and looks at the exemption; the peer has no
  such thing.
- **Introspection.** The peer introspects opaque tokens only; ours introspects its JWT access tokens.
- **Contents.** Our id_token and access token carry more claims than the peer's.
- **Load and server share the cores** of this machine; rates are what is left beside the load generator. The CPU time
  per request (all processes of the server, from /proc) is the number that carries to another machine. No TLS, no limits
  of pace, on either side. Differences under 20 % are not differences."""


@dataclass(frozen=True, slots=True)
class Result:
    """All runs of one piece of work on one server."""

    work: str
    stack: Stack
    runs: Sequence[Sample]

    @property
    def requests(self) -> int:
        """How many requests one piece of this work takes on this server."""
        return self.stack.requests_per_grant if self.work == GRANT else 1

    @property
    def rate(self) -> float:
        """Pieces of work a second, the median of the runs."""
        return median(run.rate for run in self.runs) / self.requests

    @property
    def cpu(self) -> float:
        """Server CPU for a piece of work, in microseconds, the median of the runs."""
        return median(run.cpu_per_request for run in self.runs) * self.requests

    def percentile(self, of: float) -> float:
        """The median, over the runs, of the latency (ms) under which the share *of* of the answers stayed."""
        return median(run.percentile(of) for run in self.runs)


def page(results: Sequence[Result], *, seconds: float, warm_up: float, today: date, shared: bool) -> str:
    """Return the page that says all of it."""
    with_ours = any(result.stack.name == OURS for result in results)
    parts = [
        "# Benchmarks",
        f"Measured on {today} by `make bench`: {len(results[0].runs)} runs of {seconds:g} s for each cell "
        f"after {warm_up:g} s, servers in turn (A B A B), {CONNECTIONS} keep-alive connections over "
        f"loopback, medians. {machine()}",
        *([SHARED] if shared else []),
        table(results),
        *(["## Ratios and aims", aims(results)] if with_ours else []),
        "Where the time goes and what is next: [Performance](performance.md).",
        "## What is not comparable",
        NOT_COMPARABLE,
    ]
    return "\n\n".join(parts) + "\n"


def table(results: Iterable[Result]) -> str:
    """Return the figures, one line a cell."""
    lines = [
        "| work | server | requests/s, median (each run) | work/s | p50 / p99 ms | CPU µs/request | CPU µs/work |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    return "\n".join([*lines, *(_line(result) for result in results)])


def _line(result: Result) -> str:
    each = " / ".join(f"{run.rate:,.0f}" for run in result.runs)
    return (
        f"| {result.work} | {result.stack.name} | **{median(run.rate for run in result.runs):,.0f}** ({each}) "
        f"| {result.rate:,.0f} | {result.percentile(0.5):.2f} / {result.percentile(0.99):.1f} "
        f"| {result.cpu / result.requests:.0f} | {result.cpu:.0f} |"
    )


def aims(results: Sequence[Result]) -> str:
    """Return our ratios to each peer, and whether each aim is reached."""
    by_name: Mapping[tuple[str, str], Result] = {(one.work, one.stack.name): one for one in results}
    lines = ["| work | aim | rate reached | CPU reached |", "|---|---|---|---|"]
    for aim in AIMS:
        if (ours := by_name.get((aim.work, OURS))) and (peer := by_name.get((aim.work, aim.peer))):
            lines.append(_aim(aim, ours, peer))
    return "\n".join([*lines, "", *_ratios(by_name)])


def _aim(aim: Aim, ours: Result, peer: Result) -> str:
    ratio = ours.rate / peer.rate
    return (
        f"| {aim.work} | ≥ {aim.factor:g} × {aim.peer}, ≤ {aim.budget} µs "
        f"| {ratio:.2f} × ({'yes' if ratio >= aim.factor else 'no'}) "
        f"| {ours.cpu:.0f} µs ({'yes' if ours.cpu <= aim.budget else 'no'}) |"
    )


def _ratios(by_name: Mapping[tuple[str, str], Result]) -> list[str]:
    lines = ["| work | against | rate, ours / theirs | CPU for the work, theirs / ours |", "|---|---|--:|--:|"]
    for (work, name), other in by_name.items():
        ours = by_name.get((work, OURS))
        if ours is not None and name != OURS:
            lines.append(f"| {work} | {name} | {ours.rate / other.rate:.2f} | {other.cpu / ours.cpu:.2f} |")
    return lines


def machine() -> str:
    """Say on what it ran."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    asked = ["node", "--version"]  # the node that the peers run on: the first one on the PATH
    node = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    software = f"Linux {platform.release()}, Python {platform.python_version()}, Node {node}"
    return f"{os.cpu_count()} cores ({model}), {software}."
