"""How many codes may be out, and for whom room is kept (R21): what no sequence of strangers' requests can change."""

from collections import Counter
from dataclasses import astuple
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.signins.limits import (
    SAFE,
    Full,
    Limits,
    OpenNow,
    Standing,
    denials,
    everybodys_denials,
    full,
    prompts,
)

LIMITS = Limits(codes_per_source=4, codes_per_application=12, codes_in_all=20)
STANDINGS = st.sampled_from(Standing)
COUNTS = st.builds(OpenNow, st.integers(0, 6), st.integers(0, 15), st.integers(0, 25))


class Ask(NamedTuple):
    """Who asks, for what."""

    source: int
    application: int
    standing: Standing


class Desk:
    """Codes that are out and stay out."""

    def __init__(self) -> None:
        self._sources: Counter[tuple[int, int]] = Counter()
        self._applications: Counter[int] = Counter()

    def now(self, source: int, application: int) -> OpenNow:
        """As the waiting room counts them."""
        whole = self._applications
        return OpenNow(self._sources[source, application], whole[application], whole.total())

    def ask(self, source: int, application: int, standing: Standing) -> Full | None:
        """One more, if there is room."""
        which = full(LIMITS, self.now(source, application), standing)
        if which is None:
            self._sources[source, application] += 1
            self._applications[application] += 1
        return which


ASKS = st.builds(Ask, st.integers(0, 40), st.integers(0, 3), STANDINGS)
STRANGERS = st.builds(Ask, st.integers(0, 40), st.integers(0, 3), st.just(Standing.STRANGER))


@given(st.lists(STRANGERS, max_size=120), st.integers(41, 50), st.integers(0, 3))
def test_r21_no_flood_of_strangers_keeps_out_who_has_something_to_show(
    flood: list[Ask], source: int, application: int
) -> None:
    """Whatever they ask for, from however many sources: a known machine and a proved one get a code."""
    desk = Desk()
    for ask in flood:
        desk.ask(*ask)
    assert desk.ask(source, application, Standing.KNOWN) is None
    assert desk.ask(source, application, Standing.PROVED) is None


@given(st.lists(ASKS, max_size=120))
def test_r21_what_is_out_never_passes_a_limit(asks: list[Ask]) -> None:
    """By source, by application, in all: whoever asks in whatever order, and strangers alone take half of each."""
    desk = Desk()
    for ask in asks:
        before = desk.now(ask.source, ask.application)
        if desk.ask(*ask) is None:
            for count, most in zip(astuple(before), (4, 12, 20), strict=True):
                assert count < most * ask.standing // 4


@given(st.lists(st.builds(Ask, st.just(7), st.just(0), STANDINGS), max_size=60))
def test_r21_one_source_keeps_no_other_source_out(asks: list[Ask]) -> None:
    """It comes to its own limit before anybody else's room is touched."""
    desk = Desk()
    for ask in asks:
        desk.ask(*ask)
    assert desk.ask(8, 0, Standing.STRANGER) is None


@given(COUNTS, COUNTS, STANDINGS)
def test_r21_more_open_codes_never_make_room(few: OpenNow, more: OpenNow, standing: Standing) -> None:
    """Monotone in every count; and who has more to show is let in wherever who has less is."""
    larger = OpenNow(*(max(pair) for pair in zip(astuple(few), astuple(more), strict=True)))
    if full(LIMITS, larger, standing) is None:
        assert full(LIMITS, few, standing) is None
        assert full(LIMITS, larger, Standing.PROVED) is None


def test_r21_the_limit_that_is_used_up_has_its_settings_name() -> None:
    """So that the journal and an operator speak of the same thing."""
    assert full(LIMITS, OpenNow(2, 0, 0), Standing.STRANGER) is Full.SOURCE
    assert full(LIMITS, OpenNow(1, 6, 6), Standing.STRANGER) is Full.APPLICATION
    assert full(LIMITS, OpenNow(1, 5, 10), Standing.STRANGER) is Full.ALL
    assert all(hasattr(SAFE, each.value) for each in Full)


def test_r10_the_defaults_wear_nobody_out() -> None:
    """At most thirty approval pages an hour; after the fifth no, a quarter of an hour of quiet."""
    assert (prompts(SAFE).limit, denials(SAFE).limit, everybodys_denials(SAFE).limit) == (30, 5, 20)
    assert denials(SAFE).lock < denials(SAFE).window
