"""Look-ups in MaxMind DB files: what they say, what is unknown, and a file that is replaced."""

from pathlib import Path

from ostiary.core.access.facts import UNKNOWN
from ostiary.core.access.locations import Geo
from ostiary.outside.geo import GeoFiles, GeoPaths
from tests import mmdb

NORWAY = {"country": {"iso_code": "NO"}, "location": {"latitude": 59.9139, "longitude": 10.7522}}
HERE, THERE = "203.0.113.9", "2001:db8::7"


def test_without_files_everything_is_unknown() -> None:
    """R4: absent is unknown, not nowhere."""
    assert GeoFiles()(HERE) == Geo(UNKNOWN, UNKNOWN, UNKNOWN)


def test_each_file_answers_what_it_is_for(tmp_path: Path) -> None:
    """Country, network and coordinates come from their own files, for both families of addresses."""
    mmdb.write(tmp_path / "city", {"203.0.113.0/24": NORWAY, "2001:db8::/32": NORWAY})
    network = {"autonomous_system_number": 64500, "autonomous_system_organization": "Ex\nA"}
    mmdb.write(tmp_path / "asn", {"203.0.113.0/24": network})
    files = GeoFiles(GeoPaths(network=tmp_path / "asn", city=tmp_path / "city"))
    assert files(HERE) == Geo("NO", 64500, (599139, 107522))
    assert files(THERE) == Geo("NO", None, (599139, 107522))
    assert files("192.0.2.1") == Geo(None, None, None)
    assert (files(HERE).operator, files(THERE).operator) == ("Ex A", "")
    only = GeoFiles(GeoPaths(country=tmp_path / "city"))
    assert only(HERE) == Geo("NO", UNKNOWN, UNKNOWN)


def test_a_country_file_goes_before_the_city_file(tmp_path: Path) -> None:
    """Who names a country file means it."""
    mmdb.write(tmp_path / "country", {"203.0.113.0/24": {"country": {"iso_code": "SE"}}})
    mmdb.write(tmp_path / "city", {"203.0.113.0/24": NORWAY})
    assert GeoFiles(GeoPaths(country=tmp_path / "country", city=tmp_path / "city"))(HERE).country == "SE"


def test_a_file_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    """Also one that was missing or broken before, and one that goes away: then nobody knows again."""
    path = tmp_path / "country"
    files = GeoFiles(GeoPaths(country=path))
    assert files(HERE).country is UNKNOWN
    assert files.troubles
    path.write_bytes(b"not a database")
    assert files(HERE).country is UNKNOWN
    mmdb.write(path, {"203.0.113.0/24": {"country": {"iso_code": "NO"}}})
    assert files(HERE).country == "NO"
    assert files.troubles == ()
    mmdb.write(path, {"203.0.113.0/25": {"country": {"iso_code": "DK"}}})
    assert files(HERE).country == "DK"
    path.unlink()
    assert files(HERE).country is UNKNOWN


def test_records_that_say_nothing_useful_are_nowhere(tmp_path: Path) -> None:
    """A record without the part, or with another type in it, is known to tell nothing."""
    mmdb.write(tmp_path / "db", {"203.0.113.0/24": {"country": "NO", "location": {"latitude": "north"}}})
    files = GeoFiles(GeoPaths(network=tmp_path / "db", city=tmp_path / "db"))
    assert files(HERE) == Geo(None, None, None)
