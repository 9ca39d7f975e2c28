"""
Traces: one sign-in, seen through the real program, a real server and its store, under one id.
"""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ostiary.app.config import Config, ConfigRefused, load
from ostiary.app.sample import found_sample
from ostiary.app.wiring import close_house, open_house, open_parts
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.outcome import Reason
from ostiary.web.front.traced import traced
from tests.attacks.visitor import Visitor
from tests.clock import MovableClock
from tests.collector import Collector, Got, collecting
from tests.journeys.test_cli import Installed, installed
from tests.process import CLI
from tests.server import Server, running

TOKEN = "/oauth2/v2.0/token"


@dataclass
class Story:
    """A refused start, a sign-in by the program, a renewal and a revocation."""

    collector: Collector
    server: Server
    sign_in: str
    refused: str
    """The reference that the refused start was told."""
    secrets: list[str]

    @property
    def spans(self) -> list[Got]:
        """Of the sign-in."""
        return self.collector.of(self.sign_in.replace("-", ""))


def begun(program: Installed) -> tuple["subprocess.Popen[str]", dict[str, str]]:
    """The program shows a code and waits."""
    waiting = subprocess.Popen(
        program.command("login", "--device-code", "--json"), env=program.environ, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert waiting.stdout is not None
    code = next(told for line in waiting.stdout if (told := json.loads(line))["event"] == "code")
    return waiting, code


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Play it, and let the server stop, so that everything has been sent."""
    home = tmp_path_factory.mktemp("traces")
    with collecting() as collector:
        with running(home / "data", traces_endpoint=f"{collector.place}/v1/traces") as server:
            yield_ = play(collector, server, home)
        yield yield_


def play(collector: Collector, server: Server, home: Path) -> Story:
    """The story."""
    alice = server.people["alice"]
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.place, "OTEL_EXPORTER_OTLP_HEADERS": "x-collector=it%20is"}
    program = Installed({**installed(server, home).environ, **told})
    with Visitor(server.origin, server.ca_file) as visitor:
        asked = {"client_id": CLI, "scope": f"{server.origin}/.default offline_access"}
        refused = visitor.http.post("/common/oauth2/v2.0/devicecode", data=asked).json()
        server.open_exemption("alice")
        waiting, code = begun(program)
        visitor.sign_in(alice.username, alice.password, alice.totp())
        visitor.approve(visitor.claim(code["user_code"]))
        out, err = waiting.communicate(timeout=120)
        assert waiting.returncode == 0, err
        tokens = [
            program.run("token", *more).stdout.strip() for more in ((), ("--scope", f"{server.origin}/User.Read"))
        ]
        assert all(tokens), err
        plain = code["user_code"].replace("-", "")
        secrets = [code["user_code"], plain, *tokens, *(end.rpartition(".")[2] for end in tokens), *visitor.given]
        program.run("logout")
    people = [name for human in server.people.values() for name in (human.username, human.password, human.seed)]
    assert json.loads(out.strip().splitlines()[-1])["event"] == "signed_in"
    return Story(collector, server, code["sign_in"], refused["trace_id"], [*secrets, *people])


def named(spans: list[Got], name: str) -> list[Got]:
    """Those of that name."""
    return [span for span in spans if span.name == name]


def test_one_id_follows_a_sign_in_through_program_server_and_store(story: Story) -> None:
    """The trace is the sign-in's own id: from the code to the tokens, the page's steps and every later renewal."""
    services = {span.service for span in story.spans}
    assert services == {"ostiary", "ostiary-server"}
    kinds = {name for span in story.spans for name, _ in span.events}
    wanted = {Kind.STARTED, Kind.CLAIMED, Kind.APPROVED, Kind.REDEEMED, Kind.REFRESHED}
    assert {kind.value for kind in wanted} <= kinds
    assert named(story.spans, "POST /oauth2/v2.0/devicecode")[0].service == "ostiary-server"
    assert named(story.spans, "POST /devicelogin")
    assert len(named(story.spans, "ostiary login")) == 1
    assert any(span.name == "store write" for span in story.spans)
    ids = [span.id for span in story.spans]
    assert len(ids) == len(set(ids))


def test_what_belongs_together_hangs_together(story: Story) -> None:
    """The store's work is inside its request, the request that brought the tokens inside the program's own."""
    by_id = {span.id: span for span in story.spans}
    for span in story.spans:
        if span.name.startswith("store "):
            parent = by_id[span.parent]
            assert parent.service == "ostiary-server"
            assert parent.began <= span.began <= span.ended <= parent.ended
    login = named(story.spans, "ostiary login")[0]
    calls = [span for span in story.spans if span.service == "ostiary" and span is not login]
    assert calls
    assert {span.parent for span in calls} == {login.id}
    redeemed = next(
        span for span in story.spans if any(name == Kind.REDEEMED.value for name, _ in span.events)
    )  # fmt: skip
    assert by_id[by_id[redeemed.parent].parent] in calls


def test_polls_that_wait_are_the_programs_alone(story: Story) -> None:
    """The server makes no span of a poll that changed nothing; each of its own has an entry, or is a page's."""
    for span in story.spans:
        if span.service == "ostiary-server" and span.attributes.get("http.route") == TOKEN:
            assert any(child.parent == span.id and child.events for child in story.spans)


def test_a_refusal_is_a_trace_under_its_reference(story: Story) -> None:
    """What people quote is what operators search for; with the reason in our own words."""
    spans = story.collector.of(story.refused.replace("-", ""))
    root = next(span for span in spans if not span.parent)
    assert (root.attributes["http.response.status_code"], root.failed) == (403, False)
    events = [event for span in spans for event in span.events]
    assert [name for name, _ in events] == [Kind.START_REFUSED.value]
    assert events[0][1]["ostiary.reason"] in {reason.value for reason in Reason}


def test_r17_nothing_secret_and_nobody_is_in_a_span(story: Story) -> None:
    """No code, token, cookie, password or name; attributes have a short list of names."""
    sent = b"".join(story.collector.bodies).decode()
    assert len(story.secrets) > 15
    assert [word for word in story.secrets if word in sent] == []
    names = {name for span in story.collector.spans for name in span.attributes}
    assert names <= {
        "http.request.method", "http.route", "http.response.status_code", "url.path", "error.type",
        "ostiary.reference", "ostiary.grant_type", "db.system.name", "db.operation.name",
    }  # fmt: skip
    assert {name for span in story.collector.spans for _, about in span.events for name in about} <= {"ostiary.reason"}
    assert all("?" not in str(span.attributes.get("url.path")) for span in story.collector.spans)
    assert {headers.get("x-collector") for headers in story.collector.headers} == {"it is", None}


def test_without_a_collector_nothing_is_traced(tmp_path: Path) -> None:
    """Off is off: the store is the store itself, and no request is looked at."""

    async def door(*_: Any) -> None:
        raise AssertionError("not asked")

    async def run(folder: str, endpoint: str) -> tuple[bool, bool]:
        config = Config(data=tmp_path / folder, traces_endpoint=endpoint)
        parts = await open_parts(config, {}, sample=True, clock=MovableClock())
        await found_sample(parts)
        house = await open_house(parts)
        try:
            return house.store is parts.store, traced(door, house) is door
        finally:
            await close_house(house, parts)

    assert asyncio.run(run("off", "")) == (True, True)
    assert asyncio.run(run("on", "http://127.0.0.1:4318/v1/traces")) == (False, False)


def test_a_collector_elsewhere_is_asked_by_https() -> None:
    """By default there is none; what is no whole address, or no share of all, is told at the start."""
    with pytest.raises(ConfigRefused, match="traces_endpoint"):
        load(None, {}, traces_endpoint="http://collector.example:4318/v1/traces")
    with pytest.raises(ConfigRefused, match="traces_endpoint"):
        load(None, {}, traces_endpoint="collector.example")
    with pytest.raises(ConfigRefused, match="traces_ratio"):
        load(None, {}, traces_ratio=1.1)
    assert load(None, {}, traces_endpoint="https://collector.example/v1/traces").traces_ratio == 1
    assert Config().traces_endpoint == ""
