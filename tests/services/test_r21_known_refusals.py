"""Refusals that know their sign-in are bounded as well: who holds a dead token can bring it at will (R21)."""

from sqlalchemy import func, select

from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.pkce import challenge_of
from ostiary.core.words.instants import hours, minutes, seconds
from ostiary.core.words.outcome import Reason
from ostiary.services.logs.floods import FIRST, write_floods
from ostiary.services.tokens.issue import Issued
from ostiary.store import schema
from tests.services.door import Door
from tests.services.test_signins import approved, reason, signed_in
from tests.web.oauth.site import VERIFIER


def written(door: Door) -> int:
    """How many entries the journal has."""
    return int(door.rows(select(func.count()).select_from(schema.journal))[0][0])


def counted(door: Door) -> list[tuple[str, str, int]]:
    """What the next minute's job writes: story, reason and count."""
    door.clock.move(minutes(1))
    door.run(write_floods(door.house, door.at_machine()))
    return [(e["story"], e["detail"]["reason"], e["detail"]["count"]) for e in door.entries(Kind.STARTS_REFUSED)]


def test_r21_refreshes_of_a_dead_family_are_twenty_rows_and_a_count(door: Door) -> None:
    """R21: sixty in a minute; the count stands in the story of the sign-in."""
    door.open()
    token = signed_in(door).refresh_token or ""
    door.clock.move(hours(13))
    before = written(door)
    for _ in range(60):
        assert reason(door.refresh(token)) is Reason.SESSION_ENDED
    assert written(door) - before == FIRST
    assert counted(door) == [(door.signins()[0][0], "session_ended", 60 - FIRST)]


def test_r21_wrong_verifiers_are_twenty_rows_and_a_count(door: Door) -> None:
    """R21: and the right one still redeems."""
    door.open()
    begun = door.started(challenge=challenge_of(VERIFIER), challenge_method="S256")
    approved(door, begun.user_code)
    before = written(door)
    for _ in range(60):
        assert reason(door.poll(begun.device_code, code_verifier="w" * 64)) is Reason.BAD_VERIFIER
    assert written(door) - before == FIRST
    assert counted(door) == [(door.signins()[0][0], "bad_verifier", 60 - FIRST)]
    assert isinstance(door.poll(begun.device_code, code_verifier=VERIFIER), Issued)


def test_r21_a_stolen_token_alerts_once_however_often_it_comes(door: Door) -> None:
    """R6, R21: the theft and its alert are one row each, what follows is bounded."""
    door.open()
    token = signed_in(door).refresh_token or ""
    assert isinstance(door.refresh(token), Issued)
    door.clock.move(seconds(61))
    before = written(door)
    for _ in range(60):
        door.refresh(token)
    assert len(door.entries(Kind.REUSED)) == 1
    assert [e["detail"]["about"] for e in door.entries(Kind.ALERT)] == ["refresh token used twice"]
    assert written(door) - before == 2 + FIRST


def test_r21_wrong_verifiers_of_an_authorization_code_are_bounded(door: Door) -> None:
    """R21: the code stays for its owner."""
    door.sign_in()
    code = door.code()
    before = written(door)
    for _ in range(60):
        assert door.redeem(code, code_verifier="w" * 64).status_code == 400
    assert written(door) - before == FIRST
    assert door.redeem(code).status_code == 200
