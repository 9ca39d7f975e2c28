"""
`/identityGovernance/accessReviews/definitions`: is it still right who is eligible? Each review has one instance.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.exemptions.access_review import Answer
from ostiary.core.graph.access_review import BASE, DECISION, DEFINITION, INSTANCE, ShownReview
from ostiary.core.graph.query import Page
from ostiary.core.words.instants import days
from ostiary.core.words.outcome import Refused
from ostiary.services.exemptions.access_reviews import (
    answer,
    find_answer,
    find_review,
    list_answers,
    list_reviews,
    start_review,
    stop_review,
)
from ostiary.web.graph.resource import Call, Gives, Path, acting, changing, creating, listing, reading

__all__ = ["PATHS"]

_READ, _WRITE = Action.READ_REVIEWS, Action.WRITE_REVIEWS
_USUAL = 14  # days


async def _start(call: Call) -> Any:
    length = days(min(call.changes.get("days", _USUAL), 10_000))
    made = await start_review(call.house, call.visit, call.changes["name"], length, call.reason)
    return made if isinstance(made, Refused) else ShownReview(made, call.visit.now)


async def _list(call: Call) -> Any:
    page = await list_reviews(call.house, call.visit, call.query)
    if isinstance(page, Refused):
        return page
    return Page(tuple(ShownReview(each, call.visit.now) for each in page.items), page.next)


def _review(call: Call) -> str:
    """The review of the address; none's id where the instance is not the one that it has."""
    id = call.path["id"]
    return id if call.path.get("instance", id) == id else ""


async def _one(call: Call) -> Any:
    found = await find_review(call.house, call.visit, _review(call))
    return found if isinstance(found, Refused) else ShownReview(found, call.visit.now)


async def _instances(call: Call) -> Any:
    found = await _one(call)
    return found if isinstance(found, Refused) else Page((found,))


async def _stop(call: Call) -> Any:
    return await stop_review(call.house, call.visit, _review(call))


async def _answers(call: Call) -> Any:
    return await list_answers(call.house, call.visit, _review(call), call.query)


async def _answer(call: Call) -> Any:
    decision = Answer(call.changes.get("decision", Answer.NONE))
    why = call.changes.get("why") or ""
    return await answer(call.house, call.visit, _review(call), call.path["decision"], decision, why)


async def _find(call: Call) -> Any:
    return await find_answer(call.house, call.visit, _review(call), call.path["decision"])


_ONE = f"/{BASE}/{{id}}"
_INSTANCE = _ONE + "/instances/{instance}"
PATHS: tuple[Path, ...] = (
    Path(f"/{BASE}", (listing(DEFINITION, _READ, _list), creating(DEFINITION, _WRITE, _start, "Start a review"))),
    Path(_ONE, (reading(DEFINITION, _READ, _one),)),
    Path(f"{_ONE}/instances", (listing(INSTANCE, _READ, _instances),)),
    Path(_INSTANCE, (reading(INSTANCE, _READ, _one),)),
    Path(f"{_INSTANCE}/stop", (acting(_WRITE, _stop, "Stop a review", gives=Gives.NOTHING),)),
    Path(f"{_INSTANCE}/decisions", (listing(DECISION, _READ, _answers, "List the questions and answers"),)),
    Path(
        f"{_INSTANCE}/decisions/{{decision}}",
        (
            reading(DECISION, _READ, _find, "Get one question"),
            changing(DECISION, _WRITE, _answer, "Answer one question"),
        ),
    ),
)
