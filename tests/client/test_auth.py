"""
`httpx.Auth`: the token goes along, is renewed, and goes nowhere else.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import httpx
import pytest

from ostiary.client.auth import OstiaryAuth
from ostiary.client.cache import Cache
from ostiary.client.errors import Misused
from ostiary.client.session import Session
from tests.client.test_cache import signed_in
from tests.client.wire import Wire

Get = Callable[..., httpx.Response]


@pytest.fixture(params=["threads", "asyncio"])
def ask(request: pytest.FixtureRequest, wire: Wire, cache: Cache) -> Get:
    """One request with the sign-in, through either kind of httpx client."""
    cache.save(signed_in(wire), after=None)
    auth = OstiaryAuth(Session(cache), [wire.origin])

    def with_threads(method: str, path: str, content: object = None) -> httpx.Response:
        with httpx.Client(auth=auth, trust_env=False) as http:
            return http.request(method, address(wire, path), content=content)  # type: ignore[arg-type]

    def with_asyncio(method: str, path: str, content: object = None) -> httpx.Response:
        async def go() -> httpx.Response:
            async with httpx.AsyncClient(auth=auth, trust_env=False) as http:
                return await http.request(method, address(wire, path), content=content)  # type: ignore[arg-type]

        return asyncio.run(go())

    return with_threads if request.param == "threads" else with_asyncio


def address(wire: Wire, path: str) -> str:
    return path if "://" in path else wire.origin + path


def bearers(wire: Wire, path: str) -> list[str]:
    """The tokens with which *path* was asked for."""
    return [seen.headers["authorization"].removeprefix("Bearer ") for seen in wire.state.calls(path)]


def test_the_token_goes_along_and_is_renewed_once(wire: Wire, ask: Get) -> None:
    """Expired here, so renewed before the request; the second request needs nothing."""
    wire.state.graph["GET", "/thing"] = (200, {})
    assert ask("GET", "/thing").status_code == 200
    ask("GET", "/thing")
    assert bearers(wire, "/thing") == ["access-1-2", "access-1-2"]
    assert len(wire.state.calls("/token")) == 1


def test_a_token_that_is_refused_is_renewed_and_tried_once_more(wire: Wire, ask: Get) -> None:
    """An ended session may have been renewed elsewhere; a second refusal stands."""
    wire.state.graph["POST", "/thing"] = deque([(401, {}), (200, {}), (401, {}), (401, {})])
    assert ask("POST", "/thing", b"{}").status_code == 200
    assert bearers(wire, "/thing") == ["access-1-2", "access-1-3"]
    assert ask("POST", "/thing", b"{}").status_code == 401
    assert len(bearers(wire, "/thing")) == 4


def test_a_step_up_is_not_answered_with_another_token(wire: Wire, ask: Get) -> None:
    """RFC 9470: a renewed token is no younger sign-in."""
    challenge = {"@headers": {"www-authenticate": 'Bearer error="insufficient_user_authentication"'}}
    wire.state.graph["GET", "/thing"] = (401, challenge)
    assert ask("GET", "/thing").status_code == 401
    assert len(bearers(wire, "/thing")) == 1


def test_the_token_goes_to_no_other_origin(wire: Wire, ask: Get) -> None:
    """A mistyped host, another port, plain http: refused before anything is sent."""
    for other in ("http://localhost:9/thing", wire.origin.replace("localhost", "127.0.0.1") + "/thing"):
        with pytest.raises(Misused):
            ask("GET", other)
    assert wire.state.calls("/thing") == []
