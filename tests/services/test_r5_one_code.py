"""One command, one code (R5): a consent that asks for an exemption, and what becomes of the sign-in that waits."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert

from ostiary.core.graph.error import Invalid
from ostiary.core.logs.telling import Outcome as LogOutcome
from ostiary.core.signins.signin import SHUNNED
from ostiary.core.signins.view import Approved, Asked, Claimed
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, hours, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.access.kill_switch import turn_on
from ostiary.services.directory.throttle import strike
from ostiary.services.exemptions.decide import withdraw_request
from ostiary.services.exemptions.eligible import take_eligibility
from ostiary.services.exemptions.end import end_exemptions_of
from ostiary.services.signins import claim, decide
from ostiary.services.signins.start import Started
from ostiary.services.tokens.issue import Issued
from ostiary.services.tokens.token import pending
from ostiary.store import Tx, schema
from tests.services.asking import KEY, ROOT, WHY, Asking
from tests.services.door import BLOCK, alerts, reason, states
from tests.services.test_r12_number import bring, other
from tests.web.oauth.site import ALICE, BOB, CLI


def awaited(answer: Issued | Refused) -> dict[str, Any]:
    """What a poll of a waiting sign-in is told."""
    assert isinstance(answer, Refused), answer
    assert answer.reason is Reason.EXEMPTION_AWAITED
    return dict(answer.told)


def block(asking: Asking, name: str, whom: str) -> None:
    """A block of device codes for *whom*, that excludes nobody."""
    policy: dict[str, Any] = {**BLOCK, "displayName": name}
    policy["conditions"] = {**policy["conditions"], "users": {"includeUsers": [whom]}}
    document = json.dumps(policy)
    values = {"id": name, "document": document, "created": 1, "modified": 1}
    asking.change(insert(schema.policies).values(values), "picture")


def test_r1_a_request_that_does_not_ask_is_refused_though_people_are_eligible(asking: Asking) -> None:
    """R1: ten eligible people and no `ostiary_request`: no row; nor where the registration lets nobody ask."""
    for n in range(9):
        id = UserId(f"7a0d1f2e-0000-4000-8000-00000000c00{n}")
        values = {"principal_name": f"e{n}@example.com", "display_name": "E", "created": 0, "roles": "[]"}
        asking.change(insert(schema.users).values(id=id, **values))
        asking.make_eligible(id)
    quiet = asking.start()
    assert reason(quiet) is Reason.BLOCKED
    asking.register(CLI, exemption_requests=False)
    assert asking.start(asks=WHY) == quiet
    assert asking.signins() == []


def test_r1_a_request_that_asks_needs_somebody_who_could_ask(asking: Asking) -> None:
    """R1: with nobody eligible, or blocked even inside the exception group, there is no code."""
    assert isinstance(asking.start(asks=WHY), Started)
    block(asking, "Never", "All")
    assert reason(asking.start(asks=WHY)) is Reason.BLOCKED
    asking.change(schema.policies.delete().where(schema.policies.c.id == "Never"), "picture")
    taken = take_eligibility(asking.house, asking.by(ROOT), principal=ALICE, reason="moved on")
    assert not isinstance(asking.run(taken), Refused)
    assert reason(asking.start(asks=WHY)) is Reason.BLOCKED
    assert len(asking.signins()) == 1


def test_r5_one_form_consents_and_asks_and_the_approval_makes_it_ready(asking: Asking) -> None:
    """R5: the page names the rule and fills the form in; the approval and the sign-in move in one transaction."""
    begun = asking.begin(length="PT2H", reference="INC-4412")
    seen = asking.page(begun)
    form = seen.asking
    assert form is not None
    assert form.rules == ("Block device code flow",)
    assert form.obstacles == ()
    assert (form.reason, form.length, form.limits.application) == (WHY, hours(2), CLI)
    answer = asking.ask(seen.signin.id, length=hours(2))
    assert isinstance(answer, Asked), answer
    told = awaited(asking.poll(begun.device_code))
    assert told["ostiary_state"] == "awaiting_exemption"
    assert told["ostiary_request"] == answer.request.id
    assert 0 < told["ostiary_expires_in"] <= 300  # no key: no longer than the code
    assert not isinstance(asking.decide(answer.request.id, length=minutes(45)), Refused)
    assert states(asking) == ["ready"]
    assert asking.entries("user:exemption:begun") == []  # the clock does not run yet
    given = asking.poll(begun.device_code)
    assert isinstance(given, Issued), given
    assert given.told == {"ostiary_request": answer.request.id, "ostiary_approved_by": ["Dana"]}
    assert given.session_expires_in == 45 * 60
    assert asking.story(answer.signin.id) == list(JOURNEY)


JOURNEY = (
    "device:signin:started", "device:signin:claimed", "user:request:made", "device:signin:exemption_awaited",
    "user:request:decided", "user:request:approved", "device:signin:exemption_granted", "device:signin:redeemed",
)  # fmt: skip


def test_r5_the_room_answers_for_one_that_waits_and_is_woken_by_the_decision(asking: Asking) -> None:
    """The second poll costs no transaction; the one after the decision asks the store and gets the tokens."""
    begun = asking.begin()
    answer = asking.requested(begun)
    asking.poll(begun.device_code)
    asking.clock.move(seconds(6))
    waiting = pending(asking.house, asking.at_machine(), asking.form(begun.device_code))
    assert waiting is not None
    assert waiting.told["ostiary_request"] == answer.request.id
    assert waiting.told["ostiary_expires_in"] <= 294
    assert len(asking.house.room.codes) == 1
    asking.decide(answer.request.id)
    assert pending(asking.house, asking.at_machine(), asking.form(begun.device_code)) is None
    assert isinstance(asking.poll(begun.device_code), Issued)


@pytest.mark.parametrize("how", ["denied", "withdrawn", "eligibility", "account", "switch"])
def test_r5_a_request_that_is_not_granted_ends_the_sign_in(asking: Asking, how: str) -> None:
    """R5: denied, withdrawn or killed with the person's right, and the machine is told by whom and why."""
    begun = asking.bound()
    answer = asking.requested(begun)
    id = answer.request.id
    awaited(asking.bound_poll(begun))
    asking.clock.move(seconds(1))
    if how == "denied":
        asking.decide(id, yes=False, why="not from that network")
    elif how == "withdrawn":
        asking.run(withdraw_request(asking.house, asking.at_browser(), id))
    elif how == "eligibility":
        asking.run(take_eligibility(asking.house, asking.by(ROOT), principal=ALICE, reason="moved on"))
    elif how == "account":
        asking.disable(ALICE)
    else:
        asking.run(turn_on(asking.house, asking.local(), "phishing"))
    told = asking.bound_poll(begun)
    assert isinstance(told, Refused)
    if how == "switch":
        assert told.reason is Reason.KILLED
    else:
        assert told.reason is Reason.EXEMPTION_REFUSED
        assert told.told["ostiary_state"] == f"exemption_{how if how in ('denied', 'withdrawn') else 'killed'}"
    if how == "denied":
        assert "Denied by Dana: not from that network." in told.detail
        assert f"/requests/{id}" in told.detail
        assert told.told["ostiary_denied_by"] == "Dana"
    assert states(asking) == ["denied"]
    assert reason(asking.bound_poll(begun)) is Reason.EXEMPTION_REFUSED


def test_r5_only_a_sign_in_with_a_key_outlives_its_code(asking: Asking) -> None:
    """R5: bound to a key it waits for 8 h at most; without one the code's end is the end, and the request lives on."""
    plain, bound = asking.begin(), asking.bound()
    first, second = asking.requested(plain), asking.requested(bound)
    assert second.until is not None
    assert second.until - second.signin.created == hours(8)
    asking.clock.move(minutes(6))
    over = asking.poll(plain.device_code)
    assert isinstance(over, Refused)
    assert over.reason is Reason.CODE_EXPIRED
    assert over.told["ostiary_state"] == "exemption_requested"
    assert awaited(asking.bound_poll(bound))["ostiary_expires_in"] > 7 * 3600
    assert reason(asking.claim(bound.user_code)) is Reason.BAD_CODE  # the user code is dead from the claim on
    asking.decide(first.request.id)
    assert isinstance(
        asking.run(
            decide.approve(asking.house, asking.at_browser(), asking.claimed(asking.started().user_code).signin.id)
        ),
        Approved,
    )  # the next sign-in passes
    asking.clock.move(hours(8))
    assert reason(asking.bound_poll(bound)) is Reason.CODE_EXPIRED


def test_r5_a_late_approval_sends_the_person_back_to_the_page_once(asking: Asking) -> None:
    """R5: after thirty minutes (or what the rules say) the consent counts no more; the machine is told so."""
    begun = asking.bound()
    answer = asking.requested(begun)
    asking.clock.move(minutes(31))
    asking.decide(answer.request.id)
    assert awaited(asking.bound_poll(begun))["ostiary_state"] == "consent_again"
    assert states(asking) == ["awaiting_exemption"]
    fresh = asking.at_browser(session="another browser")
    seen = asking.run(claim.view(asking.house, fresh, answer.signin.id))
    assert isinstance(seen, Claimed)
    assert seen.asking is None
    assert reason(asking.run(decide.approve(asking.house, asking.at_browser(BOB), answer.signin.id))) is (
        Reason.WRONG_STATE
    )
    stale = replace(fresh, caller=replace(fresh.caller, authenticated_at=Instant(fresh.now - minutes(6))))
    assert reason(asking.run(decide.approve(asking.house, stale, answer.signin.id))) is Reason.MFA_STALE
    assert isinstance(asking.run(decide.approve(asking.house, fresh, answer.signin.id)), Approved)
    assert isinstance(asking.bound_poll(begun), Issued)


def test_r5_the_rules_say_how_long_a_consent_counts(asking: Asking) -> None:
    """5 to 60 minutes, of the rules at the approval."""
    asking.rule("Expiration_EndUser_Assignment", consentWindow="PT5M")
    answer = asking.requested(asking.bound())
    asking.clock.move(minutes(5))
    asking.decide(answer.request.id)
    assert states(asking) == ["awaiting_exemption"]


def test_r3_what_a_rule_grants_by_itself_goes_on_at_once(asking: Asking) -> None:
    """R3: asking at the page is a browser with fresh proof, so somebody on call waits for nobody."""
    group = "7a0d1f2e-0000-4000-8000-0000000000e9"
    asking.change(insert(schema.groups).values(id=group, display_name="On call", created=0))
    asking.change(insert(schema.members).values(group=group, user=ALICE, since=0))
    asking.rule("Approval_EndUser_Assignment", autoApproval=[{"kind": "onCall", "groupId": group}])
    begun = asking.begin()
    seen = asking.page(begun)
    assert seen.asking is not None
    assert seen.asking.at_once
    assert isinstance(asking.ask(seen.signin.id), Approved)
    assert isinstance(asking.poll(begun.device_code), Issued)


def test_every_rule_that_is_not_kept_is_told_at_once_and_nothing_is_asked(asking: Asking) -> None:
    """The form shows what no typing mends; a bad form is told of every rule, and the sign-in stays as it was."""
    asking.rule("Enablement_EndUser_Assignment", justificationPattern=r"INC-\d+", narrowing=["network", "device"])
    assert reason(asking.start(asks=WHY)) is Reason.BLOCKED  # no machine of the inventory: nobody could ask
    asking.rule(
        "Enablement_EndUser_Assignment", narrowing=["network", "resource", "scopes", "signIns"], trustedDevice=True
    )
    seen = asking.page(asking.begin())
    assert seen.asking is not None
    assert [sentence for sentence in seen.asking.obstacles if "managed device" in sentence]
    limits = seen.asking.limits
    assert (str(limits.network), limits.scopes, limits.sign_ins) == ("203.0.113.9/32", frozenset({"Read"}), 1)
    answer = asking.ask(seen.signin.id, reason="because", length=hours(9))
    assert isinstance(answer, Invalid)
    assert {problem.rule for problem in answer.problems} == {
        "ExpirationRule",
        "DeviceRule",
        "JustificationRule",
    }
    assert states(asking) == ["claimed"]


def test_a_sign_in_that_did_not_ask_ends_and_the_next_one_passes(asking: Asking) -> None:
    """Unmodified clients: 53003 with the link; the request lives on, and the retry works after the approval."""
    asking.open(BOB)
    begun = asking.started()
    answer = asking.requested(begun)
    assert answer.until is None
    told = asking.poll(begun.device_code)
    assert isinstance(told, Refused)
    assert told.reason is Reason.BLOCKED
    assert f"/requests/{answer.request.id}" in told.detail
    asking.decide(answer.request.id)
    again = asking.started()
    asking.run(decide.approve(asking.house, asking.at_browser(), asking.claimed(again.user_code).signin.id))
    assert isinstance(asking.poll(again.device_code), Issued)


def test_r5_a_no_to_what_was_granted_too_late_gives_it_back(asking: Asking) -> None:
    """R5: consent is asked for once more, and the answer is no: what waited for it is released by its own person."""
    begun = asking.bound()
    answer = asking.requested(begun)
    asking.clock.move(minutes(31))
    asking.decide(answer.request.id)
    asking.run(decide.deny(asking.house, asking.at_browser(session="another browser"), answer.signin.id))
    (ended,) = asking.entries("admin:exemption:ended")
    assert (ended["target"], ended["detail"]["cause"]) == (f"exemption:{answer.request.id}", "released")
    told = asking.bound_poll(begun)
    assert isinstance(told, Refused)
    assert told.told["ostiary_state"] == "exemption_released"


def test_r11_who_cannot_ask_does_not_claim_and_who_could_elsewhere_is_told_how(asking: Asking) -> None:
    """R11: the code stays; somebody eligible learns the command where the application lets nobody ask."""
    begun = asking.begin()
    assert reason(asking.claim(begun.user_code, BOB)) is Reason.BLOCKED
    assert states(asking) == ["issued"]
    asking.register(CLI, exemption_requests=False)
    refused = asking.claim(begun.user_code)
    assert isinstance(refused, Refused)
    assert "ostiary exemption request" in refused.detail


def test_r12_the_number_comes_first_and_a_wrong_one_takes_the_request_back(asking: Asking) -> None:
    """R12: asked for right after the consent; then the wait for the exemption goes on, or is over."""
    asking.register(CLI, exemption_requests=True, number_confirmation="required")
    begun = asking.begin(number=True)
    answer = asking.requested(begun)
    assert reason(asking.poll(begun.device_code)) is Reason.NUMBER_AWAITED
    assert not isinstance(bring(asking, begun, answer.number), Refused)
    awaited(asking.poll(begun.device_code))
    asking.decide(answer.request.id)
    assert isinstance(asking.poll(begun.device_code), Issued)
    ended = asking.run(end_exemptions_of(asking.house, asking.by(ROOT), ALICE, "for a test"))
    assert not isinstance(ended, Refused)
    begun = asking.begin(number=True)
    answer = asking.requested(begun)
    bring(asking, begun, other(answer.number))
    request = asking.wish(answer.request.id)
    assert request.phase == "withdrawn"
    assert "wrong number" in alerts(asking)
    wrong = asking.begin(number=True)
    answer = asking.requested(wrong)
    asking.decide(answer.request.id)
    bring(asking, wrong, other(answer.number))
    assert asking.entries("admin:exemption:ended")[-1]["detail"]["cause"] == "doubted"
    assert reason(asking.start(number=True)) is Reason.BLOCKED
    first = asking.begin(number=True)
    answer = asking.requested(first)
    asking.decide(answer.request.id)  # before the number
    assert reason(asking.poll(first.device_code)) is Reason.NUMBER_AWAITED
    bring(asking, first, answer.number)
    assert isinstance(asking.poll(first.device_code), Issued)


@pytest.mark.parametrize("when", ["it waits", "it is ready", "it was redeemed"])
def test_r11_what_somebody_else_started_takes_back_what_was_asked(asking: Asking, when: str) -> None:
    """*I did not start this* while it waits: the request is withdrawn; once it was granted, the exemption ends."""
    begun = asking.begin()
    answer = asking.requested(begun)
    if when != "it waits":
        asking.decide(answer.request.id)
    given = asking.poll(begun.device_code) if when == "it was redeemed" else None
    asking.run(decide.report(asking.house, asking.at_browser(), answer.signin.id))
    told = asking.poll(begun.device_code)
    if when == "it waits":
        assert asking.wish(answer.request.id).phase == "withdrawn"
        assert asking.entries("admin:exemption:ended") == []
    else:
        (ended,) = asking.entries("admin:exemption:ended")
        assert (ended["target"], ended["detail"]["cause"]) == (f"exemption:{answer.request.id}", "reported")
    if isinstance(given, Issued):
        assert reason(asking.refresh(given.refresh_token or "")) is Reason.SESSION_ENDED
    else:
        assert given is None
        assert reason(told) is Reason.DENIED  # and no word of the request to whoever it was


@pytest.mark.parametrize("granted", [False, True])
def test_r11_a_yes_to_a_requester_that_was_reported_takes_back_what_was_asked(asking: Asking, granted: bool) -> None:
    """R11: reported meanwhile, where that found nothing to end: another yes ends the sign-in and what was asked."""
    begun = asking.bound()
    answer = asking.requested(begun)
    asking.clock.move(minutes(31))
    subject = claim.shunned(ALICE, answer.signin)

    async def body(tx: Tx) -> None:
        await strike(tx, subject, SHUNNED, now=asking.clock.now())

    asking.write(body)
    if granted:
        asking.decide(answer.request.id)
    awaited(asking.bound_poll(begun))
    asking.clock.move(seconds(1))
    said = asking.run(decide.approve(asking.house, asking.at_browser(), answer.signin.id))
    assert reason(said) is Reason.REPORTED
    assert states(asking) == ["reported"]
    ended = [entry["target"] for entry in asking.entries("admin:exemption:ended")]
    assert ended == ([f"exemption:{answer.request.id}"] if granted else [])
    assert asking.wish(answer.request.id).phase == ("approved" if granted else "withdrawn")
    assert pending(asking.house, replace(asking.at_machine(), proof=KEY), asking.form(begun.device_code)) is None
    assert reason(asking.bound_poll(begun)) is Reason.DENIED


def test_policy_is_asked_at_the_redemption_with_the_exemption_counted(asking: Asking) -> None:
    """The first use asks policy inside the redemption: with the group, and with what was saved since the approval."""
    begun = asking.begin()
    answer = asking.requested(begun)
    asking.decide(answer.request.id)
    block(asking, "Since then", ALICE)
    refused = asking.poll(begun.device_code)
    assert isinstance(refused, Refused)
    assert refused.rules == ("Since then",)
    assert asking.entries("user:exemption:begun") == []
    (entry,) = asking.entries("device:signin:redemption_refused")
    assert [p["displayName"] for p in entry["detail"]["policies"]] == ["Since then"]  # the block does not apply


def test_the_sign_in_log_tells_of_the_wait_and_of_its_end(asking: Asking) -> None:
    """Pending for as long as it waits, beyond the code's life; then a success, or a failure with its own reason."""
    first, second, numbered = asking.bound(), asking.bound(), asking.begin(number=True)
    one, two = asking.requested(first), asking.requested(second)
    asking.register(CLI, exemption_requests=True, number_confirmation="required")
    three = asking.requested(numbered)
    asking.clock.move(minutes(20))
    waits, over = asking.told(one.signin.id), asking.told(three.signin.id)
    assert (waits.outcome, waits.waits, waits.exemption) == (LogOutcome.PENDING, one.until, one.request.id)
    assert waits.amr == ("pwd", "otp", "mfa")
    assert (over.outcome, over.reason) == (LogOutcome.FAILURE, "code_expired")  # two minutes for the number
    asking.decide(two.request.id, yes=False, why="not from there")
    denied = asking.told(two.signin.id)
    assert (denied.outcome, denied.reason) == (LogOutcome.FAILURE, "exemption_refused")
    asking.decide(one.request.id)
    assert asking.told(one.signin.id).outcome is LogOutcome.PENDING
    assert isinstance(asking.bound_poll(first), Issued)
    done = asking.told(one.signin.id)
    assert (done.outcome, done.exemption, done.user) == (LogOutcome.SUCCESS, one.request.id, ALICE)
