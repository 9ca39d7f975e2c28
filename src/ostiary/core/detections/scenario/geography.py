"""
Where made-up addresses are. All are private ones (RFC 1918), so that no real network is accused.

The second number of an address names its network, the third moves it by up to some 130 km.
"""

from typing import NamedTuple

from ostiary.core.access.facts import UNKNOWN, Place
from ostiary.core.detections.event import Where

__all__ = [
    "ABROAD",
    "ATTACKERS",
    "CARRIERS",
    "COMPANY",
    "HOMES",
    "HOME_COUNTRIES",
    "HOSTS",
    "OWN_CLOUDS",
    "Network",
    "where",
]  # fmt: skip


class Network(NamedTuple):
    """One autonomous system, in one place."""

    octet: int
    operator: str
    country: str
    spot: tuple[int, int]
    """Latitude and longitude in 1/10,000 degree."""

    @property
    def number(self) -> int:
        """Of a range that is kept for private use (RFC 6996)."""
        return 64_512 + self.octet

    def address(self, third: int, fourth: int) -> str:
        """One of its addresses."""
        return f"10.{self.octet}.{third % 256}.{1 + fourth % 254}"


_SPOTS = {
    "NO": (599_000, 107_000), "SE": (593_000, 181_000), "DE": (525_000, 134_000), "GB": (515_000, -1_000),
    "PL": (522_000, 210_000), "US": (407_000, -740_000), "IN": (129_000, 776_000), "SG": (13_000, 1_038_000),
    "FR": (488_000, 23_000), "NL": (523_000, 49_000), "IE": (533_000, -62_000), "RO": (444_000, 261_000),
    "BR": (-235_000, -466_000), "NG": (65_000, 33_000), "UA": (504_000, 305_000), "VN": (210_000, 1_058_000),
}  # fmt: skip
HOME_COUNTRIES = ("NO", "SE", "DE", "GB", "PL")
"""Where the people live."""
ABROAD = ("US", "IN", "SG", "FR", "NL", "GB", "DE")
"""Where they travel."""

COMPANY = Network(1, "Example Company", "NO", _SPOTS["NO"])
"""Its offices, its VPN and its own data centre."""
HOMES: dict[str, tuple[Network, ...]] = {
    country: tuple(
        Network(10 + 4 * place + nth, f"{name} Broadband {country}", country, spot)
        for nth, name in enumerate(("North", "South", "City"))
    )
    for place, (country, spot) in enumerate(_SPOTS.items())
}
CARRIERS: dict[str, Network] = {
    country: Network(13 + 4 * place, f"Mobile {country}", country, spot)
    for place, (country, spot) in enumerate(_SPOTS.items())
}
OWN_CLOUDS = (
    Network(200, "Grand Cloud", "IE", _SPOTS["IE"]),
    Network(201, "Grand Cloud", "DE", _SPOTS["DE"]),
    Network(202, "Second Cloud Platform", "NL", _SPOTS["NL"]),
)
"""Which the organisation uses; so may anybody else."""
HOSTS = (
    Network(210, "Cheap VPS", "NL", _SPOTS["NL"]), Network(211, "Rail Cloud Platform", "US", _SPOTS["US"]),
    Network(212, "Quiet Servers", "RO", _SPOTS["RO"]), Network(213, "Fast Hosting", "NO", _SPOTS["NO"]),
)  # fmt: skip
"""Which it does not use, until somebody does."""
ATTACKERS = ("BR", "NG", "UA", "VN", "RO")
"""Where attackers' own lines are in these stories; no more than names of places far away."""

_BY_OCTET = {
    network.octet: network
    for network in (
        COMPANY, *OWN_CLOUDS, *HOSTS, *CARRIERS.values(), *(each for homes in HOMES.values() for each in homes),
    )
}  # fmt: skip


def where(address: str) -> Where:
    """What geo files of good quality would say of *address*."""
    numbers = address.split(".")
    network = _BY_OCTET.get(int(numbers[1])) if len(numbers) == 4 and numbers[0] == "10" else None
    if network is None:
        return Where(Place(address or UNKNOWN))
    third = int(numbers[2])
    latitude, longitude = network.spot
    spot = (latitude + (third % 7 - 3) * 3_000, longitude + (third % 5 - 2) * 3_000)
    return Where(Place(address, network.country, network.number, spot, frozenset()), network.operator)
