"""
Copies of what a sign-in gave, in the hands of somebody else (RFC 10027 M12, R12): each attack fails with keys, and
succeeds where the registration switches them off, so that nothing else is what stops it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.services.door import Door
from tests.web.oauth.requester import ME, Machine, approve
from tests.web.oauth.site import CLI


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A founded house with the block on and an exemption open."""
    made = Door(tmp_path)
    made.open()
    yield made
    made.close()


def a_device_code(door: Door, machine: Machine, thief: Machine, scheme: str) -> httpx.Response:
    """Copied before the person approves; the thief polls first."""
    begun = machine.start().json()
    machine.poll(begun["device_code"])
    approve(door, begun)
    return thief.poll(begun["device_code"])


def a_refresh_token(door: Door, machine: Machine, thief: Machine, scheme: str) -> httpx.Response:
    """Copied out of a cache."""
    return thief.refresh(str(whole(door, machine)["refresh_token"]))


def a_refresh_token_alone(door: Door, machine: Machine, thief: Machine, scheme: str) -> httpx.Response:
    """The same, by a thief who shows no key at all."""
    return thief.refresh(str(whole(door, machine)["refresh_token"]), key=False)


def an_access_token(door: Door, machine: Machine, thief: Machine, scheme: str) -> httpx.Response:
    """Copied out of a log, and sent as it is."""
    return thief.ask(ME, str(whole(door, machine)["access_token"]), scheme="Bearer")


def an_access_token_with_a_key(door: Door, machine: Machine, thief: Machine, scheme: str) -> httpx.Response:
    """The same with a proof of the thief's own key."""
    return thief.ask(ME, str(whole(door, machine)["access_token"]), scheme=scheme)


def whole(door: Door, machine: Machine) -> dict[str, object]:
    """What a whole sign-in gave."""
    begun = machine.start().json()
    approve(door, begun)
    given: dict[str, object] = machine.poll(begun["device_code"]).json()
    return given


ATTACKS = (a_device_code, a_refresh_token, a_refresh_token_alone, an_access_token, an_access_token_with_a_key)
Attack = Callable[[Door, Machine, Machine, str], httpx.Response]


@pytest.mark.parametrize("use", ["optional", "required", "never"])
@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.__name__ for attack in ATTACKS])
def test_r12_a_copy_is_worth_something_only_where_keys_are_off(door: Door, attack: Attack, use: str) -> None:
    """M12 is what stops each of them."""
    door.register(CLI, dpop=use)
    machine, thief = Machine(door), Machine(door)
    thief.start(scope="openid")  # it knows the nonce
    answer = attack(door, machine, thief, "Bearer" if use == "never" else "DPoP")
    assert (answer.status_code == 200) is (use == "never"), answer.text
    if use == "never":
        assert set(answer.json()) & {"access_token", "userPrincipalName"}
    else:
        assert answer.status_code in (400, 401)
