"""
Exemptions as lists: one's own for everybody, all of them for who may read them.
"""

from dataclasses import dataclass

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.query import And, Compare, Cursor, Expression, Page, Query
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.store import Tx, exemptions
from ostiary.store.exemptions import TOP, Place, Shown, Window

__all__ = ["Window", "find_exemption", "list_exemptions"]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a filter narrows a list to."""

    principal: str | None = None
    group: str | None = None
    window: Window | None = None


async def list_exemptions(
    house: House, visit: Visit, query: Query, window: Window = Window.ALL, *, mine: bool = False
) -> Page[Shown] | Refused:
    """
    Windows, the latest end first: those of *window*, narrowed by person, group or state in the query's filter.

    Who asks for their own (*mine*, or by their id) needs no role. Refused: any other filter, and who may not.
    """
    asked, after = _asked(query.filter), _place(query.after)
    if isinstance(asked, Refused):
        return asked
    if isinstance(after, Refused):
        return after
    if query.order is not None or query.count:
        return Refused(Reason.INVALID_VALUE, "Neither order nor count can be asked for here.", field="$orderby")
    narrowed = asked.window or window
    if asked.window is not None and window not in (Window.ALL, asked.window):
        return Page(())

    async def body(tx: Tx) -> Page[Shown] | Refused:
        user = await _whose(tx, visit, asked, mine=mine)
        if isinstance(user, Refused):
            return user
        if user == _NOBODY or asked.group not in (None, house.desk.picture.exception_group):
            return Page(())
        rows = await exemptions.page(tx, user=user, window=narrowed, now=visit.now, after=after, most=query.top + 1)
        shown = tuple(rows[: query.top])
        return Page(shown, (shown[-1].exemption.ends, shown[-1].exemption.id) if len(rows) > query.top else None)

    answer = await house.store.survey(body)
    return await _written(house, visit, answer) if isinstance(answer, Refused) else answer


async def find_exemption(house: House, visit: Visit, id: str) -> Shown | Refused:
    """One window, whatever became of it. Somebody else's needs READ_EXEMPTIONS, and so does one that does not exist."""

    async def body(tx: Tx) -> Shown | Refused:
        shown = await exemptions.show(tx, ExemptionId(id.rpartition("_")[2]))
        own = shown is not None and shown.exemption.user == visit.caller.user
        refused = judge(Action.READ_SELF if own else Action.READ_EXEMPTIONS, visit.caller, now=visit.now)
        return refused or shown or Refused(Reason.NOT_FOUND)

    answer = await house.store.read(body)
    unheard = isinstance(answer, Refused) and answer.reason is not Reason.NOT_FOUND
    return await _written(house, visit, answer) if unheard and isinstance(answer, Refused) else answer


_NOBODY = UserId("")


async def _whose(tx: Tx, visit: Visit, asked: _Asked, *, mine: bool) -> UserId | None | Refused:
    """Step: whose windows are asked for and may be shown; None for everybody's."""
    own = visit.caller.user
    named = await exemptions.person(tx, asked.principal) if asked.principal is not None else None
    user = own if mine else named.id if named is not None else None
    if mine and asked.principal is not None and (named is None or named.id != own):
        user = _NOBODY
    personal = own is not None and user in (own, _NOBODY) and (mine or named is not None)
    refused = judge(Action.READ_SELF if personal else Action.READ_EXEMPTIONS, visit.caller, now=visit.now)
    if refused is not None:
        return refused
    return _NOBODY if asked.principal is not None and named is None else user


async def _written(house: House, visit: Visit, refused: Refused) -> Refused:
    """Write down that somebody known may not read this."""

    async def body(tx: Tx) -> Refused:
        return await refuse(tx, visit, Action.READ_EXEMPTIONS, refused)

    return await house.store.write(body)


def _asked(expression: Expression | None) -> _Asked | Refused:
    """Person, group and state, each compared by `eq` and joined by `and`."""
    found: dict[str, str] = {}
    rest = [expression] if expression is not None else []
    while rest:
        match rest.pop():
            case And(left, right):
                rest += [left, right]
            case Compare(column, "eq", str(value)) if column not in found:
                found[column] = value
            case _:
                return Refused(Reason.INVALID_VALUE, "Only `eq`, joined by `and`, once each.", field="$filter")
    state = found.get("state")
    if state is not None and state not in tuple(Window):
        return Refused(Reason.INVALID_VALUE, "One of active, ahead, over is needed.", field="$filter")
    return _Asked(found.get("user"), found.get("group"), Window(state) if state is not None else None)


def _place(after: Cursor | None) -> Place | Refused:
    if after is None:
        return TOP
    match after:
        case (int(ends), str(id)) if abs(ends) < 2**63:
            return Place(ends, id)
    return Refused(Reason.INVALID_VALUE, "Use the address in @odata.nextLink as it is.", field="$skiptoken")
