"""The score of the rules: what campaigns they see in time, how often they call honest people; it can be worse."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ostiary.core.detections.rules import RULES
from ostiary.core.detections.scenario.campaigns import CAMPAIGNS
from ostiary.core.detections.score import KNOWN_MISSES, TUNED_SEEDS, Score, Step, score, variants
from ostiary.core.detections.score_rows import by_rule, by_variant, summary

MOST_FALSE = 1.0
"""False alarms for each thousand honest sign-ins of the tuned seeds: the aim."""
IDS = tuple(rule.id for rule in RULES)


@pytest.fixture(scope="module")
def played() -> Score:
    """Every campaign of one seed, small."""
    return score(RULES, TUNED_SEEDS[:1], people=60, length=6, held_out=True)


def test_every_tuned_variant_is_seen_before_its_second_token_request(played: Score) -> None:
    """All but those that are known to be missed, each of which has its reason."""
    tuned = {(campaign.id, variant) for campaign in CAMPAIGNS for variant in variants(campaign, held_out=False)}
    late = {(each.campaign, each.variant) for each in played.outcomes if not each.in_time}
    assert (late & tuned) - set(KNOWN_MISSES) == set()


def test_a_known_miss_is_a_play_that_there_is_and_says_why() -> None:
    """A reason for each, and no name that nobody plays."""
    named = {(campaign.id, variant) for campaign in CAMPAIGNS for variant in variants(campaign, held_out=True)}
    assert set(KNOWN_MISSES) <= named
    assert all(reason.endswith(".") for reason in KNOWN_MISSES.values())


def test_honest_people_are_left_alone() -> None:
    """At most one false alarm for a thousand honest sign-ins, over all tuned seeds."""
    found = score(RULES, TUNED_SEEDS, people=150, length=14, held_out=False, campaigns=())
    assert found.sign_ins > 2_500
    assert found.false_per_thousand <= MOST_FALSE, found.false


@pytest.mark.parametrize(
    ("campaign", "without"),
    [
        ("token_resale", ("refresh_from_elsewhere", "stolen_token", "concurrent_sessions")),
        ("guessing", ("codes_guessed", "requester_far_from_approver", "requester_on_hosting_network")),
        ("insider", ("break_glass_used",)),
        ("storm_2372", ("requester_far_from_approver",)),
        ("fatigue", ("many_denies",)),
    ],
)
def test_without_its_rules_a_campaign_is_seen_less(campaign: str, without: Sequence[str]) -> None:
    """The score can fail: fewer plays in time, or later, than with all rules."""
    (one,) = [each for each in CAMPAIGNS if each.id == campaign]
    rest = [rule for rule in RULES if rule.id not in without]
    whole, less = (score(rules, (1,), people=40, length=2, held_out=True, campaigns=(one,)) for rules in (RULES, rest))
    steps = tuple(Step)
    before, after = (sum(steps.index(each.step) for each in found.outcomes) for found in (whole, less))
    assert after > before
    assert less.rate(campaign) <= whole.rate(campaign)


def test_the_rows_tell_what_was_counted(played: Score) -> None:
    """Each play stands in one row; the sums are those of the score."""
    rows = by_variant(played)
    assert sum(row["plays"] for row in rows) == len(played.outcomes) == summary(played)["plays"]
    assert sum(row["inTime"] for row in rows) == summary(played)["inTime"]
    assert {row["campaign"] for row in rows} == {campaign.id for campaign in CAMPAIGNS}
    assert [row["rule"] for row in by_rule(played, IDS)] == list(IDS)
    assert sum(row["true"] for row in by_rule(played, IDS)) == played.true.total()


def test_a_seed_gives_one_score() -> None:
    """The same numbers each time."""
    one, again = (score(RULES, (5,), people=20, length=2, held_out=False, campaigns=CAMPAIGNS[:2]) for _ in range(2))
    assert one == again


def test_a_rule_that_fails_is_no_score() -> None:
    """A fault is not counted as quiet."""

    def broken(*_: object) -> None:
        raise ValueError("planted")

    with pytest.raises(RuntimeError, match="failed"):
        score([replace(RULES[0], look=broken)], (1,), people=20, length=2, held_out=False, campaigns=())
