"""
`/policies/roleManagementPolicies` and their assignments: the rules of the exception group, changed one by one.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.exemptions.rule_documents import policy_id
from ostiary.core.graph.exemption_rules import POLICY, POLICY_ASSIGNMENT, RULE, OneRule
from ostiary.core.graph.fields import Shape
from ostiary.core.graph.query import And, Compare, Page
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.exemptions.rules import change_rule, find_rules
from ostiary.web.graph.resource import Call, Path, changing, listing, reading

__all__ = ["PATHS"]

_READ = Action.READ_RULES
_FIXED = {"scope": "Group", "role": "member"}


async def _list(call: Call) -> Any:
    """The one policy there is, if it is what the filter asks for."""
    group = call.house.desk.picture.exception_group
    wanted = _FIXED | {"group": group}
    rest = [call.query.filter] if call.query.filter is not None else []
    while rest:
        match rest.pop():
            case And(left, right):
                rest += [left, right]
            case Compare(column, "eq", value):
                if value != wanted[column]:
                    return Page(())
            case _:
                return Refused(Reason.INVALID_VALUE, "Only `eq`, joined by `and`.", field="$filter")
    found = await find_rules(call.house, call.visit, policy_id(group))
    return found if isinstance(found, Refused) else Page((found,), None, 1 if call.query.count else None)


async def _change(call: Call) -> Any:
    """A reason stands in the rule's `ostiary`, as it does everywhere, and is no part of the rule."""
    changes = {name: value for name, value in call.changes.items() if name != "id"}
    ours = changes.get("ostiary")
    reason = ""
    if isinstance(ours, dict):
        reason = str(ours.get("reason") or "")
        changes["ostiary"] = {name: value for name, value in ours.items() if name != "reason"}
    if call.changes.get("id", call.path["rule"]) != call.path["rule"]:
        return Refused(Reason.INVALID_VALUE, "It is not the rule of the address.", field="id")
    return await change_rule(call.house, call.visit, call.path["id"], call.path["rule"], changes, reason)


async def _rule(call: Call) -> Any:
    found = await find_rules(call.house, call.visit, call.path["id"])
    if isinstance(found, Refused):
        return found
    named = [document for document in found.documents if document["id"] == call.path["rule"]]
    return OneRule(named[0]) if named else Refused(Reason.NOT_FOUND)


async def _rules(call: Call) -> Any:
    found = await find_rules(call.house, call.visit, call.path["id"])
    return found if isinstance(found, Refused) else Page(tuple(OneRule(each) for each in found.documents))


def _lists(shape: Shape[Any]) -> Path:
    return Path(f"/{shape.name}", (listing(shape, _READ, _list),))


PATHS: tuple[Path, ...] = (
    _lists(POLICY),
    _lists(POLICY_ASSIGNMENT),
    Path(f"/{POLICY.name}/{{id}}", (reading(POLICY, _READ, lambda c: find_rules(c.house, c.visit, c.path["id"])),)),
    Path(f"/{POLICY.name}/{{id}}/rules", (listing(RULE, _READ, _rules, "List the rules"),)),
    Path(
        f"/{POLICY.name}/{{id}}/rules/{{rule}}",
        (
            reading(RULE, _READ, _rule, "Get a rule"),
            changing(RULE, Action.WRITE_RULES, _change, "Change a rule"),
        ),
    ),
)
