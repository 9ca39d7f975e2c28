"""
A token is copied from an honest machine and used by somebody who bought it.
"""

from ostiary.core.detections.scenario.geography import COMPANY
from ostiary.core.detections.scenario.stage import Campaign, Stage
from ostiary.core.words.instants import after, minutes, seconds

__all__ = ["CAMPAIGN"]


def _play(stage: Stage, variant: str) -> None:
    dice, (person,) = stage.dice, stage.victims(1)
    honest, at = stage.bystander, stage.at_work(person)
    window, app = stage.window(person, at), dice.pick(person.apps)
    signin = honest.start(at, COMPANY.address(40, 7), app, key="k" * 43 if variant == "bound to a key" else "")
    honest.claim(after(at, seconds(30)), signin, person, person.home, window)
    honest.approve(after(at, seconds(45)), signin, window)
    honest.redeem(after(at, seconds(50)), signin)
    for turn in range(2):
        honest.refresh(after(at, minutes(10 + 10 * turn)), signin)
    sold = after(at, minutes(dice.between(24, 29)))
    buyer = stage.line(person.country) if variant == "line in the same country" else stage.hosted()
    agent = app.agent if variant == "in turn" else stage.library()
    if variant == "bound to a key":
        for turn in range(3):
            stage.evil.wrong_key(after(sold, minutes(turn)), signin, buyer, agent)
        return
    stage.evil.refresh(sold, signin, buyer, agent)
    if variant == "in turn":  # both programs write to one store
        for turn in range(3):
            honest.refresh(after(sold, minutes(4 + 10 * turn)), signin)
            stage.evil.refresh(after(sold, minutes(9 + 10 * turn)), signin, buyer, agent)
        return
    stage.evil.reused(after(at, minutes(30)), signin, signin.machine)  # the honest program brings the old one


CAMPAIGN = Campaign(
    "token_resale", "A copied token is used elsewhere", "Huntress on Railway replay 2026; Datadog def-000-a7l",
    ("rented machine", "line in the same country", "bound to a key"), ("in turn",), _play,
)  # fmt: skip
