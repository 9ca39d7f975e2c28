"""
What a new house holds: its exception group, the block that makes it closed by default, and its own two applications;
for a sample organisation also well-known public clients (R18) and people.
"""

from dataclasses import dataclass, field
from typing import Any

from ostiary.core.directory.applications import INTROSPECT, SSF_MANAGE, SSF_READ, Application, Scope
from ostiary.core.directory.assessments import Assessment
from ostiary.core.directory.people import EXCEPTION, EXCEPTION_GROUP_NAME, Group, Role
from ostiary.core.directory.permissions import TABLE
from ostiary.core.directory.presets import PRESETS
from ostiary.core.words.ids import AppId, GroupId
from ostiary.core.words.instants import Instant, after, days

ADMIN_API = AppId("0f5c7a3e-6d0b-4d6e-9a57-05717a1c1002")
OSTIARY_CLI = AppId("0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001")
AZURE_CLI = AppId(PRESETS["azure-cli"]["id"])
GRAPH_CLI = AppId(PRESETS["graph-cli"]["id"])
RESOURCE_MANAGER = AppId("797f4846-ba00-4fd7-ba43-dac1f8f63013")

BLOCK = "Block device code flow"
MANAGER = "https://management.core.windows.net/"

_SCOPES = {
    "User.Read": "See your own name and account, and end your own sign-ins",
    "User.ReadWrite.All": "Create, change and delete people",
    "Directory.Read.All": "Read people, groups and applications",
    "Group.ReadWrite.All": "Create, change and delete groups",
    "Application.ReadWrite.All": "Create, change and delete applications",
    "Policy.Read.All": "Read policies and keys",
    "Policy.ReadWrite.ConditionalAccess": "Change conditional access policies and keys",
    "PrivilegedAssignmentSchedule.Read.AzureADGroup": "Read exemptions",
    "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup": "Open and end exemptions",
    "PrivilegedEligibilitySchedule.Read.AzureADGroup": "Read who is eligible for exemptions",
    "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup": "Change who is eligible for exemptions",
    "RoleManagementPolicy.Read.AzureADGroup": "Read the rules of exemptions",
    "RoleManagementPolicy.ReadWrite.AzureADGroup": "Change the rules of exemptions",
    "AccessReview.Read.All": "Read access reviews",
    "AccessReview.ReadWrite.All": "Decide access reviews",
    "AuditLog.Read.All": "Read the sign-in log and the audit log",
}
_OF_APPLICATIONS = {
    INTROSPECT: "Ask what tokens for the application are worth",
    SSF_MANAGE: "Manage the event streams of the application and take their events",
    SSF_READ: "Read the event streams of the application",
}
"""Of use to confidential applications alone, so our own command has no consent to it (R19)."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Scopes of a resource that administrators consented to for a client."""

    client: AppId
    resource: AppId
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """Somebody of the sample organisation."""

    name: str
    display_name: str
    roles: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a new house begins with."""

    tenant: str
    name: str
    sample: bool
    domains: tuple[str, ...]
    group: Group
    policy_id: str
    policy: dict[str, Any]
    applications: tuple[Application, ...]
    consents: tuple[Consent, ...]
    people: tuple[SamplePerson, ...] = field(default=())


def plan(
    *,
    tenant: str,
    name: str,
    origin: str,
    sample: bool,
    domains: tuple[str, ...],
    group: str,
    policy: str,
    now: Instant,
    owner: str = "",
    owner_name: str = "",
) -> Plan:
    """
    What a house at *origin* begins with; *tenant*, *group* and *policy* are new GUIDs, *owner* answers for the sample's
    applications.
    """
    exception = GroupId(group)
    text = "Its members come from exemptions only: one person, one reason, a few hours."
    assessed = _assessed(origin, now, owner, owner_name)
    own = (_admin_api(origin, now), _cli(assessed if sample else None, now))
    consents = (Consent(OSTIARY_CLI, ADMIN_API, tuple(_SCOPES)),)
    return Plan(
        tenant,
        name,
        sample,
        domains,
        Group(exception, EXCEPTION_GROUP_NAME, text, EXCEPTION, now),
        policy,
        block(exception),
        (*own, *_well_known(origin, now, assessed)) if sample else own,
        (*consents, *_well_known_consents()) if sample else consents,
        PEOPLE if sample else (),
    )


def block(group: GroupId) -> dict[str, Any]:
    """The default block: everybody but the exception group, and nobody else excluded (R1)."""
    return {
        "displayName": BLOCK,
        "state": "enabled",
        "conditions": {
            "users": {"includeUsers": ["All"], "excludeGroups": [group]},
            "applications": {"includeApplications": ["All"]},
            "clientAppTypes": ["all"],
            "authenticationFlows": {"transferMethods": "deviceCodeFlow"},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    }


def _admin_api(origin: str, now: Instant) -> Application:
    writing, other = ({grant.scope for grant in TABLE.values() if grant.write is kind} for kind in (True, False))
    # R3: what only writes is never a device sign-in's; a scope that reads or ends one's own as well is (`User.Read`)
    administrative = (writing - other) | set(_OF_APPLICATIONS)
    scopes = {**_SCOPES, **_OF_APPLICATIONS}
    return Application(
        ADMIN_API,
        ADMIN_API,
        "Ostiary administration",
        public=False,
        identifier_uris=(origin,),
        scopes=tuple(Scope(value, text, value in administrative) for value, text in scopes.items()),
        admin_api=True,
        created=now,
    )


def _assessed(origin: str, now: Instant, owner: str, owner_name: str) -> Assessment:
    """The sample's: everything on it is for trying out, and nothing behind it is real (R18)."""
    return Assessment(
        1,
        (origin, MANAGER),
        "The sample shows how machines without a browser sign in.",
        "The sample shows how a person signs in on a machine.",
        "The sample's machines are not near a phone.",
        ("M2", "M3", "M6", "M9", "M10", "M11", "M14"),
        owner,
        owner_name,
        after(now, days(365)),
        now,
        "system:found",
    )


def _cli(assessed: Assessment | None, now: Instant) -> Application:
    """Our own command: by browser everywhere, by device code only once somebody assessed and allowed it (R23)."""
    return Application(
        OSTIARY_CLI,
        OSTIARY_CLI,
        "Ostiary CLI",
        redirect_uris=("http://127.0.0.1", "http://[::1]"),
        device_flow=assessed is not None,
        assessment=assessed,
        verified=True,
        created=now,
    )


def _well_known(origin: str, now: Instant, assessed: Assessment) -> tuple[Application, ...]:
    return (
        Application(
            AZURE_CLI,
            AZURE_CLI,
            "Microsoft Azure CLI",
            redirect_uris=("http://localhost",),
            device_flow=True,
            assessment=assessed,
            verified=True,
            microsoft_family=True,
            reach=(MANAGER, origin),
            created=now,
        ),
        Application(
            GRAPH_CLI,
            GRAPH_CLI,
            "Microsoft Graph Command Line Tools",
            redirect_uris=("http://localhost",),
            device_flow=True,
            assessment=assessed,
            verified=True,
            microsoft_family=True,
            created=now,
        ),
        Application(
            RESOURCE_MANAGER,
            RESOURCE_MANAGER,
            "Azure Resource Manager",
            public=False,
            identifier_uris=(MANAGER,),
            scopes=(Scope("user_impersonation", "Manage the sample's cloud resources as you"),),
            created=now,
        ),
    )


def _well_known_consents() -> tuple[Consent, ...]:
    reads = ("User.Read", "Directory.Read.All", "AuditLog.Read.All", "Policy.Read.All")
    return (
        Consent(AZURE_CLI, RESOURCE_MANAGER, ("user_impersonation",)),
        Consent(AZURE_CLI, ADMIN_API, reads),
        Consent(GRAPH_CLI, ADMIN_API, reads),
    )


PEOPLE = (
    SamplePerson("alice", "Alice Engineer"),
    SamplePerson("bea", "Bea Administrator", frozenset({Role.ADMINISTRATOR, Role.APPROVER})),
    SamplePerson("carl", "Carl Administrator", frozenset({Role.ADMINISTRATOR})),
    SamplePerson("otto", "Otto Auditor", frozenset({Role.AUDITOR})),
    SamplePerson("dana", "Dana Engineer"),
    SamplePerson("emil", "Emil Engineer"),
    SamplePerson("fay", "Fay Engineer"),
    SamplePerson("gus", "Gus Engineer"),
    SamplePerson("hana", "Hana Engineer"),
    SamplePerson("ivo", "Ivo Engineer"),
    SamplePerson("june", "June Engineer"),
    SamplePerson("kim", "Kim Engineer"),
)
