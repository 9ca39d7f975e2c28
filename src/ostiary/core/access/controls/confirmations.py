"""
Our `ostiary.controls.numberConfirmation`, `startTicket`, `referenceBinding` and `machineBinding`: that the person and
the machine showed that they belong together (R12, R22; RFC 10027 M15 to M17).

The number is posted after consent, so it is missing until then; the ticket comes with the request or never; what ties
the request to something known from elsewhere is typed at the page, if the request brought it.
"""

from typing import Any

from ostiary.core.access.controls.control import Control, Stage
from ostiary.core.access.facts import Facts, Unknown
from ostiary.core.access.sides import Problem, flag

NUMBER, TICKET, REFERENCE, MACHINE = "numberConfirmation", "startTicket", "referenceBinding", "machineBinding"
NAMES: tuple[str, ...] = (NUMBER, TICKET, REFERENCE, MACHINE)
_FACTS = {NUMBER: "number_confirmed", TICKET: "start_ticket", REFERENCE: "reference_bound", MACHINE: "machine_bound"}
_STAGES = {NUMBER: Stage.CONSENT, TICKET: Stage.FIXED, REFERENCE: Stage.PERSON, MACHINE: Stage.PERSON}


def read(value: Any, path: str, problems: list[Problem]) -> tuple[Control, ...]:
    """True or false; *path* ends with the name."""
    return (Control(path.rpartition(".")[2]),) if flag(value, path, problems) else ()


def satisfied(control: Control, facts: Facts) -> bool | None | Unknown:
    """Whether it was shown; None where it cannot be shown any more."""
    answer: bool | None | Unknown = getattr(facts, _FACTS[control.name])
    return answer


def stage(control: Control) -> Stage:
    """The number comes after consent, what is typed at the page before it."""
    return _STAGES[control.name]
