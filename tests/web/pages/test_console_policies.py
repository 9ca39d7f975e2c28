"""Policies in the console: the list, one in words, its history and what it said on a day."""

import html
import json
import re
from typing import Any

import httpx
import pytest

from ostiary.core.directory.people import Role
from ostiary.core.words.instants import Instant, days, minutes, to_iso
from ostiary.core.words.outcome import Refused
from ostiary.services.access.locations import create_location
from ostiary.services.access.policies import change_policy, create_policy, delete_policy, find_policy
from ostiary.store import Tx, policies
from ostiary.store import gone as rows
from tests.web.pages.site import ADMIN_API, ALICE, BLOCK, BOB, CAROL, GROUP, Browser, Site, actions, hidden
from tests.web.pages.test_console import entered, table

HERE = "/console/policies"
NEW: dict[str, Any] = {
    "displayName": "Second factor for the tool",
    "state": "enabledForReportingButNotEnforced",
    "conditions": {
        "users": {"includeUsers": [str(BOB)], "includeRoles": ["approver"], "excludeUsers": [str(CAROL)]},
        "applications": {"includeApplications": [str(ADMIN_API)]},
        "clientAppTypes": ["all"],
    },
    "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
}


def save(site: Site, document: dict[str, Any] | None = None) -> str:
    """A new policy of the administrator; its id."""
    made = site.run(create_policy(site.house, site.admin(), document or NEW, "wanted by the audit"))
    assert hasattr(made, "id"), made
    return str(made.id)


def words(page: httpx.Response) -> str:
    """The page's text, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text.partition("<main")[2])).split())


@pytest.fixture
def auditor(site: Site) -> Browser:
    """Bob, who only looks."""
    return entered(site, BOB, Role.AUDITOR)


def test_the_list_says_what_each_demands_and_who_changed_it(site: Site, auditor: Browser) -> None:
    """By name and state; an original of the founding was changed by nobody."""
    save(site)
    rows = {row[0]: row for row in table(auditor.get(HERE))}
    new, block = rows[NEW["displayName"]], rows[str(BLOCK["displayName"])]
    assert (*new[1:4], new[5]) == ("report-only", "2 named 1 left out What for", "mfa", "alice@example.com")
    assert (*block[1:4], block[5]) == ("on", "everybody 1 left out with a device code", "block", "–")
    assert [row[0] for row in table(auditor.get(f"{HERE}?q=second"))] == [NEW["displayName"]]
    assert [row[0] for row in table(auditor.get(f"{HERE}?state=enabled"))] == [BLOCK["displayName"]]
    assert "Nothing is like that." in auditor.get(f"{HERE}?q=zzz").text
    exported = auditor.get(f"{HERE}?export=json&q=second").json()
    assert [(one["displayName"], one["grantControls"]) for one in exported] == [
        (NEW["displayName"], NEW["grantControls"])
    ]
    assert "Kill switch not pulled" in words(auditor.get(HERE))


def test_one_policy_is_told_in_words(site: Site, auditor: Browser) -> None:
    """With the names of those that it names, and the document as it was saved."""
    page = auditor.get(f"{HERE}/{save(site)}")
    told = words(page)
    assert "Who approvers, Bob but not: Carol" in told
    assert "What for Ostiary" in told
    assert "What is demanded a second factor" in told
    assert f'href="/console/people/{BOB}"' in page.text
    assert "&#34;mfa&#34;" in page.text
    block = words(auditor.get(f"{HERE}/b10c"))
    assert "Who everybody but not: Exception" in block
    assert "How the sign-in travels with a device code" in block
    assert "What happens It is blocked." in block
    assert auditor.get(f"{HERE}/nothing").status_code == 404


def test_what_is_not_there_any_more_is_said(site: Site, auditor: Browser) -> None:
    """An id that nobody has is shown as one; a part that cannot be enforced is named with its place."""
    users = {"includeUsers": ["a11ce000-0000-4000-8000-00000000dead"]}
    document = NEW | {
        "conditions": NEW["conditions"] | {"users": users}, "sessionControls": {"disableResilienceDefaults": True},
    }  # fmt: skip
    told = words(auditor.get(f"{HERE}/{save(site, document)}"))
    assert "a11ce000-0000-4000-8000-00000000dead not there any more" in told
    assert "It could not be enforced as it is:" in told
    assert "$.sessionControls.disableResilienceDefaults" in told


def test_the_history_tells_who_changed_what_and_what_stood_on_a_day(site: Site, auditor: Browser) -> None:
    """Each change with before and after; on a day it says what it said then, also when it is gone."""
    id = save(site)
    first = site.clock.now()
    site.clock.move(days(2))
    changed = site.run(
        change_policy(site.house, site.admin(), id, {"state": "disabled"}, "it was in the way"),
    )
    assert hasattr(changed, "id"), changed
    site.clock.move(days(2))
    gone = site.run(delete_policy(site.house, site.admin(), id))
    assert gone is None
    auditor.sign_in(BOB)
    told = words(auditor.get(f"{HERE}/{id}"))
    assert "This policy is not there any more" in told
    assert "It was deleted." in told
    assert "“ it was in the way ”" in told
    assert '$.state "enabledForReportingButNotEnforced" "disabled"' in told

    def on(after_days: int) -> str:
        day = to_iso(Instant(first + days(after_days)))[:10]
        return words(auditor.get(f"{HERE}/{id}/day?on={day}"))

    assert "When the day began There was no such policy." in on(0)
    assert "report-only" in on(0)
    assert "report-only" in on(1)
    assert "off" in on(3)
    assert "does not hold all changes" not in on(1)
    assert "There was no such policy." in on(4)

    async def erased(tx: Tx) -> None:
        await rows.remove(tx, (await policies.changes(tx, id, most=9))[1].position)

    site.run(site.house.store.write(erased))
    assert "does not hold all changes" in on(1)
    assert "does not hold all changes" in on(3)


def test_an_original_policy_stood_before_its_first_change(site: Site, auditor: Browser) -> None:
    """No entry made it: what it said is kept beside the journal."""
    start = site.clock.now()
    site.clock.move(days(3))
    changed = site.run(
        change_policy(site.house, site.admin(), "b10c", {"description": "Ask the platform team"}, "so that it is known")
    )
    assert hasattr(changed, "id"), changed
    auditor.sign_in(BOB)
    page = auditor.get(f"{HERE}/b10c/day?on={to_iso(start)[:10]}")
    assert page.status_code == 200
    assert "Block device code flow" in page.text
    assert "Ask the platform team" not in page.text
    assert "does not hold all changes" not in page.text
    for wrong in ("", "soon", "2026-02-31", "9999-01-01"):
        assert auditor.get(f"{HERE}/b10c/day?on={wrong}").status_code == 400, wrong


def test_named_locations_are_listed(site: Site, auditor: Browser) -> None:
    """With what they consist of, searched and exported as any list."""
    given = {"displayName": "Office", "ipRanges": [{"cidrAddress": "198.51.100.0/24"}], "isTrusted": True}
    made = site.run(create_location(site.house, site.admin(), given))
    assert hasattr(made, "id"), made
    page = auditor.get(f"{HERE}/locations")
    assert table(page)[0][:3] == ["Office", "trusted", "198.51.100.0/24"]
    assert table(auditor.get(f"{HERE}/locations?q=zz")) == []
    assert auditor.get(f"{HERE}/locations?export=json").json()[0]["displayName"] == "Office"


# ---- changing


@pytest.fixture
def admin(site: Site) -> Browser:
    """Alice, who administers."""
    return entered(site, ALICE, Role.ADMINISTRATOR)


def stored(site: Site, id: str) -> dict[str, Any]:
    """What the policy says."""
    found = site.run(find_policy(site.house, site.admin(), id))
    assert not isinstance(found, Refused), found
    return found.document


def shown(page: httpx.Response) -> str:
    """What stands in the field of the document."""
    found = re.search(r'<textarea id="document".*?>(.*?)</textarea>', page.text, re.S)
    assert found, page.text
    return html.unescape(found[1])


def test_a_policy_is_checked_mended_and_saved(site: Site, admin: Browser) -> None:
    """A mistake is told with its place, twice, before anything is saved; what was typed stays in the field."""
    page = admin.get(f"{HERE}/new")
    assert json.loads(shown(page))["state"] == "enabledForReportingButNotEnforced"
    broken = json.dumps(NEW, indent=2).replace('"mfa"', "mfa")
    answer = admin.submit(page, f"{HERE}/new", document=broken, do="check")
    assert answer.status_code == 400
    assert re.search(r"Not JSON: Expecting value at line \d+, column \d+\.", words(answer))
    assert shown(answer) == broken
    wrong = NEW | {"state": "enabled", "grantControls": {"operator": "OR", "builtInControls": ["mfa", "magic"]}}
    answer = admin.submit(answer, f"{HERE}/new", document=json.dumps(wrong), do="save")
    assert answer.status_code == 400
    assert "$.grantControls.builtInControls magic cannot be enforced here" in words(answer)
    assert "What is demanded a second factor magic something that cannot be read" in words(answer)
    strangers = NEW | {"state": "enabled", "conditions": NEW["conditions"] | {"users": {"includeUsers": ["x"]}}}
    answer = admin.submit(answer, f"{HERE}/new", document=json.dumps(strangers), do="check")
    assert "$.conditions.users.includeUsers[0] there is nothing with the id x" in words(answer)
    answer = admin.submit(answer, f"{HERE}/new", document=json.dumps(NEW), do="check")
    assert answer.status_code == 200
    assert "Who approvers, Bob but not: Carol" in words(answer)
    assert "Whom it would have kept out in the last week" in words(answer)
    assert site.entries("admin:policy:created") == []
    saved = admin.submit(answer, f"{HERE}/new", document=json.dumps(NEW), reason="asked for by the audit", do="save")
    page = admin.follow(saved)
    assert NEW["displayName"] in page.text
    assert "“ asked for by the audit ”" in words(page)
    (entry,) = site.entries("admin:policy:created")
    assert (entry["detail"]["after"], entry["detail"]["reason"]) == (NEW, "asked for by the audit")


def test_a_whole_document_is_put_in_the_place_of_the_old(site: Site, admin: Browser) -> None:
    """What it does not say any more is not there; what only the service writes may stand in it."""
    id = save(site)
    new = {key: value for key, value in NEW.items() if key != "grantControls"}
    new |= {
        "id": id,
        "createdDateTime": "2020-01-01T00:00:00Z",
        "@odata.context": "x",
        "ostiary": {"limits": {"sessionHours": 1}},
    }
    page = admin.get(f"{HERE}/{id}/edit")
    assert json.loads(shown(page)) == NEW
    answer = admin.submit(page, f"{HERE}/{id}/edit", document=json.dumps(new), do="check")
    assert "$.grantControls" in words(answer)
    assert "Sessions live at most 1 h" in words(answer)
    assert admin.submit(answer, f"{HERE}/{id}/edit", document=json.dumps(new), do="save").status_code == 303
    assert stored(site, id) == {key: new[key] for key in ("displayName", "state", "conditions", "ostiary")}


def test_r3_a_proof_that_is_too_old_is_asked_for_and_what_was_typed_is_kept(site: Site, admin: Browser) -> None:
    """R3: saving wants MFA not older than five minutes; a document that no cookie holds is not lost either."""
    id = save(site)
    page = admin.get(f"{HERE}/{id}/edit")
    site.clock.move(minutes(6))
    new = json.dumps(NEW | {"description": "x" * 900}, indent=2)
    answer = admin.submit(page, f"{HERE}/{id}/edit", document=new, reason="so that it is known", do="save")
    assert answer.headers["location"].startswith("/signin/again")
    assert stored(site, id) == NEW
    again = admin.follow(answer)
    back = admin.follow(admin.submit(again, "/signin/again", totp=site.totp(ALICE)))
    assert shown(back) == new
    assert "so that it is known" in back.text
    saved = admin.submit(back, f"{HERE}/{id}/edit", document=shown(back), reason="so that it is known", do="save")
    assert saved.status_code == 303
    assert stored(site, id)["description"] == "x" * 900
    site.clock.move(minutes(6))
    people = [site.random.guid() for _ in range(200)]
    large = NEW | {"conditions": NEW["conditions"] | {"users": {"includeUsers": people}}}
    page = admin.get(f"{HERE}/{id}/edit")
    answer = admin.submit(page, f"{HERE}/{id}/edit", document=json.dumps(large), do="save")
    assert answer.status_code == 400
    assert "too long to be kept on the way" in words(answer)
    assert f'href="/signin/again?return=/console/policies/{id}/edit"' in answer.text
    assert json.loads(shown(answer)) == large


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(site: Site, admin: Browser) -> None:
    """It is refused and shown beside what was typed, also when only the state is to be another, and on deleting."""
    id = save(site)
    edit, one = admin.get(f"{HERE}/{id}/edit"), admin.get(f"{HERE}/{id}")
    other = site.run(change_policy(site.house, site.admin(), id, {"description": "by somebody else"}, "meanwhile"))
    assert hasattr(other, "id"), other
    mine = json.dumps(NEW | {"description": "mine"})
    answer = admin.submit(edit, f"{HERE}/{id}/edit", document=mine, do="save")
    assert answer.status_code == 409
    assert "Somebody changed it since you looked at it." in words(answer)
    assert '$.description "by somebody else" "mine"' in words(answer)
    for do in ("state", "delete"):
        refused = admin.submit(one, f"{HERE}/{id}", state="disabled", reason="enough of it", do=do)
        assert refused.status_code == 409
    assert stored(site, id)["description"] == "by somebody else"
    assert admin.submit(answer, f"{HERE}/{id}/edit", document=mine, do="save").status_code == 303
    assert stored(site, id)["description"] == "mine"
    bare = {**hidden(admin.get(f"{HERE}/{id}"), f"{HERE}/{id}"), "seen": ""}
    assert admin.post(f"{HERE}/{id}", **bare, state="disabled", do="state").status_code == 409


@pytest.mark.parametrize("do", ["state", "delete"])
def test_switching_and_deleting_are_for_what_was_looked_at_on_the_second_try_too(
    site: Site, admin: Browser, do: str
) -> None:
    """After a step-up and another refusal it is refused as at once; told of it, the next one is for what is now."""
    id = save(site)
    one, act = f"{HERE}/{id}", {"state": "disabled", "reason": "enough of it", "do": do}
    page = admin.get(one)
    other = site.run(change_policy(site.house, site.admin(), id, {"description": "by somebody else"}, "meanwhile"))
    assert hasattr(other, "id"), other
    short = admin.submit(page, one, **act | {"reason": "x"})
    assert short.status_code == 400
    assert admin.submit(short, one, **act).status_code == 409
    site.clock.move(minutes(6))
    again = admin.follow(admin.submit(short, one, **act))
    back = admin.follow(admin.submit(again, "/signin/again", totp=site.totp(ALICE)))
    lost = admin.submit(back, one, **act)
    assert lost.status_code == 409
    assert "Somebody changed it since you looked at it." in words(lost)
    assert stored(site, id) == NEW | {"description": "by somebody else"}
    assert admin.submit(lost, one, **act).status_code == 303


def test_a_document_says_the_same_after_it_was_opened_and_saved(site: Site, admin: Browser) -> None:
    """What is invisible is shown as JSON escapes it, also above U+FFFF, and is read again as what it was."""
    hostile = NEW | {"description": "a\U000e0067b\u202ec\u0085d\u00a0e\x7ff\\\U000f0000"}
    id = save(site, hostile)
    page = admin.get(f"{HERE}/{id}/edit")
    assert r"a\udb40\udc67b\u202ec\u0085d\u00a0e\u007ff\\\udb80\udc00" in shown(page)
    assert json.loads(shown(page)) == hostile
    assert admin.submit(page, f"{HERE}/{id}/edit", document=shown(page), do="save").status_code == 303
    assert stored(site, id) == hostile
    assert r"a\udb40\udc67b" in html.unescape(admin.get(f"{HERE}/{id}").text)


def test_what_somebody_else_deleted_meanwhile_can_be_saved_as_a_new_one(site: Site, admin: Browser) -> None:
    """What was typed is still there, and nothing comes back by itself."""
    id = save(site)
    edit = admin.get(f"{HERE}/{id}/edit")
    assert site.run(delete_policy(site.house, site.admin(), id)) is None
    mine = json.dumps(NEW | {"displayName": "Again"})
    for do in ("check", "save"):
        answer = admin.submit(edit, f"{HERE}/{id}/edit", document=mine, do=do)
        assert answer.status_code == 404
        assert "Somebody deleted the policy since you looked at it." in words(answer)
        assert shown(answer) == mine
    made = admin.follow(admin.submit(answer, f"{HERE}/new", document=mine, do="save"))
    assert "Again" in words(made)
    assert admin.get(f"{HERE}/{id}/edit").status_code == 404


def test_whoever_weakens_a_guardrail_is_told_and_says_why(site: Site, admin: Browser) -> None:
    """By another state, by leaving out more, by deleting: a check names it, a save without a reason is refused."""
    page = admin.get(f"{HERE}/b10c")
    assert 'value="enabled" selected' in page.text
    answer = admin.submit(page, f"{HERE}/b10c", state="disabled", do="state")
    assert "This weakens a guardrail: say why." in words(answer)
    assert 'value="disabled" selected' in answer.text
    users = {"includeUsers": ["All"], "excludeGroups": [GROUP], "excludeUsers": [str(CAROL)]}
    said: Any = BLOCK["conditions"]
    more = BLOCK | {"conditions": said | {"users": users}}
    edit = admin.get(f"{HERE}/b10c/edit")
    checked = admin.submit(edit, f"{HERE}/b10c/edit", document=json.dumps(more), do="check")
    assert "It weakens a guardrail. It would leave out more than before: Who: Carol" in words(checked)
    off = admin.submit(edit, f"{HERE}/b10c/edit", document=json.dumps(BLOCK | {"state": "disabled"}), do="check")
    assert "This policy would not keep everybody from device codes any more." in words(off)
    refused = admin.submit(edit, f"{HERE}/b10c/edit", document=json.dumps(more), do="save")
    assert "This weakens a guardrail: say why." in words(refused)
    assert stored(site, "b10c") == BLOCK
    gone = admin.submit(admin.get(f"{HERE}/b10c"), f"{HERE}/b10c", reason="a new one follows", do="delete")
    assert "This policy is not there any more" in words(admin.follow(gone))
    (alert,) = site.entries("system:alert:raised")
    assert "Nothing blocks device code flow any more." in alert["detail"]["text"]
    (entry,) = site.entries("admin:policy:deleted")
    assert entry["detail"]["reason"] == "a new one follows"


def test_what_cannot_be_enforced_is_not_switched_on(site: Site, admin: Browser) -> None:
    """Report-only it may stand; switching it on names each problem with its place (R4)."""
    id = save(site, NEW | {"sessionControls": {"disableResilienceDefaults": True}})
    answer = admin.submit(admin.get(f"{HERE}/{id}"), f"{HERE}/{id}", state="enabled", do="state")
    assert answer.status_code == 400
    assert "It cannot be switched like this" in words(answer)
    assert "$.sessionControls.disableResilienceDefaults" in words(answer)
    assert stored(site, id)["state"] == NEW["state"]
    assert admin.submit(answer, f"{HERE}/{id}", state="disabled", do="state").status_code == 303
    assert admin.post(f"{HERE}/{id}", **hidden(answer, f"{HERE}/{id}"), do="nothing").status_code == 200


def test_an_auditor_reads_all_of_it_and_changes_nothing(site: Site, admin: Browser) -> None:
    """No button is shown, the editor is not theirs, and a form that is sent all the same is refused and recorded."""
    id = save(site)
    form = hidden(admin.get(f"{HERE}/{id}"), f"{HERE}/{id}")
    auditor = entered(site, BOB, Role.AUDITOR)
    for path in (HERE, f"{HERE}/{id}", f"{HERE}/{id}/impact", f"{HERE}/{id}/impact?days=30", f"{HERE}/what-if"):
        page = auditor.get(path)
        assert page.status_code == 200
        assert actions(page) == ["/signout"], path
        assert "/edit" not in page.text
        assert "/new" not in page.text
    assert "Judged anew 0" in words(auditor.get(f"{HERE}/{id}/impact?days=1"))
    assert auditor.get(f"{HERE}/{id}/impact?days=2").status_code == 400
    assert auditor.get(f"{HERE}/none/impact").status_code == 404
    before = len(site.entries("admin:request:refused"))
    token = hidden(auditor.get(HERE), "/signout")
    tries = (
        auditor.get(f"{HERE}/{id}/edit"), auditor.get(f"{HERE}/new"),
        auditor.post(f"{HERE}/new", **token, document=json.dumps(NEW), do="save"),
        auditor.post(f"{HERE}/{id}/edit", **token, document=json.dumps(NEW), seen=form["seen"], do="save"),
        auditor.post(f"{HERE}/{id}", **token, seen=form["seen"], state="disabled", do="state"),
        auditor.post(f"{HERE}/{id}", **token, seen=form["seen"], reason="because I can", do="delete"),
    )  # fmt: skip
    assert [page.status_code for page in tries] == [403] * len(tries)
    looked_twice = 1  # within a minute a refused look is recorded once
    assert len(site.entries("admin:request:refused")) == before + len(tries) - looked_twice
    assert stored(site, id) == NEW
    for role in (Role.APPROVER, None):
        stranger = entered(site, CAROL, *([role] if role else []))
        assert {stranger.get(path).status_code for path in (HERE, f"{HERE}/{id}", f"{HERE}/new")} == {403}
