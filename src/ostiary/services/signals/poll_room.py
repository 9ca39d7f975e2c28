"""
Polls of streams that wait for events: how many may, who wakes them, and whose answer is being signed.

Memory of one process, which only says "look again": what there is, and who may be told, the store says each time.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

__all__ = ["PollRoom", "Seat"]

MOST = 256
"""Polls that wait at once; more are answered at once."""
MOST_EACH = 2
"""Of one stream."""
LOOKS = 2.0
"""Seconds after which one looks by itself: what another node did wakes nobody here."""


class Seat:
    """One poll that waits."""

    def __init__(self) -> None:
        """The first look is due: something may have happened before it had this place."""
        self._woken = asyncio.Event()
        self._woken.set()
        self.over = False
        """Its time is up."""

    def wake(self) -> None:
        """Something may have happened."""
        self._woken.set()

    def ready(self) -> None:
        """Called before each look, so that nothing that happens after it is missed."""
        self._woken.clear()

    def end(self) -> None:
        """Its time is up: one more look, and an answer."""
        self.over = True
        self.wake()

    async def wait(self) -> None:
        """Until something may have happened, or it is time for a look."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), LOOKS)


class PollRoom:
    """The polls of this process. One loop uses it."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._seats: dict[str, list[Seat]] = {}
        self._signing: dict[str, tuple[asyncio.Lock, int]] = {}
        self._count = 0
        self.closing = False
        """The service stops: nobody is kept waiting."""

    def waiting(self, stream: str) -> int:
        """How many polls of *stream* wait."""
        return len(self._seats.get(stream, ()))

    @contextmanager
    def seat(self, stream: str) -> Iterator[Seat | None]:
        """A place for one more poll of *stream*; None where there is none."""
        if self._count >= MOST or self.waiting(stream) >= MOST_EACH:
            yield None
            return
        seat = Seat()
        self._seats.setdefault(stream, []).append(seat)
        self._count += 1
        try:
            yield seat
        finally:
            self._count -= 1
            self._seats[stream].remove(seat)
            if not self._seats[stream]:
                del self._seats[stream]

    @asynccontextmanager
    async def turn(self, stream: str) -> AsyncIterator[None]:
        """One after the other for *stream*: its answers are signed, up to a hundred events each."""
        lock, users = self._signing.get(stream, (asyncio.Lock(), 0))
        self._signing[stream] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            lock, users = self._signing.pop(stream)
            if users > 1:
                self._signing[stream] = lock, users - 1

    def wake(self, stream: str) -> None:
        """Something happened to *stream*, and is committed."""
        for seat in self._seats.get(stream, ()):
            seat.wake()

    def close(self) -> None:
        """The service stops: whoever waits is answered now."""
        self.closing = True
        for stream in self._seats:
            self.wake(stream)
