"""
Our `ostiary.controls.numberConfirmation` and `startTicket`: that the person and the machine showed that they belong
together (R12, R22).

The number is posted after consent, so it is missing until then; the ticket comes with the request or never.
"""

from typing import Any

from ostiary.core.access.controls.control import Control, Stage
from ostiary.core.access.facts import Facts, Unknown
from ostiary.core.access.sides import Problem, flag

NUMBER, TICKET = "numberConfirmation", "startTicket"
NAMES: tuple[str, ...] = (NUMBER, TICKET)


def read(value: Any, path: str, problems: list[Problem]) -> tuple[Control, ...]:
    """True or false; *path* ends with the name."""
    return (Control(path.rpartition(".")[2]),) if flag(value, path, problems) else ()


def satisfied(control: Control, facts: Facts) -> bool | None | Unknown:
    """Whether it was shown; None where it cannot be shown any more."""
    return facts.number_confirmed if control.name == NUMBER else facts.start_ticket


def stage(control: Control) -> Stage:
    """The number comes after consent."""
    return Stage.CONSENT if control.name == NUMBER else Stage.FIXED
