"""Who counts as a caller of the admin API, by the real porch: a Bearer token or the local door, never a cookie."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from ostiary.web.front.visit import LOCAL
from ostiary.web.graph import routes
from tests.records.house import a_house
from tests.web.graph.api import ORIGIN


def ask(folder: Path, *, local: str = "", **headers: str) -> httpx.Response:
    """What GET of the keys answers, through the door that the server marks when *local* names a user."""

    async def run() -> httpx.Response:
        async with a_house(folder) as (house, _):
            app = Starlette(routes=routes(house))

            async def marked(scope: Scope, receive: Receive, send: Send) -> None:
                extensions: dict[str, Any] = {LOCAL: {"uid": 0, "user": local}} if local else {}
                await app({**scope, "extensions": extensions}, receive, send)

            async with httpx.AsyncClient(transport=httpx.ASGITransport(marked), base_url=ORIGIN) as client:
                return await client.get("/v1.0/ostiary/keys", headers=headers)

    return asyncio.run(run())


def test_the_local_door_is_known_by_the_servers_mark(tmp_path: Path) -> None:
    """R2: not by anything that a request says."""
    assert ask(tmp_path, local="root").status_code == 200


def test_r3_neither_cookie_nor_nonsense_is_a_caller(tmp_path: Path) -> None:
    """A page of another site can send a browser's cookies; it cannot send a header."""
    for number, headers in enumerate(
        ({}, {"cookie": "__Host-session=x"}, {"authorization": "Bearer x.y.z"}, {"authorization": "Basic cm9vdDo="})
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        answer = ask(folder, **headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
