"""
Questions to policy: `/identity/conditionalAccess/evaluate` (Graph's What-If), the impact of one policy on the last
days, and the explanation of a sign-in. None of them changes anything.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.fields import Field, Kind
from ostiary.core.graph.what_if import FIELDS
from ostiary.core.words.instants import to_iso
from ostiary.core.words.outcome import Refused
from ostiary.services.access.impact import SHOWN, Impact, impact
from ostiary.services.access.what_if import explain_sign_in, what_if
from ostiary.web.graph.resource import Call, Gives, Operation, Path, acting

__all__ = ["PATHS", "document_of"]

_DAYS: tuple[Field[int], ...] = (Field("days", Kind.INTEGER, write="days", required=True, doc="From 1 to 90."),)


async def _impact(call: Call) -> dict[str, Any] | Refused:
    found = await impact(call.house, call.visit, call.path["id"], call.changes["days"])
    return found if isinstance(found, Refused) else document_of(found)


def document_of(found: Impact) -> dict[str, Any]:
    """An impact as it is answered."""
    return {
        "id": found.policy.id,
        "displayName": found.policy.name,
        "days": found.days,
        "decisions": found.decisions,
        "wouldFail": found.blocked + found.challenged,
        "wouldBlock": found.blocked,
        "wouldChallenge": found.challenged,
        "becauseUnknown": found.unknown,
        "notJudged": found.unjudged,
        "recorded": dict(sorted(found.kept.items())),
        "truncated": found.truncated,
        "people": [
            {"userId": id, "userPrincipalName": name or None, "signIns": n}
            for (id, name), n in found.people.most_common(SHOWN)
        ],
        "because": [{"missing": why, "signIns": n} for why, n in found.causes.most_common(SHOWN)],
        "signIns": [{"signInId": hit.id, "createdDateTime": to_iso(hit.at), "because": hit.why} for hit in found.hits],
    }


PATHS: tuple[Path, ...] = (
    Path(
        "/identity/conditionalAccess/evaluate",
        (
            acting(
                Action.ASK_POLICIES,
                lambda c: what_if(c.house, c.visit, c.changes),
                "Evaluate every policy over a sign-in that is only thought of",
                fields=FIELDS,
            ),
        ),
    ),
    Path(
        "/identity/conditionalAccess/policies/{id}/impact",
        (
            acting(
                Action.ASK_POLICIES,
                _impact,
                "Whom the policy, enforced, would have kept out in the last days",
                fields=_DAYS,
            ),
        ),
    ),
    Path(
        "/auditLogs/signIns/{id}/explanation",
        (
            Operation(
                "GET",
                (Action.READ_LOGS,),
                lambda c: explain_sign_in(c.house, c.visit, c.path["id"]),
                Gives.OBJECT,
                summary="Each decision of one sign-in, recomputed: every policy with the condition that decided",
            ),
        ),
    ),
)
