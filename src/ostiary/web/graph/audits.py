"""
`/auditLogs/directoryAudits`: what was changed, by whom and why.
"""

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.audit import AUDIT
from ostiary.services.logs.list import audit, audits
from ostiary.web.graph.resource import Path, listing, reading

__all__ = ["PATHS"]

PATHS: tuple[Path, ...] = (
    Path(f"/{AUDIT.name}", (listing(AUDIT, Action.READ_LOGS, lambda c: audits(c.house, c.visit, c.query)),)),
    Path(
        f"/{AUDIT.name}/{{id}}",
        (reading(AUDIT, Action.READ_LOGS, lambda c: audit(c.house, c.visit, c.path["id"])),),
    ),
)
