"""
Graph's `authenticationStrength`: the three built-in ones; what satisfies them is said in `core/access/strengths.py`.
"""

from typing import Any

from ostiary.core.access.controls.control import Control, Stage
from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import Problem, members
from ostiary.core.access.strengths import Strength
from ostiary.core.access.strengths import satisfied as strengths_of

NAMES: tuple[str, ...] = ("authenticationStrength",)
_WORDS = {
    Strength.MFA: "multifactor authentication",
    Strength.PASSWORDLESS: "passwordless",
    Strength.PHISHING_RESISTANT: "phishing-resistant",
}


def read(value: Any, path: str, problems: list[Problem]) -> tuple[Control, ...]:
    """``{"id": …}``; whatever else Graph shows of a strength is not read."""
    if value is None:
        return ()
    shown = ("displayName", "description", "policyType", "requirementsSatisfied", "allowedCombinations",
             "createdDateTime", "modifiedDateTime", "combinationConfigurations")  # fmt: skip
    id = members(value, path, ("id", *shown), problems).get("id")
    if not isinstance(id, str) or id not in _WORDS:
        problems.append(Problem(f"{path}.id", "must be the id of a built-in authentication strength"))
        return ()
    return (Control(NAMES[0], id, _WORDS[Strength(id)]),)


def satisfied(control: Control, facts: Facts) -> bool | Unknown:
    """Whether what was proved is as strong."""
    if isinstance(facts.amr, Unknown):
        return UNKNOWN
    return control.value in strengths_of(facts.amr)


def stage(control: Control) -> Stage:
    """A stronger proof can be given now."""
    return Stage.PERSON
