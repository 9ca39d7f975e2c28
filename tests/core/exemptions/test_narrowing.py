"""What an exemption asked for at a sign-in's page is for (R5), and who counts at a start that asks (R1)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.access.compile import compile_policy
from ostiary.core.access.facts import DeviceFacts
from ostiary.core.access.policy_set import PolicySet, compile_set
from ostiary.core.exemptions.could_pass import Candidate, Openings, Start, could_pass
from ostiary.core.exemptions.exemption import Limits, Use
from ostiary.core.exemptions.narrowing import lacking, limited_to
from ostiary.core.exemptions.rules import NARROWINGS
from ostiary.core.words.ids import AppId, GroupId, PolicyId, UserId
from ostiary.core.words.instants import Instant, after, hours

NOW = Instant(1_795_000_000_000_000)
APP, API, GROUP, ALICE = AppId("app"), AppId("api"), GroupId("exception"), UserId("alice")
ADDRESSES = st.sampled_from(["203.0.113.9", "2001:db8::9", "", "not an address"])
SCOPES = st.sampled_from([frozenset(), frozenset({"Read"}), frozenset({"Read", "offline_access"}), None])
USES = st.builds(
    Use, st.sampled_from([APP, AppId("other")]), ADDRESSES, st.sampled_from([None, API]), SCOPES,
    st.sampled_from([None, "a-device"]),
)  # fmt: skip
NARROW = st.frozensets(st.sampled_from(NARROWINGS))


def blocked(*, excluding: tuple[str, ...] = (GROUP,), **users: object) -> PolicySet:
    """A block of device codes for everybody but *excluding*."""
    conditions = {
        "users": {"includeUsers": ["All"], "excludeGroups": list(excluding), **users},
        "applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"],
        "authenticationFlows": {"transferMethods": "deviceCodeFlow"},
    }  # fmt: skip
    document = {
        "displayName": "Block", "state": "enabled", "conditions": conditions,
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    }  # fmt: skip
    return compile_set([compile_policy(PolicyId("p"), document).policy])


def passes(openings: Openings, start: Start, policies: PolicySet | None = None, now: Instant = NOW) -> bool:
    """The rule, under the seeded block; what it remembers of other policies does not count."""
    openings = replace(openings)
    openings._judged.clear()
    return could_pass(policies or blocked(), openings, start, exception_group=GROUP, version=1, now=now)


@given(USES, NARROW)
def test_what_is_asked_for_admits_the_very_sign_in_and_nothing_else(use: Use, narrow: frozenset[str]) -> None:
    """Limited to the application always, and to what the rules demand as this sign-in is; the rest stays open."""
    limits = limited_to(use, narrow)
    assert limits.admit(use) or use.scopes is None
    assert not limits.admit(replace(use, application=AppId("third")))
    named = {"application": True, "network": limits.network, "resource": limits.resource, "device": limits.device}
    assert {name for name, value in named.items() if value} <= narrow | {"application"}
    assert (limits.sign_ins is not None) is ("signIns" in narrow)
    if limits.network is not None:
        assert limits.network.num_addresses == 1


@given(USES, NARROW)
def test_what_the_sign_in_does_not_say_is_lacking(use: Use, narrow: frozenset[str]) -> None:
    """No machine of the inventory, no readable address: then the rules cannot be kept, and it is told which."""
    missing = lacking(narrow, limited_to(use, narrow))
    unsaid = {
        "device": use.device is None, "resource": use.resource is None, "scopes": use.scopes is None,
        "network": use.address in ("", "not an address"),
    }  # fmt: skip
    assert (missing is None) is not any(unsaid.get(name, False) for name in narrow)
    assert lacking(frozenset(), Limits()) is None


def test_r1_eligible_people_count_only_for_a_request_that_asks() -> None:
    """R1: ten of them and a request that does not ask: nobody; with it, whoever stands now."""
    start = Start(APP, API, "203.0.113.9")
    people = tuple(Candidate(UserId(f"e{n}"), NOW, after(NOW, hours(1))) for n in range(10))
    openings = Openings(1, eligible=people)
    assert not passes(openings, start)
    asks = replace(start, asks=True)
    assert passes(openings, asks)
    assert not passes(openings, asks, now=after(NOW, hours(1)))
    assert not passes(openings, asks, now=Instant(NOW - 1))
    assert passes(Openings(1, eligible=(Candidate(ALICE, NOW, None),)), asks)
    assert not passes(Openings(1), asks)


def test_r1_a_policy_that_blocks_inside_the_exception_group_still_blocks() -> None:
    """R1: whoever is blocked with an exemption need not ask for one."""
    asks = Start(APP, API, "203.0.113.9", asks=True)
    openings = Openings(1, eligible=(Candidate(ALICE, NOW, None, groups=frozenset({GroupId("contractors")})),))
    assert passes(openings, asks)
    assert not passes(openings, asks, blocked(excluding=()))
    only = blocked(excluding=(), includeUsers=[], includeGroups=["contractors"])
    assert not passes(openings, asks, only)
    assert passes(Openings(1, eligible=(Candidate(UserId("bob"), NOW, None),)), asks, only)


def test_r1_rules_that_cannot_be_kept_by_this_machine_open_nothing() -> None:
    """Where every exemption must name a device, a machine that proved to be none begins nothing."""
    asks = Start(APP, API, "203.0.113.9", asks=True)
    openings = Openings(1, eligible=(Candidate(ALICE, NOW, None),), narrow=frozenset({"device"}))
    assert not passes(openings, asks)
    assert passes(openings, replace(asks, device=DeviceFacts("d1")))


SOME = st.lists(st.sampled_from(["u0", "u1", "u2"]), max_size=2, unique=True)
IN = st.lists(st.sampled_from(["g0", "g1"]), max_size=2, unique=True)
USERS = st.fixed_dictionaries({
    "includeUsers": st.one_of(st.just(["All"]), SOME), "excludeUsers": SOME, "includeGroups": IN, "excludeGroups": IN,
    "includeRoles": st.lists(st.just("auditor"), max_size=1),
})  # fmt: skip
PEOPLE = st.lists(
    st.builds(
        Candidate, st.sampled_from([UserId("u0"), UserId("u1"), UserId("u2"), UserId("u3")]), st.just(NOW),
        st.sampled_from([None, after(NOW, hours(1))]), st.frozensets(st.sampled_from([GroupId("g0"), GroupId("g1")])),
        st.frozensets(st.just("auditor")),
    ),
    max_size=6,
    unique_by=lambda one: one.user,
)  # fmt: skip


@given(st.lists(USERS, max_size=3), PEOPLE, st.sampled_from([NOW, after(NOW, hours(2))]))
def test_r1_who_is_alike_to_policy_is_judged_once_and_rightly(
    users: list[dict[str, object]], people: list[Candidate], now: Instant
) -> None:
    """R1: sorted by what policies can tell apart, the answer is that of everybody judged by themselves."""
    policies = compile_set([p for each in users for p in blocked(excluding=(), **each).policies])
    asks = Start(APP, API, "203.0.113.9", asks=True)
    alone = [passes(Openings(1, eligible=(one,)), asks, policies, now) for one in people]
    assert passes(Openings(1, eligible=tuple(people)), asks, policies, now) is any(alone)


def test_r1_thousands_who_may_ask_cost_a_start_as_much_as_one() -> None:
    """Anybody can make a start: where policy blocks all of them alike, it is evaluated once."""
    people = tuple(Candidate(UserId(f"e{n}"), NOW, None) for n in range(5000))
    openings, asks = Openings(1, eligible=people), Start(APP, API, "203.0.113.9", asks=True)
    assert not could_pass(blocked(excluding=()), openings, asks, exception_group=GROUP, version=1, now=NOW)
    assert len(openings._judged) == 1
    assert could_pass(blocked(), openings, asks, exception_group=GROUP, version=2, now=NOW)
