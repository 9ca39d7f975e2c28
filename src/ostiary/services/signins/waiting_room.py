"""
The waiting room: pending device sign-ins of this node, in memory.

INVARIANT: it may only say "not yet", at once or later. Every other answer comes from a transaction, so stale memory
delays and never grants. Which codes are out (R10, R21) is counted apart from who is waiting: whatever wakes a poll
frees no place.
"""

import asyncio
from collections import Counter, OrderedDict
from dataclasses import dataclass, replace
from heapq import heappop, heappush

from ostiary.core.directory.applications import Application
from ostiary.core.signins.limits import OpenNow
from ostiary.core.signins.pace import Pace, step
from ostiary.core.tokens.binding import Held, judge_key
from ostiary.core.words.ids import AppId, ExemptionId
from ostiary.core.words.instants import Instant, Span, after, between, hours, seconds
from ostiary.core.words.outcome import Refused
from ostiary.core.words.proof import UNBOUND, Bound, Proof

KNOWN_SOURCES = 10_000
"""Sources from where somebody signed in, that are remembered; the ones longest ago are forgotten first."""


MOST_HELD = 1024
"""Polls that wait for an answer at once; more are answered at once."""


class Waiting:
    """One pending sign-in: what a poll needs, mutable because every poll moves its pace."""

    __slots__ = ("awaits", "bound", "client", "ends", "held", "pace", "source")

    def __init__(
        self, client: AppId, source: str, ends: Instant, pace: Pace, bound: Bound, awaits: "Awaits | None" = None
    ) -> None:
        self.client = client
        self.source = source
        self.ends = ends
        self.pace = pace
        self.bound = bound
        self.awaits = awaits
        self.held: asyncio.Event | None = None
        """Set when the poll that waits for an answer gets one; None while none waits."""

    def let_go(self) -> None:
        """Whoever waits for an answer asks the store now."""
        if self.held is not None:
            self.held.set()


@dataclass(frozen=True, slots=True)
class Awaits:
    """The exemption that a sign-in waits for, and what its polls are told of it."""

    request: ExemptionId
    ends: Instant
    """When the sign-in stops waiting."""
    answer: Refused


ASKS_AGAIN = seconds(10)
"""
So long the room answers for one that waits for an exemption, then its poll asks the store: what ends it may be done
anywhere (an account, the rules, another node), not only by who wakes it.
"""


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
        self._known: OrderedDict[str, None] = OrderedDict()
        self._alarmed: dict[str, Instant] = {}

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

    def of(self, client: AppId, source: str) -> OpenNow:
        """How many from *source* for *client*, for *client* from anywhere, and in all."""
        return OpenNow(self._sources[client, source], self._clients[client], len(self._codes))

    def knows(self, source: str) -> bool:
        """Whether a code of *source* gave tokens, of late and as far as this process remembers."""
        return source in self._known

    def alarming(self, what: str, now: Instant) -> bool:
        """Whether *what* (few names, all registered) is used up for the first time in an hour."""
        if now < self._alarmed.get(what, Instant(0)):
            return False
        self._alarmed[what] = after(now, hours(1))
        return True

    def gave_tokens(self, digest: bytes) -> None:
        """A person approved it, so it was no flood, and where it came from is known."""
        found = self._remove(digest)
        if found is not None:
            self._known[found] = None
            self._known.move_to_end(found)
            if len(self._known) > KNOWN_SOURCES:
                self._known.popitem(last=False)

    def _remove(self, digest: bytes) -> str | None:
        """Free its place; its source, if it was counted."""
        found = self._codes.pop(digest, None)
        if found is None:
            return None
        client, source = found
        self._sources[client, source] -= 1
        if self._sources[client, source] <= 0:
            del self._sources[client, source]
        self._clients[client] -= 1
        return source

    def sweep(self, now: Instant) -> None:
        """Let go of those whose time is over."""
        while self._by_end and self._by_end[0][0] <= now:
            self._remove(heappop(self._by_end)[1])


class WaitingRoom:
    """Pending sign-ins by the digest of their device code, and the codes that are out."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, Waiting] = {}
        self._by_end: list[tuple[Instant, bytes]] = []
        self._by_request: dict[ExemptionId, bytes] = {}
        self._held = 0
        self.closed = asyncio.Event()
        """Set when the service stops: nobody is to be kept waiting."""
        self.codes = OpenCodes()

    def __len__(self) -> int:
        """How many are pending, as far as this node knows."""
        return len(self._waiting)

    @property
    def held(self) -> int:
        """How many polls wait for an answer."""
        return self._held

    def admit(
        self, digest: bytes, *, client: AppId, source: str, ends: Instant, interval: Span, bound: Bound = UNBOUND
    ) -> None:
        """A sign-in is pending: on disk already."""
        if digest in self._waiting:
            return
        self.codes.add(digest, client, source, ends)
        self._waiting[digest] = Waiting(client, source, ends, Pace(interval), bound)
        heappush(self._by_end, (ends, digest))

    def admit_awaiting(
        self, digest: bytes, awaits: Awaits, *, client: AppId, now: Instant, interval: Span, bound: Bound
    ) -> None:
        """A sign-in waits for an exemption. Its user code is dead, so it counts among no open codes."""
        before = self._waiting.get(digest)
        if before is not None:
            before.let_go()
        ends = min(awaits.ends, after(now, ASKS_AGAIN))
        pace = replace(before.pace, due=now) if before is not None else Pace(interval)  # told something new: ask on
        self._waiting[digest] = Waiting(client, "", ends, pace, bound, awaits)
        self._by_request[awaits.request] = digest
        heappush(self._by_end, (ends, digest))

    def awaits(self, digest: bytes) -> Awaits | None:
        """What a sign-in waits for, where that is an exemption."""
        waiting = self._waiting.get(digest)
        return waiting.awaits if waiting is not None else None

    def poll(self, digest: bytes, client: Application, now: Instant, *, lenient: bool, proof: Proof) -> bool | None:
        """
        Not yet (False), not yet and slow down (True), or "ask the store" (None).

        A poll by another client asks the store as well: it gets the answer of an unknown code there. So does one whose
        key is not the one that is fixed, or is the first one, or does not count (R12): it is judged as the grant does.
        """
        waiting = self._waiting.get(digest)
        if waiting is None or waiting.client != client.id or now >= waiting.ends:
            return None
        if judge_key(waiting.bound, proof, client) not in (Held.NONE, Held.SAME):
            return None
        waiting.pace, slow = step(waiting.pace, now, lenient=lenient)
        return slow

    async def hold(self, digest: bytes, longest: float, now: Instant) -> bool:
        """
        Wait up to *longest* seconds for something to be decided; whether to ask the store then. False at once where
        nobody would wake it, where another poll of the same code waits or too many do, and while the service stops.
        """
        waiting = self._waiting.get(digest)
        if waiting is None:
            return False
        if now >= waiting.ends:
            return True
        if waiting.held is not None or self._held >= MOST_HELD or self.closed.is_set():
            return False
        left = between(now, waiting.ends) / seconds(1)
        waiting.held, self._held = asyncio.Event(), self._held + 1
        try:
            await asyncio.wait_for(waiting.held.wait(), min(longest, left))
        except TimeoutError:
            return left <= longest
        else:
            return True
        finally:
            waiting.held, self._held = None, self._held - 1

    def close(self) -> None:
        """The service stops: nobody is kept waiting."""
        self.closed.set()
        for waiting in self._waiting.values():
            waiting.let_go()

    def wake(self, digest: bytes) -> None:
        """Something was decided, or may have been: the next poll asks the store, and one that waits does now."""
        waiting = self._waiting.pop(digest, None)
        if waiting is None:
            return
        waiting.let_go()
        if waiting.awaits is not None:
            self._by_request.pop(waiting.awaits.request, None)

    def wake_request(self, request: ExemptionId) -> None:
        """The same for whoever waits for *request*."""
        digest = self._by_request.get(request)
        if digest is not None:
            self.wake(digest)

    def wake_all(self) -> None:
        """Something was decided about everybody: each next poll asks the store."""
        for waiting in self._waiting.values():
            waiting.let_go()
        self._waiting.clear()
        self._by_request.clear()

    def sweep(self, now: Instant) -> None:
        """Let go of those whose time is over."""
        self.codes.sweep(now)
        while self._by_end and self._by_end[0][0] <= now:
            _, digest = heappop(self._by_end)
            waiting = self._waiting.get(digest)
            if waiting is not None and waiting.ends <= now:
                self.wake(digest)
