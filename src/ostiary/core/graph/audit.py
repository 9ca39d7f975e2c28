"""
A journal entry that is no sign-in as Graph's `directoryAudit`.

What changed stands under `modifiedProperties` where the entry says *before* and *after*, everything else that it says
under `additionalDetails`; our own words for it under the open property `ostiary`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.logs import kinds
from ostiary.core.logs.entry import Recorded

Was = kinds.Kind


class Activity(NamedTuple):
    """How Graph calls what happened."""

    name: str
    category: str
    operation: str
    service: str = "Core Directory"
    failed: bool = False


_PIM = "PIM"
_CA = "Conditional Access"
_REGISTRATION, _DEVICES = "Device Registration Service", "Device"

ACTIVITIES: Mapping[str, Activity] = {
    Was.SESSIONS_ENDED: Activity("Revoke sign-in sessions", "UserManagement", "Update"),
    Was.EXEMPTION_OPENED: Activity("Add member to group", "GroupManagement", "Assign", _PIM),
    Was.EXEMPTION_ENDED: Activity("Remove member from group", "GroupManagement", "Unassign", _PIM),
    Was.EXEMPTION_RAN_OUT: Activity("Remove member from group (expired)", "GroupManagement", "Unassign", _PIM),
    Was.EXEMPTION_UNUSED: Activity("Activation lapsed unused (PIM)", "GroupManagement", "Unassign", _PIM),
    Was.EXEMPTION_BEGUN: Activity("Start activation (PIM)", "GroupManagement", "Assign", _PIM),
    Was.EXEMPTION_EXTENDED: Activity("Extend activation (PIM)", "GroupManagement", "Update", _PIM),
    Was.REQUEST_MADE: Activity("Add member to group requested (PIM activation)", "GroupManagement", "Add", _PIM),
    Was.REQUEST_REFUSED: Activity("Refuse request (PIM activation)", "GroupManagement", "Add", _PIM, failed=True),
    Was.REQUEST_DECIDED: Activity("Decide request (PIM activation)", "GroupManagement", "Update", _PIM),
    Was.REQUEST_APPROVED: Activity(
        "Add member to group request approved (PIM activation)", "GroupManagement", "Assign", _PIM
    ),
    Was.REQUEST_WITHDRAWN: Activity("Cancel request (PIM activation)", "GroupManagement", "Delete", _PIM),
    Was.REQUEST_KILLED: Activity("End request (PIM activation)", "GroupManagement", "Delete", _PIM),
    Was.REQUEST_LAPSED: Activity("Request expired (PIM activation)", "GroupManagement", "Delete", _PIM),
    Was.REQUEST_REMINDED: Activity("Remind approvers (PIM activation)", "GroupManagement", "Update", _PIM),
    Was.REQUEST_ESCALATED: Activity("Escalate request (PIM activation)", "GroupManagement", "Update", _PIM),
    Was.REQUEST_LAPSES_SOON: Activity("Request about to expire (PIM activation)", "GroupManagement", "Update", _PIM),
    Was.EXEMPTION_ENDS_SOON: Activity("Activation about to expire (PIM)", "GroupManagement", "Update", _PIM),
    Was.REVIEW_OWED: Activity("Review of break-glass activation owed", "GroupManagement", "Update", _PIM),
    Was.BREAK_GLASS_REVIEWED: Activity("Review break-glass activation", "GroupManagement", "Update", _PIM),
    Was.ELIGIBILITY_GIVEN: Activity("Add eligible member to group in PIM", "GroupManagement", "Assign", _PIM),
    Was.ELIGIBILITY_ENDED: Activity("Remove eligible member from group in PIM", "GroupManagement", "Unassign", _PIM),
    Was.EXEMPTION_RULES_CHANGED: Activity("Update role setting in PIM", "GroupManagement", "Update", _PIM),
    Was.REVIEW_STARTED: Activity("Create access review", "Policy", "Add", "Access Reviews"),
    Was.REVIEW_DECIDED: Activity("Approve or deny decision in access review", "Policy", "Update", "Access Reviews"),
    Was.REVIEW_STOPPED: Activity("Stop access review", "Policy", "Update", "Access Reviews"),
    Was.USER_CREATED: Activity("Add user", "UserManagement", "Add"),
    Was.USER_CHANGED: Activity("Update user", "UserManagement", "Update"),
    Was.USER_DELETED: Activity("Delete user", "UserManagement", "Delete"),
    Was.USER_ERASED: Activity("Erase data of user", "UserManagement", "Delete"),
    Was.PASSWORD_LINK: Activity("Create password link", "UserManagement", "Add"),
    Was.PASSWORD_SET: Activity("Set user password", "UserManagement", "Update"),
    Was.PASSWORD_CHANGED: Activity("Change user password", "UserManagement", "Update"),
    Was.PASSWORD_CHANGE_REFUSED: Activity("Refuse change of user password", "UserManagement", "Update", failed=True),
    Was.AUTHENTICATOR_ADDED: Activity("User registered security info", "UserManagement", "Add"),
    Was.PASSKEY_ADDED: Activity("User registered passkey", "UserManagement", "Add"),
    Was.PASSKEY_REMOVED: Activity("User deleted passkey", "UserManagement", "Delete"),
    Was.PASSKEY_PARTED: Activity("Admin parted passkey of user from its device", "UserManagement", "Update"),
    Was.PASSKEY_TAKEN: Activity("Admin deleted passkey of user", "UserManagement", "Delete"),
    Was.RECOVERY_CODES_MADE: Activity("User registered recovery codes", "UserManagement", "Add"),
    Was.RECOVERY_CODE_USED: Activity("User used recovery code", "UserManagement", "Update"),
    Was.ACCESS_PASS_MADE: Activity("Admin registered temporary access pass method for user", "UserManagement", "Add"),
    Was.ACCESS_PASS_USED: Activity("User used temporary access pass", "UserManagement", "Update"),
    Was.TICKET_TAKEN: Activity("Take start ticket", "Authentication", "Add"),
    Was.MFA_RESET: Activity("Admin deleted security info", "UserManagement", "Delete"),
    Was.LINKED: Activity("Link user to upstream identity", "UserManagement", "Assign"),
    Was.UNLINKED: Activity("Unlink user from upstream identity", "UserManagement", "Unassign"),
    Was.UPSTREAM_ENDED: Activity("End sessions of user gone upstream", "UserManagement", "Update"),
    Was.GROUP_CREATED: Activity("Add group", "GroupManagement", "Add"),
    Was.GROUP_CHANGED: Activity("Update group", "GroupManagement", "Update"),
    Was.GROUP_DELETED: Activity("Delete group", "GroupManagement", "Delete"),
    Was.MEMBER_ADDED: Activity("Add standing member to group", "GroupManagement", "Assign"),
    Was.MEMBER_REMOVED: Activity("Remove standing member from group", "GroupManagement", "Unassign"),
    Was.DEVICE_ASKED: Activity("Request device enrollment", _DEVICES, "Add", _REGISTRATION),
    Was.DEVICE_REFUSED: Activity("Refuse device enrollment", _DEVICES, "Add", _REGISTRATION, failed=True),
    Was.DEVICE_REGISTERED: Activity("Add device", _DEVICES, "Add", _REGISTRATION),
    Was.DEVICE_ADMITTED: Activity("Register device", _DEVICES, "Add", _REGISTRATION),
    Was.DEVICE_CHANGED: Activity("Update device", _DEVICES, "Update", _REGISTRATION),
    Was.DEVICE_COMPLIANCE: Activity("Update device compliance", _DEVICES, "Update", _REGISTRATION),
    Was.DEVICE_REVOKED: Activity("Disable device", _DEVICES, "Update", _REGISTRATION),
    Was.DEVICE_DELETED: Activity("Delete device", _DEVICES, "Delete", _REGISTRATION),
    Was.DEVICE_LAPSED: Activity("Device lapsed", _DEVICES, "Update", _REGISTRATION),
    Was.DEVICE_RULE_CHANGED: Activity("Update device admission rule", "Policy", "Update", _REGISTRATION),
    Was.DEVICE_HOOK_ADDED: Activity("Add compliance webhook", "Policy", "Add", _REGISTRATION),
    Was.PROVISIONER_ADDED: Activity("Add provisioner", "UserManagement", "Add"),
    Was.PROVISIONER_TOKEN: Activity("Add provisioner token", "UserManagement", "Update"),
    Was.PROVISIONER_REMOVED: Activity("Remove provisioner", "UserManagement", "Delete"),
    Was.PROVISIONER_GIVEN: Activity("Give user to provisioner", "UserManagement", "Update"),
    Was.DEVICE_HOOK_REMOVED: Activity("Remove compliance webhook", "Policy", "Delete", _REGISTRATION),
    Was.APPLICATION_CREATED: Activity("Add application", "ApplicationManagement", "Add"),
    Was.APPLICATION_CHANGED: Activity("Update application", "ApplicationManagement", "Update"),
    Was.APPLICATION_DELETED: Activity("Delete application", "ApplicationManagement", "Delete"),
    Was.APPLICATION_ASSESSED: Activity("Assess application", "ApplicationManagement", "Update"),
    Was.REVIEW_OVERDUE: Activity("Review of application overdue", "ApplicationManagement", "Update"),
    Was.REVIEW_CLOSED: Activity("Close device flow of application", "ApplicationManagement", "Update"),
    Was.TRUST_ADDED: Activity("Add federated identity credential", "ApplicationManagement", "Add"),
    Was.TRUST_CHANGED: Activity("Update federated identity credential", "ApplicationManagement", "Update"),
    Was.TRUST_REMOVED: Activity("Remove federated identity credential", "ApplicationManagement", "Delete"),
    Was.SECRET_ADDED: Activity("Add application secret", "ApplicationManagement", "Add"),
    Was.SECRET_REMOVED: Activity("Remove application secret", "ApplicationManagement", "Delete"),
    Was.STREAM_CREATED: Activity("Add event stream", "ApplicationManagement", "Add"),
    Was.STREAM_CHANGED: Activity("Update event stream", "ApplicationManagement", "Update"),
    Was.STREAM_DELETED: Activity("Remove event stream", "ApplicationManagement", "Delete"),
    Was.EVENT_REJECTED: Activity("Event rejected by its receiver", "ApplicationManagement", "Update"),
    Was.CONSENT_CHANGED: Activity("Consent to application", "ApplicationManagement", "Update"),
    Was.ASSIGNMENT_CHANGED: Activity("Change app role assignment", "ApplicationManagement", "Update"),
    Was.POLICY_CREATED: Activity("Add conditional access policy", "Policy", "Add", _CA),
    Was.POLICY_CHANGED: Activity("Update conditional access policy", "Policy", "Update", _CA),
    Was.POLICY_DELETED: Activity("Delete conditional access policy", "Policy", "Delete", _CA),
    Was.LOCATION_CREATED: Activity("Add named location", "Policy", "Add", _CA),
    Was.LOCATION_CHANGED: Activity("Update named location", "Policy", "Update", _CA),
    Was.LOCATION_DELETED: Activity("Delete named location", "Policy", "Delete", _CA),
    Was.CHANNEL_ADDED: Activity("Add notice channel", "Policy", "Add"),
    Was.CHANNEL_REMOVED: Activity("Remove notice channel", "Policy", "Delete"),
    Was.SINK_ADDED: Activity("Add log sink", "Policy", "Add"),
    Was.SINK_REMOVED: Activity("Remove log sink", "Policy", "Delete"),
    Was.SINK_TESTED: Activity("Test log sink", "Policy", "Update"),
    Was.OWN_CHANNEL_ADDED: Activity("Add own notice channel", "UserManagement", "Add"),
    Was.OWN_CHANNEL_REMOVED: Activity("Remove own notice channel", "UserManagement", "Delete"),
    Was.KILL_SWITCH_ON: Activity("Turn kill switch on", "Policy", "Update", _CA),
    Was.KILL_SWITCH_OFF_PROPOSED: Activity("Propose to turn kill switch off", "Policy", "Update", _CA),
    Was.KILL_SWITCH_OFF: Activity("Turn kill switch off", "Policy", "Update", _CA),
    Was.ADMIN_REFUSED: Activity("Refuse administration", "Policy", "Update", failed=True),
    Was.KEYS_ROTATED: Activity("Rotate signing keys", "Policy", "Update"),
    Was.LOG_KEY_CHANGED: Activity("Change key of audit log", "Policy", "Update"),
    Was.LOG_EXPORTED: Activity("Export audit log", "Other", "Update"),
    Was.LOG_ANCHORED: Activity("Anchor audit log", "Other", "Update"),
    Was.SIGN_INS_REMOVED: Activity("Remove sign-ins past retention", "Other", "Delete"),
    Was.LOG_PRUNED: Activity("Prune audit log", "Policy", "Delete"),
    Was.LOG_ERASED: Activity("Erase data of user from audit log", "Policy", "Delete"),
    Was.KEYS_REWRAPPED: Activity("Rewrap sealed values", "Policy", "Update"),
    Was.FIRST_CODE: Activity("Create code for the first administrator", "UserManagement", "Add"),
    Was.FIRST_CODE_WRONG: Activity("Wrong code for the first administrator", "UserManagement", "Update", failed=True),
    Was.FOUNDED: Activity("Create organization", "DirectoryManagement", "Add"),
    Was.FIRST_ADMINISTRATOR: Activity("Create first administrator", "UserManagement", "Add"),
    Was.RESTORED: Activity("Restore from backup", "Policy", "Update"),
    Was.LOCAL_DOOR: Activity("Change local door", "Policy", "Update"),
    Was.ALERT: Activity("Raise alert", "Policy", "Add"),
    Was.FINDING_RAISED: Activity("Raise risk detection", "Policy", "Add", "Identity Protection"),
    Was.RESPONSE_DONE: Activity("Respond to risk detection", "Policy", "Update", "Identity Protection"),
    Was.RESPONSE_HELD_BACK: Activity(
        "Hold back response to risk detection", "Policy", "Update", "Identity Protection", failed=True
    ),
    Was.FINDING_CONFIRMED: Activity("Confirm risk detection", "Policy", "Update", "Identity Protection"),
    Was.FINDING_DISMISSED: Activity("Dismiss risk detection", "Policy", "Update", "Identity Protection"),
    Was.RESPONSES_CHANGED: Activity("Change responses to risk detections", "Policy", "Update", "Identity Protection"),
    Was.FAULT: Activity("Note fault", "Other", "Add", failed=True),
}

_KINDS = {activity.name.casefold(): kind for kind, activity in ACTIVITIES.items()}


@dataclass(frozen=True, slots=True)
class Audit:
    """An entry with the names that it may lack."""

    entry: Recorded
    actor_principal: str = ""
    """Principal name of the person who acted, as it is now."""
    target_name: str = ""
    """What the target is called now."""

    @property
    def activity(self) -> Activity:
        """What happened, in Graph's words; an entry of a later version names itself."""
        return ACTIVITIES.get(self.entry.kind) or Activity(self.entry.kind, "Other", "Update")

    @property
    def detail(self) -> Mapping[str, Any]:
        """What the entry says beside the common keys."""
        found: Mapping[str, Any] = self.entry.body.get("detail", {})
        return found


def audit_id(entry: Recorded) -> str:
    """The id of *entry* on the wire: its place in the journal."""
    return f"{entry.stream}.{entry.number}"


def read_audit_id(id: str) -> tuple[str, int] | None:
    """Stream and number that `audit_id` wrote, or None."""
    stream, mark, number = id.rpartition(".")
    plain = bool(mark) and number.isascii() and number.isdigit() and len(number) <= 15
    return (stream, int(number)) if plain else None


def _user(audit: Audit) -> dict[str, Any] | None:
    kind, _, id = audit.entry.actor.partition(":")
    if kind != "user":
        return None
    body = audit.entry.body
    return {
        "id": id,
        "displayName": body.get("actor_name") or None,
        "userPrincipalName": audit.actor_principal or None,
        "ipAddress": body.get("address") or None,
    }


def _app(audit: Audit) -> dict[str, Any] | None:
    kind, _, id = audit.entry.actor.partition(":")
    if kind in ("user", "nobody"):
        return None
    shown = audit.entry.body.get("actor_name") or audit.entry.actor
    return {"appId": id if kind == "application" else None, "displayName": shown, "servicePrincipalId": None}


_TYPES = {
    "user": "User",
    "group": "Group",
    "application": "Application",
    "device": "Device",
    "policy": "Policy",
    "exemption": "GroupMembership",
}


def _targets(audit: Audit) -> list[dict[str, Any]]:
    kind, _, id = audit.entry.target.partition(":")
    if not kind:
        return []
    detail = audit.detail
    named = detail.get("user_name") or (audit.target_name if kind == "user" else "")
    return [
        {
            "id": id or kind,
            "type": _TYPES.get(kind, "Other"),
            "displayName": detail.get("display_name") or audit.target_name or named or None,
            "userPrincipalName": named or None,
            "modifiedProperties": _modified(detail),
        }
    ]


def _modified(detail: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Values as JSON text, as Graph shows them."""
    old, new = (found if isinstance(found, dict) else {} for found in (detail.get("before"), detail.get("after")))
    return [
        {"displayName": name, "oldValue": _json(old.get(name)), "newValue": _json(new.get(name))}
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _further(audit: Audit) -> list[dict[str, str | None]]:
    return [
        {"key": key, "value": value if isinstance(value, str) else _json(value)}
        for key, value in audit.detail.items()
        if key not in ("before", "after")
    ]


def _reason(audit: Audit) -> str | None:
    found = audit.detail.get("reason") or audit.detail.get("text")
    return str(found) if found else None


AUDIT: Shape[Audit] = Shape(
    "auditLogs/directoryAudits",
    "microsoft.graph.directoryAudit",
    (
        Field("id", Kind.ID, lambda a: audit_id(a.entry)),
        Field("activityDateTime", Kind.MOMENT, lambda a: a.entry.at, column="at", sortable=True),
        Field(
            "activityDisplayName",
            Kind.ID,
            lambda a: a.activity.name,
            column="kind",
            stored=lambda text: _KINDS.get(text.casefold(), text),
        ),
        Field("category", Kind.ID, lambda a: a.activity.category),
        Field("correlationId", Kind.ID, lambda a: a.entry.story, column="story"),
        Field(
            "initiatedBy",
            Kind.OBJECT,
            fields=(
                Field(
                    "user",
                    Kind.OBJECT,
                    _user,
                    fields=(
                        Field("id", Kind.ID, lambda u: u["id"], column="actor", stored=lambda user: f"user:{user}"),
                        Field("displayName", Kind.STRING, lambda u: u["displayName"]),
                        Field("userPrincipalName", Kind.STRING, lambda u: u["userPrincipalName"]),
                        Field("ipAddress", Kind.STRING, lambda u: u["ipAddress"]),
                    ),
                ),
                Field("app", Kind.JSON, _app),
            ),
        ),
        Field("loggedByService", Kind.ID, lambda a: a.activity.service),
        Field("operationType", Kind.ID, lambda a: a.activity.operation),
        Field("result", Kind.ID, lambda a: "failure" if a.activity.failed else "success"),
        Field("resultReason", Kind.STRING, _reason),
        Field("targetResources", Kind.JSON, _targets),
        Field("additionalDetails", Kind.JSON, _further),
        Field(
            "ostiary",
            Kind.OBJECT,
            fields=(
                Field("kind", Kind.ID, lambda a: a.entry.kind, column="kind", doc="The journal's word for it."),
                Field("actor", Kind.ID, lambda a: a.entry.actor, column="actor", doc="E.g. `local:alice`."),
                Field("target", Kind.ID, lambda a: a.entry.target, column="target", doc="E.g. `exemption:…`."),
                Field("address", Kind.ID, lambda a: a.entry.body.get("address") or None),
                Field("agent", Kind.STRING, lambda a: a.entry.body.get("agent") or None),
                Field("origin", Kind.ID, lambda a: a.entry.body.get("origin") or None, doc="How the session began."),
                Field("visit", Kind.ID, lambda a: a.entry.body.get("visit"), doc="The reference that people quote."),
            ),
            doc="What only this service knows.",
        ),
    ),
)
