"""The shapes of exemptions, sign-ins and audits, and lists that are asked wrongly."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.exemptions.exemption import Limits
from ostiary.core.graph.audit import AUDIT, Audit, read_audit_id
from ostiary.core.graph.exemption_wish import Ask, Ending, Wish, read_request
from ostiary.core.graph.fields import render
from ostiary.core.graph.odata import read_query
from ostiary.core.graph.query import Query
from ostiary.core.graph.signin import SIGN_IN, error_number
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.story import Story, fold
from ostiary.core.logs.telling import tell
from ostiary.core.words.instants import Instant, hours, minutes
from ostiary.core.words.outcome import Refused
from ostiary.services.access.policies import create_policy, delete_policy, find_policy, list_policies
from ostiary.services.exemptions.list import list_exemptions
from tests.records.house import BLOCK, a_house, alice, visit

NOW = Instant(1_795_420_800_000_000)


def entry(kind: str, target: str = "", actor: str = "nobody", **detail: Any) -> Recorded:
    """One entry."""
    return Recorded(1, "n1", 1, kind, NOW, "s", actor, target, {"detail": detail, "visit": "v"})


def shown(recorded: Recorded) -> dict[str, Any]:
    """As the API answers."""
    return render(AUDIT.fields, Audit(recorded))


def test_what_changed_is_shown_before_and_after() -> None:
    """Only properties that differ, as JSON text, and a missing one as null."""
    detail: dict[str, Any] = {
        "before": {"state": "enabled", "name": "A"},
        "after": {"state": "disabled", "name": "A", "new": [1]},
    }
    (target,) = shown(entry(Kind.POLICY_CHANGED, "policy:p", **detail))["targetResources"]
    assert (target["type"], target["id"]) == ("Policy", "p")
    assert target["modifiedProperties"] == [
        {"displayName": "new", "oldValue": None, "newValue": "[1]"},
        {"displayName": "state", "oldValue": '"enabled"', "newValue": '"disabled"'},
    ]


def test_an_entry_of_a_later_version_names_itself() -> None:
    """A kind that this version does not know is shown, not lost."""
    row = shown(entry("system:future:thing", actor="system:job", count=3))
    assert (row["activityDisplayName"], row["category"], row["targetResources"]) == ("system:future:thing", "Other", [])
    assert row["additionalDetails"] == [{"key": "count", "value": "3"}]
    assert row["initiatedBy"]["app"]["displayName"] == "system:job"


@pytest.mark.parametrize("id", ["", "n1", "n1.", ".", "n1.x", "n1.-1", "n1." + "9" * 30, "n1.²"])
def test_a_made_up_id_is_no_place_in_the_journal(id: str) -> None:
    """Only what we wrote is read back."""
    assert read_audit_id(id) is None
    assert read_audit_id("n1.12") == ("n1", 12)


@pytest.mark.parametrize(
    ("kind", "detail", "number", "text"),
    [
        (Kind.STARTED, {"ends": NOW + minutes(5)}, 70016, "The person has not decided yet."),
        (Kind.START_REFUSED, {"reason": "blocked"}, 53003, "Blocked by a conditional access policy."),
        (Kind.START_REFUSED, {"reason": "of a later version"}, 9002313, "The request is malformed."),
        (Kind.REDEEMED, {}, 0, "Other."),
        (Kind.SIGNED_OUT, {}, 0, "Other."),
        (Kind.CLAIM_REFUSED, {}, 9002313, "The request is malformed."),
    ],
)
def test_the_status_is_the_number_that_people_search_for(kind: Kind, detail: Any, number: int, text: str) -> None:
    """The same table that answers clients; nothing that is stored can break the list."""
    row = tell(fold(Story("s"), [entry(kind, **detail)]), NOW)
    document = render(SIGN_IN.fields, row)
    assert (error_number(row), document["status"]["failureReason"]) == (number, text)


@pytest.mark.parametrize(
    ("result", "status"), [("success", "success"), ("failure", "failure"), ("reportOnlyFailure", "notApplied")]
)
def test_conditional_access_says_what_was_enforced(result: str, status: str) -> None:
    """A report-only policy decides nothing."""
    policies = [{"id": "p", "displayName": "P", "result": result}]
    row = tell(fold(Story("s"), [entry(Kind.APPROVED, policies=policies)]), NOW)
    assert render(SIGN_IN.fields, row)["conditionalAccessStatus"] == status


def request(**changes: Any) -> Wish | Ask | Ending | Refused:
    """What a checked body asks for."""
    return read_request({"action": "adminAssign", **changes}, exception_group="g", now=NOW)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "principalId"),
        ({"action": "adminRemove"}, "principalId"),
        ({"action": "adminRemove", "principal": "p", "trial": True}, "isValidationOnly"),
        ({"principal": "p", "group": "h"}, "groupId"),
        ({"principal": "p", "expires": "noExpiration", "duration": hours(1)}, "scheduleInfo.expiration"),
        ({"principal": "p", "expires": "afterDateTime", "duration": hours(1)}, "scheduleInfo.expiration"),
        ({"principal": "p", "duration": hours(1), "network": "x"}, "ostiary.network"),
    ],
)
def test_a_request_that_lacks_something_names_it(changes: dict[str, Any], field: str) -> None:
    """Nothing is guessed."""
    refused = request(**changes)
    assert isinstance(refused, Refused)
    assert refused.field == field


def test_a_request_is_read_as_it_was_meant() -> None:
    """An end counts from the start, a start in the past is now; a null network is none."""
    end = NOW + hours(3)
    wish = request(principal="p", end=end, starts=NOW + hours(1), network=None)
    assert isinstance(wish, Wish)
    assert (wish.opening.length, wish.opening.limits, wish.trial) == (hours(2), Limits(), False)
    past = request(principal="p", expires="AfterDateTime", end=end, starts=NOW - hours(1))
    assert isinstance(past, Wish)
    assert past.opening.length == hours(3)
    assert request(action="selfDeactivate", schedule="g_member_x") == Ending("x", "", "", "selfDeactivate")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "query",
    [
        Query(count=True),
        Query(after=("x", 1)),
        *(read_query([("$filter", f)], SIGN_IN) for f in ("userId ne 'a'", "userId eq 'a' and userId eq 'b'")),
    ],
)
def test_a_list_of_exemptions_refuses_what_it_cannot_answer(tmp_path: Path, query: Query) -> None:
    """A filter that is not understood never shows more than was asked for."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, clock):
            assert isinstance(await list_exemptions(house, visit(house, alice(clock.now())), query), Refused)

    asyncio.run(run())


def test_policies_refuse_what_they_cannot_answer(tmp_path: Path) -> None:
    """No other order, no unknown id, no name outside ASCII in a document that is hashed."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, clock):
            seen = visit(house, alice(clock.now()))
            asked = read_query([("$orderby", "createdDateTime desc")], SIGN_IN)
            assert isinstance(asked, Query)
            assert isinstance(await list_policies(house, seen, asked), Refused)
            assert isinstance(await find_policy(house, seen, "gone"), Refused)
            assert isinstance(await delete_policy(house, seen, "gone"), Refused)
            strange = BLOCK | {"state": "disabled", "conditions": {"ü": 1}}
            answer = await create_policy(house, seen, strange)
            assert "ASCII" in str(answer)
            assert isinstance(await create_policy(house, seen, dict(BLOCK), "x"), Refused)

    asyncio.run(run())
