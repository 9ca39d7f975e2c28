"""
A house with people who ask, approve and administer, and a receiver of webhooks on loopback: what notices are tested
with. The receiver checks each signature as docs/notices.md tells a receiver to.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from ostiary.core.directory.people import Role
from ostiary.core.exemptions.asking import Wish
from ostiary.core.exemptions.deciding import Verdict
from ostiary.core.graph.error import Invalid
from ostiary.core.words.caller import Caller, Origin
from ostiary.core.words.destinations import read_destinations
from ostiary.core.words.ids import ExemptionId, UserId
from ostiary.core.words.instants import Span, after, days
from ostiary.core.words.outcome import Refused
from ostiary.outside import Outside
from ostiary.outside.local_ca import LocalCertificates
from ostiary.outside.outgoing import Outgoing
from ostiary.outside.tls import server_context
from ostiary.services.exemptions.ask import ask_exemption
from ostiary.services.exemptions.decide import decide_request
from ostiary.services.exemptions.eligible import Wanted, give_eligibility
from ostiary.services.exemptions.rules import change_rule
from ostiary.services.house import House
from ostiary.services.notices.channels import add_channel
from ostiary.services.notices.read import read_journal
from ostiary.services.notices.send import send_notices
from ostiary.store import Tx, schema
from ostiary.store.requests import Asked
from ostiary.store.sql import sql
from tests.clock import MovableClock
from tests.outside.test_outgoing import Names
from tests.records.house import BOB, GROUP, a_house, alice, person, visit

HOST = "hooks.example"
DANA, ERIC = UserId("da0a0000-0000-4000-8000-0000000000d4"), UserId("e51c0000-0000-4000-8000-0000000000e5")
APPROVAL, POLICY = "Approval_EndUser_Assignment", f"Group_{GROUP}_member"


@dataclass
class Receiver:
    """What came to each path, in order; which paths fail, and with what."""

    fails: dict[str, int] = field(default_factory=dict)
    """Path -> status; 0 hangs."""
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """The status to answer with."""
        self.came.append((path, headers, body))
        return self.fails.get(path, 204)

    def told(self, path: str) -> list[str]:
        """What messages came to *path*, by their type without our name."""
        return [json.loads(body)["type"].removeprefix("ostiary.") for at, _, body in self.came if at == path]

    def ids(self, path: str) -> list[str]:
        """Their ids."""
        return [headers["webhook-id"] for at, headers, _ in self.came if at == path]


def genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What a receiver does, written from docs/notices.md alone."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    right = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(each, right) for each in headers["webhook-signature"].split(" "))


@dataclass
class Noticing:
    """The house and the hands of its people."""

    house: House
    clock: MovableClock
    receiver: Receiver
    port: int
    authorities: Path
    secrets: dict[str, str] = field(default_factory=dict)

    def by(self, id: str, *roles: Role) -> Caller:
        """Somebody, freshly proved in a browser."""
        return person(id, *roles, origin=Origin.BROWSER, at=self.clock.now(), name=f"{id[:4]}@example.com")

    async def channel(self, path: str, user: str | None = None, **more: Any) -> str:
        """A webhook at *path*: the organisation's, or that of *user*; its id."""
        now = self.clock.now()
        caller = alice(now) if user is None else self.by(user)
        wanted = {"name": "a hook", "form": "webhook", "address": f"https://{HOST}:{self.port}{path}", **more}
        made = await add_channel(self.house, visit(self.house, caller), wanted, "for a test", own=user is not None)
        assert not isinstance(made, Refused), made
        self.secrets[path] = made.secret
        return made.channel.id

    async def ask(self, **more: Any) -> ExemptionId:
        """Bob asks for an hour."""
        wish = Wish(reason="fix INC-4412", **more)
        asked = await ask_exemption(self.house, visit(self.house, self.by(BOB)), wish)
        assert isinstance(asked, Asked), asked
        return asked.request.id

    async def decide(self, id: ExemptionId, by: str = DANA, *, approve: bool = True, reason: str = "known") -> None:
        """An approver says yes or no."""
        caller = self.by(by, Role.APPROVER)
        done = await decide_request(self.house, visit(self.house, caller), id, Verdict(approve, reason))
        assert isinstance(done, Asked), done

    async def rules(self, rule: str, changes: dict[str, Any]) -> None:
        """Change a rule of the exception group."""
        by = visit(self.house, alice(self.clock.now()))
        done = await change_rule(self.house, by, POLICY, rule, changes, "for a test")
        assert not isinstance(done, Refused | Invalid), done

    async def settle(self) -> None:
        """Let the jobs run until nothing is due now."""
        await read_journal(self.house, visit(self.house))
        while await send_notices(self.house, visit(self.house)):
            await self.house.outside.background.idle()

    async def pass_time(self, span: Span) -> None:
        """Let *span* pass."""
        self.clock.move(span)


@asynccontextmanager
async def receiving(receiver: Receiver, tls: LocalCertificates) -> AsyncIterator[int]:
    """*receiver* behind a port of loopback, over TLS."""
    tasks = set[asyncio.Task[object]]()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
            body = await reader.readexactly(int(headers["content-length"]))
            status = receiver.take(lines[0].split(" ")[1], headers, body)
            if status == 0:
                await asyncio.sleep(60)
            writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % status)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=server_context(tls.certificate, tls.key))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def noticing(folder: Path, tls: LocalCertificates, receiver: Receiver | None = None) -> AsyncIterator[Noticing]:
    """The house: Alice administers, Bob is eligible, Dana and Eric approve."""
    heard = receiver or Receiver()
    async with receiving(heard, tls) as port, a_house(folder) as (plain, clock):
        names = Names(("127.0.0.1",))
        outgoing = Outgoing(read_destinations([HOST]), authorities=tls.ca, resolve=names)
        house = replace(plain, outside=Outside(plain.outside.passwords, outgoing=outgoing, own_outgoing=outgoing))
        people = [
            {
                "id": id, "principal_name": f"{name}@example.com", "display_name": name, "enabled": 1,
                "roles": '["approver"]', "created": 0,
            }
            for id, name in ((DANA, "dana"), (ERIC, "eric"))
        ]  # fmt: skip
        add = [sql(insert(schema.users).values(one)) for one in people]

        async def body(tx: Tx) -> None:
            for statement in add:
                await tx.run(statement)

        await house.store.write(body)
        await read_journal(house, visit(house))  # it hears what comes from now on
        ends = after(clock.now(), days(90))
        given = await give_eligibility(house, visit(house, alice(clock.now())), Wanted(BOB, "for a test", ends=ends))
        assert not isinstance(given, Refused)
        try:
            yield Noticing(house, clock, heard, port, tls.ca)
        finally:
            await house.outside.background.close()
            house.outside.outgoing.close()
