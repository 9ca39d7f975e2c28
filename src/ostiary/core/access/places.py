"""
Places in words, for people who decide: how far apart two are, whose network one is in, and whether that network rents
out machines. Nothing is decided by it.
"""

from ostiary.core.access.controls.proximity import kilometres
from ostiary.core.access.facts import Place
from ostiary.core.words.said import said

__all__ = ["FAR", "distance", "far_apart", "hosting", "network"]

FAR = 500
"""Kilometres from which on a machine is far away: geo files of good quality err by less."""

_HOSTING = (
    "hosting", "hoster", "cloud", "datacenter", "datacentre", "data center", "data centre", "server", "vps",
    "colocation", "colo ", "virtual machine",
)  # fmt: skip


def hosting(operator: str) -> bool:
    """Whether the name of a network's *operator* says that it rents out computers to anybody."""
    return any(word in f"{operator.casefold()} " for word in _HOSTING)


def far_apart(one: Place, other: Place) -> bool:
    """Whether it is known that they are `FAR` from each other."""
    far = kilometres(one, other)
    return isinstance(far, int) and far >= FAR


def distance(one: Place, other: Place) -> str:
    """How far apart in words, rounded as roughly as addresses can be placed; empty when it is not known."""
    if isinstance(one.address, str) and one.address == other.address:
        return said("at your own address")
    far = kilometres(one, other)
    if not isinstance(far, int):
        return ""
    if far < 50:
        return said("less than 50 km")
    return said("about %(far)s km", far=f"{round(far, -1 if far < 1000 else -2):,}")


def network(place: Place, operator: str) -> str:
    """A network in words; empty when it is not known."""
    number = f"AS{place.network}" if isinstance(place.network, int) else ""
    return " ".join(word for word in (number, operator) if word)
