"""
Graph's `signInFrequency`: how old the person's proof may be.

There is one time of proof, of every factor together, so both kinds of `authenticationType` mean the same. `everyTime`
allows five minutes, as Entra does, and therefore no later refresh.
"""

from typing import Any

from ostiary.core.access.controls.control import Control, Stage
from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import Problem, members

NAMES: tuple[str, ...] = ("signInFrequency",)
EVERY_TIME = 300  # seconds
_FIELDS = ("isEnabled", "type", "value", "frequencyInterval", "authenticationType")
_UNITS = {"hours": 3600, "days": 86_400}
_KINDS = ("primaryAndSecondaryAuthentication", "secondaryAuthentication", None)
LONGEST = {"hours": 23, "days": 365}


def read(value: Any, path: str, problems: list[Problem]) -> tuple[Control, ...]:
    """Graph's object; one that is not enabled demands nothing."""
    given = members(value, path, _FIELDS, problems)
    if not given or given.get("isEnabled") is False:
        return ()
    if given.get("authenticationType") not in _KINDS:
        problems.append(Problem(f"{path}.authenticationType", "is not known"))
    if given.get("frequencyInterval") == "everyTime":
        return (Control(NAMES[0], EVERY_TIME, "every time"),)
    if given.get("frequencyInterval") not in ("timeBased", None):
        problems.append(Problem(f"{path}.frequencyInterval", "must be timeBased or everyTime"))
    unit, number = given.get("type"), given.get("value")
    if not isinstance(unit, str) or unit not in _UNITS:
        problems.append(Problem(f"{path}.type", "must be hours or days"))
        return ()
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= LONGEST[unit]:
        problems.append(Problem(f"{path}.value", f"must be a whole number from 1 to {LONGEST[unit]}"))
        return ()
    return (Control(NAMES[0], number * _UNITS[unit], f"{number} {unit}"),)


def satisfied(control: Control, facts: Facts) -> bool | Unknown:
    """Whether the proof is young enough."""
    if isinstance(facts.proof_age, Unknown) or not isinstance(control.value, int):
        return UNKNOWN
    return facts.proof_age <= control.value


def stage(control: Control) -> Stage:
    """The person can prove it again."""
    return Stage.PERSON
