"""What must hold for every set of policies and every sign-in."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.access.compile import Policy, State, compile_policy
from ostiary.core.access.decision import Outcome, Result
from ostiary.core.access.evaluate import evaluate, explain
from ostiary.core.access.facts import UNKNOWN, Facts, Treat
from ostiary.core.access.policy_set import compile_set
from ostiary.core.access.sides import Sides
from ostiary.core.words.ids import PolicyId
from tests.core.access.given import document

PEOPLE, GROUPS, APPS = ("a", "b"), ("g", "h", "exception"), ("x", "y")
SORTS = ("browser", "mobileAppsAndDesktopClients")
METHODS = ("deviceCodeFlow", "authenticationTransfer")


STATES = tuple(state.value for state in State)
CONTROLS = (["block"], ["mfa"], ["domainJoinedDevice"], ["mfa", "compliantDevice"])


def read(number: int) -> Policy:
    """The policy that *number* spells, a few bits for each choice: quick to draw, and smaller numbers are simpler."""

    def choose(*values: str) -> list[str]:
        nonlocal number
        number, bits = divmod(number, 1 << len(values))
        return [value for n, value in enumerate(values) if bits >> n & 1]

    def pick(values: Any) -> Any:
        nonlocal number
        number, n = divmod(number, len(values))
        return values[n]

    made: dict[str, Any] = {
        "displayName": "p",
        "state": pick(STATES),
        "grantControls": {"builtInControls": pick(CONTROLS), "operator": pick(("OR", "AND"))},
        "users": {
            "includeUsers": choose("All", *PEOPLE),
            "excludeUsers": choose(*PEOPLE),
            "includeGroups": choose(*GROUPS),
            "excludeGroups": choose(*GROUPS),
        },
        "applications": {"includeApplications": choose("All", *APPS), "excludeApplications": choose(*APPS)},
        "clientAppTypes": choose("all", *SORTS),
        "authenticationFlows": {"transferMethods": ",".join(choose(*METHODS))},
    }
    return compile_policy(PolicyId("p"), document(**made)).policy


def policies() -> st.SearchStrategy[Policy]:
    """Any policy."""
    return st.integers(0, 3 * 4 * 2 * 2**21 - 1).map(read)


SETS = st.lists(policies(), max_size=6).map(lambda ps: tuple(replace(p, id=PolicyId(str(n))) for n, p in enumerate(ps)))
FACTS = st.builds(
    Facts,
    user=st.sampled_from([*PEOPLE, UNKNOWN]),
    roles=st.just(UNKNOWN) | st.just(frozenset()),
    groups=st.just(UNKNOWN) | st.frozensets(st.sampled_from(GROUPS)),
    application=st.sampled_from([*APPS, UNKNOWN]),
    resource=st.sampled_from([*APPS, UNKNOWN]),
    client_type=st.sampled_from([*SORTS, UNKNOWN]),
    transfer_method=st.sampled_from([*METHODS, None, UNKNOWN]),
    amr=st.sampled_from([(), ("pwd",), ("pwd", "mfa"), UNKNOWN]),
)
RANK = {Outcome.ALLOWED: 0, Outcome.CONTROLS: 1, Outcome.UNJUDGED: 2, Outcome.BLOCKED: 3}
ENFORCED = (Treat.STRICT, Treat.LATER)


def strict(rules: tuple[Policy, ...], sign_in: Facts) -> Outcome:
    """The outcome that is enforced."""
    return evaluate(compile_set(rules), sign_in, unknown=Treat.STRICT).outcome


@given(SETS, policies(), FACTS, st.sampled_from(list(Treat)))
def test_one_policy_more_never_allows_more(
    rules: tuple[Policy, ...], extra: Policy, sign_in: Facts, treat: Treat
) -> None:
    """There is no policy that opens: whatever is added, the answer is as strict as before."""
    before = evaluate(compile_set(rules), sign_in, unknown=treat).outcome
    after = evaluate(compile_set((*rules, extra)), sign_in, unknown=treat).outcome
    assert RANK[after] >= RANK[before]


@given(SETS, st.data(), FACTS, st.sampled_from(ENFORCED))
def test_one_exclusion_more_never_blocks_more(
    rules: tuple[Policy, ...], data: st.DataObject, sign_in: Facts, treat: Treat
) -> None:
    """Whom a policy excludes, it does not touch."""
    if not rules:
        return
    n, which = data.draw(st.integers(0, len(rules) - 1)), data.draw(st.integers(0, 1))
    key = data.draw(st.sampled_from([f"user:{PEOPLE[0]}", f"group:{GROUPS[2]}"] if which == 0 else list(APPS)))
    sides = list(rules[n].sides)
    sides[which] = Sides(sides[which].everyone, sides[which].include, sides[which].exclude | {key})
    looser = (*rules[:n], replace(rules[n], sides=tuple(sides)), *rules[n + 1 :])
    before = evaluate(compile_set(rules), sign_in, unknown=treat).outcome
    after = evaluate(compile_set(looser), sign_in, unknown=treat).outcome
    assert RANK[after] <= RANK[before]


@given(SETS, FACTS, st.sampled_from(["user", "groups", "resource", "client_type", "transfer_method", "amr"]))
def test_r4_to_know_less_never_allows_more(rules: tuple[Policy, ...], sign_in: Facts, lost: str) -> None:
    """R4: a fact that could not be gathered never helps anybody in."""
    assert RANK[strict(rules, replace(sign_in, **{lost: UNKNOWN}))] >= RANK[strict(rules, sign_in)]  # type: ignore[arg-type]


@given(SETS, FACTS, st.randoms(use_true_random=False))
def test_the_order_of_policies_never_matters(rules: tuple[Policy, ...], sign_in: Facts, chance: Any) -> None:
    """There is no priority among policies."""
    shuffled = list(rules)
    chance.shuffle(shuffled)
    assert strict(tuple(shuffled), sign_in) is strict(rules, sign_in)


@given(SETS, FACTS)
def test_deciding_and_explaining_agree(rules: tuple[Policy, ...], sign_in: Facts) -> None:
    """The explanation is the decision, recomputed policy by policy."""
    compiled = compile_set(rules)
    told = [one for one in explain(compiled, sign_in) if one.result not in _SILENT]
    assert tuple(told) == evaluate(compiled, sign_in, unknown=Treat.STRICT).policies


_SILENT = (Result.NOT_APPLIED, Result.NOT_ENABLED, Result.REPORT_NOT_APPLIED)


@given(SETS, FACTS)
def test_only_enforced_policies_change_the_outcome(rules: tuple[Policy, ...], sign_in: Facts) -> None:
    """Report-only and disabled ones could as well not be there."""
    assert strict(tuple(p for p in rules if p.state is State.ENABLED), sign_in) is strict(rules, sign_in)
