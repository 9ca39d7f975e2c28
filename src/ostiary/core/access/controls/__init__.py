"""
Controls: what an applying policy demands. One file each, listed here and nowhere else.

A control's file reads its part of the document into `Control`s and says whether facts satisfy one. Unknown facts
satisfy none (R4); what can still be brought, and when, is its `STAGE`.
"""

from collections.abc import Mapping

from ostiary.core.access.controls import (
    authentication_strength,
    built_in,
    confirmations,
    proximity,
    requester_device,
    scope_ceiling,
    sign_in_frequency,
)
from ostiary.core.access.controls.control import Control, Demand, Stage
from ostiary.core.access.facts import Facts, Unknown

__all__ = ["CONTROLS", "Control", "Demand", "Stage", "satisfied", "stage"]

CONTROLS: tuple[Demand, ...] = (
    built_in,
    authentication_strength,
    sign_in_frequency,
    proximity,
    requester_device,
    confirmations,
    scope_ceiling,
)

_BY_NAME: Mapping[str, Demand] = {name: demand for demand in CONTROLS for name in demand.NAMES}


def satisfied(control: Control, facts: Facts) -> bool | None | Unknown:
    """
    Whether *facts* satisfy it. One that nobody knows is never satisfied; None: not, and in this sign-in it never will
    be.
    """
    demand = _BY_NAME.get(control.name)
    return False if demand is None else demand.satisfied(control, facts)


def stage(control: Control) -> Stage:
    """When it can still be brought."""
    demand = _BY_NAME.get(control.name)
    return Stage.FIXED if demand is None else demand.stage(control)
