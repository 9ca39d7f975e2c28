"""
Somebody who may ask for exemptions misuses them.
"""

from ostiary.core.detections.scenario.geography import COMPANY
from ostiary.core.detections.scenario.stage import Campaign, Stage
from ostiary.core.words.instants import Span, after, hours, minutes, seconds

__all__ = ["CAMPAIGN"]


def _play(stage: Stage, variant: str) -> None:
    dice, evil, (person,) = stage.dice, stage.evil, stage.victims(1)
    at = stage.at_work(person)
    if variant == "at night":
        at = after(stage.morning, Span(hours(1) + minutes(dice.between(0, 100))))
    times = {"too often": 6, "glass is broken": 1}.get(variant, 1)
    machine = COMPANY.address(40, dice.below(60)) if variant == "too often" else stage.line(person.country)
    for _ in range(times):
        glass = variant == "glass is broken"
        window = evil.request(at, person, person.home, reason="work", length=hours(1), break_glass=glass)
        if glass:
            evil.at_once(at, window, person.home, "breakGlass")
        else:
            approver = dice.pick([p for p in stage.organisation.approvers if p.id != person.id])
            evil.decide(after(at, minutes(2)), window, approver, approver.phone)
        begins = after(at, minutes(4))
        if variant == "for another machine":
            machine = stage.hosted()
        signin = stage.falls(begins, person, machine, dice.pick(person.apps), typed=dice.between(15, 50), window=window)
        stage.goes_on(signin, after(begins, seconds(60)), 3)
        at = after(at, minutes(90))


CAMPAIGN = Campaign(
    "insider", "Somebody eligible misuses it", "Made up: no published campaign",
    ("glass is broken", "too often", "at night"), ("for another machine",), _play,
)  # fmt: skip
