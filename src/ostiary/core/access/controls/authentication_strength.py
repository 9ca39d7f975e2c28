"""
Graph's `authenticationStrength`: the three built-in ones, over what the person proved (RFC 8176 `amr`).

What our methods leave in `amr`: a password `pwd`, a one-time code `otp`, a key that proved possession `hwk` (bound to
its device) or `swk` (synced), with `user` or `pin` where the key verified the person; `mfa` whenever there were two
factors. Phishing-resistant is a key with verification: nothing that can be typed into another page.
"""

from typing import Any

from ostiary.core.access.controls.control import Control, Stage
from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import Problem, members

NAMES: tuple[str, ...] = ("authenticationStrength",)
MFA = "00000000-0000-0000-0000-000000000002"
PASSWORDLESS = "00000000-0000-0000-0000-000000000003"
PHISHING_RESISTANT = "00000000-0000-0000-0000-000000000004"
_WORDS = {MFA: "multifactor authentication", PASSWORDLESS: "passwordless", PHISHING_RESISTANT: "phishing-resistant"}
_KEYS = frozenset({"hwk", "swk"})
_VERIFIED = frozenset({"user", "pin", "mfa"})


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
    return (Control(NAMES[0], id, _WORDS[id]),)


def satisfied(control: Control, facts: Facts) -> bool | Unknown:
    """Whether what was proved is as strong."""
    if isinstance(facts.amr, Unknown):
        return UNKNOWN
    proved = frozenset(facts.amr)
    if control.value == MFA:
        return "mfa" in proved
    return bool(proved & _KEYS) and bool(proved & _VERIFIED) and "pwd" not in proved


def stage(control: Control) -> Stage:
    """A stronger proof can be given now."""
    return Stage.PERSON
