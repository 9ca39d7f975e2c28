"""
Our `ostiary.controls.proximity`: how near the machine must be to the person.

The attack on this flow is a code that was started elsewhere. Each demand of a policy must be met; `anyOf` holds if one
of its demands is. A fact that is unknown on either side meets none.
"""

from ipaddress import ip_address
from math import asin, ceil, cos, radians, sin, sqrt
from typing import Any

from ostiary.core.access.controls.control import Control, Stage
from ostiary.core.access.facts import TRUSTED, UNKNOWN, Facts, Place, Unknown
from ostiary.core.access.sides import Problem, chosen, members

NAMES: tuple[str, ...] = ("proximity",)
_KINDS = ("sameAddress", "samePrefix", "sameAsn", "sameNamedLocation", "sameCountry")
_PREFIX = {4: 24, 6: 56}
_EARTH = 6371  # kilometres
FARTHEST = 20_000


def read(value: Any, path: str, problems: list[Problem]) -> tuple[Control, ...]:
    """``{"allOf": [...], "anyOf": [...], "maxKilometres": n}``."""
    given = members(value, path, ("allOf", "anyOf", "maxKilometres"), problems)
    every = chosen(given.get("allOf"), f"{path}.allOf", _KINDS, "a kind of nearness", problems)
    some = chosen(given.get("anyOf"), f"{path}.anyOf", _KINDS, "a kind of nearness", problems)
    found = [Control(NAMES[0], (kind,), kind) for kind in every]
    if some:
        found.append(Control(NAMES[0], some, " or ".join(some)))
    far = given.get("maxKilometres")
    if far is not None:
        if not isinstance(far, int) or isinstance(far, bool) or not 1 <= far <= FARTHEST:
            problems.append(Problem(f"{path}.maxKilometres", f"must be a whole number from 1 to {FARTHEST}"))
        else:
            found.append(Control(NAMES[0], far, f"within {far} km"))
    if value is not None and not found:
        problems.append(Problem(path, "must demand something"))
    return tuple(found)


def satisfied(control: Control, facts: Facts) -> bool | Unknown:
    """Whether the two places are as near as that; one address is near itself, whatever is known of it."""
    if control.value != ("sameNamedLocation",) and _same(facts.person.address, facts.requester.address) is True:
        return True
    if isinstance(control.value, int):
        far = kilometres(facts.person, facts.requester)
        return far if isinstance(far, Unknown) else far is not None and far <= control.value
    kinds = control.value if isinstance(control.value, tuple) else ()
    answers = [_near(str(kind), facts.person, facts.requester) for kind in kinds]
    if True in answers:
        return True
    return UNKNOWN if UNKNOWN in answers else False


def stage(control: Control) -> Stage:
    """Neither side moves while it signs in."""
    return Stage.FIXED


def _near(kind: str, one: Place, other: Place) -> bool | Unknown:
    match kind:
        case "sameAddress":
            return _same(one.address, other.address)
        case "samePrefix":
            return _same(_prefix(one.address), _prefix(other.address))
        case "sameAsn":
            return _same(one.network, other.network)
        case "sameCountry":
            return _same(one.country, other.country)
        case _:
            return _shared(one, other)


def _same(one: object, other: object) -> bool | Unknown:
    """None is nothing that two sides could share."""
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return UNKNOWN
    return one is not None and one == other


def _shared(one: Place, other: Place) -> bool | Unknown:
    """Whether both are in one named location for certain."""
    if isinstance(one.named, Unknown) or isinstance(other.named, Unknown):
        return UNKNOWN
    if (one.named & other.named) - {TRUSTED}:
        return True
    return UNKNOWN if ((one.named | one.unsure) & (other.named | other.unsure)) - {TRUSTED} else False


def _prefix(address: str | Unknown) -> object:
    if isinstance(address, Unknown):
        return UNKNOWN
    try:
        found = ip_address(address)
    except ValueError:
        return UNKNOWN
    return found.version, int(found) >> (found.max_prefixlen - _PREFIX[found.version])


def kilometres(one: Place, other: Place) -> int | None | Unknown:
    """The distance along the earth, rounded up; None when a side is known to be nowhere."""
    a, b = one.coordinates, other.coordinates
    if isinstance(a, Unknown) or isinstance(b, Unknown):
        return UNKNOWN
    if a is None or b is None:
        return None
    north, south = radians(a[0] / 10_000), radians(b[0] / 10_000)
    turn = radians((a[1] - b[1]) / 10_000)
    part = sin((north - south) / 2) ** 2 + cos(north) * cos(south) * sin(turn / 2) ** 2
    return ceil(2 * _EARTH * asin(sqrt(min(part, 1.0))))
