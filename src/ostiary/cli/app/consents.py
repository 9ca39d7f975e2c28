"""
`ostiary app consent…`: which scopes of a resource an application may get, for everybody. Only administrators consent.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import application, both, literal, path, with_reason
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Verb
from ostiary.client.errors import Misused
from ostiary.client.graph import Graph

__all__ = ["VERBS"]

GRANTS = "/oauth2PermissionGrants"

Name = Annotated[str, typer.Argument(metavar="APP", help="The application: client id or name.")]
Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]
Resource = Annotated[str, typer.Option("--resource", help="The resource: client id or name of its application.")]


def consents(errand: Errand, name: Name) -> None:
    """List what an application has consent to."""
    with errand.graph() as graph:
        found = application(graph, name)
        names = {r["id"]: r.get("displayName") for r in graph.items("/applications")}
        columns: tuple[Column, ...] = (
            ("Resource", lambda r: names.get(r.get("resourceId")) or r.get("resourceId")),
            ("Scopes", lambda r: r.get("scope")),
            ("ID", lambda r: r.get("id")),
        )
        errand.screen.rows(_of(graph, found), columns)


def consent(
    errand: Errand,
    name: Name,
    *,
    resource: Resource,
    scope: Annotated[str, typer.Option("--scope", help="The scopes from now on, with spaces between.")],
    reason: Reason = "",
) -> None:
    """Consent to scopes of a resource for an application, in place of those it had there."""
    with errand.graph() as graph:
        client, target = application(graph, name), application(graph, resource)
        old = _one(graph, client, target)
        if old is not None:
            graph.patch(path(GRANTS, str(old["id"])), with_reason({"scope": scope}, reason))
        else:
            body = {
                "clientId": client["id"],
                "consentType": "AllPrincipals",
                "resourceId": target["id"],
                "scope": scope,
            }
            graph.post(GRANTS, with_reason(body, reason))
    errand.screen.say(f"{name} may have {scope} of {resource} now.", "green")
    errand.screen.event("consented", client=client.get("appId"), resource=target.get("appId"), scope=scope)


def withdraw(errand: Errand, name: Name, *, resource: Resource, reason: Reason = "") -> None:
    """Take the consent at a resource back; refreshes lose its scopes."""
    with errand.graph() as graph:
        old = _one(graph, application(graph, name), application(graph, resource))
        if old is None:
            raise Misused(f"{name} has no consent at {resource}", next_step=f"ostiary app consents {name}")
        graph.delete(path(GRANTS, str(old["id"])), reason)
    errand.screen.say(f"{name} has no consent at {resource} any more.", "green")


def _of(graph: Graph, client: Mapping[str, Any]) -> Any:
    return graph.items(GRANTS, both(f"clientId eq {literal(str(client['id']))}"))


def _one(graph: Graph, client: Mapping[str, Any], target: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((one for one in _of(graph, client) if one.get("resourceId") == target["id"]), None)


VERBS: tuple[Verb, ...] = (("consents", consents, ADMIN), ("consent", consent, ADMIN), ("withdraw", withdraw, ADMIN))
