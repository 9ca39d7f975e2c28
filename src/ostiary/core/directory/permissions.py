"""
One table of actions: who may do what, and from which kind of session. Routes and pages name an action; nothing else
decides (R2, R3).

`judge` answers in the order that tells the least: origin before role is never told to a stranger.
"""

from dataclasses import dataclass
from enum import StrEnum

from ostiary.core.directory.people import Role
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.instants import Instant, between, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said

FRESH = minutes(5)  # R3: a write needs MFA not older than this


class Action(StrEnum):
    """Everything that the admin API and the pages let somebody do."""

    READ_SELF = "self:read"
    END_OWN = "self:end"
    """End one's own exemption, session or sign-in."""
    CHANGE_PASSWORD = "self:password"
    """Change one's own password: at the pages alone."""
    CHANGE_FACTORS = "self:factors"
    """Add and remove one's own passkeys and recovery codes: at the pages alone."""
    CHANGE_CHANNELS = "self:notice_channels"
    """Say where one's own notices go."""
    READ_DIRECTORY = "directory:read"
    WRITE_USERS = "users:write"
    RECOVER_ADMINISTRATOR = "users:recover_administrator"
    """Create or recover an administrator: also through the local door."""
    WRITE_GROUPS = "groups:write"
    WRITE_PROVISIONERS = "provisioners:write"
    """Say which system may provision accounts and groups, and give it accounts that are there."""
    PROVISION = "directory:provision"
    """Provision one's own accounts and groups: systems alone, no person (SCIM)."""
    WRITE_DEVICES = "devices:write"
    """Admit, change and revoke machines of the inventory, and what admits them without asking."""
    WRITE_SINKS = "log_sinks:write"
    """Say where the journal is sent."""
    WRITE_CHANNELS = "notice_channels:write"
    """Say where the organisation's notices go."""
    WRITE_APPLICATIONS = "applications:write"
    READ_POLICIES = "policies:read"
    ASK_POLICIES = "policies:ask"
    """What would policy say, or have said: changes nothing, though the API takes it as a POST."""
    WRITE_POLICIES = "policies:write"
    READ_EXEMPTIONS = "exemptions:read"
    OPEN_EXEMPTION = "exemptions:open"
    END_EXEMPTION = "exemptions:end"
    ASK_EXEMPTION = "exemptions:ask"
    """Ask for one, which somebody else must approve: from anywhere (R3)."""
    ASK_AT_ONCE = "exemptions:ask_at_once"
    """Ask for what no other person approves: an extension, break-glass, what a rule grants."""
    DECIDE_REQUEST = "exemptions:decide"
    """Approve or deny; who may is a matter of the rules."""
    REVIEW_EXEMPTION = "exemptions:review"
    """Write what a break-glass exemption was used for."""
    READ_RULES = "exemption_rules:read"
    WRITE_RULES = "exemption_rules:write"
    READ_ELIGIBILITY = "eligibility:read"
    WRITE_ELIGIBILITY = "eligibility:write"
    READ_REVIEWS = "access_reviews:read"
    WRITE_REVIEWS = "access_reviews:write"
    READ_LOGS = "logs:read"
    EXPORT_LOGS = "logs:export"
    """Take the journal elsewhere, with its proof: a POST, since the log keeps who did; nothing else changes."""
    READ_KEYS = "keys:read"
    ROTATE_KEYS = "keys:rotate"
    LOCAL_DOOR = "local_door:switch"
    READ_KILL_SWITCH = "kill_switch:read"
    TURN_KILL_SWITCH = "kill_switch:turn"
    START_DRILL = "drills:start"
    TRIAGE_FINDINGS = "findings:triage"
    """Confirm or dismiss what detections found, and say what is done about it."""
    READ_DRILLS = "drills:read"
    """Who approved what they should have refused: administrators alone."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may do one action."""

    roles: frozenset[Role] | None
    """None: every signed-in person."""
    scope: str
    """What a Bearer token must carry."""
    write: bool = False
    """Needs a browser session with fresh MFA; refused to a device-code origin (R3)."""
    local: bool = False
    """Allowed through the local door (R2)."""
    provisioner: bool = False
    """What a provisioner may do, and nothing else."""


_ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
_READERS = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})
_SCHEDULE = "PrivilegedAssignmentSchedule"
_ELIGIBLE = "PrivilegedEligibilitySchedule"
_RULES = "RoleManagementPolicy"
_EXEMPTION_READERS = frozenset({Role.ADMINISTRATOR, Role.AUDITOR, Role.APPROVER})
_REVIEWERS = frozenset({Role.ADMINISTRATOR, Role.APPROVER})

TABLE: dict[Action, Grant] = {
    Action.READ_SELF: Grant(None, "User.Read"),
    Action.END_OWN: Grant(None, "User.Read"),
    Action.CHANGE_PASSWORD: Grant(None, "User.Read", write=True),
    Action.CHANGE_FACTORS: Grant(None, "User.Read", write=True),
    Action.CHANGE_CHANNELS: Grant(None, "User.Read", write=True),
    Action.READ_DIRECTORY: Grant(_READERS, "Directory.Read.All"),
    Action.WRITE_USERS: Grant(_ADMINISTRATOR, "User.ReadWrite.All", write=True),
    Action.RECOVER_ADMINISTRATOR: Grant(_ADMINISTRATOR, "User.ReadWrite.All", write=True, local=True),
    Action.WRITE_GROUPS: Grant(_ADMINISTRATOR, "Group.ReadWrite.All", write=True),
    Action.WRITE_PROVISIONERS: Grant(_ADMINISTRATOR, "User.ReadWrite.All", write=True),
    Action.PROVISION: Grant(frozenset(), "", provisioner=True),
    Action.WRITE_DEVICES: Grant(_ADMINISTRATOR, "Policy.ReadWrite.ConditionalAccess", write=True),
    Action.WRITE_SINKS: Grant(_ADMINISTRATOR, "Policy.ReadWrite.ConditionalAccess", write=True),
    Action.WRITE_CHANNELS: Grant(_ADMINISTRATOR, "Policy.ReadWrite.ConditionalAccess", write=True),
    Action.WRITE_APPLICATIONS: Grant(_ADMINISTRATOR, "Application.ReadWrite.All", write=True),
    Action.READ_POLICIES: Grant(_READERS, "Policy.Read.All"),
    Action.ASK_POLICIES: Grant(_READERS, "Policy.Read.All"),
    Action.WRITE_POLICIES: Grant(_ADMINISTRATOR, "Policy.ReadWrite.ConditionalAccess", write=True),
    Action.READ_EXEMPTIONS: Grant(_EXEMPTION_READERS, f"{_SCHEDULE}.Read.AzureADGroup", local=True),
    Action.OPEN_EXEMPTION: Grant(_ADMINISTRATOR, f"{_SCHEDULE}.ReadWrite.AzureADGroup", write=True, local=True),
    Action.END_EXEMPTION: Grant(_ADMINISTRATOR, f"{_SCHEDULE}.ReadWrite.AzureADGroup", write=True, local=True),
    Action.ASK_EXEMPTION: Grant(None, "User.Read"),
    Action.ASK_AT_ONCE: Grant(None, "User.Read", write=True),
    Action.DECIDE_REQUEST: Grant(None, f"{_SCHEDULE}.ReadWrite.AzureADGroup", write=True),
    Action.REVIEW_EXEMPTION: Grant(_REVIEWERS, f"{_SCHEDULE}.ReadWrite.AzureADGroup", write=True),
    Action.READ_RULES: Grant(_EXEMPTION_READERS, f"{_RULES}.Read.AzureADGroup"),
    Action.WRITE_RULES: Grant(_ADMINISTRATOR, f"{_RULES}.ReadWrite.AzureADGroup", write=True),
    Action.READ_ELIGIBILITY: Grant(_EXEMPTION_READERS, f"{_ELIGIBLE}.Read.AzureADGroup"),
    Action.WRITE_ELIGIBILITY: Grant(_ADMINISTRATOR, f"{_ELIGIBLE}.ReadWrite.AzureADGroup", write=True),
    Action.READ_REVIEWS: Grant(_EXEMPTION_READERS, "AccessReview.Read.All"),
    Action.WRITE_REVIEWS: Grant(_REVIEWERS, "AccessReview.ReadWrite.All", write=True),
    Action.READ_LOGS: Grant(_READERS, "AuditLog.Read.All", local=True),
    Action.EXPORT_LOGS: Grant(_READERS, "AuditLog.Read.All", local=True),
    Action.READ_KEYS: Grant(_READERS, "Policy.Read.All", local=True),
    Action.ROTATE_KEYS: Grant(_ADMINISTRATOR, "Policy.ReadWrite.ConditionalAccess", write=True, local=True),
    Action.LOCAL_DOOR: Grant(_ADMINISTRATOR, "Policy.ReadWrite.ConditionalAccess", write=True),
    Action.READ_KILL_SWITCH: Grant(None, "User.Read", local=True),
    Action.START_DRILL: Grant(_ADMINISTRATOR, "User.ReadWrite.All", write=True),
    Action.TRIAGE_FINDINGS: Grant(_ADMINISTRATOR, "Policy.ReadWrite.ConditionalAccess", write=True),
    Action.READ_DRILLS: Grant(_ADMINISTRATOR, "Directory.Read.All"),
    Action.TURN_KILL_SWITCH: Grant(_ADMINISTRATOR, "Policy.ReadWrite.ConditionalAccess", write=True, local=True),
}


def judge(action: Action, caller: Caller, *, now: Instant) -> Refused | None:
    """None when *caller* may do *action* at *now*, else why not."""
    grant = TABLE[action]
    if caller.kind is CallerKind.LOCAL:
        return None if grant.local else Refused(Reason.FORBIDDEN, "The local door does not open this.")
    if caller.kind is CallerKind.PROVISIONER:
        return None if grant.provisioner else Refused(Reason.FORBIDDEN, "A provisioner may not do this.")
    if caller.kind is not CallerKind.USER:
        return Refused(Reason.NOT_SIGNED_IN)
    if grant.roles is not None and not grant.roles & caller.roles:
        return Refused(Reason.FORBIDDEN)
    if grant.write and caller.origin is not Origin.BROWSER:
        # R3; before the scope, which a device sign-in never gets: "lacks the scope" would send people the wrong way
        return Refused(Reason.ORIGIN_FORBIDDEN)
    if caller.client is not None and grant.scope not in caller.scopes:
        return Refused(Reason.FORBIDDEN, said("The token lacks the scope %(scope)s.", scope=grant.scope))
    return _judge_fresh(caller, now) if grant.write else None


def _judge_fresh(caller: Caller, now: Instant) -> Refused | None:
    """R3: writing needs MFA not older than five minutes."""
    proved = caller.authenticated_at
    if not caller.mfa or proved is None or between(proved, now) > FRESH:
        return Refused(Reason.STEP_UP)
    return None
