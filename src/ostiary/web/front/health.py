"""
Health, for whoever watches the process: is it there (`/healthz`), and can it do its work (`/readyz`)?

Says one word and nothing of why: anybody may ask. Reasons stand in the log and in `ostiary-server doctor`.
"""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ostiary.outside.clock import BEHIND
from ostiary.services.house import House

__all__ = ["routes"]

_HEADERS = {"cache-control": "no-store"}


def routes(house: House) -> list[Route]:
    """Both of them."""

    async def live(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_HEADERS)

    async def ready(_: Request) -> Response:
        """
        Nobody should be sent here while commits fail (R14: nothing can be acknowledged), or while the machine lives in
        the past.
        """
        if house.store.trouble is not None or house.clock.behind() > BEHIND:
            return PlainTextResponse("not ready\n", 503, headers=_HEADERS)
        return PlainTextResponse("ok\n", headers=_HEADERS)

    return [Route("/healthz", live, methods=["GET"]), Route("/readyz", ready, methods=["GET"])]
