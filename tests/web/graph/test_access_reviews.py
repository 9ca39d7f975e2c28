"""Access reviews over HTTP: everybody eligible is asked about once, with evidence; a no takes effect at once."""

from pathlib import Path
from typing import Any

from ostiary.core.words.caller import Origin
from ostiary.core.words.instants import days, hours
from tests.records.asked import ELIGIBLE, PIM, REQUESTS, activate, dana, eligible, eric
from tests.records.house import BOB, alice, bob, journal
from tests.web.graph.test_requests import Bench, told

REVIEWS = "/v1.0/identityGovernance/accessReviews/definitions"
NEW = {"displayName": "Autumn", "descriptionForAdmins": "twice a year", "settings": {"instanceDurationInDays": 7}}


async def started(bench: Bench) -> str:
    """A review, and where its answers are."""
    made = await bench.by(alice, "POST", REVIEWS, NEW, status=201)
    assert (made["status"], made["settings"]["instanceDurationInDays"]) == ("InProgress", 7)
    return f"{REVIEWS}/{made['id']}/instances/{made['id']}"


def answer(decision: str, why: str = "still runs them") -> dict[str, Any]:
    """An answer."""
    return {"decision": decision, "justification": why}


def test_a_review_asks_about_everybody_and_a_no_ends_what_was_given(tmp_path: Path) -> None:
    """Evidence says who made no use of it; denying ends eligibility and requests; the journal has all of it."""

    async def story(bench: Bench) -> None:
        await bench.by(alice, "POST", ELIGIBLE, eligible(principalId="dana@example.com"), status=201)
        bench.clock.move(days(89))
        waits = await bench.asked()
        bench.clock.move(hours(23))
        where = await started(bench)
        asked = {each["principal"]["id"]: each for each in (await bench.by(dana, "GET", f"{where}/decisions"))["value"]}
        assert len(asked) == 2
        assert (asked[BOB]["decision"], asked[BOB]["recommendation"], asked[BOB]["ostiary"]["unused"]) == (
            "NotReviewed", "Approve", False,
        )  # fmt: skip
        question = f"{where}/decisions/{asked[BOB]['id']}"
        await bench.by(alice, "PATCH", question, answer("Approve", ""), status=400)
        await bench.by(alice, "PATCH", question, {"justification": "hm"}, status=400)
        await bench.by(alice, "PATCH", question, answer("Approve"), status=204)
        assert (await bench.by(alice, "GET", question))["decision"] == "Approve"
        await bench.by(dana, "PATCH", question, answer("Deny", "moved on"), status=204)
        assert await bench.state(waits["id"]) == "killed"
        await bench.by(bob, "POST", REQUESTS, activate(), status=403)
        await bench.by(alice, "PATCH", question, answer("Approve"), status=409)
        (left,) = (await bench.by(alice, "GET", f"{PIM}/eligibilityScheduleInstances"))["value"]
        assert left["principal"]["displayName"] == "Dana"
        kinds = [kind for kind, _ in await journal(bench.api.house)]
        assert {"admin:access_review:started", "user:access_review:decided", "admin:eligibility:ended"} <= set(kinds)

    told(tmp_path, story)


def test_what_nobody_used_for_ninety_days_speaks_for_itself(tmp_path: Path) -> None:
    """The recommendation is to end it; so says the list of those who made no use of it."""

    async def story(bench: Bench) -> None:
        longer = eligible(
            action="adminUpdate", scheduleInfo={"expiration": {"type": "afterDuration", "duration": "P200D"}}
        )
        await bench.by(alice, "POST", ELIGIBLE, longer, status=201)
        bench.clock.move(days(90))
        unused = f"{PIM}/eligibilityScheduleInstances?$filter=ostiary/unused eq true"
        assert len((await bench.by(alice, "GET", unused))["value"]) == 1
        where = await started(bench)
        (question,) = (await bench.by(alice, "GET", f"{where}/decisions"))["value"]
        assert (question["recommendation"], question["ostiary"]["lastUsedDateTime"]) == ("Deny", None)

    told(tmp_path, story)


def test_who_may_review_and_until_when(tmp_path: Path) -> None:
    """Administrators and approvers in a browser; not oneself; not after it was stopped or is over."""

    async def story(bench: Bench) -> None:
        await bench.by(bob, "POST", REVIEWS, NEW, status=403)
        await bench.by(lambda at: alice(at, Origin.DEVICE_CODE), "POST", REVIEWS, NEW, status=403)
        await bench.by(alice, "POST", REVIEWS, {**NEW, "descriptionForAdmins": ""}, status=400)
        await bench.by(alice, "POST", REVIEWS, {**NEW, "settings": {"instanceDurationInDays": 91}}, status=400)
        await bench.by(alice, "POST", ELIGIBLE, eligible(principalId="dana@example.com"), status=201)
        where = await started(bench)
        asked = (await bench.by(alice, "GET", f"{where}/decisions"))["value"]
        (own,) = (each["id"] for each in asked if each["principal"]["displayName"] == "Dana")
        await bench.by(dana, "PATCH", f"{where}/decisions/{own}", answer("Approve"), status=403)
        await bench.by(eric, "PATCH", f"{where}/decisions/other", answer("Approve"), status=404)
        await bench.by(bob, "GET", f"{where}/decisions", status=403)
        assert len((await bench.by(alice, "GET", REVIEWS))["value"]) == 1
        assert (await bench.by(alice, "GET", f"{where.rpartition('/')[0]}"))["value"][0]["status"] == "InProgress"
        other = where.rpartition("/")[0] + "/7a0d1f2e-0000-4000-8000-000000000000"
        await bench.by(alice, "GET", f"{other}/decisions", status=404)
        await bench.by(alice, "POST", f"{other}/stop", {}, status=404)
        await bench.by(alice, "POST", f"{where}/stop", {}, status=204)
        await bench.by(alice, "POST", f"{where}/stop", {}, status=409)
        assert (await bench.by(alice, "GET", where))["status"] == "Completed"
        await bench.by(eric, "PATCH", f"{where}/decisions/{own}", answer("Deny"), status=409)
        other = await started(bench)
        bench.clock.move(days(7))
        await bench.by(eric, "PATCH", f"{other}/decisions/{own}", answer("Deny"), status=404)
        assert (await bench.by(alice, "GET", other))["status"] == "Completed"

    told(tmp_path, story)
