"""
The client's keys before the real doors: a whole sign-in with proofs, a wrong clock, a lost answer, the record, and
`httpx.Auth`.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import httpx
import pytest
from starlette.applications import Starlette

from ostiary.client import DeviceRequest, OstiaryAuth, ServerFault, Session, discover, fresh, keep, sign_in_by_device
from ostiary.client.browser import BrowserWanted, sign_in_by_browser
from ostiary.client.browser import Request as BrowserRequest
from ostiary.client.cache import Cache, SignIn, open_cache
from ostiary.client.device import CodeIssued
from ostiary.client.discovery import Server
from ostiary.client.drive import run, run_async
from ostiary.client.errors import StorageFailed
from ostiary.client.exchange import Answer, Arrived, Call, Event, Exchange, Listen, Listening, Lost
from ostiary.client.graph import request as graph_request
from ostiary.client.machine import Machine
from ostiary.client.profiles import Places
from ostiary.client.proofs import Prover, new_prover, proved, prover_of
from ostiary.client.session import record_of
from ostiary.client.tokens import Granted
from ostiary.core.signins.view import Approved, Claimed
from ostiary.core.words.instants import minutes, seconds, to_seconds
from ostiary.services.signins import decide
from ostiary.services.signins.claim import claim
from ostiary.services.tokens.issue import Issued
from ostiary.web import graph
from ostiary.web.front.csrf import token
from ostiary.web.front.stack import stack
from tests.services.door import Door
from tests.web.oauth.site import CLI, ORIGIN, returned

T = TypeVar("T")
OWN = f"openid profile offline_access {ORIGIN}/User.Read"


class Box:
    """A machine without a browser, its cache, and the real server behind its network."""

    def __init__(self, door: Door, folder: Path, *, clock_is_off: int = 0) -> None:
        """With a wall clock that is *clock_is_off* seconds off."""
        self.door = door
        self.sent: list[httpx.Request] = []
        self.lose = 0
        self.approving: str | None = None

        async def sleep(length: float) -> None:
            door.clock.move(seconds(max(1, int(length))))
            if self.approving:
                await self.approve(self.approving)
                self.approving = None

        self.machine = Machine(
            environ={}, wall=lambda: to_seconds(door.clock.now()) + clock_is_off,
            monotonic=lambda: float(to_seconds(door.clock.now())), sleep_async=sleep,
        )  # fmt: skip
        self.cache: Cache = open_cache("default", "file", Places(folder, folder / "state", None), self.machine)
        self.prover = new_prover(self.machine)

    async def approve(self, code: str) -> None:
        """Alice approves *code*."""
        house = self.door.house
        shown = await claim(house, self.door.at_browser(), code)
        assert isinstance(shown, Claimed)
        assert isinstance(await decide.approve(house, self.door.at_browser(), shown.signin.id), Approved)

    def tell(self, event: Event) -> None:
        """Note the code."""
        if isinstance(event, CodeIssued):
            self.approving = event.user_code

    def http(self, **more: Any) -> httpx.AsyncClient:
        """A client of the server; `lose` answers are lost after they were made."""
        routes = Starlette(routes=graph.routes(self.door.house))
        api = stack(routes, self.door.house)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await (api if scope["path"].startswith("/v1.0") else self.door.app)(scope, receive, send)

        box = self

        class Transport(httpx.ASGITransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                box.sent.append(request)
                response = await super().handle_async_request(request)
                if box.lose and response.status_code == 200 and request.url.path.endswith("/token"):
                    box.lose -= 1
                    raise httpx.ReadError("lost")
                return response

        return httpx.AsyncClient(transport=Transport(app=app, client=("127.0.0.1", 40000)), **more)

    def perform(self, exchange: Exchange[T]) -> T:
        """Have a conversation with the server."""

        async def go() -> T:
            async with self.http() as http:
                return await run_async(exchange, http=http, machine=self.machine, tell=self.tell)

        return self.door.run(go())

    def server(self) -> Server:
        """What discovery says."""
        return self.perform(discover(ORIGIN))

    def sign_in(self) -> tuple[Server, Granted]:
        """A whole sign-in by code."""
        server = self.server()
        return server, self.perform(sign_in_by_device(server, DeviceRequest(CLI, OWN), self.prover))

    def kept(self) -> SignIn:
        """A whole sign-in, in the cache."""
        server, granted = self.sign_in()
        record = record_of(
            granted, server, address=ORIGIN, client_id=CLI, asked=OWN, how="device_code", now=self.machine.wall(),
            prover=self.prover,
        )  # fmt: skip
        self.perform(keep(self.cache, record))
        return record


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A founded house with the block on and an exemption open."""
    made = Door(tmp_path)
    made.open()
    yield made
    made.close()


def cnf(token: str) -> Any:
    """The key that *token* is bound to."""
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))).get("cnf")


@pytest.mark.parametrize("off", [0, -86_400, 3600])
def test_a_sign_in_with_proofs_is_bound_whatever_the_machines_clock_says(door: Door, tmp_path: Path, off: int) -> None:
    """From the request on, with the server's nonces, also on a machine that lives yesterday."""
    box = Box(door, tmp_path, clock_is_off=off)
    server, granted = box.sign_in()
    assert server.proves_keys
    assert granted.bound
    assert cnf(granted.access_token) == {"jkt": box.prover.jkt}
    posts = [one for one in box.sent if one.method == "POST"]
    assert all("dpop" in one.headers for one in posts)
    shown = [json.loads(_middle(one.headers["dpop"])) for one in posts]
    assert len({claims["jti"] for claims in shown}) == len(shown)


def _middle(proof: str) -> bytes:
    middle = proof.split(".")[1]
    return base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))


def test_r14_an_answer_that_was_lost_is_asked_for_again(door: Door, tmp_path: Path) -> None:
    """The redemption went through and its answer did not: the next poll with the same key gets the tokens."""
    box = Box(door, tmp_path)
    box.lose = 1
    _, granted = box.sign_in()
    assert granted.bound
    assert box.lose == 0
    assert len(door.entries("device:signin:repeated")) == 1


def test_the_key_is_kept_with_the_tokens_and_renews_them(door: Door, tmp_path: Path) -> None:
    """Another process reads the record and goes on with the same key; in the file nobody reads it."""
    box = Box(door, tmp_path)
    record = box.kept()
    assert record.key == box.prover.secret()
    for file in (tmp_path / "state").iterdir():
        assert record.key.encode() not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0
    door.clock.move(minutes(9))
    other = Box(door, tmp_path)
    renewed = other.perform(fresh(other.cache, need=300))
    assert renewed.token != record.access[0].token
    assert cnf(renewed.token) == {"jkt": box.prover.jkt}
    held = other.cache.load()
    assert held is not None
    assert held.key == record.key


def test_a_copy_of_the_tokens_without_the_key_renews_nothing(door: Door, tmp_path: Path) -> None:
    """What is stolen from memory, a log or a screen is worth nothing elsewhere."""
    box = Box(door, tmp_path)
    record = box.kept()
    thief = Box(door, tmp_path / "thief")
    thief.cache.save(replace(record, key=None), after=None)
    with pytest.raises(Exception, match="another key"):
        thief.perform(fresh(thief.cache, need=3600))
    assert box.perform(fresh(box.cache, need=590)).token


def test_the_admin_api_gets_a_proof_with_each_request(door: Door, tmp_path: Path) -> None:
    """The first is told the nonce; Bearer would be refused."""
    box = Box(door, tmp_path)
    _, granted = box.sign_in()
    me = f"{ORIGIN}/v1.0/me?$select=userPrincipalName"
    told = box.perform(graph_request("GET", me, None, granted.access_token, box.prover))
    assert told["userPrincipalName"] == "alice@example.com"
    with pytest.raises(Exception, match="another key"):
        box.perform(graph_request("GET", me, None, granted.access_token))


def test_httpx_auth_proves_the_key(door: Door, tmp_path: Path) -> None:
    """`OstiaryAuth` with a bound sign-in: scheme, `ath`, nonce, and the retry for the first one; twice the same key."""
    box = Box(door, tmp_path)
    box.kept()
    auth = OstiaryAuth(Session(box.cache, http_async=box.http), [ORIGIN])

    async def ask() -> list[int]:
        async with box.http(auth=auth) as http:
            return [(await http.get(f"{ORIGIN}/v1.0/me")).status_code for _ in range(3)]

    before = len(box.sent)
    assert door.run(ask()) == [200, 200, 200]
    sent = box.sent[before:]
    assert len(sent) <= 4  # the nonce of the token endpoint is good here too, where it still counts
    assert all(one.headers["authorization"].startswith("DPoP ") for one in sent)


def test_a_server_that_forgets_the_key_is_not_believed(door: Door, tmp_path: Path) -> None:
    """Once bound, always bound: an answer with Bearer tokens at a refresh is refused."""
    box = Box(door, tmp_path)
    record = box.kept()
    plain = open_plain(door)
    held = replace(record, refresh_token=plain)
    box.cache.save(held, after=record)
    with pytest.raises(ServerFault, match="kind"):
        box.perform(fresh(box.cache, need=3600))


def open_plain(door: Door) -> str:
    """The refresh token of a sign-in without a key."""
    begun = door.started(scope=OWN)
    shown = door.claimed(begun.user_code)
    door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))
    issued = door.poll(begun.device_code)
    assert isinstance(issued, Issued)
    assert issued.refresh_token
    return issued.refresh_token


def test_a_browser_sign_in_names_its_key(door: Door, tmp_path: Path) -> None:
    """`dpop_jkt` in the address (RFC 9449 §10), and the proof at the redemption."""
    box = Box(door, tmp_path)
    door.sign_in()
    exchange = sign_in_by_browser(box.server(), BrowserRequest(CLI, OWN), box.machine.random, box.prover)
    step: Any = next(exchange)
    seen: list[str] = []

    async def go() -> Granted:
        nonlocal step
        async with box.http() as http:
            while True:
                try:
                    step = exchange.send(await answered(step, http))
                except StopIteration as end:
                    return end.value

    async def answered(step: Any, http: httpx.AsyncClient) -> Any:
        if isinstance(step, Listen):
            return Listening(0.0, "http://127.0.0.1:53211/callback")
        if isinstance(step, Call):
            reply = await http.request(step.method, step.url, data=dict(step.form or {}), headers=dict(step.headers))
            return Answer(0.0, reply.status_code, reply.content, dict(reply.headers))
        if isinstance(getattr(step, "event", None), BrowserWanted):
            seen.append(step.event.address)
            return Lost(0.0, "")
        cookie = {"cookie": f"__Host-session={door.cookie}"}
        asked = await http.get(seen[0], headers=cookie)  # the page that asks the person whether to go on
        form = dict(parse_qsl(asked.headers["location"].partition("?")[2]))
        form |= {"form_token": token(door.house, door.cookie), "ostiary_answer": "yes"}
        address = seen[0].partition("?")[0]
        return Arrived(0.0, returned(await http.post(address, data=form, headers={**cookie, "origin": ORIGIN})))

    granted = door.run(go())
    assert f"dpop_jkt={box.prover.jkt}" in seen[0]
    assert granted.bound
    assert cnf(granted.access_token) == {"jkt": box.prover.jkt}


def test_a_proof_shows_the_public_key_alone(tmp_path: Path) -> None:
    """And the key survives a turn through the record; a damaged one is refused."""
    machine = Machine(environ={})
    prover = new_prover(machine)
    header = json.loads(base64.urlsafe_b64decode(prover.header("GET", ORIGIN).split(".")[0] + "=="))
    assert set(header["jwk"]) == {"kty", "crv", "x", "y"}
    assert prover_of(prover.secret(), machine).jkt == prover.jkt
    assert prover.secret() not in repr(prover)
    for damaged in ("", "x", prover.secret()[1:], "_" * 43, "A" * 43):
        with pytest.raises(StorageFailed):
            prover_of(damaged, machine)


def test_one_more_try_and_no_third(tmp_path: Path) -> None:
    """A server that is never content is not asked for ever; odd nonces are not taken."""
    prover: Prover = new_prover(Machine(environ={}))
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        body = httpx.ByteStream(b'{"error": "use_dpop_nonce"}')
        return httpx.Response(400, stream=body, headers={"dpop-nonce": f"n{len(asked)}"})

    with httpx.Client(transport=httpx.MockTransport(server)) as http:
        run(proved(prover, Call("POST", f"{ORIGIN}/token", form={})), http=http, machine=Machine(environ={}))
    assert len(asked) == 2
    assert json.loads(_middle(asked[1].headers["dpop"]))["nonce"] == "n1"
    for odd in ("", "x" * 513, "é", "a\x7f"):
        assert not prover.learn(ORIGIN, odd, None)
    assert not prover.learn(ORIGIN, None, "yesterday")


def test_a_clock_that_is_wrong_goes_by_the_servers(tmp_path: Path) -> None:
    """For servers that look at `iat`: half a minute off counts as wrong, and is news once."""
    prover = new_prover(Machine(environ={}, wall=lambda: 1_795_420_800.0))  # 2026-11-23T08:00:00Z
    assert not prover.learn(ORIGIN, None, "Mon, 23 Nov 2026 08:00:20 GMT")
    assert prover.learn(ORIGIN, None, "Mon, 23 Nov 2026 09:00:00 GMT")
    assert not prover.learn(ORIGIN, None, "Mon, 23 Nov 2026 09:00:01 GMT")
    assert json.loads(_middle(prover.header("GET", ORIGIN)))["iat"] == 1_795_420_800 + 3600
