"""
The moments that no entry marks by itself: a reminder, the next in the chain, a request about to lapse, an exemption
about to end, a review that is owed. Derived from rows at *now*, each once: a moment has a key, and who keeps the keys
that were told tells none twice.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.core.exemptions.deciding import People, open_stages
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.exemptions.request import Request
from ostiary.core.exemptions.rules import Rules, Stage
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant, Span, between, days, hours, minutes

__all__ = ["ENDS_SOON", "OWED_SINCE", "Moment", "of_exemption", "of_request", "of_review", "who_matters"]

ENDS_SOON = minutes(10)
"""So long before its end the person is told."""
LAPSES_SOON = hours(1)
"""So long before a request lapses, where it could wait twice as long."""
MOST_DAYS = 14
"""A review that is owed is spoken of once a day, so often."""
OWED_SINCE = days(MOST_DAYS + 7)
"""Reviews of requests that were made longer ago are not spoken of: those exemptions were over a week later at most."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that time did."""

    key: str
    kind: Kind
    detail: Mapping[str, Any]


def _asks_next(stage: Stage, waited: Span) -> bool:
    return stage.escalates is not None and waited >= stage.escalates and not stage.escalation.nobody()


def who_matters(request: Request, rules: Rules, now: Instant) -> bool:
    """Whether what is due of *request* depends on who decided it: those have to be looked up then."""
    waited = between(request.created, now)
    return bool(request.decisions) and any(_asks_next(stage, waited) for stage in rules.stages)


def of_request(request: Request, rules: Rules, people: People, *, remind: Span, now: Instant) -> Iterator[Moment]:
    """What is due of a request that waits; *remind*: after how long those who may decide it are reminded."""
    if not request.open(now):
        return
    waited, left, user = between(request.created, now), between(now, request.ends), {"user": request.user}
    for at in open_stages(request, rules, people):
        if _asks_next(rules.stages[at], waited):
            yield Moment(f"escalated:{request.id}:{at}", Kind.REQUEST_ESCALATED, {**user, "stage": at})
    if waited >= remind:
        yield Moment(f"reminded:{request.id}", Kind.REQUEST_REMINDED, user)
    if left <= LAPSES_SOON and between(request.created, request.ends) >= Span(2 * LAPSES_SOON):
        yield Moment(f"lapses:{request.id}", Kind.REQUEST_LAPSES_SOON, {**user, "ends": request.ends})


def of_exemption(exemption: Exemption, now: Instant) -> Moment | None:
    """That it ends within ten minutes; another end, another moment. One that waits for its first use has no clock."""
    if not exemption.active(now) or exemption.waits is not None or between(now, exemption.ends) > ENDS_SOON:
        return None
    detail = {"user": exemption.user, "ends": exemption.ends}
    return Moment(f"ends:{exemption.id}:{exemption.ends}", Kind.EXEMPTION_ENDS_SOON, detail)


def of_review(request: Request, exemption: Exemption | None, now: Instant) -> Moment | None:
    """That the review of a break-glass exemption is owed: at its end, and once a day for two weeks."""
    if exemption is None or not request.owes_review() or now < exemption.over():
        return None
    day = between(exemption.over(), now) // days(1)
    detail = {"user": request.user, "days": day}
    return Moment(f"owed:{request.id}:{day}", Kind.REVIEW_OWED, detail) if day < MOST_DAYS else None
