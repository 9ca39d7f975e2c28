"""
`/identity/conditionalAccess/namedLocations`: named locations in Graph's own JSON.
"""

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.location import LOCATION
from ostiary.services.access.locations import (
    change_location,
    create_location,
    delete_location,
    find_location,
    list_locations,
)
from ostiary.web.graph.resource import Path, changing, creating, listing, reading, removing

__all__ = ["PATHS"]

_BASE = f"/{LOCATION.name}"

PATHS: tuple[Path, ...] = (
    Path(
        _BASE,
        (
            listing(LOCATION, Action.READ_POLICIES, lambda c: list_locations(c.house, c.visit, c.query)),
            creating(LOCATION, Action.WRITE_POLICIES, lambda c: create_location(c.house, c.visit, c.changes, c.reason)),
        ),
    ),
    Path(
        _BASE + "/{id}",
        (
            reading(LOCATION, Action.READ_POLICIES, lambda c: find_location(c.house, c.visit, c.path["id"])),
            changing(
                LOCATION,
                Action.WRITE_POLICIES,
                lambda c: change_location(c.house, c.visit, c.path["id"], c.changes, c.reason, seen=c.seen),
            ),
            removing(
                LOCATION,
                Action.WRITE_POLICIES,
                lambda c: delete_location(c.house, c.visit, c.path["id"], seen=c.seen),
            ),
        ),
    ),
)
