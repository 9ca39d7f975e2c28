"""What is odd about a sign-in, and what a requester says of itself."""

from dataclasses import replace

import pytest

from ostiary.core.access.facts import Place
from ostiary.core.access.places import FAR, distance, network
from ostiary.core.signins.declared import NOTHING, Declared, declared
from ostiary.core.signins.oddities import AT_ONCE, Before, Odd, Seen, oddities
from ostiary.core.words.instants import Span, minutes, seconds

OSLO = Place("198.51.100.7", "NO", 64500, (599139, 107522))
BERGEN = Place("198.51.100.99", "NO", 64500, (603913, 53221))
AMSTERDAM = Place("203.0.113.9", "NL", 64501, (523676, 49041))
KNOWN = Before(application=True, machine=True, countries=frozenset({"NO", "NL"}))


def tags(seen: Seen) -> list[Odd]:
    """Of what is found."""
    return [oddity.tag for oddity in oddities(seen)]


def test_a_machine_beside_its_person_that_is_known_is_not_odd() -> None:
    """Nothing to say is the usual case, so that what is said is read."""
    assert tags(Seen(OSLO, OSLO, "Example Broadband", minutes(1), KNOWN)) == []
    assert tags(Seen(OSLO, BERGEN, "Example Broadband", minutes(1), KNOWN)) == []


def test_what_is_not_known_is_not_odd() -> None:
    """R4 is about decisions; a page that warned of every address without a geo file would not be read."""
    nowhere = Place("203.0.113.9")
    assert tags(Seen(OSLO, nowhere, "", seconds(1), KNOWN)) == []
    assert tags(Seen(Place(), nowhere, "", seconds(1), KNOWN)) == []
    assert (distance(OSLO, nowhere), network(nowhere, "")) == ("", "")


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (replace(OSLO, address="203.0.113.9", country="NL"), Odd.OTHER_COUNTRY),
        (replace(OSLO, address="203.0.113.9", network=64501), Odd.OTHER_NETWORK),
        (replace(OSLO, address="203.0.113.9", coordinates=(523676, 49041)), Odd.FAR_AWAY),
    ],
)
def test_each_difference_of_place_is_told_by_itself(machine: Place, expected: Odd) -> None:
    """M1: country, network and distance, each from its own fact."""
    assert tags(Seen(OSLO, machine, "", minutes(1), KNOWN)) == [expected]


@pytest.mark.parametrize("operator", ["Example Hosting Ltd", "EXAMPLE CLOUD", "Dedicated Servers BV", "Examplo VPS"])
def test_a_network_that_rents_out_machines_is_told_by_its_name(operator: str) -> None:
    """Kits run on rented machines; the name is all that an ASN file says."""
    near = replace(OSLO, address="198.51.100.8")
    (found,) = oddities(Seen(OSLO, near, operator, minutes(1), KNOWN))
    assert found.tag is Odd.HOSTING
    assert operator in found.text


def test_a_code_that_was_made_far_away_for_this_very_moment_comes_first() -> None:
    """Click-time code generation: made in another country and typed within seconds."""
    found = tags(Seen(OSLO, AMSTERDAM, "", AT_ONCE, KNOWN))
    assert found == [Odd.TYPED_AT_ONCE, Odd.OTHER_COUNTRY, Odd.FAR_AWAY, Odd.OTHER_NETWORK]
    assert Odd.TYPED_AT_ONCE not in tags(Seen(OSLO, AMSTERDAM, "", Span(AT_ONCE + 1), KNOWN))
    assert Odd.TYPED_AT_ONCE not in tags(Seen(OSLO, BERGEN, "", Span(0), KNOWN))


def test_firsts_are_told_apart() -> None:
    """First time for this application, this machine, this country."""
    assert tags(Seen(OSLO, OSLO)) == [Odd.FIRST_APPLICATION, Odd.FIRST_MACHINE]
    assert tags(Seen(OSLO, OSLO, before=replace(KNOWN, machine=False))) == [Odd.FIRST_MACHINE]
    assert tags(Seen(OSLO, OSLO, before=replace(KNOWN, countries=frozenset({"SE"})))) == [Odd.FIRST_COUNTRY]
    assert tags(Seen(OSLO, OSLO, before=replace(KNOWN, countries=frozenset()))) == []


def test_distances_are_as_rough_as_addresses_are() -> None:
    """A figure to the kilometre would say more than anybody knows."""
    assert distance(OSLO, BERGEN) == "about 310 km"
    assert distance(OSLO, replace(AMSTERDAM, coordinates=(-338688, 1512093))) == "about 16,000 km"
    assert distance(OSLO, replace(OSLO, address="198.51.100.8")) == "less than 50 km"
    assert distance(Place("203.0.113.9"), Place("203.0.113.9")) == "at your own address"
    assert network(AMSTERDAM, "Example") == "AS64501 Example"
    assert FAR > 310


def test_tags_are_never_reused() -> None:
    """The journal keeps them."""
    assert {odd.value for odd in Odd} >= {
        "typed-at-once", "other-country", "far-away", "hosting-network", "other-network", "first-country",
        "first-application", "first-machine", "same-device",
    }  # fmt: skip


def test_what_a_requester_says_is_tamed() -> None:
    """No line breaks, no turned text, no heaps of marks, no end: it stands on a page that must stay readable."""
    said = declared(machine="build-7\n\u202egnp.exe" + " " * 900, reason="e" + "\u0301" * 50 + "x" * 900)
    assert said.machine == "build-7 gnp.exe"
    assert said.reason.startswith("\u00e9\u0301x") or said.reason.startswith("\u00e9x")
    assert len(said.reason) == 200
    assert len(declared(machine="m" * 5000, reason="").machine) == 64


def test_what_was_said_is_kept_and_read_back() -> None:
    """And nothing said costs nothing."""
    said = declared(machine="büro-7", reason='install "it"')
    assert Declared.of(said.kept()) == said
    assert (NOTHING.kept(), Declared.of("")) == ("", NOTHING)
