"""
Questions to policy that change nothing: what if somebody signed in so, and why was a sign-in decided as it was.

Both run the engine's own functions; the second over the facts that the journal kept, with the policies of that time.
"""

from collections.abc import Mapping
from typing import Any

from ostiary.core.access.cases import read_facts
from ostiary.core.access.compile import compile_policy
from ostiary.core.access.decision import Result
from ostiary.core.access.evaluate import evaluate, explain
from ostiary.core.access.facts import Facts, Treat
from ostiary.core.access.picture import Picture
from ostiary.core.access.policy_set import PolicySet, compile_set
from ostiary.core.access.remembered import facts_document, facts_from
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.error import Invalid, Problem
from ostiary.core.graph.fields import render
from ostiary.core.graph.policy import POLICY
from ostiary.core.graph.what_if import Thought, analysis, explained, read_thought
from ostiary.core.logs.story import Mark, Story
from ostiary.core.words.ids import AppId, UserId
from ostiary.core.words.instants import Instant, to_iso
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.access.workloads import workload_facts
from ostiary.services.house import House
from ostiary.services.logs.stories import catch_up
from ostiary.store import Tx, policies, stories
from ostiary.store.access import known_of


async def what_if(house: House, visit: Visit, body: Mapping[str, Any]) -> dict[str, Any] | Refused | Invalid:
    """Graph's `evaluate`: every policy over a sign-in that is only thought of."""
    refused = judge(Action.ASK_POLICIES, visit.caller, now=visit.now)
    if refused is not None:
        return refused
    thought = read_thought(body)
    if isinstance(thought, Invalid):
        return thought

    async def look(tx: Tx, picture: Picture) -> dict[str, Any] | Refused | Invalid:
        who = _workload(picture, thought) if thought.client else await _person(tx, picture, thought, visit.now)
        if isinstance(who, Refused):
            return who
        facts = _facts(picture, thought, who)
        if isinstance(facts, Invalid):
            return facts
        documents: dict[str, dict[str, Any]] = {p.id: render(POLICY.fields, p) for p in await policies.everything(tx)}
        decision = evaluate(picture.policies, facts, unknown=Treat.STRICT)
        told = explain(picture.policies, facts)
        return analysis(decision, told, documents, _doubts(picture.policies, facts), applied_only=thought.applied_only)

    return await settled(house, look, write=False)


async def _person(tx: Tx, picture: Picture, thought: Thought, now: Instant) -> dict[str, Any] | Refused:
    """Step: what is known of the person."""
    known = await known_of(tx, UserId(thought.user), now)
    if known is None:
        return Refused(Reason.NOT_FOUND, "There is no such user.", field="$.signInIdentity.userId")
    user, groups, _ = known
    groups |= {picture.exception_group} if thought.exemption else frozenset()
    return {"user": user.id, "groups": sorted(groups), "roles": sorted(role.value for role in user.roles)}


def _workload(picture: Picture, thought: Thought) -> dict[str, Any] | Refused:
    """What is known of an application that asks alone. Its one place counts on both sides, as when it really asks."""
    client = picture.applications.get(AppId(thought.client.lower()))
    if client is None:
        text = "There is no such application."
        return Refused(Reason.NOT_FOUND, text, field="$.signInIdentity.servicePrincipalId")
    place = thought.facts.get("person")
    return facts_document(workload_facts(client)) | ({} if place is None else {"requester": place})


def _facts(picture: Picture, thought: Thought, who: Mapping[str, Any]) -> Facts | Invalid:
    """The sign-in's facts: named locations from addresses, unless the question names them."""
    try:
        return read_facts({**who, **thought.facts}, picture.atlas)
    except ValueError as wrong:
        return Invalid((Problem("$.ostiary.facts", str(wrong)),))


def _doubts(rules: PolicySet, facts: Facts) -> dict[str, str]:
    """By policy, the condition that turns on something unknown."""
    return {one.id: one.condition for one in explain(rules, facts, unknown=Treat.ENTRA) if one.result is Result.UNKNOWN}


async def explain_sign_in(house: House, visit: Visit, id: str) -> dict[str, Any] | Refused:
    """
    Each decision of one sign-in, recomputed from the facts that were kept and the policies as they were: every policy,
    also those that did not apply, with the condition that decided. Of a step that came often (refreshes) the first and
    the last.
    """
    await catch_up(house, visit)

    async def look(tx: Tx) -> dict[str, Any] | Refused:
        kept = await stories.load(tx, id)
        if kept is None:
            return Refused(Reason.NOT_FOUND)
        rules: dict[int, PolicySet] = {}
        steps = []
        for kind, mark in decisions_of(kept.story):
            version = int(mark.detail["policy_version"])
            if version not in rules:
                documents = await policies.at_version(tx, version)
                rules[version] = compile_set(compile_policy(*one).policy for one in documents)
            steps.append(_step(kind, Instant(mark.at), mark.detail, rules[version]))
        return {"id": id, "value": steps}

    return await house.store.survey(look)


def decisions_of(story: Story) -> list[tuple[str, Mark]]:
    """Kinds and marks of the entries of *story* whose facts were kept, in their order."""
    marks = {mark.place: (kind, mark) for part in (story.first, story.last) for kind, mark in part.items()}
    return [found for _, found in sorted(marks.items(), key=lambda item: item[0]) if "facts" in found[1].detail]


def _step(kind: str, at: Instant, detail: Mapping[str, Any], rules: PolicySet) -> dict[str, Any]:
    facts = facts_from(detail["facts"])
    decision = evaluate(rules, facts, unknown=Treat.STRICT)
    return {
        "activityDateTime": to_iso(at),
        "step": kind,
        "outcome": decision.outcome.value,
        "recordedOutcome": detail.get("outcome"),
        "policyVersion": detail["policy_version"],
        "missing": list(decision.missing),
        "facts": facts_document(facts),
        "policies": [explained(one) for one in explain(rules, facts)],
    }
