"""Tickets are checked with the system that they are from, over the outgoing client (R24): only a clear yes is one."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from ostiary.core.exemptions.asking import Wish
from ostiary.core.exemptions.request import Ticket
from ostiary.core.graph.error import Invalid
from ostiary.core.words.destinations import read_destinations
from ostiary.core.words.outcome import Refused
from ostiary.outside import Outside, local_ca
from ostiary.outside.clock import SystemClock
from ostiary.outside.local_ca import LocalCertificates
from ostiary.outside.outgoing import Outgoing
from ostiary.services.exemptions.ask import ask_exemption
from ostiary.services.exemptions.eligible import Wanted, give_eligibility
from ostiary.services.exemptions.rules import change_rule
from ostiary.services.house import House
from ostiary.store.requests import Asked
from tests.outside.test_outgoing import Names, Peer, serving
from tests.records.house import BOB, GROUP, a_house, alice, bob, visit

HOST = "tickets.example"
ASKED = ["MultiFactorAuthentication", "Justification", "Ticketing"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalCertificates:
    """An authority that the operator believes, and a certificate for the ticket system."""
    return local_ca.ensure(tmp_path_factory.mktemp("ca") / "tls", (HOST,), now=SystemClock().now(), environ={})


async def tracker(_peer: Peer, head: bytes, writer: asyncio.StreamWriter) -> None:
    """INC-1 is open, INC-2 closed, INC-3 a riddle, INC-4 goes elsewhere, everything else is not there."""
    name = head.split(b" ")[1].rpartition(b"/")[2].decode()
    answers = {
        "INC-1": (200, {"fields": {"status": {"name": "In Progress"}}}),
        "INC-2": (200, {"fields": {"status": {"name": "Closed"}}}),
        "INC-3": (200, ["?"]),
        "INC-4": (302, {}),
    }
    status, content = answers.get(name, (404, {}))
    body = orjson.dumps(content)
    more = b"location: https://tickets.example/INC-1\r\n" if status == 302 else b""
    writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n%s\r\n%s" % (status, len(body), more, body))


async def settled(house: House, port: int, **check: Any) -> None:
    """Bob is eligible, and tickets are checked."""
    checker = {
        "kind": "http", "url": f"https://{HOST}:{port}/api/{{ticket}}", "statePath": "fields.status.name",
        "openStates": ["Open", "In progress"], **check,
    }  # fmt: skip
    by = visit(house, alice(house.clock.now()))
    rule, policy = "Enablement_EndUser_Assignment", f"Group_{GROUP}_member"
    changes = {"enabledRules": ASKED, "ostiary": {"ticketCheck": checker, "ticketPattern": r"^INC-\d+$"}}
    assert not isinstance(await change_rule(house, by, policy, rule, changes), Refused | Invalid)
    ends = replace(by).now + 90 * 86_400 * 1_000_000
    given = await give_eligibility(house, by, Wanted(BOB, "for a test", ends=ends))  # type: ignore[arg-type]
    assert not isinstance(given, Refused)


def test_r24_only_a_ticket_that_is_open_is_one(tmp_path: Path, authority: LocalCertificates) -> None:
    """R24: closed, unknown, unreadable, redirected and unanswered are no; the token goes to its host alone."""

    async def story() -> None:
        async with serving(tracker, tls=authority) as peer, a_house(tmp_path) as (plain, _):
            names = Names(("127.0.0.1",))
            outgoing = Outgoing(read_destinations([HOST]), authorities=authority.ca, resolve=names)
            settings = replace(plain.settings, ticket_host=f"{HOST}:{peer.port}", ticket_token="s3cret-token")
            house = replace(plain, outside=Outside(plain.outside.passwords, outgoing=outgoing), settings=settings)
            await settled(house, peer.port)

            async def asks(number: str) -> Any:
                wish = Wish(reason="fix it", ticket=Ticket(number))
                return await ask_exemption(house, visit(house, bob(house.clock.now())), wish)

            answers = {number: await asks(number) for number in ("INC-1", "INC-2", "INC-3", "INC-4", "INC-5", "x/../1")}
            assert {number for number, answer in answers.items() if isinstance(answer, Asked)} == {"INC-1"}
            assert answers["INC-1"].request.ticket == Ticket("INC-1", "", checked=True)
            assert all(b"authorization: bearer s3cret-token" in head.lower() for head in peer.heads)
            assert any(b"/api/x%2F..%2F1 " in head for head in peer.heads), "a ticket is never another path"
            elsewhere = replace(house, settings=replace(settings, ticket_host="other.example"))
            before = len(peer.heads)
            await ask_exemption(
                elsewhere, visit(house, bob(house.clock.now())), Wish(reason="x1x", ticket=Ticket("INC-1"))
            )
            assert b"authorization" not in peer.heads[before].lower()
            outgoing.close()

    asyncio.run(story())


def test_r4_a_ticket_system_that_does_not_answer_confirms_nothing(tmp_path: Path) -> None:
    """R4, R24: an address inside that nobody listed is not even asked."""

    async def story() -> None:
        async with a_house(tmp_path) as (plain, _):
            outgoing = Outgoing(resolve=Names(("127.0.0.1",)))
            house = replace(plain, outside=Outside(plain.outside.passwords, outgoing=outgoing))
            await settled(house, 443, statePath=None, openStates=[])
            wish = Wish(reason="fix it", ticket=Ticket("INC-1"))
            answer = await ask_exemption(house, visit(house, bob(house.clock.now())), wish)
            assert isinstance(answer, Invalid)
            assert [problem.path for problem in answer.problems] == ["ticketInfo.ticketNumber"]
            outgoing.close()

    asyncio.run(story())
