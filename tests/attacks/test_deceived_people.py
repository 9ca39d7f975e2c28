"""
People who are worn down or deceived: asked again and again, by an application that looks like another, or by a machine
that says it cannot take a number or does not know the ticket (RFC 10027 M6, M11, M16, M17; R11, R12, R21, R23).
"""

from collections.abc import Callable
from typing import Any

import pytest

from ostiary.core.directory.credentials import Rule
from ostiary.core.words.instants import hours, minutes
from tests.attacks.plots import Attack, Outcome, Stop, by_policy, by_registration, by_rule, cases, prove, stopped
from tests.attacks.stage import ABROAD, HOME, Stage, hidden, pressed, typed
from tests.attacks.test_bad_input import token_of
from tests.attacks.test_relayed_codes import controls, lured

APPS = "/v1.0/applications"


async def _no_name_deceives(*_: Any) -> None:
    return None


def _nobody_is_shunned(user: object, signin: Any) -> str:
    return f"never:{signin.id}"


NAMES = by_rule(
    "R23", "names that look like others are refused", ("services.directory.applications.judge_name", _no_name_deceives)
)
SHUNNED = by_rule(
    "M6", "who was reported is shunned",
    ("services.signins.claim.shunned", _nobody_is_shunned), ("services.signins.decide.shunned", _nobody_is_shunned),
    ("services.signins.consent.shunned", _nobody_is_shunned), ("services.signins.redeem.shunned", _nobody_is_shunned),
)  # fmt: skip
ROOM = by_rule("M11", "open codes of one source", ("services.signins.waiting_room.OpenCodes.add", lambda *_: None))
REGISTERED = by_registration(
    "M16", "the registration asks for a number", on={"number_confirmation": "required"},
    off={"number_confirmation": "optional"},
)  # fmt: skip
DEMANDED = by_policy("M16", "policy asks for a number", **controls(numberConfirmation=True))
PATIENCE = by_rule(
    "M11", "five denials of one person in an hour",
    ("services.signins.prompts.denials", lambda _: Rule(hours(1), 1_000, minutes(15))),
)  # fmt: skip
TICKET_NUMBER = by_registration(
    "M17", "the ticket number is asked again", on={"reference_binding": "required"}, off={"reference_binding": "never"}
)


# ---- how they are played


def named(name: str) -> Callable[[Stage], Outcome]:
    """An administrator turned bad registers an application called *name*."""

    def play(stage: Stage) -> Outcome:
        bea, browser = stage.server.people["bea"], stage.visitor(ABROAD)
        browser.sign_in(bea.username, bea.password, bea.totp())
        bearer = {"authorization": f"Bearer {token_of(browser)}"}
        answer = browser.http.post(APPS, json={"displayName": name}, headers=bearer)
        if answer.status_code != 201:
            return Outcome(stopped=f"{answer.status_code} {answer.json()['error']['message']}")
        made = answer.json()
        assert browser.http.delete(f"{APPS}/{made['id']}", headers=bearer).status_code == 204
        return Outcome(made["displayName"])

    return play


def worn_down(stage: Stage) -> Outcome:
    """Alice reports the first, and gives in when another one comes from the same place."""
    attacker, victim = stage.machine(ABROAD), stage.person("alice")
    first = typed(victim, attacker.start().json()["user_code"])
    assert pressed(victim, first, "report").status_code == 200
    return lured(attacker, attacker.start().json(), victim)


def never_tired(stage: Stage) -> Outcome:
    """One code after the other, so that somebody somewhere always has one at hand: forty-one are enough to win."""
    attacker = stage.machine(ABROAD)
    for _ in range(41):
        answer = attacker.start()
        if answer.status_code != 200:
            return stopped(answer)
    return Outcome("more open codes than anybody may have")


def unable(stage: Stage) -> Outcome:
    """The requester says nothing of numbers: it cannot take one, it says."""
    attacker = stage.machine(HOME)
    begun = attacker.start()
    return stopped(begun) if begun.status_code != 200 else lured(attacker, begun.json(), stage.person("alice"))


def tired(stage: Stage) -> Outcome:
    """Alice denies one after the other, and gives in at the sixth."""
    attacker, victim = stage.machine(ABROAD), stage.person("alice")
    for _ in range(5):
        claimed = typed(victim, attacker.start().json()["user_code"])
        assert pressed(victim, claimed, "deny").status_code == 200
    return lured(attacker, attacker.start().json(), victim)


def invented(stage: Stage) -> Outcome:
    """The requester makes a ticket number up; Alice types hers, and approves even without a button for that."""
    attacker, victim = stage.machine(HOME), stage.person("alice")
    codes = attacker.start(ostiary_reference="INC-1000").json()
    request = typed(victim, codes["user_code"]).headers["location"]
    page = victim.get(request)
    if f"{request}/bind" in page.text:
        page = victim.submit(page, f"{request}/bind", reference="INC-4412")
    same = {"sec-fetch-site": "same-origin", "origin": victim.origin}
    approved = victim.http.post(f"{request}/approve", data=hidden(page.text, f"{request}/deny"), headers=same)
    answer = attacker.poll(codes["device_code"])
    if answer.status_code != 200:
        assert approved.status_code != 200
        return stopped(victim.get(request))
    return Outcome(attacker.whose(answer))


UNABLE = "403 unauthorized_client: AADSTS50147: This sign-in is confirmed by a number that the person types"
OWNED = "only an application that is marked as verified may"
DISGUISES = (
    ("a look-alike name: one letter for another", "Azure Res0urce Manager", OWNED),
    ("a look-alike name: the twin of a name that is there", "0stiary CLI", OWNED),
    ("a look-alike name: two alphabets", "Micr\N{CYRILLIC SMALL LETTER O}soft Azure CLI", "It mixes alphabets"),
    ("a look-alike name: another alphabet", "\N{CYRILLIC CAPITAL LETTER O}\u0455\u0442\u0456\u0430\u0433\u0443", OWNED),
    ("a look-alike name: signs that nobody sees", "Ostiary\N{HANGUL FILLER}CLI", "It has signs that nobody sees."),
)
ATTACKS = (
    *(Attack(name, named(disguise), (Stop(NAMES, says),)) for name, disguise, says in DISGUISES),
    Attack(
        "approval fatigue: after a report", worn_down, (Stop(SHUNNED, "You reported this device within the last hour"),)
    ),
    Attack(
        "approval fatigue: codes without end", never_tired,
        (Stop(ROOM, "temporarily_unavailable: AADSTS50196: Too many open requests from this place."),),
    ),
    Attack("approval fatigue: one after the other", tired, (Stop(PATIENCE, "somebody may be wearing you out"),)),
    Attack("a requester that does not know the ticket", invented, (Stop(TICKET_NUMBER, "Before you can approve"),)),
    Attack(
        "a requester that says it cannot take a number", unable, (Stop(REGISTERED, UNABLE), Stop(DEMANDED, UNABLE))
    ),
)  # fmt: skip


@pytest.mark.parametrize(("attack", "only"), cases(ATTACKS))
def test_each_mitigation_spares_people_by_itself(stage: Stage, attack: Attack, only: Stop | None) -> None:
    """M6, M11, M16, M17, R12, R23: each alone; none of them, and the attacker gets what he wants."""
    prove(stage, attack, only)
