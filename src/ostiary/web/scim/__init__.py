"""
The SCIM door: systems that know who works here tell of people and groups (RFC 7643, RFC 7644), under `/scim/v2`.

A token of its own opens it (`services/directory/provisioners.py`), and it opens nothing else. What is said and shown is
in `shapes.py`; the models, filters and patches are the library's.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ostiary.services.house import House
from ostiary.web.scim import about, groups, users
from ostiary.web.scim.door import Handler, endpoint, error
from ostiary.web.scim.shapes import BASE

__all__ = ["routes"]

_SEARCH = "/.search"
_PATHS: tuple[tuple[str, dict[str, Handler]], ...] = (
    ("/ServiceProviderConfig", {"GET": about.configuration}),
    ("/ResourceTypes", {"GET": about.resource_types}),
    ("/ResourceTypes/{id}", {"GET": about.resource_type}),
    ("/Schemas", {"GET": about.schemas}),
    ("/Schemas/{id}", {"GET": about.schema}),
    ("/Users", {"GET": users.search, "POST": users.create}),
    ("/Users" + _SEARCH, {"POST": users.search}),
    ("/Users/{id}", {"GET": users.look, "PUT": users.replace, "PATCH": users.change, "DELETE": users.delete}),
    ("/Groups", {"GET": groups.search, "POST": groups.create}),
    ("/Groups" + _SEARCH, {"POST": groups.search}),
    ("/Groups/{id}", {"GET": groups.look, "PUT": groups.replace, "PATCH": groups.change, "DELETE": groups.delete}),
)


def routes(house: House) -> list[Route]:
    """Every endpoint; whatever else is asked for below it is answered in SCIM's words."""
    there = [
        Route(BASE + path, endpoint(house, handler), methods=[method])
        for path, methods in _PATHS
        for method, handler in methods.items()
    ]
    return [*there, Route(BASE + "/{rest:path}", _nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]


async def _nothing(request: Request) -> Response:
    known = any(request.url.path.startswith(f"{BASE}{path.partition('/{')[0]}") for path, _ in _PATHS)
    return error(405, "This address does not take that method.") if known else error(404, "There is nothing here.")
