"""
Tokens by a relayed code, then a machine is enrolled in the victim's name within ten minutes, to stay (2025–2026).
"""

from ostiary.core.detections.scenario.people import APPLICATIONS
from ostiary.core.detections.scenario.stage import Campaign, Stage
from ostiary.core.words.instants import after, minutes, seconds

__all__ = ["CAMPAIGN"]


def _play(stage: Stage, variant: str) -> None:
    dice, (person,) = stage.dice, stage.victims(1)
    machine = stage.line(person.country) if variant == "line in the same country" else stage.hosted()
    at = stage.at_work(person)
    signin = stage.falls(at, person, machine, APPLICATIONS[5], typed=dice.between(50, 200), agent=stage.library())
    asked = after(at, seconds(dice.between(300, 700)))
    enrols = stage.hosted() if variant == "enrolled from elsewhere" else machine
    stage.evil.device_asked(asked, person, enrols, f"DESKTOP-{dice.below(1 << 24):06X}", stage.library())
    stage.goes_on(signin, asked, 3, apart=minutes(8))


CAMPAIGN = Campaign(
    "broker_then_device", "A machine is enrolled after the code",
    "Microsoft 2025-02-13; Eye Security; Elastic d2c02b2b",
    ("enrolled from the same address", "line in the same country"), ("enrolled from elsewhere",), _play,
)  # fmt: skip
