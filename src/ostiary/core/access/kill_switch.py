"""
The kill switch: one turn of it stops every device sign-in, whatever exemptions and policies say.

Owns its states and who may turn it: on is one administrator's word, off takes two of them, or somebody at the local
door with a reason (R2). Liveness stays derived (R8): what began with a device code before the instant in `killed` is
over for good, so nothing walks over sign-ins or sessions. Pure.
"""

from dataclasses import dataclass, replace

from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.instants import Instant, after, minutes
from ostiary.core.words.outcome import Reason, Refused

__all__ = ["CONFIRM", "KillSwitch", "Proposal", "turned_off", "turned_on"]

CONFIRM = minutes(30)
"""How long one administrator's proposal to turn it off waits for another's."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One administrator wants it off."""

    at: Instant
    by: str
    """Actor, e.g. ``user:1b9d…``."""
    name: str
    reason: str

    def stands(self, now: Instant) -> bool:
        """Whether another administrator may still confirm it."""
        return self.at <= now < after(self.at, CONFIRM)


@dataclass(frozen=True, slots=True)
class KillSwitch:
    """How it stands. Nobody ever turned it: off, and nothing was killed."""

    number: int = 0
    """Of turns and proposals: what a swap compares."""
    on: bool = False
    killed: Instant = Instant(0)
    """When it was turned on last; what began with a device code until then is over, also after it is off again."""
    by: str = ""
    name: str = ""
    reason: str = ""
    proposal: Proposal | None = None

    def stops(self, began: Instant) -> bool:
        """Whether a device sign-in that *began* then may not go on."""
        return self.on or began <= self.killed


def turned_on(old: KillSwitch, caller: Caller, reason: str, now: Instant) -> KillSwitch:
    """
    On, by *caller*. Turning it on again withdraws a proposal to turn it off, and the new reason stands.
    """
    return KillSwitch(old.number + 1, True, now, caller.actor, caller.name, reason)


def turned_off(
    old: KillSwitch, caller: Caller, reason: str, now: Instant, *, proposer_counts: bool
) -> KillSwitch | Refused:
    """
    Off, or one step nearer to it: proposed. *proposer_counts*: whoever proposed is still an enabled administrator.

    Refused: WRONG_STATE when it is off, or when the second word is that of the first one again.
    """
    if not old.on:
        return Refused(Reason.WRONG_STATE, "The kill switch is off.")
    off = replace(old, number=old.number + 1, on=False, by=caller.actor, name=caller.name, reason=reason, proposal=None)
    if caller.kind is CallerKind.LOCAL:
        return off
    proposal = old.proposal
    if proposal is None or not proposal.stands(now) or not proposer_counts:
        proposed = Proposal(now, caller.actor, caller.name, reason)
        return replace(old, number=old.number + 1, proposal=proposed)
    if proposal.by == caller.actor:
        return Refused(Reason.WRONG_STATE, "You proposed it: a second administrator must confirm it.")
    return off
