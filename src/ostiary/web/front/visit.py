"""
Where a request came from, and under which reference it is answered (R13).

The address is the TCP peer's. Only the one configured proxy may say otherwise, in the one configured header, counted
from the right: whatever a client wrote there itself stands further left and is never read.
"""

import re
from collections.abc import MutableMapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

from ostiary.core.words.digests import digest, same
from ostiary.core.words.visit import Visit
from ostiary.services.house import House, Proxy

__all__ = ["LOCAL", "PROXY", "Scope", "headers", "trusted", "visit"]

Scope = MutableMapping[str, Any]

AGENT = 512  # characters of User-Agent that are kept
LOCAL = "ostiary.local"
"""Where the server marks a connection of the local door with the user at its other end (R2): never a proxy."""
PROXY = "ostiary.proxy"
"""
Where the server marks a connection of the proxy's own socket (R13). That a connection shows no address proves nothing:
a TCP peer that is gone shows none either.
"""
KEPT = "ostiary.visit"
"""Where a request's visit stands in its scope, so that access log, fault and door speak of the same one."""
_CORRELATION = re.compile(rb"[0-9A-Za-z-]{1,64}")


def visit(scope: Scope, house: House) -> Visit:
    """The visit of a request, made once; its caller is nobody yet."""
    made: Visit | None = scope.get(KEPT)
    if made is None:
        id, asked, agent = house.random.guid(), b"", b""
        for name, value in scope["headers"]:
            if name == b"user-agent":
                agent = agent or value
            elif name == b"client-request-id":
                asked = asked or value
        made = Visit(
            now=house.clock.now(),
            id=id,
            correlation=asked.decode() if asked and _CORRELATION.fullmatch(asked) else id,
            address=_address(scope, house.settings.proxy),
            agent=agent.decode("utf-8", "replace")[:AGENT] if agent else "",
        )
        scope[KEPT] = made
    return made


def headers(scope: Scope, name: bytes) -> list[bytes]:
    """Every value of the header *name* (lower case), in order."""
    return [value for key, value in scope["headers"] if key == name]


def trusted(scope: Scope, proxy: Proxy | None) -> bool:
    """Whether the other end of the connection is the configured proxy, proven by its socket or its secret."""
    marks = scope.get("extensions") or {}
    if proxy is None or LOCAL in marks:
        return False
    if PROXY in marks:
        return proxy.unix
    peer = scope.get("client")
    if not peer or not peer[0] or not proxy.secret_header or not proxy.secret or not _inside(peer[0], proxy):
        return False
    shown = headers(scope, proxy.secret_header.lower().encode())
    return len(shown) == 1 and same(digest(shown[0]), proxy.secret)


def _address(scope: Scope, proxy: Proxy | None) -> str:
    peer = scope.get("client")
    direct = _canonical(peer[0]) if peer and peer[0] else ""
    if proxy is None or not trusted(scope, proxy):
        return direct
    hops = b",".join(headers(scope, proxy.header.lower().encode())).split(b",")
    told = hops[-proxy.hops] if len(hops) >= proxy.hops else b""
    return _canonical(told.strip().decode("ascii", "replace")) or direct


@lru_cache(maxsize=4096)  # the same few peers ask again and again
def _canonical(text: str) -> str:
    """An address in its one usual form; empty when it is none. IPv4 inside IPv6 counts as IPv4."""
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _inside(text: str, proxy: Proxy) -> bool:
    plain = _canonical(text)
    return bool(plain) and any(
        ip_address(plain) in network for network in proxy.networks if network.version == ip_address(plain).version
    )
