"""
Whether a change of rules leaves a group less guarded than before: whoever does that says why, and it raises an alert.
"""

from collections.abc import Callable, Iterable

from ostiary.core.exemptions.rules import Approvers, Clock, Rules, Stage
from ostiary.core.words.instants import hours

__all__ = ["weakened"]

Less = Callable[[Rules, Rules], bool]

_LESS: tuple[tuple[str, Less], ...] = (
    ("exemptions may last longer", lambda old, new: new.longest > old.longest),
    ("administrators may open longer ones", lambda old, new: new.assigned_longest > old.assigned_longest),
    ("an approval waits longer for its use", lambda old, new: _waits(new) > _waits(old)),
    ("a consent waits longer for its approval", lambda old, new: new.consent_window > old.consent_window),
    ("the cool-down is shorter", lambda old, new: new.cool_down < old.cool_down),
    ("there are other allowed hours", lambda old, new: old.allowed is not None and new.allowed != old.allowed),
    ("no second factor is asked for", lambda old, new: old.mfa and not new.mfa),
    ("another strength is asked of requesters", lambda old, new: _weaker(old.strength, new.strength)),
    ("no trusted device is asked for", lambda old, new: old.trusted_device and not new.trusted_device),
    ("no reason is asked for", lambda old, new: old.reasoned and not new.reasoned),
    ("another reason is asked for", lambda old, new: old.pattern is not None and new.pattern != old.pattern),
    ("no ticket is asked for", lambda old, new: old.ticket and not new.ticket),
    ("tickets look different", lambda old, new: old.ticket_pattern not in (None, new.ticket_pattern)),
    ("tickets are checked differently", lambda old, new: old.checker not in (None, new.checker)),
    ("less has to be narrowed", lambda old, new: not old.narrow <= new.narrow),
    ("more sign-ins are allowed", lambda old, new: (old.most_sign_ins or _MANY) < (new.most_sign_ins or _MANY)),
    ("nobody has to approve", lambda old, new: old.approved_by_people and not new.approved_by_people),
    ("fewer approvals are needed", lambda old, new: _needed(new) < _needed(old)),
    ("others may approve", lambda old, new: _more_approvers(old.stages, new.stages)),
    ("approvers say less", lambda old, new: _reasoned(old, any) and not _reasoned(new, all)),
    ("requests wait longer", lambda old, new: new.expiry > old.expiry),
    ("another strength is asked of approvers", lambda old, new: _weaker(old.approver_strength, new.approver_strength)),
    ("more is approved by itself", lambda old, new: not set(new.auto) <= set(old.auto)),
    ("others may break glass", lambda old, new: _more(old.glass, new.glass)),
    ("break-glass lasts longer", lambda old, new: new.glass_longest > old.glass_longest),
    ("people are eligible for longer", lambda old, new: _for_longer(old, new)),
)  # fmt: skip

_MANY = 10**9


def weakened(old: Rules, new: Rules) -> tuple[str, ...]:
    """What of *new* guards less than *old* did, in words; what cannot be compared counts as less."""
    return tuple(words for words, less in _LESS if less(old, new))


def _waits(rules: Rules) -> int:
    """How long after an approval something can begin."""
    return rules.start_window if rules.clock is Clock.FIRST_USE else hours(0)


def _weaker(old: object, new: object) -> bool:
    """The built-in strengths hold one another, the later the stronger."""
    return old is not None and (new is None or str(new) < str(old))


def _reasoned(rules: Rules, of: Callable[[Iterable[bool]], bool]) -> bool:
    return of(stage.reasoned for stage in rules.stages)


def _needed(rules: Rules) -> int:
    return sum(stage.needed for stage in rules.stages)


def _more(old: Approvers, new: Approvers) -> bool:
    return not (new.users <= old.users and new.groups <= old.groups and new.roles <= old.roles)


def _more_approvers(old: tuple[Stage, ...], new: tuple[Stage, ...]) -> bool:
    """Whether somebody may decide who could not; stages are compared in their order."""
    if not new:
        return False
    if len(new) < len(old):
        return True
    return any(
        _more(before.primary, later.primary) or _more(before.escalation, later.escalation)
        or (later.escalates is not None and (before.escalates is None or later.escalates < before.escalates))
        for before, later in zip(old, new, strict=False)
    )  # fmt: skip


def _for_longer(old: Rules, new: Rules) -> bool:
    if old.eligible_longest is None:
        return False
    return new.eligible_longest is None or new.eligible_longest > old.eligible_longest
