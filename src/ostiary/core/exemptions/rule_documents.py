"""
The rules of a group as documents: Graph's `unifiedRoleManagementPolicyRule` shapes under their fixed ids, what a new
house begins with, and which fields each has. Ours stand under the open property `ostiary` of the rule that they refine.
"""

from collections.abc import Mapping
from typing import Any

__all__ = ["DEFAULTS", "OURS", "RULE_IDS", "policy_id", "rule_type"]

_PREFIX = "#microsoft.graph.unifiedRoleManagementPolicy"
_TARGET = "microsoft.graph.unifiedRoleManagementPolicyRuleTarget"

EXPIRATION, ENABLEMENT, APPROVAL, CONTEXT = "Expiration", "Enablement", "Approval", "AuthenticationContext"


def _rule(id: str, **fields: Any) -> dict[str, Any]:
    kind, caller, level = id.split("_")
    target = {
        "@odata.type": _TARGET,
        "caller": caller,
        "operations": ["All"],
        "level": level,
        "inheritableSettings": [],
        "enforcedSettings": [],
    }
    return {"@odata.type": f"{_PREFIX}{kind}Rule", "id": id, **fields, "target": target}


_STAGE = {
    "approvalStageTimeOutInDays": 1,
    "isApproverJustificationRequired": True,
    "isEscalationEnabled": False,
    "escalationTimeInMinutes": 0,
    "escalationApprovers": [],
    "primaryApprovers": [{"@odata.type": "#ostiary.roleMembers", "role": "approver"}],
    "ostiary": {"approvalsNeeded": 1},
}

DEFAULTS: Mapping[str, dict[str, Any]] = {
    rule["id"]: rule
    for rule in (
        _rule(
            "Expiration_EndUser_Assignment",
            isExpirationRequired=True,
            maximumDuration="PT4H",
            ostiary={
                "minimumDuration": "PT30M",
                "defaultDuration": "PT1H",
                "clock": "firstUse",
                "startWindow": "PT8H",
                "consentWindow": "PT30M",
                "coolDown": "PT0S",
                "allowedHours": None,
            },
        ),
        _rule("Expiration_Admin_Assignment", isExpirationRequired=True, maximumDuration="PT4H"),
        _rule("Expiration_Admin_Eligibility", isExpirationRequired=True, maximumDuration="P365D"),
        _rule(
            "Enablement_EndUser_Assignment",
            enabledRules=["MultiFactorAuthentication", "Justification"],
            ostiary={
                "authenticationStrength": None,
                "trustedDevice": False,
                "justificationPattern": None,
                "ticketPattern": None,
                "ticketCheck": None,
                "narrowing": [],
                "maximumSignIns": None,
            },
        ),
        _rule("Enablement_Admin_Assignment", enabledRules=["Justification"]),
        _rule("Enablement_Admin_Eligibility", enabledRules=["Justification"]),
        _rule(
            "Approval_EndUser_Assignment",
            setting={
                "isApprovalRequired": True,
                "isApprovalRequiredForExtension": True,
                "isRequestorJustificationRequired": True,
                "approvalMode": "SingleStage",
                "approvalStages": [_STAGE],
            },
            ostiary={
                "requestExpiry": "PT24H",
                "authenticationStrength": None,
                "autoApproval": [],
                "breakGlass": None,
            },
        ),
        _rule("AuthenticationContext_EndUser_Assignment", isEnabled=False, claimValue=None),
    )
}
"""By id: what is in force where nothing was saved."""

RULE_IDS = tuple(DEFAULTS)

OURS: Mapping[str, tuple[str, ...]] = {id: tuple(rule.get("ostiary", {})) for id, rule in DEFAULTS.items()}
"""Which of our fields a rule may carry."""


def rule_type(id: str) -> str:
    """The `@odata.type` of the rule *id*."""
    return str(DEFAULTS[id]["@odata.type"])


def policy_id(group: str) -> str:
    """Graph's id of the policy for members of *group*."""
    return f"Group_{group}_member"
