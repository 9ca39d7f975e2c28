"""Findings answered: what ends, who is told, what a stranger cannot do with it, and what administrators say."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from ostiary.core.access.kill_switch import KillSwitch
from ostiary.core.detections.finding import Cause, Finding, Kept, Severity, State
from ostiary.core.detections.response import HOURLY, PERSONAL, Response
from ostiary.core.directory.people import Role
from ostiary.core.graph.etag import Seen, only
from ostiary.core.graph.finding import ShownFinding
from ostiary.core.graph.risky_user import RiskyUser
from ostiary.core.words.caller import Caller
from ostiary.core.words.instants import after, days, hours, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.detections import respond
from ostiary.services.detections.respond import run_responses
from ostiary.services.detections.risky_users import AT_ONCE, confirm_people, dismiss_people, find_risky_user
from ostiary.services.detections.triage import change_responses, confirm, dismiss
from ostiary.services.tokens.issue import Issued
from ostiary.store import Tx, detections, kill_switch, responses, schema
from tests.services.door import REQUESTER, Door, alerts
from tests.services.test_policy import BLOCK, admin, approve, refresh, save, sign_in, why
from tests.services.test_r2_kill_switch import active
from tests.web.oauth.site import ALICE, BOB, CLI

DONE, HELD = "system:response:done", "system:response:held_back"


def plant(door: Door, id: str, *, cause: Cause = Cause.HOLDER, user: str = ALICE, story: str = "", **more: Any) -> None:
    """A finding of now about *story*, as the reader keeps it."""
    values: dict[str, Any] = {"rule": "planted", "severity": Severity.HIGH, "source": REQUESTER, "client": CLI} | more
    finding = Finding(
        id=id, at=door.clock.now(), sentence="Planted.", entry="n1.1", user=user, story=story, cause=cause, **values
    )
    door.write(lambda tx: detections.add(tx, finding, door.clock.now()))


def respond_now(door: Door) -> int:
    """The job."""
    seen = replace(door.at_machine(""), caller=Caller())
    return door.run(run_responses(door.house, seen))


def signed_in(door: Door) -> tuple[Issued, str]:
    """Alice's sign-in and its id."""
    door.open(length=days(1))
    issued = sign_in(door)
    assert isinstance(issued, Issued)
    return issued, str(door.rows(select(schema.signins.c.id).order_by(schema.signins.c.created.desc()))[0][0])


def policy(door: Door, **changes: Any) -> Any:
    """An administrator changes what is done."""
    return door.run(change_responses(door.house, admin(door), changes, "because we must"))


def outcomes(door: Door, kind: str = DONE) -> list[str]:
    """Which responses the journal tells of."""
    return [entry["detail"]["response"] for entry in door.entries(kind)]


def test_r8_a_high_finding_ends_the_session_and_its_exemption_everywhere(door: Door) -> None:
    """R8: refresh and introspection refuse at once; the effects stand in the journal about the person, who is told."""
    issued, story = signed_in(door)
    assert active(door, issued.access_token)
    plant(door, "f1", story=story)
    assert respond_now(door) == 1
    assert not active(door, issued.access_token)
    assert why(refresh(door, issued.refresh_token)) is Reason.SESSION_ENDED
    assert sorted(outcomes(door)) == ["endExemption", "revokeSessions"]
    assert {entry["detail"]["finding"] for entry in door.entries(DONE)} == {"f1"}
    assert door.rows(select(schema.exemptions.c.end_cause)) == [("doubted",)]
    assert "detection planted" in alerts(door)
    assert respond_now(door) == 0  # once
    assert len(outcomes(door)) == 2


def test_what_was_done_is_remembered_no_longer_than_its_finding(door: Door) -> None:
    """The journal keeps its own entries; the counts of an hour need no more."""
    plant(door, "f1")
    door.clock.move(days(1))
    plant(door, "f2")
    assert not isinstance(policy(door, severities={"high": ["blockSource"]}), Refused)
    assert respond_now(door) == 2
    done = select(schema.finding_responses.c.finding).order_by(schema.finding_responses.c.finding)
    assert door.rows(done) == [("f1",), ("f2",)]
    door.write(lambda tx: detections.forget(tx, door.clock.now(), most=9))
    assert door.rows(done) == [("f2",)]


def test_an_open_sign_in_is_closed_before_it_gives_anything(door: Door) -> None:
    """Found while the person reads the page: the machine is refused, and nothing was ever issued."""
    door.open()
    begun = door.started()
    story = door.claimed(begun.user_code).signin.id
    plant(door, "f1", story=story, cause=Cause.PERSON)
    respond_now(door)
    assert isinstance(door.poll(begun.device_code), Refused)
    assert door.rows(select(schema.signins.c.state)) == [("denied",)]
    assert not door.entries("device:signin:redeemed")


@pytest.mark.parametrize("response", [one for one in Response if one not in (Response.NOTE, Response.ALERT)])
def test_a_stranger_makes_no_response_hit_anybody(door: Door, response: Response) -> None:
    """Each is wanted by policy and named by a finding that needs no account: administrators hear of it, nobody ends."""
    issued, story = signed_in(door)
    assert not isinstance(policy(door, severities={"high": [response.value]}), Refused)
    for number in range(5):
        plant(door, f"f{number}", story=story, cause=Cause.ANYBODY)
        plant(door, f"g{number}", story=story, cause=Cause.ANYBODY, user=BOB)
    plant(door, "h", story=story, cause=Cause.HOLDER, user=BOB, source="")  # proved, and about somebody else's sign-in
    respond_now(door)
    assert outcomes(door) == []
    assert set(outcomes(door, HELD)) >= {response.value}
    assert isinstance(refresh(door, issued.refresh_token), Issued)
    assert isinstance(sign_in(door), Issued)
    assert alerts(door).count("detection planted") >= 10


def test_of_each_there_are_so_many_in_an_hour(door: Door) -> None:
    """Beyond that it is told only."""
    for number in range(HOURLY[Response.BLOCK_SOURCE] + 3):
        plant(door, f"f{number}", source=f"203.0.113.{number}", cause=Cause.PERSON, user=f"user-{number}")
    assert not isinstance(policy(door, severities={"high": ["blockSource"]}), Refused)
    respond_now(door)
    assert len(outcomes(door)) == HOURLY[Response.BLOCK_SOURCE]
    assert {entry["detail"]["reason"] for entry in door.entries(HELD)} == {"many"}


def test_one_person_s_noise_uses_up_nothing_of_the_others(door: Door) -> None:
    """
    Of one person there are fewer in an hour, and the next person's is done all the same; what an administrator
    confirms counts for no bound.
    """
    own = PERSONAL[Response.BLOCK_SOURCE]
    changes = {"severities": {"high": ["blockSource"]}, "confirmed": ["blockSource"]}
    assert not isinstance(policy(door, **changes), Refused)
    for number in range(own + HOURLY[Response.BLOCK_SOURCE]):
        plant(door, f"f{number:02}", source=f"203.0.113.{number}", cause=Cause.PERSON)
    respond_now(door)
    assert len(outcomes(door)) == own
    assert {entry["detail"]["reason"] for entry in door.entries(HELD)} == {"many_of_one"}
    for number in range(HOURLY[Response.BLOCK_SOURCE]):
        assert not isinstance(door.run(confirm(door.house, admin(door), f"f{number:02}")), Refused)
    done = len(outcomes(door))
    plant(door, "g", source="198.51.100.9", cause=Cause.PERSON, user=BOB)
    respond_now(door)
    assert len(outcomes(door)) == done + 1
    door.clock.move(hours(1))
    plant(door, "h", source="198.51.100.9", cause=Cause.PERSON)
    respond_now(door)
    assert len(outcomes(door)) == done + 2


def test_r11_a_whole_source_is_blocked_only_after_two_reporters(door: Door) -> None:
    """R11: one person's report shuns it for that person; that of two, for everybody, and for so long only."""
    door.open(BOB)
    door.open()
    assert not isinstance(policy(door, rules={"reported": ["blockSource"]}, blockLength="PT30M"), Refused)
    plant(door, "f1", rule="reported", cause=Cause.REPORTER, evidence={"reporters": 1})
    respond_now(door)
    begun = door.started()
    assert why(door.claim(begun.user_code)) is Reason.REPORTED
    assert not isinstance(door.claim(begun.user_code, BOB), Refused)
    plant(door, "f2", rule="reported", cause=Cause.REPORTER, user=BOB, evidence={"reporters": 2})
    respond_now(door)
    assert why(door.start()) is Reason.BUSY_SOURCE
    door.clock.move(minutes(30))
    assert isinstance(sign_in(door), Issued)


@pytest.mark.parametrize(("response", "people"), [("suspendApplication", 2), ("killSwitch", 3)])
def test_what_stops_many_takes_several_people(door: Door, response: str, people: int) -> None:
    """An application for two people's sake, everything for three; and it stays until an administrator turns it."""
    signed_in(door)
    assert not isinstance(policy(door, severities={"high": [response]}), Refused)
    for number in range(people - 1):
        plant(door, f"f{number}", user=f"user-{number}")
        respond_now(door)
    assert (outcomes(door), outcomes(door, HELD)) == ([], [response] * (people - 1))
    plant(door, "last", user=ALICE)
    respond_now(door)
    assert outcomes(door) == [response]
    stopped = {"suspendApplication": Reason.DEVICE_FLOW_OFF, "killSwitch": Reason.KILLED}
    assert why(door.start()) is stopped[response]
    switch: KillSwitch = door.run(door.house.store.read(kill_switch.find))
    assert switch.on is (response == "killSwitch")


def test_killed_between_the_finding_and_its_answer_it_is_answered_once(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails before the commit leaves nothing: no effect, no entry, no mark; the next run does all of it."""
    issued, story = signed_in(door)
    plant(door, "f1", story=story)
    real: Callable[..., Any] = respond.answered

    async def cut(*given: Any, **more: Any) -> None:
        await real(*given, **more)
        raise RuntimeError("planted")

    monkeypatch.setattr(respond, "answered", cut)
    assert respond_now(door) == 0
    assert (outcomes(door), active(door, issued.access_token)) == ([], True)
    monkeypatch.setattr(respond, "answered", real)
    assert respond_now(door) == 1
    assert not active(door, issued.access_token)


def test_dismissing_lets_a_risky_sign_in_pass_again_and_needs_a_reason(door: Door) -> None:
    """A policy about risk blocks until an administrator says that it is harmless, and why."""
    assert not isinstance(policy(door, severities={"high": ["alert"]}), Refused)
    issued, story = signed_in(door)
    save(door, conditions={"signInRiskLevels": ["high"]}, **BLOCK)
    plant(door, "f1", story=story)
    assert why(refresh(door, issued.refresh_token)) is Reason.BLOCKED
    assert why(door.run(dismiss(door.house, admin(door), "f1", ""))) is Reason.REASON_REQUIRED
    shown = door.run(dismiss(door.house, admin(door), "f1", "our own test machine"))
    assert isinstance(shown, ShownFinding)
    assert isinstance(refresh(door, issued.refresh_token), Issued)
    (entry,) = door.entries("admin:finding:dismissed")
    assert (entry["detail"]["reason"], entry["target"]) == ("our own test machine", "finding:f1")
    assert why(door.run(dismiss(door.house, admin(door), "f1", "once more"))) is Reason.WRONG_STATE
    assert respond_now(door) == 0  # nothing is done about what was dismissed before
    assert why(door.run(dismiss(door.house, admin(door), "none", "because"))) is Reason.NOT_FOUND


def test_confirming_does_what_policy_says_of_confirmed_findings(door: Door) -> None:
    """An administrator's word needs no proof of who caused it: the session ends with it."""
    assert not isinstance(policy(door, severities={"low": ["note"]}), Refused)
    issued, story = signed_in(door)
    plant(door, "f1", story=story, cause=Cause.ANYBODY, severity=Severity.LOW)
    respond_now(door)
    assert active(door, issued.access_token)
    assert isinstance(door.run(confirm(door.house, admin(door), "f1")), ShownFinding)
    assert not active(door, issued.access_token)
    save(door, conditions={"userRiskLevels": ["high"]}, **BLOCK)
    door.open()
    assert why(approve(door, door.started().user_code)) is Reason.BLOCKED
    assert isinstance(door.run(dismiss(door.house, admin(door), "f1", "we were wrong")), ShownFinding)
    assert isinstance(sign_in(door), Issued)


def test_r3_only_an_administrator_with_fresh_proof_says_so(door: Door) -> None:
    """R3: an auditor reads, an old proof steps up, a device sign-in changes nothing; each refusal is written down."""
    plant(door, "f1")
    seen: Visit = admin(door)
    auditor = replace(seen, caller=replace(seen.caller, roles=frozenset({Role.AUDITOR})))
    stale = replace(seen, now=after(seen.now, minutes(6)))
    for visit, reason in ((auditor, Reason.FORBIDDEN), (stale, Reason.STEP_UP)):
        assert why(door.run(dismiss(door.house, visit, "f1", "because"))) is reason
        assert why(door.run(confirm(door.house, visit, "f1", "because"))) is reason
        assert why(door.run(change_responses(door.house, visit, {}, "because"))) is reason
    assert len(door.entries("admin:request:refused")) == 6
    assert door.rows(select(schema.findings.c.state)) == [("open",)]


def test_doing_less_is_told_as_other_weakenings_are(door: Door) -> None:
    """The entry holds both documents and what is done no more; administrators are alerted."""
    assert not isinstance(policy(door, severities={"high": ["alert"]}), Refused)
    (entry,) = door.entries("admin:responses:changed")
    assert entry["detail"]["weakened"] == ["high: endExemption, revokeSessions"]
    assert entry["detail"]["before"]["severities"]["high"] == ["alert", "endExemption", "revokeSessions"]
    assert "guardrail_weakened" in alerts(door)
    assert not isinstance(policy(door, severities={"high": ["alert", "killSwitch"]}), Refused)
    assert alerts(door).count("guardrail_weakened") == 1
    assert why(door.run(change_responses(door.house, admin(door), {}, ""))) is Reason.REASON_REQUIRED
    assert why(policy(door, rules={"no_such": ["alert"]})) is Reason.INVALID_VALUE


def test_a_policy_that_nobody_can_read_answers_nothing(door: Door) -> None:
    """It is a fault that is told, and the finding waits; nothing is taken for a policy."""
    assert not isinstance(policy(door, severities={"high": ["alert"]}), Refused)
    door.change(update(schema.response_policy).values(document='{"severities": {"high": ["shout"]}}'))
    plant(door, "f1")
    assert respond_now(door) == 0

    async def waiting(tx: Tx) -> list[str]:
        return [id for _, id in await responses.unanswered(tx, 9)]

    assert door.run(door.house.store.read(waiting)) == ["f1"]


def test_a_finding_that_rises_is_answered_again(door: Door) -> None:
    """What a stranger caused first keeps nothing from the thief who comes after it; the same again is nothing."""
    issued, story = signed_in(door)
    plant(door, "f1", story=story, cause=Cause.ANYBODY)
    assert respond_now(door) == 1
    assert active(door, issued.access_token)
    plant(door, "f1", story=story, cause=Cause.HOLDER)
    assert respond_now(door) == 1
    assert not active(door, issued.access_token)
    for severity in (Severity.MEDIUM, Severity.HIGH):
        plant(door, "f1", story=story, cause=Cause.ANYBODY, severity=severity)
    assert respond_now(door) == 0
    assert door.rows(select(schema.findings.c.seen, schema.findings.c.cause)) == [(4, "holder")]


def test_what_cannot_be_answered_keeps_nothing_waiting(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of them there are, the run goes on behind them."""
    monkeypatch.setattr(respond, "AT_ONCE", 3)
    real: Callable[..., Any] = respond.answered

    async def fails(house: Any, tx: Tx, visit: Visit, kept: Any, *given: Any, **more: Any) -> None:
        if kept.finding.id < "b":
            raise RuntimeError("planted")
        await real(house, tx, visit, kept, *given, **more)

    monkeypatch.setattr(respond, "answered", fails)
    for id in (*(f"a{number}" for number in range(7)), "b1", "b2"):
        plant(door, id, cause=Cause.ANYBODY)
    assert respond_now(door) == 2
    assert respond_now(door) == 0


@pytest.mark.parametrize("evidence", [{}, {"by": f"user:{ALICE}"}])
def test_nobody_calls_a_finding_about_themselves_harmless(door: Door, evidence: dict[str, str]) -> None:
    """Another administrator must; where there is none, it is an alert, as what is high is from whomever."""
    about: dict[str, Any] = {"user": "" if evidence else ALICE, "evidence": evidence, "severity": Severity.LOW}
    plant(door, "f1", **about)
    plant(door, "f2", **about)
    assert isinstance(door.run(dismiss(door.house, admin(door), "f1", "it was me")), ShownFinding)
    assert alerts(door) == ["finding_dismissed"]
    door.change(update(schema.users).where(schema.users.c.id.in_([ALICE, BOB])).values(roles='["administrator"]'))
    assert why(door.run(dismiss(door.house, admin(door), "f2", "it was me"))) is Reason.FORBIDDEN
    assert len(door.entries("admin:request:refused")) == 1
    plant(door, "f3", user=BOB, severity=Severity.LOW)
    plant(door, "f4", user=BOB)
    for id in ("f3", "f4"):
        assert isinstance(door.run(dismiss(door.house, admin(door), id, "our own test")), ShownFinding)
    assert alerts(door) == ["finding_dismissed"] * 2


def test_r8_a_person_who_is_confirmed_as_compromised_loses_all_that_is_theirs(door: Door) -> None:
    """
    Every session, open sign-in and exemption, at once and everywhere; what is somebody else's stays. As much as policy
    says of confirmed findings, and no less again on the same day.
    """
    issued, _ = signed_in(door)
    door.open(BOB)
    begun = door.started()
    assert not isinstance(door.claim(begun.user_code), Refused)
    other = door.started()
    assert not isinstance(door.claim(other.user_code, BOB), Refused)
    assert door.run(confirm_people(door.house, admin(door), [ALICE])) is None
    assert not active(door, issued.access_token)
    assert isinstance(refresh(door, issued.refresh_token), Refused)
    unused = schema.signins.c.redeemed.is_(None)
    states = dict(door.rows(select(schema.signins.c.user, schema.signins.c.state).where(unused)))
    assert (states[ALICE], states[BOB]) == ("denied", "claimed")
    assert sorted(outcomes(door)) == ["endExemption", "revokeSessions"]
    door.clock.move(minutes(1))
    door.open()
    again = sign_in(door)
    assert isinstance(again, Issued)
    assert not isinstance(policy(door, confirmed=["alert"]), Refused)
    assert door.run(confirm_people(door.house, admin(door), [ALICE], "her laptop was stolen")) is None
    assert active(door, again.access_token)
    entries = door.entries("admin:finding:confirmed")
    assert [entry["detail"]["reason"] for entry in entries] == ["", "her laptop was stolen"]
    assert respond_now(door) == 0


def test_nobody_is_dismissed_by_halves_or_by_themselves(door: Door) -> None:
    """
    Everything that makes them risky goes, however much; not by whom it is about, or whose deed any of it is, while
    somebody else could.
    """
    for number in range(AT_ONCE + 5):
        plant(door, f"f{number}", severity=Severity.LOW, user=BOB)
    plant(door, "g", severity=Severity.LOW)
    caller = admin(door)
    assert why(door.run(dismiss_people(door.house, caller, [BOB], ""))) is Reason.REASON_REQUIRED
    assert door.run(dismiss_people(door.house, caller, [BOB], "a rehearsal")) is None
    assert len(door.entries("admin:finding:dismissed")) == AT_ONCE + 5
    assert alerts(door) == []
    door.change(update(schema.users).where(schema.users.c.id.in_([ALICE, BOB])).values(roles='["administrator"]'))
    assert why(door.run(dismiss_people(door.house, caller, [BOB, ALICE], "it was me"))) is Reason.FORBIDDEN
    mine: dict[str, Any] = {"user": BOB, "evidence": {"by": f"user:{ALICE}"}}
    plant(door, "mine", cause=Cause.ANYBODY, **mine)
    door.clock.move(minutes(1))
    caller = admin(door)
    for number in range(AT_ONCE):  # newer: it comes after them, in a piece of its own
        plant(door, f"h{number}", severity=Severity.LOW, user=BOB)
    assert not isinstance(door.run(confirm(door.house, caller, "mine")), Refused)  # now it counts
    assert why(door.run(dismiss_people(door.house, caller, [BOB], "it was me"))) is Reason.FORBIDDEN
    assert len(door.entries("admin:finding:dismissed")) == AT_ONCE + 5
    assert len(door.rows(select(schema.findings.c.id).where(schema.findings.c.person_risk > 0))) == AT_ONCE + 2
    door.change(update(schema.users).where(schema.users.c.id == BOB).values(roles="[]"))
    assert door.run(dismiss_people(door.house, caller, [BOB], "there is nobody else")) is None
    assert alerts(door) == ["finding_dismissed"]
    assert "about themselves" in door.entries("system:alert:raised")[-1]["detail"]["text"]
    assert door.run(dismiss_people(door.house, caller, [ALICE], None)) is None
    assert alerts(door) == ["finding_dismissed"] * 2
    assert door.rows(select(schema.findings.c.id).where(schema.findings.c.person_risk > 0)) == []


def test_what_comes_while_a_person_is_dismissed_piece_by_piece_stays(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece compares with what the one before has left; done again by who saw it, the rest goes too."""
    for number in range(AT_ONCE + 5):
        plant(door, f"f{number}", severity=Severity.LOW, user=BOB)

    def saw() -> Seen:
        found = door.run(find_risky_user(door.house, admin(door), BOB))
        assert isinstance(found, RiskyUser)
        return only(found.version)

    seen, pieces, write = saw(), [], door.house.store.write

    async def between(body: Any) -> Any:
        pieces.append(body)
        if len(pieces) == 3:  # the first asks whether it may be at all, the second is one piece
            finding = Finding("new", "r", Severity.HIGH, door.clock.now(), "s", "n1.1", user=BOB, cause=Cause.PERSON)
            await write(lambda tx: detections.add(tx, finding, door.clock.now()))
        return await write(body)

    monkeypatch.setattr(type(door.house.store), "write", lambda store, body: between(body))
    assert why(door.run(dismiss_people(door.house, admin(door), [BOB], "a rehearsal", seen=seen))) is Reason.CONFLICT
    monkeypatch.undo()
    assert len(door.entries("admin:finding:dismissed")) == AT_ONCE
    counting = select(schema.findings.c.id).where(schema.findings.c.person_risk > 0)
    assert ("new",) in door.rows(counting)
    assert len(door.rows(counting)) == 6
    assert why(door.run(dismiss_people(door.house, admin(door), [BOB], "a rehearsal", seen=seen))) is Reason.CONFLICT
    assert door.run(dismiss_people(door.house, admin(door), [BOB], "a rehearsal", seen=saw())) is None
    assert door.rows(counting) == []


def test_what_is_dismissed_of_high_severity_is_told_however_many_come_before_it(door: Door) -> None:
    """One alert of a person, in whichever piece the high one is: first, last, or both."""
    for high in ({"old"}, {"new"}, {"old", "new"}):
        before = len(alerts(door))
        for name in ("old", *(f"f{number}" for number in range(AT_ONCE)), "new"):
            severity = Severity.HIGH if name in high else Severity.LOW
            plant(door, f"{name} of {len(high)}{min(high)}", severity=severity, user=BOB)
            if name == "old" or name == f"f{AT_ONCE - 1}":
                door.clock.move(minutes(1))
        assert door.run(dismiss_people(door.house, admin(door), [BOB], "a rehearsal")) is None
        assert door.rows(select(schema.findings.c.id).where(schema.findings.c.person_risk > 0)) == []
        assert alerts(door)[before:] == ["finding_dismissed"], high


def test_what_came_again_is_dismissed_only_by_who_saw_it_so(door: Door) -> None:
    """It rose, came for another sign-in, or had another's word; also between the look at it and the word."""

    def kept(id: str) -> Kept:
        found = door.write(lambda tx: detections.find(tx, id))
        assert found is not None
        return found

    changes: dict[str, Callable[[str], Any]] = {
        "rose": lambda it: plant(door, it, user=BOB, cause=Cause.PERSON),
        "again": lambda it: plant(door, it, severity=Severity.LOW, user=BOB, story="another"),
        "word": lambda it: door.run(confirm(door.house, admin(door), it)),
    }
    for id, change in changes.items():
        plant(door, id, severity=Severity.LOW, user=BOB)
        old = kept(id)
        change(id)
        now = kept(id)
        assert now.version != old.version
        dismissed = door.run(dismiss(door.house, admin(door), id, "our own test", seen=only(old.version)))
        assert why(dismissed) is Reason.CONFLICT
        assert not door.write(lambda tx, old=old: responses.word(tx, old, State.DISMISSED, door.clock.now()))
        assert kept(id) == now
        dismissed = door.run(dismiss(door.house, admin(door), id, "our own test", seen=only(now.version)))
        assert isinstance(dismissed, ShownFinding)


def test_nobody_dismisses_what_they_did_by_dismissing_its_person(door: Door) -> None:
    """A finding that another administrator confirmed about one's own deed stays, whoever else it is about."""
    plant(door, "f1", user=BOB, cause=Cause.ANYBODY, evidence={"by": f"user:{ALICE}"})
    assert not isinstance(door.run(confirm(door.house, admin(door), "f1")), Refused)
    plant(door, "f2", user=BOB)
    door.change(update(schema.users).where(schema.users.c.id.in_([ALICE, BOB])).values(roles='["administrator"]'))
    assert why(door.run(dismiss_people(door.house, admin(door), [BOB], "it was me"))) is Reason.FORBIDDEN
    risky = schema.findings.c.person_risk > 0
    assert {id for (id,) in door.rows(select(schema.findings.c.id).where(risky))} == {"f1", "f2"}
