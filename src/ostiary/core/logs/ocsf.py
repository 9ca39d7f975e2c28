"""
Entries of the journal as OCSF 1.3 events (https://schema.ocsf.io): which class and activity each kind is, in one table.

What the class has no place for stands under `unmapped`, so nothing that the entry says is lost. No proof: that is in
an export's own lines alone.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from ostiary.core.logs.kinds import Kind

__all__ = ["EVENTS", "VERSION", "Class", "Event", "event_of", "ocsf"]

VERSION = "1.3.0"
PRODUCT = "Ostiary"


class Class(IntEnum):
    """Event classes; the first digit is the category."""

    DETECTION_FINDING = 2004
    ACCOUNT_CHANGE = 3001
    AUTHENTICATION = 3002
    AUTHORIZE_SESSION = 3003
    ENTITY_MANAGEMENT = 3004
    USER_ACCESS = 3005
    GROUP_MANAGEMENT = 3006
    API_ACTIVITY = 6003


class Event(NamedTuple):
    """What a kind is."""

    of: Class
    activity: int
    """`activity_id` of the class; 99 is what it has no word for."""
    failed: bool = False


OTHER = 99
_ACCOUNT, _LOGON, _ACCESS, _GROUP = (
    Class.ACCOUNT_CHANGE,
    Class.AUTHENTICATION,
    Class.USER_ACCESS,
    Class.GROUP_MANAGEMENT,
)
_ENTITY, _API = Class.ENTITY_MANAGEMENT, Class.API_ACTIVITY
CREATE, READ, UPDATE, DELETE = 1, 2, 3, 4  # of entities, and of the API
LOGON, LOGOFF = 1, 2
ASSIGN, REVOKE = 1, 2
NEW, PASSWORD_CHANGE, PASSWORD_RESET, GONE, MFA_ON, MFA_OFF = 1, 3, 4, 6, 10, 11  # of accounts
MEMBER_IN, MEMBER_OUT, GROUP_GONE, GROUP_NEW = 3, 4, 5, 6

_LIST: tuple[tuple[Event, tuple[Kind, ...]], ...] = (
    (Event(_LOGON, LOGON), (
        Kind.REDEEMED, Kind.CODE_REDEEMED, Kind.SIGNED_IN, Kind.STEPPED_UP, Kind.WORKLOAD_ISSUED, Kind.REFRESHED,
        Kind.REPEATED,
    )),
    (Event(_LOGON, LOGON, failed=True), (
        Kind.START_REFUSED, Kind.STARTS_REFUSED, Kind.CLAIM_REFUSED, Kind.CODE_WRONG, Kind.BINDING_WRONG,
        Kind.BINDING_FAILED, Kind.NUMBER_WRONG, Kind.DENIED, Kind.REPORTED, Kind.BLOCKED, Kind.REDEMPTION_REFUSED,
        Kind.REPLAYED, Kind.EXPIRED, Kind.EXEMPTION_REFUSED, Kind.REFRESH_REFUSED, Kind.REUSED, Kind.WRONG_KEY,
        Kind.PROOF_REFUSED, Kind.CODE_REFUSED, Kind.SIGN_IN_REFUSED, Kind.CLIENT_REFUSED, Kind.WORKLOAD_REFUSED,
    )),
    (Event(_LOGON, LOGOFF), (Kind.SIGNED_OUT, Kind.REVOKED, Kind.SESSIONS_ENDED, Kind.UPSTREAM_ENDED)),
    (Event(_LOGON, OTHER), (
        Kind.STARTED, Kind.CLAIMED, Kind.RELEASED, Kind.APPROVED, Kind.EXEMPTION_AWAITED, Kind.EXEMPTION_GRANTED,
        Kind.TICKET_TAKEN, Kind.BOUND, Kind.NUMBER_CONFIRMED, Kind.DRILL_STARTED, Kind.DRILL_TYPED, Kind.DRILL_DECIDED,
        Kind.KEY_BOUND, Kind.CODE_ISSUED, Kind.PASSWORD_PASSED, Kind.UPSTREAM_PASSED,
    )),
    (Event(Class.AUTHORIZE_SESSION, ASSIGN), (Kind.EXEMPTION_BEGUN, Kind.EXEMPTION_EXTENDED)),
    (Event(_ACCESS, ASSIGN), (Kind.EXEMPTION_OPENED, Kind.REQUEST_APPROVED, Kind.ELIGIBILITY_GIVEN)),
    (Event(_ACCESS, REVOKE), (
        Kind.EXEMPTION_ENDED, Kind.EXEMPTION_RAN_OUT, Kind.EXEMPTION_UNUSED, Kind.ELIGIBILITY_ENDED,
    )),
    (Event(_ACCESS, OTHER), (
        Kind.REQUEST_MADE, Kind.REQUEST_DECIDED, Kind.REQUEST_WITHDRAWN, Kind.REQUEST_KILLED, Kind.REQUEST_LAPSED,
        Kind.REQUEST_REMINDED, Kind.REQUEST_ESCALATED, Kind.REQUEST_LAPSES_SOON, Kind.EXEMPTION_ENDS_SOON,
        Kind.REVIEW_OWED, Kind.BREAK_GLASS_REVIEWED, Kind.REVIEW_STARTED, Kind.REVIEW_DECIDED, Kind.REVIEW_STOPPED,
    )),
    (Event(_ACCESS, OTHER, failed=True), (Kind.REQUEST_REFUSED,)),
    (Event(_ACCOUNT, NEW), (Kind.USER_CREATED, Kind.FIRST_ADMINISTRATOR)),
    (Event(_ACCOUNT, GONE), (Kind.USER_DELETED, Kind.USER_ERASED)),
    (Event(_ACCOUNT, PASSWORD_CHANGE), (Kind.PASSWORD_SET, Kind.PASSWORD_CHANGED)),
    (Event(_ACCOUNT, PASSWORD_CHANGE, failed=True), (Kind.PASSWORD_CHANGE_REFUSED,)),
    (Event(_ACCOUNT, PASSWORD_RESET), (Kind.PASSWORD_LINK,)),
    (Event(_ACCOUNT, MFA_ON), (
        Kind.AUTHENTICATOR_ADDED, Kind.PASSKEY_ADDED, Kind.RECOVERY_CODES_MADE, Kind.ACCESS_PASS_MADE,
    )),
    (Event(_ACCOUNT, MFA_OFF), (Kind.PASSKEY_REMOVED, Kind.PASSKEY_TAKEN, Kind.MFA_RESET)),
    (Event(_ACCOUNT, OTHER), (
        Kind.USER_CHANGED, Kind.PASSKEY_PARTED, Kind.RECOVERY_CODE_USED, Kind.ACCESS_PASS_USED, Kind.LINKED,
        Kind.UNLINKED, Kind.OWN_CHANNEL_ADDED, Kind.OWN_CHANNEL_REMOVED, Kind.FIRST_CODE,
    )),
    (Event(_ACCOUNT, OTHER, failed=True), (Kind.FIRST_CODE_WRONG,)),
    (Event(_GROUP, GROUP_NEW), (Kind.GROUP_CREATED,)),
    (Event(_GROUP, GROUP_GONE), (Kind.GROUP_DELETED,)),
    (Event(_GROUP, MEMBER_IN), (Kind.MEMBER_ADDED,)),
    (Event(_GROUP, MEMBER_OUT), (Kind.MEMBER_REMOVED,)),
    (Event(_GROUP, OTHER), (Kind.GROUP_CHANGED,)),
    (Event(_ENTITY, CREATE), (
        Kind.DEVICE_ASKED, Kind.DEVICE_REGISTERED, Kind.DEVICE_HOOK_ADDED, Kind.APPLICATION_CREATED, Kind.TRUST_ADDED,
        Kind.STREAM_CREATED, Kind.SECRET_ADDED, Kind.POLICY_CREATED, Kind.LOCATION_CREATED, Kind.CHANNEL_ADDED,
        Kind.FOUNDED, Kind.SINK_ADDED, Kind.PROVISIONER_ADDED, Kind.PROVISIONER_TOKEN,
    )),
    (Event(_ENTITY, UPDATE), (
        Kind.DEVICE_ADMITTED, Kind.DEVICE_CHANGED, Kind.DEVICE_COMPLIANCE, Kind.DEVICE_REVOKED, Kind.DEVICE_LAPSED,
        Kind.DEVICE_RULE_CHANGED, Kind.PROVISIONER_GIVEN, Kind.APPLICATION_CHANGED, Kind.APPLICATION_ASSESSED,
        Kind.REVIEW_OVERDUE,
        Kind.REVIEW_CLOSED, Kind.TRUST_CHANGED, Kind.STREAM_CHANGED, Kind.CONSENT_CHANGED, Kind.ASSIGNMENT_CHANGED,
        Kind.POLICY_CHANGED, Kind.LOCATION_CHANGED, Kind.EXEMPTION_RULES_CHANGED, Kind.KILL_SWITCH_ON,
        Kind.RESPONSES_CHANGED,
        Kind.KILL_SWITCH_OFF_PROPOSED, Kind.KILL_SWITCH_OFF, Kind.LOG_KEY_CHANGED, Kind.KEYS_ROTATED,
        Kind.KEYS_REWRAPPED, Kind.RESTORED, Kind.LOCAL_DOOR, Kind.SINK_TESTED,
    )),
    (Event(_ENTITY, DELETE), (
        Kind.DEVICE_DELETED, Kind.DEVICE_HOOK_REMOVED, Kind.APPLICATION_DELETED, Kind.TRUST_REMOVED,
        Kind.STREAM_DELETED, Kind.SECRET_REMOVED, Kind.POLICY_DELETED, Kind.LOCATION_DELETED, Kind.CHANNEL_REMOVED,
        Kind.SINK_REMOVED, Kind.PROVISIONER_REMOVED,
    )),
    (Event(_ENTITY, CREATE, failed=True), (Kind.DEVICE_REFUSED,)),
    (Event(Class.DETECTION_FINDING, CREATE), (Kind.FINDING_RAISED,)),
    (Event(_API, OTHER, failed=True), (Kind.RESPONSE_HELD_BACK,)),
    (Event(_API, READ), (Kind.LOG_EXPORTED,)),
    (Event(_API, UPDATE, failed=True), (Kind.ADMIN_REFUSED, Kind.EVENT_REJECTED, Kind.FAULT)),
    (Event(_API, CREATE), (Kind.LOG_ANCHORED,)),
    (Event(_API, DELETE), (Kind.LOG_PRUNED, Kind.LOG_ERASED, Kind.SIGN_INS_REMOVED)),
    (Event(_API, OTHER), (Kind.ALERT, Kind.RESPONSE_DONE, Kind.FINDING_CONFIRMED, Kind.FINDING_DISMISSED)),
)  # fmt: skip
EVENTS: Mapping[str, Event] = {kind: event for event, kinds in _LIST for kind in kinds}

_UNKNOWN = Event(_API, OTHER)  # a kind of a later version
_ALARMING = frozenset({
    Kind.ALERT, Kind.REPORTED, Kind.REUSED, Kind.REPLAYED, Kind.KILL_SWITCH_ON, Kind.WRONG_KEY, Kind.LOG_ERASED,
    Kind.FINDING_RAISED,
})  # fmt: skip
INFORMATIONAL, LOW, HIGH = 1, 2, 4  # severity_id
SUCCESS, FAILURE = 1, 2  # status_id


def event_of(kind: str) -> Event:
    """What an entry of *kind* is."""
    return EVENTS.get(kind, _UNKNOWN)


def severity(kind: str) -> int:
    """`severity_id`: informational, low for what failed, high for what somebody should look at."""
    return HIGH if kind in _ALARMING else LOW if event_of(kind).failed else INFORMATIONAL


def ocsf(body: Mapping[str, Any]) -> dict[str, Any]:
    """The entry *body*, as the journal has it, as an event; JSON values only."""
    kind = str(body["action"])
    event, detail = event_of(kind), body.get("detail") or {}
    found = {
        "activity_id": event.activity,
        "category_uid": event.of // 1000,
        "class_uid": int(event.of),
        "type_uid": event.of * 100 + event.activity,
        "severity_id": severity(kind),
        "status_id": FAILURE if event.failed else SUCCESS,
        "time": int(body["at"]) // 1000,
        "message": kind,
        "metadata": {
            "version": VERSION, "product": {"name": PRODUCT, "vendor_name": PRODUCT}, "event_code": kind,
            "uid": f"{body['stream']}.{body['number']}", "correlation_uid": str(body["story"]),
            "sequence": int(body["number"]),
        },
        "actor": _actor(body),
        "src_endpoint": {"ip": body["address"]} if body.get("address") else {"name": PRODUCT},
        "unmapped": {"detail": dict(detail), "target": body.get("target", ""), "origin": body.get("origin", "")},
    }  # fmt: skip
    if body.get("agent"):
        found["http_request"] = {"user_agent": body["agent"]}
    if detail.get("reason"):
        found["status_detail"] = str(detail["reason"])
    return found | _object(event, body, detail)


def _actor(body: Mapping[str, Any]) -> dict[str, Any]:
    kind, _, id = str(body.get("actor", "")).partition(":")
    name = str(body.get("actor_name") or id or kind)
    if kind == "user":
        return {"user": {"uid": id, "name": name}}
    return {"app_uid": id, "app_name": name} if kind == "application" else {"app_name": f"{kind}:{id}".rstrip(":")}


def _object(event: Event, body: Mapping[str, Any], detail: Mapping[str, Any]) -> dict[str, Any]:
    """What the class must name beside the actor."""
    kind, _, id = str(body.get("target", "")).partition(":")
    match event.of:
        case Class.API_ACTIVITY:
            return {"api": {"operation": str(body["action"])}}
        case Class.DETECTION_FINDING:
            return {"finding_info": {"uid": id or "-", "title": str(detail.get("rule") or kind or "-")}}
        case Class.ENTITY_MANAGEMENT:
            shown = detail.get("name") or detail.get("display_name") or id or kind or "-"
            return {"entity": {"uid": id or kind or "-", "type": kind or "house", "name": str(shown)}}
        case Class.GROUP_MANAGEMENT:
            return {"group": {"uid": id}} | ({"user": {"uid": str(detail["user"])}} if detail.get("user") else {})
        case Class.USER_ACCESS:
            return {"user": _user(body, detail), "privileges": [str(body.get("target") or "exemption")]}
        case _:
            return {"user": _user(body, detail)}


def _user(body: Mapping[str, Any], detail: Mapping[str, Any]) -> dict[str, Any]:
    """Whom it is about: the target, who is named, else who acted; nobody known is an unknown user."""
    kind, _, id = str(body.get("target", "")).partition(":")
    actor, _, own = str(body.get("actor", "")).partition(":")
    uid = id if kind == "user" and id else detail.get("user") or (own if actor == "user" else "")
    found = {"uid": str(uid)} if uid else {}
    if detail.get("user_name"):
        found["name"] = str(detail["user_name"])
    return found or {"name": "-", "type_id": 0}
