"""
The pages of the console, in the order in which its navigation shows them: one table.

Each names the action of the one table of permissions that opens it: nobody is shown a page that their roles do not
open, and asking for its address is refused as well.
"""

from dataclasses import dataclass
from urllib.parse import quote

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.words.caller import Caller
from ostiary.core.words.instants import Instant

__all__ = ["HOME", "PLACES", "Place", "at", "open_to"]

HOME = "/console"


@dataclass(frozen=True, slots=True)
class Place:
    """One page of the console."""

    path: str
    title: str
    """As the navigation and the page's own heading say it."""
    action: Action
    """What somebody must be allowed to do, so that they are shown it: one that only reads."""

    def below(self, id: str) -> str:
        """The address of the one thing of this page that is called *id*."""
        return f"{self.path}/{quote(id, safe='')}"


PLACES: tuple[Place, ...] = (
    Place(HOME, "Overview", Action.READ_LOGS),
    Place("/console/signins", "Sign-ins", Action.READ_LOGS),
    Place("/console/requests", "Requests", Action.READ_EXEMPTIONS),
    Place("/console/exemptions", "Exemptions", Action.READ_EXEMPTIONS),
    Place("/console/findings", "Findings", Action.READ_LOGS),
    Place("/console/policies", "Policies", Action.READ_POLICIES),
    Place("/console/people", "People", Action.READ_DIRECTORY),
    Place("/console/groups", "Groups", Action.READ_DIRECTORY),
    Place("/console/applications", "Applications", Action.READ_DIRECTORY),
    Place("/console/devices", "Machines", Action.READ_DIRECTORY),
    Place("/console/audit", "Audit log", Action.READ_LOGS),
    Place("/console/settings", "Settings", Action.READ_POLICIES),
)
"""What lies below a page (`/console/signins/{id}`) belongs to it."""


def at(path: str) -> Place:
    """The place at *path*. Raises LookupError for one that the table does not have."""
    for place in PLACES:
        if place.path == path:
            return place
    raise LookupError(f"no place of the console at {path}")


def open_to(caller: Caller, now: Instant) -> tuple[Place, ...]:
    """The places that *caller* may look at, in their order."""
    return tuple(place for place in PLACES if judge(place.action, caller, now=now) is None)
