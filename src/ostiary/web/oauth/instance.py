"""
Instance discovery: Microsoft's clients ask whether an authority is genuine, where they are told to ask us
(`instance_discovery="https://…/common/discovery/instance"` of MSAL for Python).

We vouch for our own host and for our own tenant's names, and for nothing else.
"""

from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ostiary.services.house import House
from ostiary.web.front.answer import json_answer
from ostiary.web.oauth.door import Endpoint, public_json, response

__all__ = ["PATH", "instance"]

PATH = "/common/discovery/instance"
KEPT = 3600  # seconds

_LONGEST = 2048  # characters of an address
_UNKNOWN = {"error": "invalid_instance", "error_description": "AADSTS50049: Unknown or invalid instance."}


def instance(house: House) -> Endpoint:
    """The endpoint."""

    async def answer(request: Request) -> Response:
        asked = request.query_params.getlist("authorization_endpoint")
        tenant = _tenant(house, asked[0]) if len(asked) == 1 else ""
        if not tenant:
            return response(json_answer(400, orjson.dumps(_UNKNOWN)))
        host = urlsplit(house.settings.origin).hostname
        document = {
            "tenant_discovery_endpoint": f"{house.settings.origin}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }
        return public_json(document, seconds=KEPT)

    return answer


def _tenant(house: House, url: str) -> str:
    """The tenant that *url* names, at our host; the port is not compared, because MSAL leaves it out."""
    try:
        parts = urlsplit(url if len(url) <= _LONGEST else "")
        ours = parts.scheme == "https" and parts.hostname == urlsplit(house.settings.origin).hostname
    except ValueError:
        return ""
    name = parts.path.split("/")[1].lower() if ours and parts.path.startswith("/") else ""
    return name if name in house.desk.picture.organisation.names else ""
