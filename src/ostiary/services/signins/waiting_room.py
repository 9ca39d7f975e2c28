"""
The waiting room: pending device sign-ins of this node, in memory.

INVARIANT: it may only say "not yet". Every other answer comes from a transaction, so stale memory delays and never
grants. Which codes are out (R10, R21) is counted apart from who is waiting: whatever wakes a poll frees no place.
"""

from collections import Counter
from heapq import heappop, heappush

from ostiary.core.signins.pace import Pace, step
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant, Span
from ostiary.core.words.proof import UNBOUND, Bound


class Waiting:
    """One pending sign-in: what a poll needs, mutable because every poll moves its pace."""

    __slots__ = ("bound", "client", "ends", "pace", "source")

    def __init__(self, client: AppId, source: str, ends: Instant, pace: Pace, bound: Bound) -> None:
        self.client = client
        self.source = source
        self.ends = ends
        self.pace = pace
        self.bound = bound


class OpenCodes:
    """
    The codes that were issued and have not run out, by source and application.

    A code counts from its issue to the end it was given, whatever became of it meanwhile, so that nobody who can end
    one gets room for the next; only tokens, which a person had to approve, free the place before.
    """

    def __init__(self) -> None:
        self._codes: dict[bytes, tuple[AppId, str]] = {}
        self._by_end: list[tuple[Instant, bytes]] = []
        self._sources: Counter[tuple[AppId, str]] = Counter()
        self._clients: Counter[AppId] = Counter()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._codes)

    def add(self, digest: bytes, client: AppId, source: str, ends: Instant) -> None:
        """One more; one that is known counts once."""
        if digest in self._codes:
            return
        self._codes[digest] = client, source
        self._sources[client, source] += 1
        self._clients[client] += 1
        heappush(self._by_end, (ends, digest))

    def of(self, client: AppId, source: str) -> tuple[int, int]:
        """How many from *source* for *client*, and for *client* from anywhere."""
        return self._sources[client, source], self._clients[client]

    def remove(self, digest: bytes) -> None:
        """It gave tokens."""
        found = self._codes.pop(digest, None)
        if found is None:
            return
        client, source = found
        self._sources[client, source] -= 1
        if self._sources[client, source] <= 0:
            del self._sources[client, source]
        self._clients[client] -= 1

    def sweep(self, now: Instant) -> None:
        """Let go of those whose time is over."""
        while self._by_end and self._by_end[0][0] <= now:
            self.remove(heappop(self._by_end)[1])


class WaitingRoom:
    """Pending sign-ins by the digest of their device code, and the codes that are out."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, Waiting] = {}
        self._by_end: list[tuple[Instant, bytes]] = []
        self.codes = OpenCodes()

    def __len__(self) -> int:
        """How many are pending, as far as this node knows."""
        return len(self._waiting)

    def admit(
        self, digest: bytes, *, client: AppId, source: str, ends: Instant, interval: Span, bound: Bound = UNBOUND
    ) -> None:
        """A sign-in is pending: on disk already."""
        if digest in self._waiting:
            return
        self.codes.add(digest, client, source, ends)
        self._waiting[digest] = Waiting(client, source, ends, Pace(interval), bound)
        heappush(self._by_end, (ends, digest))

    def poll(self, digest: bytes, client: AppId, now: Instant, *, lenient: bool, shown: Bound = UNBOUND) -> bool | None:
        """
        Not yet (False), not yet and slow down (True), or "ask the store" (None).

        A poll by another client asks the store as well: it gets the answer of an unknown code there. So does one with
        another key than the one that is fixed, or with the first one (R12).
        """
        waiting = self._waiting.get(digest)
        if waiting is None or waiting.client != client or now >= waiting.ends or waiting.bound != shown:
            return None
        waiting.pace, slow = step(waiting.pace, now, lenient=lenient)
        return slow

    def wake(self, digest: bytes) -> None:
        """Something was decided, or may have been: the next poll asks the store."""
        self._waiting.pop(digest, None)

    def wake_all(self) -> None:
        """Something was decided about everybody: each next poll asks the store."""
        self._waiting.clear()

    def sweep(self, now: Instant) -> None:
        """Let go of those whose time is over."""
        self.codes.sweep(now)
        while self._by_end and self._by_end[0][0] <= now:
            _, digest = heappop(self._by_end)
            waiting = self._waiting.get(digest)
            if waiting is not None and waiting.ends <= now:
                del self._waiting[digest]
