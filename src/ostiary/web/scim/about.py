"""
`ServiceProviderConfig`, `ResourceTypes`, `Schemas`: what this service can do (RFC 7644 §4).
"""

from typing import Any

from scim2_models import Context, Meta, Resource, SearchRequest
from starlette.responses import Response

from ostiary.web.scim.door import Call, Wrong, listed, shown
from ostiary.web.scim.shapes import BASE, PROVIDER

__all__ = ["configuration", "resource_type", "resource_types", "schema", "schemas"]


def _placed(resource: Resource[Any], kind: str, place: str, origin: str) -> Resource[Any]:
    copy = resource.model_copy()
    copy.meta = Meta(resource_type=kind, location=f"{origin}{BASE}/{place}")
    return copy


def _types(call: Call) -> list[Resource[Any]]:
    return [
        _placed(one, "ResourceType", f"ResourceTypes/{one.id}", call.origin) for one in PROVIDER.resource_types
    ]  # fmt: skip


def _schemas(call: Call) -> list[Resource[Any]]:
    return [_placed(one, "Schema", f"Schemas/{one.id}", call.origin) for one in PROVIDER.schemas]


async def configuration(call: Call) -> Response:
    """GET of the one configuration."""
    config = PROVIDER.config
    assert config is not None
    placed = _placed(config, "ServiceProviderConfig", "ServiceProviderConfig", call.origin)
    return await shown(Context.RESOURCE_QUERY_RESPONSE, placed)


async def resource_types(call: Call) -> Response:
    """GET of both."""
    return await _all(call, _types(call))


async def resource_type(call: Call) -> Response:
    """GET of one."""
    return await _one(call, _types(call))


async def schemas(call: Call) -> Response:
    """GET of both."""
    return await _all(call, _schemas(call))


async def schema(call: Call) -> Response:
    """GET of one."""
    return await _one(call, _schemas(call))


async def _all(call: Call, there: list[Resource[Any]]) -> Response:
    """RFC 7644 §4: a filter on these is forbidden, and paging is left out."""
    if "filter" in call.request.query_params:
        raise Wrong(403, "These cannot be filtered.")
    return await listed(there, SearchRequest(), total=len(there))


async def _one(call: Call, there: list[Resource[Any]]) -> Response:
    wanted = next((one for one in there if one.id == call.id), None)
    if wanted is None:
        raise Wrong(404, "There is no such resource.")
    return await shown(Context.RESOURCE_QUERY_RESPONSE, wanted)
