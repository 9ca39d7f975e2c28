"""The console's stream of events at a real server: what it tells to whom, and when it ends."""

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import UserId
from ostiary.core.words.outcome import Refused
from ostiary.services.directory.people import revoke_sessions
from ostiary.store.schema import sessions, users
from ostiary.store.sql import sql
from ostiary.web.pages.console import live
from tests.attacks.visitor import Visitor
from tests.clients.test_keys import administrator
from tests.server import PATIENCE, Server, running


class Room:
    """Who sits before the pages of *server*, each with cookies of their own; closed at the end of a test."""

    def __init__(self) -> None:
        self._visitors: list[tuple[Visitor, Server]] = []
        self._listeners: list[Listener] = []

    def person(self, server: Server, name: str) -> Visitor:
        """Somebody who signed in."""
        visitor, human = Visitor(server.origin, server.authority), server.people[name]
        visitor.http.timeout = httpx.Timeout(PATIENCE)
        self._visitors.append((visitor, server))
        visitor.sign_in(human.username, human.password, human.totp())
        return visitor

    def listener(self, visitor: Visitor) -> "Listener":
        """A stream of *visitor*'s, opened."""
        self._listeners.append(Listener(visitor))
        return self._listeners[-1]

    def close(self) -> None:
        """Everybody is signed out, so that their streams end."""
        if any(not each.over for each in self._listeners):
            statement = sql(update(sessions).values(ended=1, end_cause="ended"))
            server = self._visitors[0][1]
            server.run(server.house.store.write(lambda tx: tx.run(statement)))
        assert all(each.wait(lambda each=each: each.over) for each in self._listeners)
        for visitor, _ in self._visitors:
            visitor.http.close()


@pytest.fixture
def room() -> Iterator[Room]:
    """An empty room."""
    made = Room()
    yield made
    made.close()


@dataclass
class Listener:
    """One open stream, read in a thread: what it said, and whether it is over."""

    visitor: Visitor
    events: list[str] = field(default_factory=list)
    status: int = 0
    said: threading.Condition = field(default_factory=threading.Condition)
    over: bool = False

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        assert self.wait(lambda: bool(self.status))

    def _read(self) -> None:
        try:
            with self.visitor.http.stream("GET", "/console/events", headers={"connection": "close"}) as answer:
                self._note(lambda: setattr(self, "status", answer.status_code))
                for line in answer.iter_lines():
                    if line.startswith(("data", "event")):
                        self._note(lambda line=line: self.events.append(line))
        finally:
            self._note(lambda: setattr(self, "over", True))

    def _note(self, what: Any) -> None:
        with self.said:
            what()
            self.said.notify_all()

    def wait(self, until: Any) -> bool:
        """Whether that becomes true."""
        with self.said:
            return bool(self.said.wait_for(until, PATIENCE))

    def hears(self, subject: str) -> bool:
        """Whether it is told of *subject*."""
        return self.wait(lambda: any(subject in event.split() for event in self.events))

    def ends(self, last: str) -> bool:
        """Whether it ends, with *last* as the last event."""
        return self.wait(lambda: self.over) and self.events[-2:-1] == [f"event: {last}"]


def sign_out(server: Server, name: str) -> None:
    """Everything of somebody ends, by an administrator's word."""
    found = sql(select(users.c.id).where(users.c.principal_name == server.people[name].username))
    row = server.run(server.house.store.read(lambda tx: tx.one(found)))
    assert row is not None
    ended = server.run(revoke_sessions(server.house, administrator(server), row[0]))
    assert not isinstance(ended, Refused), ended


def roles(server: Server, name: str, *given: str) -> None:
    """Give somebody these roles, behind everybody's back."""
    texts = ", ".join(f'"{each}"' for each in given)
    statement = sql(
        update(users).where(users.c.principal_name == server.people[name].username).values(roles=f"[{texts}]")
    )
    server.run(server.house.store.write(lambda tx: tx.run(statement)))


def test_an_event_names_what_changed_and_nothing_of_it(server: Server, room: Room) -> None:
    """An exemption is opened, and all that the stream says is that exemptions and the audit log have changed."""
    listener = room.listener(room.person(server, "otto"))
    assert listener.status == 200
    server.open_exemption("alice")
    assert listener.hears("exemptions")
    assert all(set(event.split()[1:]) <= set(live.SUBJECTS) for event in listener.events)
    server.end_exemptions("alice")


def test_rights_are_checked_for_each_event(server: Server, room: Room) -> None:
    """An auditor who is only an approver by now hears of exemptions, and of no sign-in; nobody's role, of nothing."""
    roles(server, "fay", "auditor")
    listener = room.listener(room.person(server, "fay"))
    roles(server, "fay", "approver")
    room.person(server, "gus")  # a sign-in
    server.open_exemption("alice")
    assert listener.hears("exemptions")
    assert not {"signins", "audit"} & {word for event in listener.events for word in event.split()}
    server.end_exemptions("alice")
    roles(server, "fay")
    assert room.person(server, "fay").get("/console/events").status_code == 403


def test_r8_a_stream_ends_with_its_session(server: Server, room: Room) -> None:
    """R8: sessions revoked, and the open stream says so and is over, without anybody asking for a page."""
    roles(server, "hana", "auditor")
    listener = room.listener(room.person(server, "hana"))
    sign_out(server, "hana")
    assert listener.ends("end")


def test_of_too_many_streams_the_oldest_gives_way(server: Server, room: Room) -> None:
    """A fifth window of one person ends the first one's stream, and tells it so; nobody else's."""
    person, other = room.person(server, "otto"), room.listener(room.person(server, "carl"))
    streams = [room.listener(person) for _ in range(live.MOST + 1)]
    assert streams[0].ends("over")
    server.open_exemption("alice")
    assert all(each.hears("exemptions") for each in [*streams[1:], other])
    server.end_exemptions("alice")


def test_r16_a_stream_uses_no_session(server: Server, room: Room) -> None:
    """R16: after thirty minutes in which its person did nothing the session is idle, and the stream over."""
    listener = room.listener(room.person(server, "otto"))
    for minutes in (10, 10, 11):
        server.pass_time(minutes * 60)
        server.open_exemption("alice")
        if minutes == 10:
            assert listener.hears("exemptions")
            listener.events.clear()
        server.end_exemptions("alice")
    assert listener.ends("end")


def test_nobody_is_told_nothing(server: Server) -> None:
    """Without a session the stream is over before it says anything; a refusal a browser's script would not see."""
    context = ssl.create_default_context(cafile=str(server.authority))
    answer = httpx.get(f"{server.origin}/console/events", verify=context)
    assert (answer.status_code, answer.text) == (200, "event: end\ndata: \n\n")


def test_a_server_that_stops_lets_go_of_its_streams(tmp_path_factory: pytest.TempPathFactory, room: Room) -> None:
    """At once and in order: nothing waits for the time that open requests are given."""
    with running(tmp_path_factory.mktemp("stops") / "data") as stopping:
        listener = room.listener(room.person(stopping, "otto"))
    assert listener.wait(lambda: listener.over)
    assert listener.status == 200


@pytest.mark.parametrize("kind", list(Kind))
def test_every_entry_changes_something_that_can_be_listened_for(kind: Kind) -> None:
    """A kind that is added is heard of: as a sign-in, or in the audit log at least."""
    found = live.subjects_of(kind)
    assert found
    assert found <= set(live.SUBJECTS)


def test_an_entry_changes_what_it_is_about() -> None:
    """A refusal changed nothing but the audit log, of which only its readers hear; sign-ins past retention are gone."""
    assert live.subjects_of(Kind.ADMIN_REFUSED) == {"audit"}
    assert live.subjects_of(Kind.REQUEST_KILLED) == {"audit", "exemptions"}
    assert live.subjects_of(Kind.SIGN_INS_REMOVED) == {"audit", "signins"}


def test_a_stream_that_nobody_reads_is_none() -> None:
    """A browser that left before the first line is on no list: nothing would ever take it off."""
    house: Any = None
    hub = live.Hub(house)
    live._lines(house, hub, {}, UserId("nobody"))
    assert hub._streams == []
