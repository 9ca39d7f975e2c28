"""
The rules of a group as Graph's `unifiedRoleManagementPolicy`, its rules, and the assignment that says whose it is.

The stored documents are Graph's own; what they mean is `core/exemptions/compile_rules`'s alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ostiary.core.exemptions.rule_documents import policy_id
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.instants import Instant

__all__ = ["POLICY", "POLICY_ASSIGNMENT", "RULE", "OneRule", "Rules"]


class Rules(Protocol):
    """What of a group's rules is shown."""

    @property
    def group(self) -> str:
        """The group."""

    @property
    def documents(self) -> tuple[Mapping[str, Any], ...]:
        """Every rule, in Graph's order."""

    @property
    def modified(self) -> Instant | None:
        """When one was changed last."""

    @property
    def modified_by(self) -> str:
        """By whom: an actor."""


@dataclass(frozen=True, slots=True)
class OneRule:
    """One rule."""

    document: Mapping[str, Any]


_POLICY: tuple[Field[Rules], ...] = (
    Field("id", Kind.ID, lambda r: policy_id(r.group)),
    Field("displayName", Kind.STRING, lambda r: "Exemptions"),
    Field("description", Kind.STRING, lambda r: "How exemptions of the group are asked for, approved and ended."),
    Field("isOrganizationDefault", Kind.BOOL, lambda r: r.modified is None),
    Field("scopeId", Kind.ID, lambda r: r.group, column="group"),
    Field("scopeType", Kind.ID, lambda r: "Group", column="scope"),
    Field("lastModifiedDateTime", Kind.MOMENT, lambda r: r.modified),
    Field("lastModifiedBy", Kind.JSON, lambda r: {"id": r.modified_by.partition(":")[2]} if r.modified_by else None),
    Field("rules", Kind.JSON, lambda r: list(r.documents)),
    Field("effectiveRules", Kind.JSON, lambda r: list(r.documents)),
)

POLICY: Shape[Rules] = Shape("policies/roleManagementPolicies", "microsoft.graph.unifiedRoleManagementPolicy", _POLICY)

POLICY_ASSIGNMENT: Shape[Rules] = Shape(
    "policies/roleManagementPolicyAssignments",
    "microsoft.graph.unifiedRoleManagementPolicyAssignment",
    (
        Field("id", Kind.ID, lambda r: f"Group_{r.group}_member_assignment"),
        Field("policyId", Kind.ID, lambda r: policy_id(r.group)),
        Field("scopeId", Kind.ID, lambda r: r.group, column="group"),
        Field("scopeType", Kind.ID, lambda r: "Group", column="scope"),
        Field("roleDefinitionId", Kind.ID, lambda r: "member", column="role"),
        Field("policy", Kind.OBJECT, lambda r: r, fields=_POLICY),
    ),
)


def _part(name: str) -> Any:
    return lambda r: r.document.get(name)


RULE: Shape[OneRule] = Shape(
    "policies/roleManagementPolicies/rules",
    "microsoft.graph.unifiedRoleManagementPolicyRule",
    (
        Field("@odata.type", Kind.ID, _part("@odata.type")),
        Field("id", Kind.ID, _part("id"), write="id"),
        Field("isExpirationRequired", Kind.BOOL, _part("isExpirationRequired"), write="isExpirationRequired"),
        Field("maximumDuration", Kind.ID, _part("maximumDuration"), write="maximumDuration"),
        Field("enabledRules", Kind.STRINGS, _part("enabledRules"), write="enabledRules"),
        Field("setting", Kind.JSON, _part("setting"), write="setting"),
        Field("isEnabled", Kind.BOOL, _part("isEnabled"), write="isEnabled"),
        Field("claimValue", Kind.ID, _part("claimValue"), write="claimValue", null=True),
        Field("target", Kind.JSON, _part("target"), write="target"),
        Field("ostiary", Kind.JSON, _part("ostiary"), write="ostiary", doc="docs/exemptions.md."),
    ),
)
