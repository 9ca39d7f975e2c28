"""
`/ostiary/applicationChecks`: which applications are fit for the device flow, and what they lack (R23).
"""

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.readiness import CHECK
from ostiary.services.directory.assessments import check, checks
from ostiary.web.graph.resource import Path, listing, reading

__all__ = ["PATHS"]

PATHS: tuple[Path, ...] = (
    Path(
        "/ostiary/applicationChecks",
        (listing(CHECK, Action.READ_DIRECTORY, lambda c: checks(c.house, c.visit), "What applications lack"),),
    ),
    Path(
        "/ostiary/applicationChecks/{id}",
        (reading(CHECK, Action.READ_DIRECTORY, lambda c: check(c.house, c.visit, c.path["id"])),),
    ),
)
