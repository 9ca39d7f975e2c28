"""Findings at the API: administrators confirm and dismiss them, and say what is done about them."""

from pathlib import Path

from ostiary.core.detections.finding import Cause, Finding, Severity
from ostiary.core.directory.people import Role
from ostiary.core.words.instants import days
from ostiary.store import Tx, detections
from tests.clock import MovableClock
from tests.records.house import ALICE, BOB, alice, bob, journal, person
from tests.web.graph.api import Api, play

ID = "f1nd1ng0-0000-4000-8000-000000000001"
FINDINGS, POLICY = "/v1.0/identityProtection/riskDetections", "/v1.0/ostiary/responsePolicy"
WHY = {"reason": "our own test machine"}


async def _plant(api: Api, clock: MovableClock) -> None:
    async def body(tx: Tx) -> None:
        now = clock.now()
        finding = Finding(ID, "reported", Severity.HIGH, now, "Seen.", "n1.1", user=BOB, cause=Cause.PERSON)
        await detections.add(tx, finding, now)

    await api.house.store.write(body)


def test_a_finding_is_dismissed_with_a_reason_and_confirmed_without_one(tmp_path: Path) -> None:
    """Graph's words for both; the list is filtered by them; who is no administrator is refused."""

    async def story(api: Api, clock: MovableClock) -> None:
        await _plant(api, clock)
        await api.ask("POST", f"{FINDINGS}/{ID}/dismiss", {}, status=400)
        shown = await api.ask("POST", f"{FINDINGS}/{ID}/dismiss", WHY)
        assert (shown["id"], shown["riskState"], shown["ostiary"]["state"]) == (ID, "dismissed", "dismissed")
        await api.ask("POST", f"{FINDINGS}/{ID}/dismiss", WHY, status=409)
        shown = await api.ask("POST", f"{FINDINGS}/{ID}/confirmCompromised", {})
        assert shown["riskState"] == "confirmedCompromised"
        found = await api.ask("GET", f"{FINDINGS}?$filter=riskState eq 'confirmedCompromised'")
        assert [one["id"] for one in found["value"]] == [ID]
        await api.ask("POST", f"{FINDINGS}/none/confirmCompromised", {}, status=404)
        api.caller = person(BOB, Role.AUDITOR, at=clock.now(), name="bob@example.com")
        assert (await api.ask("GET", f"{FINDINGS}/{ID}"))["riskState"] == "confirmedCompromised"
        await api.ask("POST", f"{FINDINGS}/{ID}/dismiss", WHY, status=403)
        api.caller = bob(clock.now())
        await api.ask("POST", f"{FINDINGS}/{ID}/confirmCompromised", {}, status=403)

    play(tmp_path, story)


def test_what_is_done_about_findings_is_shown_and_changed(tmp_path: Path) -> None:
    """
    The default is a whole document; a part of it is changed, with a reason. A change that names an entity tag is made
    from that one alone.
    """

    async def story(api: Api, clock: MovableClock) -> None:
        found = await api.ask("GET", POLICY)
        assert found["severities"]["high"] == ["alert", "endExemption", "revokeSessions"]
        assert (found["rules"], found["blockLength"]) == ({}, "PT1H")
        changes = {"rules": {"reported": ["alert", "blockSource"]}, "blockLength": "PT4H"}
        await api.ask("PATCH", POLICY, changes, status=400)
        await api.ask("PATCH", POLICY, changes | WHY, status=204)
        found = await api.ask("GET", POLICY)
        assert (found["rules"], found["blockLength"]) == (changes["rules"], "PT4H")
        tag = {"if-match": found["@odata.etag"]}
        await api.ask("PATCH", POLICY, {"blockLength": "PT5H"} | WHY, status=204, headers=tag)
        refused = await api.ask("PATCH", POLICY, {"blockLength": "PT6H"} | WHY, status=412, headers=tag)
        assert refused["error"]["code"] == "preconditionFailed"
        kind, detail = (await journal(api.house))[-1]
        assert (kind, detail["reason"]) == ("admin:request:refused", "precondition_failed")
        assert (await api.ask("GET", POLICY))["blockLength"] == "PT5H"
        await api.ask("PATCH", POLICY, {"severities": {"high": ["shout"]}} | WHY, status=400)
        api.caller = person(BOB, Role.AUDITOR, at=clock.now(), name="bob@example.com")
        await api.ask("PATCH", POLICY, changes | WHY, status=403)

    play(tmp_path, story)


def test_whom_findings_make_risky_is_listed_until_they_are_dismissed(tmp_path: Path) -> None:
    """Graph's `riskyUsers`: the level that policies see, for administrators and auditors, a page at a time."""

    async def story(api: Api, clock: MovableClock) -> None:
        listed = "/v1.0/identityProtection/riskyUsers"
        assert (await api.ask("GET", listed))["value"] == []
        await _plant(api, clock)
        (found,) = (await api.ask("GET", f"{listed}?$top=1"))["value"]
        assert (found["id"], found["userPrincipalName"]) == (BOB, "bob@example.com")
        assert (found["riskLevel"], found["riskState"]) == ("high", "atRisk")
        await api.ask("POST", f"{FINDINGS}/{ID}/confirmCompromised", {})
        assert (await api.ask("GET", listed))["value"][0]["riskState"] == "confirmedCompromised"
        await api.ask("GET", f"{listed}?$filter=riskLevel eq 'high'", status=400)
        await api.ask("POST", f"{FINDINGS}/{ID}/dismiss", WHY)
        assert (await api.ask("GET", listed))["value"] == []
        api.caller = bob(clock.now())
        await api.ask("GET", listed, status=403)

    play(tmp_path, story)


def test_people_are_confirmed_as_compromised_and_dismissed_as_graph_does(tmp_path: Path) -> None:
    """
    `userIds` and 204: confirmed, somebody is at the highest risk, and stays so once a day however often it is said;
    dismissed, at none. An account that there is not, none, or more than sixty are refused whole.
    """

    async def story(api: Api, clock: MovableClock) -> None:
        people = "/v1.0/identityProtection/riskyUsers"
        both = {"userIds": [BOB, ALICE]}
        await _plant(api, clock)
        for wrong, status in (
            ({}, 400), ({"userIds": []}, 400), ({"userIds": BOB}, 400), ({"userIds": [BOB] * 61}, 400),
            ({"userIds": [BOB, "nobody"]}, 404), (both | {"reason": "x"}, 400),
        ):  # fmt: skip
            await api.ask("POST", f"{people}/confirmCompromised", wrong, status=status)
        await api.ask("GET", f"{people}/{ALICE}", status=404)
        for _ in range(2):
            await api.ask("POST", f"{people}/confirmCompromised", both, status=204)
        shown = await api.ask("GET", f"{people}/{ALICE}")
        assert (shown["riskLevel"], shown["riskState"]) == ("high", "confirmedCompromised")
        assert shown["riskDetail"] == "adminConfirmedUserCompromised"
        found = (await api.ask("GET", f"{FINDINGS}?$filter=userId eq '{ALICE}'"))["value"]
        assert [one["riskEventType"] for one in found] == ["admin_confirmed_user_compromised"]
        clock.move(days(29))
        await api.ask("GET", f"{people}/{ALICE}")
        api.caller = person(BOB, Role.AUDITOR, at=clock.now(), name="bob@example.com")
        for deed in ("confirmCompromised", "dismiss"):
            await api.ask("POST", f"{people}/{deed}", both, status=403)
        api.caller = alice(clock.now())
        await api.ask("POST", f"{people}/dismiss", both, status=204)
        assert (await api.ask("GET", people))["value"] == []
        assert (await api.ask("GET", f"{FINDINGS}/{ID}"))["riskState"] == "dismissed"
        await api.ask("POST", f"{people}/dismiss", both, status=204)

    play(tmp_path, story)
