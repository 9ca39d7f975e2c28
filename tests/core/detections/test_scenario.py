"""Made-up journals: the same seed tells the same story, and what is told holds together."""

from collections import Counter

from ostiary.core.detections.scenario.campaigns import CAMPAIGNS
from ostiary.core.detections.scenario.dice import Dice
from ostiary.core.detections.scenario.geography import where
from ostiary.core.detections.scenario.going_on import in_order
from ostiary.core.detections.scenario.honest import BEGIN, days_of
from ostiary.core.detections.scenario.pen import Pen
from ostiary.core.detections.scenario.people import organisation
from ostiary.core.detections.scenario.stage import Stage
from ostiary.core.detections.score import HELD_OUT_SEEDS, TUNED_SEEDS, variants
from ostiary.core.logs.kinds import Kind


def _entries(seed: int, campaign: int = 0, variant: str = "") -> list[object]:
    whole = organisation(seed, 30)
    stage = Stage(whole, Dice(seed), Pen("campaign", seed), Pen("bystander", seed), BEGIN)
    played = CAMPAIGNS[campaign]
    played.play(stage, variant or played.variants[0])
    return [*in_order(days_of(whole, seed, 5).entries, stage.evil.written(), stage.bystander.written())]


def test_a_seed_tells_one_story() -> None:
    """The same to the last byte; another seed tells another."""
    assert _entries(7) == _entries(7)
    assert _entries(7) != _entries(8)


def test_the_dice_are_those_of_the_paper() -> None:
    """SplitMix64's first numbers from the state 0, so that scores of other days can be repeated."""
    dice = Dice("any")
    dice._state = 0  # white box: the algorithm's published test vector
    assert [dice.below(1 << 64) for _ in range(3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_every_campaign_is_told_in_variants_some_of_them_held_out() -> None:
    """Each variant writes entries of its own that get tokens or try to; no name twice, no seed in both lists."""
    assert len({campaign.id for campaign in CAMPAIGNS}) == len(CAMPAIGNS)
    assert not set(TUNED_SEEDS) & set(HELD_OUT_SEEDS)
    whole = organisation(3, 40)
    for campaign in CAMPAIGNS:
        assert campaign.held_out, campaign.id
        assert not set(campaign.variants) & set(campaign.held_out)
        told = set()
        for variant in variants(campaign, held_out=True):
            stage = Stage(whole, Dice(variant), Pen("campaign", 3), Pen("bystander", 3), BEGIN)
            campaign.play(stage, variant)
            entries = stage.evil.written()
            assert {entry.kind for entry in entries} & {Kind.REDEEMED, Kind.REFRESHED, Kind.WRONG_KEY}, variant
            told.add(repr([(entry.kind, entry.at, entry.body) for entry in entries]))
        assert len(told) == len(campaign.variants) + len(campaign.held_out)


def test_an_honest_sign_in_is_told_in_order_and_by_an_open_exemption() -> None:
    """Nothing is redeemed before it was typed and agreed to, nor by an exemption that is over."""
    ends: dict[str, int] = {}
    seen: dict[str, list[str]] = {}
    count = Counter[str]()
    for entry in days_of(organisation(5, 60), 5, 12).entries:
        detail = entry.body["detail"]
        count[entry.kind] += 1
        if entry.kind == Kind.EXEMPTION_BEGUN:
            ends[entry.target.partition(":")[2]] = detail["ends"]
        if entry.kind in (Kind.STARTED, Kind.CLAIMED, Kind.APPROVED, Kind.EXEMPTION_GRANTED, Kind.REDEEMED):
            seen.setdefault(entry.story, []).append(entry.kind)
        if entry.kind == Kind.REDEEMED:
            assert seen[entry.story][:2] == [Kind.STARTED, Kind.CLAIMED]
            assert seen[entry.story][2] in (Kind.APPROVED, Kind.EXEMPTION_GRANTED)
            assert detail["exemption"] in ends
            assert entry.at <= ends[detail["exemption"]]
    assert count[Kind.REDEEMED] > 100
    assert {Kind.DENIED, Kind.CODE_WRONG, Kind.SIGN_IN_REFUSED, Kind.REFRESHED, Kind.EXEMPTION_UNUSED} <= set(count)


def test_every_address_is_somewhere() -> None:
    """All addresses of a story are known to the geography: none is a real network's."""
    for campaign in range(len(CAMPAIGNS)):
        for entry in _entries(4, campaign):
            address = entry.body["address"]  # type: ignore[attr-defined]
            assert not address or where(address).operator, address
