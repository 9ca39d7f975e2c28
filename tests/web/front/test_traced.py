"""Which requests become spans: what left something, failed, or is more than one of thousands that tell the same."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.routing import Mount, Route

from ostiary.app.serve import application
from ostiary.core.words.traces import Answered
from ostiary.outside.outgoing import Outgoing
from ostiary.outside.random import SystemRandom
from ostiary.outside.traces import Traces, Trail
from ostiary.services.house import House
from ostiary.store.traced import Left, Look
from ostiary.web.front.hot import ROUTE
from ostiary.web.front.traced import traced
from tests.web.pages.site import Site

TOKEN = {ROUTE: "/oauth2/v2.0/token"}
PAGE = {"route": Route("/about", lambda _: None)}
FILES = {"route": Mount("/static", routes=[])}
HEALTH = {"route": Route("/readyz", lambda _: None)}


class Kept(Traces):
    """A tracer that sends nothing: the requests of which it was told."""

    def __init__(self) -> None:
        super().__init__("", 1.0, Outgoing(), SystemRandom())
        self.told: list[str] = []

    def end(self, trail: Trail, request: Answered) -> None:
        """Keep where it went."""
        self.told.append(request.route)


def watched(site: Site, traces: Traces) -> House:
    """The house, with traces."""
    return replace(site.house, outside=replace(site.house.outside, traces=traces))


@pytest.mark.parametrize(
    ("taken", "status", "left", "told"),
    [
        (TOKEN, 400, False, False),
        (TOKEN, 200, True, True),
        (TOKEN, 503, False, True),
        ({}, 404, False, False),
        ({}, 404, True, True),
        ({}, 500, False, True),
        (FILES, 200, False, False),
        (PAGE, 200, False, True),
        (HEALTH, 503, False, False),
    ],
)
def test_a_request_is_told_of_for_what_came_of_it(
    site: Site, taken: dict[str, Any], status: int, left: bool, told: bool
) -> None:
    """A poll, an address that there is not or a file: only with an entry or a fault. A page always, health never."""
    traces = Kept()

    async def door(scope: Any, receive: Any, send: Any) -> None:
        scope.update(taken)
        if left:
            now = site.clock.now()
            traces.note(Look("write", now, now, True, (Left("device:signin:started", "", "{}"),)))
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(traced(door, watched(site, traces)))

    async def ask() -> None:
        async with httpx.AsyncClient(transport=transport, base_url=site.origin) as client:
            assert (await client.get("/x")).status_code == status

    site.run(ask())
    assert bool(traces.told) is told


def test_whoever_asks_for_nothing_of_ours_makes_no_spans(site: Site) -> None:
    """Scanners and browsers that load files cost the collector nothing; who looks at a page is seen."""
    traces = Kept()
    transport = httpx.ASGITransport(application(watched(site, traces)))

    async def ask() -> None:
        async with httpx.AsyncClient(transport=transport, base_url=site.origin) as client:
            for path, status in (("/static/ostiary.css", 200), ("/wp-login.php", 404), ("/healthz", 200)):
                assert (await client.get(path)).status_code == status
            assert traces.told == []
            assert (await client.get("/about")).status_code == 200

    site.run(ask())
    assert traces.told == ["/about"]
