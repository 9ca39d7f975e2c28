"""
`ostiary app`: applications: registering one, and whether it may sign people in with a code.

`--like` fills a registration in for a well-known public client (R18); the device flow stays off until somebody allows
it, with a reason (R23).
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import application, path, with_reason
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Noun
from ostiary.client.errors import Misused

__all__ = ["APP", "WELL_KNOWN"]

Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]
Why = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]
Name = Annotated[str, typer.Argument(metavar="APP", help="The application: client id or name.")]

WELL_KNOWN: Mapping[str, Mapping[str, Any]] = {
    "azure-cli": {
        "displayName": "Azure CLI",
        "appId": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "ostiary": {"microsoftFamily": True, "entraErrors": True},
    },
    "graph-cli": {
        "displayName": "Microsoft Graph Command Line Tools",
        "appId": "14d82eec-204b-4c2f-b7e8-296a70dab67e",
        "ostiary": {"microsoftFamily": True, "entraErrors": True},
    },
}
"""Public clients whose ids are built into programs."""


def _own(name: str) -> Any:
    return lambda resource: (resource.get("ostiary") or {}).get(name)


COLUMNS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("displayName")),
    ("Client id", lambda r: r.get("appId")),
    ("Device flow", _own("deviceFlow")),
    ("Enabled", _own("enabled")),
    ("Public", lambda r: r.get("isFallbackPublicClient")),
)
DETAILS: tuple[Column, ...] = (
    *COLUMNS,
    ("Redirects", lambda r: (r.get("publicClient") or {}).get("redirectUris")),
    ("Resource", lambda r: r.get("identifierUris")),
    ("Created", lambda r: r.get("createdDateTime")),
)


def list_(errand: Errand) -> None:
    """List applications."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items("/applications"), COLUMNS)


def show(errand: Errand, name: Name) -> None:
    """Show one application."""
    with errand.graph() as graph:
        errand.screen.record(application(graph, name), DETAILS)


def add(
    errand: Errand,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The name that people see.")] = "",
    *,
    like: Annotated[str, typer.Option("--like", help=f"As a well-known client: {', '.join(WELL_KNOWN)}.")] = "",
    redirect: Annotated[
        list[str] | None, typer.Option("--redirect", help="A redirect URI; may be given again.")
    ] = None,
    reason: Reason = "",
) -> None:
    """Register a public client; the device flow stays off until it is allowed."""
    body = _registration(name, like, redirect or [])
    with errand.graph() as graph:
        created = graph.post("/applications", with_reason(body, reason))
    errand.screen.say(f"Registered {created.get('displayName')}.", "green")
    errand.screen.say(f'  next:         ostiary app allow-device-flow {created.get("appId")} --reason "why"')
    errand.screen.record(created, DETAILS)


def allow_device_flow(errand: Errand, name: Name, *, reason: Why) -> None:
    """Let an application sign people in with a code (policies and exemptions still decide)."""
    _switch(errand, name, {"deviceFlow": True}, reason)
    errand.screen.say(f"{name} may use the device flow now.", "green")


def forbid_device_flow(errand: Errand, name: Name, *, reason: Why) -> None:
    """Take the device flow away from an application."""
    _switch(errand, name, {"deviceFlow": False}, reason)
    errand.screen.say(f"{name} may not use the device flow any more.", "green")


def delete(errand: Errand, name: Name) -> None:
    """Delete an application."""
    with errand.graph() as graph:
        graph.delete(path("/applications", str(application(graph, name)["id"])))
    errand.screen.say(f"Deleted {name}.", "green")


def _registration(name: str, like: str, redirects: list[str]) -> dict[str, Any]:
    if like and like not in WELL_KNOWN:
        raise Misused(f"--like: {like[:40]!r} is not known (one of {', '.join(WELL_KNOWN)})")
    body: dict[str, Any] = {"isFallbackPublicClient": True, **(WELL_KNOWN[like] if like else {})}
    if name:
        body["displayName"] = name
    if "displayName" not in body:
        raise Misused("an application needs a name (or --like)")
    if redirects:
        body["publicClient"] = {"redirectUris": redirects}
    return body


def _switch(errand: Errand, name: str, own: dict[str, Any], reason: str) -> None:
    with errand.graph() as graph:
        found = application(graph, name)
        graph.patch(path("/applications", str(found["id"])), with_reason({"ostiary": own}, reason))


APP: Noun = (
    "app",
    "Applications.",
    (
        ("list", list_, ADMIN),
        ("show", show, ADMIN),
        ("add", add, ADMIN),
        ("allow-device-flow", allow_device_flow, ADMIN),
        ("forbid-device-flow", forbid_device_flow, ADMIN),
        ("delete", delete, ADMIN),
    ),
)
