"""
Where the service may go when it asks somebody else (R24): addresses of the public network, and what an operator lists.

Owns the judgement about an address and the reading of an operator's list; resolving and connecting is
`outside/outgoing`'s work. An address inside a network (RFC 6890 and its registries) is never asked because a name said
so: whoever may type an address into a webhook must not reach what only we can reach.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

__all__ = ["LONGEST_URL", "PUBLIC", "Address", "Destinations", "Place", "literal", "place_of", "read_destinations"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL = 2048  # characters
_PORTS = {"https": 443, "http": 80}

# Where clouds keep what a machine is and may do. Some have public addresses, so no rule about private ones finds them.
_METADATA: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "169.254.0.0/16",  # AWS, Azure, Google, Oracle, OpenStack
        "fe80::/10",
        "168.63.129.16/32",  # Azure's own services, at an address that looks public
        "100.100.100.200/32",  # Alibaba
        "192.0.0.192/32",  # Oracle
        "fd00:ec2::254/128",  # AWS
        "fd20:ce::254/128",  # Google
    )
)
# Beside what `is_global` knows: it grew with Python's releases, so what must not be missed stands here as well.
_SPECIAL: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # shared by customers of one carrier (RFC 6598)
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "198.18.0.0/15",
        "::/96",  # IPv4-compatible, deprecated (RFC 4291 §2.5.5.1)
        "64:ff9b:1::/48",  # NAT64 inside a network (RFC 8215): which IPv4 address it means only that network knows
        "100::/64",
        "2001::/23",  # Teredo and its neighbours
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fec0::/10",
    )
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052 §2.1: the last 32 bits are an IPv4 address, which a translator connects to."""
_6TO4 = IPv6Network("2002::/16")
"""RFC 3056 §2: the 32 bits after the prefix are one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whom a URL names: *host* in lower case, without brackets and without a dot at its end."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Destinations:
    """
    What an operator listed, beside the public network.

    A host that is listed may be at an address inside, but never at one of link-local kind or where a cloud keeps its
    metadata: such an address is admitted by a listed network only, since a name can be made to point anywhere.
    """

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    """Host and port; no port admits every one."""
    plain: frozenset[tuple[str, int | None]] = frozenset()
    """Where plain HTTP may be spoken."""
    networks: tuple[Network, ...] = ()

    def listed(self, place: Place) -> bool:
        """Whether the operator named this very host."""
        return _holds(self.hosts, place)

    def may_speak(self, place: Place) -> bool:
        """Whether the scheme is admitted: https, and http where it is listed."""
        return place.scheme == "https" or (place.scheme == "http" and _holds(self.plain, place))

    def bars(self, place: Place) -> bool:
        """Whether *place* may never be asked, as far as its scheme and an address in place of a name tell."""
        address = literal(place.host)
        return not self.may_speak(place) or (address is not None and not self.admits(place, address))

    def admits(self, place: Place, address: Address) -> bool:
        """Whether *place* may be asked at *address*, which its name led to or which it is."""
        means = _meant(address)
        if _within(means, self.networks):
            return True
        if _within(means, _METADATA):
            return False
        return self.listed(place) or (means.is_global and not means.is_multicast and not _within(means, _SPECIAL))


PUBLIC = Destinations()
"""Nothing is listed."""


def place_of(url: str) -> Place | None:
    """
    Whom *url* names; None where it is not an absolute http(s) URL, holds a user name or password, has a scoped IPv6
    address or a number that some read as an IPv4 address, or is longer than 2,048 characters.
    """
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not host or "@" in parts.netloc or "%" in host or _odd_address(host):
        return None
    return Place(scheme, host.rstrip("."), _PORTS[scheme] if port is None else port)


def literal(host: str) -> Address | None:
    """The address that *host* is, where it is one in its usual form."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _odd_address(host: str) -> bool:
    """
    Whether *host* is no name but a number in one of the forms of inet_aton (``127.1``, ``2130706433``, ``0x7f.1``,
    ``010.0.0.1``): no name ends so (https://url.spec.whatwg.org/#ends-in-a-number-checker), and who resolves it for us
    (a proxy) would connect to an address that nobody judged.
    """
    return literal(host) is None and _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None


def read_destinations(entries: Iterable[str]) -> Destinations:
    """
    An operator's list: networks (``10.1.0.0/16``), hosts (``tickets.example.com``, ``tickets.example.com:8443``,
    ``[fd00::1]:443``), and hosts that may be asked in plain HTTP (``http://tickets.example.com:8080``). Raises
    ValueError with the entry that is none.
    """
    hosts: set[tuple[str, int | None]] = set()
    plain: set[tuple[str, int | None]] = set()
    networks: list[Network] = []
    for entry in entries:
        if "/" in entry and "://" not in entry:
            networks.append(ip_network(entry))
            continue
        scheme, _, rest = entry.rpartition("://")
        parts = urlsplit(f"//{rest}")
        wrong = scheme not in ("", "http") or parts.netloc != rest or "@" in rest or "*" in rest
        if wrong or not parts.hostname or not rest.isascii():
            raise ValueError(f"{entry[:100]!r} is neither a host, http://host[:port] nor a network")
        named = (parts.hostname.rstrip("."), parts.port)
        hosts.add(named)
        if scheme:
            plain.add(named)
    return Destinations(frozenset(hosts), frozenset(plain), tuple(networks))


def _holds(listed: frozenset[tuple[str, int | None]], place: Place) -> bool:
    return (place.host, place.port) in listed or (place.host, None) in listed


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _meant(address: Address) -> Address:
    """The IPv4 address where *address* is one in the dress of IPv6: that is who would be asked."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _6TO4:
        return IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
    return address
