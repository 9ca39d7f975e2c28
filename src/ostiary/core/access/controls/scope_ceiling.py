"""
Our `ostiary.controls.scopes`: the most that a sign-in may ask for.

Names of scopes, or ``<application id>/<name>`` for those of one resource only. `offline_access` counts (who leaves it
out allows no refresh tokens); `openid`, `profile` and `email` give nothing away but the person's own name.
"""

from typing import Any

from ostiary.core.access.controls.control import Control, Stage
from ostiary.core.access.facts import UNKNOWN, Facts, Unknown
from ostiary.core.access.sides import Problem, texts

NAMES: tuple[str, ...] = ("scopes",)


def read(value: Any, path: str, problems: list[Problem]) -> tuple[Control, ...]:
    """A list; an empty one allows nothing but signing in."""
    if value is None:
        return ()
    allowed = texts(value, path, problems)
    return (Control(NAMES[0], frozenset(allowed), f"at most {' '.join(allowed) or 'none'}"[:200]),)


def satisfied(control: Control, facts: Facts) -> bool | Unknown:
    """Whether all that is asked for is allowed."""
    if isinstance(facts.scopes, Unknown) or isinstance(facts.resource, Unknown):
        return UNKNOWN
    allowed = control.value if isinstance(control.value, frozenset) else frozenset()
    return all(scope in allowed or f"{facts.resource}/{scope}" in allowed for scope in facts.scopes)


def stage(control: Control) -> Stage:
    """What was asked for was asked for."""
    return Stage.FIXED
