"""
Exemptions as lists: one's own for everybody, all of them for who may read them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.exemption import id_in
from ostiary.core.graph.query import Page, Query
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.narrowing import asked, may_not_look, whose
from ostiary.services.house import House
from ostiary.store import Tx, exemptions
from ostiary.store.exemptions import Shown, Window

__all__ = ["Window", "find_exemption", "list_exemptions"]


@dataclass(frozen=True, slots=True)
class _Narrowed:
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
    question = asked(query)
    if isinstance(question, Refused):
        return question
    narrowed, after = _narrowed(question[0]), question[1]
    if isinstance(narrowed, Refused):
        return narrowed
    shows = narrowed.window or window
    if narrowed.window is not None and window not in (Window.ALL, narrowed.window):
        return Page(())

    async def body(tx: Tx) -> Page[Shown] | Refused:
        user = await whose(tx, visit, narrowed.principal, Action.READ_EXEMPTIONS, mine=mine)
        if isinstance(user, Refused):
            return user
        if narrowed.group not in (None, house.desk.picture.exception_group):
            return Page(())
        rows = await exemptions.page(tx, user=user, window=shows, now=visit.now, after=after, most=query.top + 1)
        shown = tuple(rows[: query.top])
        return Page(shown, (shown[-1].exemption.ends, shown[-1].exemption.id) if len(rows) > query.top else None)

    answer = await house.store.survey(body)
    return await may_not_look(house, visit, answer) if isinstance(answer, Refused) else answer


async def find_exemption(house: House, visit: Visit, id: str) -> Shown | Refused:
    """One window, whatever became of it. Somebody else's needs READ_EXEMPTIONS, and so does one that does not exist."""

    async def body(tx: Tx) -> Shown | Refused:
        shown = await exemptions.show(tx, id_in(id))
        own = shown is not None and shown.exemption.user == visit.caller.user
        refused = judge(Action.READ_SELF if own else Action.READ_EXEMPTIONS, visit.caller, now=visit.now)
        return refused or shown or Refused(Reason.NOT_FOUND)

    answer = await house.store.read(body)
    unheard = isinstance(answer, Refused) and answer.reason is not Reason.NOT_FOUND
    return await may_not_look(house, visit, answer) if unheard and isinstance(answer, Refused) else answer


def _narrowed(wanted: Mapping[str, str]) -> _Narrowed | Refused:
    """Person, group and state."""
    state = wanted.get("state")
    if state is not None and state not in tuple(Window):
        return Refused(Reason.INVALID_VALUE, "One of active, ahead, over is needed.", field="$filter")
    return _Narrowed(wanted.get("user"), wanted.get("group"), Window(state) if state is not None else None)
