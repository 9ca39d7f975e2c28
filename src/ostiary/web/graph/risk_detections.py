"""
`/identityProtection/riskDetections`: what detections found; `/ostiary/detectionRules`: what they look for.
"""

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.finding import FINDING, RULE
from ostiary.services.detections.list import find_finding, list_findings, list_rules
from ostiary.web.graph.resource import Path, listing, reading

__all__ = ["PATHS"]

PATHS: tuple[Path, ...] = (
    Path(f"/{FINDING.name}", (listing(FINDING, Action.READ_LOGS, lambda c: list_findings(c.house, c.visit, c.query)),)),
    Path(
        f"/{FINDING.name}/{{id}}",
        (reading(FINDING, Action.READ_LOGS, lambda c: find_finding(c.house, c.visit, c.path["id"])),),
    ),
    Path(f"/{RULE.name}", (listing(RULE, Action.READ_LOGS, lambda c: list_rules(c.house, c.visit)),)),
)
