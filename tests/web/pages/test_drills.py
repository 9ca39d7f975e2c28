"""Drills (M13): what a person sees and does, what administrators learn, and that nothing can come of one."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from ostiary.core.directory.people import Role
from ostiary.core.graph.query import Query
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.telling import Outcome, tell
from ostiary.core.signins.drill import KEPT, MOST, PRETENDED, Status
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.ids import SignInId
from ostiary.core.words.instants import days
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.logs.stories import catch_up
from ostiary.services.signins import confirm, decide
from ostiary.services.signins.drills import Begun, Sent, find_drill, search_drills, start_drills
from ostiary.services.signins.forget import tend_signins
from ostiary.services.tokens.token import TokenForm, grant
from ostiary.store import Tx, schema, stories
from ostiary.store.sql import sql
from tests.web.pages.site import BOB, CAROL, TOOL, Browser, Site, actions

_COUNTS = [sql(select(func.count()).select_from(table)) for table in (schema.signins, schema.sessions)]


def sent(site: Site, user: str = BOB, **wish: Any) -> Sent:
    """A drill of *user*."""
    begun = site.run(start_drills(site.house, site.admin(), {"user": user, **wish}, "autumn"))
    assert isinstance(begun, Begun), begun
    (one,) = begun.sent
    return one


@pytest.fixture
def bob(site: Site) -> Browser:
    """Bob, who has no exemption and is signed in."""
    browser = site.browser()
    browser.sign_in(BOB)
    return browser


def type_in(browser: Browser, code: str) -> httpx.Response:
    """Type *code* at the page."""
    return browser.submit(browser.get("/devicelogin"), "/devicelogin", user_code=code)


def counts(site: Site) -> list[int]:
    """How many sign-ins and sessions there are."""

    async def body(tx: Tx) -> list[int]:
        return [row[0] for row in [await tx.one(one) for one in _COUNTS] if row is not None]

    return site.run(site.house.store.read(body))


def standing(site: Site, one: Sent) -> Status:
    """What administrators see of it."""
    found = site.run(find_drill(site.house, site.admin(), one.shown.drill.id))
    assert not isinstance(found, Refused), found
    return found.status


@pytest.mark.parametrize(
    ("press", "said"), [("approve", "This was a drill"), ("deny", "Well seen"), ("report", "Well seen")]
)
def test_each_decision_is_reported_and_teaches(site: Site, bob: Browser, press: str, said: str) -> None:
    """The page is the real one; afterwards it says kindly what there was to see, again and again."""
    one = sent(site, pretext="finish the setup of your account")
    assert standing(site, one) is Status.SENT
    answer = type_in(bob, one.code.lower().replace("-", " "))
    assert answer.status_code == 303, answer.text
    assert standing(site, one) is Status.TYPED
    path = answer.headers["location"]
    page = bob.get(path)
    assert "Allow this sign-in?" in page.text
    assert PRETENDED in page.text
    assert "drill" not in page.text.lower()
    ways = sorted(action for action in actions(page) if action.startswith(path))
    assert ways == [f"{path}/{what}" for what in ("approve", "change", "deny", "report")]
    assert "Allow this sign-in?" in bob.submit(page, f"{path}/change").text
    taught = bob.submit(page, f"{path}/{press}")
    assert said in taught.text, taught.text
    assert "You had not started a sign-in" in taught.text
    assert standing(site, one) is Status({"approve": "approved", "deny": "denied", "report": "reported"}[press])
    assert said in bob.get(path).text
    other = "deny" if press != "deny" else "approve"
    late = bob.submit(page, f"{path}/{other}")
    assert (late.status_code, "decided before" in late.text) == (409, True)
    assert type_in(bob, one.code).status_code == 400


def test_nothing_redeems_an_approved_drill(site: Site, bob: Browser) -> None:
    """No sign-in and no session exists of it; its code and id are worth nothing at any endpoint."""
    before = counts(site)
    one = sent(site)
    page = bob.get(type_in(bob, one.code).headers["location"])
    path = f"/devicelogin/request/{one.shown.drill.id}"
    assert "This was a drill" in bob.submit(page, f"{path}/approve").text
    assert counts(site) == before
    for guess in (one.shown.drill.id, one.code, one.code.replace("-", "")):
        form = TokenForm("urn:ietf:params:oauth:grant-type:device_code", Shown(TOOL), device_code=guess)
        answer = site.run(grant(site.house, site.visit(), form))
        assert isinstance(answer, Refused)
        assert answer.reason is Reason.BAD_CODE
        number = site.run(confirm.confirm(site.house, site.visit(), confirm.Form(Shown(TOOL), guess, "11")))
        assert isinstance(number, Refused)
    for deed in (decide.approve, decide.deny, decide.report, decide.change_account, decide.decided):
        refused = site.run(deed(site.house, site.visit(BOB), SignInId(one.shown.drill.id)))
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.WRONG_STATE
    assert counts(site) == before


def test_it_raises_no_alarm_and_shuts_nothing(site: Site, bob: Browser) -> None:
    """No alert, no shunned source, no strike, though it is reported; every entry says that it is a drill."""
    one = sent(site)
    page = bob.get(type_in(bob, one.code).headers["location"])
    bob.submit(page, f"/devicelogin/request/{one.shown.drill.id}/report")
    entries = [entry for entry in site.entries() if entry["story"] == one.shown.drill.id]
    assert [entry["action"] for entry in entries] == [Kind.DRILL_STARTED, Kind.DRILL_TYPED, Kind.DRILL_DECIDED]
    assert all(entry["detail"]["drill"] for entry in entries)
    assert one.code not in json.dumps(entries)
    assert site.entries(Kind.ALERT) == []
    throttles = sql(select(schema.throttles.c.subject).where(schema.throttles.c.subject.startswith("reported:")))
    assert site.run(site.house.store.read(lambda tx: tx.all(throttles))) == []
    site.open(BOB)
    assert type_in(bob, site.start(PRETENDED).user_code).status_code == 303  # the same address may still ask


def test_the_sign_in_log_marks_it_and_tells_nobody_what_was_done(site: Site, bob: Browser) -> None:
    """A row of its own kind: pending, then a drill, never approved or denied."""
    one = sent(site)
    assert told(site, one)[:3] == (True, Outcome.PENDING, "")
    page = bob.get(type_in(bob, one.code).headers["location"])
    bob.submit(page, f"/devicelogin/request/{one.shown.drill.id}/approve")
    assert told(site, one) == (True, Outcome.FAILURE, "drill", "bob@example.com", PRETENDED, None)


def told(site: Site, one: Sent) -> tuple[Any, ...]:
    """The row of the sign-in log."""
    site.run(catch_up(site.house, site.visit()))

    async def body(tx: Tx) -> Any:
        return await stories.load(tx, one.shown.drill.id)

    kept = site.run(site.house.store.read(body))
    row = tell(kept.story, site.clock.now())
    return row.drill, row.outcome, row.reason, row.user_name, row.requester_address, row.session


def test_r17_its_code_is_kept_as_a_digest_alone(site: Site) -> None:
    """R17: neither as it is shown nor as it is typed, in no file of the folder."""
    one = sent(site)
    content = b"".join(path.read_bytes() for path in site.house.settings.data.rglob("*") if path.is_file())
    assert one.code.encode() not in content
    assert one.code.replace("-", "").encode() not in content
    assert one.shown.drill.id.encode() in content


def test_only_its_person_can_type_it(site: Site, bob: Browser) -> None:
    """For everybody else it is a wrong code; and so it is for its person once it ran out."""
    one = sent(site)
    carol = site.browser()
    carol.sign_in(CAROL)
    assert type_in(carol, one.code).status_code == 400
    assert carol.get(f"/devicelogin/request/{one.shown.drill.id}").status_code == 409
    location = type_in(bob, one.code).headers["location"]
    assert carol.get(location).status_code == 409
    site.clock.move(days(1))
    bob.sign_in(BOB)
    assert type_in(bob, one.code).status_code == 400
    assert standing(site, one) is Status.TYPED
    ignored = sent(site, CAROL)
    site.clock.move(days(1))
    assert standing(site, ignored) is Status.NOT_OPENED


def test_a_person_gets_few(site: Site) -> None:
    """One at a time, and three in thirty days; whoever gets none is named with the reason."""
    sent(site)
    for _ in range(MOST - 1):
        skipped = site.run(start_drills(site.house, site.admin(), {"user": BOB}, "autumn"))
        assert isinstance(skipped, Begun)
        assert skipped.skipped == (("bob@example.com", "has a drill that is still open"),)
        site.clock.move(days(1))
        sent(site)
    site.clock.move(days(1))
    full = site.run(start_drills(site.house, site.admin(), {"user": BOB}, "autumn"))
    assert isinstance(full, Begun)
    assert full.skipped == (("bob@example.com", "had 3 drills in 30 days"),)
    site.clock.move(days(30))
    sent(site)


def test_only_administrators_send_and_see_them(site: Site) -> None:
    """Not auditors, not approvers, not its own person; never without a reason."""
    one = sent(site)
    for roles in ((Role.AUDITOR,), (Role.APPROVER,), ()):
        visit = site.visit(CAROL, *roles)
        answers: list[Any] = [
            site.run(search_drills(site.house, visit, Query())),
            site.run(find_drill(site.house, visit, one.shown.drill.id)),
            site.run(start_drills(site.house, visit, {"user": BOB}, "autumn")),
        ]
        assert [answer.reason for answer in answers] == [Reason.FORBIDDEN] * 3
    for wish, reason, expected in (
        ({"user": BOB}, " ", Reason.REASON_REQUIRED), ({}, "x", Reason.INVALID_VALUE),
        ({"user": BOB, "group": "g"}, "x", Reason.INVALID_VALUE), ({"user": "nobody"}, "x", Reason.NOT_FOUND),
        ({"user": CAROL, "lasts": days(8)}, "x", Reason.INVALID_VALUE),
        ({"user": CAROL, "address": "evil.example"}, "x", Reason.INVALID_VALUE),
        ({"user": CAROL, "application": "nothing"}, "x", Reason.NOT_FOUND),
        ({"group": "nothing"}, "x", Reason.NOT_FOUND),
    ):  # fmt: skip
        answer = site.run(start_drills(site.house, site.admin(), wish, reason))
        assert isinstance(answer, Refused)
        assert answer.reason is expected, wish


def test_results_are_forgotten_after_half_a_year(site: Site) -> None:
    """Who approved what is kept for a while, not for ever."""
    sent(site)
    site.clock.move(KEPT)
    site.run(tend_signins(site.house, site.visit()))
    page = site.run(search_drills(site.house, site.admin(), Query()))
    assert not isinstance(page, Refused)
    assert len(page.items) == 1
    site.clock.move(days(2))
    site.run(tend_signins(site.house, site.visit()))
    page = site.run(search_drills(site.house, site.admin(), Query()))
    assert not isinstance(page, Refused)
    assert page.items == ()
