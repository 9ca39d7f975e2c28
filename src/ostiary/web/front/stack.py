"""
The pipeline before the doors, as one tuple: access log, faults, what only a proxy may send, headers.

Outermost first. Plain ASGI, so that it costs little and hides nothing. Every door stands behind it, the hot paths too.
"""

from collections.abc import Callable, MutableMapping
from traceback import extract_tb
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ostiary.core.words.errors import StoreError
from ostiary.core.words.instants import between
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.faults import note
from ostiary.web.front.answer import Answer, send_answer
from ostiary.web.front.certificate import certificate
from ostiary.web.front.headers import page_headers
from ostiary.web.front.hot import route_of
from ostiary.web.front.shapes import wrong
from ostiary.web.front.traced import SIGN_IN
from ostiary.web.front.visit import visit

__all__ = ["STACK", "http_error", "stack"]

Middleware = Callable[[ASGIApp, House], ASGIApp]

_access = structlog.get_logger("ostiary.access")
_faults = structlog.get_logger("ostiary.faults")


def access_log(app: ASGIApp, house: House) -> ASGIApp:
    """One line a request: path without its query, which may hold what nobody should keep (R16). And it is counted."""
    line, count = _access.bind().info, house.outside.meters.request

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        began, status = house.clock.steady(), 0

        async def sending(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await app(scope, receive, sending)
        finally:
            seen, took = visit(scope, house), between(began, house.clock.steady())
            count(route_of(scope), scope["method"], status, took)
            known = {"sign_in": scope[SIGN_IN]} if SIGN_IN in scope else {}
            line(
                "request", method=scope["method"], path=scope["path"][:256], status=status, address=seen.address,
                reference=seen.id, microseconds=took, **known,
            )  # fmt: skip

    return logged


def faults(app: ASGIApp, house: House) -> ASGIApp:
    """An exception denies, is noted in the journal, and is answered in the shape of its door; never with its text."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await app(scope, receive, sending)
        except Exception as error:
            if scope["type"] != "http" or started:
                raise
            seen = visit(scope, house)
            await _noted(house, seen, error)
            await send_answer(wrong(house, scope, seen, _status(error)), send)

    return guarded


async def _noted(house: House, seen: Visit, error: Exception) -> None:
    """Write the fault down; where even that fails there is still the log of the process."""
    _faults.error("fault", reference=seen.id, error=type(error).__name__, where=_places(error))
    try:
        await note(house, seen, error)
    except Exception as second:  # the store itself may be what is broken
        _faults.error("fault not noted", reference=seen.id, error=type(second).__name__)


def _places(error: Exception) -> list[str]:
    """The way that *error* took, innermost last: functions and lines; values and message may be secrets."""
    return [f"{frame.name}:{frame.lineno}" for frame in extract_tb(error.__traceback__)][-20:]


def _status(error: Exception) -> int:
    return 503 if isinstance(error, StoreError) else 500


def no_borrowed_certificates(app: ASGIApp, house: House) -> ASGIApp:
    """R13: a certificate header that the configured proxy did not send, or that came twice, is refused at all doors."""

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and isinstance(certificate(scope, house), Refused):
            await send_answer(wrong(house, scope, visit(scope, house), 400), send)
            return
        await app(scope, receive, send)

    return checked


STACK: tuple[Middleware, ...] = (access_log, page_headers, faults, no_borrowed_certificates)


def stack(app: ASGIApp, house: House) -> ASGIApp:
    """*app* behind the whole pipeline."""
    for middleware in reversed(STACK):
        app = middleware(app, house)
    return app


def http_error(house: House) -> Callable[[Request, Exception], Response]:
    """What the router says (404, 405) in the shape of the door: for Starlette's `exception_handlers`."""

    def handler(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        more = (error.headers or {}) if isinstance(error, HTTPException) else {}
        answer: Answer = wrong(house, request.scope, visit(request.scope, house), status)
        response = Response(answer.body, answer.status)
        response.raw_headers = [*answer.headers, *((k.lower().encode(), v.encode()) for k, v in more.items())]
        return response

    return handler
