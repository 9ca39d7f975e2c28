"""May a sign-in begin (R1), in memory alone."""

from dataclasses import replace
from typing import Any

import pytest

from ostiary.core.access.facts import DeviceFacts
from ostiary.core.access.policy_set import PolicySet
from ostiary.core.exemptions.could_pass import (
    REMEMBERED,
    Candidate,
    Opening,
    Openings,
    Start,
    could_pass,
    in_the_way,
    refusal,
)
from ostiary.core.exemptions.exemption import Exemption, Limits
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.instants import Instant
from tests.core.access.given import ALICE, API, BOB, CLIENT, EXCEPTION, OTHER, one, policy

BLOCK = policy("block", users={"includeUsers": ["All"], "excludeGroups": [EXCEPTION]})
WINDOW = Exemption(ExemptionId("e"), ALICE, EXCEPTION, "why", Instant(100), Instant(200), Instant(100), "local:root")
START = Start(CLIENT, API, "203.0.113.9")


def passes(
    window: Exemption | None = WINDOW, start: Start = START, rules: PolicySet | None = None, now: int = 150
) -> bool:
    """Whether it may begin."""
    openings = Openings(1, (Opening(window, "alice@example.com"),) if window else ())
    return could_pass(rules or one(BLOCK), openings, start, exception_group=EXCEPTION, version=1, now=Instant(now))


@pytest.mark.parametrize(
    "begins",
    [
        passes(None),
        passes(now=99),
        passes(now=200),
        passes(replace(WINDOW, ended=Instant(120))),
        passes(replace(WINDOW, limits=Limits(application=OTHER))),
        passes(rules=one(BLOCK, policy("everybody"))),
        passes(rules=one(BLOCK, policy("alice", users={"includeUsers": [ALICE]}))),
    ],
)
def test_r1_nothing_begins_that_nobody_could_finish(begins: bool) -> None:
    """R1: no window, not its time, not its client, or another policy that blocks all the same."""
    assert passes()
    assert not begins


def test_r1_a_policy_about_others_or_about_proof_does_not_stop_it() -> None:
    """R1: what is not known yet is decided when the person is there."""
    about_bob = policy("bob", users={"includeUsers": [BOB]})
    proof = policy("proof", grantControls={"operator": "OR", "builtInControls": ["mfa"]})
    assert passes(rules=one(BLOCK, about_bob, proof))


def test_r1_what_the_machine_can_never_bring_refuses_the_start() -> None:
    """R1: a ticket, a device or a scope that is not in the request will not come later; a number will."""

    def demand(**controls: Any) -> PolicySet:
        return one(BLOCK, policy("demand", grantControls=None, ostiary={"controls": controls}))

    laptop = DeviceFacts("d", managed=True, attributes={"model": "x"})
    for rules, start in (
        (demand(startTicket=True), replace(START, ticket=True)),
        (demand(requesterDevice=["managed"]), replace(START, device=laptop)),
        (demand(scopes=["Read"]), replace(START, scopes=frozenset({"Read"}))),
    ):
        assert passes(rules=rules, start=start)
        assert not passes(rules=rules, start=replace(START, scopes=frozenset({"Write"})))
    assert passes(rules=demand(numberConfirmation=True))


def test_r1_memory_of_many_requesters_is_bounded() -> None:
    """R21: a flood from many addresses fills no memory."""
    openings = Openings(1, (Opening(WINDOW, "alice@example.com"),))
    for number in range(REMEMBERED + 5):
        begin = replace(START, requester_address=f"2001:db8::{number:x}")
        assert could_pass(one(BLOCK), openings, begin, exception_group=EXCEPTION, version=1, now=Instant(150))
    assert len(openings._judged) <= REMEMBERED


def test_r1_what_was_judged_is_remembered_for_one_version_of_the_policies_only() -> None:
    """R1: memory never outlives the policies that it was judged by."""
    openings = Openings(1, (Opening(WINDOW, "alice@example.com"),))

    def ask(rules: PolicySet, version: int) -> bool:
        return could_pass(rules, openings, START, exception_group=EXCEPTION, version=version, now=Instant(150))

    assert ask(one(BLOCK), 1)
    assert not ask(one(policy("everybody")), 2)


def test_r1_the_refusal_names_the_rule() -> None:
    """R1: for somebody without an exemption."""
    assert refusal(one(BLOCK), START).rules == ("block",)


@pytest.mark.parametrize(
    ("window", "told"),
    [
        (WINDOW, ("alice", "everybody")),
        (replace(WINDOW, limits=Limits(application=OTHER)), ()),
        (replace(WINDOW, ended=Instant(120)), ()),
    ],
)
def test_r1_what_stands_in_the_way_of_an_open_exemption_is_known(window: Exemption, told: tuple[str, ...]) -> None:
    """R1: not the block that it lifts, but what blocks its person all the same; each once, whoever else it blocks."""
    rules = one(BLOCK, policy("alice", users={"includeUsers": [ALICE]}), policy("everybody"))
    openings = Openings(
        1, (Opening(window, "alice@example.com"), Opening(replace(window, user=BOB), "bob@example.com"))
    )
    for start in (START, replace(START, asks=True)):  # who may only ask has nothing open that anything could stand by
        eligible = replace(openings, eligible=(Candidate(UserId("carl"), Instant(0), None),))
        found = in_the_way(rules, eligible, start, exception_group=EXCEPTION, version=1, now=Instant(150))
        assert found == told
    assert not could_pass(rules, openings, START, exception_group=EXCEPTION, version=1, now=Instant(150))
