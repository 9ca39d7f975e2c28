"""How events reach receivers that they are pushed to (RFC 8935): at least once, in bounds, each stream alone."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from joserfc.errors import InvalidKeyIdError

from ostiary.core.signals import delivery
from ostiary.core.signals.streams import MOST_STREAMS, Method
from ostiary.core.words.destinations import PUBLIC, read_destinations
from ostiary.core.words.instants import days, minutes, seconds
from ostiary.core.words.outcome import Refused
from ostiary.outside.background import Background
from ostiary.outside.outgoing import Answer, Outgoing
from ostiary.services.signals import outbox
from ostiary.services.signals.push import AT_ONCE, push, tend_streams
from ostiary.services.tokens.rotation import rotate
from ostiary.store import Tx, signals
from tests.receiver import POLL, REVOKED, UPDATED, Receiver, opened, receiving
from tests.web.oauth.site import ALICE, API, API_URI, GATEWAY, ORIGIN, OTHER, TENANT
from tests.web.oauth.streams import Transmitter, ended, transmitting


@pytest.fixture(scope="module")
def receivers() -> Iterator[tuple[Receiver, Receiver]]:
    """Two of them."""
    with receiving() as one, receiving() as other:
        yield one, other


@pytest.fixture
def receiver(receivers: tuple[Receiver, Receiver]) -> Receiver:
    """One of them, new."""
    for each in receivers:
        each.tokens.clear()
        each.headers.clear()
        each.answers.clear()
        each.hold = None
    return receivers[0]


@pytest.fixture
def site(tmp_path: Path, receivers: tuple[Receiver, Receiver]) -> Iterator[Transmitter]:
    """A transmitter whose operator listed the two."""
    with transmitting(tmp_path, *(f"http://127.0.0.1:{one.port}" for one in receivers)) as made:
        yield made


def test_the_end_of_an_exemption_is_pushed(site: Transmitter, receiver: Receiver) -> None:
    """The whole token: SSF 1.0 §4, CAEP 1.0 §3.1 and the interoperability profile, signed with a published key."""
    site.stream(url=receiver.url, header="Bearer hook-t0ken")
    (session,) = ended(site)
    assert site.push() == 1
    (event,) = receiver.events(site.keys())
    issuer, now = f"{ORIGIN}/{TENANT}/v2.0", site.clock.now() // 1_000_000
    assert (event["iss"], event["aud"], event["iat"]) == (issuer, API_URI, now)
    assert event["sub_id"] == {
        "format": "complex", "user": {"format": "iss_sub", "iss": issuer, "sub": ALICE},
        "session": {"format": "opaque", "id": session},
    }  # fmt: skip
    assert event["events"] == {
        REVOKED: {
            "event_timestamp": now, "initiating_entity": "admin",
            "reason_admin": {"en": "The exemption was ended before its time."},
        }
    }  # fmt: skip
    assert len(event["txn"]) == 32
    headers = receiver.headers[0]
    assert (headers["content-type"], headers["accept"]) == ("application/secevent+jwt", "application/json")
    assert headers["authorization"] == "Bearer hook-t0ken"
    assert site.push() == 0, "202 acknowledged it"


def test_what_did_not_arrive_is_sent_again_and_slower_each_time(site: Transmitter, receiver: Receiver) -> None:
    """At least once with the same `jti`, whatever the receiver answers but yes; an alert at the fifth time."""
    site.stream(url=receiver.url)
    ended(site)
    receiver.answers[:] = [(503, {}), (401, {}), (400, {"err": "access_denied"}), (404, {}), (500, {})]
    waits = [1, 2, 4, 8, 16]
    for wait in waits:
        assert site.push() == 1
        assert site.push() == 0, "not at once again"
        site.later(seconds(wait))
    assert [entry["detail"]["about"] for entry in site.entries("system:alert:raised")] == ["event stream fails"]
    assert site.push() == 1
    events = receiver.events(site.keys())
    assert len(events) == 6
    assert len({event["jti"] for event in events}) == 1
    ended(site)
    assert site.push() == 1, "what was wrong is forgotten"


def test_a_receivers_no_to_one_event_is_final(site: Transmitter, receiver: Receiver) -> None:
    """RFC 8935 §2.3: written down with what it said, and the next events go on."""
    site.stream(url=receiver.url)
    receiver.answers[:] = [(400, {"err": "invalid_audience", "description": "not\nours"})]
    ended(site)
    site.push()
    (entry,) = site.entries("system:signal_stream:rejected")
    assert (entry["detail"]["err"], entry["detail"]["description"]) == ("invalid_audience", "not\\x0aours")
    ended(site)
    site.push()
    assert len(receiver.tokens) == 2


def test_a_receiver_that_hangs_holds_up_nobody_else(
    site: Transmitter, receiver: Receiver, receivers: tuple[Receiver, Receiver]
) -> None:
    """Each stream has a task of its own: the second gets its event while the first gives no answer."""
    for each in receivers:
        site.stream(url=each.url)
    receiver.hold = threading.Event()
    ended(site)

    async def both() -> None:
        assert await push(site.house, site.visit()) == 2
        await asyncio.to_thread(receivers[1].wait, 1)
        await asyncio.to_thread(receiver.wait, 1)
        assert len(site.house.outside.pushing) >= 1
        assert receiver.hold is not None
        receiver.hold.set()
        await site.house.outside.pushing.idle()

    site.run(both())
    assert site.push() == 0


def test_r24_receivers_that_hang_take_no_turn_of_other_requests(
    site: Transmitter, receiver: Receiver, receivers: tuple[Receiver, Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All streams of an application hang with all that they may have on its way; what people wait for goes through."""
    monkeypatch.setattr(import_module("ostiary.outside.outgoing"), "TOTAL", 3.0)
    plain = Outgoing(read_destinations([f"http://127.0.0.1:{receivers[1].port}"]))
    site.house = replace(site.house, outside=replace(site.house.outside, outgoing=plain))
    for _ in range(MOST_STREAMS):
        site.stream(url=receiver.url)
    ended(site, AT_ONCE + 1)
    receiver.hold = threading.Event()

    async def beside() -> None:
        assert await push(site.house, site.visit()) == MOST_STREAMS
        await asyncio.to_thread(receiver.wait, MOST_STREAMS * AT_ONCE)
        asked = await asyncio.wait_for(plain.ask("POST", receivers[1].url, body=b"x"), 2.0)
        assert isinstance(asked, Answer), asked
        await site.house.outside.pushing.idle()

    site.run(beside())
    assert len(receiver.tokens) == MOST_STREAMS * AT_ONCE
    receiver.hold.set()
    receiver.tokens.clear()
    receiver.answers[:] = [(503, {})] * MOST_STREAMS
    site.later(seconds(1))
    assert site.push() == MOST_STREAMS
    assert len(receiver.tokens) == MOST_STREAMS, "one at a time while it fails"
    site.later(seconds(2))
    assert site.push() == MOST_STREAMS
    assert len(receiver.tokens) == MOST_STREAMS * (AT_ONCE + 2), "and all of them once it works"


def test_streams_that_fail_leave_places_to_others(
    site: Transmitter, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the places few are for streams that failed last time, and all of them have an end."""
    monkeypatch.setattr(import_module("ostiary.services.signals.push"), "TROUBLED", 1)
    for app in (API, API, GATEWAY):
        site.stream(app, url=receiver.url)
    ended(site)
    receiver.answers[:] = [(503, {})] * 3
    assert site.push() == 3
    site.later(seconds(1))
    assert site.push() == 1
    monkeypatch.setattr(import_module("ostiary.services.signals.push"), "STREAMS", 1)
    assert site.push() == 1


def test_two_nodes_do_not_push_the_same(site: Transmitter, receiver: Receiver) -> None:
    """A stream is claimed with what is read; a claim whose holder was killed ends after two minutes."""
    site.stream(url=receiver.url)
    ended(site)
    receiver.hold = threading.Event()
    other = replace(site.house, outside=replace(site.house.outside, pushing=Background()))

    async def both() -> None:
        at_once = [push(house, site.visit()) for house in (site.house, other)]
        assert sum(await asyncio.gather(*at_once)) >= 1
        await asyncio.to_thread(receiver.wait, 1)
        assert await push(other, site.visit()) == 0
        for house in (site.house, other):
            await house.outside.pushing.close()  # killed with its claim
        assert await push(other, site.visit()) == 0
        assert receiver.hold is not None
        receiver.hold.set()

    site.run(both())
    assert len(receiver.tokens) == 1
    site.later(minutes(2))
    assert site.push() == 1
    first, again = receiver.events(site.keys())
    assert first["jti"] == again["jti"]


def test_failures_are_not_written_onto_a_stream_that_was_changed(site: Transmitter, receiver: Receiver) -> None:
    """A push that is on its way when its stream becomes a polled one says nothing about it."""
    made = site.stream(url=receiver.url)
    ended(site)
    receiver.hold, receiver.answers[:] = threading.Event(), [(503, {})]

    async def meanwhile() -> None:
        await push(site.house, site.visit())
        await asyncio.to_thread(receiver.wait, 1)

    site.run(meanwhile())
    wish = {"stream_id": made["stream_id"], "delivery": {"method": POLL}}
    changed = site.as_(API, "PATCH", "/ssf/stream", json=wish)
    assert changed.status_code == 200, changed.text
    receiver.hold.set()
    site.run(site.house.outside.pushing.idle())
    stream = site.run(site.house.store.read(lambda tx: signals.find(tx, made["stream_id"])))
    assert stream is not None
    assert (stream.method, stream.failures, stream.retry) == (Method.POLL, 0, None)
    assert len(site.polled(changed.json())) == 1


def test_r19_what_waits_is_not_told_to_an_application_that_may_not_be_told_any_more(
    site: Transmitter, receiver: Receiver
) -> None:
    """Disabled or made public: its events are held, also those about the stream, and pushed if it may be told again."""
    id = site.stream(url=receiver.url)["stream_id"]
    ended(site)
    for enabled, public in ((False, False), (True, True)):
        site.register(API, enabled=enabled, public=public)
        site.later(minutes(1))
        site.push()
        assert receiver.tokens == [], (enabled, public)

    async def paused(tx: Tx) -> None:
        found = await signals.find(tx, id)
        assert found is not None
        await outbox.pause(site.house, tx, site.visit(), found, "for a test")

    site.write(paused)
    site.later(minutes(1))
    site.push()
    assert receiver.tokens == [], "nor that its stream was paused"
    site.register(API, public=False)
    site.later(minutes(1))
    assert site.push() == 1
    assert [list(event["events"]) for event in receiver.events(site.keys())] == [[UPDATED]]
    site.as_(API, "POST", "/ssf/status", json={"stream_id": id, "status": "enabled"})
    assert site.push() == 1
    assert len(receiver.tokens) == 2


def test_r19_nobody_hears_of_another_resources_sessions(site: Transmitter) -> None:
    """R19: a stream gets what introspection would tell its application: its own tokens' sessions, its gateway's too."""
    own, others, gate = site.stream(), site.stream(OTHER), site.stream(GATEWAY)
    (session,) = ended(site)
    told = [site.polled(own), site.polled(others, OTHER), site.polled(gate, GATEWAY)]
    assert [[event["sub_id"]["session"]["id"] for event in events] for events in told] == [[session], [], [session]]
    reached, window = site.signed_in(resource=OTHER)
    site.end(window)
    site.transmit()
    assert site.polled(others, OTHER)[0]["sub_id"]["session"]["id"] == reached.id
    assert len(site.polled(own)) == 1


def test_paused_streams_hold_and_disabled_ones_drop(site: Transmitter, receiver: Receiver) -> None:
    """SSF 1.0 §8.1.2."""
    stream = site.stream(url=receiver.url)
    id = stream["stream_id"]
    site.as_(API, "POST", "/ssf/status", json={"stream_id": id, "status": "paused"})
    ended(site)
    assert site.push() == 0
    site.as_(API, "POST", "/ssf/status", json={"stream_id": id, "status": "enabled"})
    assert site.push() == 1
    site.as_(API, "POST", "/ssf/status", json={"stream_id": id, "status": "disabled"})
    site.end(site.signed_in()[1])
    assert site.transmit() == 0
    site.as_(API, "POST", "/ssf/status", json={"stream_id": id, "status": "enabled"})
    assert site.transmit() == 0
    assert (site.push(), len(receiver.tokens)) == (0, 1)


def test_a_stream_that_takes_nothing_is_paused_in_the_end(site: Transmitter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded: too many events, or older than seven days; receiver and administrators are told."""
    monkeypatch.setattr(outbox, "MOST_HELD", 2)
    full, old = site.stream(), site.stream(OTHER)
    ended(site, 3)
    events = site.polled(full)
    assert [list(event["events"]) for event in events] == [[UPDATED]], "paused: only what is about the stream"
    status = site.as_(API, "GET", f"/ssf/status?stream_id={full['stream_id']}").json()
    assert (status["status"], status["reason"]) == ("paused", "more than 2 events wait")
    site.as_(API, "POST", "/ssf/status", json={"stream_id": full["stream_id"], "status": "enabled"})
    assert len(site.polled(full)) == 3

    _, window = site.signed_in(resource=OTHER)
    site.end(window)
    site.transmit()
    site.later(days(8))
    assert site.run(tend_streams(site.house, site.visit())) >= 1
    assert [list(event["events"]) for event in site.polled(old, OTHER)] == [[UPDATED]]
    about = [entry["detail"]["about"] for entry in site.entries("system:alert:raised")]
    assert about.count("event stream paused") >= 2


def test_a_subject_that_was_removed_is_left_out(site: Transmitter) -> None:
    """SSF 1.0 §8.1.3: all subjects are on a new stream; one can be taken out and put back."""
    stream = site.stream()
    id, (first, window) = stream["stream_id"], site.signed_in()
    subject = {"format": "opaque", "id": first.id}
    wish: dict[str, Any] = {"stream_id": id, "subject": subject}
    assert site.as_(API, "POST", "/ssf/subjects:remove", json=wish).status_code == 204
    assert site.as_(API, "POST", "/ssf/subjects:remove", json=wish).status_code == 204
    site.end(window)
    site.transmit()
    assert site.polled(stream) == []
    assert site.as_(API, "POST", "/ssf/subjects:add", json=wish).status_code == 200
    (second,) = ended(site)
    assert [event["sub_id"]["session"]["id"] for event in site.polled(stream)] == [second]
    wrong = {"stream_id": id, "subject": {"format": "email", "email": "alice@example.com"}}
    assert site.as_(API, "POST", "/ssf/subjects:remove", json=wrong).status_code == 400


def test_an_event_that_waited_is_signed_with_the_key_of_the_day(site: Transmitter) -> None:
    """The keys of when it was made may be gone: what leaves is proved by a key that is published then, same `jti`."""
    stream = site.stream()
    ended(site)
    (before,) = site.poll(stream)["sets"].items()
    assert not isinstance(site.run(rotate(site.house, site.local(), "may be known", at_once=True)), Refused)
    (after,) = site.poll(stream)["sets"].items()
    assert opened(after[1], site.keys())["jti"] == before[0] == after[0]
    with pytest.raises(InvalidKeyIdError):
        opened(before[1], site.keys())


def test_r24_a_name_that_leads_inside_is_not_pushed_to(site: Transmitter, receiver: Receiver) -> None:
    """R24: such a stream can be made, since names change; what it leads to is judged at each push, and not asked."""

    async def inside(_host: str, _port: int) -> tuple[IPv4Address, ...]:
        return (IPv4Address("127.0.0.1"),)

    outgoing = Outgoing(PUBLIC, resolve=inside)
    site.house = replace(site.house, outside=replace(site.house.outside, signal_outgoing=outgoing))
    site.app = site.serve(site.house)
    site.stream(url=f"https://rs.example:{receiver.port}/events")
    ended(site)
    assert site.push() == 1
    assert receiver.tokens == []
    site.later(seconds(1))
    assert site.push() == 1, "it waits, and is judged again"


def test_bounds_are_what_the_pages_say() -> None:
    """docs/shared-signals.md names them."""
    bounds = (delivery.MOST_HELD, delivery.KEPT, delivery.MOST_POLLED)
    assert bounds == (20_000, days(7), 100)
    assert delivery.again_in(1) == seconds(1)
    assert delivery.again_in(100) == minutes(5)
