"""Security event tokens have the form that SSF 1.0 and CAEP 1.0 give them (RFC 8417, RFC 9493)."""

from typing import Any

from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.signals import events, subjects
from ostiary.core.signals.causes import CAUSES, Cause, Whose, cause_of
from ostiary.core.signals.events import Initiator
from ostiary.core.words.ids import SessionId, UserId
from ostiary.core.words.instants import Instant, from_seconds

ISSUER = "https://idp.example/t/v2.0"
NOW = from_seconds(1_790_000_000)

ENDS_NOBODY = (
    Kind.STARTED, Kind.START_REFUSED, Kind.STARTS_REFUSED, Kind.CLAIMED, Kind.CLAIM_REFUSED, Kind.CODE_WRONG,
    Kind.RELEASED, Kind.APPROVED, Kind.EXEMPTION_AWAITED, Kind.EXEMPTION_GRANTED, Kind.EXEMPTION_REFUSED,
    Kind.TICKET_TAKEN, Kind.BOUND, Kind.BINDING_WRONG, Kind.BINDING_FAILED, Kind.NUMBER_CONFIRMED,
    Kind.NUMBER_WRONG, Kind.DRILL_STARTED, Kind.DRILL_TYPED, Kind.DRILL_DECIDED, Kind.DENIED, Kind.BLOCKED,
    Kind.REDEEMED, Kind.REDEMPTION_REFUSED, Kind.REPEATED, Kind.KEY_BOUND, Kind.EXPIRED, Kind.REFRESHED,
    Kind.REFRESH_REFUSED, Kind.WRONG_KEY, Kind.PROOF_REFUSED, Kind.WORKLOAD_ISSUED, Kind.WORKLOAD_REFUSED,
    Kind.CODE_ISSUED, Kind.CODE_REDEEMED, Kind.CODE_REFUSED, Kind.PASSWORD_PASSED, Kind.UPSTREAM_PASSED,
    Kind.SIGNED_IN, Kind.SIGN_IN_REFUSED, Kind.STEPPED_UP, Kind.CLIENT_REFUSED, Kind.EXEMPTION_OPENED,
    Kind.EXEMPTION_UNUSED, Kind.EXEMPTION_BEGUN, Kind.EXEMPTION_EXTENDED, Kind.REQUEST_MADE, Kind.REQUEST_REFUSED,
    Kind.REQUEST_DECIDED, Kind.REQUEST_APPROVED, Kind.REQUEST_WITHDRAWN, Kind.REQUEST_KILLED, Kind.REQUEST_LAPSED,
    Kind.REQUEST_REMINDED, Kind.REQUEST_ESCALATED, Kind.REQUEST_LAPSES_SOON, Kind.EXEMPTION_ENDS_SOON,
    Kind.REVIEW_OWED, Kind.BREAK_GLASS_REVIEWED, Kind.ELIGIBILITY_GIVEN, Kind.ELIGIBILITY_ENDED,
    Kind.EXEMPTION_RULES_CHANGED, Kind.REVIEW_STARTED, Kind.REVIEW_DECIDED, Kind.REVIEW_STOPPED,
    Kind.USER_CREATED, Kind.PASSWORD_LINK, Kind.PASSWORD_CHANGE_REFUSED, Kind.AUTHENTICATOR_ADDED,
    Kind.PASSKEY_ADDED, Kind.PASSKEY_REMOVED, Kind.PASSKEY_PARTED, Kind.RECOVERY_CODES_MADE,
    Kind.RECOVERY_CODE_USED, Kind.ACCESS_PASS_MADE, Kind.ACCESS_PASS_USED, Kind.LINKED, Kind.GROUP_CREATED,
    Kind.GROUP_CHANGED, Kind.GROUP_DELETED, Kind.MEMBER_ADDED, Kind.MEMBER_REMOVED, Kind.DEVICE_ASKED,
    Kind.DEVICE_REFUSED, Kind.DEVICE_REGISTERED, Kind.DEVICE_ADMITTED, Kind.DEVICE_COMPLIANCE,
    Kind.DEVICE_RULE_CHANGED, Kind.DEVICE_HOOK_ADDED, Kind.DEVICE_HOOK_REMOVED, Kind.PROVISIONER_ADDED,
    Kind.PROVISIONER_TOKEN, Kind.PROVISIONER_REMOVED, Kind.PROVISIONER_GIVEN, Kind.APPLICATION_CREATED,
    Kind.APPLICATION_ASSESSED, Kind.REVIEW_OVERDUE, Kind.REVIEW_CLOSED, Kind.TRUST_ADDED, Kind.STREAM_CREATED,
    Kind.STREAM_CHANGED, Kind.STREAM_DELETED, Kind.EVENT_REJECTED, Kind.SECRET_ADDED, Kind.SECRET_REMOVED,
    Kind.CONSENT_CHANGED, Kind.ASSIGNMENT_CHANGED, Kind.POLICY_CREATED, Kind.POLICY_CHANGED, Kind.POLICY_DELETED,
    Kind.LOCATION_CREATED, Kind.LOCATION_CHANGED, Kind.LOCATION_DELETED, Kind.CHANNEL_ADDED, Kind.CHANNEL_REMOVED,
    Kind.OWN_CHANNEL_ADDED, Kind.OWN_CHANNEL_REMOVED, Kind.KILL_SWITCH_OFF_PROPOSED, Kind.KILL_SWITCH_OFF,
    Kind.ADMIN_REFUSED, Kind.LOG_KEY_CHANGED, Kind.LOG_EXPORTED, Kind.LOG_PRUNED, Kind.KEYS_ROTATED,
    Kind.KEYS_REWRAPPED, Kind.FIRST_CODE, Kind.FIRST_CODE_WRONG, Kind.FOUNDED, Kind.FIRST_ADMINISTRATOR,
    Kind.LOCAL_DOOR, Kind.ALERT, Kind.FAULT, Kind.FINDING_RAISED, Kind.RESPONSE_HELD_BACK, Kind.FINDING_CONFIRMED,
    Kind.FINDING_DISMISSED, Kind.RESPONSES_CHANGED, Kind.SIGN_INS_REMOVED,
    Kind.USER_ERASED, Kind.SINK_ADDED, Kind.SINK_REMOVED, Kind.SINK_TESTED, Kind.LOG_ANCHORED, Kind.LOG_ERASED,
)  # fmt: skip
"""Kinds after which every session is as alive as before. Who makes a kind says here or in CAUSES what it ends."""


def entry(kind: Kind, target: str = "", **detail: Any) -> Recorded:
    """An entry of the journal."""
    return Recorded(7, "main", 7, kind.value, NOW, "story", "user:x", target, {"detail": detail, "salt": "00"})


def test_a_token_names_one_event_and_its_subject() -> None:
    """No `sub`, no `exp`, `sub_id` at the top, whole seconds; `txn` only where there is a cause."""
    subject = events.session_subject(ISSUER, UserId("u1"), SessionId("fam-92"))
    event = events.session_revoked(subject, at=Instant(NOW + 999_999), by=Initiator.POLICY, why="It ran out.", txn="c")
    told = events.claims(event, issuer=ISSUER, audience="https://rs.example", jti="01J", now=NOW)
    assert told == {
        "iss": ISSUER, "aud": "https://rs.example", "jti": "01J", "iat": 1_790_000_000, "txn": "c",
        "sub_id": {
            "format": "complex", "user": {"format": "iss_sub", "iss": ISSUER, "sub": "u1"},
            "session": {"format": "opaque", "id": "fam-92"},
        },
        "events": {
            "https://schemas.openid.net/secevent/caep/event-type/session-revoked": {
                "event_timestamp": 1_790_000_000, "initiating_entity": "policy",
                "reason_admin": {"en": "It ran out."},
            }
        },
    }  # fmt: skip
    plain = events.claims(events.verification("s", None), issuer=ISSUER, audience="a", jti="1", now=NOW)
    assert "txn" not in plain
    assert plain["sub_id"] == {"format": "opaque", "id": "s"}
    updated = events.stream_updated("s", "paused", "full")
    assert (updated.subject, updated.content) == (plain["sub_id"], {"status": "paused", "reason": "full"})


def test_every_cause_says_who_and_why() -> None:
    """The profile wants `reason_admin` never empty; no sentence holds a name."""
    for kind, rule in CAUSES.items():
        given = {rule.key: "x"} if rule.key else {}
        found = cause_of(entry(Kind(kind), "thing:y" if rule.key else "thing:x", ends=5, expires=5, cause="e", **given))
        assert found is not None, kind
        assert found.why.endswith("."), kind
        assert found.id == "x", "from the detail that the rule names, or else the target"


def test_r8_each_kind_of_entry_ends_somebody_or_is_known_to_end_nobody() -> None:
    """A new kind is in neither list until somebody thought about it."""
    assert sorted((*CAUSES, *ENDS_NOBODY)) == sorted(Kind)


def test_causes_by_example() -> None:
    """Who brought it about depends on the entry, and so does since when."""
    ran_out = cause_of(entry(Kind.EXEMPTION_RAN_OUT, "exemption:e", user="u", ends=42))
    assert ran_out == Cause(Whose.USER, "u", Instant(42), Initiator.POLICY, "The exemption ran out.")
    for cause, by in (
        ("released", "user"),
        ("reported", "user"),
        ("ended", "admin"),
        ("disabled", "admin"),
        ("doubted", "system"),
    ):
        found = cause_of(entry(Kind.EXEMPTION_ENDED, "exemption:e", user="u", cause=cause))
        assert found is not None
        assert (found.by.value, found.at) == (by, NOW)
    own, by_admin = (cause_of(entry(Kind.DEVICE_REVOKED, "device:d", own=own)) for own in (True, False))
    assert own is not None
    assert by_admin is not None
    assert (own.by.value, by_admin.by.value, own.whose, own.id) == ("user", "admin", Whose.DEVICE, "d")
    reused = cause_of(entry(Kind.REUSED, "session:s", session="s"))
    assert reused is not None
    assert (reused.whose, reused.by) == (Whose.SESSION, Initiator.SYSTEM)
    assert cause_of(entry(Kind.REFRESHED, "session:s", session="s")) is None
    assert cause_of(entry(Kind.REVOKED, "", session="")) is None
    assert cause_of(entry(Kind.KILL_SWITCH_ON)) is not None


def test_subjects_that_are_left_out() -> None:
    """Formats that our events have; all that was removed must be in the event, and the same."""
    user = {"format": "iss_sub", "iss": ISSUER, "sub": "u1"}
    session = {"format": "opaque", "id": "s1"}
    event = events.session_subject(ISSUER, UserId("u1"), SessionId("s1"))

    def left_out(subject: object) -> bool:
        text = subjects.read(subject)
        assert text is not None, subject
        return subjects.removed(event, [text])

    assert left_out(user)
    assert left_out(session)
    assert left_out({"format": "complex", "user": user, "session": session})
    assert not left_out({**user, "sub": "u2"})
    assert not left_out({"format": "complex", "user": user, "session": {**session, "id": "s2"}})
    assert not left_out({"format": "complex", "user": user, "device": session}), "silences nothing that has no device"
    assert not subjects.removed(event, [])
    wrong: list[object] = [
        None, [], {}, {"format": "email", "email": "a@b.example"}, {"format": "complex"}, {**user, "more": "x"},
        {"format": "complex", "who": user}, {"format": "opaque", "id": 7}, {"format": "opaque", "id": "x" * 2000},
        {"format": "complex", "user": "u"}, {"format": "iss_sub", "iss": ISSUER}, {"format": 7},
    ]  # fmt: skip
    for each in wrong:
        assert subjects.read(each) is None, each
