"""
A lure by chat, with a code that was made minutes before (Storm-2372, UTA0304, UTA0307, 2024–2025).
"""

from ostiary.core.detections.scenario.geography import OWN_CLOUDS
from ostiary.core.detections.scenario.stage import Campaign, Stage
from ostiary.core.words.instants import after, minutes

__all__ = ["CAMPAIGN"]


def _play(stage: Stage, variant: str) -> None:
    dice = stage.dice
    people = stage.victims(3 if variant == "several people" else 1)
    machine = stage.line() if variant == "a line abroad" else stage.hosted()
    if variant == "a cloud that is used here":
        machine = dice.pick(OWN_CLOUDS).address(dice.between(60, 90), dice.below(200))
    at = stage.at_work(people[0])
    for person in people:
        signin = stage.falls(
            at, person, machine, dice.pick(person.apps), typed=dice.between(70, 240), agent=stage.library(),
            asks=variant == "led to ask",
        )  # fmt: skip
        at = after(at, minutes(dice.between(12, 30)))
        stage.goes_on(signin, at, 3)


CAMPAIGN = Campaign(
    "storm_2372", "Lure by chat, code made before", "Microsoft 2025-02-13; Volexity 2025-02-13",
    ("rented machine", "a line abroad"), ("several people", "led to ask", "a cloud that is used here"), _play,
)  # fmt: skip
