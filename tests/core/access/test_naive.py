"""The engine against the naive one, and what must hold of both, over many policies and sign-ins."""

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.access.compile import compile_policy
from ostiary.core.access.decision import Decision, Outcome, Result
from ostiary.core.access.evaluate import evaluate, explain
from ostiary.core.access.facts import TRUSTED, UNKNOWN, DeviceFacts, Facts, Place, Treat
from ostiary.core.access.policy_set import compile_set
from ostiary.core.access.remembered import facts_document, facts_from
from ostiary.core.words.ids import PolicyId
from tests.core.access.naive import decide

RULE = "device.isCompliant -eq True"
RANK = {Outcome.ALLOWED: 0, Outcome.CONTROLS: 1, Outcome.UNJUDGED: 2, Outcome.BLOCKED: 3}
DEVICES = (None, DeviceFacts("d", compliant=True), DeviceFacts("d"), UNKNOWN)


class Dice:
    """Documents and facts out of one seed: quick, and the same each time."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def some(self, *values: Any) -> list[Any]:
        return [value for value in values if self.random.random() < 0.4]

    def one(self, *values: Any) -> Any:
        return self.random.choice(values)

    def perhaps(self, value: Any) -> Any:
        return value if self.random.random() < 0.35 else None

    def policy(self) -> dict[str, Any]:
        places = {
            "includeLocations": self.some("All", "l1", TRUSTED) or ["l2"],
            "excludeLocations": self.some("l1", "l2"),
        }
        flow = self.one("", "deviceCodeFlow", "deviceCodeFlow,authenticationTransfer")
        block = self.random.random() < 0.5
        ours = {
            "conditions": {
                "requesterLocations": self.perhaps({"includeLocations": self.some("All", "l1") or ["l2"]}),
                "requesterDevice": self.perhaps(
                    {"deviceFilter": {"mode": self.one("include", "exclude"), "rule": RULE}}
                ),
            },
            "controls": {"startTicket": not block and self.one(True, False)},
        }
        return {
            "displayName": "p",
            "state": self.one("enabled", "enabled", "enabled", "disabled", "enabledForReportingButNotEnforced"),
            "conditions": {
                "users": {
                    "includeUsers": self.one(["All"], ["None"], self.some("a", "b")), "excludeUsers": self.some("a"),
                    "includeGroups": self.some("g"), "excludeGroups": self.some("h"),
                    "includeRoles": self.some("administrator"), "excludeRoles": self.some("auditor"),
                },
                "applications": {
                    "includeApplications": self.one(["All"], ["x"], ["y"]), "excludeApplications": self.some("x"),
                },
                "clientAppTypes": self.one(["all"], ["browser"], ["mobileAppsAndDesktopClients", "other"]),
                "authenticationFlows": {"transferMethods": flow},
                "platforms": self.perhaps(
                    {"includePlatforms": self.one(["all"], ["linux"]), "excludePlatforms": self.some("iOS")}
                ),
                "locations": self.perhaps(places),
                "signInRiskLevels": self.perhaps(["high"]),
                "devices": self.perhaps({"deviceFilter": {"mode": self.one("include", "exclude"), "rule": RULE}}),
            },
            "grantControls": {
                "operator": self.one("AND", "OR"),
                "builtInControls": ["block"] if block else self.some("mfa", "compliantDevice") or ["mfa"],
            },
            "ostiary": ours,
        }  # fmt: skip

    def place(self) -> Place:
        if self.random.random() < 0.2:
            return Place()
        sure = frozenset(self.some("l1", "l2", TRUSTED))
        return Place("203.0.113.9", named=sure, unsure=frozenset(self.some("l1", "l2", TRUSTED)) - sure)

    def facts(self, *, platform: bool = False) -> Facts:
        return Facts(
            user=self.one("a", "b", UNKNOWN), groups=self.one(frozenset(self.some("g", "h")), UNKNOWN),
            roles=self.one(frozenset(self.some("administrator", "auditor")), frozenset(), UNKNOWN),
            application="cli", resource=self.one("x", "y", UNKNOWN),  # type: ignore[arg-type]
            client_type=self.one("browser", "mobileAppsAndDesktopClients", UNKNOWN),
            transfer_method=self.one("deviceCodeFlow", None, UNKNOWN), amr=self.one(("pwd",), ("pwd", "mfa"), UNKNOWN),
            platform=self.one("linux", "iOS", *(() if platform else (UNKNOWN,))),
            sign_in_risk=self.one("high", "none", UNKNOWN), person=self.place(), requester=self.place(),
            person_device=self.one(*DEVICES), requester_device=self.one(*DEVICES),
            start_ticket=self.one(True, False, UNKNOWN),
        )  # fmt: skip


def judged(documents: list[dict[str, Any]], facts: Facts, treat: Treat = Treat.STRICT) -> Decision:
    """The engine's answer; every document must be free of problems."""
    read = [compile_policy(PolicyId(str(n)), document) for n, document in enumerate(documents)]
    assert [one.problems for one in read if one.problems] == []
    return evaluate(compile_set(one.policy for one in read), facts, unknown=treat)


SEEDS = st.integers(0, 2**40)


@settings(max_examples=400, deadline=None)
@given(SEEDS, st.integers(0, 5), st.sampled_from(list(Treat)))
def test_the_compiled_engine_answers_as_the_naive_one(seed: int, count: int, treat: Treat) -> None:
    """Bits, indexes and survivors change nothing of what the documents say."""
    dice = Dice(seed)
    documents, sign_in = [dice.policy() for _ in range(count)], dice.facts(platform=treat is Treat.ENTRA)
    assert judged(documents, sign_in, treat).outcome.value == decide(documents, sign_in, treat)


FACTS = ("user", "groups", "roles", "resource", "client_type", "transfer_method", "amr", "platform", "sign_in_risk",
         "person", "requester", "person_device", "requester_device", "start_ticket")  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(SEEDS, st.sampled_from(FACTS))
def test_r4_less_knowledge_never_allows_more(seed: int, name: str) -> None:
    """R4: of whatever fact, an unknown one allows no more than any of its values would."""
    dice = Dice(seed)
    documents, sign_in = [dice.policy() for _ in range(4)], dice.facts()
    nothing: Any = Place() if name in ("person", "requester") else UNKNOWN
    lost = replace(sign_in, **{name: nothing})
    assert RANK[judged(documents, lost).outcome] >= RANK[judged(documents, sign_in).outcome]


@settings(deadline=None)
@given(SEEDS)
def test_a_location_that_nobody_is_sure_of_allows_no_more(seed: int) -> None:
    """R4: neither than being in it would, nor than being elsewhere."""
    dice = Dice(seed)
    documents, sign_in = [dice.policy() for _ in range(4)], dice.facts()
    unsure = replace(sign_in, person=Place("203.0.113.9", named=frozenset(), unsure=frozenset({"l1"})))
    for named in (frozenset[str](), frozenset({"l1"})):
        certain = replace(sign_in, person=Place("203.0.113.9", named=named))
        assert RANK[judged(documents, unsure).outcome] >= RANK[judged(documents, certain).outcome]


@settings(deadline=None)
@given(SEEDS, st.sampled_from([Treat.STRICT, Treat.LATER]))
def test_a_block_that_applies_beats_everything(seed: int, treat: Treat) -> None:
    """Whatever else is there, in whatever order."""
    dice = Dice(seed)
    block = {
        **dice.policy(), "state": "enabled", "grantControls": {"builtInControls": ["block"]}, "ostiary": None,
        "conditions": {
            "users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]},
            "clientAppTypes": ["all"],
        },
    }  # fmt: skip
    documents = [dice.policy() for _ in range(3)]
    documents.insert(dice.one(0, 1, 2, 3), block)
    assert judged(documents, dice.facts(), treat).outcome is Outcome.BLOCKED


@settings(deadline=None)
@given(SEEDS, st.sampled_from(list(Treat)))
def test_report_only_changes_no_outcome(seed: int, treat: Treat) -> None:
    """It is reported beside what was enforced; limits and what is missing stay as well."""
    dice = Dice(seed)
    documents, sign_in = [dice.policy() for _ in range(4)], dice.facts()
    enforced = [one for one in documents if one["state"] == "enabled"]
    with_, without = judged(documents, sign_in, treat), judged(enforced, sign_in, treat)
    assert (with_.outcome, with_.missing, with_.limits) == (without.outcome, without.missing, without.limits)


@settings(deadline=None)
@given(SEEDS, st.sampled_from(list(Treat)))
def test_deciding_and_explaining_agree_under_every_treatment(seed: int, treat: Treat) -> None:
    """The explanation recomputes the decision, also from facts that were written down and read back."""
    dice = Dice(seed)
    documents, sign_in = [dice.policy() for _ in range(4)], dice.facts()
    policies = compile_set(compile_policy(PolicyId(str(n)), one).policy for n, one in enumerate(documents))
    silent = (Result.NOT_APPLIED, Result.NOT_ENABLED, Result.REPORT_NOT_APPLIED)
    again = facts_from(facts_document(sign_in))
    explained = {(one.id, one.result) for one in explain(policies, again, unknown=treat) if one.result not in silent}
    assert explained == {(one.id, one.result) for one in evaluate(policies, sign_in, unknown=treat).policies}


@settings(deadline=None)
@given(SEEDS)
def test_facts_survive_being_written_down(seed: int) -> None:
    """Both ways, whatever is known, none or unknown."""
    sign_in = Dice(seed).facts()
    assert facts_from(facts_document(sign_in)) == sign_in


def test_entra_takes_an_unknown_platform_for_none_of_those_it_names() -> None:
    """Unknown or unsupported device platform: matched by "any device", by no platform by name, excluded by none."""
    dice = Dice(1)
    for platforms, outcome in (
        ({"includePlatforms": ["linux"]}, Outcome.ALLOWED),
        ({"includePlatforms": ["all"], "excludePlatforms": ["linux", "iOS"]}, Outcome.BLOCKED),
    ):
        document = {
            **dice.policy(), "state": "enabled", "grantControls": {"builtInControls": ["block"]}, "ostiary": None,
            "conditions": {
                "users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]},
                "clientAppTypes": ["all"], "platforms": platforms,
            },
        }  # fmt: skip
        assert judged([document], Facts(), Treat.ENTRA).outcome is outcome
