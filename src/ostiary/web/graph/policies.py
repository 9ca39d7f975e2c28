"""
`/identity/conditionalAccess/policies`: policies in Graph's own JSON; saving refuses what cannot be enforced.
"""

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.policy import POLICY, document_of
from ostiary.services.access.policies import (
    change_policy,
    create_policy,
    delete_policy,
    find_policy,
    list_policies,
)
from ostiary.web.graph.resource import Path, changing, creating, listing, reading, removing

__all__ = ["PATHS"]

_BASE = "/identity/conditionalAccess/policies"

PATHS: tuple[Path, ...] = (
    Path(
        _BASE,
        (
            listing(POLICY, Action.READ_POLICIES, lambda c: list_policies(c.house, c.visit, c.query)),
            creating(
                POLICY,
                Action.WRITE_POLICIES,
                lambda c: create_policy(c.house, c.visit, document_of(c.changes), c.reason),
            ),
        ),
    ),
    Path(
        _BASE + "/{id}",
        (
            reading(POLICY, Action.READ_POLICIES, lambda c: find_policy(c.house, c.visit, c.path["id"])),
            changing(
                POLICY,
                Action.WRITE_POLICIES,
                lambda c: change_policy(c.house, c.visit, c.path["id"], document_of(c.changes), c.reason, seen=c.seen),
            ),
            removing(
                POLICY,
                Action.WRITE_POLICIES,
                lambda c: delete_policy(c.house, c.visit, c.path["id"], seen=c.seen),
            ),
        ),
    ),
)
