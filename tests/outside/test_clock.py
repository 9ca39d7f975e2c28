"""The machine's clock."""

import time

import pytest

from ostiary.core.words.instants import Span, after, between, hours, minutes, seconds
from ostiary.outside.clock import Clock, SystemClock


def test_now_is_the_wall_clock_in_utc() -> None:
    """An instant of the clock is the machine's own, in microseconds."""
    clock: Clock = SystemClock()
    before = time.time_ns() // 1000
    assert before <= clock.now() <= time.time_ns() // 1000


def test_steady_never_goes_back() -> None:
    """Two looks at the steady clock are in order, and it counts microseconds, not seconds or nanoseconds."""
    clock: Clock = SystemClock()
    looks = [clock.steady() for _ in range(1000)]
    assert looks == sorted(looks)
    assert between(looks[0], looks[-1]) < minutes(1)


class Machine:
    """A machine whose time can be set, while its steady clock only goes on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In the place of the real one."""
        self.wall, self.steady = 1_000_000_000_000_000_000, 5_000_000_000
        monkeypatch.setattr(time, "time_ns", lambda: self.wall)
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.steady)

    def passes(self, span: Span, *, told: Span | None = None) -> None:
        """*span* passes, and the machine's time moves by *told* instead."""
        self.steady += span * 1000
        self.wall += (span if told is None else told) * 1000


def test_a_clock_that_is_set_back_does_not_take_time_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ended an hour ago stays ended; time goes on at its own pace, and the machine is found to be behind."""
    machine = Machine(monkeypatch)
    clock = SystemClock()
    began = clock.now()
    machine.passes(hours(1))
    machine.passes(minutes(1), told=hours(-2))
    assert between(began, clock.now()) == hours(1) + minutes(1)
    assert clock.behind() == hours(2) + minutes(1)
    machine.passes(minutes(5))
    assert between(began, clock.now()) == hours(1) + minutes(6)
    machine.passes(seconds(1), told=hours(3))
    assert between(began, clock.now()) == hours(2) + minutes(5)
    assert clock.behind() == 0


def test_a_start_does_not_go_behind_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that starts after the clock was set back goes on where the journal stopped."""
    machine = Machine(monkeypatch)
    before = after(SystemClock().now(), hours(2))
    clock = SystemClock(not_before=before)
    assert clock.now() == before
    machine.passes(minutes(1))
    assert clock.now() == after(before, minutes(1))
    assert clock.behind() == hours(2)
