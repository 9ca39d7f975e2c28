"""
What administrators say of findings: it is what it looks like, or it is harmless. And the policy for responses.

Confirming does at once what the policy says of confirmed findings; dismissing takes away what a finding counts for, and
needs a reason. Both may be taken back by the other.
"""

from collections.abc import Mapping
from typing import Any

from ostiary.core.detections.finding import Kept, Severity, State
from ostiary.core.detections.response import ResponsePolicy, policy_document, read_policy, version_of, weakened
from ostiary.core.detections.rules import BY_ID
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.etag import ANY, Seen
from ostiary.core.graph.finding import ShownFinding
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import Stale
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.detections.list import find_finding
from ostiary.services.detections.respond import Effects, answered, tell
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert, refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, detections, directory, responses

__all__ = ["CAME_AGAIN", "alone_may", "change_responses", "concerns", "confirm", "dismiss", "look_at_responses", "say"]

POLICY = "responses:policy"
FINDING_DISMISSED = "finding_dismissed"
"""What the alert is about."""
CAME_AGAIN = Refused(Reason.CONFLICT, "It came again, or was changed, since you looked: see what it says now.")
_KINDS = {State.CONFIRMED: Kind.FINDING_CONFIRMED, State.DISMISSED: Kind.FINDING_DISMISSED}


async def confirm(house: House, visit: Visit, id: str, reason: str = "") -> ShownFinding | Refused:
    """
    It is what it looks like: what policy says of confirmed findings is done at once. Refused: FORBIDDEN and its kin,
    NOT_FOUND, WRONG_STATE where it is confirmed, CONFLICT, REASON_REQUIRED for a reason that is none.
    """
    why = read_reason(reason) if reason else ""
    effects = Effects()

    async def body(tx: Tx) -> Refused | None:
        effects.codes.clear()  # it may run again
        kept = await _said(tx, visit, id, why, State.CONFIRMED)
        if isinstance(kept, Refused):
            return kept
        await responses.answer(tx, id, visit.now)  # this is the answer
        await answered(house, tx, visit, kept, effects, confirmed=True)
        return None

    try:
        refused = await house.store.write(body)
    except Stale:  # what it is about moved meanwhile: nothing was done
        return Refused(Reason.CONFLICT)
    if refused is not None:
        return refused
    await tell(house, effects)
    return await find_finding(house, visit, id)


async def dismiss(house: House, visit: Visit, id: str, reason: str, *, seen: Seen = ANY) -> ShownFinding | Refused:
    """
    It is harmless: it counts for nobody's risk any more. One of high severity is an alert then. *seen*: the version of
    the finding (`Kept.version`) that somebody had before their eyes when they said so. Refused: FORBIDDEN and its kin,
    also to whom it concerns while there is another administrator (an alert where there is none), NOT_FOUND, WRONG_STATE
    where it is dismissed, REASON_REQUIRED, CONFLICT where it is not as it was seen.
    """
    why = read_reason(reason)

    async def body(tx: Tx) -> Kept | Refused:
        return await _said(tx, visit, id, why, State.DISMISSED, seen)

    said = await house.store.write(body)
    return said if isinstance(said, Refused) else await find_finding(house, visit, id)


async def _said(tx: Tx, visit: Visit, id: str, why: str | Refused, new: State, seen: Seen = ANY) -> Kept | Refused:
    """Step: the finding, after an administrator's word on it; of the version *seen*, where one is named."""
    target = f"finding:{id[:64]}"
    may = judge(Action.TRIAGE_FINDINGS, visit.caller, now=visit.now) or why
    if isinstance(may, Refused):
        return await refuse(tx, visit, Action.TRIAGE_FINDINGS, may, target=target)
    kept = await detections.find(tx, id)
    if kept is None:
        return Refused(Reason.NOT_FOUND)
    if kept.state is new:
        there = "It is dismissed already." if new is State.DISMISSED else "It is confirmed already."
        return Refused(Reason.WRONG_STATE, there)
    if not seen.allows(kept.version):
        return CAME_AGAIN
    finding, own = kept.finding, new is State.DISMISSED and concerns(kept, visit)
    if own and (refused := await alone_may(tx)) is not None:
        return await refuse(tx, visit, Action.TRIAGE_FINDINGS, refused, target=target)
    if not await say(tx, visit, kept, new, may):
        return Refused(Reason.CONFLICT)
    if new is State.DISMISSED and (own or finding.severity is Severity.HIGH):
        about = "a finding about themselves" if own else "a finding of high severity"
        text = f"{visit.caller.name} dismissed {about}: {finding.sentence}"
        await alert(tx, visit, about=FINDING_DISMISSED, text=text, target=target, story=finding.story)
    return kept


async def alone_may(tx: Tx) -> Refused | None:
    """Step: why nobody may say of themselves that it is harmless; None: there is no other administrator to ask."""
    if await directory.administrators(tx) > 1:
        return Refused(Reason.FORBIDDEN, "It is about you: another administrator must say that it is harmless.")
    return None


async def say(tx: Tx, visit: Visit, kept: Kept, new: State, why: str, *, number: int | None = None) -> bool:
    """Step: an administrator's word on *kept*, with its entry; False when it moved meanwhile."""
    finding = kept.finding
    if not await responses.word(tx, kept, new, visit.now):
        return False
    detail = {
        "rule": finding.rule, "severity": finding.severity.value, "user": finding.user, "before": kept.state.value,
        "reason": why,
    }  # fmt: skip
    entry = Entry(_KINDS[new], target=f"finding:{finding.id}", story=finding.story, detail=detail)
    await record(tx, visit, entry, number=number)
    return True


def concerns(kept: Kept, visit: Visit) -> bool:
    """Whether it is about the caller, or about what the caller did: then another one must call it harmless."""
    finding, caller = kept.finding, visit.caller
    return (caller.user is not None and finding.user == caller.user) or finding.evidence.get("by") == caller.actor


async def look_at_responses(house: House, visit: Visit) -> ResponsePolicy | Refused:
    """What is done about findings."""
    refused = judge(Action.READ_POLICIES, visit.caller, now=visit.now)

    async def body(tx: Tx) -> ResponsePolicy | Refused:
        return refused or await responses.policy(tx)

    return await house.store.read(body)


async def change_responses(
    house: House, visit: Visit, changes: Mapping[str, Any], reason: str, *, seen: Seen = ANY
) -> ResponsePolicy | Refused:
    """
    Change what is done about findings. What is done no more is an alert. *seen*: the version of the policy that the
    change was made from, where somebody had it before their eyes. Refused: FORBIDDEN and its kin, INVALID_VALUE,
    REASON_REQUIRED, PRECONDITION_FAILED.
    """
    refused = judge(Action.TRIAGE_FINDINGS, visit.caller, now=visit.now)

    async def body(tx: Tx) -> ResponsePolicy | Refused:
        old, why = await responses.policy(tx), read_reason(reason)
        new = refused or (why if isinstance(why, Refused) else read_policy(old, changes, BY_ID))
        if isinstance(new, Refused):
            return await refuse(tx, visit, Action.TRIAGE_FINDINGS, new, target=POLICY)
        if not seen.allows(version_of(old)):
            moved = Refused(Reason.PRECONDITION_FAILED, "Somebody changed it meanwhile: look at what stands there now.")
            return await refuse(tx, visit, Action.TRIAGE_FINDINGS, moved, target=POLICY)
        if not await responses.put_policy(tx, old, new, visit.now):
            return Refused(Reason.CONFLICT)
        less = weakened(old, new)
        detail = {
            "before": policy_document(old), "after": policy_document(new), "weakened": list(less), "reason": why,
        }  # fmt: skip
        await record(tx, visit, Entry(Kind.RESPONSES_CHANGED, target=POLICY, detail=detail))
        if less:
            text = f"{visit.caller.name} has less done about findings: {'; '.join(less)}."
            await alert(tx, visit, about="guardrail_weakened", text=text, target=POLICY)
        return new

    return await house.store.write(body)
