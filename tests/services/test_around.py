"""What the person is told of the machine's place, from the operator's own files, and what the journal keeps of it."""

from dataclasses import replace
from pathlib import Path

from ostiary.core.signins.view import Approved
from ostiary.core.words.instants import minutes
from ostiary.outside.geo import GeoFiles, GeoPaths
from ostiary.services.signins import decide
from ostiary.services.tokens.issue import Issued
from tests import mmdb
from tests.services.door import REQUESTER, Door
from tests.web.oauth.site import CLI

OSLO = {"country": {"iso_code": "NO"}, "location": {"latitude": 59.9139, "longitude": 10.7522}}
AMSTERDAM = {"country": {"iso_code": "NL"}, "location": {"latitude": 52.3676, "longitude": 4.9041}}


def with_files(door: Door, folder: Path) -> None:
    """The operator names geo files: the person is in Oslo, the requester rents a machine in Amsterdam."""
    mmdb.write(folder / "city", {"198.51.100.0/24": OSLO, "203.0.113.0/24": AMSTERDAM})
    mmdb.write(
        folder / "asn",
        {
            "198.51.100.0/24": _network(64500, "Example Broadband"),
            "203.0.113.0/24": _network(64501, "Example Hosting"),
        },
    )
    door.house.desk._look = GeoFiles(GeoPaths(network=folder / "asn", city=folder / "city"))
    door.register(CLI)  # the desk takes a new picture


def _network(number: int, name: str) -> dict[str, object]:
    return {"autonomous_system_number": number, "autonomous_system_organization": name}


def test_the_person_is_told_where_the_machine_is_and_the_journal_keeps_what_was_odd(door: Door, tmp_path: Path) -> None:
    """M1, M14: country, network, distance, and the oddities at the claim and at the approval."""
    with_files(door, tmp_path)
    door.open()
    begun = door.started(machine="build-7", reason="nightly build")
    shown = door.claimed(begun.user_code)
    around = shown.around
    assert (around.country, around.network, around.distance) == ("NL", "AS64501 Example Hosting", "about 910 km")
    expected = [
        "typed-at-once", "other-country", "far-away", "hosting-network", "other-network", "first-application",
        "first-machine",
    ]  # fmt: skip
    assert around.tags() == expected
    assert (shown.signin.declared.machine, shown.signin.declared.reason) == ("build-7", "nightly build")
    door.clock.move(minutes(2))
    assert isinstance(door.run(decide.approve(door.house, door.at_browser(), shown.signin.id)), Approved)
    (started,), (claimed,), (approved,) = (
        door.entries(f"device:signin:{step}") for step in ("started", "claimed", "approved")
    )
    assert (started["detail"]["machine"], started["detail"]["reason"]) == ("build-7", "nightly build")
    assert claimed["detail"]["oddities"] == approved["detail"]["oddities"] == expected


def test_a_second_time_is_no_first_time(door: Door, tmp_path: Path) -> None:
    """What was redeemed counts; what was only typed does not."""
    with_files(door, tmp_path)
    door.open()
    first = door.started()
    door.claimed(first.user_code)
    begun = door.started()
    shown = door.claimed(begun.user_code)
    assert "first-machine" in shown.around.tags()
    door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))
    assert isinstance(door.poll(begun.device_code), Issued)
    door.clock.move(minutes(1))
    again = door.claimed(door.started().user_code)
    assert not [tag for tag in again.around.tags() if tag.startswith("first")]
    elsewhere = door.claimed(door.started("198.51.100.200").user_code)
    assert [tag for tag in elsewhere.around.tags() if tag.startswith("first")] == ["first-country", "first-machine"]


def test_without_files_nothing_is_claimed_to_be_known(door: Door) -> None:
    """R4: the page says "not known", and warns of nothing that it cannot see."""
    door.open()
    around = door.claimed(door.started().user_code).around
    assert (around.country, around.network, around.distance) == ("", "", "")
    assert around.tags() == ["first-application", "first-machine"]


def test_the_approval_looks_at_where_it_is_given(door: Door, tmp_path: Path) -> None:
    """A browser that moved between claim and approval is judged where it says yes."""
    with_files(door, tmp_path)
    door.open()
    shown = door.claimed(door.started().user_code)
    there = replace(door.at_browser(), address=REQUESTER)
    assert isinstance(door.run(decide.approve(door.house, there, shown.signin.id)), Approved)
    (approved,) = door.entries("device:signin:approved")
    assert approved["detail"]["oddities"] == ["first-application", "first-machine", "same-device"]
