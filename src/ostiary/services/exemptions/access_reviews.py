"""
Access reviews: started over everybody who is eligible, answered one by one, stopped. A *no* takes effect in the same
transaction.
"""

from ostiary.core.access.picture import Picture
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.access_review import LONGEST, Answer, Item, Review, answered, evidence
from ostiary.core.exemptions.eligibility import Loss
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Span, after, days
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.directory.search import FOREIGN_CURSOR
from ostiary.services.exemptions.eligible import lose
from ostiary.services.exemptions.narrowing import position
from ostiary.services.house import House
from ostiary.services.logs.alerts import refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, access_reviews, eligibilities
from ostiary.store.access_reviews import Asked

__all__ = ["answer", "find_answer", "find_review", "list_answers", "list_reviews", "start_review", "stop_review"]

MOST = 5000  # people of one review
NO_REVIEW = Refused(Reason.NOT_FOUND, "There is no such review.")


async def start_review(house: House, visit: Visit, name: str, length: Span, reason: str) -> Review | Refused:
    """
    Ask about everybody who is eligible now; *length* is how long answers are taken.

    Refused: FORBIDDEN and its kin, REASON_REQUIRED, INVALID_VALUE, CONFLICT when nobody is eligible.
    """
    id, made = house.random.guid(), [house.random.guid() for _ in range(MOST)]

    async def body(tx: Tx, picture: Picture) -> Review | Refused:
        why = judge(Action.WRITE_REVIEWS, visit.caller, now=visit.now) or read_reason(reason)
        people = (
            () if isinstance(why, Refused) else await eligibilities.everybody(tx, picture.exception_group, visit.now)
        )
        wrong = why if isinstance(why, Refused) else _wrong(name, length, len(people))
        if wrong is not None or isinstance(why, Refused):
            return await refuse(tx, visit, Action.WRITE_REVIEWS, wrong or NO_REVIEW, target="review:")
        by = visit.caller.actor
        review = Review(id, name, picture.exception_group, visit.now, by, after(visit.now, length))
        items = tuple(
            Item(new, id, each.eligibility.id, evidence(each.eligibility, each.used, visit.now))
            for new, each in zip(made, people, strict=False)
        )
        await access_reviews.add(tx, review, items)
        detail = {"name": tame(name), "people": len(items), "ends": review.ends, "reason": tame(why)}
        await record(tx, visit, Entry(Kind.REVIEW_STARTED, target=f"review:{id}", detail=detail))
        return review

    return await settled(house, body)


def _wrong(name: str, length: Span, people: int) -> Refused | None:
    if not 0 < len(name) <= 256:
        return Refused(Reason.INVALID_VALUE, "A name is needed.", field="displayName")
    if not days(1) <= length <= LONGEST:
        text = "A review is open for 1 to 90 days."
        return Refused(Reason.INVALID_VALUE, text, field="settings.instanceDurationInDays")
    if not 0 < people <= MOST:
        return Refused(Reason.CONFLICT, "Nobody is eligible." if not people else f"More than {MOST} are eligible.")
    return None


async def answer(house: House, visit: Visit, review: str, id: str, decision: Answer, reason: str) -> Asked | Refused:
    """
    Say whether one person stays eligible; a *no* ends the eligibility, and what it gave, at once.

    Refused: FORBIDDEN and its kin (one's own), NOT_FOUND, WRONG_STATE (over), CONFLICT, REASON_REQUIRED.
    """

    async def body(tx: Tx) -> Asked | Refused:
        refused = judge(Action.WRITE_REVIEWS, visit.caller, now=visit.now)
        found, asked = await access_reviews.find(tx, review), await access_reviews.item(tx, review, id)
        if refused is not None or found is None or asked is None:
            return await refuse(tx, visit, Action.WRITE_REVIEWS, refused or NO_REVIEW, target=f"review:{review[:64]}")
        why = answered(found, asked.item, asked.user, decision, reason, visit.caller, now=visit.now)
        if isinstance(why, Refused):
            return await refuse(tx, visit, Action.WRITE_REVIEWS, why, target=f"review:{review}")
        by = visit.caller.actor
        if not await access_reviews.answer(tx, asked.item, decision, why, now=visit.now, by=by):
            return Refused(Reason.CONFLICT, "Somebody else has answered meanwhile.")
        await _write_down(tx, visit, asked, decision, why)
        if decision is Answer.NO:
            shown = await eligibilities.show(tx, asked.item.eligibility)
            if shown is not None:
                await lose(tx, visit, shown.eligibility, Loss.REVIEWED, why)
        return await access_reviews.item(tx, review, id) or NO_REVIEW

    return await house.store.write(body)


async def _write_down(tx: Tx, visit: Visit, asked: Asked, decision: Answer, reason: str) -> None:
    item = asked.item
    detail = {
        "user": asked.user,
        "eligibility": item.eligibility,
        "decision": decision.value,
        "reason": tame(reason),
        "evidence": {
            "since": item.evidence.since, "used": item.evidence.used or 0, "unused": item.evidence.unused,
        },
    }  # fmt: skip
    await record(tx, visit, Entry(Kind.REVIEW_DECIDED, target=f"review:{item.review}", detail=detail))


async def stop_review(house: House, visit: Visit, id: str) -> Review | Refused:
    """Take no more answers. Refused: FORBIDDEN and its kin, NOT_FOUND, CONFLICT when it is over."""

    async def body(tx: Tx) -> Review | Refused:
        refused = judge(Action.WRITE_REVIEWS, visit.caller, now=visit.now)
        found = await access_reviews.find(tx, id)
        if refused is not None or found is None:
            return await refuse(tx, visit, Action.WRITE_REVIEWS, refused or NO_REVIEW, target=f"review:{id[:64]}")
        if not found.open(visit.now) or not await access_reviews.stop(tx, id, now=visit.now):
            return Refused(Reason.CONFLICT, "It is over already.")
        questions = await access_reviews.items(tx, id, after="", most=MOST)
        left = sum(each.item.decision is Answer.NONE for each in questions)
        detail = {"name": tame(found.name), "open": left}
        await record(tx, visit, Entry(Kind.REVIEW_STOPPED, target=f"review:{id}", detail=detail))
        return await access_reviews.find(tx, id) or NO_REVIEW

    return await house.store.write(body)


async def find_review(house: House, visit: Visit, id: str) -> Review | Refused:
    """One review. Refused: FORBIDDEN and its kin, NOT_FOUND."""

    async def body(tx: Tx) -> Review | Refused:
        refused = judge(Action.READ_REVIEWS, visit.caller, now=visit.now)
        return refused or await access_reviews.find(tx, id) or NO_REVIEW

    return await house.store.read(body)


async def list_reviews(house: House, visit: Visit, query: Query) -> Page[Review] | Refused:
    """Reviews, the newest first. Refused: a filter or an order."""
    if query.filter is not None or query.order is not None or query.count:
        return Refused(Reason.INVALID_VALUE, "Reviews come in one order, all of them.", field="$filter")
    place = position(query.after)
    if isinstance(place, Refused):
        return place
    created, id = place

    async def body(tx: Tx) -> Page[Review] | Refused:
        rows = await access_reviews.page(tx, created=created, id=id, most=query.top + 1)
        shown = tuple(rows[: query.top])
        more = len(rows) > query.top
        return judge(Action.READ_REVIEWS, visit.caller, now=visit.now) or Page(
            shown, (shown[-1].created, shown[-1].id) if more else None
        )

    return await house.store.survey(body)


async def list_answers(house: House, visit: Visit, review: str, query: Query) -> Page[Asked] | Refused:
    """What a review asks, and the answers so far."""
    if query.filter is not None or query.order is not None or query.count:
        return Refused(Reason.INVALID_VALUE, "The questions come in one order, all of them.", field="$filter")
    place = query.after or ("",)
    if len(place) != 1 or not isinstance(place[0], str):
        return FOREIGN_CURSOR
    after_ = place[0]

    async def body(tx: Tx) -> Page[Asked] | Refused:
        refused = judge(Action.READ_REVIEWS, visit.caller, now=visit.now)
        if refused is not None or await access_reviews.find(tx, review) is None:
            return refused or NO_REVIEW
        rows = await access_reviews.items(tx, review, after=after_, most=query.top + 1)
        shown = tuple(rows[: query.top])
        return Page(shown, (shown[-1].item.id,) if len(rows) > query.top else None)

    return await house.store.survey(body)


async def find_answer(house: House, visit: Visit, review: str, id: str) -> Asked | Refused:
    """One question and its answer."""

    async def body(tx: Tx) -> Asked | Refused:
        refused = judge(Action.READ_REVIEWS, visit.caller, now=visit.now)
        return refused or await access_reviews.item(tx, review, id) or NO_REVIEW

    return await house.store.read(body)
