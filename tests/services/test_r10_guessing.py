"""Guessing user codes: how many tries a person, an address and everybody have, and that no answer tells more (R10)."""

from ostiary.core.signins.view import Approved, Claimed
from ostiary.core.words.instants import hours, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.signins import decide
from tests.services.door import Door
from tests.web.oauth.site import BOB, CLI


def reason(answer: object) -> Reason:
    """Why *answer* is no."""
    assert isinstance(answer, Refused), answer
    return answer.reason


def approved(door: Door, code: str) -> Approved:
    """Alice claims and approves *code*."""
    shown = door.claimed(code)
    answer = door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))
    assert isinstance(answer, Approved), answer
    return answer


def test_r10_five_wrong_codes_lock_that_persons_entry(door: Door) -> None:
    """R10: the right code does not help then, nobody else is locked, and after 15 minutes it goes on."""
    door.open()
    door.open(BOB)
    door.register(CLI, code_lifetime=hours(1))
    begun = door.started()
    for _ in range(5):
        assert reason(door.claim("BBBB-BBBB")) is Reason.BAD_CODE
    assert reason(door.claim(begun.user_code)) is Reason.CODE_ENTRY_LOCKED
    other = door.started()
    assert isinstance(door.claim(other.user_code, BOB), Claimed)
    door.clock.move(minutes(15))
    assert isinstance(door.claim(begun.user_code), Claimed)


def test_r10_wrong_expired_and_used_are_one_answer(door: Door) -> None:
    """R10: nothing is confirmed to who guesses."""
    door.open()
    used, old = door.started(), door.started()
    approved(door, used.user_code)
    door.poll(used.device_code)
    door.clock.move(minutes(5))
    assert door.claim("BBBB-BBBB") == door.claim(old.user_code) == door.claim(used.user_code)
