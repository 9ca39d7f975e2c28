"""
One demand of a policy, as a value, and what each file about demands offers.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from ostiary.core.access.facts import Facts, Unknown
from ostiary.core.access.sides import Problem


class Stage(Enum):
    """When what is missing can still be brought."""

    FIXED = "fixed"
    """Never in this sign-in: it is as it was started."""
    PERSON = "person"
    """By the person, now, at the page."""
    CONSENT = "consent"
    """Between the person's consent and the redemption."""


@dataclass(frozen=True, slots=True)
class Control:
    """One demand."""

    name: str
    """Graph's word for it, or ours."""
    value: Hashable = None
    """What exactly, where the name does not say it all."""
    said: str = ""
    """The value in words."""

    @property
    def label(self) -> str:
        """As decisions and logs name it."""
        return f"{self.name}: {self.said}" if self.said else self.name


class Demand(Protocol):
    """What each file offers."""

    NAMES: tuple[str, ...]
    """Names of the controls that it knows."""

    def read(self, value: Any, path: str, problems: list[Problem]) -> tuple[Control, ...]:
        """Read its part of a document (None when absent); add to *problems* what cannot be enforced."""

    def satisfied(self, control: Control, facts: Facts) -> bool | None | Unknown:
        """Whether *facts* satisfy *control*; None: not, and whatever its stage says, it cannot be brought."""

    def stage(self, control: Control) -> Stage:
        """When it can still be brought."""
