"""
The stories that the machine must not miss, told once each in its own words: every step is compared with the ledger, and
at the end the sign-in log and every token.
"""

from collections.abc import Iterator

import pytest

from tests.services.machine import ELSEWHERE
from tests.services.test_machine import ALMOST, GONE, SignIns
from tests.web.oauth.site import ALICE, BOB


@pytest.fixture
def machine() -> Iterator[SignIns]:
    """A house in which nothing has happened; what came of it is looked at in the end."""
    made = SignIns()
    yield made
    made.teardown()


@pytest.mark.parametrize("decided", ALMOST)
def test_a_sign_in_comes_to_nothing_at_the_last_moment(machine: SignIns, decided: str) -> None:
    """R5, R8, R11: denied, reported, its window or its person gone, for others only, or a second person: no token."""
    machine.almost(ALICE, decided)
    assert machine.ledger.families == []


@pytest.mark.parametrize("how", GONE)
@pytest.mark.parametrize("length", [6, 20])
def test_a_window_goes_while_another_is_open(machine: SignIns, how: str, length: int) -> None:
    """R8: time hands a family over, a person ends it."""
    machine.sign_in(ALICE, length)
    machine.another_window(0, how)
    (family,) = machine.ledger.families
    assert (len(family.windows) == 2) is (how in ("ran out", "last minute"))


@pytest.mark.parametrize("length", [5, 120])
@pytest.mark.parametrize("later", [30, 61])
def test_a_code_is_brought_again(machine: SignIns, length: int, later: int) -> None:
    """R14: within a minute nothing happens, later what it gave ends."""
    machine.sign_in(ALICE, length)
    machine.wait(later)
    machine.redeem(0)
    assert machine.ledger.families[0].over is (later > 60)
    machine.refresh(0)


@pytest.mark.parametrize("later", [30, 61])
def test_a_refresh_token_is_brought_again(machine: SignIns, later: int) -> None:
    """R6: within a minute the head again, later the end of the family."""
    machine.sign_in(ALICE, 120)
    machine.refresh(0)
    machine.wait(later)
    machine.bring_old(0, 0)
    assert machine.ledger.families[0].over is (later > 60)
    machine.take_along(0)
    machine.refresh(0)


@pytest.mark.parametrize("later", [200, 301])
def test_a_yes_is_not_kept_for_ever(machine: SignIns, later: int) -> None:
    """R5: five minutes, then the person decides anew."""
    machine.open(ALICE, 120, {})
    machine.start()
    machine.claim(0, True)
    machine.approve(0, True, 2)
    machine.wait(later)
    machine.redeem(0)
    assert len(machine.ledger.families) == (later < 300)


def test_a_family_that_nobody_used_is_over(machine: SignIns) -> None:
    """R8: half an hour, whatever its window says."""
    machine.sign_in(ALICE, 120)
    machine.wait(1801)
    machine.refresh(0)
    assert machine.ledger.families[0].refreshes == 0


def test_a_report_afterwards_ends_what_was_given_and_shuns_the_requester(machine: SignIns) -> None:
    """R11: the family ends, and the next code of that requester is not theirs to take."""
    machine.sign_in(ALICE, 120)
    machine.report(0, True)
    assert machine.ledger.families[0].over
    machine.start()
    machine.claim(0, True)
    assert machine.ledger.codes[-1].holder is None
    machine.wait(4000)
    machine.start()
    machine.claim(0, True)
    assert machine.ledger.codes[-1].holder == ALICE


def test_a_window_for_elsewhere_lets_nobody_in(machine: SignIns) -> None:
    """R1: a code needs a window that admits the requester; somebody else's wide one opens nothing for this person."""
    machine.open(BOB, 120, ELSEWHERE)
    machine.start()
    assert machine.ledger.codes == []
    machine.open(ALICE, 120, {})
    machine.start()
    machine.claim(0, False)
    assert machine.ledger.codes[-1].holder is None


def test_an_account_is_changed_in_the_same_browser_only(machine: SignIns) -> None:
    """R11: given back, taken by the other account with the browser's value; without it, it is a second person."""
    machine.open(ALICE, 120, {})
    machine.open(BOB, 120, {})
    for browser in ("that gave it back", "another"):
        machine.start()
        machine.claim(0, True)
        machine.give_back(0, True)
        machine.claim(0, False, browser)
        machine.steal(0)
        machine.redeem(0)
    assert [code.over for code in machine.ledger.codes] == ["", "second person"]
