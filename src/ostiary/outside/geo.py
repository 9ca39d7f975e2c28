"""
Geo files: what the operator's MaxMind DB files say of an address. Owns opening them, looking up, and noticing that one
was replaced; decides nothing.

A kind of answer for which there is no file, or whose file cannot be read, is unknown (R4); an address that a file does
not hold is known to be nowhere.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import maxminddb

from ostiary.core.access.facts import UNKNOWN, Unknown
from ostiary.core.access.locations import NO_GEO, Geo
from ostiary.core.signins.declared import plain

__all__ = ["NO_FILES", "GeoFiles", "GeoPaths"]

REMEMBERED = 4096  # addresses
TEN_THOUSAND = 10_000
LONGEST_NAME = 64  # characters


@dataclass(frozen=True, slots=True)
class GeoPaths:
    """Which file answers what."""

    country: Path | None = None
    """A country or city database."""
    network: Path | None = None
    """An ASN database."""
    city: Path | None = None
    """A city database: coordinates, and the country where there is no country database."""


class _File:
    """One database, opened anew when another file stands at its path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader: Any = None
        self._seen: tuple[int, int, int] | None = None
        self.trouble = ""

    def moved(self) -> bool:
        """Whether another file stands there than at the last look; then it is opened."""
        try:
            status = os.stat(self.path)
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        except OSError as wrong:
            return self._fail(wrong)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            reader = maxminddb.open_database(self.path, maxminddb.MODE_MEMORY)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as wrong:
            self._drop()
            self.trouble = f"{type(wrong).__name__}: not a MaxMind DB file"
            return True
        self._drop()
        self._reader, self.trouble = reader, ""
        return True

    def _fail(self, wrong: OSError) -> bool:
        had, self._seen = self._seen is not None, None
        self.trouble = wrong.strerror or "not readable"
        self._drop()
        return had

    def _drop(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def get(self, address: str) -> Any:
        """The record; None when the file holds none, `UNKNOWN` when nobody can tell."""
        if self._reader is None:
            return UNKNOWN
        try:
            return self._reader.get(address)
        except ValueError as wrong:  # an IPv4 database holds no IPv6 address; anything else is a broken file
            return UNKNOWN if isinstance(wrong, maxminddb.InvalidDatabaseError) or ":" in address else None


class GeoFiles:
    """The files of one deployment; called with an address in canonical text."""

    def __init__(self, paths: GeoPaths = GeoPaths()) -> None:
        """Open nothing yet: a file that comes later is found."""
        named = (("country", paths.country), ("network", paths.network), ("city", paths.city))
        self._files = {name: _File(path) for name, path in named if path is not None}
        self._known: dict[str, Geo] = {}

    def __call__(self, address: str) -> Geo:
        """What the files say of *address*. Raises nothing."""
        if not self._files:
            return NO_GEO
        moved = [file.moved() for file in self._files.values()]  # each is looked at
        if True in moved or len(self._known) >= REMEMBERED:
            self._known.clear()
        found = self._known.get(address)
        if found is None:
            found = self._known[address] = self._look(address)
        return found

    @property
    def troubles(self) -> tuple[str, ...]:
        """Every file that cannot be read, and why; for `doctor`."""
        for file in self._files.values():
            file.moved()
        return tuple(f"{file.path}: {file.trouble}" for file in self._files.values() if file.trouble)

    def _look(self, address: str) -> Geo:
        city = self._record("city", address)
        country = self._record("country", address) if "country" in self._files else city
        network = self._record("network", address)
        return Geo(_country(country), _network(network), _coordinates(city), _operator(network))

    def _record(self, name: str, address: str) -> Any:
        file = self._files.get(name)
        return UNKNOWN if file is None else file.get(address)


NO_FILES = GeoFiles()


def _part(record: Any, *names: str) -> Any:
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _country(record: Any) -> str | None | Unknown:
    if isinstance(record, Unknown):
        return UNKNOWN
    code = _part(record, "country", "iso_code")
    return code if isinstance(code, str) and len(code) == 2 else None


def _network(record: Any) -> int | None | Unknown:
    if isinstance(record, Unknown):
        return UNKNOWN
    number = _part(record, "autonomous_system_number")
    return number if isinstance(number, int) else None


def _operator(record: Any) -> str:
    name = _part(record, "autonomous_system_organization")
    return plain(name, LONGEST_NAME) if isinstance(name, str) else ""


def _coordinates(record: Any) -> tuple[int, int] | None | Unknown:
    if isinstance(record, Unknown):
        return UNKNOWN
    north, east = _part(record, "location", "latitude"), _part(record, "location", "longitude")
    if not isinstance(north, int | float) or not isinstance(east, int | float):
        return None
    return round(north * TEN_THOUSAND), round(east * TEN_THOUSAND)
