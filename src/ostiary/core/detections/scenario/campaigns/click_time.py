"""
A kit that asks for a code when its link is opened, so that it never runs out (SquarePhish, EvilTokens, 2022–2026).
"""

from ostiary.core.detections.scenario.people import APPLICATIONS
from ostiary.core.detections.scenario.stage import Campaign, Stage
from ostiary.core.words.instants import after, minutes, seconds

__all__ = ["CAMPAIGN"]


def _play(stage: Stage, variant: str) -> None:
    dice, people = stage.dice, stage.victims(3)
    machine, app = stage.hosted(), APPLICATIONS[0]
    agent = "kali365-live/1.0" if variant == "names itself" else stage.library()
    at = stage.at_work(people[0])
    clicks = 4 if variant == "few clicks" else 15
    for click in range(clicks):
        if variant == "rotating addresses":
            machine = machine.rpartition(".")[0] + f".{1 + dice.below(250)}"
        person = people[click // 5 % 3]
        if click % 5 == 3:
            signin = stage.falls(at, person, machine, app, typed=dice.between(6, 35), agent=agent)
            stage.goes_on(signin, after(at, minutes(1)), 3)
        else:  # opened, and closed again
            stage.evil.start(at, machine, app, agent=agent, reason="access")
        at = after(at, seconds(dice.between(15, 55)))


CAMPAIGN = Campaign(
    "click_time", "Code made when the link is opened",
    "Secureworks SquarePhish; Sekoia EvilTokens; Microsoft 2026-04-06",
    ("many clicks", "few clicks"), ("rotating addresses", "names itself"), _play,
)  # fmt: skip
