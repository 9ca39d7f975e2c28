"""
One sign-in as its whole story: Graph's `signIn`, and under `ostiary` the request for the exemption that let it through,
and every step from that request to the end of what the sign-in gave.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.exemptions.request import Phase, Request
from ostiary.core.graph.exemption_request import REQUEST, Asking
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.graph.signin import SIGN_IN
from ostiary.core.logs.kinds import Kind as Was
from ostiary.core.logs.steps import Step
from ostiary.core.logs.telling import Telling

__all__ = ["SIGN_IN_STORY", "Whole", "whole"]

ENDED = "ended"
"""The step that is no entry: the end of what the sign-in gave, which is derived (R8)."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A sign-in with all that led to it and came of it."""

    telling: Telling
    asking: Asking | None
    """The request for its exemption, with the decisions on it; None: it used none, or it is not known any more."""
    steps: tuple[Step, ...]
    """In order of time."""


def whole(telling: Telling, own: list[Step], asking: Asking | None) -> Whole:
    """*telling* with its *own* steps among those of the request and of the end."""
    around = [] if asking is None else list(_of_request(asking.request, asking.given))
    if telling.ended is not None:
        around.append(Step(telling.ended, ENDED, "", why=telling.end_cause))
    steps = sorted([*around, *own], key=lambda step: step.at)
    names = _names(telling, asking) | {step.by: step.name for step in steps if step.name}
    return Whole(telling, asking, tuple(replace(step, name=step.name or names.get(step.by, "")) for step in steps))


def _names(telling: Telling, asking: Asking | None) -> dict[str, str]:
    """What people are called whose steps do not say it: the person of the sign-in, and that of the request."""
    found = {f"user:{telling.user}": telling.user_name}
    return found if asking is None else {f"user:{asking.request.user}": asking.principal_name} | found


def _of_request(request: Request, given: Exemption | None) -> Iterator[Step]:
    yield Step(request.created, Was.REQUEST_MADE, request.by, address=request.address, why=request.reason)
    for said in request.decisions:
        yield Step(said.at, Was.REQUEST_DECIDED, f"user:{said.by}", said.name, why=said.reason, methods=said.methods)
    if request.decided is not None:
        by_rule = f"rule:{request.auto}" if request.auto else ""
        decided = Was.REQUEST_APPROVED if request.phase is Phase.APPROVED else Was.REQUEST_DECIDED
        yield Step(request.decided, decided, by_rule or request.decided_by, why=request.phase.value)
    if given is not None and given.waits is None:
        yield Step(given.starts, Was.EXEMPTION_BEGUN, f"user:{given.user}")
    if request.reviewed is not None:
        yield Step(request.reviewed, Was.BREAK_GLASS_REVIEWED, request.reviewed_by, why=request.review)


_STEP: tuple[Field[Step], ...] = (
    Field("activityDateTime", Kind.MOMENT, lambda s: s.at),
    Field("step", Kind.ID, lambda s: s.kind, doc="A kind of the journal, or `ended`."),
    Field("by", Kind.ID, lambda s: s.by or None),
    Field("displayName", Kind.STRING, lambda s: s.name or None),
    Field("ipAddress", Kind.ID, lambda s: s.address or None),
    Field("reason", Kind.STRING, lambda s: s.why or None),
    Field("authenticationMethods", Kind.STRINGS, lambda s: s.methods),
    Field("uniqueTokenIdentifier", Kind.ID, lambda s: s.token or None),
    Field("policyVersion", Kind.INTEGER, lambda s: s.policy_version),
    Field("count", Kind.INTEGER, lambda s: s.count, doc="How many of the kind; only the first and last are steps."),
)


def _of_telling(field: Field[Telling]) -> Field[Whole]:
    read = field.get or (lambda telling: telling)

    def get(whole: Whole) -> Any:
        return read(whole.telling)

    return replace(field, get=get)  # type: ignore[arg-type,return-value]


def _with_story(field: Field[Telling]) -> Field[Whole]:
    if field.name != "ostiary":
        return _of_telling(field)
    more: tuple[Field[Whole], ...] = (
        Field("request", Kind.OBJECT, lambda w: w.asking, fields=REQUEST.fields, doc="What the exemption came of."),
        Field("story", Kind.OBJECTS, lambda w: w.steps, fields=_STEP, doc="From the request to the end."),
    )
    return replace(field, fields=(*map(_of_telling, field.fields), *more))  # type: ignore[return-value]


SIGN_IN_STORY: Shape[Whole] = Shape(SIGN_IN.name, SIGN_IN.type, tuple(map(_with_story, SIGN_IN.fields)))
"""What one sign-in is shown as; lists have no room for it."""
