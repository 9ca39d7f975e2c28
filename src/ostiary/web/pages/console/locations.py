"""
Named locations, which policies name: to be looked at. They are changed at the admin API.
"""

from starlette.responses import Response

from ostiary.core.access.stored import Stored
from ostiary.core.graph.location import LOCATION
from ostiary.services.access.locations import list_locations
from ostiary.web.pages.console.frame import console_page
from ostiary.web.pages.console.lists import Column, How, List, Search, Tag, listed, literal
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.page import Guest

__all__ = ["ROUTES"]

HERE = at("/console/policies")
PATH = HERE.below("locations")
SHOWN = 20
"""Ranges, countries and networks of one location; the export has all of them."""


def _consists(location: Stored[str]) -> tuple[str, ...]:
    document = location.document
    ranges = [str(one.get("cidrAddress")) for one in document.get("ipRanges") or ()]
    countries = [str(one) for one in document.get("countriesAndRegions") or ()]
    networks = [f"AS{number}" for number in (document.get("ostiary") or {}).get("autonomousSystems") or ()]
    unknown = ["unknown countries"] if document.get("includeUnknownCountriesAndRegions") else []
    every = (*ranges, *countries, *networks, *unknown)
    return every if len(every) <= SHOWN else (*every[:SHOWN], "…")


def _trusted(location: Stored[str]) -> Tag | str:
    return Tag("trusted", "good") if location.document.get("isTrusted") else ""


LIST = List(
    HERE,
    LOCATION,
    list_locations,
    (
        Column("Name", lambda one: str(one.document.get("displayName", ""))),
        Column("Trusted", _trusted, How.TAG),
        Column("Consists of", _consists, How.TAG),
        Column("Changed", lambda one: one.modified, How.MOMENT),
        Column("Id", lambda one: one.id, How.CODE),
    ),
    lead="Places that policies name: address ranges, countries and networks.",
    empty="There are no named locations yet.",
    search=Search("Name", "How it begins", lambda text: f"startswith(displayName,{literal(text)})"),
    subject="policies",
    path=PATH,
    title="Named locations",
)


async def _list(guest: Guest) -> Response:
    return await listed(guest, LIST)


ROUTES = (console_page(HERE, path=PATH, get=_list),)
