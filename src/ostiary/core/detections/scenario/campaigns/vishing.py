"""
Somebody calls, says that they are of the help desk, and reads the code out; number and reference are told as well.
"""

from ostiary.core.detections.scenario.geography import CARRIERS
from ostiary.core.detections.scenario.stage import Campaign, Stage
from ostiary.core.words.instants import after, minutes

__all__ = ["CAMPAIGN"]


def _play(stage: Stage, variant: str) -> None:
    dice, (person,) = stage.dice, stage.victims(1)
    machine = {
        "line in the same country": stage.line(person.country),
        "line abroad": stage.line(),
        "phone in the same country": CARRIERS[person.country].address(dice.below(6), 100 + dice.below(100)),
    }[variant]
    at = stage.at_work(person)
    signin = stage.falls(at, person, machine, dice.pick(person.apps), typed=dice.between(20, 90))
    stage.goes_on(signin, after(at, minutes(2)), 4)


CAMPAIGN = Campaign(
    "vishing", "A caller reads the code out", "Made after published calls; the machine says what a real one says",
    ("line abroad", "line in the same country"), ("phone in the same country",), _play,
)  # fmt: skip
