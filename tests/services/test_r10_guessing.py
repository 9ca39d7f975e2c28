"""Guessing user codes: how many tries a person, an address and everybody have, and that no answer tells more (R10)."""

import re
from dataclasses import replace

import pytest

from ostiary.core.signins.view import Approved, Claimed
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import hours, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.outside.random import SystemRandom
from ostiary.services.signins import decide
from ostiary.services.signins.start import Started
from tests.services.door import Door
from tests.web.oauth.site import BOB, CLI


def reason(answer: object) -> Reason:
    """Why *answer* is no."""
    assert isinstance(answer, Refused), answer
    return answer.reason


def alerts(door: Door) -> list[str]:
    """What was raised, in its order."""
    return [entry["detail"]["about"] for entry in door.entries("system:alert:raised")]


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


def test_r10_the_lock_alerts_once_and_tries_in_it_are_not_counted(door: Door) -> None:
    """R10: the fifth raises one alert; what is typed while it holds is not looked at and does not lengthen it."""
    door.open()
    for _ in range(8):
        door.claim("BBBB-BBBB")
    assert alerts(door) == ["user codes guessed"]
    assert [entry["detail"]["count"] for entry in door.entries("device:signin:wrong_code")] == [1, 2, 3, 4, 5]
    door.clock.move(minutes(15))
    assert reason(door.claim("BBBB-BBBB")) is Reason.BAD_CODE


def test_r10_five_wrong_codes_over_more_than_ten_minutes_lock_nobody(door: Door) -> None:
    """R10: the window is ten minutes."""
    door.open()
    for _ in range(2):
        for _ in range(4):
            assert reason(door.claim("BBBB-BBBB")) is Reason.BAD_CODE
        door.clock.move(minutes(10))
    assert isinstance(door.claim(door.started().user_code), Claimed)


@pytest.mark.parametrize(
    ("guesser", "neighbour", "far"),
    [("192.0.2.1", "192.0.2.1", "192.0.2.2"), ("2001:db8:0:1::1", "2001:db8:0:1:f::2", "2001:db8:0:2::1")],
)
def test_r10_fifty_wrong_codes_slow_that_address_and_lock_nobody(
    door: Door, guesser: str, neighbour: str, far: str
) -> None:
    """
    R10: from the fiftieth on a wrong code there costs half a minute; a right one never waits, and a person below the
    limit is never locked. An IPv4 address, or the /64 of an IPv6 one.
    """
    door.open()
    door.open(BOB)
    guess(door, guesser, 50)
    assert isinstance(door.claim(door.started().user_code, address=neighbour), Claimed)
    assert reason(door.claim("BBBB-BBBB", address=neighbour)) is Reason.BAD_CODE
    slowed = door.claim(door.started().user_code, address=neighbour)
    assert reason(slowed) is Reason.CODE_ENTRY_LOCKED
    assert "half a minute" in slowed.detail  # type: ignore[union-attr]
    door.clock.move(seconds(30))
    assert isinstance(door.claim(door.started().user_code, address=neighbour), Claimed)
    assert reason(door.claim("BBBB-BBBB", BOB, address=far)) is Reason.BAD_CODE
    assert isinstance(door.claim(door.started().user_code, BOB, address=far), Claimed)
    assert alerts(door) == ["user codes guessed"] * 10  # of the ten who guessed; the address alone raises none


def test_r10_three_hundred_a_minute_in_all_alert(door: Door) -> None:
    """R10: once a minute, whoever they are; nobody is locked by it."""
    door.open()
    for address in range(6):
        guess(door, f"192.0.2.{address}", 49, first=address * 10)
    assert "user codes guessed by many" not in alerts(door)
    guess(door, "192.0.2.100", 12, first=90)
    assert alerts(door).count("user codes guessed by many") == 1
    assert isinstance(door.claim(door.started().user_code), Claimed)


def test_r10_wrong_expired_and_used_are_one_answer(door: Door) -> None:
    """R10: nothing is confirmed to who guesses."""
    door.open()
    used, old = door.started(), door.started()
    approved(door, used.user_code)
    door.poll(used.device_code)
    door.clock.move(minutes(5))
    assert door.claim("BBBB-BBBB") == door.claim(old.user_code) == door.claim(used.user_code)


def test_r10_wrong_expired_and_used_cost_the_same_work(door: Door) -> None:
    """R10: the same statements in the same order, so time tells nothing either."""
    door.open()
    used, old = door.started(), door.started()
    approved(door, used.user_code)
    door.poll(used.device_code)
    door.clock.move(minutes(5))
    door.claim("CCCC-CCCC")  # the first wrong code makes the counters' rows
    seen = [statements(door, code) for code in ("BBBB-BBBB", old.user_code, used.user_code)]
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) > 5


def statements(door: Door, code: str) -> list[str]:
    """What the store runs while *code* is typed, with the values left out."""
    ran: list[str] = []
    db = door.house.store._db  # type: ignore[attr-defined]
    db.set_trace_callback(lambda text: ran.append(re.sub(r"'[^']*'|[xX]'[0-9a-fA-F]*'|\b\d+\b", "?", text)))
    assert reason(door.claim(code)) is Reason.BAD_CODE
    db.set_trace_callback(None)
    return ran


def guess(door: Door, address: str, times: int, *, first: int = 0) -> None:
    """One after another, each typing five wrong codes from *address*."""
    for n in range(times):
        user = UserId(f"7a0d1f2e-0000-4000-9000-{first + n // 5:012}")
        assert reason(door.claim("BBBB-BBBB", user, address=address)) in (Reason.BAD_CODE, Reason.CODE_ENTRY_LOCKED)


class Repeating(SystemRandom):
    """Draws a user code that somebody has, as often as it is told."""

    def __init__(self, taken: str, times: int) -> None:
        self.taken, self.times = taken, times

    def letters(self, alphabet: str, n: int) -> str:
        """The one that is taken, and after that an honest one."""
        self.times -= 1
        return self.taken if self.times >= 0 else super().letters(alphabet, n)


@pytest.mark.parametrize(("times", "starts"), [(2, True), (9, False)])
def test_r10_a_user_code_is_nobody_elses(door: Door, times: int, starts: bool) -> None:
    """A code that is still known is drawn again, and no request ever gets it; after a few the answer is "busy"."""
    door.open()
    taken = door.started().user_code
    honest = door.house
    door.house = replace(honest, random=Repeating(taken, times))
    answer = door.start()
    door.house = honest
    assert isinstance(answer, Started) is starts
    assert starts or (isinstance(answer, Refused) and answer.reason is Reason.BUSY_SOURCE)
    assert not isinstance(answer, Started) or answer.user_code != taken
    assert door.claimed(taken)
