"""
Named locations: Graph's `namedLocation` documents, and which of them an address is in.

A location is a list of address ranges (`ipNamedLocation`), of countries (`countryNamedLocation`), or of networks by
their numbers (our `ostiary.autonomousSystems`, beside either). Country and network come from the operator's geo files;
where there is none, whether an address is in such a location is unknown (R4).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from types import MappingProxyType
from typing import Any, NamedTuple

from ostiary.core.access.facts import NOWHERE, TRUSTED, UNKNOWN, Place, Unknown
from ostiary.core.access.sides import Problem, flag, members

IP, COUNTRY = "#microsoft.graph.ipNamedLocation", "#microsoft.graph.countryNamedLocation"
RANGES, COUNTRIES, NETWORKS = 2000, 300, 500  # entries of one location
WIDEST = {4: 8, 6: 8}  # Entra: a mask larger than /8
TYPE = "@odata.type"
REMEMBERED = 4096  # addresses

_IP_FIELDS = ("isTrusted", "ipRanges")
_COUNTRY_FIELDS = ("countriesAndRegions", "countryLookupMethod", "includeUnknownCountriesAndRegions")
_COMMON = (TYPE, "id", "displayName", "createdDateTime", "modifiedDateTime", "ostiary")


@dataclass(frozen=True, slots=True)
class NamedLocation:
    """One location, read."""

    id: str
    name: str
    trusted: bool = False
    ranges: tuple[tuple[int, int, int], ...] = ()
    """(version, prefix length, network as a number without its host bits)."""
    countries: frozenset[str] = frozenset()
    nowhere_too: bool = False
    """Addresses whose country is known to be none belong to it."""
    networks: frozenset[int] = frozenset()


def read_location(id: str, document: Mapping[str, Any]) -> tuple[NamedLocation, tuple[Problem, ...]]:
    """Read *document*. Never raises; what is wrong is told with its path, all at once."""
    problems: list[Problem] = []
    kind = document.get(TYPE)
    if kind not in (IP, COUNTRY):
        problems.append(Problem(f"$.['{TYPE}']", f"must be {IP} or {COUNTRY}"))
    own = _COUNTRY_FIELDS if kind == COUNTRY else _IP_FIELDS
    given = members(dict(document), "$", (*_COMMON, *own), problems)
    name = given.get("displayName")
    if not isinstance(name, str) or not 0 < len(name) <= 256:
        problems.append(Problem("$.displayName", "must be a text of 1 to 256 characters"))
    ours = members(given.get("ostiary"), "$.ostiary", ("autonomousSystems",), problems)
    networks = _networks(ours.get("autonomousSystems"), problems)
    location = NamedLocation(id, str(name)[:256], networks=networks)
    read = _read_countries if kind == COUNTRY else _read_ranges
    return read(location, given, problems), tuple(problems)


def _read_ranges(location: NamedLocation, given: Mapping[str, Any], problems: list[Problem]) -> NamedLocation:
    trusted = flag(given.get("isTrusted"), "$.isTrusted", problems)
    listed = given.get("ipRanges")
    if listed is None:
        listed = []
    if not isinstance(listed, list) or len(listed) > RANGES:
        problems.append(Problem("$.ipRanges", f"must be a list of at most {RANGES} ranges"))
        listed = []
    ranges = tuple(
        found for number, one in enumerate(listed) if (found := _range(one, f"$.ipRanges[{number}]", problems))
    )
    if not ranges and not location.networks and not problems:
        problems.append(Problem("$.ipRanges", "must hold a range"))
    return NamedLocation(location.id, location.name, trusted, ranges, networks=location.networks)


def _range(value: Any, path: str, problems: list[Problem]) -> tuple[int, int, int] | None:
    text = members(value, path, ("cidrAddress",), problems).get("cidrAddress")
    try:
        if not isinstance(text, str) or "/" not in text or len(text) > 64:
            raise ValueError
        network = ip_network(text)
    except ValueError:
        problems.append(Problem(f"{path}.cidrAddress", "must be a network, e.g. 203.0.113.0/24, no host bits set"))
        return None
    if network.prefixlen < WIDEST[network.version]:
        problems.append(Problem(f"{path}.cidrAddress", f"must not be wider than /{WIDEST[network.version]}"))
        return None
    host = network.max_prefixlen - network.prefixlen
    return network.version, network.prefixlen, int(network.network_address) >> host


def _read_countries(location: NamedLocation, given: Mapping[str, Any], problems: list[Problem]) -> NamedLocation:
    if given.get("countryLookupMethod", "clientIpAddress") != "clientIpAddress":
        problems.append(Problem("$.countryLookupMethod", "must be clientIpAddress: nothing here asks for a position"))
    name = "includeUnknownCountriesAndRegions"
    unknown = flag(given.get(name), f"$.{name}", problems)
    listed = given.get("countriesAndRegions")
    fits = isinstance(listed, list) and 0 < len(listed) <= COUNTRIES
    if not fits or not all(_is_country(code) for code in listed or ()):
        problems.append(Problem("$.countriesAndRegions", "must be a list of ISO 3166-1 codes of two capitals"))
        listed = []
    return NamedLocation(
        location.id, location.name, countries=frozenset(listed or ()), nowhere_too=unknown,
        networks=location.networks,
    )  # fmt: skip


def _is_country(code: Any) -> bool:
    return isinstance(code, str) and len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()


def _networks(value: Any, problems: list[Problem]) -> frozenset[int]:
    if value is None:
        return frozenset()
    whole = isinstance(value, list) and len(value) <= NETWORKS and all(
        isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**32 for number in value
    )  # fmt: skip
    if not whole:
        problems.append(Problem("$.ostiary.autonomousSystems", f"must be a list of at most {NETWORKS} AS numbers"))
        return frozenset()
    return frozenset(value)


# ---- which of them an address is in


@dataclass(frozen=True, slots=True)
class Geo:
    """What the operator's files say of an address."""

    country: str | None | Unknown = UNKNOWN
    network: int | None | Unknown = UNKNOWN
    coordinates: tuple[int, int] | None | Unknown = UNKNOWN
    operator: str = field(default="", compare=False)
    """Who runs the network: for people to read, nothing is decided by it."""


NO_GEO = Geo()


def no_geo(address: str) -> Geo:
    """Where there are no files."""
    return NO_GEO


class _Known(NamedTuple):
    """What was found out about an address."""

    canonical: str
    geo: Geo
    place: Place


@dataclass(frozen=True, slots=True)
class Atlas:
    """Every named location, to be asked by address: one look-up for each length of prefix that occurs."""

    ids: frozenset[str] = frozenset()
    trusted: frozenset[str] = frozenset()
    lengths: tuple[tuple[int, int], ...] = ()
    """(version, prefix length) of all ranges."""
    ranges: Mapping[tuple[int, int, int], frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    countries: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    by_country: frozenset[str] = frozenset()
    """Locations that turn on the country."""
    nowhere_too: frozenset[str] = frozenset()
    networks: Mapping[int, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    by_network: frozenset[str] = frozenset()
    by_range: frozenset[str] = frozenset()
    look: Callable[[str], Geo] = field(default=no_geo, compare=False)
    """The geo files; as long as they say the same of an address, they give the same value."""
    _known: dict[str, _Known] = field(default_factory=dict, init=False, compare=False, repr=False)

    def place(self, address: str) -> Place:
        """Where *address* is; one that cannot be read, or is not known, is nowhere that anybody knows."""
        known = self._known.get(address)
        if known is not None and self.look(known.canonical) is known.geo:  # the files say the same as then
            return known.place
        try:
            numeric = ip_address(address)
        except ValueError:
            return NOWHERE
        canonical = str(numeric)
        geo = self.look(canonical)
        place = self._place(canonical, geo, self._ranges(numeric), frozenset())
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[address] = _Known(canonical, geo, place)
        return place

    def operator(self, place: Place) -> str:
        """Who runs the network of *place*, as the geo file calls them; empty: not known."""
        return self.look(place.address).operator if isinstance(place.address, str) else ""

    def somewhere(self, geo: Geo) -> Place:
        """A place of which only that is known: whether it is in a range is not."""
        return self._place(UNKNOWN, geo, frozenset(), self.by_range)

    def _place(self, address: str | Unknown, geo: Geo, sure: frozenset[str], unsure: frozenset[str]) -> Place:
        sure |= self._at(geo)
        unsure |= self.by_country if isinstance(geo.country, Unknown) else frozenset()
        unsure |= self.by_network if isinstance(geo.network, Unknown) else frozenset()
        unsure -= sure
        if sure & self.trusted:
            sure |= {TRUSTED}
        elif unsure & self.trusted:
            unsure |= {TRUSTED}
        return Place(address, geo.country, geo.network, geo.coordinates, sure, unsure)

    def _ranges(self, numeric: IPv4Address | IPv6Address) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        number, version, bits = int(numeric), numeric.version, numeric.max_prefixlen
        for family, length in self.lengths:
            if family == version:
                found |= self.ranges.get((version, length, number >> (bits - length)), frozenset())
        return found

    def _at(self, geo: Geo) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        if geo.country is None:
            found |= self.nowhere_too
        elif not isinstance(geo.country, Unknown):
            found |= self.countries.get(geo.country, frozenset())
        if isinstance(geo.network, int):
            found |= self.networks.get(geo.network, frozenset())
        return found


def atlas(locations: Iterable[NamedLocation], look: Callable[[str], Geo] = no_geo) -> Atlas:
    """Index *locations*."""
    every = tuple(locations)
    ranges = _index((key, one.id) for one in every for key in one.ranges)
    return Atlas(
        ids=frozenset(one.id for one in every),
        trusted=frozenset(one.id for one in every if one.trusted),
        lengths=tuple(sorted({(version, length) for version, length, _ in ranges})),
        ranges=MappingProxyType(ranges),
        countries=MappingProxyType(_index((code, one.id) for one in every for code in one.countries)),
        by_country=frozenset(one.id for one in every if one.countries),
        nowhere_too=frozenset(one.id for one in every if one.nowhere_too),
        networks=MappingProxyType(_index((number, one.id) for one in every for number in one.networks)),
        by_network=frozenset(one.id for one in every if one.networks),
        by_range=frozenset(one.id for one in every if one.ranges),
        look=look,
    )


def _index(pairs: Iterable[tuple[Any, str]]) -> dict[Any, frozenset[str]]:
    index: dict[Any, frozenset[str]] = {}
    for key, id in pairs:
        index[key] = index.get(key, frozenset()) | {id}
    return index
