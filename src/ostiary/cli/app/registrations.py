"""
Applications themselves: registering one, changing it, and whether it may sign people in with a code.

`--like` has the server fill a registration in as a well-known public client (R18). The device flow stays off until
somebody allows it, with a reason (R23).
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import application, path, with_reason
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Verb
from ostiary.client.errors import Misused

__all__ = ["LAST", "VERBS"]

Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]
Name = Annotated[str, typer.Argument(metavar="APP", help="The application: client id or name.")]
Redirects = Annotated[list[str] | None, typer.Option("--redirect", help="A redirect URI; may be given again.")]


def _own(name: str) -> Any:
    return lambda resource: (resource.get("ostiary") or {}).get(name)


def _redirects(resource: Mapping[str, Any]) -> list[str]:
    return [uri for kind in ("publicClient", "web") for uri in (resource.get(kind) or {}).get("redirectUris", [])]


def _scopes(resource: Mapping[str, Any]) -> list[str]:
    return [str(scope.get("value")) for scope in (resource.get("api") or {}).get("oauth2PermissionScopes", [])]


COLUMNS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("displayName")),
    ("Client id", lambda r: r.get("appId")),
    ("Device flow", _own("deviceFlow")),
    ("Verified", _own("verified")),
    ("Enabled", _own("enabled")),
    ("Public", lambda r: r.get("isFallbackPublicClient")),
)
DETAILS: tuple[Column, ...] = (
    *COLUMNS,
    ("Redirects", _redirects),
    ("Resource", lambda r: r.get("identifierUris")),
    ("Offers", _scopes),
    ("Reach", _own("reach")),
    ("Number", _own("numberConfirmation")),
    ("Same device", _own("sameDevice")),
    ("Start ticket", _own("startTicket")),
    ("Reference", _own("referenceBinding")),
    ("Machine name", _own("machineBinding")),
    ("May ask", _own("exemptionRequests")),
    ("Assigned only", _own("assignmentRequired")),
    ("Code life", _own("codeLifetime")),
    ("Token life", _own("tokenLifetime")),
    ("Secrets", lambda r: len(r.get("passwordCredentials") or ())),
    ("Created", lambda r: r.get("createdDateTime")),
)


Reference = Annotated[
    str, typer.Option("--reference", help="A ticket's number typed on the page: optional or required.")
]
Asks = Annotated[
    bool | None, typer.Option("--asks/--no-asks", help="Whether its sign-ins may ask for their person's exemption.")
]
SameDevice = Annotated[
    str, typer.Option("--same-device", help="A code approved where it was made: allow, warn or refuse.")
]
Machine = Annotated[str, typer.Option("--machine", help="The machine's name typed on the page: optional or required.")]


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
    like: Annotated[
        str, typer.Option("--like", help="As a well-known client: azure-cli, azure-powershell, graph-cli.")
    ] = "",
    redirect: Redirects = None,
    confidential: Annotated[bool, typer.Option("--confidential", help="It can keep a secret.")] = False,
    resource: Annotated[
        list[str] | None, typer.Option("--resource", help="Tokens are for it under this address; may be given again.")
    ] = None,
    offers: Annotated[
        list[str] | None,
        typer.Option("--offers", metavar="SCOPE=TEXT", help="A scope of it, in words for people; may be given again."),
    ] = None,
    verified: Annotated[
        bool, typer.Option("--verified", help="You looked at it and its name, also at words that others own.")
    ] = False,
    reason: Reason = "",
) -> None:
    """Register an application; the device flow stays off until it is allowed."""
    if not name and not like:
        raise Misused("an application needs a name (or --like)")
    body: dict[str, Any] = {"displayName": name} if name else {}
    if not like:
        body["isFallbackPublicClient"] = not confidential
    own = ({"like": like} if like else {}) | ({"verified": True} if verified else {})
    body |= _addresses(redirect, confidential) | ({"ostiary": own} if own else {})
    body |= {"identifierUris": resource} if resource else {}
    body |= {"api": {"oauth2PermissionScopes": [_offer(text) for text in offers]}} if offers else {}
    with errand.graph() as graph:
        created = graph.post("/applications", with_reason(body, reason))
    errand.screen.say(f"Registered {created.get('displayName')}.", "green")
    errand.screen.say(f"  next:         {_next(created)}")
    errand.screen.record(created, DETAILS)


def change(
    errand: Errand,
    name: Name,
    *,
    new_name: Annotated[str, typer.Option("--name", help="The name that people see from now on.")] = "",
    redirect: Redirects = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable", help="Whether it may be used at all.")] = None,
    assigned: Annotated[
        bool | None, typer.Option("--assigned-only/--everybody", help="Whether people must be assigned to it.")
    ] = None,
    verified: Annotated[
        bool | None,
        typer.Option("--verified/--unverified", help="Whether you looked at it and its name; people are shown this."),
    ] = None,
    pkce: Annotated[str, typer.Option("--pkce", help="In the device flow: optional or required.")] = "",
    dpop: Annotated[
        str, typer.Option("--dpop", help="Tokens bound to a key of the requester: never, optional or required.")
    ] = "",
    certificate: Annotated[
        str, typer.Option("--certificate", help="Or to its TLS certificate: never, optional or required.")
    ] = "",
    number: Annotated[
        str, typer.Option("--number", help="A number typed on the machine after consent: never, optional or required.")
    ] = "",
    ticket: Annotated[str, typer.Option("--start-ticket", help="A ticket before a code: optional or required.")] = "",
    reference: Reference = "",
    machine: Machine = "",
    same_device: SameDevice = "",
    asks: Asks = None,
    reach: Annotated[
        list[str] | None, typer.Option("--reach", help="A resource that a refresh may name; may be given again.")
    ] = None,
    reason: Reason = "",
) -> None:
    """Change a registration; what is not named stays. What it no longer allows ends at the next use."""
    own = {
        "enabled": enabled,
        "assignmentRequired": assigned,
        "pkce": pkce or None,
        "dpop": dpop or None,
        "certificate": certificate or None,
        "reach": reach,
        "verified": verified,
        "numberConfirmation": number or None,
        "sameDevice": same_device or None,
        "startTicket": ticket or None,
        "referenceBinding": reference or None,
        "machineBinding": machine or None,
        "exemptionRequests": asks,
    }
    own = {key: value for key, value in own.items() if value is not None}
    body = ({"displayName": new_name} if new_name else {}) | ({"ostiary": own} if own else {})
    if not body and not redirect:
        raise Misused("nothing is named that is to change")
    with errand.graph() as graph:
        found = application(graph, name)
        body |= _addresses(redirect, not found.get("isFallbackPublicClient"))
        graph.patch(path("/applications", str(found["id"])), with_reason(body, reason))
        errand.screen.say(f"Changed {name}.", "green")
        errand.screen.record(application(graph, str(found["appId"])), DETAILS)


def allow_device_flow(errand: Errand, name: Name, *, reason: Reason) -> None:
    """Let an application sign people in with a code (policies and exemptions still decide)."""
    _switch(errand, name, {"deviceFlow": True}, reason)
    errand.screen.say(f"{name} may use the device flow now.", "green")


def forbid_device_flow(errand: Errand, name: Name, *, reason: Reason) -> None:
    """Take the device flow away from an application."""
    _switch(errand, name, {"deviceFlow": False}, reason)
    errand.screen.say(f"{name} may not use the device flow any more.", "green")


def delete(
    errand: Errand,
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Reason = "",
) -> None:
    """Delete an application, with its consents, assignments and secrets."""
    with errand.graph() as graph:
        found = application(graph, name)
        errand.confirm(f"Delete the application {found.get('displayName')}, for good?", yes=yes)
        graph.delete(path("/applications", str(found["id"])), reason)
    errand.screen.say(f"Deleted {name}.", "green")


def _addresses(redirects: list[str] | None, confidential: bool) -> dict[str, Any]:
    return {"web" if confidential else "publicClient": {"redirectUris": redirects}} if redirects else {}


def _offer(text: str) -> dict[str, str]:
    value, mark, words = text.partition("=")
    if not mark or not value or not words:
        raise Misused(f"--offers: {text[:80]!r} is not of the form SCOPE=TEXT")
    return {"value": value, "adminConsentDescription": words}


def _next(created: Mapping[str, Any]) -> str:
    """What a new registration lacks before somebody can sign in by it."""
    id = created.get("appId")
    if not created.get("isFallbackPublicClient"):
        return f"ostiary app add-secret {id}"
    steps = ('consent {} --resource NAME --scope "..."', "assess {} --file FILE", 'allow-device-flow {} --reason "why"')
    return "; ".join(f"ostiary app {step.format(id)}" for step in steps)


def _switch(errand: Errand, name: str, own: dict[str, Any], reason: str) -> None:
    with errand.graph() as graph:
        found = application(graph, name)
        graph.patch(path("/applications", str(found["id"])), with_reason({"ostiary": own}, reason))


VERBS: tuple[Verb, ...] = (
    ("list", list_, ADMIN),
    ("show", show, ADMIN),
    ("add", add, ADMIN),
    ("change", change, ADMIN),
    ("allow-device-flow", allow_device_flow, ADMIN),
    ("forbid-device-flow", forbid_device_flow, ADMIN),
)
LAST: tuple[Verb, ...] = (("delete", delete, ADMIN),)
