"""Every rule by examples: what it must find, what it must leave alone, and what it cannot know."""

import pytest

from ostiary.core.detections.finding import Severity
from ostiary.core.detections.rules import BY_ID, RULES
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours, minutes
from tests.core.detections import examples
from tests.core.detections.examples import Tale
from tests.core.detections.examples_around import AROUND
from tests.core.detections.told import ALICE, BLIND, BOB, FARAWAY, LAPTOP, RENTED, Journal, found_by, run

EXAMPLES = {**examples.EXAMPLES, **AROUND}
FIRES = [(id, what, tale) for id, each in EXAMPLES.items() for what, tale in {**each.fires, **each.blind}.items()]
SEEN_BLIND = [(id, what, tale) for id, each in EXAMPLES.items() for what, tale in each.fires.items()]
UNSEEN = [(id, what, tale) for id, each in EXAMPLES.items() for what, tale in each.blind.items()]
QUIET = [(id, what, tale) for id, each in EXAMPLES.items() for what, tale in each.quiet.items()]


def _name(value: object) -> str:
    """Of an example: its rule and its words."""
    return value if isinstance(value, str) else ""


def journal(tale: Tale) -> Journal:
    """What *tale* tells."""
    told = Journal()
    tale(told)
    return told


def test_every_rule_has_examples() -> None:
    """One that fires and one that does not, at least: a rule without is not known to work."""
    assert set(EXAMPLES) == set(BY_ID)
    assert [id for id, each in EXAMPLES.items() if not each.quiet or not (each.fires or each.blind)] == []


@pytest.mark.parametrize(("id", "what", "tale"), FIRES, ids=_name)
def test_it_fires(id: str, what: str, tale: Tale) -> None:
    """What the rule is there for is found."""
    assert found_by(BY_ID[id], journal(tale))


@pytest.mark.parametrize(("id", "what", "tale"), SEEN_BLIND, ids=_name)
def test_it_fires_without_geo_files(id: str, what: str, tale: Tale) -> None:
    """What needs no place is found where no place is known."""
    assert found_by(BY_ID[id], journal(tale), where=BLIND)


@pytest.mark.parametrize(("id", "what", "tale"), UNSEEN, ids=_name)
def test_what_nobody_knows_is_evidence_of_nothing(id: str, what: str, tale: Tale) -> None:
    """Without geo files nothing is near or far; the rule says in `needs` what it lacks."""
    assert found_by(BY_ID[id], journal(tale), where=BLIND) == []
    assert BY_ID[id].needs


@pytest.mark.parametrize(("id", "what", "tale"), QUIET, ids=_name)
def test_it_is_quiet(id: str, what: str, tale: Tale) -> None:
    """What is harmless, or another rule's, is left alone."""
    assert found_by(BY_ID[id], journal(tale)) == []


def test_a_far_machine_typed_at_once_is_worse() -> None:
    """Kits ask for a code when their link is opened, so that it is typed within seconds."""
    told = Journal()
    told.sign_in(machine=FARAWAY, oddities=["typed-at-once"])
    (found,) = found_by(BY_ID["requester_far_from_approver"], told)
    assert (found.severity, found.evidence["machineCountry"]) == (Severity.HIGH, "BR")


def test_a_second_report_tells_of_the_first() -> None:
    """R11: two people who report one source are more than one."""
    told = Journal()
    told.by(ALICE, Kind.REPORTED, told.start(FARAWAY), LAPTOP)
    told.by(BOB, Kind.REPORTED, told.start(FARAWAY), LAPTOP)
    first, second = found_by(BY_ID["reported"], told)
    assert (first.evidence["reporters"], second.evidence["reporters"]) == (1, 2)
    assert second.source == FARAWAY
    assert second.user == BOB


def test_a_rule_says_what_people_must_know() -> None:
    """Title, explanation and what is harmless: a finding without them helps nobody."""
    for rule in RULES:
        assert rule.title
        assert rule.explanation.endswith(".")
        assert rule.false_positives.endswith(".")
        assert rule.watches


def test_no_rule_watches_findings() -> None:
    """Else one would find itself."""
    assert [rule.id for rule in RULES if Kind.FINDING_RAISED in rule.watches] == []


def test_a_first_sign_in_is_found_once() -> None:
    """The next ones are usual."""
    told = Journal()
    for _ in range(3):
        told.sign_in()
    assert len(run(told.entries, (BY_ID["first_device_sign_in_of_user"],)).findings) == 1


def test_a_sign_in_by_a_broken_glass_is_another_finding() -> None:
    """Opening it is one thing, using it the next."""
    told = Journal()
    told.add(Kind.EXEMPTION_OPENED, target="exemption:ex1", actor=f"user:{BOB}", user=BOB, break_glass=True)
    told.sign_in()
    assert len(found_by(BY_ID["break_glass_used"], told)) == 2


def test_a_kit_that_enrols_from_where_the_tokens_went_is_worse() -> None:
    """Ten minutes, one address: how campaigns stay."""
    told = Journal()
    told.sign_in(machine=FARAWAY)
    told.add(Kind.DEVICE_ASKED, target="device:d", address=FARAWAY, owner=ALICE)
    (found,) = found_by(BY_ID["device_after_sign_in"], told)
    assert (found.severity, found.user) == (Severity.HIGH, ALICE)


def test_a_quiet_day_finds_first_times_alone() -> None:
    """Three people who work as always: what is not the first of its kind is no finding."""
    told = Journal()
    for day in range(3):
        for user, place in ((ALICE, LAPTOP), (BOB, "192.0.2.20")):
            story = told.sign_in(user, place, place)
            told.wait(minutes(9))
            told.refresh(story, user, place)
        told.wait(hours(24 * (day + 1)))
    assert {finding.rule for finding in run(told.entries).findings} == {"first_device_sign_in_of_user"}


def test_a_place_becomes_usual_after_a_day_and_not_at_once() -> None:
    """A relay that worked once teaches nothing within the day; after it, what was told once is not told again."""
    told = Journal()
    for pause in (minutes(5), hours(30), hours(1)):
        told.sign_in(machine=RENTED)
        told.wait(pause)
    hosted = found_by(BY_ID["requester_on_hosting_network"], told)
    far = found_by(BY_ID["requester_far_from_approver"], told)
    assert len(hosted) == 2
    assert [finding.severity for finding in far] == [Severity.MEDIUM]  # of one person and network, one a day
