"""
Policies and sign-ins for the tests of the engine, as few words as possible each.
"""

from typing import Any

from ostiary.core.access.compile import Policy, compile_policy
from ostiary.core.access.facts import Facts
from ostiary.core.access.policy_set import PolicySet, compile_set
from ostiary.core.words.ids import AppId, GroupId, PolicyId, UserId

ALICE, BOB = UserId("alice"), UserId("bob")
STAFF, EXCEPTION = GroupId("staff"), GroupId("exception")
CLIENT, API, OTHER = AppId("client"), AppId("api"), AppId("other")
FLOW = "deviceCodeFlow"
CONDITIONS = ("locations", "platforms", "signInRiskLevels", "userRiskLevels", "devices", "clientApplications")


def document(**changes: Any) -> dict[str, Any]:
    """A policy that blocks device code flow for everybody; *changes* replace conditions, or top fields by name."""
    conditions: dict[str, Any] = {
        "users": {"includeUsers": ["All"]},
        "applications": {"includeApplications": ["All"]},
        "clientAppTypes": ["all"],
        "authenticationFlows": {"transferMethods": FLOW},
    }
    top: dict[str, Any] = {
        "displayName": "Rule",
        "state": "enabled",
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    }
    for name, value in changes.items():
        (conditions if name in conditions or name in CONDITIONS else top)[name] = value
    return {"conditions": conditions, **top}


def policy(id: str = "p", **changes: Any) -> Policy:
    """`document`, compiled; it must be free of problems."""
    compiled = compile_policy(PolicyId(id), document(**{"displayName": id, **changes}))
    assert compiled.problems == ()
    return compiled.policy


def mfa(id: str = "mfa", **changes: Any) -> Policy:
    """The same demanding a second factor instead of blocking."""
    return policy(id, grantControls={"operator": "OR", "builtInControls": ["mfa"]}, **changes)


def one(*policies: Policy) -> PolicySet:
    """A set of these."""
    return compile_set(policies)


def facts(**changes: Any) -> Facts:
    """Alice of the staff at her terminal, by device code, with a password only."""
    known: dict[str, Any] = {
        "user": ALICE,
        "groups": frozenset({STAFF}),
        "application": CLIENT,
        "resource": API,
        "client_type": "mobileAppsAndDesktopClients",
        "roles": frozenset(),
        "transfer_method": FLOW,
        "amr": ("pwd",),
        "service_principal": None,
    }
    return Facts(**{**known, **changes})
