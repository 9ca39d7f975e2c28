"""
What the verbs about policies share: where they stand in the admin API, and how one is found by its name.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ostiary.cli.lookup import path
from ostiary.client.errors import Misused
from ostiary.client.graph import Graph
from ostiary.core.words.ids import is_guid

__all__ = ["BASE", "NAME", "named_policy"]

BASE = "/identity/conditionalAccess"
NAME = Annotated[str, typer.Argument(metavar="POLICY", help="The policy: name or id.")]


def named_policy(graph: Graph, name: str) -> Mapping[str, Any]:
    """The policy that *name* (its display name or id) names. Raises Misused when there is none, or more than one."""
    if is_guid(name):
        return graph.get(path(f"{BASE}/policies", name))
    found = [one for one in graph.items(f"{BASE}/policies") if one.get("displayName") == name]
    if len(found) != 1:
        raise Misused(
            f"there is {'no' if not found else 'more than one'} policy {name[:80]!r}", next_step="ostiary policy list"
        )
    return found[0]
