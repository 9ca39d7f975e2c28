"""
What the form that asks for an exemption may offer a person: which lengths, applications and machines, and what the
rules want of every request. It only looks; `ask.py` judges what is asked.
"""

from dataclasses import dataclass

from ostiary.core.devices.device import Device
from ostiary.core.directory.applications import Application
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.deciding import choices
from ostiary.core.exemptions.eligibility import Eligibility
from ostiary.core.exemptions.rules import Rules
from ostiary.core.words.instants import Span
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.rules import current
from ostiary.services.house import House
from ostiary.store import Tx, devices, eligibilities

__all__ = ["Offer", "offer"]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a person may ask for. Without an `eligibility` that is nothing."""

    eligibility: Eligibility | None
    rules: Rules
    lengths: tuple[Span, ...] = ()
    applications: tuple[Application, ...] = ()
    """Those that take codes."""
    resources: tuple[Application, ...] = ()
    devices: tuple[Device, ...] = ()


async def offer(house: House, visit: Visit) -> Offer | Refused:
    """What the caller may ask for themselves. Refused: NOT_SIGNED_IN and its kin."""
    picture = house.desk.picture

    async def body(tx: Tx) -> Offer | Refused:
        refused, user = judge(Action.READ_SELF, visit.caller, now=visit.now), visit.caller.user
        if refused is not None or user is None:
            return refused or Refused(Reason.NOT_SIGNED_IN)
        rules = await current(tx, picture.exception_group)
        eligible = await eligibilities.standing(tx, user, picture.exception_group, visit.now)
        if eligible is None:
            return Offer(None, rules)
        known = sorted(picture.applications.values(), key=lambda each: (each.name.casefold(), each.id))
        owned = await devices.of_owner(tx, user)
        return Offer(
            eligible,
            rules,
            choices(rules.shortest, rules.longest),
            tuple(each for each in known if each.enabled and each.device_flow),
            tuple(each for each in known if each.enabled and each.scopes),
            tuple(each for each in owned if each.counts(visit.now)),
        )

    return await house.store.read(body)
