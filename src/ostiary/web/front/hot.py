"""
Hot paths: the protocol's endpoints, matched by their exact path before any router.

A door behind it is a plain ASGI callable; measured, a router in front of it costs as much again as its work. The first
segment is the tenant (R20): under a name that is not ours the door for unknown tenants answers.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from ostiary.core.access.picture import Organisation

__all__ = ["NO_ROUTE", "ROUTE", "Asgi", "hot", "route_of", "tenant_names"]

ROUTE = "ostiary.route"
"""Where a scope names the hot door that took it, without its tenant."""
NO_ROUTE = "other"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


def route_of(scope: Scope) -> str:
    """
    The route that a request took, as it is written in our tables: a hot door without its tenant, else Starlette's
    template. What took none is all one.
    """
    return str(scope.get(ROUTE) or getattr(scope.get("route"), "path", NO_ROUTE))


def tenant_names(organisation: Organisation) -> frozenset[str]:
    """Every name of the one tenant: its GUID, its verified domains, and the aliases (R20)."""
    return organisation.names


def hot(doors: Mapping[str, Asgi], *, names: Iterable[str], unknown: Asgi, cold: Asgi) -> Asgi:
    """
    Send a request whose path is ``/{tenant}`` and a key of *doors* to that door, or to *unknown* when the tenant is
    none of *names*; everything else to *cold*.
    """
    known = frozenset(names)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            slash = path.find("/", 1)
            door = doors.get(end := path[slash:]) if slash > 0 else None
            if door is not None:
                tenant, scope[ROUTE] = path[1:slash], end
                await (door if tenant in known or tenant.lower() in known else unknown)(scope, receive, send)
                return
        await cold(scope, receive, send)

    return dispatch
