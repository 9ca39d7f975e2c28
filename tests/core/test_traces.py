"""Ids of traces: a sign-in's own, kept as a whole or not at all, and nobody writes into another's."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.words.instants import Instant
from ostiary.core.words.traces import SpanKind, TraceSpan, otlp, parent_in, sampled, trace_of, traceparent

GUIDS = st.uuids(version=4).map(str)


@given(GUIDS)
def test_a_trace_is_named_like_its_sign_in(guid: str) -> None:
    """32 digits, and back."""
    trace = trace_of(guid)
    assert trace is not None
    assert str(UUID(trace)) == guid


@pytest.mark.parametrize(
    "text", ["", "x" * 36, "0f5c7a3e6d0b4d6e9a5705717a1c1001", "0F5C7A3E-6D0B-4D6E-9A57-05717A1C1001"]
)
def test_what_is_no_id_of_ours_is_no_trace(text: str) -> None:
    """A client's words never become one."""
    assert trace_of(text) is None


@given(GUIDS, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_ratio_keeps_what_a_smaller_one_does(guid: str, one: float, other: float) -> None:
    """Whoever decides by the same id decides alike; 0 keeps nothing, 1 everything."""
    trace = guid.replace("-", "")
    assert sampled(trace, 1.0)
    assert not sampled(trace, 0.0)
    assert sampled(trace, max(one, other)) or not sampled(trace, min(one, other))


def test_a_ratio_is_that_of_random_ids() -> None:
    """The fixed bits of a GUID are not among those that decide."""
    step = 2**56 // 1000
    traces = [f"0f5c7a3e6d0b4d6e9a{number * step + step // 2:014x}" for number in range(1000)]
    assert len([trace for trace in traces if sampled(trace, 0.25)]) == 250


@given(GUIDS, GUIDS)
def test_a_request_says_what_it_is_part_of_only_in_its_own_trace(one: str, other: str) -> None:
    """Another trace, another form or zeros: no parent."""
    mine, foreign = one.replace("-", ""), other.replace("-", "")
    assert parent_in(traceparent(mine, "00f067aa0ba902b7"), mine) == "00f067aa0ba902b7"
    assert parent_in(traceparent(mine, "0" * 16), mine) == ""
    assert one == other or parent_in(traceparent(foreign, "00f067aa0ba902b7"), mine) == ""
    assert parent_in(f"00-{mine}-00f067aa0ba902b7", mine) == ""
    assert parent_in("", mine) == ""


def test_a_span_never_ends_before_it_began() -> None:
    """Clocks may be set back between two looks."""
    span = TraceSpan("a" * 32, "b" * 16, "x", SpanKind.INTERNAL, Instant(2), Instant(1), attributes={"n": 1, "b": True})
    told = otlp("service", "1", [span])["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert (told["startTimeUnixNano"], told["endTimeUnixNano"]) == ("2000", "2000")
    assert [each["value"] for each in told["attributes"]] == [{"intValue": "1"}, {"boolValue": True}]
