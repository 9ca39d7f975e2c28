"""What is usual: a day old, of one person or of several, and bounded; and what the rules make of it."""

import pytest

from ostiary.core.detections.finding import Severity
from ostiary.core.detections.memory import Past
from ostiary.core.detections.rules import BY_ID
from ostiary.core.detections.story import tell
from ostiary.core.detections.usual import Usual, network_of
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import after, days, hours
from tests.core.detections.told import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    FARAWAY,
    LAPTOP,
    NEARBY,
    OFFICE,
    RENTED,
    Journal,
    atlas,
    found_by,
)

FAR, HOSTED = BY_ID["requester_far_from_approver"], BY_ID["requester_on_hosting_network"]


def _severities(rule: str, told: Journal) -> list[Severity]:
    return [finding.severity for finding in found_by(BY_ID[rule], told)]


def test_a_place_is_usual_for_its_person_a_day_later_and_not_before() -> None:
    """A campaign does not make itself usual while it runs."""
    told = Journal()
    told.sign_in(machine=FARAWAY)
    told.wait(hours(23))
    told.sign_in(machine=FARAWAY)
    assert len(found_by(FAR, told)) >= 1
    before = len(told.entries)
    told.wait(hours(2))
    story = told.sign_in(machine=FARAWAY)
    late = {f"n1.{number}" for number in range(before + 1, len(told.entries) + 1)}
    assert story
    assert [finding for finding in found_by(FAR, told) if finding.entry in late] == []


def test_a_place_of_several_people_is_low_for_a_new_one() -> None:
    """Three people for longer than a day: odd still, and no alarm."""
    told = Journal()
    for user in (ALICE, BOB, CAROL):
        told.sign_in(user, machine=RENTED)
    assert set(_severities("requester_far_from_approver", told)) == {Severity.MEDIUM}
    told.wait(days(2))
    told.sign_in(DAVE, machine=RENTED)
    assert _severities("requester_far_from_approver", told)[-1] is Severity.LOW


def test_whoever_only_typed_makes_nothing_usual() -> None:
    """Only what was redeemed counts."""
    told = Journal()
    for user in (ALICE, BOB, CAROL):
        told.by(user, Kind.CLAIMED, told.start(RENTED))
    told.wait(days(2))
    told.by(DAVE, Kind.CLAIMED, told.start(RENTED))
    assert _severities("requester_far_from_approver", told)[-1] is Severity.MEDIUM


def test_a_machine_of_the_inventory_is_no_alarm() -> None:
    """It proved its key: nobody relays that."""
    told = Journal()
    told.sign_in(machine=FARAWAY, device="d1")
    assert set(_severities("requester_far_from_approver", told)) == {Severity.LOW}


@pytest.mark.parametrize(
    ("person", "severity"), [(LAPTOP, Severity.LOW), (FARAWAY, Severity.LOW), ("", Severity.MEDIUM)]
)
def test_a_new_country_is_an_alarm_only_where_nobody_knows_where_the_person_is(person: str, severity: Severity) -> None:
    """There with it: a journey. Elsewhere: told at the claim already."""
    told = Journal()
    told.sign_in()
    story = told.start(FARAWAY)
    told.by(ALICE, Kind.APPROVED, story, person, exemption="ex1")
    told.redeem(story, ALICE, FARAWAY)
    assert _severities("first_country", told) == [severity]


def test_a_machine_where_nobody_is_of_a_person_who_is_where_they_always_are() -> None:
    """First network: an alarm for a person of settled habits, unless it is of the inventory, or others are there."""

    def habit(told: Journal) -> Journal:
        for _ in range(8):
            told.sign_in(machine=OFFICE)
            told.wait(hours(8))
        return told

    told = habit(Journal())
    told.sign_in(machine=NEARBY)
    assert _severities("first_network", told) == [Severity.MEDIUM]
    told = habit(Journal())
    told.sign_in(machine=NEARBY, device="d1")
    assert _severities("first_network", told) == [Severity.LOW]
    told = Journal()
    told.sign_in(BOB, machine=NEARBY)
    habit(told).sign_in(machine=NEARBY)
    assert _severities("first_network", told) == [Severity.LOW]


def test_whoever_is_behind_an_address_of_many_may_be_anywhere() -> None:
    """An office or a VPN: no habit of a place."""
    told = Journal()
    for user in (BOB, CAROL, DAVE):
        told.sign_in(user)
    for _ in range(8):
        told.sign_in(machine=OFFICE)
        told.wait(hours(8))
    told.sign_in(machine=NEARBY)
    assert _severities("first_network", told)[-1] is Severity.LOW


def test_a_machine_that_people_used_before_relays_nothing() -> None:
    """Code relay and denials: a shared server that somebody signed in on before today."""
    told = Journal()
    told.sign_in(DAVE, machine=FARAWAY)
    told.wait(days(2))
    for user in (ALICE, BOB, CAROL):
        told.by(user, Kind.DENIED, told.start(FARAWAY), LAPTOP)
        told.by(user, Kind.CLAIMED, told.start(FARAWAY), LAPTOP)
    assert _severities("code_relay", told) == [Severity.LOW]
    assert _severities("many_denies", told) == []


def test_an_enrolment_from_a_known_place_is_no_alarm() -> None:
    """From the office after a sign-in elsewhere: low; from a place that nobody knows: medium."""
    for place, severity in ((OFFICE, Severity.LOW), (RENTED, Severity.MEDIUM)):
        told = Journal()
        told.sign_in(BOB, machine=OFFICE)
        told.wait(days(2))
        told.sign_in()
        told.add(Kind.DEVICE_ASKED, target="device:d9", address=place, owner=ALICE, name="new")
        assert _severities("device_after_sign_in", told) == [severity]


def test_where_no_number_makes_a_place_usual_only_one_s_own_is_kept() -> None:
    """What others do is not looked at, and costs no track."""
    told = Journal()
    told.sign_in(BOB, machine=NEARBY)
    (event,), _ = tell(told.entries[-1:], {}, atlas)
    usual = Usual("example", network_of, several=0)
    keys = set(usual.keys(event, event.side))
    past = Past(keys, {})
    past.now = event.at
    usual.learn(event, event.side, past)
    assert len(keys) == 1
    assert not usual.mine(event, event.side, past)
    past.now = after(event.at, days(2))
    assert usual.mine(event, event.side, past)
    with pytest.raises(KeyError):
        usual.ours(event, event.side, past)
