"""Whom a request names is asked at the claim; the start tells no stranger who has an exemption open (R1, R11)."""

import pytest

from ostiary.core.signins.view import Claimed
from ostiary.core.words.outcome import Reason
from tests.services.door import Door
from tests.services.test_signins import reason
from tests.web.oauth.site import BOB

HINTS = ("", "alice@example.com", "bob@example.com", "nobody@example.com", "x" * 400)


def test_r11_a_start_answers_alike_whoever_is_named(door: Door) -> None:
    """R11: with Alice's exemption open every hint gets a code, with none open no hint does."""
    assert {reason(door.start(login_hint=hint)) for hint in HINTS} == {Reason.BLOCKED}
    door.open()
    begun = [door.started(login_hint=hint) for hint in HINTS]
    assert {(len(one.user_code), len(one.device_code), one.lifetime, one.interval) for one in begun} == {
        (8, len(begun[0].device_code), begun[0].lifetime, begun[0].interval)
    }


@pytest.mark.parametrize("hint", HINTS[2:])
def test_r11_who_is_not_named_cannot_claim_whoever_is(door: Door, hint: str) -> None:
    """R11: neither when the name is another's who has nothing open, nor when it is nobody's."""
    door.open()
    begun = door.started(login_hint=hint)
    assert reason(door.claim(begun.user_code)) is Reason.BAD_CODE
    assert [state for _, state in door.signins()] == ["issued"]


def test_r11_the_named_person_claims_once_they_may(door: Door) -> None:
    """R11: the name counts as it was at the start, also for somebody whose exemption opens only now."""
    door.open()
    begun = door.started(login_hint=" BOB@example.com ")
    assert reason(door.claim(begun.user_code, BOB)) is Reason.BLOCKED
    door.open(BOB)
    assert isinstance(door.claim(begun.user_code, BOB), Claimed)
