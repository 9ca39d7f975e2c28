"""
One code a day, each from another residential line in the victim's own country, typed at leisure.
"""

from ostiary.core.detections.scenario.geography import CARRIERS
from ostiary.core.detections.scenario.stage import Campaign, Stage
from ostiary.core.words.instants import Span, after, days, minutes

__all__ = ["CAMPAIGN"]


def _play(stage: Stage, variant: str) -> None:
    dice, people = stage.dice, stage.victims(4)
    for day, person in enumerate(people):
        at = after(stage.at_work(person), Span(days(1) * day))
        machine = stage.line(person.country)
        if variant == "phones":
            machine = CARRIERS[person.country].address(dice.below(6), 100 + dice.below(100))
        agent = stage.library() if variant == "bare library" else ""
        signin = stage.falls(at, person, machine, dice.pick(person.apps), typed=dice.between(80, 250), agent=agent)
        stage.goes_on(signin, after(at, minutes(5)), 2)


CAMPAIGN = Campaign(
    "slow_and_low", "One code a day from residential lines", "Made up, after proxies of published kits",
    ("lines", "bare library"), ("phones",), _play,
)  # fmt: skip
