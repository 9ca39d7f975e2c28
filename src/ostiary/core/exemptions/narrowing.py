"""
Narrowing an exemption to one sign-in: what rules demand, and what somebody who asks at its page gets. Pure.
"""

from collections.abc import Set
from ipaddress import ip_address, ip_network

from ostiary.core.exemptions.exemption import NEVER_NARROWED, Limits, Network, Use

__all__ = ["lacking", "limited_to"]

_LIMIT = {"signIns": "sign_ins"}  # names of narrowings that are others as fields of `Limits`


def lacking(narrow: Set[str], limits: Limits) -> str | None:
    """The first of *narrow* (`rules.NARROWINGS`) that *limits* leave open."""
    return next((n for n in sorted(narrow) if getattr(limits, _LIMIT.get(n, n)) is None), None)


def limited_to(use: Use, narrow: Set[str]) -> Limits:
    """
    The application of *use*, and of the rest what is in *narrow*, as *use* is. What it does not say stays open, and is
    `lacking` then: a machine that proved to be none of the inventory is no device.
    """
    return Limits(
        application=use.application,
        network=_network(use.address) if "network" in narrow else None,
        resource=use.resource if "resource" in narrow else None,
        scopes=use.scopes - NEVER_NARROWED if "scopes" in narrow and use.scopes is not None else None,
        device=use.device if "device" in narrow else None,
        sign_ins=1 if "signIns" in narrow else None,
    )


def _network(address: str) -> Network | None:
    try:
        return ip_network(ip_address(address))
    except ValueError:
        return None
