"""
Our `ostiary.controls.requesterDevice`: what the machine that gets the tokens must be.
"""

from typing import Any

from ostiary.core.access.controls.control import Control, Stage
from ostiary.core.access.facts import Facts, Unknown
from ostiary.core.access.sides import Problem, chosen

NAMES: tuple[str, ...] = ("requesterDevice",)
_KINDS = ("registered", "managed", "compliant", "keyBound")


def read(value: Any, path: str, problems: list[Problem]) -> tuple[Control, ...]:
    """A list; each is demanded."""
    return tuple(
        Control(NAMES[0], kind, kind) for kind in chosen(value, path, _KINDS, "something a device can be", problems)
    )


def satisfied(control: Control, facts: Facts) -> bool | Unknown:
    """Whether it is; a machine that is not registered is nothing of it."""
    device = facts.requester_device
    if isinstance(device, Unknown) or device is None:
        return device or False
    match control.value:
        case "managed":
            return device.managed
        case "compliant":
            return device.compliant
        case "keyBound":
            return device.key_bound
        case kind:
            return kind == "registered"


def stage(control: Control) -> Stage:
    """The machine that asked is the machine that asked."""
    return Stage.FIXED
