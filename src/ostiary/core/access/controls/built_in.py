"""
Graph's `builtInControls`: block, a second factor, a compliant device of the person.

`domainJoinedDevice` is refused: no device here is ever joined to a domain. So are the others, which speak of
applications and portals that do not exist here.
"""

from typing import Any

from ostiary.core.access.controls.control import Control, Stage
from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import Problem, texts

NAMES: tuple[str, ...] = ("block", "mfa", "compliantDevice")
BLOCK = Control("block")


def read(value: Any, path: str, problems: list[Problem]) -> tuple[Control, ...]:
    """A list of names; those that are not known stay, so that they are never satisfied."""
    names = tuple(dict.fromkeys(texts(value, path, problems)))
    problems.extend(Problem(path, f"{name[:40]} cannot be enforced here") for name in names if name not in NAMES)
    return tuple(Control(name) for name in names)


def satisfied(control: Control, facts: Facts) -> bool | Unknown:
    """A block never is."""
    if control.name == "mfa":
        return UNKNOWN if isinstance(facts.amr, Unknown) else "mfa" in facts.amr
    device = facts.person_device
    known = device if isinstance(device, Unknown) else device is not None and device.compliant
    return known if control.name == "compliantDevice" else False


def stage(control: Control) -> Stage:
    """A second factor can be proved now."""
    return Stage.PERSON if control.name == "mfa" else Stage.FIXED
