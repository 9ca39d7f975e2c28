"""
Applications: all registrations, and one with its risk assessment and what it lacks (R23).
"""

from urllib.parse import quote

from starlette.responses import Response

from ostiary.core.directory.applications import Application
from ostiary.core.directory.assessments import Standing
from ostiary.core.graph.application import APPLICATION
from ostiary.core.words.outcome import Refused
from ostiary.services.directory.applications import find_application, search_applications
from ostiary.services.directory.assessments import check
from ostiary.web.pages.console.frame import console_page, missing, show
from ostiary.web.pages.console.lists import Choice, Column, How, List, Search, Tag, listed, literal
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.page import Guest
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]

HERE = at("/console/applications")
_ON = Tag("enabled", "good"), Tag("disabled", "bad")
_STANDING = {
    Standing.MISSING: Tag("missing", "bad"),
    Standing.CURRENT: Tag("current", "good"),
    Standing.OVERDUE: Tag("review overdue", "bad"),
    Standing.CLOSED: Tag("closed: never reviewed", "bad"),
}


def _enabled(application: Application) -> Tag:
    return _ON[0] if application.enabled else _ON[1]


def _flows(application: Application) -> tuple[str, ...]:
    return (marked("device code"),) if application.device_flow else ()


LIST = List(
    HERE,
    APPLICATION,
    search_applications,
    (
        Column("Name", lambda a: a.name, link=lambda a: HERE.below(a.id)),
        Column("Registration", _enabled, How.TAG),
        Column("May use", _flows, How.TAG),
        Column("Verified", lambda a: marked("verified") if a.verified else "", How.TAG),
        Column("Client id", lambda a: a.id, How.CODE),
    ),
    lead="What may ask for sign-ins here. Device codes are off for each until somebody has assessed the risk.",
    empty="No application is registered yet.",
    search=Search("Name", "How it begins", lambda text: f"startswith(displayName,{literal(text)})"),
    choices=(
        Choice(
            "registration", "Registration", lambda guest: (("true", _ON[0].text), ("false", _ON[1].text)),
            lambda value: f"ostiary/enabled eq {value}",
        ),
    ),
    subject="applications",
)  # fmt: skip


async def _list(guest: Guest) -> Response:
    return await listed(guest, LIST)


async def _one(guest: Guest) -> Response:
    id = guest.path("application")[:64]
    application = await find_application(guest.house, guest.visit, id)
    if isinstance(application, Refused):
        return missing(guest, HERE, "There is no such application.")
    looked = await check(guest.house, guest.visit, application.id)
    return show(
        guest, "application.html", HERE, application=application, enabled=_enabled(application),
        looked=None if isinstance(looked, Refused) or application.admin_api else looked,
        assessed=None if isinstance(looked, Refused) else _STANDING[looked.standing],
        signins=f"/console/signins?application={quote(application.id, safe='')}", live="applications",
    )  # fmt: skip


ROUTES = (console_page(HERE, get=_list), console_page(HERE, path=HERE.path + "/{application}", get=_one))
