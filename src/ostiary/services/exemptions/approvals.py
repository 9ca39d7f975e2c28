"""
The approval of one request, stage by stage, for whoever may see the request.
"""

from collections.abc import Mapping

from ostiary.core.exemptions.deciding import open_stages, own, votes
from ostiary.core.exemptions.request import Phase, Request
from ostiary.core.exemptions.rules import Approver, Rules
from ostiary.core.graph.approval import Approval, ShownStage
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, between
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.decide import people
from ostiary.services.exemptions.requests import find_request
from ostiary.services.exemptions.rules import current
from ostiary.services.house import House
from ostiary.store import Tx

__all__ = ["find_approval", "stages_of"]


async def find_approval(house: House, visit: Visit, id: str) -> Approval | Refused:
    """The stages of the request *id*. Refused as `find_request` is."""
    shown = await find_request(house, visit, id)
    if isinstance(shown, Refused):
        return shown

    async def body(tx: Tx) -> Approval:
        rules = await current(tx, shown.request.group)
        return stages_of(shown.request, rules, await people(tx, visit, shown.request), visit)

    return await house.store.read(body)


def stages_of(request: Request, rules: Rules, known: Mapping[UserId, Approver], visit: Visit) -> Approval:
    """The stages of *request* at the visit's moment; *known* is everybody whose word might count, as they are now."""
    turn = open_stages(request, rules, known) if request.open(visit.now) else ()
    me = known.get(visit.caller.user) if visit.caller.user is not None else None
    numbers = range(max(len(rules.stages), 1 + max((d.stage for d in request.decisions), default=-1)))
    return Approval(request.id, tuple(_stage(request, rules, known, me, turn, at, visit.now) for at in numbers))


def _stage(
    request: Request, rules: Rules, known: Mapping[UserId, Approver], me: Approver | None, turn: tuple[int, ...],
    at: int, now: Instant,
) -> ShownStage:  # fmt: skip
    """A stage that the rules do not have any more shows what was said to it."""
    stage = rules.stages[at] if at < len(rules.stages) else None
    said = [d for d in request.decisions if d.stage == at]
    last = said[-1] if said else None
    waited = between(request.created, now)
    asked = stage is not None and me is not None and any(group.has(me) for group in stage.approvers(waited))
    return ShownStage(
        at,
        _status(request, at, turn, now),
        asked and me is not None and not own(request, me.id),
        stage.needed if stage is not None else 0,
        votes(request, rules, at, known) if stage is not None else 0,
        "NotReviewed" if last is None else "Approve" if last.approved else "Deny",
        last.reason if last is not None else "",
        ", ".join(d.name for d in said),
        last.at if last is not None else None,
    )


def _status(request: Request, at: int, turn: tuple[int, ...], now: Instant) -> str:
    if request.phase is Phase.OPEN and now >= request.ends:
        return "Expired"
    if at in turn:
        return "InProgress"
    waits = request.open(now) and turn and at > turn[0]
    return "Initializing" if waits else "Completed"
