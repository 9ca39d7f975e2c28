"""
Health, for whoever watches the process: is it there (`/healthz`), and can it do its work (`/readyz`)?

Says one word and nothing of why: anybody may ask. Reasons stand in the log and in `ostiary-server doctor`.
"""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ostiary.services.house import House, able

__all__ = ["routes"]

_HEADERS = {"cache-control": "no-store"}


def routes(house: House) -> list[Route]:
    """Both of them."""

    async def live(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_HEADERS)

    async def ready(_: Request) -> Response:
        if not able(house):
            return PlainTextResponse("not ready\n", 503, headers=_HEADERS)
        return PlainTextResponse("ok\n", headers=_HEADERS)

    return [Route("/healthz", live, methods=["GET"]), Route("/readyz", ready, methods=["GET"])]
