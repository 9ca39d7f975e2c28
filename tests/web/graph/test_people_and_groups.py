"""Accounts, groups and keys over HTTP, as SDKs and our own commands ask for them."""

from pathlib import Path

from ostiary.core.words.caller import Origin
from ostiary.core.words.instants import hours, minutes
from tests.clock import MovableClock
from tests.records.house import ALICE, BLOCK_ID, BOB, GROUP, alice, bob, journal, local
from tests.web.graph.api import ORIGIN, Api, play

EVE = {"userPrincipalName": "Eve@Example.com", "displayName": "Eve", "ostiary": {"roles": ["auditor"], "reason": "new"}}


def test_an_account_is_made_found_changed_and_deleted(tmp_path: Path) -> None:
    """By id and by principal name; each change leaves its entry with the reason."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.client.post("/v1.0/users", json={"@odata.type": "#microsoft.graph.user", **EVE})
        eve = made.json()
        assert made.status_code == 201
        assert made.headers["location"] == f"{ORIGIN}/v1.0/users/{eve['id']}"
        assert eve["@odata.context"] == f"{ORIGIN}/v1.0/$metadata#users/$entity"
        assert (eve["userPrincipalName"], eve["ostiary"]) == ("eve@example.com", {"roles": ["auditor"]})
        await api.ask("POST", "/v1.0/users", EVE, status=409)
        await api.ask("PATCH", "/beta/users/eve@example.com", {"displayName": "Eva", "mail": "e@x.org"}, status=204)
        await api.ask("PATCH", f"/v1.0/users/{eve['id']}", {"mail": None, "ostiary": {"reason": "moved"}}, status=204)
        found = await api.ask("GET", "/v1.0/users/EVE@example.com?$select=mail,displayName")
        assert found == {
            "@odata.context": f"{ORIGIN}/v1.0/$metadata#users(mail,displayName)/$entity",
            "id": eve["id"], "displayName": "Eva", "mail": None,
        }  # fmt: skip
        await api.ask("DELETE", "/v1.0/users/eve@example.com?reason=x", status=400)
        await api.ask("DELETE", "/v1.0/users/eve@example.com?reason=Left%20%20the%20team", status=204)
        assert (await journal(api.house))[-1][1]["reason"] == "Left the team"
        await api.ask("GET", f"/v1.0/users/{eve['id']}", status=404)
        kinds = dict(await journal(api.house))
        assert kinds["admin:user:created"]["reason"] == "new"
        assert kinds["admin:user:changed"]["reason"] == "moved"

    play(tmp_path, story)


def test_lists_are_filtered_sorted_counted_and_paged(tmp_path: Path) -> None:
    """The next address carries the whole question, and ends."""

    async def story(api: Api, clock: MovableClock) -> None:
        for number in range(7):
            body = {"displayName": f"Team {number}", "description": "x"}
            await api.ask("POST", "/v1.0/groups", body, status=201)
        seen, address = [], "/v1.0/groups?$filter=startswith(displayName,'team')&$orderby=displayName desc&$top=3"
        first = await api.ask("GET", address + "&$count=true")
        assert first["@odata.count"] == 7
        while address:
            page = await api.ask("GET", address)
            seen += [group["displayName"] for group in page["value"]]
            address = page.get("@odata.nextLink", "")
        assert seen == [f"Team {number}" for number in range(6, -1, -1)]
        ask = "/v1.0/users?$filter="
        for question, names in (
            ("ostiary/roles/any(r:r eq 'administrator')", {"Alice"}),
            ("accountEnabled eq false", {"Carol"}),
            ("not (accountEnabled eq false)", {"Alice", "Bob"}),
            ("displayName eq 'aLICE' or userPrincipalName eq 'BOB@example.com'", {"Alice", "Bob"}),
            ("mail eq null and displayName ne 'Bob'", {"Alice", "Carol"}),
            ("not startswith(mail,'a')", {"Alice", "Bob", "Carol"}),
            ("mail ne 'x'", {"Alice", "Bob", "Carol"}),
            (f"id in ('{ALICE}','{BOB}') and displayName gt 'b'", {"Bob"}),
            ("startswith(displayName,'%')", set()),
            ("displayName eq ''' or 1 eq 1'", set()),
        ):
            found = await api.ask("GET", ask + question)
            assert {user["displayName"] for user in found["value"]} == names, question

    play(tmp_path, story)


def test_a_cursor_of_another_list_is_refused(tmp_path: Path) -> None:
    """An address that was put together by hand gets no page by chance."""

    async def story(api: Api, clock: MovableClock) -> None:
        for token in ("WzFd", "WzEsMl0", "W251bGwsIngiXQ", "WzEsIngiXQ"):
            answer = await api.ask("GET", f"/v1.0/users?$skiptoken={token}", status=400)
            assert answer["error"]["details"][0]["target"] == "$skiptoken"

    play(tmp_path, story)


def test_members_come_and_go(tmp_path: Path) -> None:
    """By reference, as Graph does it; a person sees the groups that they stand in."""

    async def story(api: Api, clock: MovableClock) -> None:
        team = await api.ask("POST", "/v1.0/groups", {"displayName": "Team"}, status=201)
        ref = f"/v1.0/groups/{team['id']}/members/$ref"
        body = {"@odata.id": f"{ORIGIN}/v1.0/directoryObjects/{BOB}"}
        await api.ask("POST", ref, body, status=204)
        await api.ask("POST", ref, body, status=409)
        await api.ask("POST", ref, {"@odata.id": "https://elsewhere/nobody"}, status=400)
        await api.ask("POST", ref, {"@odata.id": f"{ORIGIN}/v1.0/users/nobody"}, status=404)
        members = await api.ask("GET", f"/v1.0/groups/{team['id']}/members")
        assert [user["id"] for user in members["value"]] == [BOB]
        mine = await api.ask("GET", f"/v1.0/users/{BOB}/memberOf")
        assert [group["displayName"] for group in mine["value"]] == ["Team"]
        api.caller = bob(clock.now(), Origin.DEVICE_CODE)
        assert (await api.ask("GET", "/v1.0/me/memberOf"))["value"] == mine["value"]
        assert (await api.ask("GET", f"/v1.0/users/{BOB}/memberOf"))["value"] == mine["value"]
        await api.ask("GET", f"/v1.0/users/{ALICE}/memberOf", status=403)
        api.caller = alice(clock.now())
        gone = f"/v1.0/groups/{team['id']}/members/{BOB}/$ref"
        await api.ask("DELETE", gone, status=204)
        await api.ask("DELETE", gone, status=404)

    play(tmp_path, story)


def test_the_exception_group_takes_members_from_exemptions_alone(tmp_path: Path) -> None:
    """No standing member, no other name, no deletion: every way around is refused and recorded."""

    async def story(api: Api, clock: MovableClock) -> None:
        member = {"@odata.id": f"{ORIGIN}/v1.0/users/{BOB}"}
        await api.ask("POST", f"/v1.0/groups/{GROUP}/members/$ref", member, status=409)
        await api.ask("DELETE", f"/v1.0/groups/{GROUP}", status=409)
        await api.ask("PATCH", f"/v1.0/groups/{GROUP}", {"displayName": "Harmless"}, status=409)
        await api.ask("PATCH", f"/v1.0/groups/{GROUP}", {"description": "Only for a while"}, status=204)
        assert [kind for kind, _ in await journal(api.house)].count("admin:request:refused") == 3
        assert (await api.ask("GET", f"/v1.0/groups/{GROUP}/members"))["value"] == []
        opening = {
            "accessId": "member",
            "principalId": BOB,
            "groupId": GROUP,
            "action": "adminAssign",
            "justification": "set-up",
            "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "PT1H"}},
        }
        requests = "/v1.0/identityGovernance/privilegedAccess/group/assignmentScheduleRequests"
        await api.ask("POST", requests, opening, status=201)
        members = await api.ask("GET", f"/v1.0/groups/{GROUP}/members")
        assert [user["id"] for user in members["value"]] == [BOB]
        clock.move(hours(1))
        api.caller = alice(clock.now())
        assert (await api.ask("GET", f"/v1.0/groups/{GROUP}/members"))["value"] == []

    play(tmp_path, story)


def test_a_group_that_a_policy_names_stays(tmp_path: Path) -> None:
    """Without it a block would quietly apply to fewer people."""

    async def story(api: Api, clock: MovableClock) -> None:
        team = await api.ask("POST", "/v1.0/groups", {"displayName": "Team"}, status=201)
        policies = f"/v1.0/identity/conditionalAccess/policies/{BLOCK_ID}"
        users = {"includeUsers": ["All"], "includeGroups": [team["id"]], "excludeGroups": [GROUP]}
        policy = await api.ask("GET", policies)
        conditions = policy["conditions"] | {"users": users}
        await api.ask("PATCH", policies, {"conditions": conditions}, status=204)
        refused = await api.ask("DELETE", f"/v1.0/groups/{team['id']}", status=409)
        assert BLOCK_ID in refused["error"]["message"]
        await api.ask("PATCH", policies, {"conditions": {"users": users | {"includeGroups": []}}}, status=204)
        await api.ask("DELETE", f"/v1.0/groups/{team['id']}", status=204)

    play(tmp_path, story)


def test_links_resets_and_ended_sessions(tmp_path: Path) -> None:
    """A link is shown once; everybody may end their own sessions, also from a device sign-in (R3)."""

    async def story(api: Api, clock: MovableClock) -> None:
        link = await api.ask("POST", "/v1.0/users/bob@example.com/ostiary.passwordLink", {"reason": "forgot it"})
        assert link["url"].startswith(f"{ORIGIN}/password")
        assert link["expires"] > "2026-11-23T08"
        assert "url" in await api.ask("POST", f"/v1.0/users/{BOB}/ostiary.resetMfa")
        assert await api.ask("POST", f"/v1.0/users/{BOB}/revokeSignInSessions") == {"value": True}
        api.caller = bob(clock.now(), Origin.DEVICE_CODE)
        assert await api.ask("POST", "/v1.0/me/revokeSignInSessions", {}) == {"value": True}
        await api.ask("POST", f"/v1.0/users/{ALICE}/revokeSignInSessions", status=403)
        assert (await api.ask("GET", "/v1.0/me"))["id"] == BOB
        assert link["url"] not in str(await journal(api.house))

    play(tmp_path, story)


def test_r2_the_local_door_makes_administrators_and_nobody_else(tmp_path: Path) -> None:
    """R2: create or recover an administrator; everything else about people needs a person."""

    async def story(api: Api, clock: MovableClock) -> None:
        api.caller = local()
        await api.ask("POST", "/v1.0/users", EVE, status=403)
        root = EVE | {"ostiary": {"roles": ["administrator"]}}
        made = await api.ask("POST", "/v1.0/users", root, status=201)
        await api.ask("POST", f"/v1.0/users/{made['id']}/ostiary.passwordLink")
        await api.ask("POST", "/v1.0/users/bob@example.com/ostiary.passwordLink", status=403)
        await api.ask("PATCH", f"/v1.0/users/{BOB}", {"displayName": "B"}, status=403)
        await api.ask("DELETE", f"/v1.0/users/{BOB}", status=403)
        await api.ask("GET", "/v1.0/users", status=403)
        await api.ask("GET", "/v1.0/me", status=403)

    play(tmp_path, story)


def test_keys_are_listed_and_rotated(tmp_path: Path) -> None:
    """A reason is needed; the new keys wait until they have been shown; no private half is in any answer."""

    async def story(api: Api, clock: MovableClock) -> None:
        before = await api.ask("GET", "/v1.0/ostiary/keys")
        assert {key["state"] for key in before["value"]} == {"signing"}
        await api.ask("POST", "/v1.0/ostiary/keys/rotate", {}, status=400)
        await api.ask("POST", "/v1.0/ostiary/keys/rotate", {"reason": "x"}, status=400)
        rotated = await api.ask("POST", "/v1.0/ostiary/keys/rotate", {"reason": "every year"})
        states = {key["id"]: key["state"] for key in (await api.ask("GET", "/v1.0/ostiary/keys"))["value"]}
        assert {states[kid] for kid in rotated["keys"]} == {"waiting"}
        clock.move(hours(1))
        after = (await api.ask("GET", "/v1.0/ostiary/keys"))["value"]
        assert {key["state"] for key in after} == {"signing", "published"}
        api.caller = local()
        await api.ask("POST", "/v1.0/ostiary/keys/rotate", {"reason": "may be known", "atOnce": True})
        assert "ended" in {key["state"] for key in (await api.ask("GET", "/v1.0/ostiary/keys"))["value"]}

    play(tmp_path, story, keys=True)


def test_r3_a_write_needs_fresh_proof_in_a_browser(tmp_path: Path) -> None:
    """R3, RFC 9470: five minutes, then a challenge that says so; a device sign-in never."""

    async def story(api: Api, clock: MovableClock) -> None:
        clock.move(minutes(5))
        await api.ask("POST", "/v1.0/groups", {"displayName": "In time"}, status=201)
        clock.move(minutes(1))
        late = await api.client.post("/v1.0/groups", json={"displayName": "Late"})
        assert late.status_code == 401
        challenge = late.headers["www-authenticate"]
        assert 'error="insufficient_user_authentication", max_age="300"' in challenge
        api.caller = alice(clock.now(), Origin.DEVICE_CODE)
        await api.ask("POST", "/v1.0/groups", {"displayName": "Never"}, status=403)
        await api.ask("GET", "/v1.0/groups")
        refusals = [detail for kind, detail in await journal(api.house) if kind == "admin:request:refused"]
        assert [detail["reason"] for detail in refusals] == ["step_up", "origin_forbidden"]

    play(tmp_path, story)


def test_an_access_pass_is_made_over_the_api(tmp_path: Path) -> None:
    """Graph's address and names; shown once, bounded, and never to whoever may not make one."""

    async def story(api: Api, clock: MovableClock) -> None:
        address = "/v1.0/users/bob@example.com/authentication/temporaryAccessPassMethods"
        made = await api.ask("POST", address, {"lifetimeInMinutes": 30, "isUsableOnce": False, "reason": "new phone"})
        assert len(made["temporaryAccessPass"].replace("-", "")) == 12
        assert (made["isUsableOnce"], made["lifetimeInMinutes"]) == (False, 30)
        assert (await api.ask("POST", address, {}))["lifetimeInMinutes"] == 60
        for wrong in (9, 481, -1):
            await api.ask("POST", address, {"lifetimeInMinutes": wrong}, status=400)
        kinds = await journal(api.house)
        told = [detail for kind, detail in kinds if kind == "admin:user:access_pass"]
        assert (told[0]["reason"], told[0]["once"], told[1]["once"]) == ("new phone", False, True)
        assert made["temporaryAccessPass"] not in str(kinds)

    play(tmp_path, story)
