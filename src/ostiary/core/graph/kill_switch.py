"""
The kill switch as the admin API shows it. Ours, Graph has no such resource.
"""

from dataclasses import dataclass

from ostiary.core.access.kill_switch import CONFIRM, KillSwitch, Proposal
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.instants import Instant, after

__all__ = ["KILL_SWITCH", "ShownSwitch"]


@dataclass(frozen=True, slots=True)
class ShownSwitch:
    """The switch at a moment, for somebody: who and why are for those who administer or audit."""

    switch: KillSwitch
    now: Instant
    whole: bool

    @property
    def proposal(self) -> Proposal | None:
        """What another administrator may confirm now."""
        found = self.switch.proposal
        return found if self.whole and found is not None and found.stands(self.now) else None


def _by(shown: ShownSwitch) -> str | None:
    return (shown.switch.name or shown.switch.by or None) if shown.whole else None


_PROPOSAL: tuple[Field[Proposal], ...] = (
    Field("by", Kind.STRING, lambda p: p.name or p.by),
    Field("reason", Kind.STRING, lambda p: p.reason),
    Field("proposedDateTime", Kind.MOMENT, lambda p: p.at),
    Field("endDateTime", Kind.MOMENT, lambda p: after(p.at, CONFIRM), doc="Until when another may confirm it."),
)

KILL_SWITCH: Shape[ShownSwitch] = Shape(
    "ostiary/killSwitch",
    "ostiary.killSwitch",
    (
        Field("id", Kind.ID, lambda s: "device"),
        Field("on", Kind.BOOL, lambda s: s.switch.on, doc="No device sign-in begins, goes on or is renewed."),
        Field(
            "killedDateTime", Kind.MOMENT, lambda s: s.switch.killed or None,
            doc="When it was turned on last: what began with a device code until then is over.",
        ),
        Field("changedBy", Kind.STRING, _by, doc="Who turned it last; for administrators and auditors."),
        Field("reason", Kind.STRING, lambda s: (s.switch.reason or None) if s.whole else None),
        Field(
            "offProposed", Kind.OBJECT, lambda s: s.proposal, fields=_PROPOSAL,
            doc="One administrator wants it off; another one turns it off by saying so too.",
        ),
    ),
)  # fmt: skip
