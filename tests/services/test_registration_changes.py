"""What a registration no longer allows ends at the next use of what it gave (R3, R5, R7), and nothing is half done."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.view import Approved
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.instants import minutes, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.logs.sign_ins import signin as story_of
from ostiary.services.signins import decide
from ostiary.services.tokens.issue import Issued
from ostiary.services.tokens.token import TokenForm, grant
from ostiary.store import schema
from tests.services.door import Door
from tests.services.test_signins import approved, reason, signed_in
from tests.web.oauth.site import API, API_URI, CLI, REDIRECT, VERIFIER


def resource_off(door: Door) -> None:
    """The resource is switched off."""
    door.change(update(schema.applications).where(schema.applications.c.id == API).values(enabled=0), PICTURE)


def resource_gone(door: Door) -> None:
    """The resource is deleted."""
    door.change(schema.applications.delete().where(schema.applications.c.id == API), PICTURE)


def consent_gone(door: Door) -> None:
    """The administrators' consent is taken back."""
    door.change(schema.consents.delete(), PICTURE)


def flow_off(door: Door) -> None:
    """Device flow is switched off for the application."""
    door.register(CLI, device_flow=False)


def scope_raised(door: Door) -> None:
    """Every scope of the resource becomes administrative."""
    api = door.house.desk.picture.applications[API]
    door.register(API, scopes=tuple(replace(scope, administrative=True) for scope in api.scopes))


Change = Callable[[Door], None]
CHANGES = [
    (resource_off, Reason.UNKNOWN_RESOURCE),
    (resource_gone, Reason.UNKNOWN_RESOURCE),
    (consent_gone, Reason.NO_CONSENT),
    (flow_off, Reason.DEVICE_FLOW_OFF),
    (scope_raised, Reason.NO_CONSENT),
]


def of_devices(door: Door) -> list[str]:
    """Ids of the sessions that device sign-ins gave."""
    return [id for (id,) in door.rows(select(schema.sessions.c.id).where(schema.sessions.c.kind == "device"))]


@pytest.mark.parametrize(("change", "why"), CHANGES)
def test_r5_what_an_approval_no_longer_covers_is_not_redeemed(door: Door, change: Change, why: Reason) -> None:
    """R5: no session, no swap, an entry with the reason, and the story tells it."""
    door.open()
    begun = door.started()
    id = approved(door, begun.user_code).signin.id
    change(door)
    assert reason(door.poll(begun.device_code)) is why
    assert of_devices(door) == []
    assert door.signins() == [(id, "denied")]
    assert [entry["detail"]["reason"] for entry in door.entries(Kind.REDEMPTION_REFUSED)] == [why]
    told = door.run(story_of(door.house, door.at_machine(), id))
    assert not isinstance(told, Refused)
    assert told.reason == why


@pytest.mark.parametrize(("change", "why"), CHANGES)
def test_r7_what_a_family_no_longer_may_have_is_not_refreshed(door: Door, change: Change, why: Reason) -> None:
    """R7: with and without a scope parameter; the head does not move."""
    door.open()
    token = signed_in(door).refresh_token or ""
    change(door)
    for scope in ("", f"{API_URI}Read", f"{API_URI}/.default"):
        refused = reason(door.refresh(token, scope=scope))
        assert refused is why or (scope and refused in (Reason.UNKNOWN_RESOURCE, Reason.NO_CONSENT, Reason.REACH))
    assert door.entries(Kind.REFRESHED) == []


def test_r7_a_family_loses_what_its_registration_no_longer_reaches(door: Door) -> None:
    """R7: the reach only shrinks, and the family lives."""
    door.open()
    token = signed_in(door, scope="User.Read offline_access openid").refresh_token or ""
    door.register(CLI, reach=())
    assert reason(door.refresh(token, scope=f"{API_URI}Read")) is Reason.REACH
    assert isinstance(door.refresh(token), Issued)


@pytest.mark.parametrize("moment", ["before the page", "while the page stands there", "after the yes"])
def test_r7_nothing_is_in_reach_that_the_page_did_not_say(door: Door, moment: str) -> None:
    """R7: a registration that is widened once a person looked gives no more than that person saw."""
    wide = door.house.desk.picture.applications[CLI].reach
    assert wide
    door.register(CLI, reach=())
    door.open()
    begun = door.started(scope="User.Read offline_access openid")
    if moment == "before the page":
        door.register(CLI, reach=wide)
    page = door.claimed(begun.user_code)
    assert bool(page.reach) is (moment == "before the page")
    if moment == "while the page stands there":
        door.register(CLI, reach=wide)
        assert not door.claimed(begun.user_code).reach
    answer = door.run(decide.approve(door.house, door.at_browser(), page.signin.id))
    assert isinstance(answer, Approved), answer
    door.register(CLI, reach=wide)
    given = door.poll(begun.device_code)
    assert isinstance(given, Issued), given
    later = door.refresh(given.refresh_token or "", scope=f"{API_URI}Read")
    assert isinstance(later, Issued) is (moment == "before the page")
    assert isinstance(later, Issued) or reason(later) is Reason.REACH


@pytest.mark.parametrize("moment", ["redemption", "refresh"])
def test_r3_a_scope_that_became_administrative_leaves_the_rest(door: Door, moment: str) -> None:
    """R3: what is left is given, and neither names nor words tell of more than was given."""
    door.open()
    asked = "User.Read Directory.Read.All offline_access"
    begun = door.started(scope=asked)
    approved(door, begun.user_code)
    given = door.poll(begun.device_code) if moment == "refresh" else None
    admin = next(one for one in door.house.desk.picture.applications.values() if one.admin_api)
    raised = tuple(replace(scope, administrative=scope.value != "User.Read") for scope in admin.scopes)
    door.register(admin.id, scopes=raised)
    if isinstance(given, Issued):
        left = door.refresh(given.refresh_token or "", scope=asked)
    else:
        left = door.poll(begun.device_code)
    assert isinstance(left, Issued), left
    assert left.scope.split() == ["User.Read", "offline_access"]


@pytest.mark.parametrize(("change", "why"), [pair for pair in CHANGES if pair[0] not in (flow_off, scope_raised)])
def test_an_authorization_code_gives_only_what_is_still_allowed(door: Door, change: Change, why: Reason) -> None:
    """The same for a browser's code; device flow and R3 do not concern it."""
    door.sign_in()
    code = door.code(scope=f"{API_URI}Read offline_access")
    change(door)
    form = TokenForm("authorization_code", Shown(CLI), code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER)
    assert reason(door.run(grant(door.house, door.at_machine(), form))) is why
    assert [entry["detail"]["reason"] for entry in door.entries(Kind.CODE_REFUSED)] == [why]


@pytest.mark.parametrize("moment", ["redemption", "refresh"])
def test_r8_too_little_time_for_a_token_is_told_in_the_story(door: Door, moment: str) -> None:
    """R8: with fifty seconds left nothing moves, and the refusal stands in the sign-in's story."""
    door.open(length=minutes(5))
    begun = door.started()
    id = approved(door, begun.user_code).signin.id
    given = door.poll(begun.device_code) if moment == "refresh" else None
    door.clock.move(seconds(250))
    answer = door.refresh(given.refresh_token or "") if isinstance(given, Issued) else door.poll(begun.device_code)
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.reference) == (Reason.EXEMPTION_ENDED, id)
    kind = Kind.REFRESH_REFUSED if given else Kind.REDEMPTION_REFUSED
    assert [entry["story"] for entry in door.entries(kind)] == [id]
    assert len(of_devices(door)) == (1 if given else 0)
    if not given:
        told = door.run(story_of(door.house, door.at_machine(), id))
        assert not isinstance(told, Refused)
        assert told.reason == Reason.EXEMPTION_ENDED


def test_r14_what_signing_undid_is_told_in_its_story(door: Door) -> None:
    """R14: a redemption that could not be answered never was, and yet the story has the reason."""
    door.sign_in()
    code = door.code()
    house = replace(door.house, settings=replace(door.house.settings, session_longest=seconds(30)))
    form = TokenForm("authorization_code", Shown(CLI), code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER)
    answer = door.run(grant(house, door.at_machine(), form))
    assert reason(answer) is Reason.SESSION_ENDED
    (issued,), (refused,) = door.entries(Kind.CODE_ISSUED), door.entries(Kind.CODE_REFUSED)
    assert (refused["story"], refused["detail"]["reason"]) == (issued["story"], "session_ended")
    assert isinstance(door.run(grant(door.house, door.at_machine(), form)), Issued)
