"""Named locations: what is wrong with a document, and which of them an address is in."""

from typing import Any

import pytest

from ostiary.core.access.conditions.locations import keys_of
from ostiary.core.access.facts import NOWHERE, TRUSTED, UNKNOWN
from ostiary.core.access.locations import COUNTRY, IP, RANGES, REMEMBERED, TYPE, Atlas, Geo, atlas, read_location
from ostiary.core.access.sides import Perhaps


def ip(*ranges: str, trusted: bool = False, **more: Any) -> dict[str, Any]:
    """An `ipNamedLocation`."""
    listed = [{"cidrAddress": one} for one in ranges]
    return {TYPE: IP, "displayName": "L", "isTrusted": trusted, "ipRanges": listed, **more}


def countries(*codes: str, **more: Any) -> dict[str, Any]:
    """A `countryNamedLocation`."""
    return {TYPE: COUNTRY, "displayName": "L", "countriesAndRegions": list(codes), **more}


def map_of(geo: Geo | None = None, **documents: dict[str, Any]) -> Atlas:
    """An atlas of these, each free of problems."""
    read = [read_location(id, document) for id, document in documents.items()]
    assert [problems for _, problems in read if problems] == []
    return atlas((location for location, _ in read), (lambda _: geo) if geo else (lambda _: Geo()))


BAD = (
    ({"displayName": "L"}, "$.['@odata.type']"),
    ({**ip("203.0.113.0/24"), "displayName": ""}, "$.displayName"),
    (ip(), "$.ipRanges"),
    (ip("203.0.113.9"), "$.ipRanges[0].cidrAddress"),
    (ip("203.0.113.0/24", "203.0.113.9/24"), "$.ipRanges[1].cidrAddress"),
    (ip("10.0.0.0/7"), "$.ipRanges[0].cidrAddress"),
    (ip("2000::/3"), "$.ipRanges[0].cidrAddress"),
    (ip(*["203.0.113.0/24"] * (RANGES + 1)), "$.ipRanges"),
    ({**ip("203.0.113.0/24"), "isTrusted": "yes"}, "$.isTrusted"),
    ({**ip("203.0.113.0/24"), "isTrusted": 1}, "$.isTrusted"),
    (countries("NO", includeUnknownCountriesAndRegions=1), "$.includeUnknownCountriesAndRegions"),
    ({**ip("203.0.113.0/24"), "countriesAndRegions": ["NO"]}, "$.countriesAndRegions"),
    (countries(), "$.countriesAndRegions"),
    (countries("no"), "$.countriesAndRegions"),
    (countries("NO", countryLookupMethod="authenticatorAppGps"), "$.countryLookupMethod"),
    (countries("NO", includeUnknownCountriesAndRegions=1.5), "$.includeUnknownCountriesAndRegions"),
    (ip("203.0.113.0/24", ostiary={"autonomousSystems": [0]}), "$.ostiary.autonomousSystems"),
    (ip("203.0.113.0/24", ostiary={"autonomousSystems": "64500"}), "$.ostiary.autonomousSystems"),
    (ip("203.0.113.0/24", ostiary={"moons": 2}), "$.ostiary.moons"),
)


@pytest.mark.parametrize(("document", "path"), BAD, ids=[f"{n}-{path}" for n, (_, path) in enumerate(BAD)])
def test_what_is_wrong_is_told_with_its_path(document: dict[str, Any], path: str) -> None:
    """A location that matches less than was meant would open what it was to close."""
    assert path in [problem.path for problem in read_location("x", document)[1]]


def test_an_address_is_in_every_range_that_holds_it() -> None:
    """Of both families, of any length, in any spelling of the address."""
    found = map_of(a=ip("203.0.113.0/24", "2001:db8::/32"), b=ip("203.0.113.8/31"), c=ip("198.51.100.0/24"))
    assert found.place("203.0.113.9").named == frozenset({"a", "b"})
    assert found.place("2001:0db8:0::1").named == frozenset({"a"})
    assert found.place("2001:0db8:0::1").address == "2001:db8::1"
    assert found.place("192.0.2.1").named == frozenset()
    assert found.place("nonsense") == NOWHERE
    assert found.place("").named is UNKNOWN


def test_countries_and_networks_come_from_the_files() -> None:
    """An address without a country belongs only where unknown countries are included."""
    here = {"nordic": countries("NO", "SE"), "rest": countries("DE", includeUnknownCountriesAndRegions=True),
            "net": ip(ostiary={"autonomousSystems": [64500]})}  # fmt: skip
    assert map_of(Geo("NO", 64500), **here).place("203.0.113.9").named == frozenset({"nordic", "net"})
    assert map_of(Geo(None, None), **here).place("203.0.113.9").named == frozenset({"rest"})
    assert map_of(Geo("US", 1), **here).place("203.0.113.9").named == frozenset()


def test_r4_without_files_only_those_that_need_them_are_unsure() -> None:
    """R4: what a range says is certain, what a country would say is not."""
    place = map_of(office=ip("203.0.113.0/24"), nordic=countries("NO")).place("203.0.113.9")
    assert (place.named, place.unsure) == (frozenset({"office"}), frozenset({"nordic"}))
    assert keys_of(place) == Perhaps(frozenset({"office"}), frozenset({"nordic"}))


def test_trusted_is_a_key_of_its_own() -> None:
    """`AllTrusted` holds where one of the locations is marked, and is unsure where only an unsure one is."""
    marked = map_of(a=ip("203.0.113.0/24", trusted=True), b=ip("198.51.100.0/24"))
    assert TRUSTED in marked.place("203.0.113.9").named  # type: ignore[operator]
    assert TRUSTED not in marked.place("198.51.100.1").named  # type: ignore[operator]
    by_network = map_of(a=ip(trusted=True, ostiary={"autonomousSystems": [64500]}))
    assert by_network.place("203.0.113.9").unsure == {"a", TRUSTED}


def test_addresses_that_were_found_are_forgotten_before_there_are_too_many() -> None:
    """A flood from many addresses fills no memory."""
    found = map_of(a=ip("203.0.113.0/24"))
    for number in range(REMEMBERED + 10):
        found.place(f"2001:db8::{number:x}")
    assert len(found._known) <= REMEMBERED
    assert found.place("203.0.113.9").named == frozenset({"a"})


def test_without_files_or_locations_a_place_is_an_address() -> None:
    """The default: nothing is known beside the address."""
    place = Atlas().place("203.0.113.9")
    assert (place.address, place.country, place.named) == ("203.0.113.9", UNKNOWN, frozenset())


def test_what_the_files_say_is_looked_at_each_time() -> None:
    """An address that was found once is found again at once, until a file is replaced."""
    said = [Geo("NO")]
    asked: list[str] = []

    def look(address: str) -> Geo:
        asked.append(address)
        return said[0]

    read = [read_location(id, countries(code))[0] for id, code in (("n", "NO"), ("s", "SE"))]
    found = atlas(read, look)
    assert found.place("203.0.113.9") is found.place("203.0.113.9")
    said[0] = Geo("SE")
    assert found.place("203.0.113.9").named == frozenset({"s"})
    assert asked == ["203.0.113.9"] * 4


def test_who_runs_a_network_is_told_of_places_with_an_address() -> None:
    """By the file of now; nobody runs the network of a place that has none."""
    found = map_of(Geo("NO", 64500, operator="Fjord Telecom"))
    assert found.operator(found.place("203.0.113.9")) == "Fjord Telecom"
    assert found.operator(found.somewhere(Geo("NO", operator="Fjord Telecom"))) == ""
    assert found.operator(found.place("nowhere")) == ""
