"""A code that is approved where it was made: told, or refused by registration (RFC 10027 §5)."""

from dataclasses import replace

import pytest

from ostiary.core.signins.same_device import has_another_way
from ostiary.core.signins.view import Approved, Claimed
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.signins import decide
from tests.services.door import PERSON, Door, reason, states
from tests.web.oauth.site import CLI, OLD


def test_the_page_points_to_the_browser_of_that_machine(door: Door) -> None:
    """The default warns; it is in the journal, and no more than a warning."""
    door.open()
    shown = door.claimed(door.started(PERSON).user_code)
    (text,) = [oddity.text for oddity in shown.around.oddities if oddity.tag == "same-device"]
    assert "ostiary login --browser" in text
    assert isinstance(door.run(decide.approve(door.house, door.at_browser(), shown.signin.id)), Approved)
    (entry,) = door.entries("device:signin:approved")
    assert "same-device" in entry["detail"]["oddities"]


def test_another_address_is_another_device(door: Door) -> None:
    """As far as anybody can see from here."""
    door.open()
    assert "same-device" not in door.claimed(door.started().user_code).around.tags()


@pytest.mark.parametrize("values", [{"same_device": "allow"}, {"redirect_uris": ("https://app.example/back",)}])
def test_who_has_no_other_way_or_is_allowed_is_not_told(door: Door, values: dict[str, object]) -> None:
    """An application without an address on loopback cannot use the browser there."""
    door.open()
    door.register(CLI, **values)
    assert "same-device" not in door.claimed(door.started(PERSON).user_code).around.tags()


def test_a_registration_can_refuse_it(door: Door) -> None:
    """At the claim, where the code stays as it was, and at the approval, for a browser that moved meanwhile."""
    door.open()
    door.register(CLI, same_device="refuse")
    begun = door.started(PERSON)
    assert reason(door.claim(begun.user_code)) is Reason.SAME_DEVICE
    assert states(door) == ["issued"]
    (entry,) = door.entries("device:signin:claim_refused")
    assert entry["detail"]["reason"] == "same_device"
    elsewhere = door.claim(begun.user_code, address="192.0.2.1")
    assert isinstance(elsewhere, Claimed)
    assert reason(door.run(decide.approve(door.house, door.at_browser(), elsewhere.signin.id))) is Reason.SAME_DEVICE
    moved = replace(door.at_browser(), address="192.0.2.1")
    assert not isinstance(door.run(decide.approve(door.house, moved, elsewhere.signin.id)), Refused)


def test_another_way_is_an_address_on_loopback(door: Door) -> None:
    """RFC 8252 §7.3: by number or name."""
    applications = door.house.desk.picture.applications
    assert has_another_way(applications[CLI])
    assert not has_another_way(applications[OLD])
    for uri in ("http://localhost", "http://[::1]:80/x"):
        assert has_another_way(replace(applications[OLD], redirect_uris=(uri,)))
