"""Limits that hold off floods and shut nobody out (R10, R21; RFC 10027 M11): codes, prompts, rows."""

from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.view import Approved, Claimed, Closed
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import hours, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.logs.floods import FIRST
from ostiary.services.signins import decide
from ostiary.services.signins.start import Started
from ostiary.services.tokens.issue import Issued
from ostiary.web.front.csrf import token
from tests.assessed import ASSESSED
from tests.services.door import Door, alerts, reason, states
from tests.services.test_r21_known_refusals import counted, written
from tests.services.test_r22_tickets import taken
from tests.web.oauth.site import ALICE, API_URI, BOB, CLI, OLD, ORIGIN, TENANT


def flood(door: Door, many: int, **asked: str) -> int:
    """Strangers ask from *many* addresses, one code each; how many got one."""
    answers = [door.start(f"192.0.2.{n}", **asked) for n in range(many)]
    return sum(isinstance(answer, Started) for answer in answers)


def refuse(door: Door, user: UserId = ALICE, address: str = "203.0.113.9") -> None:
    """*user* takes up a sign-in and denies it."""
    shown = door.claimed(door.started(address).user_code, user)
    assert isinstance(door.run(decide.deny(door.house, door.at_browser(user), shown.signin.id)), Closed)


def test_r21_strangers_use_up_half_and_a_ticket_or_a_known_machine_still_gets_a_code(door: Door) -> None:
    """A flood from a hundred addresses; who is refused is told the way, and an administrator once."""
    door.open()
    begun = door.started("203.0.113.77")
    shown = door.claimed(begun.user_code)
    assert isinstance(door.run(decide.approve(door.house, door.at_browser(), shown.signin.id)), Approved)
    assert isinstance(door.poll(begun.device_code), Issued)
    door.limit(codes_per_application=80)
    assert flood(door, 100) == 40
    refused = door.start()
    assert isinstance(refused, Refused)
    assert (refused.reason, "/ticket" in refused.detail) == (Reason.BUSY_SOURCE, True)
    assert isinstance(door.start("203.0.113.77"), Started)
    assert isinstance(door.start(ticket=taken(door)), Started)
    assert alerts(door) == ["codes used up"]
    assert {entry["detail"]["limit"] for entry in door.entries(Kind.START_REFUSED)} == {"codes_per_application"}
    door.clock.move(minutes(5))
    assert isinstance(door.start(), Started)


def test_r21_a_bad_ticket_takes_nothing_from_the_reserve(door: Door) -> None:
    """It is looked at where room is kept, and gets no code there."""
    door.open()
    door.limit(codes_per_application=8)
    assert flood(door, 9) == 4
    assert [reason(door.start(f"198.51.100.{n}", ticket="BBBBBBBBBB")) for n in range(9)] == [Reason.BAD_TICKET] * 9
    assert isinstance(door.start(ticket=taken(door)), Started)


def test_r21_all_applications_together_have_a_limit_with_a_reserve(door: Door) -> None:
    """What a flood of one takes is not taken from who asks another with a ticket."""
    door.open()
    door.register(OLD, device_flow=True, assessment=ASSESSED)
    door.limit(codes_in_all=20)
    assert flood(door, 30) == 10
    client, scope = Shown(OLD), "User.Read openid"
    assert reason(door.start("198.51.100.1", client=client, scope=scope)) is Reason.BUSY_SOURCE
    assert isinstance(door.start(client=client, scope=scope, ticket=taken(door, client=OLD)), Started)
    assert alerts(door) == ["codes used up"]


def test_r21_requests_that_name_somebody_lock_nobody(door: Door) -> None:
    """A flood of codes for Alice leaves her nothing to do: her own machine, claim and approval go on."""
    door.open()
    assert flood(door, 200, login_hint="alice@example.com") == 200
    begun = door.started(login_hint="alice@example.com")
    shown = door.claimed(begun.user_code)
    assert isinstance(door.run(decide.approve(door.house, door.at_browser(), shown.signin.id)), Approved)
    assert isinstance(door.poll(begun.device_code), Issued)
    assert alerts(door) == []


def test_r10_whoever_turns_down_five_is_led_to_no_other_for_a_quarter_of_an_hour(door: Door) -> None:
    """Somebody wears them out; the code stays, others go on, and what they began themselves is free."""
    door.open()
    door.open(BOB)
    for n in range(5):
        refuse(door, address=f"192.0.2.{n}")
    begun = door.started()
    refused = door.claim(begun.user_code)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TOO_MANY_PROMPTS
    assert "turned down" in refused.detail
    assert alerts(door) == ["sign-ins turned down"]
    assert "issued" in states(door)
    assert isinstance(door.claim(door.started("192.0.2.99").user_code, BOB), Claimed)
    assert isinstance(door.claim(door.started(ticket=taken(door)).user_code), Claimed)
    (entry,) = door.entries(Kind.CLAIM_REFUSED)
    assert entry["detail"]["reason"] == "too_many_prompts"
    door.clock.move(minutes(15))
    assert isinstance(door.claim(door.started().user_code), Claimed)


def test_r10_reports_count_and_an_hour_forgets(door: Door) -> None:
    """Four within an hour and one later are no wearing out."""
    door.open(length=hours(4))
    for n in range(4):
        shown = door.claimed(door.started(f"192.0.2.{n}").user_code)
        assert isinstance(door.run(decide.report(door.house, door.at_browser(), shown.signin.id)), Closed)
    door.clock.move(hours(1))
    refuse(door)
    assert isinstance(door.claim(door.started("192.0.2.99").user_code), Claimed)


def test_r10_there_is_a_limit_on_what_one_person_takes_up(door: Door) -> None:
    """Whatever they decide; the same page again counts once."""
    door.open()
    door.limit(prompts_per_person=3)
    for n in range(3):
        code = door.started(f"192.0.2.{n}").user_code
        for _ in range(3):
            door.claimed(code)
    assert reason(door.claim(door.started().user_code)) is Reason.TOO_MANY_PROMPTS
    assert alerts(door) == ["many sign-ins of one person"]


def test_r10_many_people_who_turn_sign_ins_down_are_an_alert_and_lock_nobody(door: Door) -> None:
    """A wave of phishing is seen, and nobody who said no once is held up by it."""
    door.open()
    door.open(BOB)
    door.limit(denials_in_all=4)
    for n in range(4):
        refuse(door, (ALICE, BOB)[n % 2], f"192.0.2.{n}")
    assert alerts(door) == ["sign-ins turned down by many"]
    assert isinstance(door.claim(door.started().user_code), Claimed)


def test_r21_claims_that_policy_refuses_are_twenty_rows_and_a_count(door: Door) -> None:
    """The code stays, and may be typed again at will."""
    door.open()
    begun = door.started()
    before = written(door)
    for _ in range(60):
        assert reason(door.claim(begun.user_code, BOB)) is Reason.BLOCKED
    assert written(door) - before == FIRST
    assert counted(door) == [(door.signins()[0][0], "blocked", 60 - FIRST)]
    assert isinstance(door.claim(begun.user_code), Claimed)


def test_r21_approvals_that_policy_refuses_are_bounded(door: Door) -> None:
    """So is the button."""
    exemption = door.open()
    shown = door.claimed(door.started().user_code)
    door.end(exemption)
    before = written(door)
    for _ in range(60):
        assert reason(door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))) is Reason.BLOCKED
    assert written(door) - before == FIRST


def test_r21_authorization_requests_that_policy_refuses_are_bounded_and_name_the_person(door: Door) -> None:
    """Each has a story of its own, and any page can lead a person there."""
    door.sign_in()
    door.register(CLI, assignment_required=True)
    before = written(door)
    answers = [door.authorize() for _ in range(60)]
    assert all("error=" in answer.headers["location"] for answer in answers)
    assert written(door) - before == FIRST
    ((_, said, count),) = counted(door)
    assert (said, count) == ("not_assigned", 60 - FIRST)
    (entry,) = door.entries(Kind.STARTS_REFUSED)
    assert entry["detail"]["user"] == ALICE


def test_r10_over_http_the_page_explains_the_pause(door: Door) -> None:
    """429, with why, for how long, and the way for who cannot wait."""
    door.open()
    for n in range(5):
        refuse(door, address=f"192.0.2.{n}")
    door.sign_in()
    asked = {"client_id": CLI, "scope": f"{API_URI}Read"}
    begun = door.post(f"/{TENANT}/oauth2/v2.0/devicecode", asked).json()
    form = {"form_token": token(door.house, door.cookie), "user_code": begun["user_code"]}
    page = door.post("/devicelogin", form, headers={"origin": ORIGIN})
    assert page.status_code == 429
    assert "for 15 minutes" in page.text
    assert "/ticket" in page.text


def test_r21_over_http_a_flood_is_told_without_a_retry_storm(door: Door) -> None:
    """403 with the reason in words, so that no client replays an exact 400 (R9)."""
    door.open()
    where, asked = f"/{TENANT}/oauth2/v2.0/devicecode", {"client_id": CLI, "scope": f"{API_URI}Read"}
    answers = [door.post(where, asked) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [403]
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    assert "start ticket" in answers[-1].json()["error_description"]
