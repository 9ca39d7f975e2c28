"""
The admin API before a real house: real routes, real store, a clock that is moved; who calls is set by the test.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.types import Scope

from ostiary.core.words.caller import NOBODY
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.tokens.rotation import ensure_keys
from ostiary.web.front.stack import http_error, stack
from ostiary.web.graph import routes
from ostiary.web.graph.resource import Porch
from tests.clock import MovableClock
from tests.records.house import a_house, alice, visit

ORIGIN = "https://localhost:8443"


class Api:
    """One caller at a time before the real doors."""

    def __init__(self, house: House) -> None:
        """As nobody."""
        self.house = house
        self.caller = NOBODY
        self.porch: Porch = self._visit
        app = Starlette(routes=routes(house, self._porch), exception_handlers={404: http_error(house)})
        transport = httpx.ASGITransport(stack(app, house))
        self.client = httpx.AsyncClient(transport=transport, base_url=ORIGIN)

    async def _porch(self, house: House, scope: Scope) -> Visit:
        return await self.porch(house, scope)

    async def _visit(self, house: House, scope: Scope) -> Visit:
        return visit(house, self.caller)

    async def ask(
        self, method: str, path: str, body: Any = None, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> Any:
        """The answer's JSON, when it has that *status*."""
        content = {} if body is None else {"json": body}
        answer = await self.client.request(method, path, headers=headers, **content)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None


Story = Callable[[Api, MovableClock], Awaitable[None]]


def play(folder: Path, story: Story, *, keys: bool = False) -> None:
    """Run *story* in a fresh house, with signing *keys* where it needs them, as its administrator."""

    async def run() -> None:
        async with a_house(folder) as (house, clock):
            if keys:
                await ensure_keys(house, visit(house))
            api = Api(house)
            api.caller = alice(clock.now())
            async with api.client:
                await story(api, clock)

    asyncio.run(run())
