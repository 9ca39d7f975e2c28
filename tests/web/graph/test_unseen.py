"""Nobody overwrites what they have not seen: entity tags and `If-Match` at the admin API."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.words.instants import minutes
from tests.clock import MovableClock
from tests.records.house import BOB, alice, bob, journal
from tests.web.graph.api import Api, play
from tests.web.graph.test_access import LOCATIONS, NORDICS, POLICIES, rule

KINDS = {POLICIES: rule(state="disabled"), LOCATIONS: NORDICS}
USER = f"/v1.0/users/{BOB}"


def after(tag: str) -> dict[str, str]:
    """A request for what had that tag."""
    return {"if-match": tag}


async def refusals(api: Api) -> list[dict[str, Any]]:
    """What the journal tells of refused changes."""
    return [dict(detail) for kind, detail in await journal(api.house) if kind == "admin:request:refused"]


@pytest.mark.parametrize("collection", KINDS)
def test_what_is_read_says_which_version_it_is(tmp_path: Path, collection: str) -> None:
    """`ETag` and `@odata.etag`, made, read, selected, listed and changed; one that an old text comes back to is new."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.client.post(collection, json=KINDS[collection])
        tag, path = made.headers["etag"], f"{collection}/{made.json()['id']}"
        assert tag.startswith('"')
        one, chosen = await api.client.get(path), await api.client.get(f"{path}?$select=id")
        assert [each.headers["etag"] for each in (one, chosen)] == [tag, tag]
        assert {each.json()["@odata.etag"] for each in (made, one, chosen)} == {tag}
        assert (await api.client.head(path)).headers["etag"] == tag
        listed = await api.client.get(collection)
        assert "etag" not in listed.headers
        assert {each["id"]: each["@odata.etag"] for each in listed.json()["value"]}[made.json()["id"]] == tag
        tags = [tag]
        for name in ("Another", KINDS[collection]["displayName"]):
            clock.move(minutes(1))
            api.caller = alice(clock.now())
            changed = await api.client.patch(path, json={"displayName": name}, headers=after(tags[-1]))
            assert changed.status_code == 204
            tags.append(changed.headers["etag"])
            assert (await api.client.get(path)).headers["etag"] == tags[-1]
        assert len(set(tags)) == 3
        gone = await api.client.delete(path, headers=after(tags[-1]))
        assert (gone.status_code, "etag" in gone.headers) == (204, False)

    play(tmp_path, story)


@pytest.mark.parametrize("collection", KINDS)
def test_a_change_of_what_is_another_by_now_is_refused(tmp_path: Path, collection: str) -> None:
    """412 in Graph's words, written down, and nothing changes; without a tag, and for any, it is done as ever."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask("POST", collection, KINDS[collection], status=201)
        path, old = f"{collection}/{made['id']}", made["@odata.etag"]
        await api.ask("PATCH", path, {"displayName": "By somebody else"}, status=204)
        new = (await api.ask("GET", path))["@odata.etag"]
        mine = {"displayName": "Mine"}
        for tag in (old, f'"x", {old}', f"W/{new}", '""'):
            refused = await api.ask("PATCH", path, mine, status=412, headers=after(tag))
            assert refused["error"]["code"] == "preconditionFailed"
            assert "Somebody changed it since you looked at it." in refused["error"]["message"]
            await api.ask("DELETE", path, status=412, headers=after(tag))
        told = await refusals(api)
        assert [one["reason"] for one in told] == ["precondition_failed"] * 8
        for tag in (new.strip('"'), "", f"*, {new}"):
            await api.ask("PATCH", path, mine, status=400, headers=after(tag))
        assert (await api.ask("GET", path))["displayName"] == "By somebody else"
        await api.ask("PATCH", path, mine, status=204, headers=after(f'"x", {new}'))
        await api.ask("PATCH", path, {"displayName": "Any"}, status=204, headers=after("*"))
        await api.ask("DELETE", path, status=204, headers=after("*"))
        for tag in (old, "*"):
            await api.ask("PATCH", path, mine, status=404, headers=after(tag))
        api.caller = bob(clock.now())
        await api.ask("PATCH", path, mine, status=403, headers=after(old))

    play(tmp_path, story)


def test_of_many_changes_at_once_for_one_version_one_is_made(tmp_path: Path) -> None:
    """They compare inside the transaction that decides: who comes second has not seen what the first one wrote."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask("POST", POLICIES, KINDS[POLICIES], status=201)
        path, tag = f"{POLICIES}/{made['id']}", after(made["@odata.etag"])
        answers = await asyncio.gather(
            *(api.client.patch(path, json={"displayName": f"N{n}"}, headers=tag) for n in range(12))
        )
        done = [number for number, answer in enumerate(answers) if answer.status_code == 204]
        assert sorted(answer.status_code for answer in answers) == [204] + [412] * 11
        assert (await api.ask("GET", path))["displayName"] == f"N{done[0]}"

    play(tmp_path, story)


def test_what_has_no_tag_is_not_changed_for_one(tmp_path: Path) -> None:
    """Whoever trusts in a comparison that nobody makes is told so (RFC 9110 §13.1.1); `*` and no header go on."""

    async def story(api: Api, clock: MovableClock) -> None:
        assert "@odata.etag" not in await api.ask("GET", USER)
        before = await api.ask("GET", USER)
        for method, body in (("PATCH", {"displayName": "Robert"}), ("DELETE", None)):
            await api.ask(method, USER, body, status=412, headers=after('"x"'))
        assert await api.ask("GET", USER) == before
        await api.ask("PATCH", USER, {"displayName": "Robert"}, status=204, headers=after("*"))

    play(tmp_path, story)
