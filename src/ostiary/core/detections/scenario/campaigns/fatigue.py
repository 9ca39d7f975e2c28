"""
Again and again a link with a code, until its victim approves to be left alone.
"""

from ostiary.core.detections.scenario.stage import Campaign, Stage
from ostiary.core.words.instants import Span, after, hours, minutes, seconds

__all__ = ["CAMPAIGN"]


def _play(stage: Stage, variant: str) -> None:
    dice, (person,) = stage.dice, stage.victims(1)
    at = stage.at_work(person) if variant == "by day" else after(stage.morning, Span(hours(1) + minutes(10)))
    machine = stage.hosted() if variant == "at night, rented machine" else stage.line(person.country)
    app, place = dice.pick(person.apps), stage.seat(person) if variant == "by day" else person.home
    for _ in range(4):
        signin = stage.evil.start(at, machine, app, agent=stage.library(), reason="security check")
        stage.evil.claim(after(at, seconds(20)), signin, person, place)
        stage.evil.deny(after(at, seconds(30)), signin, person)
        at = after(at, seconds(dice.between(90, 300)))
    signin = stage.falls(at, person, machine, app, typed=dice.between(10, 40), agent=stage.library(), place=place)
    stage.goes_on(signin, after(at, minutes(1)), 3)


CAMPAIGN = Campaign(
    "fatigue", "Asked again and again", "After prompt bombing of second factors",
    ("at night", "at night, rented machine"), ("by day",), _play,
)  # fmt: skip
