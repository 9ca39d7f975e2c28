"""Requests by their rules alone: who may ask and decide, what an approval gives, and every state at every moment."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from ostiary.core.access.facts import UNKNOWN, DeviceFacts
from ostiary.core.access.strengths import Strength
from ostiary.core.directory.permissions import Action
from ostiary.core.exemptions.asking import Circumstances, Unmet, Wish, ask, automatic
from ostiary.core.exemptions.deciding import (
    Verdict,
    approved,
    decide,
    extended,
    lesser,
    may_end,
    may_look,
    may_see,
    open_stages,
    opened,
    outgrown,
    right_to_end,
)
from ostiary.core.exemptions.eligibility import Eligibility, bounded_end, unused
from ostiary.core.exemptions.exemption import EndCause, Exemption, Limits, Use, cut, limits_document, limits_from
from ostiary.core.exemptions.hours import Hours, Stretch
from ostiary.core.exemptions.pattern import Pattern, read_pattern
from ostiary.core.exemptions.request import Act, Decision, Phase, Request, State, Ticket, standing
from ostiary.core.exemptions.rules import (
    Approver,
    Approvers,
    Auto,
    AutoKind,
    Checker,
    Clock,
    Mode,
    Rules,
    Stage,
)
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.ids import AppId, ExemptionId, GroupId, UserId
from ostiary.core.words.instants import Instant, Span, after, days, from_iso, hours, minutes
from ostiary.core.words.outcome import Reason, Refused

NOW = from_iso("2026-11-23T10:00:00Z")  # a Monday
GROUP, CALL, OWNERS = GroupId("exception"), GroupId("on-call"), GroupId("owners")
ALICE, BEA, CARL, DANA = (UserId(name) for name in ("alice", "bea", "carl", "dana"))
APPROVERS = frozenset({"approver"})
PEOPLE = {
    ALICE: Approver(ALICE, True, frozenset({CALL})),
    BEA: Approver(BEA, True, roles=APPROVERS),
    CARL: Approver(CARL, True, roles=APPROVERS),
    DANA: Approver(DANA, True, frozenset({OWNERS})),
}
ID = ExemptionId("r1")
ELIGIBLE = Eligibility(ExemptionId("e"), ALICE, GROUP, "runs the servers", NOW, None, NOW, "user:bea")
RULES = Rules()
APP = AppId("app")


def caller(
    user: UserId = ALICE, origin: Origin = Origin.BROWSER, amr: tuple[str, ...] = ("pwd", "otp", "mfa")
) -> Caller:
    """A person who asks or decides."""
    return Caller(CallerKind.USER, user, f"{user}@example.com", origin, amr=amr, authenticated_at=NOW)


def known(**changes: Any) -> Circumstances:
    """What is known of Alice."""
    return replace(Circumstances(PEOPLE[ALICE], ELIGIBLE), **changes)


def asked(rules: Rules = RULES, *, who: Caller | None = None, facts: Circumstances | None = None, **wish: Any) -> Any:
    """Alice asks."""
    wished = Wish(**{"reason": "fix INC-4412", **wish})
    return ask(ID, GROUP, wished, who or caller(), rules, facts or known(), now=NOW)


def request(rules: Rules = RULES, **wish: Any) -> Request:
    """A request that the rules allow."""
    found = asked(rules, **wish)
    assert isinstance(found, Request), found
    return found


def broken(rules: Rules = RULES, **given: Any) -> list[str]:
    """The rules that are not kept."""
    found = asked(rules, **given)
    assert not isinstance(found, Request)
    assert all(isinstance(unmet, Unmet) for unmet in found)
    return [unmet.rule for unmet in found]


def pattern(text: str) -> Pattern:
    """A pattern."""
    found = read_pattern(text)
    assert isinstance(found, Pattern)
    return found


def yes(made: Request, by: UserId, rules: Rules = RULES, *, at: Instant = NOW, **verdict: Any) -> Decision | Refused:
    """*by* approves."""
    return decide(
        made, Verdict(**{"approve": True, "reason": "go ahead", **verdict}), caller(by), rules, PEOPLE, now=at
    )


def with_yes(made: Request, by: UserId, rules: Rules = RULES, **verdict: Any) -> Request:
    """*made* after that."""
    decision = yes(made, by, rules, **verdict)
    assert isinstance(decision, Decision), decision
    return replace(made, decisions=(*made.decisions, decision))


# ---- asking


def test_an_ordinary_request_is_what_was_asked_for() -> None:
    """Length, reason and limits as said; who does not say how long gets what is usual."""
    made = request(length=hours(2), limits=Limits(APP))
    assert (made.length, made.reason, made.limits.application, made.user, made.by) == (
        hours(2), "fix INC-4412", APP, ALICE, "user:alice",
    )  # fmt: skip
    assert (made.ends, made.act, made.opens) == (after(NOW, hours(24)), Act.ACTIVATE, ID)
    assert request().length == hours(1)


_ASKS = replace(RULES, ticket=True, ticket_pattern=pattern(r"^INC-\d+$"))


@pytest.mark.parametrize(
    ("rules", "given", "rule"),
    [
        (RULES, {"facts": known(eligibility=None)}, "EligibilityRule"),
        (RULES, {"facts": known(eligibility=replace(ELIGIBLE, ended=NOW))}, "EligibilityRule"),
        (RULES, {"facts": known(eligibility=replace(ELIGIBLE, ends=NOW))}, "EligibilityRule"),
        (RULES, {"facts": known(eligibility=replace(ELIGIBLE, starts=Instant(NOW + 1)))}, "EligibilityRule"),
        (RULES, {"facts": known(person=replace(PEOPLE[ALICE], enabled=False))}, "EligibilityRule"),
        (RULES, {"length": Span(hours(4) + 1)}, "ExpirationRule"),
        (RULES, {"length": Span(minutes(30) - 1)}, "ExpirationRule"),
        (replace(RULES, longest=hours(48)), {"length": hours(25)}, "ExpirationRule"),
        (RULES, {"reason": "x"}, "JustificationRule"),
        (replace(RULES, pattern=pattern("CHG-")), {}, "JustificationRule"),
        (RULES, {"who": caller(amr=("pwd",))}, "MfaRule"),
        (replace(RULES, strength=Strength.PHISHING_RESISTANT), {}, "MfaRule"),
        (replace(RULES, trusted_device=True), {}, "DeviceRule"),
        (replace(RULES, trusted_device=True), {"facts": known(device=None)}, "DeviceRule"),
        (replace(RULES, trusted_device=True), {"facts": known(device=DeviceFacts("d"))}, "DeviceRule"),
        (_ASKS, {}, "TicketingRule"),
        (_ASKS, {"ticket": Ticket("what?")}, "TicketingRule"),
        (replace(_ASKS, checker=Checker("http", "https://t/{ticket}")), {"ticket": Ticket("INC-1")}, "TicketingRule"),
        (replace(RULES, narrow=frozenset({"network"})), {"limits": Limits(APP)}, "NarrowingRule"),
        (replace(RULES, narrow=frozenset({"signIns"})), {}, "NarrowingRule"),
        (RULES, {"limits": Limits(sign_ins=0)}, "NarrowingRule"),
        (RULES, {"limits": Limits(APP), "facts": known(missing="ostiary.applicationId")}, "NarrowingRule"),
        (RULES, {"starts": after(NOW, hours(25))}, "StartRule"),
        (replace(RULES, cool_down=hours(1)), {"facts": known(last_end=after(NOW, Span(-1)))}, "StartRule"),
        (RULES, {"break_glass": True}, "BreakGlassRule"),
        (RULES, {"facts": known(waiting=5)}, "PendingRule"),
        (RULES, {"extends": ExemptionId("x")}, "ExtensionRule"),
    ],
)  # fmt: skip
def test_a_rule_that_is_not_kept_is_named(rules: Rules, given: dict[str, Any], rule: str) -> None:
    """Each by itself; what nobody knows is not kept (R4)."""
    assert broken(rules, **given) == [rule]


def test_every_rule_that_is_not_kept_is_told_at_once() -> None:
    """Nobody finds out one by one."""
    rules = replace(_ASKS, trusted_device=True, narrow=frozenset({"application"}))
    assert broken(rules, length=hours(9), reason="", who=caller(amr=())) == [
        "ExpirationRule", "MfaRule", "DeviceRule", "TicketingRule", "NarrowingRule", "JustificationRule",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "given"),
    [
        (replace(RULES, trusted_device=True), {"facts": known(device=DeviceFacts("d", managed=True))}),
        (replace(RULES, strength=Strength.MFA), {}),
        (_ASKS, {"ticket": Ticket("INC-12")}),
        (replace(_ASKS, checker=Checker("http", "https://t/{ticket}")), {"ticket": Ticket("INC-1", checked=True)}),
        (replace(RULES, narrow=frozenset({"application", "signIns"})), {"limits": Limits(APP, sign_ins=1)}),
        (replace(RULES, cool_down=hours(1)), {"facts": known(last_end=after(NOW, hours(-1)))}),
        (replace(RULES, reasoned=False), {"reason": ""}),
        (RULES, {"starts": after(NOW, hours(3))}),
    ],
)
def test_a_rule_that_is_kept_lets_pass(rules: Rules, given: dict[str, Any]) -> None:
    """The other side of each."""
    assert isinstance(asked(rules, **given), Request)


def test_break_glass_waits_for_no_ticket_and_keeps_the_rest() -> None:
    """An emergency asks for a reason, a second factor and somebody whom the rules allow; it is short."""
    rules = replace(_ASKS, glass=Approvers(groups=frozenset({CALL})), narrow=frozenset({"application"}))
    made = request(rules, break_glass=True, facts=known(waiting=9))
    assert (made.break_glass, made.length) == (True, hours(1))
    assert broken(rules, break_glass=True, length=hours(2)) == ["ExpirationRule"]
    assert broken(rules, break_glass=True, who=caller(BEA)) == ["BreakGlassRule"]
    assert broken(rules, break_glass=True, starts=after(NOW, hours(1))) == ["StartRule"]
    assert broken(replace(rules, reasoned=False), break_glass=True, reason="") == ["JustificationRule"]
    assert "BreakGlassRule" in broken(rules, break_glass=True, extends=ID)


def test_a_scheduled_start_lies_in_the_allowed_hours_and_is_too_late_some_time() -> None:
    """Who asks for tonight hears it now; nobody decides about a start that has gone by."""
    rules = replace(RULES, allowed=Hours("UTC", (Stretch(frozenset(range(7)), 8 * 60, 18 * 60),)))
    assert broken(rules, starts=after(NOW, hours(10))) == ["StartRule"]
    made = request(replace(rules, expiry=hours(72)), starts=after(NOW, hours(2)))
    assert made.ends == after(NOW, hours(2 + 8))
    assert request(rules, starts=after(NOW, minutes(1))).starts is None


def test_the_number_of_sign_ins_is_never_more_than_the_rules_say() -> None:
    """Nor open where they name one."""
    rules = replace(RULES, most_sign_ins=3)
    assert [request(rules, limits=Limits(sign_ins=n)).limits.sign_ins for n in (None, 2, 9)] == [3, 2, 3]


# ---- what approves by itself


def test_only_a_browser_of_ones_own_is_granted_without_a_person() -> None:
    """R3: a device sign-in asks, and somebody else must approve; so must they what is asked for another."""
    rules = replace(RULES, auto=(Auto(AutoKind.ON_CALL, CALL, hours(1)),))
    assert automatic(request(rules), caller(), rules, known()) == "onCall"
    assert automatic(request(rules), caller(origin=Origin.DEVICE_CODE), rules, known()) is None
    assert automatic(request(rules), caller(BEA), rules, known()) is None
    assert automatic(request(rules, length=hours(2)), caller(), rules, known()) is None
    away = known(person=replace(PEOPLE[ALICE], groups=frozenset()))
    assert automatic(request(rules), caller(), rules, away) is None
    assert automatic(request(RULES), caller(), RULES, known()) is None
    free = replace(RULES, mode=Mode.NONE, stages=())
    assert automatic(request(free), caller(), free, known()) == "noApproval"


@pytest.mark.parametrize(("risk", "granted"), [("low", True), ("none", True), ("high", False), (UNKNOWN, False)])
def test_an_unknown_risk_is_not_low(risk: Any, granted: bool) -> None:
    """R4: what nobody knows satisfies nothing."""
    rules = replace(RULES, auto=(Auto(AutoKind.LOW_RISK),))
    assert (automatic(request(rules), caller(), rules, known(risk=risk)) == "lowRisk") is granted


# ---- deciding


def test_nobody_decides_for_themselves() -> None:
    """Not their own request, not one they made for another, not without being named, not disabled."""
    made = request()
    mine = replace(made, user=BEA)
    for_another = replace(made, by="user:bea")
    for each in (mine, for_another):
        refused = yes(each, BEA)
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.FORBIDDEN
        assert not may_see(each, RULES, PEOPLE[BEA], NOW)
    assert yes(made, DANA) == Refused(Reason.FORBIDDEN, "The rules do not name you as an approver.")
    gone = {**PEOPLE, BEA: replace(PEOPLE[BEA], enabled=False)}
    said = decide(made, Verdict(True, "fine"), caller(BEA), RULES, gone, now=NOW)
    assert said == Refused(Reason.FORBIDDEN)
    assert isinstance(yes(made, BEA), Decision)


def test_an_approver_who_was_removed_counts_no_more() -> None:
    """Their word was one of two; now one is missing again."""
    rules = replace(RULES, stages=(replace(RULES.stages[0], needed=2),))
    made = with_yes(with_yes(request(), BEA, rules), CARL, rules)
    assert approved(made, rules, PEOPLE)
    assert not approved(made, rules, {**PEOPLE, BEA: replace(PEOPLE[BEA], roles=frozenset())})
    assert not approved(made, rules, {CARL: PEOPLE[CARL]})
    assert not approved(made, replace(rules, stages=()), PEOPLE)


def test_who_comes_second_is_told_who_was_first() -> None:
    """One yes was enough, or one no."""
    for phase, said in ((Phase.APPROVED, "approved"), (Phase.DENIED, "denied")):
        late = yes(replace(with_yes(request(), BEA), phase=phase), CARL)
        assert late == Refused(Reason.CONFLICT, f"It was {said} already by bea@example.com.")
    for phase, said in ((Phase.WITHDRAWN, "withdrawn"), (Phase.KILLED, "ended")):
        assert yes(replace(request(), phase=phase), CARL) == Refused(Reason.CONFLICT, f"It was {said} already.")


def test_one_person_is_one_voice() -> None:
    """Not two of one stage, and not one of each."""
    rules = replace(RULES, mode=Mode.SERIAL, stages=RULES.stages * 2)
    made = with_yes(request(), BEA, rules)
    assert open_stages(made, rules, PEOPLE) == (1,)
    twice = yes(made, BEA, rules)
    assert isinstance(twice, Refused)
    assert twice.reason is Reason.CONFLICT
    assert approved(with_yes(made, CARL, rules), rules, PEOPLE)


def test_stages_come_in_their_order_or_together() -> None:
    """Serial: the second waits for the first. Parallel: whoever comes."""
    owners = Stage(Approvers(groups=frozenset({OWNERS})))
    serial = replace(RULES, mode=Mode.SERIAL, stages=(RULES.stages[0], owners))
    early = yes(request(), DANA, serial)
    assert isinstance(early, Refused)
    assert early.reason is Reason.CONFLICT
    wrong = yes(request(), BEA, serial, stage=1)
    assert isinstance(wrong, Refused)
    assert wrong.reason is Reason.CONFLICT
    parallel = replace(serial, mode=Mode.PARALLEL)
    made = with_yes(with_yes(request(), DANA, parallel), BEA, parallel, stage=0)
    assert approved(made, parallel, PEOPLE)


def test_the_next_in_the_chain_decides_after_a_while_only() -> None:
    """And what they said then still counts later."""
    late = replace(RULES.stages[0], escalates=minutes(20), escalation=Approvers(users=frozenset({DANA})))
    rules = replace(RULES, stages=(late,))
    assert isinstance(yes(request(), DANA, rules, at=after(NOW, minutes(19))), Refused)
    made = with_yes(request(), DANA, rules, at=after(NOW, minutes(20)))
    assert approved(made, rules, PEOPLE)


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        ({"reason": ""}, Reason.REASON_REQUIRED),
        ({"length": hours(2)}, Reason.INVALID_VALUE),
        ({"length": minutes(5)}, Reason.INVALID_VALUE),
        ({"at": after(NOW, hours(24))}, Reason.WRONG_STATE),
    ],
)
def test_a_verdict_says_why_and_gives_no_more_than_was_asked_for(verdict: dict[str, Any], reason: Reason) -> None:
    """Nor anything after the request has lapsed."""
    said = yes(request(), BEA, **verdict)
    assert isinstance(said, Refused)
    assert said.reason is reason


def test_a_no_needs_a_reason_and_a_yes_only_where_the_rules_ask() -> None:
    """Whoever was denied hears why."""
    rules = replace(RULES, stages=(replace(RULES.stages[0], reasoned=False),))
    assert isinstance(yes(request(), BEA, rules, reason=""), Decision)
    assert isinstance(yes(request(), BEA, rules, reason="", approve=False), Refused)
    strong = replace(RULES, approver_strength=Strength.PHISHING_RESISTANT)
    weak = yes(request(), BEA, strong)
    assert isinstance(weak, Refused)
    assert weak.reason is Reason.STEP_UP


# ---- what an approval gives


def given(rules: Rules = RULES, made: Request | None = None, at: Instant = NOW, **eligible: Any) -> Exemption:
    """The exemption of an approved request."""
    found = opened(made or request(rules), rules, replace(ELIGIBLE, **eligible), now=at)
    assert isinstance(found, Exemption), found
    return found


def test_the_clock_starts_at_the_first_use() -> None:
    """Approved, it waits; used, it lasts what was approved; never used, it lapses."""
    waiting = given()
    assert (waiting.waits, waiting.starts, waiting.ends) == (hours(1), NOW, after(NOW, hours(8)))
    later = after(NOW, hours(7))
    assert waiting.takes(later)
    assert not waiting.takes(after(NOW, hours(8)))
    begun = waiting.begun(later)
    assert (begun.starts, begun.ends, begun.waits) == (later, after(later, hours(1)), None)
    assert begun.begun(after(later, minutes(5))) == begun


def test_the_clock_starts_at_the_approval_where_the_rules_say() -> None:
    """And break-glass at once, whatever they say."""
    rules = replace(RULES, clock=Clock.APPROVAL, glass=Approvers(users=frozenset({ALICE})))
    assert (given(rules).ends, given(rules).waits) == (after(NOW, hours(1)), None)
    glass = request(replace(rules, clock=Clock.FIRST_USE), break_glass=True)
    assert given(RULES, glass).waits is None
    later = request(rules, starts=after(NOW, hours(2)))
    assert (given(rules, later).starts, given(rules, later).ends) == (after(NOW, hours(2)), after(NOW, hours(3)))


def test_nothing_lasts_longer_than_what_stands_behind_it() -> None:
    """Eligibility, allowed hours, the least that an approver said, the rules of now, the hard cap."""
    soon = after(NOW, minutes(40))
    assert given(ends=soon).ends == soon
    assert given(ends=soon).begun(after(NOW, minutes(30))).ends == soon
    closing = replace(RULES, allowed=Hours("UTC", (Stretch(frozenset({0}), 0, 10 * 60 + 30),)))
    assert given(closing).begun(NOW).ends == after(NOW, minutes(30))
    assert not given(closing).takes(after(NOW, minutes(30)))
    less = with_yes(request(length=hours(2)), BEA, length=minutes(45))
    assert given(made=less).waits == minutes(45)
    assert given(replace(RULES, longest=minutes(30)), made=request(length=hours(2))).waits == minutes(30)
    endless = replace(given(), waits=days(9))
    assert endless.begun(NOW).ends == after(NOW, hours(24))


def test_an_approval_outside_the_allowed_hours_gives_nothing_that_runs() -> None:
    """Where the clock starts at the approval."""
    rules = replace(RULES, clock=Clock.APPROVAL, allowed=Hours("UTC", (Stretch(frozenset({6}), 0, 1440),)))
    refused = opened(request(), rules, ELIGIBLE, now=NOW)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.WRONG_STATE


def test_an_extension_leaves_no_gap_and_no_more_than_a_day() -> None:
    """The end moves; the start stays what the cap counts from."""
    running = given(replace(RULES, clock=Clock.APPROVAL))
    facts = known(running=running)
    more = request(length=hours(2), extends=running.id, facts=facts)
    assert (more.act, more.target, more.opens) == (Act.EXTEND, running.id, running.id)
    longer = extended(more, RULES, running, ELIGIBLE, now=after(NOW, minutes(50)))
    assert isinstance(longer, Exemption)
    assert (longer.starts, longer.ends) == (running.starts, after(running.ends, hours(2)))
    whole = replace(running, ends=after(NOW, hours(23)))
    assert broken(length=hours(2), extends=running.id, facts=known(running=whole)) == ["ExpirationRule"]
    for over in (replace(running, ended=NOW), replace(running, waits=hours(1))):
        assert isinstance(extended(more, RULES, over, ELIGIBLE, now=NOW), Refused)
        assert broken(extends=running.id, facts=known(running=over)) == ["ExtensionRule"]
    assert broken(extends=running.id, facts=known(running=replace(running, break_glass=True))) == ["ExtensionRule"]
    assert broken(extends=running.id, limits=Limits(APP), facts=facts) == ["NarrowingRule"]
    bound = replace(ELIGIBLE, ends=running.ends)
    assert isinstance(extended(more, RULES, running, bound, now=NOW), Refused)


@pytest.mark.parametrize(
    "rules",
    [
        replace(RULES, narrow=frozenset({"network"})),
        replace(RULES, ticket=True),
        replace(RULES, pattern=pattern("CHG")),
        replace(RULES, most_sign_ins=1),
    ],
)
def test_rules_that_ask_for_more_meanwhile_are_kept(rules: Rules) -> None:
    """A request that waited is granted under the rules of the moment, or not at all."""
    assert outgrown(request(), RULES) is None
    refused = outgrown(request(), rules)
    assert refused is not None
    assert refused.reason is Reason.WRONG_STATE
    assert outgrown(replace(request(), break_glass=True), rules) is None


# ---- states


def state(made: Request, exemption: Exemption | None = None, at: Instant = NOW) -> State:
    """Where it stands."""
    return standing(made, exemption, at)


def test_every_state_follows_from_what_is_stored_and_the_time() -> None:
    """Nothing but the clock moves a request from one to the other here."""
    made, done = request(), replace(request(), phase=Phase.APPROVED)
    waiting = given()
    running = waiting.begun(NOW)
    assert state(made) is State.REQUESTED
    assert state(with_yes(made, BEA)) is State.PARTLY_APPROVED
    assert state(made, at=made.ends) is State.LAPSED
    assert state(done, waiting) is State.APPROVED
    assert state(done, waiting, at=waiting.ends) is State.LAPSED
    assert state(done, running) is State.ACTIVE
    assert state(done, running, at=running.ends) is State.EXPIRED
    assert state(done, replace(running, starts=after(NOW, hours(1)), ends=after(NOW, hours(2)))) is State.APPROVED
    assert state(done, None) is State.REVOKED
    for cause, what in (
        (EndCause.RELEASED, State.RELEASED), (EndCause.ENDED, State.REVOKED), (EndCause.KILLED, State.KILLED),
        (EndCause.DISABLED, State.KILLED), (EndCause.INELIGIBLE, State.KILLED), (EndCause.REPORTED, State.REVOKED),
        (EndCause.DOUBTED, State.REVOKED),
    ):  # fmt: skip
        assert state(done, replace(running, ended=NOW, end_cause=cause)) is what
    for phase, what in (
        (Phase.DENIED, State.DENIED), (Phase.WITHDRAWN, State.WITHDRAWN), (Phase.KILLED, State.KILLED),
    ):  # fmt: skip
        assert state(replace(made, phase=phase)) is what
    assert not done.open(NOW)
    assert replace(done, break_glass=True).owes_review()
    assert not replace(done, break_glass=True, review="used for INC-1").owes_review()


# ---- limits


def test_an_exemption_admits_what_it_is_narrowed_to() -> None:
    """What is not known is outside of whatever is narrowed."""
    api = AppId("api")
    use = Use(APP, "192.0.2.7", api, frozenset({"Read", "offline_access"}), "laptop")
    every = Limits(APP, ip_network("192.0.2.0/24"), api, frozenset({"Read", "Write"}), "laptop", 2)
    assert every.admit(use)
    for other in (
        replace(use, application=api), replace(use, address="198.51.100.1"), replace(use, address="nowhere"),
        replace(use, resource=None), replace(use, scopes=frozenset({"Admin"})), replace(use, scopes=None),
        replace(use, device=None),
    ):  # fmt: skip
        assert not every.admit(other)
    assert limits_from(limits_document(every)) == every
    assert cut(Limits(APP), every) == every
    assert cut(every, Limits(api)) == every
    with pytest.raises(ValueError, match="planet"):
        limits_from({"planet": "mars"})


def test_a_number_of_sign_ins_is_used_up() -> None:
    """The last one leaves no room for another."""
    two = replace(given(), limits=Limits(sign_ins=2))
    assert [replace(two, used=n).takes(NOW) for n in (0, 1, 2)] == [True, True, False]


# ---- eligibility


def test_an_eligibility_ends_as_the_rules_say() -> None:
    """A year at most by default, for good only where it is allowed."""
    endless = replace(RULES, eligible_longest=None)
    assert bounded_end(RULES, NOW, after(NOW, days(365))) == after(NOW, days(365))
    assert bounded_end(endless, NOW, None) is None
    for ends in (None, after(NOW, days(366)), NOW):
        assert isinstance(bounded_end(RULES, NOW, ends), Refused)
    assert isinstance(bounded_end(endless, NOW, NOW), Refused)


def test_ninety_days_without_use_are_noticed() -> None:
    """From the last use, or from when it was given."""
    assert not unused(ELIGIBLE, None, after(NOW, Span(days(90) - 1)))
    assert unused(ELIGIBLE, None, after(NOW, days(90)))
    assert not unused(ELIGIBLE, after(NOW, days(10)), after(NOW, days(90)))


# ---- looking


def test_who_decides_looks_and_an_administrator_too_but_never_at_their_own() -> None:
    """An administrator who is no approver looks, since they may end it; while it waits not at what they made."""
    made = request()
    root = Approver(CARL, True, roles=frozenset({"administrator"}))
    by_root = replace(made, by=f"user:{CARL}")
    decided = replace(by_root, phase=Phase.APPROVED)
    assert may_look(made, RULES, PEOPLE[BEA], NOW)
    assert not may_look(made, RULES, PEOPLE[DANA], NOW)
    assert may_look(made, RULES, root, NOW)
    assert not may_look(made, RULES, replace(root, enabled=False), NOW)
    assert not may_look(made, RULES, replace(root, id=ALICE), NOW)
    assert not may_look(by_root, RULES, root, NOW)
    assert may_look(by_root, RULES, root, by_root.ends)
    assert may_look(decided, RULES, root, NOW)
    assert not may_look(replace(decided, user=CARL), RULES, root, NOW)


def test_by_which_right_somebody_ends_an_exemption() -> None:
    """Their own before all, then as an administrator, then as an approver of now, who in a chain is asked in time."""
    made = replace(request(), phase=Phase.APPROVED)
    root = Approver(CARL, True, roles=frozenset({"administrator"}))
    chain = replace(
        RULES, stages=(Stage(Approvers(users=frozenset({BEA})), escalation=Approvers(users=frozenset({DANA})),
                             escalates=hours(1)),),
    )  # fmt: skip
    for whose, rules, person, at, right in (
        (ALICE, RULES, PEOPLE[ALICE], NOW, Action.END_OWN),
        (ALICE, RULES, replace(root, id=ALICE), NOW, Action.END_OWN),
        (ALICE, RULES, root, NOW, Action.END_EXEMPTION),
        (CARL, RULES, root, NOW, Action.END_OWN),
        (ALICE, RULES, replace(root, enabled=False), NOW, None),
        (ALICE, RULES, PEOPLE[BEA], NOW, Action.DECIDE_REQUEST),
        (ALICE, RULES, replace(PEOPLE[BEA], enabled=False), NOW, None),
        (ALICE, RULES, PEOPLE[DANA], NOW, None),
        (ALICE, chain, PEOPLE[DANA], after(NOW, minutes(59)), None),
        (ALICE, chain, PEOPLE[DANA], after(NOW, hours(1)), Action.DECIDE_REQUEST),
    ):
        given_ = replace(made, user=whose)
        assert right_to_end(given_, rules, person, at) is right, (whose, person, right)
        assert may_end(given_, rules, person, at) is (right in (Action.END_EXEMPTION, Action.DECIDE_REQUEST))
    assert right_to_end(replace(made, by=f"user:{BEA}"), RULES, PEOPLE[BEA], NOW) is None


@pytest.mark.parametrize(
    ("rules", "length", "offered"),
    [
        (RULES, hours(2), [30, 45, 60, 90]),
        (replace(RULES, shortest=minutes(20)), minutes(45), [20, 30]),
        (RULES, minutes(30), []),
        (replace(RULES, longest=minutes(70)), hours(2), [30, 45, 60, 70]),
    ],
)
def test_less_is_chosen_from_the_shortest_on_and_never_all_of_it(
    rules: Rules, length: Span, offered: list[int]
) -> None:
    """Round lengths, with the ends that the rules of now set."""
    made = replace(request(), length=length)
    assert [each // minutes(1) for each in lesser(made, rules)] == offered
