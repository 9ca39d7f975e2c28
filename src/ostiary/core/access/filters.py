"""
Conditions that keys cannot tell: the rules about devices, Graph's `devices.deviceFilter` for the person's device and
our `ostiary.conditions.requesterDevice` for the machine's.

They are tested one by one, for the policies that everything else left over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ostiary.core.access.device_rule import BadRule, Node, holds, parse
from ostiary.core.access.facts import UNKNOWN, DeviceFacts, Facts, Unknown
from ostiary.core.access.sides import Problem, members

PERSON, REQUESTER = "devices", "requesterDevice"

DEVICES: dict[str, Callable[[Facts], DeviceFacts | None | Unknown]] = {
    PERSON: lambda facts: facts.person_device,
    REQUESTER: lambda facts: facts.requester_device,
}
"""Which device each filter is about."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One rule about one of the two devices."""

    name: str
    """A key of `DEVICES`, and the name of the condition."""
    exclude: bool
    rule: Node
    text: str

    def matches(self, facts: Facts) -> bool | Unknown:
        """Whether the policy's condition matches."""
        device = DEVICES[self.name](facts)
        if isinstance(device, Unknown):
            return UNKNOWN
        return holds(self.rule, device) is not self.exclude


def read(name: str, value: Any, path: str, problems: list[Problem]) -> Filter | None:
    """Graph's `devices` object; None when it is not set or not readable."""
    given = members(members(value, path, ("deviceFilter",), problems).get("deviceFilter"), f"{path}.deviceFilter",
                    ("mode", "rule"), problems)  # fmt: skip
    if not given:
        return None
    mode, text = given.get("mode"), given.get("rule")
    if mode not in ("include", "exclude"):
        problems.append(Problem(f"{path}.deviceFilter.mode", "must be include or exclude"))
    if not isinstance(text, str):
        problems.append(Problem(f"{path}.deviceFilter.rule", "must be a text"))
    if mode not in ("include", "exclude") or not isinstance(text, str):
        return None  # whatever the rule says: what cannot be read matches
    try:
        return Filter(name, mode == "exclude", parse(text), text)
    except BadRule as wrong:
        problems.append(Problem(f"{path}.deviceFilter.rule", str(wrong)))
        return None
