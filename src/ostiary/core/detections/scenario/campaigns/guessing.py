"""
Somebody with a session of the organisation guesses codes, to take over what a machine waits for.
"""

from ostiary.core.detections.scenario.stage import Campaign, Stage
from ostiary.core.words.instants import after, seconds

__all__ = ["CAMPAIGN"]


def _play(stage: Stage, variant: str) -> None:
    dice, evil = stage.dice, stage.evil
    people = stage.victims(1 if variant == "one person" else 6)
    at, place = stage.at_work(people[0]), stage.line()
    tries = {"one person": 10, "several people at one line": 30, "each from a line of their own": 60}[variant]
    counts: dict[str, int] = {}
    for turn in range(tries):
        person = people[turn % len(people)]
        there = stage.line(person.country) if variant == "each from a line of their own" else place
        count = counts[person.id] = counts.get(person.id, 0) + 1
        evil.wrong_code(at, person, there, count, locked=count % 10 == 0)
        at = after(at, seconds(dice.between(4, 20)))
    taken = people[-1]
    signin = evil.start(at, stage.hosted(), taken.apps[0], reason="nightly build")
    window = stage.window(taken, at)
    evil.claim(after(at, seconds(60)), signin, taken, place, window)
    evil.approve(after(at, seconds(70)), signin, window)
    evil.redeem(after(at, seconds(75)), signin)
    stage.goes_on(signin, after(at, seconds(80)), 2)


CAMPAIGN = Campaign(
    "guessing", "Codes are guessed", "RFC 8628 §5.1",
    ("one person", "several people at one line"), ("each from a line of their own",), _play,
)  # fmt: skip
