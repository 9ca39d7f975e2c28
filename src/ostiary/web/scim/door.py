"""
What every SCIM endpoint shares: the provisioner's token, bodies, answers, errors (RFC 7644 §2, §3.1, §3.12).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError
from scim2_models import Context, Error, ListResponse, Resource, SCIMException, ScimFilter, SearchRequest
from starlette.requests import Request
from starlette.responses import Response

from ostiary.core.words.caller import CallerKind
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.provisioners import provisioning_visit
from ostiary.services.house import House
from ostiary.web.front.credentials import authorization
from ostiary.web.front.forms import body
from ostiary.web.front.visit import visit
from ostiary.web.scim.shapes import MOST_SHOWN, PROVIDER

__all__ = ["Call", "Handler", "Wrong", "endpoint", "error", "found", "listed", "narrowed", "page_of", "shown"]

MEDIA = "application/scim+json"
LONGEST_FILTER = 1_000
FARTHEST = 2**31
"""Resources that a page may skip."""
_TYPES = ("application/scim+json", "application/json")

_STATUS: dict[Reason, tuple[int, str | None]] = {
    Reason.NOT_FOUND: (404, None),
    Reason.FORBIDDEN: (403, None),
    Reason.NOT_SIGNED_IN: (401, None),
    Reason.CONFLICT: (409, "uniqueness"),
    Reason.LAST_ADMINISTRATOR: (409, None),
    Reason.WRONG_STATE: (409, None),
    Reason.INVALID_VALUE: (400, "invalidValue"),
}
"""Status and `scimType` of what deeds refuse; anything else is 400."""


class Wrong(Exception):
    """An answer that is an error; raised while a request is read."""

    def __init__(self, status: int, detail: str, kind: str | None = None) -> None:
        """*kind* is the `scimType` (RFC 7644 §3.12)."""
        super().__init__(detail)
        self.answer = error(status, detail, kind)


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a provisioner."""

    house: House
    visit: Visit
    request: Request

    @property
    def origin(self) -> str:
        """Where this service is, without a slash at the end."""
        return self.house.settings.origin

    @property
    def id(self) -> str:
        """The resource that the path names."""
        return str(self.request.path_params["id"])[:64]

    async def json(self) -> dict[str, Any]:
        """The body. Raises Wrong."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _TYPES:
            raise Wrong(415, "Send application/scim+json.")
        raw = await body(self.request.receive)
        if raw is None:
            raise Wrong(413, "A request has at most 64 KiB.")
        try:
            read = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise Wrong(400, "This is not JSON.", "invalidSyntax") from None
        if not isinstance(read, dict):
            raise Wrong(400, "A JSON object is needed.", "invalidSyntax")
        return read

    async def search(self, kind: type[Resource[Any]]) -> SearchRequest[Any]:
        """What query or, at `.search`, body asks for. Raises Wrong, ValidationError, SCIMException."""
        posted = self.request.url.path.endswith("/.search")
        asked: dict[str, Any] = await self.json() if posted else dict(self.request.query_params)
        if len(str(asked.get("filter", ""))) > LONGEST_FILTER:
            raise Wrong(400, f"A filter has at most {LONGEST_FILTER} characters.", "invalidFilter")
        return SearchRequest[kind].model_validate(asked)  # type: ignore[valid-type]


Handler = Callable[[Call], Awaitable[Response]]


def endpoint(house: House, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """*handler* for requests that a provisioner's token opens; what it raises is answered in SCIM's words."""

    async def answer(request: Request) -> Response:
        seen = await provisioning_visit(house, visit(request.scope, house), authorization(request.scope, "bearer"))
        if seen.caller.kind is not CallerKind.PROVISIONER:
            return error(401, "A provisioner's token is needed.")
        try:
            with PROVIDER:
                return await handler(Call(house, seen, request))
        except Wrong as wrong:
            return wrong.answer
        except ValidationError as wrong:
            return _told(Error.from_validation_error(wrong.errors()[0]))
        except SCIMException as wrong:
            return _told(wrong.to_error())
        except RecursionError:
            return error(400, "This is nested too deep.", "invalidSyntax")

    return answer


async def shown(
    kind: Context, resource: Resource[Any], *, status: int = 200, search: SearchRequest[Any] | None = None
) -> Response:
    """*resource* with the attributes that *search* asked for."""
    document = await asyncio.to_thread(resource.model_dump, scim_ctx=kind, response_parameters=search)
    headers = {"location": str(resource.meta.location)} if status == 201 and resource.meta else {}
    return _json(document, status, headers)


async def listed(resources: Sequence[Resource[Any]], search: SearchRequest[Any], *, total: int) -> Response:
    """A page of *resources*, of *total* in all."""

    def dumped() -> list[dict[str, Any]]:
        kind = Context.RESOURCE_QUERY_RESPONSE
        return [one.model_dump(scim_ctx=kind, response_parameters=search) for one in resources]

    kept = await asyncio.to_thread(dumped)
    schema = str(ListResponse.__schema__)
    document = {
        "schemas": [schema], "totalResults": total, "startIndex": min(FARTHEST, search.start_index or 1),
        "itemsPerPage": len(kept), "Resources": kept,
    }  # fmt: skip
    return _json(document, 200)


async def narrowed(
    asked: SearchRequest[Any], kind: type[Resource[Any]], resources: Callable[[], Iterable[Resource[Any]]]
) -> Response:
    """The page that *asked* wants of those of *resources* which its filter takes: each is looked at, in a thread."""
    filter_ = ScimFilter[kind](asked.filter)  # type: ignore[valid-type]
    kept = await asyncio.to_thread(lambda: [one for one in resources() if filter_.match(one)])
    skipped, most = page_of(asked)
    return await listed(kept[skipped : skipped + most], asked, total=len(kept))


def error(status: int, detail: str, kind: str | None = None) -> Response:
    """RFC 7644 §3.12."""
    return _told(Error(status=status, detail=detail, scim_type=kind))


def found(answer: Any) -> Any:
    """*answer*, if a deed gave it. Raises Wrong with what it refused."""
    if isinstance(answer, Refused):
        status, kind = _STATUS.get(answer.reason, (400, None))
        raise Wrong(status, answer.detail or answer.reason.value.replace("_", " "), kind)
    return answer


def page_of(search: SearchRequest[Any]) -> tuple[int, int]:
    """How many resources are skipped, and how many are shown at most."""
    skipped = min(FARTHEST, max(0, (search.start_index or 1) - 1))
    count = MOST_SHOWN if search.count is None else search.count
    return skipped, max(0, min(MOST_SHOWN, count))


def _told(wrong: Error) -> Response:
    status = int(wrong.status or 400)
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}
    return _json(wrong.model_dump(), status, headers)


def _json(document: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(document, default=str), status, headers={"cache-control": "no-store", **(headers or {})},
        media_type=MEDIA,
    )  # fmt: skip
