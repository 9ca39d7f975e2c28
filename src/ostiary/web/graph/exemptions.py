"""
`/identityGovernance/privilegedAccess/group`: exemptions in the words of PIM for Groups.

A request opens (`adminAssign`) or ends (`adminRemove`, `selfDeactivate`); schedules and instances show what stands. Who
may what is the deeds' to judge, because it depends on whose exemption it is.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.exemption import INSTANCE, REQUEST, SCHEDULE, Assignment, Ending, Wish, read_request
from ostiary.core.graph.fields import Shape
from ostiary.core.graph.query import Page
from ostiary.core.words.outcome import Refused
from ostiary.services.exemptions.end import end_exemption, end_exemptions_of
from ostiary.services.exemptions.list import Window, find_exemption, list_exemptions
from ostiary.services.exemptions.open import open_exemption, try_opening
from ostiary.web.graph.resource import Call, Operation, Path, creating, listing, reading

__all__ = ["PATHS"]

_MAY_WRITE = (Action.OPEN_EXEMPTION, Action.END_EXEMPTION, Action.END_OWN)
_MAY_READ = (Action.READ_EXEMPTIONS, Action.READ_SELF)


async def _request(call: Call) -> Assignment | Refused:
    """POST of a request."""
    group = call.house.desk.picture.exception_group
    asked = read_request(call.changes, exception_group=group, now=call.visit.now)
    if isinstance(asked, Refused):
        return asked
    return await (_open(call, asked) if isinstance(asked, Wish) else _end(call, asked))


async def _open(call: Call, wish: Wish) -> Assignment | Refused:
    deed = try_opening if wish.trial else open_exemption
    shown = await deed(call.house, call.visit, wish.opening)
    return shown if isinstance(shown, Refused) else replace(_assignment(shown, call), trial=wish.trial)


async def _end(call: Call, ending: Ending) -> Assignment | Refused:
    """The answer shows one of those that were ended."""
    if ending.id is not None:
        shown = await end_exemption(call.house, call.visit, ending.id, ending.reason)
        return shown if isinstance(shown, Refused) else _assignment(shown, call, ending.action)
    ended = await end_exemptions_of(call.house, call.visit, ending.principal, ending.reason)
    return ended if isinstance(ended, Refused) else _assignment(ended[0], call, ending.action)


def _assignment(shown: Any, call: Call, action: str = "adminAssign") -> Assignment:
    return Assignment(shown.exemption, shown.principal_name, shown.display_name, call.visit.now, action)


def _lister(window: Window, *, mine: bool = False) -> Callable[[Call], Awaitable[Page[Assignment] | Refused]]:
    async def run(call: Call) -> Page[Assignment] | Refused:
        page = await list_exemptions(call.house, call.visit, call.query, window, mine=mine)
        if isinstance(page, Refused):
            return page
        return Page(tuple(_assignment(shown, call) for shown in page.items), page.next, page.count)

    return run


async def _one(call: Call) -> Assignment | Refused:
    shown = await find_exemption(call.house, call.visit, call.path["id"])
    return shown if isinstance(shown, Refused) else _assignment(shown, call)


def _paths(shape: Shape[Assignment], window: Window, *more: Operation) -> tuple[Path, ...]:
    base = f"/{shape.name}"
    own = f"{base}/filterByCurrentUser(on='principal')"
    return (
        Path(own, (listing(shape, Action.READ_SELF, _lister(window, mine=True), "List one's own"),)),
        Path(base, (listing(shape, _MAY_READ, _lister(window)), *more)),
        Path(base + "/{id}", (reading(shape, _MAY_READ, _one),)),
    )


PATHS: tuple[Path, ...] = (
    *_paths(REQUEST, Window.ALL, creating(REQUEST, _MAY_WRITE, _request, "Open or end exemptions")),
    *_paths(SCHEDULE, Window.STANDING),
    *_paths(INSTANCE, Window.ACTIVE),
)
