"""
From account to account: what one victim's sign-in opened is where the next code is asked for ("account takeover
jumping", 2026).
"""

from ostiary.core.detections.scenario.geography import COMPANY
from ostiary.core.detections.scenario.stage import Campaign, Stage
from ostiary.core.words.instants import after, minutes

__all__ = ["CAMPAIGN"]


def _play(stage: Stage, variant: str) -> None:
    dice, people = stage.dice, stage.victims(4)
    at, machine = stage.at_work(people[0]), stage.hosted()
    if variant == "begins inside":
        machine = COMPANY.address(40, 200)
    for person in people:
        signin = stage.falls(at, person, machine, dice.pick(person.apps), typed=dice.between(60, 200))
        stage.goes_on(signin, after(at, minutes(5)), 2)
        at = after(at, minutes(dice.between(25, 50)))
        machine = person.home if variant == "home to home" else COMPANY.address(40, 200 + dice.below(3))


CAMPAIGN = Campaign(
    "mail_jumping", "From account to account", "Proofpoint 2026: account takeover jumping",
    ("a server inside", "begins inside"), ("home to home",), _play,
)  # fmt: skip
