"""
The pages: sign-in, the device page, set-up, one's own account. Server-rendered, no script needed.

A page is one module with its `ROUTES`, a template of its own under `templates/`, and one line in `PAGES`. What all of
them need is in `page.py`.
"""

from typing import Any

from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ostiary.services.house import House
from ostiary.web.pages import (
    about,
    account,
    approvals,
    console,
    continue_as,
    devicelogin,
    devices,
    explain,
    extension,
    other_ways,
    own_password,
    passkeys,
    password,
    requests,
    setup,
    signin,
    ticket,
    upstream,
)
from ostiary.web.pages.console import live
from ostiary.web.pages.environment import TEMPLATES
from ostiary.web.pages.page import Page, routes_of

__all__ = ["PAGES", "routes"]

PAGES: tuple[tuple[Page, ...], ...] = (  # the router tries them in this order: the busiest first
    devicelogin.ROUTES,
    signin.ROUTES,
    other_ways.ROUTES,
    upstream.ROUTES,
    continue_as.ROUTES,
    account.ROUTES,
    extension.ROUTES,
    console.ROUTES,
    approvals.ROUTES,
    requests.ROUTES,
    ticket.ROUTES,
    own_password.ROUTES,
    passkeys.ROUTES,
    devices.ROUTES,
    password.ROUTES,
    setup.ROUTES,
    explain.ROUTES,
    about.ROUTES,
)

STATIC = TEMPLATES.parent / "static"


class _Static(StaticFiles):
    """Our stylesheet and script; the same for everybody, so browsers may keep them for a while."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "public, max-age=300"
        return response


def routes(house: House) -> list[Route | Mount]:
    """Everything that people look at, for the router."""
    pages: list[Route | Mount] = [route for group in PAGES for route in routes_of(house, group)]
    return [*pages, live.route(house), Mount("/static", _Static(directory=STATIC))]
