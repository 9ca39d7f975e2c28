"""Start tickets: a person first, then the machine (R22; RFC 10027 M15)."""

from dataclasses import replace

import pytest

from ostiary.core.signins.ticket import LENGTH, MOST, WRONG
from ostiary.core.signins.view import Approved, Claimed
from ostiary.core.words.ids import AppId, UserId
from ostiary.core.words.instants import after, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.signins import decide
from ostiary.services.signins.tickets import Taken, take_ticket
from ostiary.services.tokens.issue import Issued
from ostiary.web.front.csrf import token
from tests.services.door import Door, reason
from tests.services.test_policy import save
from tests.web.oauth.site import ALICE, API_URI, BOB, CLI, OLD, ORIGIN, TENANT


def taken(door: Door, user: UserId = ALICE, client: AppId = CLI) -> str:
    """*user* takes a ticket; its letters."""
    answer = door.run(take_ticket(door.house, door.at_browser(user), client))
    assert isinstance(answer, Taken), answer
    return answer.letters


@pytest.fixture
def demanding(door: Door) -> Door:
    """The CLI's registration requires a ticket; Alice and Bob may sign in."""
    door.open()
    door.open(BOB)
    door.register(CLI, start_ticket="required")
    return door


def test_r22_no_ticket_no_code(demanding: Door) -> None:
    """Before anything is in the code table; with the way to one."""
    assert reason(demanding.start()) is Reason.TICKET_REQUIRED
    assert demanding.signins() == []


def test_r22_only_who_took_the_ticket_can_claim(demanding: Door) -> None:
    """A code that somebody else started is worth nothing to them, nor to whom they send it."""
    letters = taken(demanding)
    assert len(letters) == LENGTH
    begun = demanding.started(ticket=f" {letters[:5].lower()}-{letters[5:]} ")
    assert reason(demanding.claim(begun.user_code, BOB)) is Reason.BAD_CODE
    shown = demanding.claimed(begun.user_code)
    assert isinstance(demanding.run(decide.approve(demanding.house, demanding.at_browser(), shown.signin.id)), Approved)
    assert isinstance(demanding.poll(begun.device_code), Issued)
    (entry,) = demanding.entries("user:ticket:taken")
    assert letters not in str(entry)


def test_r22_a_ticket_counts_once_for_ten_minutes_for_its_application(demanding: Door) -> None:
    """Used, over, for another application, invented: one answer."""
    demanding.register(OLD, device_flow=True)
    used, old, other = taken(demanding), taken(demanding), taken(demanding, client=OLD)
    demanding.started(ticket=used)
    assert reason(demanding.start(ticket=used)) is Reason.BAD_TICKET
    assert reason(demanding.start(ticket=other)) is Reason.BAD_TICKET
    demanding.clock.move(minutes(10))
    assert reason(demanding.start(ticket=old)) is Reason.BAD_TICKET
    assert reason(demanding.start(ticket="x")) is Reason.BAD_TICKET


def test_r22_guessing_is_bounded(demanding: Door) -> None:
    """Five wrong ones of a source close it to tickets for a quarter of an hour, right ones too; others go on."""
    letters = taken(demanding)
    for _ in range(WRONG.limit):
        assert reason(demanding.start(ticket="BBBBBBBBBB")) is Reason.BAD_TICKET
    assert reason(demanding.start(ticket=letters)) is Reason.BUSY_SOURCE
    demanding.started("192.0.2.9", ticket=letters)
    demanding.clock.move(minutes(15))
    demanding.started(ticket=taken(demanding))


def test_r22_a_person_holds_few_tickets_and_proves_themselves_for_each(demanding: Door) -> None:
    """Fresh MFA, at most three, and only for what signs people in with a code."""
    for _ in range(MOST):
        taken(demanding)
    visit = demanding.at_browser()
    assert reason(demanding.run(take_ticket(demanding.house, visit, CLI))) is Reason.BUSY_SOURCE
    taken(demanding, BOB)
    stale = replace(visit, now=after(demanding.clock.now(), minutes(6)))
    assert reason(demanding.run(take_ticket(demanding.house, stale, CLI))) is Reason.MFA_STALE
    assert reason(demanding.run(take_ticket(demanding.house, demanding.at_machine(), CLI))) is Reason.NOT_SIGNED_IN
    assert reason(demanding.run(take_ticket(demanding.house, demanding.at_browser(BOB), OLD))) is Reason.NOT_FOUND


def test_r22_a_hint_at_somebody_else_lets_nobody_claim(demanding: Door) -> None:
    """Ticket and hint name one person or none."""
    begun = demanding.started(ticket=taken(demanding), login_hint="bob@example.com")
    for user in (ALICE, BOB):
        assert reason(demanding.claim(begun.user_code, user)) is Reason.BAD_CODE
    same = demanding.started(ticket=taken(demanding), login_hint="alice@example.com")
    assert isinstance(demanding.claim(same.user_code), Claimed)


def test_r22_policy_can_demand_a_ticket(door: Door) -> None:
    """At the start; the session remembers it, so that refreshes pass."""
    door.open()
    save(door, ostiary={"controls": {"startTicket": True}})
    assert reason(door.start()) is Reason.TICKET_REQUIRED
    begun = door.started(ticket=taken(door))
    shown = door.claimed(begun.user_code)
    assert isinstance(door.run(decide.approve(door.house, door.at_browser(), shown.signin.id)), Approved)
    given = door.poll(begun.device_code)
    assert isinstance(given, Issued)
    assert not isinstance(door.refresh(given.refresh_token or ""), Refused)


def test_r22_over_http_from_the_page_to_the_code(demanding: Door) -> None:
    """The page shows it once; the machine sends it as `ostiary_ticket`."""
    demanding.sign_in()
    form = {"form_token": token(demanding.house, demanding.cookie), "application": CLI}
    page = demanding.post("/ticket", form, headers={"origin": ORIGIN})
    letters = page.text.partition('class="number ticket"><strong>')[2].partition("<")[0]
    assert len(letters) == LENGTH + 1, page.text
    assert letters not in demanding.get("/ticket").text
    where, asked = f"/{TENANT}/oauth2/v2.0/devicecode", {"client_id": CLI, "scope": f"{API_URI}Read"}
    refused = demanding.post(where, asked)
    assert (refused.status_code, refused.json()["error"]) == (403, "access_denied")
    assert "user_code" in demanding.post(where, {**asked, "ostiary_ticket": letters}).json()
