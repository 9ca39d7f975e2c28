"""Workloads before policy: whom `All`, `None` and `clientApplications` mean, and what nobody knows of them."""

from typing import Any

import pytest

from ostiary.core.access.cases import read_facts
from ostiary.core.access.compile import compile_policy
from ostiary.core.access.decision import Outcome
from ostiary.core.access.evaluate import evaluate
from ostiary.core.access.facts import UNKNOWN, Treat
from ostiary.core.access.locations import Atlas
from ostiary.core.words.ids import PolicyId
from tests.core.access.given import ALICE, STAFF, document, facts, mfa, one, policy

EVERY = "ServicePrincipalsInMyTenant"
ROBOT: dict[str, Any] = {
    "user": None, "groups": frozenset(), "roles": frozenset(), "service_principal": "robot", "client_type": "workload",
    "transfer_method": None, "amr": (),
}  # fmt: skip
PERSON: dict[str, Any] = {"service_principal": None, "transfer_method": None}
ANYBODY: dict[str, Any] = {"authenticationFlows": None}


def workloads(**sides: list[str]) -> dict[str, Any]:
    """The condition."""
    return {**ANYBODY, "clientApplications": sides}


@pytest.mark.parametrize(
    ("changes", "robot", "person"),
    [(ANYBODY, True, True), ({**ANYBODY, "users": {"includeUsers": [ALICE], "includeGroups": [STAFF]}}, False, True),
     ({**ANYBODY, "users": {"includeUsers": ["None"]}}, False, False),
     (workloads(includeServicePrincipals=[EVERY]), True, False),
     (workloads(includeServicePrincipals=["robot"]), True, False),
     (workloads(includeServicePrincipals=["other"]), False, False),
     (workloads(includeServicePrincipals=[EVERY], excludeServicePrincipals=["robot"]), False, False),
     (workloads(excludeServicePrincipals=[EVERY]), False, True),
     ({**workloads(includeServicePrincipals=[EVERY]), "users": {"includeUsers": ["None"]}}, True, False),
     ({**workloads(excludeServicePrincipals=["other"]), "users": {"includeUsers": ["None"]}}, False, False),
     ({**ANYBODY, "clientAppTypes": ["browser", "mobileAppsAndDesktopClients"]}, False, True)],
)  # fmt: skip
def test_whom_a_policy_means(changes: dict[str, Any], robot: bool, person: bool) -> None:
    """`All` is everybody, named people never a workload, included `clientApplications` workloads alone."""
    rules = one(policy(**changes))
    for known, blocked in ((ROBOT, robot), (PERSON, person)):
        outcome = evaluate(rules, facts(**known), unknown=Treat.STRICT).outcome
        assert (outcome is Outcome.BLOCKED) is blocked


def test_what_only_people_bring_refuses_a_workload() -> None:
    """A second factor will never come: no control is asked for, the answer is no."""
    assert evaluate(one(mfa(**ANYBODY)), facts(**ROBOT), unknown=Treat.STRICT).outcome is not Outcome.ALLOWED


def test_r4_an_unknown_workload_matches_and_is_never_excluded() -> None:
    """R4: where nobody knows whether there is one, a policy about workloads applies."""
    for sides in ({"includeServicePrincipals": ["other"]}, {"excludeServicePrincipals": [EVERY]}):
        rules = one(policy(**workloads(**sides)))
        unknown = facts(service_principal=UNKNOWN, transfer_method=None)
        assert evaluate(rules, unknown, unknown=Treat.STRICT).outcome is Outcome.BLOCKED


def test_a_test_about_a_person_is_not_about_a_workload() -> None:
    """Whoever names a user need not say that no workload asks."""
    assert read_facts({"user": "alice"}, Atlas()).service_principal is None
    assert read_facts({}, Atlas()).service_principal is UNKNOWN
    assert read_facts({"user": None, "servicePrincipal": "robot"}, Atlas()).service_principal == "robot"


def test_filters_over_workloads_are_not_enforced() -> None:
    """R4: what cannot be enforced is a problem with its path."""
    body = document(clientApplications={"includeServicePrincipals": [EVERY], "servicePrincipalFilter": {"rule": "x"}})
    (problem,) = compile_policy(PolicyId("p"), body).problems
    assert problem.path == "$.conditions.clientApplications.servicePrincipalFilter"
