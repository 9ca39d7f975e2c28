"""Notices of webhooks: who is told what, once, signed, tried again, and never instead of a decision."""

import asyncio
import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from email import message_from_bytes
from functools import partial
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from ostiary.core.directory.people import Role
from ostiary.core.graph.query import Query
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.notices.channel import MOST_OF_ONE, MOST_WAITING, Alarm
from ostiary.core.words.destinations import read_destinations
from ostiary.core.words.ids import ExemptionId
from ostiary.core.words.instants import Instant, hours, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.outside import local_ca
from ostiary.outside.apprise import Apprise
from ostiary.outside.background import Background
from ostiary.outside.clock import SystemClock
from ostiary.outside.local_ca import LocalCertificates
from ostiary.outside.outgoing import Outgoing
from ostiary.outside.vault import MasterKey
from ostiary.services.access.kill_switch import turn_on
from ostiary.services.exemptions.decide import withdraw_request
from ostiary.services.exemptions.end import announce_ends, announce_lapses, end_exemption
from ostiary.services.exemptions.use import begin
from ostiary.services.logs.record import record
from ostiary.services.notices.channels import add_channel, list_channels, remove_channel
from ostiary.services.notices.channels import test_channel as send_test
from ostiary.services.notices.moments import announce_moments
from ostiary.services.notices.read import read_journal
from ostiary.services.notices.send import send_notices
from ostiary.services.tokens.rewrap import rewrap
from ostiary.store import Tx, exemptions, notices
from ostiary.store.notices import Message
from tests.outside.test_apprise import Mailbox, on_loopback
from tests.records.house import BOB, alice, journal, visit
from tests.server import PATIENCE
from tests.services.noticing import DANA, ERIC, HOST, Noticing, genuine, noticing

Story = Callable[[Noticing], Awaitable[None]]
HANGS = 0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalCertificates:
    """An authority that the operator believes, and a certificate for the receivers."""
    return local_ca.ensure(tmp_path_factory.mktemp("ca") / "tls", (HOST,), now=SystemClock().now(), environ={})


@pytest.fixture
def play(tmp_path: Path, authority: LocalCertificates) -> Callable[[Story], None]:
    """Run a story in a fresh house."""

    def run(story: Story) -> None:
        async def whole() -> None:
            async with noticing(tmp_path, authority) as here:
                await story(here)

        asyncio.run(whole())

    return run


async def begun(here: Noticing, id: ExemptionId) -> None:
    """The first sign-in starts the clock of the exemption *id*."""
    by = visit(here.house)

    async def body(tx: Tx) -> None:
        found = await exemptions.find(tx, id)
        assert found is not None
        await begin(tx, by, found, story="s")

    await here.house.store.write(body)


async def tick(here: Noticing) -> None:
    """What time does, and what is told of it."""
    await announce_moments(here.house, visit(here.house))
    await announce_ends(here.house, visit(here.house))
    await announce_lapses(here.house, visit(here.house))
    await here.settle()


async def until(count: Callable[[], int], wanted: int, here: Noticing) -> None:
    """Send until *wanted* messages came; the dead one is given up after five seconds, so nobody waited for it."""
    async with asyncio.timeout(4):
        for _ in range(400):
            if count() == wanted:
                return
            await send_notices(here.house, visit(here.house))
            await asyncio.sleep(0.01)


def test_a_request_is_told_to_its_approvers_and_its_end_to_its_person(play: Callable[[Story], None]) -> None:
    """Approvers hear that somebody asks, the person hears what became of it, and nobody hears both."""

    async def story(here: Noticing) -> None:
        for path, user in (("/dana", DANA), ("/eric", ERIC), ("/bob", BOB)):
            await here.channel(path, user)
        await here.channel("/all")
        id = await here.ask()
        await here.settle()
        await here.decide(id)
        await here.settle()
        await begun(here, id)
        await here.settle()
        came = here.receiver
        assert came.told("/dana") == came.told("/eric") == ["request.made"]
        assert came.told("/bob") == ["request.approved", "exemption.begun"]
        assert came.told("/all") == ["request.made", "request.approved", "exemption.begun"]
        made = json.loads(came.came[0][2])
        assert made["data"]["link"] == f"https://localhost:8443/approvals/{id}"
        assert "INC-4412" not in json.dumps(made), "what people typed is not sent around"
        assert "bob@example.com asks for an exemption of 1 h" in made["data"]["text"]

    play(story)


def test_each_message_is_signed_with_the_secret_of_its_channel(play: Callable[[Story], None]) -> None:
    """A receiver that follows the page accepts each, and no other channel's secret fits."""

    async def story(here: Noticing) -> None:
        await here.channel("/a")
        await here.channel("/b")
        await here.ask()
        await here.settle()
        assert {path for path, _, _ in here.receiver.came} == {"/a", "/b"}
        for path, headers, body in here.receiver.came:
            assert genuine(here.secrets[path], headers, body)
            assert not genuine(here.secrets["/b" if path == "/a" else "/a"], headers, body)
            assert not genuine(here.secrets[path], headers, body + b" ")

    play(story)


def test_an_entry_that_nobody_can_read_silences_no_other(play: Callable[[Story], None]) -> None:
    """A broken one is told in our own log, and the notices of all others go on."""

    async def story(here: Noticing) -> None:
        await here.channel("/all")
        broken = Entry(Kind.EXEMPTION_OPENED, target="exemption:x", detail={"length": "long", "ends": []})
        await here.house.store.write(lambda tx: record(tx, visit(here.house), broken))
        id = await here.ask()
        await here.settle()
        assert here.receiver.told("/all") == ["request.made"], id

    play(story)


def test_a_denial_a_withdrawal_and_a_lapse_reach_the_person(play: Callable[[Story], None]) -> None:
    """Whatever becomes of a request, whoever asked hears it, with the reason of who said no."""

    async def story(here: Noticing) -> None:
        await here.channel("/bob", BOB)
        await here.decide(await here.ask(), approve=False, reason="not from that network")
        id = await here.ask()
        await withdraw_request(here.house, visit(here.house, here.by(BOB)), id)
        await here.ask()
        await here.settle()
        here.clock.move(hours(24))
        await tick(here)
        assert here.receiver.told("/bob") == ["request.denied", "request.withdrawn", "request.lapsed"]
        assert "The reason: not from that network" in here.receiver.came[0][2].decode()

    play(story)


def test_an_end_is_told_with_who_and_why(play: Callable[[Story], None]) -> None:
    """An exemption that somebody ends, or the kill switch, is told to its person."""

    async def story(here: Noticing) -> None:
        await here.channel("/bob", BOB)
        for by_switch in (False, True):
            id = await here.ask()
            await here.decide(id)
            await begun(here, id)
            by = visit(here.house, alice(here.clock.now()))
            here.clock.move(seconds(1))
            if by_switch:
                await turn_on(here.house, replace(by, now=here.clock.now()), "an incident")
            else:
                await end_exemption(here.house, by, id, "seen enough")
            here.clock.move(seconds(1))
        await here.settle()
        told = here.receiver.told("/bob")
        assert told[2] == "exemption.ended"
        assert told[-1] == "exemption.all_ended"
        text = json.loads(here.receiver.came[2][2])["data"]["text"]
        assert text == "It was ended by alice@example.com. The reason: seen enough"

    play(story)


def test_the_warning_comes_ten_minutes_before_the_end_once(play: Callable[[Story], None]) -> None:
    """Not before, not twice, not after an end; and again when it was extended and that end comes near."""

    async def story(here: Noticing) -> None:
        await here.channel("/bob", BOB)
        id = await here.ask()
        await here.decide(id)
        await begun(here, id)
        here.clock.move(minutes(49))
        await tick(here)
        assert "exemption.ends_soon" not in here.receiver.told("/bob")
        here.clock.move(minutes(2))
        await tick(here)
        await tick(here)
        assert here.receiver.told("/bob").count("exemption.ends_soon") == 1
        longer = await here.ask(extends=id)
        await here.decide(longer)
        await tick(here)
        here.clock.move(minutes(60))
        await tick(here)
        assert here.receiver.told("/bob").count("exemption.ends_soon") == 2
        here.clock.move(minutes(20))
        await tick(here)
        assert here.receiver.told("/bob")[-1] == "exemption.ran_out"

    play(story)


def test_a_warning_that_comes_too_late_is_dropped(play: Callable[[Story], None]) -> None:
    """The receiver was down while the exemption was ended: then nobody is told that it ends soon."""

    async def story(here: Noticing) -> None:
        await here.channel("/bob", BOB)
        id = await here.ask()
        await here.decide(id)
        await begun(here, id)
        await here.settle()
        here.receiver.fails["/bob"] = 503
        here.clock.move(minutes(51))
        await tick(here)
        await end_exemption(here.house, visit(here.house, here.by(BOB)), id)
        here.receiver.fails.clear()
        before = len(here.receiver.came)
        here.clock.move(minutes(3))
        await tick(here)
        assert [json.loads(body)["type"] for _, _, body in here.receiver.came[before:]] == ["ostiary.exemption.ended"]

    play(story)


def test_approvers_are_reminded_and_the_next_in_the_chain_is_asked(play: Callable[[Story], None]) -> None:
    """After half an hour once more those who may decide; after the rules' time the next; near the end all."""

    async def story(here: Noticing) -> None:
        stage = {
            "primaryApprovers": [{"userId": DANA}], "isEscalationEnabled": True, "escalationTimeInMinutes": 60,
            "escalationApprovers": [{"userId": ERIC}],
        }  # fmt: skip
        await here.rules("Approval_EndUser_Assignment", {"setting": {"approvalStages": [stage]}})
        for path, user in (("/dana", DANA), ("/eric", ERIC), ("/bob", BOB)):
            await here.channel(path, user)
        await here.ask()
        for _ in range(14):
            here.clock.move(minutes(5))
            await tick(here)
        assert here.receiver.told("/dana") == ["request.made", "request.reminder"]
        assert here.receiver.told("/eric") == ["request.escalated"]
        here.clock.move(hours(22))
        await tick(here)
        assert here.receiver.told("/dana")[2:] == here.receiver.told("/eric")[1:] == ["request.lapses_soon"]
        assert here.receiver.told("/bob") == ["request.lapses_soon"]

    play(story)


def test_a_decided_request_drops_its_reminders(play: Callable[[Story], None]) -> None:
    """What waits for a receiver that is down is not sent once the request was decided."""

    async def story(here: Noticing) -> None:
        await here.channel("/dana", DANA)
        here.receiver.fails["/dana"] = 500
        id = await here.ask()
        await here.settle()
        await here.decide(id, ERIC)
        here.receiver.fails.clear()
        here.clock.move(hours(1))
        await tick(here)
        assert here.receiver.told("/dana") == ["request.made"], "the try that failed is the only one"

    play(story)


def test_the_next_stage_is_asked_when_its_turn_comes(play: Callable[[Story], None]) -> None:
    """In a series the second stage hears of it after the first said yes, and the first not again."""

    async def story(here: Noticing) -> None:
        stages = [{"primaryApprovers": [{"userId": each}]} for each in (DANA, ERIC)]
        changes = {"setting": {"approvalMode": "Serial", "approvalStages": stages}}
        await here.rules("Approval_EndUser_Assignment", changes)
        for path, user in (("/dana", DANA), ("/eric", ERIC), ("/bob", BOB)):
            await here.channel(path, user)
        id = await here.ask()
        await here.settle()
        assert (here.receiver.told("/dana"), here.receiver.told("/eric")) == (["request.made"], [])
        await here.decide(id, DANA)
        await here.settle()
        assert here.receiver.told("/dana") == ["request.made"]
        assert here.receiver.told("/eric") == here.receiver.told("/bob") == ["request.partly_approved"]
        await here.decide(id, ERIC)
        await here.settle()
        assert here.receiver.told("/bob")[-1] == "request.approved"

    play(story)


def test_break_glass_is_told_at_once_and_its_review_until_it_is_written(play: Callable[[Story], None]) -> None:
    """Administrators and approvers hear of it, and of the review that it owes once a day."""

    async def story(here: Noticing) -> None:
        setting = {"ostiary": {"breakGlass": {"allowed": [{"userId": BOB}]}}}
        await here.rules("Approval_EndUser_Assignment", setting)
        here.clock.move(seconds(1))  # the alert about weaker rules is older than the channels
        await here.channel("/dana", DANA)
        await here.channel("/alerts", about=["alerts"])
        await here.channel("/bob", BOB)
        await here.ask(break_glass=True)
        await here.settle()
        assert here.receiver.told("/dana") == ["break_glass.opened"]
        (own,) = [json.loads(body)["data"]["text"] for at, _, body in here.receiver.came if at == "/bob"]
        assert own.startswith("The request was approved by the rules for 1 h. It ends at 09:00 UTC")
        here.clock.move(minutes(61))
        await tick(here)
        here.clock.move(hours(24))
        await tick(here)
        await tick(here)
        owed = ["break_glass.opened", "break_glass.review_owed", "break_glass.review_owed"]
        assert here.receiver.told("/dana") == here.receiver.told("/alerts") == owed

    play(story)


def test_a_receiver_that_recovers_gets_every_message_once_with_its_id(play: Callable[[Story], None]) -> None:
    """It fails for a while: the pause grows, each try has the same id and a new signature, and nothing is lost."""

    async def story(here: Noticing) -> None:
        await here.channel("/a")
        here.receiver.fails["/a"] = 503
        await here.ask()
        await here.settle()
        tries = [1]
        for pause in (5, 30, 120, 600):
            here.clock.move(seconds(pause - 1))
            await here.settle()
            here.clock.move(seconds(1))
            await here.settle()
            tries.append(len(here.receiver.came))
        assert tries == [1, 2, 3, 4, 5]
        here.receiver.fails.clear()
        here.clock.move(hours(1))
        await here.settle()
        await here.settle()
        assert len(here.receiver.came) == 6
        assert len(set(here.receiver.ids("/a"))) == 1
        assert len({headers["webhook-signature"] for _, headers, _ in here.receiver.came}) == 6
        assert all(genuine(here.secrets["/a"], headers, body) for _, headers, body in here.receiver.came)
        shown = await list_channels(here.house, visit(here.house, alice(here.clock.now())), Query(), own=False)
        assert not isinstance(shown, Refused)
        assert (shown.items[0].channel.failures, shown.items[0].channel.sent) == (0, here.clock.now())

    play(story)


def test_a_dead_channel_delays_no_other(play: Callable[[Story], None]) -> None:
    """While one receiver hangs, the other gets what comes, one message after the other."""

    async def story(here: Noticing) -> None:
        await here.channel("/dead")
        await here.channel("/live")
        here.receiver.fails["/dead"] = HANGS
        for turn in (1, 2, 3):
            id = await here.ask()
            await read_journal(here.house, visit(here.house))
            await send_notices(here.house, visit(here.house))
            await until(lambda: len(here.receiver.told("/live")), 2 * turn - 1, here)
            await withdraw_request(here.house, visit(here.house, here.by(BOB)), id)
            await read_journal(here.house, visit(here.house))
            await until(lambda: len(here.receiver.told("/live")), 2 * turn, here)
        assert here.receiver.told("/live") == ["request.made", "request.withdrawn"] * 3
        assert here.receiver.told("/dead") == ["request.made"]

    play(story)


def test_after_a_day_it_is_given_up_with_one_alert_to_others(play: Callable[[Story], None]) -> None:
    """Administrators hear that a channel does not work: once, and never through that channel, so nothing goes round."""

    async def story(here: Noticing) -> None:
        await here.channel("/dead", about=["requests", "alerts"])
        await here.channel("/alerts", about=["alerts"])
        here.receiver.fails["/dead"] = 410
        for _ in range(2):
            id = await here.ask()
            await here.settle()
            await withdraw_request(here.house, visit(here.house, here.by(BOB)), id)
            await here.settle()
        for _ in range(30):
            here.clock.move(hours(1))
            await here.settle()
        about = [detail["about"] for kind, detail in await journal(here.house) if kind == Kind.ALERT]
        assert about == ["notices_failed"]
        assert here.receiver.told("/alerts") == ["alert"]
        assert "alert" not in here.receiver.told("/dead")
        before = len(here.receiver.came)
        here.clock.move(hours(30))
        await here.settle()
        assert len(here.receiver.came) == before, "what was given up is gone"

    play(story)


def test_two_nodes_and_a_restart_send_each_message_once(play: Callable[[Story], None]) -> None:
    """Readers and senders that run at once, on one store, write and send every message of an entry once."""

    async def story(here: Noticing) -> None:
        for path in ("/a", "/b", "/c"):
            await here.channel(path)
        other = replace(here.house, outside=replace(here.house.outside, background=Background()))
        nodes = (here.house, other)
        for _ in range(5):
            id = await here.ask()
            await withdraw_request(here.house, visit(here.house, here.by(BOB)), id)
        await asyncio.gather(*(read_journal(node, visit(node)) for node in nodes for _ in range(3)))
        for _ in range(3):
            await asyncio.gather(*(send_notices(node, visit(node)) for node in nodes))
            await asyncio.gather(*(node.outside.background.idle() for node in nodes))
        for path in ("/a", "/b", "/c"):
            assert here.receiver.told(path) == ["request.withdrawn"] * 5
            assert len(set(here.receiver.ids(path))) == 5

    play(story)


def test_who_is_killed_while_sending_sends_it_again_with_the_same_id(
    play: Callable[[Story], None], tmp_path: Path, authority: LocalCertificates
) -> None:
    """`kill -9` between the request and our mark: two minutes later another node sends it again, with its id."""

    async def story(here: Noticing) -> None:
        await here.channel("/a")
        here.receiver.fails["/a"] = HANGS
        await here.ask()
        await read_journal(here.house, visit(here.house))
        master = here.house.vault._current.secret.hex()
        node = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.services.notice_sender", str(tmp_path), master, str(authority.ca)
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE):
            while not here.receiver.came and node.returncode is None:  # noqa: ASYNC110 - another process is awaited
                await asyncio.sleep(0.02)
        node.kill()
        assert await node.wait() == -SIGKILL
        here.receiver.fails.clear()
        await here.settle()
        assert len(here.receiver.came) == 1, "it may still be under way elsewhere"
        here.clock.move(minutes(2))
        await here.settle()
        assert len(here.receiver.came) == 2
        assert len(set(here.receiver.ids("/a"))) == 1

    play(story)


def test_the_line_of_a_channel_is_bounded(play: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes while a thousand wait is not kept, and one alert says so."""
    monkeypatch.setattr("ostiary.services.notices.read.MOST_WAITING", 3)
    assert MOST_WAITING == 1000

    async def story(here: Noticing) -> None:
        await here.channel("/a")
        for _ in range(6):
            id = await here.ask()
            await withdraw_request(here.house, visit(here.house, here.by(BOB)), id)
        await read_journal(here.house, visit(here.house))
        await here.settle()
        assert here.receiver.told("/a") == ["request.withdrawn"] * 3
        assert [d["about"] for kind, d in await journal(here.house) if kind == Kind.ALERT] == ["notices_dropped"]

    play(story)


def test_an_entry_that_concerns_many_does_not_hold_up_the_others(
    play: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many messages the next entry waits for the next transaction, and each is told once all the same."""
    monkeypatch.setattr("ostiary.services.notices.read.ENOUGH", 2)

    async def story(here: Noticing) -> None:
        for path in ("/a", "/b", "/c"):
            await here.channel(path)
        for n in range(5):
            entry = Entry(Kind.ALERT, detail={"about": f"a{n}", "text": ""})
            await here.house.store.write(partial(record, visit=visit(here.house), entry=entry))
        writes, write = 0, here.house.store.write

        async def counted(body: Callable[[Tx], Coroutine[Any, Any, Any]]) -> Any:
            nonlocal writes
            writes += 1
            return await write(body)

        monkeypatch.setattr(here.house.store, "write", counted)
        assert await read_journal(here.house, visit(here.house)) == 15
        assert await read_journal(here.house, visit(here.house)) == 0
        assert writes >= 5
        await here.settle()
        titles = [json.loads(body)["data"]["title"] for at, _, body in here.receiver.came if at == "/c"]
        assert titles == [f"Alert: a{n}" for n in range(5)]

    play(story)


def test_tests_of_channels_are_counted(play: Callable[[Story], None]) -> None:
    """Whoever may have a channel does not have the service ask somebody all day."""

    async def story(here: Noticing) -> None:
        id = await here.channel("/bob", BOB)
        by = visit(here.house, here.by(BOB))
        for _ in range(20):
            assert await send_test(here.house, by, id, own=True) is True
            await here.settle()
        refused = await send_test(here.house, by, id, own=True)
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.BUSY_SOURCE
        ours = await here.channel("/ours")
        assert await send_test(here.house, visit(here.house, alice(here.clock.now())), ours, own=False) is True
        here.clock.move(minutes(11))
        assert await send_test(here.house, visit(here.house, here.by(BOB)), id, own=True) is True

    play(story)


def test_neither_alert_about_a_channel_hides_the_other(
    play: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its line ran over, and then it was given up: administrators hear both, and a test says why it is not sent."""
    monkeypatch.setattr("ostiary.services.notices.read.MOST_WAITING", 2)

    async def story(here: Noticing) -> None:
        dead = await here.channel("/dead")
        here.receiver.fails["/dead"] = 410
        for _ in range(3):
            id = await here.ask()
            await here.settle()
            await withdraw_request(here.house, visit(here.house, here.by(BOB)), id)
            await here.settle()
        full = await send_test(here.house, visit(here.house, alice(here.clock.now())), dead, own=False)
        assert isinstance(full, Refused)
        assert full.detail == "1000 messages wait for it already."
        for _ in range(26):
            here.clock.move(hours(1))
            await here.settle()
        about = [detail["about"] for kind, detail in await journal(here.house) if kind == Kind.ALERT]
        assert about == ["notices_dropped", "notices_failed"]

    play(story)


def test_what_was_told_of_a_channel_is_told_again_when_it_was_over(play: Callable[[Story], None]) -> None:
    """A success ends a failure; a line is not overfull any more when half of it is gone, not when one message is."""

    async def story(here: Noticing) -> None:
        channel = await here.channel("/a")
        now = here.clock.now()
        first: list[list[bool]] = []

        async def body(tx: Tx) -> None:
            async def alerts() -> None:
                first.append([await notices.first_alert(tx, channel, alarm) for alarm in Alarm])

            for n in range(MOST_WAITING // 2 + 1):
                await notices.add(tx, Message(f"m{n}", channel, f"c{n}", "alert", "{}", now))
            await alerts()
            await alerts()
            for failures in (1, 0):
                await notices.mark(tx, channel, failures=failures)
                await alerts()
            await notices.done(tx, "m0")
            await notices.mark(tx, channel, sent=now)
            await alerts()

        await here.house.store.write(body)
        assert first == [[True, True], [False, False], [False, False], [True, False], [True, True]]

    play(story)


def test_mail_goes_through_apprise_and_its_address_survives_another_master_key(
    play: Callable[[Story], None], tmp_path: Path
) -> None:
    """R17: a channel of Apprise is sealed, sealed anew under the next key, and mail still arrives with its link."""

    async def story(here: Noticing) -> None:
        box = Mailbox()
        async with on_loopback(box):
            listed = (f"http://127.0.0.1:{box.port}",)
            outside = replace(
                here.house.outside, own_apprise=Apprise(listed), own_outgoing=Outgoing(read_destinations(listed))
            )  # fmt: skip
            here.house = replace(here.house, outside=outside)
            address = f"mailto://127.0.0.1:{box.port}?from=door@example.com&to=dana@example.com&name=t0psecret"
            wanted = {"name": "mail", "form": "apprise", "address": address}
            made = await add_channel(here.house, visit(here.house, here.by(DANA)), wanted, own=True)
            assert not isinstance(made, Refused), made
            assert (made.channel.host, made.secret) == ("mailto 127.0.0.1", "")
            assert b"t0psecret" not in everything(tmp_path)
            old = here.house.vault._current
            here.house.vault.take(MasterKey(here.house.random.bytes(32)), (old,))
            assert await rewrap(here.house, visit(here.house)) == 1
            here.house.vault.take(here.house.vault._current)
            id = await here.ask()
            await here.settle()
            assert b"t0psecret" not in everything(tmp_path)
            outside.own_apprise.close()
            outside.own_outgoing.close()
            strict = replace(outside, own_outgoing=Outgoing())
            here.house = replace(here.house, outside=strict)
            await here.ask()
            await here.settle()
            assert len(box.mails) == 1, "what is not listed any more is not asked any more"
        mail = message_from_bytes(box.mails[0])
        assert mail["Subject"] == "bob@example.com asks for an exemption"
        part = next(each for each in mail.walk() if each.get_content_type() == "text/plain")
        text = bytes(part.get_payload(decode=True)).decode()
        assert f"https://localhost:8443/approvals/{id}" in text
        assert "INC-4412" not in text

    play(story)


# ---- channels


def everything(folder: Path) -> bytes:
    """All that stands in the files of *folder*."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


def test_r3_who_may_set_up_a_channel(play: Callable[[Story], None]) -> None:
    """R3: the organisation's by administrators with a reason, one's own by oneself, both in a fresh browser session."""

    async def story(here: Noticing) -> None:
        wanted = {"name": "x", "form": "webhook", "address": f"https://{HOST}:{here.port}/x"}
        now, house = here.clock.now(), here.house
        stale = replace(alice(now), authenticated_at=Instant(now - minutes(6)))
        tries = [
            (here.by(BOB), "a reason", False, Reason.FORBIDDEN),
            (here.by(DANA, Role.APPROVER), "a reason", False, Reason.FORBIDDEN),
            (stale, "a reason", False, Reason.STEP_UP),
            (alice(now), "", False, Reason.REASON_REQUIRED),
            (replace(stale, roles=frozenset()), "", True, Reason.STEP_UP),
        ]
        for caller, reason, own, wrong in tries:
            done = await add_channel(house, visit(house, caller), wanted, reason, own=own)
            assert isinstance(done, Refused)
            assert done.reason is wrong
        id = await here.channel("/bob", BOB)
        for caller in (here.by(DANA), alice(now)):
            for deed in (remove_channel, send_test):
                missing = await deed(house, visit(house, caller), id, own=True)
                assert isinstance(missing, Refused)
                assert missing.reason is Reason.NOT_FOUND, "nobody touches, or learns of, another person's channel"
        assert not isinstance(await send_test(house, visit(house, here.by(BOB)), id, own=True), Refused)
        await here.settle()
        assert here.receiver.told("/bob") == ["test"]
        assert await remove_channel(house, visit(house, here.by(BOB)), id, own=True) is True
        for number in range(MOST_OF_ONE):
            await here.channel(f"/{number}", BOB)
        full = await add_channel(house, visit(house, here.by(BOB)), wanted, own=True)
        assert isinstance(full, Refused)
        assert full.reason is Reason.CONFLICT

    play(story)


def test_r17_addresses_and_secrets_are_sealed_and_never_shown_again(
    play: Callable[[Story], None], tmp_path: Path
) -> None:
    """R17: neither stands in the database, in the journal, or in what the list shows."""

    async def story(here: Noticing) -> None:
        await here.channel("/path-that-is-a-secret", BOB)
        await here.channel("/another-secret-path")
        await here.ask()
        await here.settle()
        hidden = [*here.secrets, *(secret.removeprefix("whsec_") for secret in here.secrets.values())]
        with sqlite3.connect(tmp_path / "ostiary.db") as db:
            whole = "\n".join(db.iterdump())
        assert HOST in whole, "the search sees what is there"
        files = everything(tmp_path)
        for secret in hidden:
            assert secret not in whole
            assert secret.encode() not in files
        shown = await list_channels(here.house, visit(here.house, here.by(BOB)), Query(), own=True)
        assert not isinstance(shown, Refused)
        assert shown.items[0].secret == ""

    play(story)


@pytest.mark.parametrize(
    "address",
    ["https://127.0.0.1/x", "https://169.254.169.254/latest/meta-data", "https://[::1]/x", "http://hooks.example/x"],
)
def test_r24_a_webhook_inside_is_refused_when_it_is_set_up(play: Callable[[Story], None], address: str) -> None:
    """R24: an address inside, or plain HTTP, that nobody listed is no channel."""

    async def story(here: Noticing) -> None:
        wanted = {"name": "x", "form": "webhook", "address": address}
        done = await add_channel(here.house, visit(here.house, alice(here.clock.now())), wanted, "a test", own=False)
        assert isinstance(done, Refused)
        assert (done.reason, done.field) == (Reason.INVALID_VALUE, "address")

    play(story)


def test_r24_a_name_that_leads_inside_is_never_asked(play: Callable[[Story], None]) -> None:
    """R24: what a name means is judged at each try; the message waits, and the trouble is told."""

    async def story(here: Noticing) -> None:
        await here.channel("/a")
        strict = Outgoing(resolve=here.house.outside.outgoing._resolve)
        here.house = replace(here.house, outside=replace(here.house.outside, outgoing=strict))
        await here.ask()
        await here.settle()
        assert here.receiver.came == []
        shown = await list_channels(here.house, visit(here.house, alice(here.clock.now())), Query(), own=False)
        assert not isinstance(shown, Refused)
        assert shown.items[0].channel.trouble == "barred"

    play(story)


def test_r24_what_is_listed_for_the_service_is_not_listed_for_people(
    play: Callable[[Story], None],
) -> None:
    """
    R24: a host inside that the operator opened for the service's own questions is not there for whoever has an account:
    neither when their channel is set up, nor when its name turns out to lead there.
    """

    async def story(here: Noticing) -> None:
        names = here.house.outside.outgoing._resolve
        outside = replace(
            here.house.outside, own_outgoing=Outgoing(resolve=names), own_apprise=Apprise(),
            outgoing=Outgoing(read_destinations([HOST, "127.0.0.1"]), authorities=here.authorities, resolve=names),
        )  # fmt: skip
        here.house = replace(here.house, outside=outside)
        wanted = {"name": "x", "form": "webhook", "address": f"https://127.0.0.1:{here.port}/x"}
        done = await add_channel(here.house, visit(here.house, here.by(BOB)), wanted, own=True)
        assert isinstance(done, Refused)
        assert "notice_allow" in done.detail
        await here.channel("/bob", BOB)
        await here.channel("/ours")
        await here.decide(await here.ask(), approve=False)
        await here.settle()
        assert here.receiver.told("/bob") == []
        assert here.receiver.told("/ours") == ["request.denied"]
        shown = await list_channels(here.house, visit(here.house, here.by(BOB)), Query(), own=True)
        assert not isinstance(shown, Refused)
        assert shown.items[0].channel.trouble == "barred"
        outside.outgoing.close()

    play(story)
