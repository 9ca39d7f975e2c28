"""
Tracing at the porch: each request that did something becomes a span, in the trace of the sign-in that it was about.

Only there while traces are on. No span where there are thousands that tell the same: of what left nothing and failed in
nothing, the protocol's requests (polls that wait, introspection), those for addresses that there are not, and those for
files. None at all for who asks whether we live.
"""

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from ostiary.core.words.traces import Answered
from ostiary.services.house import House
from ostiary.web.front.hot import NO_ROUTE, ROUTE, route_of
from ostiary.web.front.visit import headers, visit

__all__ = ["SIGN_IN", "traced"]

SIGN_IN = "ostiary.sign_in"
"""Where a scope names the sign-in that its request was about, for the access log."""
_HEALTH = ("/healthz", "/readyz")
_PLAIN = (NO_ROUTE, "/static")


def traced(app: ASGIApp, house: House) -> ASGIApp:
    """*app*, watched; *app* itself where traces are off."""
    traces = house.outside.traces
    if traces is None:
        return app

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        seen, trail, began, status = visit(scope, house), traces.begin(), house.clock.now(), 0

        async def sending(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await app(scope, receive, sending)
        except BaseException:
            status = status or 500  # what the porch answers
            raise
        finally:
            story, route = trail.story(seen.id), route_of(scope)
            if story != seen.id:
                scope[SIGN_IN] = story
            told = trail.left or status >= 500 or (ROUTE not in scope and route not in _PLAIN)
            if told and route not in _HEALTH:
                parent = b"".join(headers(scope, b"traceparent")[:1]).decode("latin-1")
                now = house.clock.now()
                traces.end(trail, Answered(seen.id, route, scope["method"], status, began, now, parent))

    return watched
