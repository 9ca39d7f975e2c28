"""The machine's clock."""

import time

from ostiary.core.words.instants import between, minutes
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
