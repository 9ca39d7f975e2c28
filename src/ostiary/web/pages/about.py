"""
What this house is, for whoever finds its address; and the way from its root to the page that people came for.
"""

from starlette.responses import Response

from ostiary.web.pages.page import HOME, Guest, Page, go, render

__all__ = ["ROUTES"]


async def _root(guest: Guest) -> Response:
    return go(HOME)


async def _show(guest: Guest) -> Response:
    return render(guest, "about.html", origin=guest.house.settings.origin)


ROUTES = (Page("/", get=_root), Page("/about", get=_show))
