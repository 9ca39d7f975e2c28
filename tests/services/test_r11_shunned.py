"""Whoever was reported gets nothing more of that person for an hour, wherever its other sign-ins stand (R11)."""

from ostiary.core.words.outcome import Refused
from ostiary.services.signins import decide
from ostiary.store import schema
from tests.services.door import REQUESTER, Door
from tests.services.test_signins import approved


def reported(door: Door, code: str) -> None:
    """Alice types *code* and says that she did not start it."""
    shown = door.claimed(code)
    assert not isinstance(door.run(decide.report(door.house, door.at_browser(), shown.signin.id)), Refused)


def test_r11_a_claimed_sign_in_of_a_reported_requester_is_not_approved(door: Door) -> None:
    """R11: asked again when the person decides; the other's sign-in ends, and one from elsewhere goes on."""
    door.open()
    one, other, elsewhere = door.started(), door.started(), door.started("192.0.2.77")
    shown = door.claimed(other.user_code)
    reported(door, one.user_code)
    assert isinstance(door.run(decide.approve(door.house, door.at_browser(), shown.signin.id)), Refused)
    assert isinstance(door.poll(other.device_code), Refused)
    assert dict(door.signins())[shown.signin.id] in ("reported", "denied")
    approved(door, elsewhere.user_code)
    assert not isinstance(door.poll(elsewhere.device_code), Refused)


def test_r11_an_approved_sign_in_of_a_reported_requester_is_not_redeemed(door: Door) -> None:
    """R11: asked once more at the redemption."""
    door.open()
    one, other = door.started(), door.started(REQUESTER)
    approved(door, other.user_code)
    reported(door, one.user_code)
    assert isinstance(door.poll(other.device_code), Refused)
    assert door.rows(schema.sessions.select().where(schema.sessions.c.kind == "device")) == []
