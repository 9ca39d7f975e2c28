"""Security event tokens have the form that SSF 1.0 and CAEP 1.0 give them (RFC 8417, RFC 9493)."""

from typing import Any

from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.signals import causes, events, subjects
from ostiary.core.signals.causes import CAUSES, Cause, Whose, cause_of
from ostiary.core.signals.events import Initiator
from ostiary.core.words.ids import SessionId, UserId
from ostiary.core.words.instants import Instant, from_seconds

ISSUER = "https://idp.example/t/v2.0"
NOW = from_seconds(1_790_000_000)


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
        found = cause_of(entry(kind, "thing:x", ends=5, expires=5, cause="ended", **given))
        assert found is not None, kind
        assert found.why.endswith("."), kind
        assert found.by in tuple(Initiator), kind
        assert found.id == "x" or found.whose is Whose.ANYBODY, kind


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
    assert causes.CAUSES.keys() <= set(Kind)


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
