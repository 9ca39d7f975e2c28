"""How events reach receivers that poll (RFC 8936): until they acknowledge them, at once or waiting, in bounds."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.app.config import Config
from ostiary.app.serve import serve
from ostiary.core.directory.applications import Application
from ostiary.core.exemptions.exemption import Exemption
from ostiary.services.exemptions.end import end_exemption
from ostiary.services.house import House
from ostiary.services.signals.poll_room import PollRoom
from ostiary.services.signals.transmit import transmit
from ostiary.services.tokens.keyring import Signing
from ostiary.store import Tx
from tests.web.oauth.site import API, ORIGIN, SECRETS
from tests.web.oauth.streams import Transmitter, ended, transmitting

WAITING = {"returnImmediately": False}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Transmitter]:
    """A transmitter whose streams are polled."""
    with transmitting(tmp_path) as made:
        yield made


@asynccontextmanager
async def at(site: Transmitter) -> AsyncIterator[httpx.AsyncClient]:
    """API at the doors of *site*, within the loop of its house."""
    transport = httpx.ASGITransport(app=site.app, client=("127.0.0.1", 40000))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, auth=(API, SECRETS[API])) as client:
        yield client


def test_polled_events_stay_until_they_are_acknowledged(site: Transmitter) -> None:
    """RFC 8936 §2: the same ones again, no more than were asked for, gone with `ack`; `setErrs` is written down."""
    stream = site.stream()
    sessions = ended(site, 3)
    first = site.poll(stream, maxEvents=2)
    assert (len(first["sets"]), first["moreAvailable"]) == (2, True)
    assert list(site.poll(stream, maxEvents=2)["sets"]) == list(first["sets"])
    assert site.poll(stream, maxEvents=0) == {"sets": {}, "moreAvailable": True}
    bad, good = first["sets"]
    errors = {bad: {"err": "invalid_key", "description": "unknown key"}, "unknown": {"err": "invalid_key"}}
    rest = site.poll(stream, ack=[good, "unknown"], setErrs=errors)
    assert (len(rest["sets"]), rest["moreAvailable"]) == (1, False)
    (entry,) = site.entries("system:signal_stream:rejected")
    assert (entry["detail"]["jti"], entry["actor"]) == (bad, f"application:{API}")
    assert site.poll(stream, ack=list(rest["sets"])) == {"sets": {}, "moreAvailable": False}
    assert len(set(sessions)) == 3


def test_a_poll_waits_for_what_comes(site: Transmitter, monkeypatch: pytest.MonkeyPatch) -> None:
    """`returnImmediately` false: the answer comes with the event, or empty when the time is up."""
    monkeypatch.setattr(import_module("ostiary.services.signals.poll"), "WAITS", 0.5)
    stream = site.stream()
    assert site.poll(stream, returnImmediately=False) == {"sets": {}, "moreAvailable": False}
    ended(site)
    assert len(site.poll(stream, returnImmediately=False)["sets"]) == 1
    wishes: list[dict[str, Any]] = [
        {"maxEvents": -1}, {"maxEvents": True}, {"ack": "x"}, {"ack": ["x"] * 101}, {"setErrs": []},
        {"returnImmediately": 1},
    ]  # fmt: skip
    for wrong in wishes:
        assert site.as_(API, "POST", stream["delivery"]["endpoint_url"], json=wrong).status_code == 400, wrong


Ask = Callable[[], Coroutine[Any, Any, httpx.Response]]


async def waits(
    site: Transmitter, stream: dict[str, Any], polls: int = 1, ask: Ask | None = None
) -> list[asyncio.Task[httpx.Response]]:
    """So many polls, at the door unless *ask* is another way, each of which waits by now."""

    async def at_door() -> httpx.Response:
        async with at(site) as client:
            return await client.post(stream["delivery"]["endpoint_url"], json=WAITING)

    tasks = [asyncio.create_task((ask or at_door)()) for _ in range(polls)]
    async with asyncio.timeout(30):
        while site.house.polls.waiting(stream["stream_id"]) < polls:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.01)
    return tasks


def test_a_poll_that_waits_is_woken_by_what_is_committed(site: Transmitter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a look of its own in between; what another node commits is found by that."""
    monkeypatch.setattr(import_module("ostiary.services.signals.poll_room"), "LOOKS", 60)
    stream, here = site.stream(), site.house

    async def told(house: House, window: Exemption) -> int:
        (poll,) = await waits(site, stream)
        await end_exemption(house, site.local(), window.id, "for a test")
        assert await transmit(house, site.visit()) == 1
        answer = await asyncio.wait_for(poll, 10)
        return len(answer.json()["sets"])

    assert site.run(told(here, site.signed_in()[1])) == 1
    site.poll(stream, ack=list(site.poll(stream)["sets"]))
    monkeypatch.setattr(import_module("ostiary.services.signals.poll_room"), "LOOKS", 0.1)
    assert site.run(told(replace(here, polls=PollRoom()), site.signed_in()[1])) == 1


def test_a_poll_that_waits_is_woken_by_what_is_done_to_its_stream(
    site: Transmitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked to verify it, what was held while it was paused, and that it is gone."""
    monkeypatch.setattr(import_module("ostiary.services.signals.poll_room"), "LOOKS", 60)
    stream = site.stream()
    own = {"stream_id": stream["stream_id"]}

    async def woken(method: str, path: str, **more: Any) -> httpx.Response:
        (poll,) = await waits(site, stream)
        async with at(site) as client:
            done = await client.request(method, path, **more)
            assert done.status_code < 300, done.text
        return await asyncio.wait_for(poll, 10)

    assert len(site.run(woken("POST", "/ssf/verify", json=own)).json()["sets"]) == 1
    site.poll(stream, ack=list(site.poll(stream)["sets"]))
    site.as_(API, "POST", "/ssf/status", json={**own, "status": "paused"})
    ended(site)
    assert len(site.run(woken("POST", "/ssf/status", json={**own, "status": "enabled"})).json()["sets"]) == 1
    site.poll(stream, ack=list(site.poll(stream)["sets"]))
    assert site.run(woken("DELETE", f"/ssf/stream?stream_id={own['stream_id']}")).status_code == 404


@pytest.mark.parametrize("barred", [{"enabled": False}, {"public": True}], ids=["disabled", "public"])
def test_r19_a_poll_that_waits_is_told_nothing_once_its_application_may_not_be(
    site: Transmitter, monkeypatch: pytest.MonkeyPatch, barred: dict[str, bool]
) -> None:
    """R19: each look asks anew who is at the door, also about what was held for it before."""
    monkeypatch.setattr(import_module("ostiary.services.signals.poll_room"), "LOOKS", 60)
    stream = site.stream()
    (poll,) = site.run(waits(site, stream))
    other = replace(site.house, polls=PollRoom())  # it makes the event, and wakes nobody here
    site.run(end_exemption(other, site.local(), site.signed_in()[1].id, "for a test"))
    assert site.run(transmit(other, site.visit())) == 1
    site.register(API, **barred)
    assert not poll.done()
    site.house.polls.wake(stream["stream_id"])

    async def answer() -> httpx.Response:
        return await asyncio.wait_for(poll, 10)

    told = site.run(answer())
    assert (told.status_code, "sets" in told.json()) == (401, False)


def test_a_poll_that_is_woken_for_nothing_waits_on(site: Transmitter, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks once for each time that it is woken, and has its place still."""
    looks, module = list[str](), import_module("ostiary.services.signals.poll")
    stream, find = site.stream(), module.own_stream

    async def seen(tx: Tx, own: Application, id: str) -> Any:
        looks.append(id)
        return await find(tx, own, id)

    monkeypatch.setattr(module, "own_stream", seen)
    monkeypatch.setattr(import_module("ostiary.services.signals.poll_room"), "LOOKS", 60)

    async def woken() -> None:
        (poll,) = await waits(site, stream)
        site.house.polls.wake(stream["stream_id"])
        await asyncio.sleep(0.3)
        assert 1 < len(looks) <= 3, "at the door, in its place, and when it was woken"
        assert (poll.done(), site.house.polls.waiting(stream["stream_id"])) == (False, 1)
        site.house.polls.close()
        await asyncio.wait_for(poll, 10)

    site.run(woken())


def test_r19_no_event_is_made_for_an_application_that_may_not_be_told(site: Transmitter) -> None:
    """R19: of what ends while it is disabled or public nothing waits on its stream when it is back."""
    stream = site.stream()
    ended(site)
    site.poll(stream, ack=list(site.poll(stream)["sets"]))
    for barred in ({"enabled": False}, {"public": True}):
        site.register(API, **barred)
        site.end(site.signed_in()[1])
        site.transmit()
        site.register(API, enabled=True, public=False)
        assert site.poll(stream)["sets"] == {}, barred


def test_a_stop_keeps_no_poll_waiting(site: Transmitter, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that wait are answered when the service stops, and none waits after that; two of a stream may at once."""
    monkeypatch.setattr(import_module("ostiary.services.signals.poll_room"), "LOOKS", 60)
    stream, empty = site.stream(), {"sets": {}, "moreAvailable": False}

    async def more(client: httpx.AsyncClient) -> Any:
        asked = client.post(stream["delivery"]["endpoint_url"], json=WAITING)
        return (await asyncio.wait_for(asked, 5)).json()

    async def stop() -> None:
        held = await waits(site, stream, 2)
        async with at(site) as client:
            assert await more(client) == empty, "a third one, while two wait"
            assert not any(poll.done() for poll in held)
            site.house.polls.close()
            for poll in held:
                assert (await asyncio.wait_for(poll, 5)).json() == empty
            assert await more(client) == empty, "and one while the service stops"
        assert site.house.polls.waiting(stream["stream_id"]) == 0

    site.run(stop())


def test_a_service_that_is_told_to_stop_answers_the_polls_that_wait(site: Transmitter, tmp_path: Path) -> None:
    """The listener itself: the answer comes at once over the connection that is open, and then all is closed."""
    stream = site.stream()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = Config(data=tmp_path, origin=ORIGIN, port=port, local_door=False)

    async def story() -> httpx.Response:
        ready, stop = asyncio.Event(), asyncio.Event()
        running = asyncio.create_task(serve(site.house, config, None, ready=ready.set, stop=stop))
        await asyncio.wait_for(ready.wait(), 60)
        own = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"host": ORIGIN.partition("//")[2]}, auth=(API, SECRETS[API]),
            timeout=60,
        )  # fmt: skip
        async with own as client:
            path = stream["delivery"]["endpoint_url"].removeprefix(ORIGIN)
            (poll,) = await waits(site, stream, ask=lambda: client.post(path, json=WAITING))
            stop.set()
            answer = await asyncio.wait_for(poll, 10)
        await asyncio.wait_for(running, 60)
        return answer

    answer = site.run(story())
    assert (answer.status_code, answer.json()) == (200, {"sets": {}, "moreAvailable": False})


def test_events_are_signed_beside_the_loop(site: Transmitter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred signatures of one answer hold up nobody else's."""
    signed, sign = list[int](), Signing.sign_event

    def seen(self: Signing, payload: bytes) -> str:
        signed.append(threading.get_ident())
        return sign(self, payload)

    monkeypatch.setattr(Signing, "sign_event", seen)
    stream = site.stream()
    ended(site, 2)
    assert len(site.poll(stream)["sets"]) == len(signed) == 2
    assert threading.get_ident() not in signed, "the loop's"


def test_the_room_for_polls_is_bounded_and_answers_are_signed_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many in all, two of a stream; each place is given back. One answer of a stream is signed at a time."""
    monkeypatch.setattr(import_module("ostiary.services.signals.poll_room"), "MOST", 3)
    room, order = PollRoom(), list[str]()
    with room.seat("a") as one, room.seat("a") as two, room.seat("a") as three:
        assert (one is not None, two is not None, three) == (True, True, None)
        with room.seat("b") as four, room.seat("c") as five:
            assert (four is not None, five) == (True, None)
    with room.seat("a") as again:
        assert again is not None

    async def sign(name: str, stream: str) -> None:
        async with room.turn(stream):
            order.append(name)
            await asyncio.sleep(0.01)
            order.append(name)

    async def all_of_them() -> None:
        await asyncio.gather(sign("1", "a"), sign("2", "a"), sign("x", "b"))

    asyncio.run(all_of_them())
    assert [name for name in order if name != "x"] == ["1", "1", "2", "2"]
    assert order.index("x") < order.index("2"), "another stream does not wait for it"
