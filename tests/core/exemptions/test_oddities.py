"""What is odd about a request for an exemption, from its facts alone, and what is said to be unknown."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.access.facts import Place
from ostiary.core.exemptions.exemption import Limits
from ostiary.core.exemptions.hours import Hours
from ostiary.core.exemptions.oddities import (
    ENOUGH,
    FRESH,
    MANY,
    REMEMBERED,
    History,
    Machine,
    Odd,
    Seen,
    oddities,
    unknown,
)
from ostiary.core.exemptions.request import Act, Request, Ticket
from ostiary.core.exemptions.rules import Rules
from ostiary.core.words.ids import AppId, ExemptionId, GroupId, UserId
from ostiary.core.words.instants import Instant, Span, after, days, from_iso, hours, in_words, minutes

NOW = from_iso("2026-11-23T10:00:00Z")
APP, OTHER = AppId("app"), AppId("other")
OSLO = Place("198.51.100.7", "NO", 64500, (599139, 107522))
AMSTERDAM = Place("203.0.113.9", "NL", 64501, (523676, 49041))
REQUEST = Request(
    ExemptionId("r1"), Act.ACTIVATE, UserId("alice"), GroupId("g"), "user:alice", "fix INC-4412", hours(1), NOW,
    after(NOW, hours(24)), Limits(application=APP), address="198.51.100.7",
)  # fmt: skip
USUAL = tuple(after(NOW, Span(-days(back))) for back in range(2, 2 + ENOUGH))
KNOWN = History(
    asked=7, longest=hours(2), applications=frozenset({APP}), used=after(NOW, Span(-days(3))), moments=USUAL,
    places=(OSLO, AMSTERDAM),
)  # fmt: skip
CALM = Seen(REQUEST, Rules(), OSLO, "Example Broadband", eligible=after(NOW, Span(-days(40))), history=KNOWN)


def tags(seen: Seen) -> list[Odd]:
    """Of what is found."""
    return [oddity.tag for oddity in oddities(seen)]


def before(**changes: Any) -> Seen:
    """The calm request of somebody with another past."""
    return replace(CALM, history=replace(KNOWN, **changes))


def this(**changes: Any) -> Seen:
    """Another request of the same person."""
    return replace(CALM, request=replace(REQUEST, **changes))


def test_the_usual_request_of_a_known_person_is_not_odd() -> None:
    """Nothing to say is the usual case, so that what is said is read."""
    assert oddities(CALM) == ()
    assert unknown(CALM) == ()


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (replace(CALM, maker="bea@example.com"), Odd.MADE_BY_ANOTHER),
        (replace(CALM, machine=Machine(replace(AMSTERDAM, coordinates=None))), Odd.OTHER_COUNTRY),
        (replace(CALM, machine=Machine(Place("x", "NO", 1, (200000, 107522)))), Odd.FAR_AWAY),
        (replace(CALM, machine=Machine(OSLO, "Example Cloud")), Odd.MACHINE_HOSTING),
        (before(places=(replace(OSLO, country="SE"),)), Odd.FIRST_COUNTRY),
        (replace(CALM, operator="Example Hosting Ltd"), Odd.HOSTING),
        (before(places=(replace(OSLO, network=64999),)), Odd.FIRST_NETWORK),
        (this(created=after(NOW, hours(12))), Odd.NIGHT),
        (this(created=after(NOW, hours(4))), Odd.UNUSUAL_HOURS),
        (before(denied=after(NOW, Span(-days(2)))), Odd.DENIED_BEFORE),
        (before(lately=MANY - 1), Odd.MANY_LATELY),
        (replace(CALM, eligible=after(NOW, Span(-FRESH + 1))), Odd.FRESH_ELIGIBILITY),
        (before(asked=0), Odd.FIRST_REQUEST),
        (before(used=None), Odd.NEVER_USED),
        (this(length=hours(2)), Odd.LONGER),
        (this(limits=Limits(application=OTHER)), Odd.FIRST_APPLICATION),
        (this(ticket=Ticket("INC-1")), Odd.UNCHECKED_TICKET),
    ],
    ids=lambda value: value.value if isinstance(value, Odd) else "",
)
def test_each_odd_thing_comes_of_its_own_fact(seen: Seen, expected: Odd) -> None:
    """One fact that differs, one sentence more; those that follow from each other may come along."""
    found = tags(seen)
    assert expected in found
    assert set(found) - {expected} <= {Odd.UNUSUAL_HOURS}


def test_every_tag_is_told_by_some_example() -> None:
    """A new oddity gets its example above."""
    examples = test_each_odd_thing_comes_of_its_own_fact.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {expected for _, expected in examples} == set(Odd)


@pytest.mark.parametrize(
    "seen",
    [
        before(denied=after(NOW, Span(-REMEMBERED - 1))),
        before(lately=MANY - 2),
        replace(CALM, eligible=after(NOW, Span(-FRESH))),
        replace(CALM, eligible=None),
        this(ticket=Ticket("INC-1", checked=True)),
        this(limits=Limits()),
        replace(this(length=hours(2)), rules=Rules(usual=hours(2))),
        replace(CALM, machine=Machine(replace(OSLO, address="198.51.100.99"))),
        this(created=after(NOW, hours(2))),
    ],
)
def test_the_other_side_of_each_line_is_calm(seen: Seen) -> None:
    """As far as the line, and not a microsecond further."""
    assert tags(seen) == []


def test_the_worst_comes_first() -> None:
    """Whoever reads only the first line reads the right one."""
    seen = replace(
        this(length=hours(4), ticket=Ticket("INC-1")), maker="bea@example.com", machine=Machine(AMSTERDAM, "A Cloud"),
        history=History(), eligible=NOW,
    )  # fmt: skip
    assert tags(seen) == [
        Odd.MADE_BY_ANOTHER, Odd.OTHER_COUNTRY, Odd.FAR_AWAY, Odd.MACHINE_HOSTING, Odd.FRESH_ELIGIBILITY,
        Odd.FIRST_REQUEST, Odd.LONGER, Odd.UNCHECKED_TICKET,
    ]  # fmt: skip


def test_what_nobody_knows_is_said_and_is_not_odd() -> None:
    """Without geo files and without a past: no warning, and every gap by name."""
    seen = replace(CALM, place=Place("203.0.113.9"), operator="", history=replace(KNOWN, moments=USUAL[1:], places=()))
    assert tags(seen) == []
    assert len(unknown(seen)) == 5
    assert unknown(replace(seen, place=Place()))[0] == "from which address it was asked"


def test_an_address_stands_for_its_network_where_no_file_names_that() -> None:
    """Less is known, so the sentence says less."""
    elsewhere = replace(CALM, place=Place("203.0.113.77"))
    assert tags(elsewhere) == [Odd.FIRST_NETWORK]
    assert "from an address" in oddities(elsewhere)[0].text
    assert tags(replace(CALM, place=Place("203.0.113.9"))) == []


@pytest.mark.parametrize(
    ("rules", "place", "night"),
    [
        (Rules(), OSLO, False),
        (Rules(), replace(OSLO, coordinates=(350000, 1390000)), False),  # 19:16 by the sun
        (Rules(), replace(OSLO, coordinates=(-360000, 1740000)), False),  # 21:36
        (Rules(), replace(OSLO, coordinates=(0, -1200000)), True),  # 02:00
        (Rules(), replace(OSLO, coordinates=None), False),
        (Rules(allowed=Hours("America/Los_Angeles", ())), OSLO, True),
        (Rules(allowed=Hours("Nowhere/Land", ())), replace(OSLO, coordinates=(0, -1200000)), False),
    ],
)
def test_night_is_told_by_the_rules_zone_or_by_the_sun(rules: Rules, place: Place, night: bool) -> None:
    """A zone that the rules name holds for the house; without one, four minutes a degree; else nobody knows."""
    seen = replace(CALM, rules=rules, place=place)
    assert (Odd.NIGHT in tags(seen)) is night


@given(st.integers(-40, 40), st.integers(0, 24 * 60))
def test_usual_hours_are_hours_of_the_day_whatever_the_day(back: int, minute: int) -> None:
    """A moment is usual when it lies within two hours of a known one on the clock, across midnight too."""
    asked = after(Instant(NOW - NOW % days(1)), Span(days(back + 100) + minutes(minute)))
    gap = abs(minute % 1440 - 600)
    assert (Odd.UNUSUAL_HOURS in tags(this(created=asked))) is (min(gap, 1440 - gap) > 120)


def test_lengths_are_said_as_people_say_them() -> None:
    """Two units at most, the rest is cut."""
    spans = (Span(0), minutes(45), hours(1), hours(1.5), hours(24), days(3.9))
    said = ["less than a minute", "45 min", "1 h", "1 h 30 min", "1 day", "3 days"]
    assert [in_words(span) for span in spans] == said
