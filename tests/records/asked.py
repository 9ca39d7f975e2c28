"""
People and words for the tests of requests: two approvers beside the house's own people, and what they send.
"""

import json
from typing import Any

from sqlalchemy import insert, update

from ostiary.core.directory.people import Role
from ostiary.core.words.caller import Caller, Origin
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant
from ostiary.services.house import House
from ostiary.store.schema import groups, members, users
from ostiary.store.sql import sql
from tests.records.house import BOB, GROUP, person

DANA, ERIC = (UserId(f"a11ce000-0000-4000-8000-00000000000{n}") for n in (4, 5))
OWNERS = "6f2b9d1e-0000-4000-8000-0000000000aa"

PIM = "/v1.0/identityGovernance/privilegedAccess/group"
REQUESTS = f"{PIM}/assignmentScheduleRequests"
ELIGIBLE = f"{PIM}/eligibilityScheduleRequests"
APPROVALS = f"{PIM}/assignmentApprovals"
POLICY = f"/v1.0/policies/roleManagementPolicies/Group_{GROUP}_member"


async def settle(house: House) -> None:
    """Two approvers move in, and a group of their own."""

    async def body(tx: Any) -> None:
        for id, name in ((DANA, "dana"), (ERIC, "eric")):
            values = {"principal_name": f"{name}@example.com", "display_name": name.title(), "enabled": 1}
            roles = json.dumps([Role.APPROVER])
            await tx.run(sql(insert(users).values(id=id, roles=roles, created=0, **values)))
        await tx.run(sql(insert(groups).values(id=OWNERS, display_name="Owners", purpose="", created=0)))
        await tx.run(sql(insert(members).values(group=OWNERS, user=DANA, since=0)))

    await house.store.write(body)


async def set_user(house: House, id: str, **values: Any) -> None:
    """Change an account behind everybody's back."""
    statement = sql(update(users).where(users.c.id == id).values(**values))
    await house.store.write(lambda tx: tx.run(statement))


def dana(at: Instant, origin: Origin = Origin.BROWSER) -> Caller:
    """An approver."""
    return person(DANA, Role.APPROVER, origin=origin, at=at, name="dana@example.com")


def eric(at: Instant) -> Caller:
    """Another one."""
    return person(ERIC, Role.APPROVER, at=at, name="eric@example.com")


def eligible(**changes: Any) -> dict[str, Any]:
    """Bob is to be eligible for ninety days."""
    expiration = {"type": "afterDuration", "duration": "P90D"}
    body: dict[str, Any] = {
        "accessId": "member", "principalId": BOB, "groupId": GROUP, "action": "adminAssign",
        "scheduleInfo": {"expiration": expiration}, "justification": "Runs the servers",
    }  # fmt: skip
    return body | changes


def activate(**changes: Any) -> dict[str, Any]:
    """Bob asks for two hours."""
    expiration = {"type": "afterDuration", "duration": "PT2H"}
    body: dict[str, Any] = {
        "accessId": "member", "principalId": BOB, "groupId": GROUP, "action": "selfActivate",
        "scheduleInfo": {"expiration": expiration}, "justification": "fix INC-4412",
    }  # fmt: skip
    return body | changes
