"""
Health, for whoever watches the process: is it there (`/livez`), and can it do its work (`/readyz`)?

Says one word and nothing of why: anybody may ask. Reasons stand in the log and in `ostiary-server doctor`.
"""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ostiary.services.house import House

__all__ = ["routes"]

_HEADERS = {"cache-control": "no-store"}


def routes(house: House) -> list[Route]:
    """Both of them."""

    async def live(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_HEADERS)

    async def ready(_: Request) -> Response:
        """R14: while commits fail nothing can be acknowledged, so nobody should be sent here."""
        if house.store.trouble is not None:
            return PlainTextResponse("not ready\n", 503, headers=_HEADERS)
        return PlainTextResponse("ok\n", headers=_HEADERS)

    return [Route("/livez", live, methods=["GET"]), Route("/readyz", ready, methods=["GET"])]
