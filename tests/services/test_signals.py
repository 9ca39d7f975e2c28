"""Whom the reader of shared signals tells of, and why: everybody whose session is over, nobody else, once (R8)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.devices.device import Device
from ostiary.core.directory.people import Role
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.tokens.session import Session, SessionKind
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.ids import DeviceId, SessionId
from ostiary.core.words.instants import after, days, hours, minutes, seconds
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access import kill_switch
from ostiary.services.devices.inventory import revoke_device
from ostiary.services.devices.tend import announce_lapsed
from ostiary.services.directory.applications import change_application
from ostiary.services.directory.people import Change, change_user, delete_user, revoke_sessions
from ostiary.services.exemptions.end import announce_ends, end_exemption
from ostiary.services.signals import transmit as reader
from ostiary.services.signins import decide
from ostiary.services.tokens.browser import end_own
from ostiary.store import Tx, devices, tokens
from tests.receiver import REVOKED
from tests.services.door import Door
from tests.web.oauth.site import ALICE, API, CLI, OTHER, SECRETS, TENANT
from tests.web.oauth.streams import Transmitter, transmitting

DEVICE = DeviceId("7a0d1f2e-0000-4000-8000-0000000000d7")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Transmitter]:
    """A transmitter with a stream that is polled."""
    with transmitting(tmp_path) as made:
        yield made


def admin(site: Transmitter) -> Visit:
    """Bob as an administrator, freshly proved."""
    caller = Caller(
        CallerKind.USER, "bob", "bob@example.com", Origin.BROWSER, frozenset({Role.ADMINISTRATOR}),
        amr=("pwd", "otp", "mfa"), authenticated_at=site.clock.now(),
    )  # fmt: skip
    return replace(site.visit(caller), reason="for a test")


def alice(site: Transmitter) -> Visit:
    """Alice in her browser, freshly proved."""
    caller = Caller(
        CallerKind.USER, ALICE, "alice@example.com", Origin.BROWSER, amr=("pwd", "otp", "mfa"),
        authenticated_at=site.clock.now(),
    )  # fmt: skip
    return site.visit(caller)


def on_device(site: Transmitter, session: Session) -> Session:
    """The same on a machine of the inventory that is good for a day."""
    now = site.clock.now()
    device = Device(
        DEVICE, "build-7", owner=ALICE, jkt="k", registered=now, admitted=now, admitted_by="user:admin",
        expires=after(now, minutes(30)),
    )  # fmt: skip
    moved = replace(session, id=SessionId(site.house.random.guid()), device=DEVICE, device_revision=0)

    async def body(tx: Tx) -> None:
        await devices.add(tx, device)
        await tokens.add(tx, moved)

    site.write(body)
    return moved


Act = Callable[[Transmitter, Session, Exemption], Any]


def _released(site: Transmitter, _: Session, window: Exemption) -> Any:
    return site.run(end_exemption(site.house, alice(site), window.id))


def _ended(site: Transmitter, _: Session, window: Exemption) -> Any:
    return site.run(end_exemption(site.house, site.local(), window.id, "for a test"))


def _ran_out(site: Transmitter, _: Session, __: Exemption) -> Any:
    site.later(hours(1))
    return site.run(announce_ends(site.house, site.visit()))


def _killed(site: Transmitter, _: Session, __: Exemption) -> Any:
    return site.run(kill_switch.turn_on(site.house, site.local(), "for a test"))


def _disabled(site: Transmitter, _: Session, __: Exemption) -> Any:
    return site.run(change_user(site.house, admin(site), ALICE, Change(enabled=False, reason="for a test")))


def _sessions(site: Transmitter, _: Session, __: Exemption) -> Any:
    return site.run(revoke_sessions(site.house, alice(site), ALICE))


def _one(site: Transmitter, session: Session, __: Exemption) -> Any:
    return site.run(end_own(site.house, alice(site), session.id))


def _application(site: Transmitter, _: Session, __: Exemption) -> Any:
    return site.run(change_application(site.house, admin(site), CLI, {"enabled": False}, "for a test"))


def _token(site: Transmitter, session: Session, window: Exemption) -> Any:
    form = {"client_id": CLI, "token": site.token(session, ends=window.ends)}
    return site.post(f"/{TENANT}/oauth2/v2.0/revoke", form).status_code == 200


CAUSES: tuple[tuple[Act, str, str], ...] = (
    (_released, "user", "released by its person"),
    (_ended, "admin", "ended before its time"),
    (_ran_out, "policy", "ran out"),
    (_killed, "admin", "All device sign-ins were stopped"),
    (_disabled, "admin", "account was disabled"),
    (_sessions, "user", "Every session"),
    (_one, "user", "The person ended the session"),
    (_application, "admin", "The application was changed"),
    (_token, "user", "The application ended the session"),
)


@pytest.mark.parametrize(("act", "by", "why"), CAUSES, ids=lambda value: getattr(value, "__name__", ""))
def test_r8_whatever_ends_a_session_is_told(site: Transmitter, act: Act, by: str, why: str) -> None:
    """R8: who it was and why, in CAEP's words; once; and the first ask after it says the same."""
    stream = site.stream()
    session, window = site.signed_in()
    token = site.token(session, ends=window.ends)
    assert site.introspect(token).json()["active"] is True
    assert site.transmit() == 0
    came = act(site, session, window)
    assert not isinstance(came, Refused), came
    site.run(site.house.desk.reload())
    assert site.introspect(token).json() == {"active": False}
    site.transmit()
    (event,) = site.polled(stream)
    assert event["sub_id"]["session"]["id"] == session.id
    told = event["events"][REVOKED]
    assert (told["initiating_entity"], told["event_timestamp"]) == (by, site.clock.now() // 1_000_000)
    assert why in told["reason_admin"]["en"]
    assert site.transmit() == 0
    assert len(site.polled(stream)) == 1


def test_r8_a_machine_that_is_revoked_or_lapses_ends_what_is_on_it(site: Transmitter) -> None:
    """R8: nothing else of its person's is told of; what lapsed says since when."""
    stream = site.stream()
    session, _ = site.signed_in()
    moved = on_device(site, session)
    site.run(announce_lapsed(site.house, site.visit()))
    site.later(minutes(31))
    assert site.run(announce_lapsed(site.house, site.visit())) == 1
    site.transmit()
    (event,) = site.polled(stream)
    assert event["sub_id"]["session"]["id"] == moved.id
    lapsed = event["events"][REVOKED]
    assert lapsed["event_timestamp"] == site.clock.now() // 1_000_000 - 60
    assert lapsed["initiating_entity"] == "policy"
    assert not isinstance(site.run(revoke_device(site.house, admin(site), DEVICE, "lost")), Refused)
    assert site.transmit() == 0, "told already"


def test_r8_one_that_another_exemption_carries_on_is_not_over(site: Transmitter) -> None:
    """R8: when an exemption runs out, another open one takes over; the end of that is the session's end."""
    stream = site.stream()
    session, _ = site.signed_in()
    site.later(minutes(30))
    other = site.exemption()
    site.later(minutes(31))
    site.transmit()
    assert site.polled(stream) == []
    site.end(other)
    site.transmit()
    assert [event["sub_id"]["session"]["id"] for event in site.polled(stream)] == [session.id]


def test_r7_a_resource_within_reach_is_told_and_whoever_asked_for_nothing_is_not(site: Transmitter) -> None:
    """R7: a session may get tokens for what it reaches at any refresh; a stream gets the events that it requested."""
    reached, nothing = site.stream(OTHER), site.stream(OTHER, events_requested=["urn:something:else"])
    session, window = site.signed_in()
    far = replace(session, id=SessionId(site.house.random.guid()), reach={OTHER: ("Read",)})

    async def body(tx: Tx) -> None:
        await tokens.add(tx, far)

    site.write(body)
    site.end(window)
    site.transmit()
    assert [event["sub_id"]["session"]["id"] for event in site.polled(reached, OTHER)] == [far.id]
    assert site.polled(nothing, OTHER) == []


def test_one_whose_tokens_are_long_over_is_nobodys_news(site: Transmitter) -> None:
    """A session that nobody used for so long has no token that counts anywhere."""
    stream = site.stream()
    session, _ = site.signed_in()

    async def idle(tx: Tx) -> None:
        now = site.clock.now()
        kind = SessionKind.CODE
        old = replace(
            session, id=SessionId("old"), kind=kind, origin=Origin.BROWSER, idle_ends=after(now, minutes(1)),
            ends=after(now, minutes(1)), exemption=None,
        )  # fmt: skip
        await tokens.add(tx, old)

    site.write(idle)
    site.later(minutes(59))
    _disabled(site, session, site.exemption())
    site.transmit()
    assert {event["sub_id"]["session"]["id"] for event in site.polled(stream)} == {session.id, "old"}

    site.session()
    site.later(days(1))
    site.run(revoke_sessions(site.house, admin(site), ALICE))
    assert site.transmit() == 0


def test_the_sessions_of_somebody_who_was_deleted_are_told(site: Transmitter) -> None:
    """A session from a browser needs no exemption; it ends with its person."""
    stream, session = site.stream(), site.session()
    assert not isinstance(site.run(delete_user(site.house, admin(site), ALICE)), Refused)
    site.transmit()
    (event,) = site.polled(stream)
    assert event["sub_id"]["session"]["id"] == session.id
    assert event["events"][REVOKED]["reason_admin"] == {"en": "The account was deleted."}


def test_the_kill_switch_tells_of_everybody_in_pieces(site: Transmitter, monkeypatch: pytest.MonkeyPatch) -> None:
    """No transaction takes more than its share; a run that was cut off goes on, and tells nobody twice."""
    monkeypatch.setattr(reader, "SESSIONS", 4)
    stream, window = site.stream(), site.exemption()
    sessions = {site.session(exemption=window).id for _ in range(10)}
    elsewhere = site.session(exemption=window, resource=OTHER)
    _killed(site, elsewhere, window)
    site.run(site.house.desk.reload())
    count, place = site.run(reader._run(site.house, site.visit(), None))
    assert count == 4
    assert place is not None
    site.transmit()  # as a new process would: from the cursor, without the place
    told = [event["sub_id"]["session"]["id"] for event in site.polled(stream)]
    assert len(told) == len(set(told))
    assert set(told) == sessions
    assert len({event["txn"] for event in site.polled(stream)}) == 1


def test_what_happened_before_a_stream_was_made_is_no_news(site: Transmitter) -> None:
    """The cursor begins where the journal is when somebody subscribes; without anybody nothing is read."""
    site.end(site.signed_in()[1])
    assert site.transmit() == 0
    stream = site.stream()
    assert site.transmit() == 0
    assert site.polled(stream) == []
    assert site.as_(API, "DELETE", f"/ssf/stream?stream_id={stream['stream_id']}").status_code == 204
    site.end(site.signed_in()[1])
    later = site.stream()
    assert site.transmit() == 0
    assert site.polled(later) == []


def test_r8_a_clock_that_goes_back_or_jumps_ahead_leaves_nothing_open(site: Transmitter) -> None:
    """R8: what a person ended stays ended whatever the clock says; what ran out by a jump is told, and only once."""
    site.later(hours(1))  # keys sign from their beginning on
    stream = site.stream()
    session, window = site.signed_in()
    token = site.token(session, ends=window.ends)
    site.end(window)
    site.later(seconds(-600))
    assert site.introspect(token).json() == {"active": False}
    site.transmit()
    assert len(site.polled(stream)) == 1
    other, ahead = site.signed_in()
    token = site.token(other, ends=ahead.ends)
    site.later(days(3))
    assert site.introspect(token).json() == {"active": False}
    site.transmit()
    site.later(days(-3))
    site.transmit()
    told = [event["sub_id"]["session"]["id"] for event in site.polled(stream)]
    assert told == [session.id, other.id]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A house with its block, where people sign in on machines over HTTP."""
    made = Door(tmp_path)
    made.open()
    yield made
    made.close()


def poll(door: Door, stream: dict[str, Any]) -> list[str]:
    """What the resource is told."""
    door.run(reader.transmit(door.house, door.visit()))
    wish = {"returnImmediately": True}
    answer = door.request("POST", stream["delivery"]["endpoint_url"], json=wish, auth=(API, SECRETS[API]))
    return list(answer.json()["sets"])


def test_r6_r14_a_copied_token_or_code_and_a_report_are_told(door: Door) -> None:
    """R6, R11, R14: a refresh token and a device code that come twice, and *I did not start this*."""
    stream = door.request("POST", "/ssf/stream", json={}, auth=(API, SECRETS[API])).json()
    url = f"/{TENANT}/oauth2/v2.0/token"

    def signed_in() -> tuple[str, str, dict[str, Any]]:
        started = door.started()
        shown = door.claimed(started.user_code)
        door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))
        form = {"grant_type": "device_code", "client_id": CLI, "device_code": started.device_code}
        given = door.post(url, form)
        assert given.status_code == 200, given.text
        return shown.signin.id, started.device_code, given.json()

    def refresh(token: str) -> int:
        form = {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": token}
        return door.post(url, form).status_code

    _, _, given = signed_in()
    assert refresh(given["refresh_token"]) == 200
    assert poll(door, stream) == []
    door.clock.move(minutes(2))
    assert refresh(given["refresh_token"]) == 400
    assert len(poll(door, stream)) == 1

    _, code, _ = signed_in()
    door.clock.move(minutes(2))
    assert door.post(url, {"grant_type": "device_code", "client_id": CLI, "device_code": code}).status_code == 400
    assert len(poll(door, stream)) == 2

    id, _, _ = signed_in()
    door.run(decide.report(door.house, door.at_browser(), id))  # type: ignore[arg-type]
    assert len(poll(door, stream)) == 3
