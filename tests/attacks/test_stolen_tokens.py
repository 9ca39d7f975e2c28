"""
What was stolen after it was issued: a device code, replayed, polled with another key or from elsewhere, and a refresh
token, with and without a key (RFC 10027 M1, M3, M6, M8, M10, M12; R6, R8, R11, R14).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

import pytest

from ostiary.core.exemptions.exemption import Limits
from ostiary.core.tokens.refresh import Use
from ostiary.core.tokens.still_allowed import still_allowed
from ostiary.core.words.instants import hours
from ostiary.core.words.outcome import Refused
from ostiary.services.signins.redeem import Passed, judge
from ostiary.services.tokens.grants import device_code
from ostiary.store import tokens as sessions
from tests.attacks.plots import Attack, Mitigation, Outcome, Stop, by_registration, by_rule, cases, prove, used
from tests.attacks.stage import ABROAD, HOME, Machine, Stage, pressed, typed
from tests.attacks.test_relayed_codes import NETWORK, PLACE

KEYS = by_registration("M12", "keys of requesters", on={"dpop": "required"}, off={"dpop": "never"})


def by_exemption(number: str, name: str, on: dict[str, Any], off: dict[str, Any]) -> Mitigation:
    """Alice's exemption, opened so or otherwise."""

    @contextmanager
    def switch(stage: Stage, there: bool) -> Iterator[None]:
        stage.server.end_exemptions("alice")
        stage.server.open_exemption("alice", **(on if there else off))
        yield

    return Mitigation(number, name, switch, "exemption")


NARROW = by_exemption("M8", "an exemption for one network", {"limits": Limits(network=ip_network(HOME))}, {})
HOUR = by_exemption("M10", "an exemption of one hour", {"length": hours(1)}, {"length": hours(2)})


async def _answered_again(house: Any, tx: Any, picture: Any, visit: Any, request: Any, signin: Any, held: Any) -> Any:
    session, user, exemption = await sessions.standing(tx, signin.session) or (None, None, None)
    assert session is not None
    assert user is not None
    judged = await judge(tx, picture, visit, signin, user.id)
    allowed = still_allowed(picture, request.client, signin.resource, session.scopes, device=True)
    assert isinstance(judged, Passed)
    assert not isinstance(allowed, Refused)
    assert exemption is not None
    return device_code._repeated(session, exemption, judged, allowed)


def _good_for_ever(session: Any, number: int, now: Any, *, key: bool = True) -> Use:
    return Use.HEAD if number == session.head else Use.AGAIN


async def _nothing_ends(*_: Any, **__: Any) -> bool:
    return True


ONE_USE = by_rule(
    "M3", "a device code is redeemed once", ("services.tokens.grants.device_code._redeemed_before", _answered_again)
)
ROTATION = by_rule("R6", "a refresh token counts once", ("services.tokens.grants.refresh_token.judge", _good_for_ever))
REPORT = by_rule("M6", "a report ends what was given", ("store.tokens.end", _nothing_ends))


# ---- how they are played


def approved(stage: Stage, machine: Machine) -> dict[str, str]:
    """The codes of a sign-in that Alice started herself and approved."""
    codes: dict[str, str] = machine.start().json()
    victim = stage.person("alice")
    assert pressed(victim, typed(victim, codes["user_code"])).status_code == 200
    return codes


def whole(stage: Stage, machine: Machine) -> dict[str, str]:
    """What such a sign-in gave."""
    answer = machine.poll(approved(stage, machine)["device_code"])
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def code_with_another_key(stage: Stage) -> Outcome:
    """The device code is copied between approval and poll; the thief polls first, from abroad, with his own key."""
    machine, thief = stage.machine(HOME, key=True), stage.machine(ABROAD, key=True)
    return used(thief, thief.poll(approved(stage, machine)["device_code"]))


def code_replayed(stage: Stage) -> Outcome:
    """The device code is copied, and polled again when the machine has its tokens."""
    machine, thief = stage.machine(HOME), stage.machine(ABROAD)
    codes = approved(stage, machine)
    assert machine.poll(codes["device_code"]).status_code == 200
    return used(thief, thief.poll(codes["device_code"]))


def token_with_another_key(stage: Stage) -> Outcome:
    """The refresh token is copied out of a cache, and brought by a thief with his own key before its owner does."""
    machine, thief = stage.machine(HOME, key=True), stage.machine(ABROAD, key=True)
    return used(thief, thief.refresh(whole(stage, machine)["refresh_token"]))


def token_without_a_key(stage: Stage) -> Outcome:
    """The same by a thief who shows no key at all."""
    machine, thief = stage.machine(HOME, key=True), stage.machine(ABROAD)
    return used(thief, thief.refresh(whole(stage, machine)["refresh_token"]))


def token_after_its_owner(stage: Stage) -> Outcome:
    """No keys: the thief brings his copy when the owner has gone on."""
    machine, thief = stage.machine(HOME), stage.machine(ABROAD)
    copy = whole(stage, machine)["refresh_token"]
    assert machine.refresh(copy).status_code == 200
    stage.server.pass_time(61)
    return used(thief, thief.refresh(copy))


def token_before_its_owner(stage: Stage) -> Outcome:
    """No keys: the thief goes first and gets new ones; the owner goes on with the old; the thief goes on as well."""
    machine, thief = stage.machine(HOME), stage.machine(ABROAD)
    copy = whole(stage, machine)["refresh_token"]
    mine = thief.refresh(copy).json()["refresh_token"]
    stage.server.pass_time(61)
    machine.refresh(copy)
    return used(thief, thief.refresh(mine))


def token_kept_alive(stage: Stage) -> Outcome:
    """No keys, and the owner never comes back: the thief refreshes every 25 minutes, for an hour and a quarter."""
    machine, thief = stage.machine(HOME), stage.machine(ABROAD)
    token = whole(stage, machine)["refresh_token"]
    for _ in range(3):
        stage.server.pass_time(25 * 60)
        answer = thief.refresh(token)
        token = answer.json().get("refresh_token", "")
    return used(thief, answer)


def token_of_a_reported_sign_in(stage: Stage) -> Outcome:
    """Alice was talked into it, and says so when the attacker has the tokens."""
    attacker, victim = stage.machine(ABROAD), stage.person("alice")
    codes = attacker.start().json()
    claimed = typed(victim, codes["user_code"])
    page = pressed(victim, claimed)
    token = attacker.poll(codes["device_code"]).json()["refresh_token"]
    request = claimed.headers["location"]
    assert victim.submit(page, f"{request}/report").status_code == 200
    return used(attacker, attacker.refresh(token))


BOUND = "invalid_grant: AADSTS70000: This is bound to another key."
PLACES = (
    Stop(NETWORK, "AADSTS53003: Blocked by a conditional access policy. Policy: the same network."),
    Stop(PLACE, "AADSTS53003: Blocked by a conditional access policy. Policy: machines at home."),
    Stop(NARROW, "AADSTS53003: The exemption for this sign-in is not open for the network"),
)
ATTACKS = (
    Attack("a stolen device code polled with another key", code_with_another_key, (Stop(KEYS, BOUND), *PLACES)),
    Attack("a replayed device code", code_replayed, (Stop(ONE_USE, "AADSTS70018: The code is not valid."),)),
    Attack("a stolen refresh token with another key", token_with_another_key, (Stop(KEYS, BOUND), *PLACES)),
    Attack("a stolen refresh token without a key", token_without_a_key, (Stop(KEYS, BOUND), *PLACES)),
    Attack(
        "a stolen refresh token used after its owner", token_after_its_owner,
        (Stop(ROTATION, "AADSTS50173: The token was used before, so all that belong to it were ended."),),
    ),
    Attack(
        "a stolen refresh token used before its owner", token_before_its_owner,
        (Stop(ROTATION, "AADSTS50132: The session has ended."),),
    ),
    Attack(
        "a stolen refresh token kept alive", token_kept_alive,
        (Stop(HOUR, "AADSTS53003: The exemption for this sign-in has ended."),),
    ),
    Attack(
        "tokens of a sign-in that was reported", token_of_a_reported_sign_in,
        (Stop(REPORT, "AADSTS50132: The session has ended."),),
    ),
)  # fmt: skip


@pytest.mark.parametrize(("attack", "only"), cases(ATTACKS))
def test_each_mitigation_makes_what_was_stolen_worthless(stage: Stage, attack: Attack, only: Stop | None) -> None:
    """M1, M3, M6, M8, M10, M12, R6: each alone; none of them, and the thief is taken for the owner."""
    prove(stage, attack, only)


def test_r14_a_code_that_is_replayed_after_a_minute_takes_what_it_gave_along(stage: Stage) -> None:
    """M6: that is no lost answer but a theft, and nobody knows which of the two holds the tokens."""
    with stage.scene():
        machine, thief = stage.machine(HOME), stage.machine(ABROAD)
        codes = approved(stage, machine)
        given = machine.poll(codes["device_code"])
        assert machine.whose(given)
        stage.server.pass_time(61)
        thief.poll(codes["device_code"])
        assert machine.whose(given) == ""
        assert stage.alerts()[-1] == "device code used twice"
