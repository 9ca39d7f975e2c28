"""
What the lists of this room share: the question that they take (equality alone, joined by `and`, and a place in their
one order), whose rows it is about, and the entry where somebody may not look.
"""

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.opening import PRINCIPAL_LENGTH
from ostiary.core.graph.query import And, Compare, Cursor, Expression, Query
from ostiary.core.words.ids import UserId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.search import FOREIGN_CURSOR
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.store import Tx
from ostiary.store.exemptions import person
from ostiary.store.place import TOP, Place

__all__ = ["asked", "may_not_look", "position", "whose"]

NOBODY = UserId("")
ONLY_EQUAL = Refused(Reason.INVALID_VALUE, "Only `eq`, joined by `and`, once each.", field="$filter")
ONE_ORDER = Refused(Reason.INVALID_VALUE, "Neither order nor count can be asked for here.", field="$orderby")


def asked(query: Query) -> tuple[dict[str, str], Place] | Refused:
    """What the filter wants of each column, and the place after which the page begins. Refused: everything else."""
    wanted, place = _equalities(query.filter), position(query.after)
    if isinstance(wanted, Refused):
        return wanted
    if isinstance(place, Refused):
        return place
    return ONE_ORDER if query.order is not None or query.count else (wanted, place)


def position(after: Cursor | None) -> Place | Refused:
    """A moment and an id; those of the first page come before all others."""
    match after:
        case None:
            return TOP
        case (int(moment), str(id)) if abs(moment) < 2**63:
            return Place(moment, id)
    return FOREIGN_CURSOR


def _equalities(expression: Expression | None) -> dict[str, str] | Refused:
    """Texts as they are, truth values as filters spell them."""
    found: dict[str, str] = {}
    rest = [expression] if expression is not None else []
    while rest:
        match rest.pop():
            case And(left, right):
                rest += [left, right]
            case Compare(column, "eq", str(value) | bool(value)) if column not in found:
                found[column] = value if isinstance(value, str) else str(value).lower()
            case _:
                return ONLY_EQUAL
    return found


async def whose(tx: Tx, visit: Visit, principal: str | None, action: Action, *, mine: bool) -> UserId | None | Refused:
    """
    Step: whose rows are asked for, None for everybody's, if the caller may see them: one's own need no role, others'
    need *action*.
    """
    own = visit.caller.user
    user = own if mine else None
    if principal is not None:
        named = await person(tx, principal) if len(principal) <= PRINCIPAL_LENGTH else None
        user = named.id if named is not None and (not mine or named.id == own) else NOBODY
    personal = own is not None and (mine or user == own)
    refused = judge(Action.READ_SELF if personal else action, visit.caller, now=visit.now)
    return user if refused is None else refused


async def may_not_look(house: House, visit: Visit, refused: Refused) -> Refused:
    """Write down that somebody known may not read this."""

    async def body(tx: Tx) -> Refused:
        return await refuse(tx, visit, Action.READ_EXEMPTIONS, refused)

    return await house.store.write(body)
