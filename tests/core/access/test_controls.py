"""What applying policies demand: each control against facts, unknown ones too, and when it can still be brought."""

from dataclasses import replace
from typing import Any

import pytest

from ostiary.core.access.controls.proximity import kilometres
from ostiary.core.access.decision import Decision, Outcome
from ostiary.core.access.evaluate import evaluate
from ostiary.core.access.facts import NOWHERE, TRUSTED, UNKNOWN, DeviceFacts, Place, Treat
from ostiary.core.words.instants import hours, minutes
from tests.core.access.given import API, facts, mfa, one, policy

ALLOWED, BLOCKED, CONTROLS = Outcome.ALLOWED, Outcome.BLOCKED, Outcome.CONTROLS
STRENGTH = "00000000-0000-0000-0000-00000000000"
OSLO = Place("203.0.113.9", "NO", 64500, (599139, 107522), frozenset({"office"}))
NEXT_DOOR = Place("203.0.113.77", "NO", 64500, (599139, 107522), frozenset({"office"}))
BERGEN = Place("198.51.100.7", "NO", 64501, (603913, 53221), frozenset())
LAGOS = Place("192.0.2.4", "NG", 64502, (65244, 33792), frozenset())
BARE = DeviceFacts("d")
FULL = DeviceFacts("d", compliant=True, managed=True, key_bound=True)


def ours(**controls: Any) -> dict[str, Any]:
    """A policy's fields with these controls of ours and no grant of Graph's."""
    return {"grantControls": None, "ostiary": {"controls": controls}}


def grant(*controls: str, strength: int = 0, operator: str = "OR") -> dict[str, Any]:
    """A policy's fields with these grant controls."""
    made: dict[str, Any] = {"operator": operator, "builtInControls": list(controls)}
    return {"grantControls": made | ({"authenticationStrength": {"id": f"{STRENGTH}{strength}"}} if strength else {})}


def often(**values: Any) -> dict[str, Any]:
    """A policy's fields with a sign-in frequency."""
    return {"grantControls": None, "sessionControls": {"signInFrequency": {"isEnabled": True, **values}}}


def judged(fields: dict[str, Any], known: dict[str, Any], treat: Treat = Treat.STRICT) -> Decision:
    """One policy with *fields* over alice's sign-in with *known* facts."""
    return evaluate(one(policy(**fields)), facts(**known), unknown=treat)


ROWS: tuple[tuple[dict[str, Any], dict[str, Any], Outcome], ...] = (
    (grant("compliantDevice"), {"person_device": FULL}, ALLOWED),
    (grant("compliantDevice"), {"person_device": BARE}, BLOCKED),
    (grant("compliantDevice"), {"person_device": None}, BLOCKED),
    (grant("compliantDevice"), {"person_device": UNKNOWN}, BLOCKED),
    (grant("mfa", "compliantDevice"), {"person_device": FULL}, ALLOWED),
    (grant("mfa", "compliantDevice"), {"person_device": None}, CONTROLS),
    (grant("mfa", "compliantDevice", operator="AND"), {"person_device": FULL}, CONTROLS),
    (grant("mfa", "compliantDevice", operator="AND"), {"person_device": None, "amr": ("mfa",)}, BLOCKED),
    (grant(strength=2), {"amr": ("pwd", "otp", "mfa")}, ALLOWED),
    (grant(strength=2), {"amr": ("pwd",)}, CONTROLS),
    (grant(strength=3), {"amr": ("pwd", "otp", "mfa")}, CONTROLS),
    (grant(strength=3), {"amr": ("hwk", "user", "mfa")}, ALLOWED),
    (grant(strength=4), {"amr": ("pwd", "otp", "mfa")}, CONTROLS),
    (grant(strength=4), {"amr": ("hwk", "user", "mfa")}, ALLOWED),
    (grant(strength=4), {"amr": ("swk", "pin", "mfa")}, ALLOWED),
    (grant(strength=4), {"amr": ("pop", "mfa")}, ALLOWED),
    (grant(strength=4), {"amr": ("hwk", "otp", "mfa")}, CONTROLS),
    (grant(strength=4), {"amr": ("hwk",)}, CONTROLS),
    (grant(strength=4), {"amr": UNKNOWN}, CONTROLS),
    (
        grant("compliantDevice", strength=4, operator="AND"),
        {"amr": ("hwk", "user", "mfa"), "person_device": FULL},
        ALLOWED,
    ),
    (often(frequencyInterval="everyTime"), {"proof_age": 300}, ALLOWED),
    (often(frequencyInterval="everyTime"), {"proof_age": 301}, CONTROLS),
    (often(type="hours", value=1), {"proof_age": 3600}, ALLOWED),
    (often(type="hours", value=1), {"proof_age": 3601}, CONTROLS),
    (often(type="days", value=2), {"proof_age": 172_800}, ALLOWED),
    (often(type="days", value=2), {"proof_age": UNKNOWN}, CONTROLS),
    (ours(requesterDevice=["registered"]), {"requester_device": BARE}, ALLOWED),
    (ours(requesterDevice=["registered"]), {"requester_device": None}, BLOCKED),
    (ours(requesterDevice=["registered"]), {"requester_device": UNKNOWN}, BLOCKED),
    (ours(requesterDevice=["managed"]), {"requester_device": BARE}, BLOCKED),
    (ours(requesterDevice=["managed", "compliant", "keyBound"]), {"requester_device": FULL}, ALLOWED),
    (ours(requesterDevice=["keyBound"]), {"requester_device": replace(FULL, key_bound=False)}, BLOCKED),
    (ours(numberConfirmation=True), {"number_confirmed": True}, ALLOWED),
    (ours(numberConfirmation=True), {"number_confirmed": False}, CONTROLS),
    (ours(numberConfirmation=True, startTicket=True), {"number_confirmed": False, "start_ticket": False}, BLOCKED),
    (ours(startTicket=True), {"start_ticket": True}, ALLOWED),
    (ours(startTicket=True), {"start_ticket": UNKNOWN}, BLOCKED),
    (ours(referenceBinding=True), {"reference_bound": True}, ALLOWED),
    (ours(referenceBinding=True), {"reference_bound": False}, CONTROLS),
    (ours(referenceBinding=True), {"reference_bound": None, "machine_bound": True}, BLOCKED),
    (ours(referenceBinding=True, machineBinding=True), {"reference_bound": True, "machine_bound": False}, CONTROLS),
    (ours(machineBinding=True), {"machine_bound": True}, ALLOWED),
    (ours(machineBinding=True), {"machine_bound": UNKNOWN}, CONTROLS),
    (ours(scopes=["Read", f"{API}/Write"]), {"scopes": frozenset({"Read", "Write"})}, ALLOWED),
    (ours(scopes=["Read", "elsewhere/Write"]), {"scopes": frozenset({"Read", "Write"})}, BLOCKED),
    (ours(scopes=["Read"]), {"scopes": frozenset({"offline_access"})}, BLOCKED),
    (ours(scopes=[]), {"scopes": frozenset()}, ALLOWED),
    (ours(scopes=["Read"]), {"scopes": UNKNOWN}, BLOCKED),
)


@pytest.mark.parametrize(("fields", "known", "outcome"), ROWS, ids=[str(n) for n in range(len(ROWS))])
def test_what_satisfies_a_control(fields: dict[str, Any], known: dict[str, Any], outcome: Outcome) -> None:
    """Each demand against facts; CONTROLS where the person can still bring it, BLOCKED where nobody can."""
    assert judged(fields, known).outcome is outcome


NEAR = (
    ("sameAddress", NEXT_DOOR, False),
    ("samePrefix", NEXT_DOOR, True),
    ("samePrefix", BERGEN, False),
    ("sameAsn", NEXT_DOOR, True),
    ("sameAsn", BERGEN, False),
    ("sameNamedLocation", NEXT_DOOR, True),
    ("sameNamedLocation", BERGEN, False),
    ("sameCountry", BERGEN, True),
    ("sameCountry", LAGOS, False),
)


@pytest.mark.parametrize(("kind", "requester", "near"), NEAR, ids=[f"{k}-{n}" for k, _, n in NEAR])
def test_proximity(kind: str, requester: Place, near: bool) -> None:
    """The machine and the person: the same in one respect or not; unknown on a side is not near (R4)."""
    outcome = ALLOWED if near else BLOCKED
    for key in ("allOf", "anyOf"):
        demand = ours(proximity={key: [kind]})
        assert judged(demand, {"person": OSLO, "requester": requester}).outcome is outcome
        assert judged(demand, {"person": OSLO, "requester": OSLO}).outcome is ALLOWED
        unnamed = {"person": Place("192.0.2.9"), "requester": Place("192.0.2.9")}
        assert judged(demand, unnamed).outcome is (BLOCKED if kind == "sameNamedLocation" else ALLOWED)
        assert judged(demand, {"person": NOWHERE, "requester": OSLO}).outcome is BLOCKED
        assert judged(demand, {"person": OSLO, "requester": Place("192.0.2.9")}).outcome is BLOCKED


def test_what_both_sides_lack_is_nothing_that_they_share() -> None:
    """Neither an unknown country nor none; and two trusted places are not one place."""
    one_side, other = (Place(address, None, None, None, frozenset()) for address in ("203.0.113.9", "198.51.100.7"))
    for kind in ("sameCountry", "sameAsn", "sameNamedLocation"):
        known = {"person": one_side, "requester": other}
        assert judged(ours(proximity={"allOf": [kind]}), known).outcome is BLOCKED
    trusted = {
        "person": replace(OSLO, named=frozenset({TRUSTED, "office"})),
        "requester": replace(BERGEN, named=frozenset({TRUSTED, "plant"})),
    }
    assert judged(ours(proximity={"allOf": ["sameNamedLocation"]}), trusted).outcome is BLOCKED


def test_proximity_takes_one_of_several_or_all() -> None:
    """`anyOf` and `allOf` mean what they say."""
    sides = {"person": OSLO, "requester": BERGEN}
    assert judged(ours(proximity={"anyOf": ["sameAsn", "sameCountry"]}), sides).outcome is ALLOWED
    assert judged(ours(proximity={"allOf": ["sameAsn", "sameCountry"]}), sides).outcome is BLOCKED


def test_a_location_that_both_may_be_in_is_not_shared_for_certain() -> None:
    """R4: unsure on a side is unknown, and unknown is not near; at the start it is left for later."""
    unsure = {"person": replace(OSLO, named=frozenset(), unsure=frozenset({"office"})), "requester": NEXT_DOOR}
    demand = ours(proximity={"allOf": ["sameNamedLocation"]})
    assert judged(demand, unsure).outcome is BLOCKED
    assert judged(demand, unsure, Treat.LATER).outcome is ALLOWED


def test_proximity_in_kilometres() -> None:
    """Oslo and Bergen are some 305 km apart; nowhere is near nothing."""
    assert kilometres(OSLO, BERGEN) == pytest.approx(306, abs=3)
    assert kilometres(OSLO, NEXT_DOOR) == 0
    assert kilometres(OSLO, replace(BERGEN, coordinates=None)) is None
    for far, requester, outcome in ((310, BERGEN, ALLOWED), (300, BERGEN, BLOCKED), (310, LAGOS, BLOCKED)):
        known = {"person": OSLO, "requester": requester}
        assert judged(ours(proximity={"maxKilometres": far}), known).outcome is outcome
    nowhere = {"person": OSLO, "requester": replace(BERGEN, coordinates=None)}
    assert judged(ours(proximity={"maxKilometres": 20_000}), nowhere).outcome is BLOCKED


def test_prefixes_are_24_bits_and_56_bits() -> None:
    """A household or an office of either family."""
    for one_side, other, near in (
        ("203.0.113.1", "203.0.113.255", True), ("203.0.113.1", "203.0.112.255", False),
        ("2001:db8:0:1100::1", "2001:db8:0:11ff::1", True), ("2001:db8:0:1100::1", "2001:db8:0:1200::1", False),
        ("203.0.113.1", "2001:db8::1", False), ("nonsense", "203.0.113.1", False),
    ):  # fmt: skip
        known = {"person": Place(one_side), "requester": Place(other)}
        outcome = judged(ours(proximity={"allOf": ["samePrefix"]}), known).outcome
        assert outcome is (ALLOWED if near else BLOCKED)


def test_what_comes_after_consent_does_not_hinder_consenting() -> None:
    """The number is confirmed between consent and redemption; the redemption asks for it."""
    waiting = judged(ours(numberConfirmation=True), {"number_confirmed": False})
    assert (waiting.outcome, waiting.may_consent, waiting.missing) == (CONTROLS, True, ("numberConfirmation",))
    both = evaluate(
        one(policy(**ours(numberConfirmation=True)), mfa()), facts(number_confirmed=False), unknown=Treat.STRICT
    )
    assert not both.may_consent
    assert not judged(ours(startTicket=True), {"start_ticket": False}).may_consent
    assert not judged(ours(referenceBinding=True), {"reference_bound": False}).may_consent


def test_r1_what_can_never_be_brought_counts_at_the_start() -> None:
    """R1: a code that nobody can complete is not issued; what is unknown or can still be brought is left for later."""
    for fields, known, outcome in (
        (ours(startTicket=True), {"start_ticket": False}, BLOCKED),
        (ours(startTicket=True), {"start_ticket": UNKNOWN}, ALLOWED),
        (ours(scopes=["Read"]), {"scopes": frozenset({"Write"})}, BLOCKED),
        (ours(numberConfirmation=True), {"number_confirmed": False}, ALLOWED),
        (ours(machineBinding=True), {"machine_bound": False}, ALLOWED),
        (ours(machineBinding=True), {"machine_bound": None}, BLOCKED),
        (ours(proximity={"allOf": ["sameAddress"]}), {"requester": OSLO}, ALLOWED),
        (grant("mfa"), {}, ALLOWED),
    ):
        assert judged(fields, known, Treat.LATER).outcome is outcome


def test_limits_are_the_tightest_of_the_policies_that_were_enforced() -> None:
    """Lifetimes and ceilings only ever shrink; report-only policies narrow nothing."""

    def narrow(id: str, minutes: int, hours: int, **more: Any) -> Any:
        own = {"limits": {"accessMinutes": minutes, "sessionHours": hours}, "controls": {"scopes": more.pop("scopes")}}
        return policy(id, grantControls=None, ostiary=own, **more)

    rules = one(
        narrow("a", 10, 4, scopes=["Read", "Write"]),
        narrow("b", 20, 2, scopes=["Read", "Delete"]),
        narrow("c", 2, 1, scopes=[], state="enabledForReportingButNotEnforced"),
        policy("d", **often(type="hours", value=1)),
    )
    found = evaluate(rules, facts(scopes=frozenset({"Read"}), proof_age=5), unknown=Treat.STRICT)
    assert found.outcome is ALLOWED
    limits = found.limits
    assert (limits.access, limits.session, limits.frequency) == (minutes(10), hours(2), 3600)
    assert limits.scopes == frozenset({"Read"})
