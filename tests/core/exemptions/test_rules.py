"""The rules of a group: read whole or refused with every error, and what it means to weaken them."""

from copy import deepcopy
from typing import Any

import pytest

from ostiary.core.exemptions.compile_rules import compile_rules
from ostiary.core.exemptions.rule_documents import DEFAULTS, RULE_IDS
from ostiary.core.exemptions.rules import Approvers, Auto, AutoKind, Clock, Mode, Rules
from ostiary.core.exemptions.weakening import weakened
from ostiary.core.words.instants import hours, minutes

WINDOW, ASKING, APPROVAL = (
    "Expiration_EndUser_Assignment",
    "Enablement_EndUser_Assignment",
    "Approval_EndUser_Assignment",
)
GROUP = "6f2b9d1e-0000-4000-8000-0000000000aa"
MEMBERS = {"@odata.type": "#microsoft.graph.groupMembers", "groupId": GROUP}
PERSON = {"@odata.type": "#microsoft.graph.singleUser", "userId": GROUP}


def changed(id: str, /, **changes: Any) -> dict[str, dict[str, Any]]:
    """The default rules with one of them changed; `a__b` is `b` in `a`."""
    document = deepcopy(DEFAULTS[id])
    for path, value in changes.items():
        *where, name = path.split("__")
        place = document
        for step in where:
            place = place[step]
        place[name] = value
    return {id: document}


def rules(id: str, /, **changes: Any) -> Rules:
    """The same, read."""
    compiled = compile_rules(changed(id, **changes))
    assert compiled.problems == ()
    return compiled.rules


def problems(documents: dict[str, dict[str, Any]]) -> list[str]:
    """Where it is wrong."""
    return [problem.path for problem in compile_rules(documents).problems]


def stage(**changes: Any) -> list[dict[str, Any]]:
    """One stage of the approval."""
    return [{**DEFAULTS[APPROVAL]["setting"]["approvalStages"][0], **changes}]


def test_what_nobody_saved_is_the_default() -> None:
    """The documents of a new house say what the defaults of the code say."""
    compiled = compile_rules({})
    assert compiled.problems == ()
    assert compiled.rules == Rules()
    assert (compiled.rules.shortest, compiled.rules.longest, compiled.rules.clock) == (
        minutes(30), hours(4), Clock.FIRST_USE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("id", "changes", "place"),
    [
        (WINDOW, {"maximumDuration": "PT24H1S"}, "maximumDuration"),
        (WINDOW, {"maximumDuration": "PT4M"}, "maximumDuration"),
        (WINDOW, {"maximumDuration": None}, "maximumDuration"),
        (WINDOW, {"isExpirationRequired": False}, "isExpirationRequired"),
        (WINDOW, {"ostiary__minimumDuration": "PT5H"}, "ostiary.minimumDuration"),
        (WINDOW, {"ostiary__defaultDuration": "PT5H"}, "ostiary.defaultDuration"),
        (WINDOW, {"ostiary__clock": "later"}, "ostiary.clock"),
        (WINDOW, {"ostiary__startWindow": "P30D"}, "ostiary.startWindow"),
        (WINDOW, {"ostiary__consentWindow": "PT4M"}, "ostiary.consentWindow"),
        (WINDOW, {"ostiary__consentWindow": "PT61M"}, "ostiary.consentWindow"),
        (WINDOW, {"ostiary__coolDown": "P8D"}, "ostiary.coolDown"),
        (WINDOW, {"ostiary__allowedHours": {"timeZone": "Mars/Base", "weekly": []}}, "ostiary.allowedHours.timeZone"),
        (WINDOW, {"ostiary__allowedHours": {"timeZone": "UTC", "weekly": []}}, "ostiary.allowedHours.weekly"),
        (WINDOW, {"ostiary__allowedHours": {"timeZone": "UTC", "weekly": [{"days": [], "from": "1", "to": "2"}]}},
         "ostiary.allowedHours.weekly[0].days"),
        (WINDOW, {"ostiary__surprise": 1}, "ostiary.surprise"),
        (WINDOW, {"surprise": 1}, "surprise"),
        (WINDOW, {"target__caller": "Admin"}, "target.caller"),
        (WINDOW, {"id": "other"}, "id"),
        ("Expiration_Admin_Assignment", {"maximumDuration": "PT5H"}, "maximumDuration"),
        ("Expiration_Admin_Eligibility", {"isExpirationRequired": "no"}, "isExpirationRequired"),
        ("Expiration_Admin_Eligibility", {"maximumDuration": "P4000D"}, "maximumDuration"),
        ("Enablement_Admin_Eligibility", {"enabledRules": []}, "enabledRules"),
        ("Enablement_Admin_Assignment", {"enabledRules": ["Justification", "Ticketing"]}, "enabledRules"),
        (ASKING, {"enabledRules": ["Magic"]}, "enabledRules"),
        (ASKING, {"enabledRules": [], "ostiary__justificationPattern": "x"}, "ostiary.justificationPattern"),
        (ASKING, {"ostiary__justificationPattern": "("}, "ostiary.justificationPattern"),
        (ASKING, {"ostiary__justificationPattern": 7}, "ostiary.justificationPattern"),
        (ASKING, {"ostiary__ticketPattern": "INC"}, "ostiary.ticketPattern"),
        (ASKING, {"ostiary__authenticationStrength": "strong"}, "ostiary.authenticationStrength"),
        (ASKING, {"ostiary__trustedDevice": "yes"}, "ostiary.trustedDevice"),
        (ASKING, {"ostiary__narrowing": ["planet"]}, "ostiary.narrowing"),
        (ASKING, {"ostiary__maximumSignIns": 0}, "ostiary.maximumSignIns"),
        (APPROVAL, {"setting__approvalMode": "Anarchy"}, "setting.approvalMode"),
        (APPROVAL, {"setting__approvalMode": "NoApproval"}, "setting.approvalMode"),
        (APPROVAL, {"setting__isApprovalRequiredForExtension": False}, "setting.isApprovalRequiredForExtension"),
        (APPROVAL, {"setting__approvalStages": []}, "setting.approvalStages"),
        (APPROVAL, {"setting__approvalStages": stage() * 2}, "setting.approvalStages"),
        (APPROVAL, {"setting__approvalStages": stage(primaryApprovers=[])},
         "setting.approvalStages[0].primaryApprovers"),
        (APPROVAL, {"setting__approvalStages": stage(primaryApprovers=[{"@odata.type": "#other"}])},
         "setting.approvalStages[0].primaryApprovers[0]['@odata.type']"),
        (APPROVAL, {"setting__approvalStages": stage(primaryApprovers=[{**MEMBERS, "groupId": "x"}])},
         "setting.approvalStages[0].primaryApprovers[0].groupId"),
        (APPROVAL, {"setting__approvalStages": stage(primaryApprovers=[{**MEMBERS, "isBackup": True}])},
         "setting.approvalStages[0].primaryApprovers[0].isBackup"),
        (APPROVAL, {"setting__approvalStages": stage(primaryApprovers=[PERSON], ostiary={"approvalsNeeded": 2})},
         "setting.approvalStages[0].ostiary.approvalsNeeded"),
        (APPROVAL, {"setting__approvalStages": stage(isEscalationEnabled=True)},
         "setting.approvalStages[0].escalationTimeInMinutes"),
        (APPROVAL, {"setting__approvalStages": stage(isEscalationEnabled=True, escalationTimeInMinutes=5)},
         "setting.approvalStages[0].isEscalationEnabled"),
        (APPROVAL, {"setting__approvalStages": stage(primaryApprovers="all")},
         "setting.approvalStages[0].primaryApprovers"),
        (APPROVAL, {"ostiary__requestExpiry": "PT1M"}, "ostiary.requestExpiry"),
        (APPROVAL, {"ostiary__authenticationStrength": "x"}, "ostiary.authenticationStrength"),
        (APPROVAL, {"ostiary__autoApproval": {}}, "ostiary.autoApproval"),
        (APPROVAL, {"ostiary__autoApproval": [{"kind": "always"}]}, "ostiary.autoApproval[0].kind"),
        (APPROVAL, {"ostiary__autoApproval": [{"kind": "onCall"}]}, "ostiary.autoApproval[0].groupId"),
        (APPROVAL, {"ostiary__autoApproval": [{"kind": "lowRisk", "maximumDuration": "PT25H"}]},
         "ostiary.autoApproval[0].maximumDuration"),
        (APPROVAL, {"ostiary__breakGlass": {"allowed": []}}, "ostiary.breakGlass.allowed"),
        (APPROVAL, {"ostiary__breakGlass": {"allowed": [MEMBERS], "maximumDuration": "PT5H"}},
         "ostiary.breakGlass.maximumDuration"),
        ("AuthenticationContext_EndUser_Assignment", {"isEnabled": True, "claimValue": "c5"}, "isEnabled"),
    ],
)  # fmt: skip
def test_what_cannot_be_enforced_is_refused_at_its_place(id: str, changes: dict[str, Any], place: str) -> None:
    """No rule is quietly not applied: each error has its JSON path."""
    assert f"$.rules['{id}'].{place}" in problems(changed(id, **changes))


def test_every_error_is_told_at_once() -> None:
    """Of all rules together, an unknown one and a wrong type too."""
    documents = changed(WINDOW, maximumDuration="P9D", isExpirationRequired=False) | changed(
        ASKING, enabledRules=["Magic"]
    )
    documents[ASKING]["@odata.type"] = "#other"
    found = problems({**documents, "Made_Up_Rule": {}})
    assert len(found) == 5
    assert found[0] == "$.rules['Made_Up_Rule']"


def test_what_is_saved_is_read_as_it_was_meant() -> None:
    """Approvers by name, group and role; a chain; no approval at all; what approves by itself; who breaks glass."""
    chain = stage(
        primaryApprovers=[MEMBERS, PERSON], isEscalationEnabled=True, escalationTimeInMinutes=20,
        escalationApprovers=[{"@odata.type": "#ostiary.roleMembers", "role": "administrator"}],
        isApproverJustificationRequired=False,
    )  # fmt: skip
    (found,) = rules(APPROVAL, setting__approvalStages=chain).stages
    assert found.primary == Approvers(frozenset({GROUP}), frozenset({GROUP}), frozenset())  # type: ignore[arg-type]
    assert (found.escalates, found.escalation.roles, found.reasoned) == (
        minutes(20), frozenset({"administrator"}), False,
    )  # fmt: skip
    assert found.approvers(minutes(19)) == (found.primary,)
    assert found.approvers(minutes(20)) == (found.primary, found.escalation)
    free = rules(
        APPROVAL, setting__isApprovalRequired=False, setting__approvalMode="NoApproval", setting__approvalStages=[],
        setting__isApprovalRequiredForExtension=False,
    )  # fmt: skip
    assert (free.mode, free.stages) == (Mode.NONE, ())
    call = rules(APPROVAL, ostiary__autoApproval=[{"kind": "onCall", "groupId": GROUP}, {"kind": "lowRisk"}])
    assert call.auto == (Auto(AutoKind.ON_CALL, GROUP), Auto(AutoKind.LOW_RISK))  # type: ignore[arg-type]
    glass = rules(APPROVAL, ostiary__breakGlass={"allowed": [MEMBERS], "maximumDuration": "PT30M"})
    assert (set(glass.glass.groups), glass.glass_longest) == ({GROUP}, minutes(30))
    permanent = rules("Expiration_Admin_Eligibility", isExpirationRequired=False)
    assert permanent.eligible_longest is None
    assert problems(changed(APPROVAL, setting__approvalMode=None)) == []


@pytest.mark.parametrize(
    ("id", "changes", "words"),
    [
        (WINDOW, {"maximumDuration": "PT8H"}, "longer"),
        (WINDOW, {"ostiary__startWindow": "PT9H"}, "waits longer"),
        (WINDOW, {"ostiary__consentWindow": "PT31M"}, "a consent waits longer"),
        (ASKING, {"enabledRules": ["Justification"]}, "second factor"),
        (APPROVAL, {"ostiary__requestExpiry": "P2D"}, "wait longer"),
        (APPROVAL, {"ostiary__autoApproval": [{"kind": "lowRisk"}]}, "by itself"),
        (APPROVAL, {"ostiary__breakGlass": {"allowed": [MEMBERS]}}, "glass"),
        (APPROVAL, {"setting__approvalStages": stage(primaryApprovers=[MEMBERS])}, "others may approve"),
        (APPROVAL, {"setting__approvalStages": stage(isApproverJustificationRequired=False)}, "say less"),
        (APPROVAL, {"setting__isApprovalRequired": False, "setting__approvalMode": "NoApproval",
                    "setting__isApprovalRequiredForExtension": False}, "nobody has to approve"),
        ("Expiration_Admin_Eligibility", {"isExpirationRequired": False}, "eligible for longer"),
        ("Expiration_Admin_Eligibility", {"maximumDuration": "P400D"}, "eligible for longer"),
    ],
)  # fmt: skip
def test_guarding_less_is_noticed_and_the_way_back_is_not(id: str, changes: dict[str, Any], words: str) -> None:
    """Each dimension by itself; the same change undone is no weakening, unless it is another list of people."""
    new = rules(id, **changes)
    assert any(words in less for less in weakened(Rules(), new))
    back = weakened(new, Rules())
    assert back == () or words == "others may approve"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"ostiary__authenticationStrength": "00000000-0000-0000-0000-000000000004"},
         {"ostiary__authenticationStrength": "00000000-0000-0000-0000-000000000002"}),
        ({"ostiary__trustedDevice": True}, {}),
        ({"ostiary__narrowing": ["application", "network"]}, {"ostiary__narrowing": ["network"]}),
        ({"ostiary__maximumSignIns": 1}, {}),
        ({"ostiary__justificationPattern": "INC"}, {"ostiary__justificationPattern": "."}),
        ({"enabledRules": ["Justification", "MultiFactorAuthentication", "Ticketing"],
          "ostiary__ticketPattern": "I"}, {}),
    ],
)  # fmt: skip
def test_asking_for_less_is_weaker(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Whatever a requester had to show and has not to any more."""
    old, new = rules(ASKING, **before), rules(ASKING, **after)
    assert weakened(old, new)
    assert weakened(old, old) == ()


def test_a_reason_is_asked_for_by_either_rule() -> None:
    """Graph says it twice; where one of them asks, it is asked."""
    silent = changed(ASKING, enabledRules=["MultiFactorAuthentication"])
    assert compile_rules(silent).rules.reasoned
    both = compile_rules(silent | changed(APPROVAL, setting__isRequestorJustificationRequired=False))
    assert not both.rules.reasoned
    assert "no reason is asked for" in weakened(Rules(), both.rules)


def test_fewer_stages_or_an_earlier_chain_is_weaker() -> None:
    """Two pairs of eyes are more than one; a chain that is told sooner is a wider circle."""
    two = rules(APPROVAL, setting__approvalMode="Serial", setting__approvalStages=stage() * 2)
    assert "others may approve" in weakened(two, Rules())
    assert "fewer approvals are needed" in weakened(two, Rules())

    def chain(late: int) -> Rules:
        return rules(
            APPROVAL,
            setting__approvalStages=stage(
                isEscalationEnabled=True, escalationTimeInMinutes=late, escalationApprovers=[MEMBERS]
            ),
        )

    assert weakened(chain(10), chain(5))
    assert not weakened(chain(5), chain(10))
    permanent = rules("Expiration_Admin_Eligibility", isExpirationRequired=False)
    assert weakened(permanent, permanent) == ()
    week = {"timeZone": "UTC", "weekly": [{"days": ["monday"], "from": "08:00", "to": "09:00"}]}
    assert "there are other allowed hours" in weakened(rules(WINDOW, ostiary__allowedHours=week), Rules())
    assert weakened(Rules(), rules(WINDOW, ostiary__clock="approval")) == ()


def test_every_rule_has_an_id_of_graph() -> None:
    """The ids are the fixed ones, so that a document of a tenant fits."""
    assert len(RULE_IDS) == 8
    assert all(DEFAULTS[id]["target"]["caller"] in ("EndUser", "Admin") for id in RULE_IDS)
