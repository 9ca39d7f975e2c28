"""
Everything about exemptions that concerns one person, on one page: what waits for their decision, what is open that they
may end, whose review is owed, and what they asked for themselves.
"""

from dataclasses import dataclass

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.deciding import may_end, may_see
from ostiary.core.exemptions.request import Request, State, record_of, standing
from ostiary.core.exemptions.rules import Approver, Rules
from ostiary.core.words.ids import UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.granting import approver
from ostiary.services.exemptions.requests import MOST_TO_DECIDE, may_review, not_reviewable
from ostiary.services.exemptions.rules import current
from ostiary.services.house import House
from ostiary.store import Tx, exemptions, requests
from ostiary.store.exemptions import Shown, Window
from ostiary.store.place import TOP
from ostiary.store.requests import Asked, Which

__all__ = ["MOST_SHOWN", "Line", "Overview", "overview", "own_requests"]

MOST_SHOWN = 20
"""Of each list: a phone shows them all, and the page stays light."""
MOST_OWN = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One request in a list."""

    asked: Asked
    state: State
    decided: bool = False
    """Whether the caller had their say already, and others are asked."""

    @property
    def request(self) -> Request:
        """The request itself."""
        return self.asked.request


@dataclass(frozen=True, slots=True)
class Overview:
    """The lists; each may be empty."""

    waiting: tuple[Line, ...] = ()
    """What lapses first comes first."""
    more: int = 0
    """How many wait besides."""
    open: tuple[Shown, ...] = ()
    owed: tuple[Line, ...] = ()
    mine: tuple[Line, ...] = ()
    approves: bool = False
    """Whether the rules of now name the caller as an approver at all."""


async def overview(house: House, visit: Visit) -> Overview | Refused:
    """What concerns the caller. Refused: NOT_SIGNED_IN and its kin."""

    async def body(tx: Tx) -> Overview | Refused:
        me = await approver(tx, visit, visit.caller.user) if visit.caller.user is not None else None
        refused = judge(Action.READ_SELF, visit.caller, now=visit.now)
        if refused is not None or me is None:
            return refused or Refused(Reason.NOT_SIGNED_IN)
        rules = await current(tx, house.desk.picture.exception_group)
        waiting = await _waiting(tx, visit, rules, me)
        return Overview(
            waiting[:MOST_SHOWN],
            len(waiting[MOST_SHOWN:]),
            await _open(tx, visit, rules, me),
            await _owed(tx, visit),
            await _mine(tx, visit, me.id),
            any(group.has(me) for stage in rules.stages for group in (stage.primary, stage.escalation)),
        )

    return await house.store.survey(body)


async def own_requests(house: House, visit: Visit) -> tuple[Line, ...] | Refused:
    """What the caller asked for, the newest first."""

    async def body(tx: Tx) -> tuple[Line, ...] | Refused:
        refused = judge(Action.READ_SELF, visit.caller, now=visit.now)
        if refused is not None or visit.caller.user is None:
            return refused or Refused(Reason.NOT_SIGNED_IN)
        return await _mine(tx, visit, visit.caller.user)

    return await house.store.survey(body)


async def _waiting(tx: Tx, visit: Visit, rules: Rules, me: Approver) -> tuple[Line, ...]:
    found = await _page(tx, visit, Which.WAITING, most=MOST_TO_DECIDE)
    mine = (each for each in found if may_see(each.request, rules, me, visit.now))
    lines = (_line(each, visit, any(d.by == me.id for d in each.request.decisions)) for each in mine)
    return tuple(sorted(lines, key=lambda line: (line.decided, line.request.ends)))


async def _open(tx: Tx, visit: Visit, rules: Rules, me: Approver) -> tuple[Shown, ...]:
    found = await exemptions.page(tx, user=None, window=Window.STANDING, now=visit.now, after=TOP, most=MOST_TO_DECIDE)
    mine = [each for each in found if _may_end(each, rules, me, visit)]
    return tuple(mine[:MOST_SHOWN])


def _may_end(shown: Shown, rules: Rules, me: Approver, visit: Visit) -> bool:
    """Without a look at the request: of that, whose it is and when it was made are enough."""
    return may_end(record_of(shown.exemption, asked=shown.asked), rules, me, visit.now)


async def _owed(tx: Tx, visit: Visit) -> tuple[Line, ...]:
    if not may_review(visit):
        return ()
    found = await _page(tx, visit, Which.OWED, most=MOST_TO_DECIDE)
    return tuple(_line(each, visit) for each in found if not_reviewable(visit, each) is None)[:MOST_SHOWN]


async def _mine(tx: Tx, visit: Visit, user: UserId) -> tuple[Line, ...]:
    return tuple(_line(each, visit) for each in await _page(tx, visit, Which.ALL, user=user, most=MOST_OWN))


async def _page(
    tx: Tx, visit: Visit, which: Which, *, user: UserId | None = None, most: int = MOST_SHOWN
) -> list[Asked]:
    return await requests.page(tx, user=user, which=which, now=visit.now, after=TOP, most=most)


def _line(asked: Asked, visit: Visit, decided: bool = False) -> Line:
    return Line(asked, standing(asked.request, asked.exemption, visit.now), decided)
