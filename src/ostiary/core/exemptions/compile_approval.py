"""
The approval rule of a group, read: stages, approvers, what approves by itself, who may break glass.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ostiary.core.access.sides import Problem, members
from ostiary.core.access.strengths import Strength
from ostiary.core.directory.people import Role
from ostiary.core.exemptions.exemption import HARD_CAP, LONGEST, SHORTEST
from ostiary.core.exemptions.reading import flag, length, number
from ostiary.core.exemptions.rules import Approvers, Auto, AutoKind, Mode, Rules, Stage
from ostiary.core.words.ids import GroupId, UserId, is_guid
from ostiary.core.words.instants import Span, days, minutes

__all__ = ["read_approval", "with_kinds"]

_PLACE = "$.rules['Approval_EndUser_Assignment']"
_SETTING = (
    "isApprovalRequired", "isApprovalRequiredForExtension", "isRequestorJustificationRequired", "approvalMode",
    "approvalStages",
)  # fmt: skip
_STAGE = (
    "approvalStageTimeOutInDays", "isApproverJustificationRequired", "isEscalationEnabled", "escalationTimeInMinutes",
    "escalationApprovers", "primaryApprovers", "ostiary",
)  # fmt: skip
MOST_STAGES = 3
MOST_APPROVERS = 50
MOST_NEEDED = 5
MOST_FIELDS = 4  # of a subjectSet: its type, its id, a description, isBackup
LONGEST_EXPIRY = days(7)


def read_approval(document: Mapping[str, Any], rules: Rules, problems: list[Problem]) -> Rules:
    """*rules* with what the approval rule says."""
    place = f"{_PLACE}.setting"
    setting = members(document.get("setting"), place, _SETTING, problems)
    required = flag(setting.get("isApprovalRequired"), f"{place}.isApprovalRequired", problems, default=True)
    again = flag(
        setting.get("isApprovalRequiredForExtension"), f"{place}.isApprovalRequiredForExtension", problems,
        default=required,
    )  # fmt: skip
    if required and not again:
        text = "must be true: an extension needs the approval that the request needed"
        problems.append(Problem(f"{place}.isApprovalRequiredForExtension", text))
    if flag(setting.get("isRequestorJustificationRequired"), f"{place}.isRequestorJustificationRequired", problems):
        rules = replace(rules, reasoned=True)
    mode = _mode(setting.get("approvalMode"), f"{place}.approvalMode", problems, required=required)
    stages = _stages(setting.get("approvalStages"), f"{place}.approvalStages", problems) if required else ()
    if required and mode is Mode.SINGLE and len(stages) != 1:
        problems.append(Problem(f"{place}.approvalStages", "must be one for SingleStage"))
    return _ours(document, replace(rules, mode=mode, stages=stages), problems)


def _mode(value: Any, place: str, problems: list[Problem], *, required: bool) -> Mode:
    if value is None:
        return Mode.SINGLE if required else Mode.NONE
    if value not in tuple(Mode):
        problems.append(Problem(place, f"must be one of {', '.join(Mode)}"))
        return Mode.SINGLE
    if (Mode(value) is Mode.NONE) is required:
        problems.append(Problem(place, "must be NoApproval exactly when isApprovalRequired is false"))
        return Mode.SINGLE
    return Mode(value)


def _stages(value: Any, place: str, problems: list[Problem]) -> tuple[Stage, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_STAGES:
        problems.append(Problem(place, f"must be a list of 1 to {MOST_STAGES} stages"))
        return ()
    return tuple(_stage(each, f"{place}[{at}]", problems) for at, each in enumerate(value))


def _stage(value: Any, place: str, problems: list[Problem]) -> Stage:
    found = members(value, place, _STAGE, problems)
    own = members(found.get("ostiary"), f"{place}.ostiary", ("approvalsNeeded",), problems)
    number(found.get("approvalStageTimeOutInDays"), f"{place}.approvalStageTimeOutInDays", 1, 7, problems)
    primary = approvers(found.get("primaryApprovers"), f"{place}.primaryApprovers", problems)
    if primary.nobody():
        problems.append(Problem(f"{place}.primaryApprovers", "must name somebody"))
    needed = number(own.get("approvalsNeeded"), f"{place}.ostiary.approvalsNeeded", 1, MOST_NEEDED, problems) or 1
    if not primary.groups and not primary.roles and len(primary.users) < needed:
        text = f"asks for {needed} people, and fewer are named"
        problems.append(Problem(f"{place}.ostiary.approvalsNeeded", text))
    reasoned = flag(
        found.get("isApproverJustificationRequired"), f"{place}.isApproverJustificationRequired", problems, default=True
    )
    stage = Stage(primary, needed, reasoned)
    if not flag(found.get("isEscalationEnabled"), f"{place}.isEscalationEnabled", problems):
        return stage
    late = number(found.get("escalationTimeInMinutes"), f"{place}.escalationTimeInMinutes", 1, 10_080, problems)
    chain = approvers(found.get("escalationApprovers"), f"{place}.escalationApprovers", problems)
    if late is None or chain.nobody():
        problems.append(
            Problem(f"{place}.isEscalationEnabled", "needs escalationTimeInMinutes and escalationApprovers")
        )
        return stage
    return replace(stage, escalation=chain, escalates=minutes(late))


_USER, _GROUP, _ROLE = "#microsoft.graph.singleUser", "#microsoft.graph.groupMembers", "#ostiary.roleMembers"
_NAMING = {_USER: "userId", _GROUP: "groupId", _ROLE: "role"}


def approvers(value: Any, place: str, problems: list[Problem]) -> Approvers:
    """A list of Graph's `subjectSet`s."""
    if value is None:
        return Approvers()
    if not isinstance(value, list) or len(value) > MOST_APPROVERS:
        problems.append(Problem(place, f"must be a list of at most {MOST_APPROVERS} entries"))
        return Approvers()
    found: dict[str, set[str]] = {kind: set() for kind in _NAMING}
    for at, each in enumerate(value):
        _named(each, f"{place}[{at}]", found, problems)
    return Approvers(
        frozenset(UserId(id) for id in found[_USER]),
        frozenset(GroupId(id) for id in found[_GROUP]),
        frozenset(found[_ROLE]),
    )


def kind_of(value: Any) -> str | None:
    """Which `subjectSet` it is, by what it names: the admin API drops annotations from bodies."""
    named = [kind for kind, name in _NAMING.items() if isinstance(value, dict) and value.get(name) is not None]
    return named[0] if len(named) == 1 else None


def with_kinds(value: Any) -> Any:
    """*value* (a rule's `setting`, or a part of it) with the `@odata.type` of every `subjectSet` in it."""
    if isinstance(value, list):
        return [with_kinds(each) for each in value]
    if not isinstance(value, dict):
        return value
    whole = {name: with_kinds(each) for name, each in value.items()}
    kind = kind_of(whole) if len(whole) <= MOST_FIELDS else None
    return {"@odata.type": kind, **whole} if kind is not None and "kind" not in whole else whole


def _named(value: Any, place: str, found: dict[str, set[str]], problems: list[Problem]) -> None:
    kind = kind_of(value)
    said = value.get("@odata.type", kind) if isinstance(value, dict) else None
    if kind is None or not isinstance(said, str) or "#" + said.removeprefix("#") != kind:
        text = f"must be one of {', '.join(_NAMING)}, with {', '.join(_NAMING.values())}"
        problems.append(Problem(f"{place}['@odata.type']", text))
        return
    name = _NAMING[kind]
    members(value, place, (name, "description", "isBackup"), problems)
    id = value.get(name)
    if value.get("isBackup") not in (None, False):
        problems.append(Problem(f"{place}.isBackup", "is not supported: name them under escalationApprovers"))
    if not isinstance(id, str) or not (id in tuple(Role) if kind == _ROLE else is_guid(id.lower())):
        what = f"one of {', '.join(Role)}" if kind == _ROLE else "an id"
        problems.append(Problem(f"{place}.{name}", f"must be {what}"))
        return
    found[kind].add(id if kind == _ROLE else id.lower())


def _ours(document: Mapping[str, Any], rules: Rules, problems: list[Problem]) -> Rules:
    found, place = document.get("ostiary"), f"{_PLACE}.ostiary"
    own = found if isinstance(found, dict) else {}
    expiry = length(
        own.get("requestExpiry", "PT24H"), f"{place}.requestExpiry", minutes(5), LONGEST_EXPIRY, problems,
        "must be PT5M to P7D",
    )  # fmt: skip
    strong = own.get("authenticationStrength")
    if strong is not None and strong not in tuple(Strength):
        text = "must be the id of a built-in authentication strength"
        problems.append(Problem(f"{place}.authenticationStrength", text))
        strong = None
    glass, longest = _glass(own.get("breakGlass"), f"{place}.breakGlass", rules, problems)
    return replace(
        rules,
        expiry=expiry or rules.expiry,
        approver_strength=Strength(strong) if strong is not None else None,
        auto=_automatic(own.get("autoApproval"), f"{place}.autoApproval", problems),
        glass=glass,
        glass_longest=longest,
    )


def _glass(value: Any, place: str, rules: Rules, problems: list[Problem]) -> tuple[Approvers, Span]:
    if value is None:
        return rules.glass, rules.glass_longest
    found = members(value, place, ("allowed", "maximumDuration"), problems)
    allowed = approvers(found.get("allowed"), f"{place}.allowed", problems)
    if allowed.nobody():
        problems.append(Problem(f"{place}.allowed", "must name somebody; leave breakGlass out to allow nobody"))
    longest = length(
        found.get("maximumDuration", "PT1H"), f"{place}.maximumDuration", SHORTEST, LONGEST, problems,
        "must be PT5M to PT4H",
    )  # fmt: skip
    return allowed, longest or rules.glass_longest


def _automatic(value: Any, place: str, problems: list[Problem]) -> tuple[Auto, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 10:
        problems.append(Problem(place, "must be a list of at most 10 rules"))
        return ()
    return tuple(
        found for at, each in enumerate(value) if (found := _auto(each, f"{place}[{at}]", problems)) is not None
    )


def _auto(value: Any, place: str, problems: list[Problem]) -> Auto | None:
    found = members(value, place, ("kind", "groupId", "maximumDuration"), problems)
    kind, group = found.get("kind"), found.get("groupId")
    if kind not in tuple(AutoKind):
        problems.append(Problem(f"{place}.kind", f"must be one of {', '.join(AutoKind)}"))
        return None
    if (kind == AutoKind.ON_CALL) is not (isinstance(group, str) and is_guid(group.lower())):
        problems.append(Problem(f"{place}.groupId", "must be the id of the on-call group, for onCall and only there"))
        return None
    given = found.get("maximumDuration")
    longest = (
        None
        if given is None
        else length(given, f"{place}.maximumDuration", SHORTEST, HARD_CAP, problems, "must be PT5M to PT24H")
    )
    return Auto(AutoKind(kind), GroupId(group.lower()) if isinstance(group, str) else None, longest)
