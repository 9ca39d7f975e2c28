"""The risk assessment before the device flow: what a start says at each date, and what is announced, once (R23)."""

from dataclasses import replace

import pytest

from ostiary.app.jobs import JOBS
from ostiary.app.wiring import system_visit
from ostiary.core.words.instants import Instant, after, days, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.directory.assessments import announce_reviews, date_carried
from ostiary.services.signins.start import Started
from tests.assessed import ASSESSED
from tests.services.door import Door
from tests.web.oauth.site import CLI


def announce(door: Door) -> int:
    """One run of the job."""
    return door.run(announce_reviews(door.house, system_visit(door.house, "reviews")))


def told(door: Door) -> list[str]:
    """Kinds of what was announced, in their order."""
    kinds = ("system:application:review_overdue", "system:application:review_closed", "system:alert:raised")
    return [kind for kind in kinds for _ in door.entries(kind)]


def test_r23_without_an_assessment_no_code_exists(door: Door) -> None:
    """R23: the switch alone opens nothing, be it set behind the back of every check."""
    door.open()
    door.register(CLI, assessment=None)
    answer = door.start()
    assert isinstance(answer, Refused)
    assert answer.reason is Reason.ASSESSMENT_OVERDUE
    assert door.signins() == []


@pytest.mark.parametrize(
    ("since", "starts"),
    [(seconds(-1), True), (seconds(0), True), (days(30) - seconds(1), True), (days(30), False), (days(400), False)],
)
def test_r23_an_overdue_review_warns_for_thirty_days_and_closes_by_the_date_alone(
    door: Door, since: int, starts: bool
) -> None:
    """R23: no job has run; the date decides at the start itself, and a review opens it again at once."""
    door.open()
    review = Instant(door.clock.now() - since)
    door.register(CLI, assessment=replace(ASSESSED, review=review))
    answer = door.start()
    assert isinstance(answer, Started) is starts
    assert starts or (isinstance(answer, Refused) and answer.reason is Reason.ASSESSMENT_OVERDUE)
    door.register(CLI, assessment=replace(ASSESSED, version=2))
    assert isinstance(door.start(), Started)


def test_r23_overdue_and_closed_are_announced_once_each(door: Door) -> None:
    """R23: an entry and an alert when it falls due, and again when it closes; a review in time is not spoken of."""
    review = after(door.clock.now(), days(1))
    door.register(CLI, assessment=replace(ASSESSED, review=review))
    assert announce(door) == 0
    door.clock.move(days(1))
    assert [announce(door), announce(door)] == [1, 0]
    door.clock.move(days(29))
    assert announce(door) == 0
    door.clock.move(days(1))
    assert [announce(door), announce(door)] == [1, 0]
    assert (
        told(door)
        == ["system:application:review_overdue", "system:application:review_closed"] + ["system:alert:raised"] * 2
    )
    door.register(CLI, assessment=replace(ASSESSED, version=2, review=after(door.clock.now(), days(1))))
    door.clock.move(days(1))
    assert announce(door) == 1


def test_r23_what_an_upgrade_carried_over_is_due_from_the_first_start_on(door: Door) -> None:
    """R23: dated once, not closed: it warns, is announced, and closes after thirty days by the date."""
    door.open(length=days(60))
    door.register(CLI, assessment=replace(ASSESSED, version=0, carried=True, review=Instant(0)))
    assert isinstance(door.start(), Refused)
    for expected in (1, 0):
        assert door.run(date_carried(door.house.store, system_visit(door.house, "start"))) == expected
        door.clock.move(seconds(1))
    assert isinstance(door.start(), Started)
    assert [announce(door), announce(door)] == [1, 0]
    assert len(door.entries("admin:application:assessed")) == 1
    door.clock.move(days(30))
    assert isinstance(door.start(), Refused)
    assert door.run(date_carried(door.house.store, system_visit(door.house, "start"))) == 0


def test_nothing_is_announced_of_an_application_that_may_not_use_the_flow(door: Door) -> None:
    """Nobody needs to review what is off."""
    door.register(CLI, device_flow=False, assessment=replace(ASSESSED, review=door.clock.now()))
    door.clock.move(days(40))
    assert announce(door) == 0


def test_the_clock_calls_the_announcement() -> None:
    """It is among the jobs."""
    assert announce_reviews in {job.deed for job in JOBS}
