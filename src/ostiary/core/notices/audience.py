"""
To whom a notice goes: people by name, and those whom rules name. Pure.

INVARIANT: nobody is asked as an approver about a request that is for them or was made by them.
"""

from dataclasses import dataclass

from ostiary.core.directory.people import Role
from ostiary.core.exemptions.deciding import People, open_stages
from ostiary.core.exemptions.request import Request
from ostiary.core.exemptions.rules import Approvers, Mode, Rules
from ostiary.core.notices.kinds import Notice, To
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, between

__all__ = ["Audience", "audience"]

_WHOEVER = {
    To.ADMINISTRATORS: Approvers(roles=frozenset({Role.ADMINISTRATOR.value})),
    To.APPROVERS: Approvers(roles=frozenset({Role.APPROVER.value})),
}
"""Whole roles: what everybody of them should know, whomever it concerns."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whose channels."""

    people: frozenset[UserId] = frozenset()
    """Whom it concerns: they get `theirs`."""
    makers: frozenset[UserId] = frozenset()
    """Who asked for them; these and the groups get what `others` says."""
    groups: tuple[Approvers, ...] = ()
    without: frozenset[UserId] = frozenset()
    """Nobody of these is among the groups."""
    stopped: bool = False
    """And everybody whose exemption or request the kill switch ended."""


def audience(
    notice: Notice, request: Request | None, rules: Rules, people: People, *, now: Instant, stage: int | None = None
) -> Audience:
    """
    Who is told *notice* about *request* at *now*. *stage*: the one that an entry speaks of. After an approval only the
    stages are asked whose turn has come by it: the others knew.
    """
    concerned = _concerned(request)
    groups: list[Approvers] = []
    without = frozenset() if set(notice.to) <= set(_WHOEVER) else concerned
    for to in notice.to:
        if to in _WHOEVER:
            groups.append(_WHOEVER[to])
        elif to is To.REVIEWERS:
            groups += _WHOEVER.values()
        elif request is not None and to is To.NEXT and stage is not None and stage < len(rules.stages):
            groups.append(rules.stages[stage].escalation)
        elif request is not None and to is To.DECIDERS:
            turn = [at for at in open_stages(request, rules, people) if _has_come(notice, rules, at, stage)]
            waited = between(request.created, now)
            groups += [each for at in turn for each in rules.stages[at].approvers(waited)]
            without |= {d.by for d in request.decisions}
    person = frozenset() if request is None or To.PERSON not in notice.to else frozenset({request.user})
    makers = concerned - person if To.MAKER in notice.to else frozenset()
    return Audience(person, makers, tuple(groups), without, To.STOPPED in notice.to)


def _has_come(notice: Notice, rules: Rules, at: int, decided: int | None) -> bool:
    """Whether the turn of stage *at* came by a decision in stage *decided*; in parallel all began at once."""
    if notice.name != "request.partly_approved":
        return True
    return decided is not None and at != decided and rules.mode is not Mode.PARALLEL


def _concerned(request: Request | None) -> frozenset[UserId]:
    """Whom it is for, and who made it in their name."""
    if request is None:
        return frozenset()
    kind, _, id = request.by.partition(":")
    return frozenset({request.user, *([UserId(id)] if kind == "user" and id else [])})
