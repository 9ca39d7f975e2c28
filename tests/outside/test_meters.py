"""What a process counts of itself: cumulative, and bounded whatever clients send."""

from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.words.instants import Instant, Span
from ostiary.outside.meters import TIMES, Histogram, Meters


@given(st.lists(st.integers(0, 20_000_000), max_size=50))
def test_a_histogram_loses_nothing(values: list[int]) -> None:
    """Each value is under exactly one bound, the first that is not less; the sum is the sum."""
    histogram = Histogram(TIMES)
    for value in values:
        histogram.add(value)
    assert (histogram.count, histogram.total) == (len(values), sum(values))
    for place, bound in enumerate(TIMES):
        assert sum(histogram.counts[: place + 1]) == len([value for value in values if value <= bound])


def test_methods_that_clients_invent_are_one() -> None:
    """Whoever sends a thousand of them makes one series."""
    meters = Meters()
    for number in range(1000):
        meters.request("/healthz", f"M{number}", 405, 10)
    meters.request("/healthz", "GET", 200, 10)
    assert {key: each.count for key, each in meters.requests.items()} == {
        ("/healthz", "other", 405): 1000, ("/healthz", "GET", 200): 1,
    }  # fmt: skip


def test_a_job_that_fails_keeps_the_time_of_its_last_success() -> None:
    """An alert asks how long it has not gone well."""
    meters = Meters()
    meters.job("seal", True, Span(5), Instant(100))
    meters.job("seal", False, Span(7), Instant(200))
    runs = meters.jobs["seal"]
    assert (runs.good, runs.failed, runs.microseconds, runs.last) == (1, 1, 12, 100)
