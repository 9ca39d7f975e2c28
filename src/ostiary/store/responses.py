"""
What is done about findings: the policy, which findings wait for it, and what was done.
"""

from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, func, insert, select, tuple_, update

from ostiary.core.detections.finding import Cause, Finding, Kept, State
from ostiary.core.detections.response import DEFAULT, Response, ResponsePolicy, policy_document, read_policy
from ostiary.core.detections.risk import of_person, of_sign_in
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.instants import Instant, days, hours
from ostiary.core.words.outcome import Refused
from ostiary.store import Tx
from ostiary.store.detections import find
from ostiary.store.schema import finding_responses as done
from ostiary.store.schema import findings, response_policy
from ostiary.store.sql import sql

__all__ = [
    "CONFIRMED", "DONE", "START", "Answered", "answer", "answers", "lately", "note", "people", "policy", "put_policy",
    "unanswered", "word",
]  # fmt: skip

DONE = "done"
CONFIRMED = "confirmed"
"""Done because an administrator said so: that counts for no bound."""
START = (Instant(-1), "")
"""Before the first that waits."""

_FIND_POLICY = sql(select(response_policy.c.document).where(response_policy.c.id == bindparam("id", 1)))
_ADD_POLICY = sql(
    insert(response_policy).values(id=bindparam("id", 1), document=bindparam("new"), modified=bindparam("now"))
)
_SET_POLICY = sql(
    update(response_policy)
    .where(response_policy.c.id == bindparam("id_", 1), response_policy.c.document == bindparam("old"))
    .values(document=bindparam("new"), modified=bindparam("now"))
)
_UNANSWERED = sql(
    select(findings.c.detected, findings.c.id)
    .where(
        findings.c.answered.is_(None),
        tuple_(findings.c.detected, findings.c.id) > tuple_(bindparam("after"), bindparam("after_id")),
    )
    .order_by(findings.c.detected, findings.c.id)
    .limit(bindparam("most"))
)
_ANSWER = sql(
    update(findings)
    .where(findings.c.id == bindparam("id_"), findings.c.answered.is_(None))
    .values(answered=bindparam("now"))
)
_WORD = sql(
    update(findings)
    .where(
        findings.c.id == bindparam("id_"), findings.c.state == bindparam("old"),
        findings.c.changed == bindparam("old_changed"), findings.c.seen == bindparam("old_seen"),
    )
    .values(
        state=bindparam("new"), changed=bindparam("now"), sign_in_risk=bindparam("sign_in"),
        person_risk=bindparam("person"),
    )
)  # fmt: skip
_NOTE = sql(insert(done).values({name: bindparam(name) for name in ("finding", "response", "at", "outcome")}))
_LATELY = sql(
    select(func.count())
    .select_from(done)
    .where(done.c.response == bindparam("response"), done.c.at > bindparam("since"), done.c.outcome == DONE)
)
_LATELY_OF = sql(
    select(func.count())
    .select_from(done.join(findings, findings.c.id == done.c.finding))
    .where(
        done.c.response == bindparam("response"),
        done.c.at > bindparam("since"),
        done.c.outcome == DONE,
        findings.c.user == bindparam("user"),
    )
)
_PROVED = (
    findings.c.severity == bindparam("severity"), findings.c.at > bindparam("since"),
    findings.c.cause.in_([Cause.PERSON.value, Cause.HOLDER.value]),
    findings.c.state != State.DISMISSED.value,
)  # fmt: skip
_count = select(func.count(findings.c.user.distinct()))
_PEOPLE = sql(_count.where(*_PROVED))
_PEOPLE_OF = sql(_count.where(*_PROVED, findings.c.client == bindparam("client")))
_ANSWERS = sql(
    select(done.c.response, done.c.at, done.c.outcome)
    .where(done.c.finding == bindparam("finding"))
    .order_by(done.c.at, done.c.response)
    .limit(bindparam("most"))
)


class Answered(NamedTuple):
    """What became of one response to a finding."""

    response: Response
    at: Instant
    outcome: str
    """`DONE` or `CONFIRMED`, or why it was held back."""

    @property
    def done(self) -> bool:
        """Whether it was done."""
        return self.outcome in (DONE, CONFIRMED)


def _text(policy_: ResponsePolicy) -> str:
    return orjson.dumps(policy_document(policy_), option=orjson.OPT_SORT_KEYS).decode()


async def policy(tx: Tx) -> ResponsePolicy:
    """What is to be done; the default where nobody ever said anything. Raises BrokenState for one nobody can read."""
    row = await tx.one(_FIND_POLICY)
    if row is None:
        return DEFAULT
    document = orjson.loads(row[0])
    found = read_policy(DEFAULT, document, document.get("rules", ()))
    if isinstance(found, Refused):
        raise BrokenState("the policy for responses cannot be read")
    return found


async def put_policy(tx: Tx, old: ResponsePolicy, new: ResponsePolicy, now: Instant) -> bool:
    """Compare-and-swap: False when it is not *old* any more."""
    if await tx.run(_SET_POLICY, old=_text(old), new=_text(new), now=now) == 1:
        return True
    if await tx.one(_FIND_POLICY) is not None:
        return False
    await tx.run(_ADD_POLICY, new=_text(new), now=now)
    return True


async def unanswered(tx: Tx, most: int, after: tuple[Instant, str] = START) -> list[tuple[Instant, str]]:
    """Findings about which nothing was done yet, by when they were found, beyond *after*: that and the id."""
    rows = await tx.all(_UNANSWERED, most=most, after=after[0], after_id=after[1])
    return [(Instant(detected), str(id)) for detected, id in rows]


async def answer(tx: Tx, id: str, now: Instant) -> Kept | None:
    """Take the finding of that id; None where somebody else has, or it was dismissed before."""
    if await tx.run(_ANSWER, id_=id, now=now) != 1:
        return None
    kept = await find(tx, id)
    return None if kept is None or kept.state is State.DISMISSED else kept


async def word(tx: Tx, kept: Kept, new: State, now: Instant) -> bool:
    """An administrator's word on it, and what it counts for from then on; False when it is not as it was."""
    finding = kept.finding
    return await tx.run(
        _WORD, id_=finding.id, old=kept.state.value, old_changed=kept.changed, old_seen=kept.seen, new=new.value,
        now=now,
        sign_in=of_sign_in(finding.severity, new, finding.cause),
        person=of_person(finding.severity, new, finding.cause),
    ) == 1  # fmt: skip


async def note(tx: Tx, finding: str, response: Response, outcome: str, now: Instant) -> None:
    """Remember what became of *response*: `DONE`, `CONFIRMED`, or why it was held back."""
    await tx.run(_NOTE, finding=finding, response=response.value, at=now, outcome=outcome)


async def answers(tx: Tx, finding: str, most: int) -> list[Answered]:
    """Up to *most* things that were done about *finding*, or held back, the first one first."""
    rows = await tx.all(_ANSWERS, finding=finding, most=most)
    return [Answered(Response(response), Instant(at), str(outcome)) for response, at, outcome in rows]


async def lately(tx: Tx, response: Response, now: Instant, user: str = "") -> int:
    """How often it was done within an hour without anybody's word; where *user* is somebody, about them."""
    values = {"response": response.value, "since": Instant(now - hours(1))}
    row = await tx.one(_LATELY_OF, user=user, **values) if user else await tx.one(_LATELY, **values)
    return int(row[0]) if row else 0


async def people(tx: Tx, finding: Finding, response: Response, now: Instant) -> int:
    """About how many people's own acts such a finding was made within a day; of its application, if that is to stop."""
    values = {"severity": finding.severity.value, "since": Instant(now - days(1))}
    if response is Response.SUSPEND_APPLICATION:
        row = await tx.one(_PEOPLE_OF, client=finding.client, **values)
    else:
        row = await tx.one(_PEOPLE, **values)
    return int(row[0]) if row else 0
