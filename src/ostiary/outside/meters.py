"""
What this process counts of itself while it works: requests, jobs and commits. In memory, since its start.

Accumulators and no metrics library: a count costs a look-up and a few additions (decision 0086), whatever asks for
them. Each has one writer: the loop, and the committer's thread for commits. What they are called outside stands in
`app/metrics.py`.
"""

from bisect import bisect_left
from collections.abc import Mapping
from types import MappingProxyType

from ostiary.core.words.instants import Instant, Span, between
from ostiary.outside.clock import Clock

__all__ = ["GROUPS", "OTHER", "TIMES", "Commits", "Histogram", "Meters", "Runs"]

TIMES = (
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
)  # fmt: skip
"""Upper bounds of time, in microseconds."""
GROUPS = (1, 2, 4, 8, 16, 32, 64)
"""Upper bounds of the deeds in one commit."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"


class Histogram:
    """How many values fell under each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[int, ...]) -> None:
        """Nothing yet; the last count is of what is above every bound."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0

    def add(self, value: int) -> None:
        """One more."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)


class Runs:
    """How often a job was called, and what came of it."""

    __slots__ = ("failed", "good", "last", "microseconds")

    def __init__(self) -> None:
        self.good = self.failed = self.microseconds = 0
        self.last: Instant | None = None
        """When one last went well."""


class Meters:
    """The counts of one process."""

    def __init__(self) -> None:
        """Everything is zero."""
        self._requests: dict[tuple[str, str, int], Histogram] = {}
        self._jobs: dict[str, Runs] = {}
        self.commits = Histogram(TIMES)
        self.groups = Histogram(GROUPS)
        self.failed_commits = 0

    @property
    def requests(self) -> Mapping[tuple[str, str, int], Histogram]:
        """Microseconds by route template, method and status (0: none was sent)."""
        return MappingProxyType(self._requests)

    @property
    def jobs(self) -> Mapping[str, Runs]:
        """By the job's name."""
        return MappingProxyType(self._jobs)

    def request(self, route: str, method: str, status: int, microseconds: int) -> None:
        """A request was answered. *route* is one of the house's own templates: never a path that a client wrote."""
        known = self._requests.get((route, method, status))
        if known is None:
            key = route, method if method in METHODS else OTHER, status
            known = self._requests.setdefault(key, Histogram(TIMES))
        known.counts[bisect_left(TIMES, microseconds)] += 1  # as `add`, without the call: this is the hot path
        known.total += microseconds

    def job(self, name: str, good: bool, microseconds: Span, now: Instant) -> None:
        """A job ran, began *now*."""
        runs = self._jobs.setdefault(name, Runs())
        runs.microseconds += microseconds
        if good:
            runs.good, runs.last = runs.good + 1, now
        else:
            runs.failed += 1


class Commits:
    """What the store tells of its commits (`ostiary.store.sqlite.Watch`)."""

    __slots__ = ("_clock", "_meters")

    def __init__(self, meters: Meters, clock: Clock) -> None:
        self._meters = meters
        self._clock = clock

    def steady(self) -> Instant:
        """The clock that commits are measured with."""
        return self._clock.steady()

    def committed(self, bodies: int, began: Instant, ended: Instant, good: bool) -> None:
        """A group of deeds is on disk, or not."""
        self._meters.groups.add(bodies)
        self._meters.commits.add(between(began, ended))
        if not good:
            self._meters.failed_commits += 1
