"""
`assignmentApprovals`: the stages of a request's approval, and the decisions on them (delegated only, R3).
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.exemptions.deciding import Verdict
from ostiary.core.graph.approval import APPROVAL, DECIDING
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.instants import Span
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.exemptions.approvals import find_approval
from ostiary.services.exemptions.decide import decide_request
from ostiary.web.graph.resource import Call, Path, changing, reading

__all__ = ["PATHS"]

_BASE = f"/{APPROVAL.name}"
_MAY_READ = (Action.READ_EXEMPTIONS, Action.READ_SELF)
LONGEST_NUMBER = 3  # digits of a stage


async def _decide(call: Call) -> Any:
    result, stage = call.changes.get("result"), call.path["stage"]
    if result is None:
        return Refused(Reason.INVALID_VALUE, "Approve or Deny is needed.", field="reviewResult")
    if not (stage.isascii() and stage.isdigit() and len(stage) <= LONGEST_NUMBER):
        return Refused(Reason.NOT_FOUND)
    length = call.changes.get("duration")
    verdict = Verdict(
        result in ("Approve", "Approved"), call.changes.get("why") or "", Span(length) if length else None, int(stage)
    )
    return await decide_request(call.house, call.visit, ExemptionId(call.path["id"]), verdict)


PATHS: tuple[Path, ...] = (
    Path(
        _BASE + "/{id}",
        (reading(APPROVAL, _MAY_READ, lambda c: find_approval(c.house, c.visit, c.path["id"]), "Get the stages"),),
    ),
    *(
        Path(
            f"{_BASE}/{{id}}/{name}/{{stage}}",
            (changing(DECIDING, Action.DECIDE_REQUEST, _decide, "Approve or deny at one stage"),),
        )
        for name in ("stages", "steps")
    ),
)
