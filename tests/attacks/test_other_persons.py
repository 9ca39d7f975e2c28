"""
Codes that meet more than one person: relayed into another person's session, decided in one, sent to two people
(RFC 10027 M3, M4, M15; R11, R22).
"""

import re
from typing import Any

import pytest

from ostiary.core.signins.signin import State
from ostiary.services.signins import claim
from ostiary.services.signins.guessing import wrong
from tests.attacks.plots import Attack, Outcome, Stop, by_registration, by_rule, cases, prove, redeemed, stopped
from tests.attacks.stage import ABROAD, CLI, Stage, pressed, typed
from tests.attacks.visitor import Visitor, hidden

BAD_CODE = "That code is not valid."


async def _whoever_types_it_has_it(*asked: Any) -> Any:
    return await claim._judged(*asked)


async def _only_refused(tx: Any, visit: Any, signin: Any, user: Any) -> Any:
    return await wrong(tx, visit, user, signin)


ONE_TIME = by_rule("M3", "a code is its first person's", ("services.signins.claim._take", _whoever_types_it_has_it))
UNIQUE = by_rule("M4", "a second person ends the sign-in", ("services.signins.claim._second_person", _only_refused))
TICKET = by_registration("M15", "start tickets", on={"start_ticket": "required"}, off={"start_ticket": "never"})
SESSION = by_rule(
    "R11", "a claim is one session's", ("services.signins.decide.held", lambda signin, _: signin.state is State.CLAIMED)
)


def taken_ticket(browser: Visitor) -> str:
    """The letters of a start ticket that somebody takes at the page."""
    page = browser.submit(browser.get("/ticket"), "/ticket", application=CLI)
    found = re.search(r'class="number ticket"><strong>([^<]+)<', page.text)
    assert found, page.text
    return found[1]


def from_within(stage: Stage) -> Outcome:
    """Dana, who may sign in herself, starts a sign-in (with a ticket of her own where one is asked for) for Alice."""
    stage.open("dana")
    dana, machine = stage.person("dana"), stage.machine(ABROAD)
    begun = machine.start()
    if "ticket" in begun.text:
        begun = machine.start(ostiary_ticket=taken_ticket(dana))
    victim = stage.person("alice")
    claimed = typed(victim, begun.json()["user_code"])
    if claimed.status_code != 303:
        return stopped(claimed)
    assert pressed(victim, claimed).status_code == 200
    return redeemed(machine, begun.json()["device_code"])


def decided_elsewhere(stage: Stage) -> Outcome:
    """Alice types the code and hesitates; Dana, who saw the address of her page, presses the button in her stead."""
    stage.open("dana")
    dana, victim, machine = stage.person("dana"), stage.person("alice"), stage.machine(ABROAD)
    codes = machine.start().json()
    request = typed(victim, codes["user_code"]).headers["location"]
    own = hidden(dana.get("/devicelogin").text, "/devicelogin")
    answer = dana.post(f"{request}/approve", **own)
    return redeemed(machine, codes["device_code"]) if answer.status_code == 200 else stopped(answer)


def to_two_people(stage: Stage) -> Outcome:
    """One code to Dana and to Alice: Dana types it and puts it away; Alice types it and says yes."""
    stage.open("dana")
    dana, victim, machine = stage.person("dana"), stage.person("alice"), stage.machine(ABROAD)
    codes = machine.start().json()
    assert typed(dana, codes["user_code"]).status_code == 303
    claimed = typed(victim, codes["user_code"])
    if claimed.status_code != 303:
        return stopped(claimed)
    assert pressed(victim, claimed).status_code == 200
    return redeemed(machine, codes["device_code"])


def to_two_people_one_of_whom_goes_on(stage: Stage) -> Outcome:
    """One code to Dana and to Alice: Dana types it, then Alice does, then Dana says yes."""
    stage.open("dana")
    dana, victim, machine = stage.person("dana"), stage.person("alice"), stage.machine(ABROAD)
    codes = machine.start().json()
    first = typed(dana, codes["user_code"])
    typed(victim, codes["user_code"])
    answer = pressed_late(dana, first.headers["location"])
    return redeemed(machine, codes["device_code"]) if answer.status_code == 200 else stopped(answer)


def pressed_late(browser: Visitor, request: str) -> Any:
    """*Approve* on a page that was opened before, whatever the server shows there now."""
    return browser.post(f"{request}/approve", **hidden(browser.get("/devicelogin").text, "/devicelogin"))


OVER = "This sign-in is over: it was decided, ran out, or belongs to another browser."
ATTACKS = (
    Attack("a code typed in another person's session", from_within, (Stop(TICKET, BAD_CODE),)),
    Attack("a code decided in another person's session", decided_elsewhere, (Stop(SESSION, OVER),)),
    Attack("two people for one code", to_two_people, (Stop(ONE_TIME, BAD_CODE),)),
    Attack(
        "two people for one code, the first goes on",
        to_two_people_one_of_whom_goes_on,
        (Stop(UNIQUE, "409 This was decided before."),),
    ),
)


@pytest.mark.parametrize(("attack", "only"), cases(ATTACKS))
def test_each_mitigation_keeps_a_code_to_one_person(stage: Stage, attack: Attack, only: Stop | None) -> None:
    """M3, M4, M15, R11: each alone; none of them, and the attacker is somebody else."""
    prove(stage, attack, only)


def test_m4_a_second_person_is_told_to_administrators(stage: Stage) -> None:
    """M4: repeated submission is visible."""
    before = stage.alerts().count("two people, one code")
    with stage.scene():
        to_two_people(stage)
    assert stage.alerts().count("two people, one code") == before + 1
