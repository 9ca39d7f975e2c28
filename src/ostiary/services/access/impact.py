"""
Whom a policy would have kept out: one that is stored or a draft, asked over the sign-ins of the last days.

Two answers, told apart. What the sign-in log *kept* of a policy says how it was judged then, report-only or enforced.
What it *would* do as it stands now is judged anew by the engine, over the facts of each sign-in's last decision, the
named locations being those of now. Bounded in rows and in time; what was not looked at or could not be judged is said.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ostiary.core.access.cases import read_facts
from ostiary.core.access.compile import Policy, State, compile_policy
from ostiary.core.access.conditions import CONDITIONS, locations, requester_locations
from ostiary.core.access.decision import Outcome, Result
from ostiary.core.access.evaluate import evaluate
from ostiary.core.access.facts import Facts, Treat
from ostiary.core.access.locations import Atlas
from ostiary.core.access.policy_set import PolicySet, compile_set
from ostiary.core.access.remembered import facts_from
from ostiary.core.access.sides import ANY
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.signin_filter import Between, Condition, Place
from ostiary.core.logs.story import Mark, Story
from ostiary.core.logs.telling import Protocol, policies_of
from ostiary.core.words.ids import PolicyId
from ostiary.core.words.instants import Instant, after, days, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.services.access.what_if import decisions_of
from ostiary.services.house import House
from ostiary.services.logs.stories import catch_up
from ostiary.store import Tx, policies, sign_in_pages

__all__ = ["LONGEST", "SHOWN", "Hit", "Impact", "impact", "impact_of_draft"]

MOST_STORIES = 20_000
"""Sign-ins that one question looks at."""
PATIENCE = seconds(2)
"""How long one look lasts; a list may take five seconds in all."""
PAGE = 500
SHOWN = 50
"""Of each list in an answer."""
LONGEST = 90  # days
DEVICE = (Condition("protocol", "eq", (Protocol.DEVICE_CODE,)),)


@dataclass(frozen=True, slots=True)
class Hit:
    """One sign-in that it would have kept out."""

    id: str
    at: Instant
    user: str
    """Id of the person, or of the workload's application."""
    name: str
    why: str
    """What is missing, or ``block``."""
    blocked: bool
    """Nothing could have been brought any more; else more would have been asked for."""


@dataclass(slots=True)
class Impact:
    """What came of the question."""

    policy: Policy
    days: int
    decisions: int = 0
    """Sign-ins that were judged anew."""
    blocked: int = 0
    challenged: int = 0
    unknown: int = 0
    """Of these two, those that are so only because something is not known of the sign-in."""
    unjudged: int = 0
    """Sign-ins of which no facts were kept: nothing was decided about them."""
    truncated: bool = False
    """There are more sign-ins than were looked at; the latest were."""
    people: Counter[tuple[str, str]] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    hits: list[Hit] = field(default_factory=list)
    """The latest of them."""
    kept: Counter[str] = field(default_factory=Counter)
    """What the log says that this policy came to, by result."""
    noes: list[tuple[str, Instant]] = field(default_factory=list)
    """The latest sign-ins to which it said no, or would have, as the log keeps it."""


async def impact(house: House, visit: Visit, id: str, length: int, *, device: bool = False) -> Impact | Refused:
    """
    Policy *id*, as it stands and enforced, over the last *length* days; *device*: over device sign-ins alone.

    Refused: NOT_FOUND, INVALID_VALUE for a length outside 1 to 90 days, and who may not ask.
    """

    async def find(tx: Tx) -> Policy | Refused:
        stored = await policies.find(tx, PolicyId(id))
        return Refused(Reason.NOT_FOUND) if stored is None else compile_policy(stored.id, stored.document).policy

    return await _asked(house, visit, find, length, DEVICE if device else ())


async def impact_of_draft(
    house: House, visit: Visit, document: Mapping[str, Any], length: int, id: str = ""
) -> Impact | Refused:
    """The same of a *document* that was not saved, over device sign-ins; *id*: of the policy that it would become."""

    async def find(tx: Tx) -> Policy | Refused:
        return compile_policy(PolicyId(id), document).policy

    return await _asked(house, visit, find, length, DEVICE)


async def _asked(
    house: House, visit: Visit, find: Callable[[Tx], Any], length: int, which: Sequence[Condition]
) -> Impact | Refused:
    refused = judge(Action.ASK_POLICIES, visit.caller, now=visit.now)
    if refused is not None:
        return refused
    if not 1 <= length <= LONGEST:
        return Refused(Reason.INVALID_VALUE, said("From 1 to %(most)s days.", most=LONGEST), field="$.days")
    await catch_up(house, visit)
    await house.desk.reload()  # a location may be younger than memory
    enough = after(house.clock.steady(), PATIENCE)

    async def look(tx: Tx) -> Impact | Refused:
        policy = await find(tx)
        if isinstance(policy, Refused):
            return policy
        found = Impact(replace(policy, state=State.ENABLED), length)
        judging = _Judging(compile_set((found.policy,)), house.desk.picture.atlas if _places(policy) else None)
        await _walk(tx, found, judging, after(visit.now, days(-length)), which, lambda: house.clock.steady() > enough)
        return found

    return await house.store.survey(look)


@dataclass(frozen=True, slots=True)
class _Judging:
    """By what each sign-in is judged anew."""

    rules: PolicySet
    atlas: Atlas | None
    """None: the policy names no location."""

    def facts(self, kept: Mapping[str, Any]) -> Facts:
        """The facts of a decision; a location may be younger than it."""
        if self.atlas is None:
            return facts_from(kept)
        sides = ("person", "requester")
        return read_facts({**kept, **{side: _anywhere(kept[side]) for side in sides if side in kept}}, self.atlas)


def _anywhere(place: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in place.items() if name not in ("named", "unsure")}


def _places(policy: Policy) -> bool:
    """Whether *policy* turns on named locations."""
    told = dict(zip((each.NAME for each in CONDITIONS), policy.sides, strict=True))
    near = any(control.value == ("sameNamedLocation",) for control in policy.demands)
    return near or any(told[name] != ANY for name in (locations.NAME, requester_locations.NAME))


async def _walk(
    tx: Tx, found: Impact, judging: _Judging, since: Instant, which: Sequence[Condition], late: Callable[[], bool]
) -> None:
    seen = 0
    stretch: Between | None = Between(above=Place(since, ""))
    while stretch is not None and not found.truncated:
        page = await sign_in_pages.page(tx, which, stretch, most=PAGE)
        for story in page.stories:
            _count(found, judging, story)
            seen += 1
        stretch = None if page.more is None else stretch._replace(below=page.more)
        found.truncated = stretch is not None and (seen >= MOST_STORIES or late())


def _count(found: Impact, judging: _Judging, story: Story) -> None:
    """Add one sign-in."""
    _kept(found, story)
    mark = _decision(story)
    if mark is None:
        found.unjudged += 1
        return
    found.decisions += 1
    facts = judging.facts(mark.detail["facts"])
    decision = evaluate(judging.rules, facts, unknown=Treat.STRICT)
    failed = next((one for one in decision.policies if one.result is Result.FAILURE), None)
    if failed is None:
        return
    blocked = decision.outcome is Outcome.BLOCKED
    found.blocked += blocked
    found.challenged += not blocked
    certain = evaluate(judging.rules, facts, unknown=Treat.ENTRA)
    found.unknown += certain.outcome is Outcome.UNJUDGED
    why = ", ".join(failed.missing) or "block"
    user, name = str(facts.user or facts.service_principal), str(mark.detail.get("user_name") or "")
    found.people[user, name] += 1
    found.causes[why] += 1
    if len(found.hits) < SHOWN:
        found.hits.append(Hit(story.id, story.started, user, name, why, blocked))


def _kept(found: Impact, story: Story) -> None:
    """What the log says of this very policy; a refusal at the start names its rules and no ids."""
    stored = bool(found.policy.id)  # a draft has no past
    told = next((each for each in policies_of(story) if stored and _is(found.policy, each)), None)
    if told is None:
        return
    result = str(told.get("result"))
    found.kept[result] += 1
    if result in (Result.FAILURE, Result.REPORT_FAILURE) and len(found.noes) < SHOWN:
        found.noes.append((story.id, story.started))


def _is(policy: Policy, told: Mapping[str, Any]) -> bool:
    return bool(told.get("id") == policy.id or (not told.get("id") and told.get("displayName") == policy.name))


def _decision(story: Story) -> Mark | None:
    """The last decision of *story* whose facts were kept."""
    return next((mark for _, mark in reversed(decisions_of(story))), None)
