"""Sinks against real receivers: syslog over TLS (RFC 5425) and a webhook, with an authority of their own."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.sinks import ALERT_AFTER
from ostiary.core.words.destinations import Place, read_destinations
from ostiary.core.words.instants import days, hours, minutes
from ostiary.outside import Outside, local_ca
from ostiary.outside.clock import SystemClock
from ostiary.outside.local_ca import LocalCertificates
from ostiary.outside.outgoing import Outgoing
from ostiary.outside.tls import server_context
from ostiary.services.house import House
from ostiary.services.logs import deliver
from ostiary.services.logs.checkpoints import seal
from ostiary.services.logs.deliver import send_to_sinks
from ostiary.services.logs.prune import prune
from ostiary.services.logs.stories import catch_up
from ostiary.store import Tx, sinks
from tests.clock import MovableClock
from tests.core.logs.test_sinks import frames
from tests.outside.test_outgoing import Names
from tests.records.house import alice, bob, journal, visit
from tests.records.test_pruning import leave
from tests.services.noticing import HOST, Receiver, genuine, receiving
from tests.web.graph.api import Api, play

BASE = "/v1.0/ostiary/logSinks"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> LocalCertificates:
    """An authority that the operator believes, and a certificate for HOST."""
    folder = tmp_path_factory.mktemp("ca") / "tls"
    return local_ca.ensure(folder, (HOST, "127.0.0.1"), now=SystemClock().now(), environ={})


@dataclass
class Syslog:
    """A receiver of RFC 5425: what came, each connection to its end."""

    came: list[bytes] = field(default_factory=list)

    @property
    def messages(self) -> list[str]:
        """In the order in which they came."""
        return [message for data in self.came for message in frames(data)]

    def actions(self) -> list[str]:
        """What they say."""
        return [json.loads(message.partition("] ")[2].lstrip("\ufeff"))["action"] for message in self.messages]


@asynccontextmanager
async def listening(syslog: Syslog, tls: LocalCertificates) -> AsyncIterator[int]:
    """*syslog* behind a port of loopback."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            data = await reader.read()
            syslog.came += [data] if data else []
        except OSError:
            pass
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=server_context(tls.certificate, tls.key))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@dataclass
class Sinking:
    """A house that may ask HOST, its doors, and both receivers."""

    api: Api
    house: House
    clock: MovableClock
    syslog: Syslog
    hook: Receiver
    ports: tuple[int, int]

    async def add(self, kind: str, form: str = "json", path: str = "/in", port: int = 0) -> dict[str, Any]:
        """A sink, through the door."""
        address = f"{HOST}:{port or self.ports[0]}" if kind == "syslog" else f"https://{HOST}:{self.ports[1]}{path}"
        body = {"displayName": kind, "kind": kind, "format": form, "address": address, "reason": "for a test"}
        self.api.caller = alice(self.clock.now())
        made: dict[str, Any] = await self.api.ask("POST", BASE, body, status=201)
        assert "address" not in made
        return made

    async def settle(self) -> None:
        """Let the job run until nothing is due."""
        while await send_to_sinks(self.house, visit(self.house)):
            await self.house.outside.background.idle()

    async def one(self) -> dict[str, Any]:
        """The only sink, as the list shows it."""
        (shown,) = (await self.api.ask("GET", BASE))["value"]
        return dict(shown)


Story = Callable[[Sinking], Awaitable[None]]


def sinking(folder: Path, tls: LocalCertificates, story: Story) -> None:
    """Run *story*."""

    async def main(api: Api, clock: MovableClock) -> None:
        syslog, hook = Syslog(), Receiver()
        async with listening(syslog, tls) as first, receiving(hook, tls) as second:
            outgoing = Outgoing(read_destinations([HOST]), authorities=tls.ca, resolve=Names(("127.0.0.1",)))
            house = replace(api.house, outside=Outside(api.house.outside.passwords, outgoing=outgoing))
            doors = Api(house)
            async with doors.client:
                try:
                    await story(Sinking(doors, house, clock, syslog, hook, (first, second)))
                finally:
                    await house.outside.background.close()

    play(folder, main)


async def happen(house: House, count: int) -> None:
    """So many entries."""
    await leave(house, *(Entry(Kind.GROUP_CHANGED, target=f"group:{n}", detail={"n": n}) for n in range(count)))


def test_r24_every_entry_arrives_in_order_over_tls(tmp_path: Path, tls: LocalCertificates) -> None:
    """From the sink's own entry on, in batches, each once; the list shows that nothing is behind."""

    async def story(s: Sinking) -> None:
        await happen(s.house, 3)
        await s.add("syslog")
        await happen(s.house, 250)
        await s.settle()
        assert s.syslog.actions() == [Kind.SINK_ADDED] + [Kind.GROUP_CHANGED] * 250
        numbers = [json.loads(message.partition("] ")[2])["detail"].get("n") for message in s.syslog.messages]
        assert numbers[1:] == list(range(250))
        assert len(s.syslog.came) == 3
        shown = await s.one()
        assert (shown["behind"], shown["failures"], shown["host"]) == (0, 0, f"{HOST}:{s.ports[0]}")

    sinking(tmp_path, tls, story)


def test_a_webhook_gets_signed_batches_of_ocsf(tmp_path: Path, tls: LocalCertificates) -> None:
    """Its receiver verifies as that of notices does; what failed comes again under the same id."""

    async def story(s: Sinking) -> None:
        made = await s.add("webhook", "ocsf")
        s.hook.fails["/in"] = 500
        await s.settle()
        assert (await s.one())["trouble"] == "status 500"
        s.hook.fails.clear()
        s.clock.move(minutes(1))
        await s.settle()
        ids = s.hook.ids("/in")
        assert len(ids) == 2
        assert ids[0] == ids[1]
        for _, headers, body in s.hook.came:
            assert genuine(made["secret"], headers, body)
        (event,) = json.loads(s.hook.came[-1][2])["data"]["entries"]
        assert (event["class_uid"], event["metadata"]["event_code"]) == (3004, Kind.SINK_ADDED)
        assert (await s.one())["trouble"] is None

    sinking(tmp_path, tls, story)


def test_a_kill_after_sending_sends_again_and_leaves_nothing_out(
    tmp_path: Path, tls: LocalCertificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once: the cursor moves after the batch arrived, so what is lost between is a repetition."""

    async def story(s: Sinking) -> None:
        await s.add("syslog")
        await happen(s.house, 5)
        real = sinks.move

        async def killed(tx: Tx, id: str, **more: int) -> bool:
            raise OSError("killed")

        monkeypatch.setattr(sinks, "move", killed)
        assert await send_to_sinks(s.house, visit(s.house)) == 1
        await s.house.outside.background.idle()
        monkeypatch.setattr(sinks, "move", real)
        await s.settle()
        assert s.syslog.actions() == ([Kind.SINK_ADDED] + [Kind.GROUP_CHANGED] * 5) * 2

    sinking(tmp_path, tls, story)


def test_one_that_hangs_delays_nobody(tmp_path: Path, tls: LocalCertificates) -> None:
    """The job returns at once, the other sink gets everything, and retention waits for the one that does not."""

    async def story(s: Sinking) -> None:
        over = asyncio.Event()

        async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await over.wait()
            writer.close()

        silent = await asyncio.start_server(hang, "127.0.0.1", 0)  # takes the connection, and says nothing
        await s.add("syslog", port=silent.sockets[0].getsockname()[1])
        await s.add("webhook")
        await happen(s.house, 5)
        assert await send_to_sinks(s.house, visit(s.house)) == 2
        for _ in range(500):
            if s.hook.came and len(s.house.outside.background) == 1:
                break
            await asyncio.sleep(0.01)
        assert len(s.house.outside.background) == 1
        assert len(json.loads(s.hook.came[0][2])["data"]["entries"]) == 6
        assert await send_to_sinks(s.house, visit(s.house)) == 0
        await catch_up(s.house, visit(s.house))
        await seal(s.house, visit(s.house))
        s.clock.move(days(41))
        keeping = replace(s.house, settings=replace(s.house.settings, journal_kept=days(40)))
        assert await prune(keeping, visit(s.house)) == 0
        over.set()
        silent.close()

    sinking(tmp_path, tls, story)


def test_what_does_not_work_is_told_once_and_tested_at_once(tmp_path: Path, tls: LocalCertificates) -> None:
    """An authority that nobody knows, nobody there, an alert after a while; `test` does not wait for the pause."""

    async def story(s: Sinking) -> None:
        made = await s.add("syslog", port=1)
        for _ in range(ALERT_AFTER + 2):
            await s.settle()
            s.clock.move(hours(1))
        shown = await s.one()
        assert (shown["trouble"], shown["failures"]) == ("unreachable", ALERT_AFTER + 2)
        alerts = [detail["about"] for kind, detail in await journal(s.house) if kind == Kind.ALERT]
        assert alerts == ["log_sink", deliver.FAILED]
        await s.settle()
        s.api.caller = alice(s.clock.now())
        await s.api.ask("POST", f"{BASE}/{made['id']}/test", {}, status=204)
        assert await send_to_sinks(s.house, visit(s.house)) == 1
        await s.house.outside.background.idle()
        strange = Outgoing(read_destinations([HOST]), resolve=Names(("127.0.0.1",)))
        failed = await strange.deliver(Place("https", HOST, s.ports[0]), b"x")
        assert failed is not None
        assert failed.trouble.value == "unreachable"
        assert s.syslog.came == []

    sinking(tmp_path, tls, story)


def test_only_administrators_say_where_the_journal_goes(tmp_path: Path, tls: LocalCertificates) -> None:
    """Not without a reason, not to an address inside, not to more than eight; removed, it holds nothing back."""

    async def story(s: Sinking) -> None:
        made = await s.add("syslog")
        wanted = {"displayName": "x", "kind": "syslog", "address": "10.0.0.7", "reason": "for a test"}
        await s.api.ask("POST", BASE, wanted, status=400)
        await s.api.ask("POST", BASE, {**wanted, "address": HOST, "reason": ""}, status=400)
        await s.api.ask("POST", BASE, {**wanted, "kind": "webhook", "format": "cef", "address": HOST}, status=400)
        s.api.caller = bob(s.clock.now())
        await s.api.ask("POST", BASE, {**wanted, "address": HOST}, status=403)
        s.api.caller = alice(s.clock.now())
        for _ in range(7):
            await s.add("syslog")
        await s.api.ask("POST", BASE, {**wanted, "address": HOST}, status=409)
        await s.api.ask("DELETE", f"{BASE}/{made['id']}?reason=its%20lease%20ended", status=204)
        await s.api.ask("DELETE", f"{BASE}/{made['id']}", status=404)
        told = await journal(s.house)
        assert [detail["reason"] for kind, detail in told if kind == Kind.SINK_REMOVED] == ["its lease ended"]
        texts = [str(detail["text"]) for kind, detail in told if kind == Kind.ALERT and detail["about"] == "log_sink"]
        assert [HOST in text for text in texts] == [True] * 9  # eight added, one removed
        assert "not sent to" in texts[-1]
        assert await s.house.store.read(lambda tx: sinks.find(tx, made["id"])) is None

    sinking(tmp_path, tls, story)
