"""
The metrics: their names, what they say, and where each is read. One table; `docs/telemetry.md` is made from it.

No label names anybody or anything that people chose: routes, methods, kinds, jobs, readers and algorithms are the
house's own words, so that how many series there are depends on the program alone.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant, between
from ostiary.outside.data_folder import Space, free_space
from ostiary.outside.meters import Histogram, Meters
from ostiary.outside.tls import Reloader
from ostiary.outside.traces import Traces
from ostiary.services.detections.read import READER as DETECTIONS
from ostiary.services.house import House, able
from ostiary.services.logs.checkpoints import READER as CHECKPOINTS
from ostiary.services.logs.stories import READER as STORIES
from ostiary.services.notices.read import READER as NOTICES
from ostiary.services.signals.transmit import READER as SIGNALS
from ostiary.store import logs
from ostiary.store.measures import Lag, Measures, entries, measure

__all__ = ["METRICS", "Measured", "Metrics", "Reading", "document"]

READERS = (STORIES, CHECKPOINTS, DETECTIONS, NOTICES, SIGNALS)
"""Who follows the journal entry by entry."""
SECOND = 1_000_000  # microseconds

_log = structlog.get_logger("ostiary.metrics")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one scrape sees."""

    house: House
    now: Instant
    kinds: Counter[str]
    """Entries of the journal that this node wrote since its start."""
    stored: Measures | None
    """None: the database did not answer in time."""
    certificate: Instant | None
    """When the certificate that is shown ends; None where a proxy shows its own."""

    @property
    def meters(self) -> Meters:
        """What the process counted."""
        return self.house.outside.meters

    def age(self, since: Instant | None) -> float:
        """Seconds from *since* to now; 0 for never."""
        return 0.0 if since is None else max(0.0, between(since, self.now) / SECOND)


Labels = tuple[str, ...]
Value = float | Histogram


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric."""

    name: str
    form: str
    """counter, gauge or histogram (of microseconds or numbers)."""
    help: str
    read: Callable[[Reading], Iterable[tuple[Labels, Value]]]
    labels: Labels = ()
    unit: float = 1
    """What a histogram's values are divided by."""

    def family(self, reading: Reading) -> Metric:
        """The metric with its samples. Raises what reading raises."""
        if self.form == "counter":
            counter = CounterMetricFamily(self.name, self.help, labels=self.labels)
            for labels, value in self.read(reading):
                counter.add_metric(labels, _number(value))
            return counter
        if self.form == "gauge":
            gauge = GaugeMetricFamily(self.name, self.help, labels=self.labels)
            for labels, value in self.read(reading):
                gauge.add_metric(labels, _number(value))
            return gauge
        family = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        for labels, value in self.read(reading):
            assert isinstance(value, Histogram)
            family.add_metric(labels, list(_buckets(value, self.unit)), value.total / self.unit)
        return family


def _number(value: Value) -> float:
    assert not isinstance(value, Histogram)
    return float(value)


def _buckets(histogram: Histogram, unit: float) -> Iterator[tuple[str, float]]:
    """Cumulative counts by upper bound, as the exposition formats want them."""
    so_far = 0
    for bound, count in zip(histogram.bounds, histogram.counts, strict=False):
        so_far += count
        yield repr(bound / unit), so_far
    yield "+Inf", histogram.count


def _one(value: Callable[[Reading], Value]) -> Callable[[Reading], Iterable[tuple[Labels, Value]]]:
    return lambda reading: [((), value(reading))]


def _stored(value: Callable[[Measures], Value]) -> Callable[[Reading], Iterable[tuple[Labels, Value]]]:
    """What the database tells; no sample where it does not answer, for a zero would say that all is well."""
    return lambda reading: [] if reading.stored is None else [((), value(reading.stored))]


def _disk(value: Callable[[Space], int]) -> Callable[[Reading], Iterable[tuple[Labels, Value]]]:
    def of_the_data_folder(reading: Reading) -> Iterable[tuple[Labels, Value]]:
        try:
            return [((), value(free_space(reading.house.settings.data)))]
        except OSError:
            return []

    return of_the_data_folder


def _waiting(lag: Callable[[Measures], Lag]) -> Callable[[Reading], Iterable[tuple[Labels, Value]]]:
    """How long the oldest of a line has been waiting."""
    return lambda reading: [] if reading.stored is None else [((), reading.age(lag(reading.stored).since))]


def _requests(reading: Reading) -> Iterable[tuple[Labels, Value]]:
    counts: Counter[Labels] = Counter()
    for (route, method, status), histogram in reading.meters.requests.items():
        counts[route, method, f"{status // 100}xx" if status else "none"] += histogram.count
    return counts.items()


def _times(reading: Reading) -> Iterable[tuple[Labels, Value]]:
    by_route: dict[str, Histogram] = {}
    for (route, _, _), histogram in reading.meters.requests.items():
        sum_ = by_route.setdefault(route, Histogram(histogram.bounds))
        sum_.counts = [one + more for one, more in zip(sum_.counts, histogram.counts, strict=True)]
        sum_.total += histogram.total
    return [((route,), histogram) for route, histogram in by_route.items()]


def _runs(reading: Reading) -> Iterable[tuple[Labels, Value]]:
    for name, runs in reading.meters.jobs.items():
        yield (name, "ok"), runs.good
        yield (name, "failed"), runs.failed


def _readers(value: Callable[[Reading, Lag], float]) -> Callable[[Reading], Iterable[tuple[Labels, Value]]]:
    def all_of_them(reading: Reading) -> Iterable[tuple[Labels, Value]]:
        behind = reading.stored.readers if reading.stored is not None else {}
        return [((name,), value(reading, lag)) for name, lag in behind.items()]

    return all_of_them


def _spans(traces: Traces | None) -> Iterable[tuple[Labels, Value]]:
    sent, dropped = (traces.sent, traces.dropped) if traces is not None else (0, 0)
    return [(("sent",), sent), (("dropped",), dropped)]


METRICS: tuple[Measured, ...] = (
    Measured(
        "ostiary_build_info", "gauge", "Always 1; the label tells the version.",
        lambda _: [((version("ostiary"),), 1.0)], ("version",),
    ),
    Measured("ostiary_ready", "gauge", "1 while `/readyz` says so.", _one(lambda r: able(r.house))),
    Measured(
        "ostiary_scrape_complete", "gauge",
        "0 when the database did not answer this scrape in time: what it would tell is missing then.",
        _one(lambda r: r.stored is not None),
    ),
    Measured(
        "ostiary_http_requests", "counter", "Requests that were answered, refusals and polls among them.", _requests,
        ("route", "method", "status"),
    ),
    Measured(
        "ostiary_http_request_duration_seconds", "histogram",
        "From the request's head to the end of its answer; a poll that waits for a decision takes as long as it waits.",
        _times, ("route",), SECOND,
    ),
    Measured("ostiary_job_runs", "counter", "Runs of each job.", _runs, ("job", "result")),
    Measured(
        "ostiary_job_seconds", "counter", "Time that runs of each job took.",
        lambda r: [((name,), runs.microseconds / SECOND) for name, runs in r.meters.jobs.items()], ("job",),
    ),
    Measured(
        "ostiary_job_last_success_timestamp_seconds", "gauge", "When a run of each job last went well.",
        lambda r: [((name,), x.last / SECOND) for name, x in r.meters.jobs.items() if x.last is not None], ("job",),
    ),
    Measured(
        "ostiary_commit_duration_seconds", "histogram", "What COMMIT takes, its fsync included.",
        _one(lambda r: r.meters.commits), unit=SECOND,
    ),
    Measured("ostiary_commit_deeds", "histogram", "Deeds in one COMMIT.", _one(lambda r: r.meters.groups)),
    Measured("ostiary_commits_failed", "counter", "COMMITs that failed.", _one(lambda r: r.meters.failed_commits)),
    Measured("ostiary_deeds_waiting", "gauge", "Deeds in line for a COMMIT.", _one(lambda r: r.house.store.waiting)),
    Measured(
        "ostiary_store_trouble", "gauge", "1 while nothing can be acknowledged, because commits fail.",
        _one(lambda r: r.house.store.trouble is not None),
    ),
    Measured(
        "ostiary_sign_ins_pending", "gauge", "Device sign-ins that this node keeps waiting.",
        _one(lambda r: len(r.house.room)),
    ),
    Measured("ostiary_polls_held", "gauge", "Polls that wait for an answer.", _one(lambda r: r.house.room.held)),
    Measured(
        "ostiary_codes_out", "gauge", "Codes that were issued and have neither run out nor given tokens.",
        _one(lambda r: len(r.house.room.codes)),
    ),
    Measured(
        "ostiary_journal_entries", "counter", "Journal entries that this node wrote since its start.",
        lambda r: [((kind.value,), r.kinds[kind.value]) for kind in Kind], ("kind",),
    ),
    Measured("ostiary_journal_head", "gauge", "Position of the journal's last entry.", _stored(lambda s: s.head)),
    Measured(
        "ostiary_reader_behind_entries", "gauge", "Journal entries that each reader has not read yet.",
        _readers(lambda _, lag: lag.count), ("reader",),
    ),
    Measured(
        "ostiary_reader_behind_seconds", "gauge", "Age of the oldest entry that each reader has not read yet.",
        _readers(lambda r, lag: r.age(lag.since)), ("reader",),
    ),
    Measured(
        "ostiary_checkpoint_timestamp_seconds", "gauge", "When the newest checkpoint of the journal was signed.",
        lambda r: [((), r.stored.checkpoint / SECOND)] if r.stored and r.stored.checkpoint is not None else [],
    ),
    Measured(
        "ostiary_exemptions_open", "gauge", "Exemptions that are open now, by how they were opened.",
        lambda r: [(("usual",), r.stored.exemptions), (("break_glass",), r.stored.break_glass)] if r.stored else [],
        ("how",),
    ),
    Measured(
        "ostiary_requests_waiting", "gauge", "Requests that somebody must decide.", _stored(lambda s: s.requests.count)
    ),
    Measured(
        "ostiary_requests_waiting_seconds", "gauge", "Age of the oldest of them.", _waiting(lambda s: s.requests)
    ),
    Measured(
        "ostiary_reviews_owed", "gauge", "Uses of break-glass that nobody has written about.",
        _stored(lambda s: s.reviews),
    ),
    Measured("ostiary_kill_switch_on", "gauge", "1 while device sign-ins are stopped.", _stored(lambda s: s.killed)),
    Measured("ostiary_notices_waiting", "gauge", "Messages in line.", _stored(lambda s: s.notices.count)),
    Measured("ostiary_notices_waiting_seconds", "gauge", "Age of the oldest of them.", _waiting(lambda s: s.notices)),
    Measured(
        "ostiary_notice_channels_failing", "gauge", "Channels whose last try failed.", _stored(lambda s: s.channels)
    ),
    Measured(
        "ostiary_log_sinks_failing", "gauge", "Sinks of the journal whose last try failed.", _stored(lambda s: s.sinks)
    ),
    Measured(
        "ostiary_signals_waiting", "gauge", "Security events in line for receivers.", _stored(lambda s: s.signals.count)
    ),
    Measured("ostiary_signals_waiting_seconds", "gauge", "Age of the oldest of them.", _waiting(lambda s: s.signals)),
    Measured(
        "ostiary_signing_keys", "gauge", "Keys that may sign now.",
        lambda r: [((name,), count) for name, count in (r.stored.keys if r.stored else {}).items()], ("algorithm",),
    ),
    Measured(
        "ostiary_certificate_end_timestamp_seconds", "gauge", "When the TLS certificate ends; none behind a proxy.",
        lambda r: [((), r.certificate / SECOND)] if r.certificate is not None else [],
    ),
    Measured(
        "ostiary_trace_spans", "counter", "Spans that a collector took, or that were dropped since it did not.",
        lambda r: _spans(r.house.outside.traces), ("result",),
    ),
    Measured(
        "ostiary_disk_free_bytes", "gauge", "What is left on the disk of the data folder.",
        _disk(lambda space: space.free),
    ),
    Measured(
        "ostiary_disk_size_bytes", "gauge", "How large that disk is.",
        _disk(lambda space: space.total),
    ),
    Measured(
        "ostiary_clock_behind_seconds", "gauge", "How far the machine's clock is behind what was written already.",
        _one(lambda r: r.house.clock.behind() / SECOND),
    ),
)  # fmt: skip


class _Once(Collector):
    """The families of one reading, and the process itself."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def collect(self) -> Iterable[Metric]:
        """Each metric of the table, then memory, processor time and open files (Linux)."""
        for metric in METRICS:
            yield metric.family(self._reading)
        yield from ProcessCollector(registry=None).collect()


class Metrics:
    """What a scrape is answered with."""

    def __init__(self, house: House, reloader: Reloader | None, *, head: int) -> None:
        """Journal entries are counted from after position *head* on."""
        self._house = house
        self._reloader = reloader
        self._head = head
        self._kinds: Counter[str] = Counter()
        self._turn = asyncio.Lock()  # two scrapes at once would count an entry twice

    @classmethod
    async def from_now(cls, house: House, reloader: Reloader | None) -> "Metrics":
        """Counters begin at zero."""
        return cls(house, reloader, head=await house.store.read(logs.head))

    async def reading(self) -> Reading:
        """Look at everything."""
        async with self._turn:
            now, stored = self._house.clock.now(), None
            try:
                self._head, new = await self._house.store.survey(lambda tx: entries(tx, self._head))
                self._kinds.update(new)
                stored = await self._house.store.survey(lambda tx: measure(tx, now, READERS))
            except Exception as error:  # too slow, or broken: whoever watches must be told just then
                _log.error("scrape incomplete", error=type(error).__name__)
            ends = self._reloader.ends if self._reloader is not None else None
            return Reading(self._house, now, self._kinds.copy(), stored, ends)

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        """What *accept* (the header) asks for: Prometheus' text or OpenMetrics; with its content type."""
        encode, content = choose_encoder(accept)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Once(await self.reading()))
        return encode(registry), content


def document() -> str:
    """The table of docs/telemetry.md."""
    lines = ["| Metric | Kind | Labels | Meaning |", "|---|---|---|---|"]
    for metric in METRICS:
        name = f"{metric.name}_total" if metric.form == "counter" else metric.name
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"
        lines.append(f"| `{name}` | {metric.form} | {labels} | {metric.help} |")
    return "\n".join(lines) + "\n"
