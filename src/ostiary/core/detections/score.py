"""
The score: how much of what campaigns do the rules see, how soon, and how often they call honest people.

A made-up organisation lives for some days; the rules read all of it. Then each variant of each campaign is played
against it, once for each seed and by itself, amid the honest traffic of its days. An entry's stream says who caused it.
A finding of medium severity or higher counts as seen; one that an honest entry made, as a false alarm.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from ostiary.core.detections.finding import Finding, Severity
from ostiary.core.detections.replay import Replay
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.scenario.campaigns import CAMPAIGNS
from ostiary.core.detections.scenario.dice import Dice
from ostiary.core.detections.scenario.geography import where
from ostiary.core.detections.scenario.going_on import Habits, in_order
from ostiary.core.detections.scenario.honest import BEGIN, Honest, days_of
from ostiary.core.detections.scenario.pen import Pen
from ostiary.core.detections.scenario.people import Organisation, organisation
from ostiary.core.detections.scenario.stage import Campaign, Stage
from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant, Span, after, between, days

__all__ = [
    "HELD_OUT_SEEDS",
    "KNOWN_MISSES",
    "TUNED_SEEDS",
    "WARM_UP",
    "Outcome",
    "Score",
    "Step",
    "score",
    "variants",
]

TUNED_SEEDS = (1, 2, 3)
"""Thresholds of rules were chosen by these, and by the variants that are not held out."""
HELD_OUT_SEEDS = (101, 102, 103)
"""No threshold was chosen by these, nor by the held-out variants."""
WARM_UP = 28
"""Days in which much happens for the first time; counted apart."""
KNOWN_MISSES: Mapping[tuple[str, str], str] = {
    ("vishing", "line in the same country"): (
        "All is as in an honest sign-in but where the machine is. It is seen where nobody of the organisation was near "
        "that line and the person is known to sit elsewhere; not behind the exit of a VPN, nor for somebody without "
        "settled habits. A number that is read out, and a limit of exemptions to networks, stop it."
    ),
    ("vishing", "phone in the same country"): (
        "Near a carrier's addresses many people are: seen where that network is new to the person, who is at a place "
        "of their own."
    ),
    ("insider", "too often"): (
        "Four exemptions within a day are too many, and the first three are work like any other's: seen at the fourth."
    ),
    ("insider", "at night"): (
        "One sign-in by the person's own exemption; the night is low where somebody of the organisation was near the "
        "machine's line before, or little is known of the person."
    ),
    ("mail_jumping", "begins inside"): (
        "The first code from a server of the organisation's own is like any other's; seen with the second person."
    ),
    ("slow_and_low", "phones"): "As a caller's phone; seen with one of the next people.",
    ("storm_2372", "a cloud that is used here"): (
        "A machine in a rented network that three people of the organisation use is low, else each new machine there "
        "were an alarm. Name those machines in the inventory, or their addresses as a location."
    ),
}
"""Variants that are not always seen before their second token request, and why."""
EVIL = "campaign"
BATCH = 500
ALARMS = (Severity.MEDIUM, Severity.HIGH)
_TOKENS = frozenset({Kind.REDEEMED, Kind.REFRESHED, Kind.REFRESH_REFUSED, Kind.REUSED, Kind.WRONG_KEY})


class Step(StrEnum):
    """When a campaign was seen."""

    BEFORE_FIRST = "before its first token"
    BEFORE_SECOND = "before its second token request"
    LATER = "later"
    NEVER = "never"


class Outcome(NamedTuple):
    """What became of one campaign."""

    campaign: str
    variant: str
    seed: int
    step: Step
    took: Span | None
    """From its first entry to the entry that made the first alarm."""
    rules: tuple[str, ...]
    """Whose alarms there were, in their order."""
    low: tuple[str, ...]
    """Which rules found something of low severity beside them."""

    @property
    def in_time(self) -> bool:
        """The aim: seen before its second token request."""
        return self.step in (Step.BEFORE_FIRST, Step.BEFORE_SECOND)


@dataclass(slots=True)
class Score:
    """What all seeds came to."""

    outcomes: list[Outcome] = field(default_factory=list)
    sign_ins: int = 0
    """Honest ones after the warm-up."""
    false: Counter[str] = field(default_factory=Counter)
    """False alarms after the warm-up, by rule."""
    low: Counter[str] = field(default_factory=Counter)
    """Findings of low severity on honest traffic after the warm-up, by rule."""
    early: Counter[str] = field(default_factory=Counter)
    """Alarms within the warm-up, by rule."""
    true: Counter[str] = field(default_factory=Counter)
    """Alarms that campaigns made, by rule."""
    entries: int = 0
    """That were read."""

    @property
    def false_per_thousand(self) -> float:
        """False alarms for each thousand honest sign-ins."""
        return 1000 * self.false.total() / max(1, self.sign_ins)

    def rate(self, campaign: str) -> float:
        """The share of a campaign's plays that was seen in time."""
        mine = [each.in_time for each in self.outcomes if each.campaign == campaign]
        return sum(mine) / max(1, len(mine))

    def precision(self, rule: str) -> float | None:
        """The share of its alarms that a campaign made; None: it raised none."""
        told = self.true[rule] + self.false[rule]
        return self.true[rule] / told if told else None


def _read(replay: Replay, entries: Sequence[Recorded]) -> list[Finding]:
    """What the rules find in *entries*, the next ones. Raises RuntimeError where one fails: a fault is not quiet."""
    pieces = (entries[place : place + BATCH] for place in range(0, len(entries), BATCH))
    findings = [finding for piece in pieces for finding in replay.feed(piece, where)]
    if replay.faults:
        raise RuntimeError(f"a rule failed: {dict(replay.faults)}")
    return findings


def variants(campaign: Campaign, *, held_out: bool) -> tuple[str, ...]:
    """Those that thresholds were chosen by, or with *held_out* all."""
    return (*campaign.variants, *(campaign.held_out if held_out else ()))


def score(
    rules: Iterable[Rule], seeds: Sequence[int], *, people: int, length: int, held_out: bool,
    campaigns: Sequence[Campaign] = CAMPAIGNS,
) -> Score:  # fmt: skip
    """
    Play and count: *people* in the organisation, *length* days after the warm-up, *held_out* variants or not.
    """
    found, watched = Score(), tuple(rules)
    for seed in seeds:
        _one(found, watched, seed, people, length, [(c, v) for c in campaigns for v in variants(c, held_out=held_out)])
    return found


def _one(
    found: Score, rules: tuple[Rule, ...], seed: int, people: int, length: int, plays: list[tuple[Campaign, str]]
) -> None:
    whole = organisation(seed, people)
    honest = days_of(whole, seed, WARM_UP + length)
    turn = after(BEGIN, Span(days(1) * WARM_UP))
    before = [entry for entry in honest.entries if entry.at < turn]
    rest = [entry for entry in honest.entries if entry.at >= turn]
    replay = Replay(rules)
    found.early.update(finding.rule for finding in _read(replay, before) if finding.severity in ALARMS)
    for finding in _read(replay.branch(), rest):
        (found.false if finding.severity in ALARMS else found.low)[finding.rule] += 1
    found.sign_ins += sum(entry.kind == Kind.REDEEMED for entry in rest)
    found.entries += len(honest.entries)
    for campaign, variant in plays:
        evil, beside = _played(whole, honest, campaign, variant, seed, turn)
        told = in_order(evil, beside, [entry for entry in rest if entry.at <= evil[-1].at])
        findings = [finding for finding in _read(replay.branch(), told) if finding.entry.startswith(EVIL)]
        found.outcomes.append(_outcome(campaign.id, variant, seed, evil, findings))
        found.true.update(finding.rule for finding in findings if finding.severity in ALARMS)
        found.entries += len(told)


def _played(
    whole: Organisation, honest: Honest, campaign: Campaign, variant: str, seed: int, turn: Instant
) -> tuple[list[Recorded], list[Recorded]]:
    """What *campaign* writes, and what its victims do honestly beside it, from the day of *turn* on."""
    name = (seed, campaign.id, variant)
    habits = {
        id: Habits(set(known.apps), set(known.addresses), set(known.countries)) for id, known in honest.habits.items()
    }
    stage = Stage(
        whole, Dice("campaign", *name), Pen(EVIL, name, habits), Pen("bystander", name, habits),
        after(turn, Span(days(1))),
    )  # fmt: skip
    campaign.play(stage, variant)
    return stage.evil.written(), stage.bystander.written()


def _outcome(id: str, variant: str, seed: int, evil: Sequence[Recorded], findings: Sequence[Finding]) -> Outcome:
    alarms = [finding for finding in findings if finding.severity in ALARMS]
    rules = tuple(dict.fromkeys(finding.rule for finding in alarms))
    low = tuple(dict.fromkeys(finding.rule for finding in findings if finding.severity is Severity.LOW))
    if not alarms:
        return Outcome(id, variant, seed, Step.NEVER, None, rules, low)
    asked = [entry.number for entry in evil if entry.kind in _TOKENS]
    first = int(alarms[0].entry.rpartition(".")[2])
    step = Step.LATER
    if not asked or first < asked[0]:
        step = Step.BEFORE_FIRST
    elif len(asked) < 2 or first < asked[1]:
        step = Step.BEFORE_SECOND
    return Outcome(id, variant, seed, step, between(evil[0].at, alarms[0].at), rules, low)
