"""
Live updates: one stream of events (HTML Living Standard, §9.2) for each browser, which says *what* has changed.

An event names subjects, never rows: the page asks for its part anew, by the deeds that judge as always. Each event is
sent only to whoever may look at its subject at that moment, and a stream ends within a second of the session it was
opened with. A person has at most `MOST` of them, the one opened first gives way; no stream counts as use of a session.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.story import belongs
from ostiary.core.words.errors import StoreError
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import between, seconds
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.changes import changes_since
from ostiary.web.front.credentials import visit_by_now
from ostiary.web.front.visit import Scope
from ostiary.web.pages.console.navigation import open_to

__all__ = ["MOST", "SUBJECTS", "Hub", "Stream", "route", "subjects_of"]

PATH = "/console/events"
MOST = 4
"""Streams of one person: a browser opens six connections to one host, and needs some for its pages."""
LOOK = 0.25
"""Seconds between two looks at the journal, while anybody listens."""
CHECK = 0.5
"""Seconds after which a stream looks whether its session still lives."""
_END = "event: end\ndata: \n\n"
"""The session is over."""
BEAT = seconds(15)
"""After so much silence a line that says nothing: what lies between must not take the stream for dead."""

SUBJECTS: Mapping[str, Action] = {
    "signins": Action.READ_LOGS,
    "audit": Action.READ_LOGS,
    "exemptions": Action.READ_EXEMPTIONS,
    "people": Action.READ_DIRECTORY,
    "groups": Action.READ_DIRECTORY,
    "applications": Action.READ_DIRECTORY,
    "devices": Action.READ_DIRECTORY,
    "policies": Action.READ_POLICIES,
    "alerts": Action.READ_LOGS,
    "findings": Action.READ_LOGS,
}
"""What a page may listen for, and who is told of it."""
_OF_ENTRIES = {
    "exemption": "exemptions", "request": "exemptions", "exemption_rules": "exemptions", "eligibility": "exemptions",
    "kill_switch": "policies", "policy": "policies", "location": "policies", "user": "people", "credentials": "people",
    "administrator": "people", "sessions": "people", "upstream": "people", "group": "groups", "device": "devices",
    "device_rule": "devices", "application": "applications", "assignment": "applications", "consent": "applications",
    "alert": "alerts", "signins": "signins",
    "finding": "findings", "response": "findings", "responses": "findings",
}  # fmt: skip
"""By the middle word of a journal's kind; every entry that is no sign-in changes the audit log as well."""


def subjects_of(kind: str) -> frozenset[str]:
    """What an entry of *kind* changes."""
    if belongs(kind):
        return frozenset({"signins"})
    if kind == Kind.ADMIN_REFUSED:  # its request is nobody's for an exemption, and changed nothing
        return frozenset({"audit"})
    own = _OF_ENTRIES.get(kind.split(":")[1] if ":" in kind else "")
    return frozenset({"audit", own} if own else {"audit"})


class Stream:
    """One open stream: what its browser is to be told next."""

    def __init__(self, user: UserId) -> None:
        self.user = user
        self.over = False
        """Another took its place."""
        self._subjects: set[str] = set()
        self._told = asyncio.Event()

    def tell(self, subjects: frozenset[str]) -> None:
        """These changed; nothing is kept twice, so a slow reader costs nothing."""
        self._subjects |= subjects
        self._told.set()

    def end(self) -> None:
        """Let it end."""
        self.over = True
        self._told.set()

    async def take(self, longest: float) -> frozenset[str]:
        """What changed, as soon as something does; nothing after *longest* seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._told.wait(), longest)
        self._told.clear()
        found, self._subjects = frozenset(self._subjects), set()
        return found


class Hub:
    """The streams of this process. It looks at the journal only while there is one."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._streams: list[Stream] = []
        self._looking: asyncio.Task[None] | None = None

    def join(self, user: UserId) -> Stream:
        """One more for *user*; of too many the oldest gives way."""
        own = [each for each in self._streams if each.user == user]
        for oldest in own[: max(0, len(own) - MOST + 1)]:
            self.leave(oldest)
            oldest.end()
        stream = Stream(user)
        self._streams.append(stream)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return stream

    def leave(self, stream: Stream) -> None:
        """It has ended."""
        if stream in self._streams:
            self._streams.remove(stream)

    async def _look(self) -> None:
        after: int | None = None
        closed = self._house.room.closed
        while self._streams and not closed.is_set():
            with suppress(StoreError):  # nothing is known to have changed; the pages themselves say what is wrong
                found = await changes_since(self._house, after)
                after = found.position
                if found.beyond:
                    self._tell(frozenset(SUBJECTS))
                elif found.kinds:
                    self._tell(frozenset[str]().union(*(subjects_of(kind) for kind in found.kinds)))
            with suppress(TimeoutError):
                await asyncio.wait_for(closed.wait(), LOOK)
        if closed.is_set():
            self._tell(frozenset())

    def _tell(self, subjects: frozenset[str]) -> None:
        for stream in self._streams:
            stream.tell(subjects)


def route(house: House) -> Route:
    """The stream's address."""
    hub = Hub(house)

    async def endpoint(request: Request) -> Response:
        visit = await visit_by_now(house, request.scope)
        user = visit.caller.user
        if user is None:  # a browser gives up a stream that is refused: it hears of the end as an event alone
            return Response(_END, media_type="text/event-stream")
        if not open_to(visit.caller, visit.now):
            return Response(status_code=403)
        lines = _lines(house, hub, request.scope, user)
        return StreamingResponse(lines, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    return Route(PATH, endpoint, methods=["GET"])


async def _lines(house: House, hub: Hub, scope: Scope, user: UserId) -> AsyncIterator[str]:
    stream = hub.join(user)  # not before somebody reads: what is never begun is never left either
    said = house.clock.steady()
    try:
        yield "retry: 3000\n\n"
        while not house.room.closed.is_set():
            changed = await stream.take(CHECK)
            if stream.over:
                yield "event: over\ndata: \n\n"
                return
            visit = await visit_by_now(house, scope)
            if visit.caller.user != stream.user:
                yield _END
                return
            line = _line(changed, visit)
            if line or between(said, house.clock.steady()) >= BEAT:
                said = house.clock.steady()
                yield line or ":\n\n"
    except StoreError:  # whether the session lives is not known: nothing more is told
        return
    finally:
        hub.leave(stream)


def _line(changed: frozenset[str], visit: Visit) -> str:
    """The event for those subjects that the person may look at now; empty for none."""
    seen = sorted(each for each in changed if judge(SUBJECTS[each], visit.caller, now=visit.now) is None)
    return f"data: {' '.join(seen)}\n\n" if seen else ""
