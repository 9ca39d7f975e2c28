"""
From the names that people type to the ids that the admin API takes, and from flags to `$filter`.

A name goes into a path percent-encoded and into a filter quoted, so nothing typed can become another query.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ostiary.client.errors import DeniedByPolicy, Misused
from ostiary.client.graph import Graph
from ostiary.core.words.ids import is_guid

__all__ = ["actor", "application", "both", "device", "group", "group_id", "literal", "path", "user", "with_reason"]

EXCEPTION_GROUP = "Device Code Flow Exception"


def path(collection: str, key: str, *more: str) -> str:
    """``/users/alice%40example.com/…``"""
    return "/".join([collection, quote(key, safe=""), *more])


def literal(text: str) -> str:
    """A text literal of OData (quotes doubled)."""
    return "'" + text.replace("'", "''") + "'"


def both(*conditions: str) -> dict[str, str]:
    """`$filter` of those conditions that are not empty; no parameter when there is none."""
    given = [condition for condition in conditions if condition]
    return {"$filter": " and ".join(given)} if given else {}


def user(graph: Graph, name: str) -> Mapping[str, Any]:
    """The account that *name* (its address or id) names. Raises Misused."""
    return graph.get(path("/users", name))


def actor(graph: Graph, by: object) -> str:
    """What an actor of the journal is called: a person by name, if one may look that up; else as the journal has it."""
    shown = str(by or "")
    kind, _, id = shown.partition(":")
    if kind != "user" or not is_guid(id):
        return shown
    try:
        return str(user(graph, id).get("userPrincipalName") or shown)
    except (DeniedByPolicy, Misused):  # an account that is gone, or not everybody's to look at
        return shown


def group(graph: Graph, name: str) -> Mapping[str, Any]:
    """The group that *name* (its display name or id) names. Raises Misused when there is none, or more than one."""
    if is_guid(name):
        return graph.get(path("/groups", name))
    return _only(graph, "/groups", "group", "group", name)


def group_id(graph: Graph, name: str) -> str:
    """The id of the group that *name* names."""
    return str(group(graph, name)["id"])


def application(graph: Graph, name: str) -> Mapping[str, Any]:
    """The application that *name* (its client id or display name) names. Raises Misused."""
    if is_guid(name):
        return graph.get(f"/applications(appId='{name}')")
    return _only(graph, "/applications", "application", "app", name)


def device(graph: Graph, name: str) -> Mapping[str, Any]:
    """The device that *name* (its id or display name) names. Raises Misused when there is none, or more than one."""
    if is_guid(name):
        return graph.get(path("/devices", name))
    return _only(graph, "/devices", "device", "device", name)


def with_reason(body: dict[str, Any], reason: str) -> dict[str, Any]:
    """*body* with the reason that the audit log is to keep."""
    return body | {"ostiary": {**body.get("ostiary", {}), "reason": reason}} if reason else body


def _only(graph: Graph, collection: str, what: str, verb: str, name: str) -> Mapping[str, Any]:
    found = list(graph.items(collection, both(f"displayName eq {literal(name)}"), most=2))
    if len(found) != 1:
        count = "no" if not found else "more than one"
        raise Misused(f"there is {count} {what} {name[:80]!r}", next_step=f"ostiary {verb} list")
    return found[0]
