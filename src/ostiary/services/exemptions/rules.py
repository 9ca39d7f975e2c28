"""
The rules of a group: read, and changed one by one; compiled before they are saved, all errors at once.

Who leaves the group less guarded than before says why, and raises an alert.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.core.access.picture import Picture
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.compile_approval import with_kinds
from ostiary.core.exemptions.compile_rules import Compiled, compile_rules
from ostiary.core.exemptions.rule_documents import DEFAULTS, RULE_IDS, policy_id
from ostiary.core.exemptions.rules import Rules
from ostiary.core.exemptions.weakening import weakened
from ostiary.core.graph.error import Invalid, Problem
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import BrokenState
from ostiary.core.words.ids import GroupId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import OPENINGS, settled, touch
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert, refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, eligibilities
from ostiary.store.eligibilities import StoredRules

__all__ = ["ShownRules", "change_rule", "current", "find_rules"]


@dataclass(frozen=True, slots=True)
class ShownRules:
    """The rules of a group as they are in force: documents in Graph's order."""

    group: GroupId
    documents: tuple[Mapping[str, Any], ...]
    modified: Instant | None
    modified_by: str


async def current(tx: Tx, group: GroupId) -> Rules:
    """Step: the rules of *group* in force now. Raises BrokenState when what was saved cannot be read: nothing opens."""
    stored = await eligibilities.rules(tx, group)
    compiled = compile_rules(stored.documents)
    if compiled.problems:
        raise BrokenState(f"the rules of {group} cannot be read: {compiled.problems[0].path}")
    return compiled.rules


async def find_rules(house: House, visit: Visit, id: str) -> ShownRules | Refused:
    """The rules of the policy *id*. Refused: FORBIDDEN and its kin, NOT_FOUND."""

    async def body(tx: Tx, picture: Picture) -> ShownRules | Refused:
        group = picture.exception_group
        refused = judge(Action.READ_RULES, visit.caller, now=visit.now)
        if refused is not None or id != policy_id(group):
            return refused or Refused(Reason.NOT_FOUND)
        return _shown(group, await eligibilities.rules(tx, group))

    return await settled(house, body, write=False)


def _shown(group: GroupId, stored: StoredRules) -> ShownRules:
    documents = tuple(stored.documents.get(id, DEFAULTS[id]) for id in RULE_IDS)
    return ShownRules(group, documents, stored.modified, stored.modified_by)


async def change_rule(
    house: House, visit: Visit, id: str, rule: str, changes: Mapping[str, Any], reason: str = ""
) -> ShownRules | Refused | Invalid:
    """
    Put *changes* into one rule, property by property (what stands under `ostiary` and `setting` is merged).

    Invalid: everything that cannot be enforced, with its path. Refused: FORBIDDEN and its kin, NOT_FOUND,
    REASON_REQUIRED where the group is guarded less than before, CONFLICT.
    """

    async def body(tx: Tx, picture: Picture) -> ShownRules | Refused | Invalid:
        group, target = picture.exception_group, f"group:{picture.exception_group}"
        why = judge(Action.WRITE_RULES, visit.caller, now=visit.now) or (read_reason(reason) if reason else "")
        if isinstance(why, Refused):
            return await refuse(tx, visit, Action.WRITE_RULES, why, target=target)
        if id != policy_id(group) or rule not in RULE_IDS:
            return Refused(Reason.NOT_FOUND)
        stored = await eligibilities.rules(tx, group)
        before = stored.documents.get(rule, DEFAULTS[rule])
        after = _merged(before, changes)
        compiled = compile_rules({**stored.documents, rule: after})
        wrong = _wrong(stored, compiled, why)
        if wrong is not None:
            first = wrong if isinstance(wrong, Refused) else _first(wrong)
            await refuse(tx, visit, Action.WRITE_RULES, first, target=target)
            return wrong
        documents = {**stored.documents, rule: after}
        if not await eligibilities.save_rules(tx, group, stored, documents, now=visit.now, by=visit.caller.actor):
            return Refused(Reason.CONFLICT)
        less = weakened(compile_rules(stored.documents).rules, compiled.rules)
        await _write_down(tx, visit, group, rule, before, after, less, why)
        await touch(tx, OPENINGS)
        return _shown(group, await eligibilities.rules(tx, group))

    return await settled(house, body)


def _merged(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    new = dict(old)
    for name, value in changes.items():
        before = new.get(name)
        both = name in ("ostiary", "setting") and isinstance(before, dict) and isinstance(value, dict)
        new[name] = with_kinds({**before, **value} if both and isinstance(before, dict) else value)
    return new


def _wrong(stored: StoredRules, compiled: Compiled, why: str) -> Refused | Invalid | None:
    if compiled.problems:
        return Invalid(tuple(Problem(p.path, p.message) for p in compiled.problems))
    less = weakened(compile_rules(stored.documents).rules, compiled.rules)
    if less and not why:
        return Refused(Reason.REASON_REQUIRED, f"This guards less ({'; '.join(less)[:300]}): say why.", field="reason")
    return None


def _first(wrong: Invalid) -> Refused:
    return Refused(Reason.INVALID_VALUE, wrong.problems[0].message, field=wrong.problems[0].path)


async def _write_down(
    tx: Tx, visit: Visit, group: GroupId, rule: str, before: Mapping[str, Any], after: Mapping[str, Any],
    less: tuple[str, ...], reason: str,
) -> None:  # fmt: skip
    """Step: the entry with both documents, and the alert when the group is guarded less."""
    target = f"group:{group}"
    detail = {
        "rule": rule, "before": dict(before), "after": dict(after), "weakened": list(less), "reason": tame(reason),
    }  # fmt: skip
    await record(tx, visit, Entry(Kind.EXEMPTION_RULES_CHANGED, target=target, detail=detail))
    if less:
        text = f"{visit.caller.name} weakened the rules of exemptions: {'; '.join(less)}."
        await alert(tx, visit, about="guardrail_weakened", text=text, target=target)
