"""
A flood from a thousand addresses, against a real server (R21): who proved an enrolled machine still signs in, and the
log grew by a bounded number of rows.
"""

import ssl
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPSConnection
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import func, select

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import minutes
from ostiary.core.words.outcome import Refused
from ostiary.services.devices.inventory import admit_device
from ostiary.services.logs.floods import FIRST
from ostiary.store import Tx, schema
from ostiary.store.sql import sql
from tests.attacks.visitor import Visitor
from tests.holder import Holder
from tests.records.house import alice as administrator
from tests.server import CLIENTS, Server, running

SHARE = 60  # open codes of the application; half of them for those who proved something
MANY = [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(1_000)]
LOUD, TIMES = MANY[:5], 100  # some of them come again and again
DEVICE_CODE = "/common/oauth2/v2.0/devicecode"
ROWS = sql(select(schema.journal.c.kind, func.count()).group_by(schema.journal.c.kind))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A house with little room, in which Alice may sign in."""
    with running(tmp_path_factory.mktemp("flood") / "data", codes_per_application=SHARE) as started:
        started.open_exemption("alice")
        yield started


class Machine:
    """An enrolled machine, over HTTP."""

    def __init__(self, server: Server) -> None:
        self.server, self.holder, self.nonce = server, Holder(), ""
        self.trust = ssl.create_default_context(cafile=str(server.ca_file))

    def post(self, end: str, **fields: str) -> httpx.Response:
        """A form with a proof, and with another when a nonce is asked for."""
        uri, form = f"{self.server.origin}/common/oauth2/v2.0/{end}", {"client_id": CLIENTS["ostiary-cli"], **fields}
        answer = None
        for _ in range(2):
            proof = self.holder.proof("POST", uri, self.server.clock.now(), nonce=self.nonce)
            answer = httpx.post(uri, data=form, headers={"dpop": proof}, verify=self.trust)
            self.nonce = answer.headers["dpop-nonce"]
            if answer.status_code == 200 or answer.json()["error"] != "use_dpop_nonce":
                return answer
        assert answer is not None
        return answer


def enrolled(server: Server) -> Machine:
    """A machine that asked and that an administrator admitted."""
    machine = Machine(server)
    id = machine.post("enroll", ostiary_machine="build-7").json()["device_id"]

    async def admit() -> None:
        visit = replace(server.visit(), caller=administrator(server.clock.now()))
        owner = {"owner": server.people["alice"].username}
        done = await admit_device(server.house, visit, id, owner, "for the test")
        assert not isinstance(done, Refused), done

    server.run(admit())
    return machine


def flood(server: Server) -> list[int]:
    """One request from each address, and a hundred from some; every status that came."""
    trust = ssl.create_default_context(cafile=str(server.ca_file))
    form = urlencode({"client_id": CLIENTS["ostiary-cli"], "scope": f"{server.origin}/.default"})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    told = []
    for address in MANY:
        peer = HTTPSConnection("localhost", server.port, context=trust, source_address=(address, 0))
        for _ in range(TIMES if address in LOUD else 1):
            peer.request("POST", DEVICE_CODE, form, headers)
            answer = peer.getresponse()
            answer.read()
            told.append(answer.status)
        peer.close()
    return told


def rows(server: Server) -> Counter[str]:
    """How many entries of each kind the journal has."""

    async def body(tx: Tx) -> Counter[str]:
        return Counter({str(kind): int(count) for kind, count in await tx.all(ROWS)})

    return server.run(server.house.store.survey(body))


def minute(server: Server) -> int:
    """Of the server's clock."""
    return server.clock.now() // minutes(1)


def test_r21_a_flood_keeps_no_enrolled_requester_out(server: Server) -> None:
    """It signs in while strangers get no more codes, and the log grew by what the limits say, not by what came."""
    machine = enrolled(server)
    before, began = rows(server), minute(server)
    told = flood(server)
    grown, lasted = rows(server) - before, minute(server) - began + 1
    assert len(told) == len(MANY) + len(LOUD) * (TIMES - 1)
    assert told.count(200) == SHARE // 2
    assert grown.pop(Kind.STARTED) == SHARE // 2
    # a row a source, since one reason and one application is all that there is; twenty and a count where more came
    assert (
        grown.pop(Kind.START_REFUSED) + grown.pop(Kind.STARTS_REFUSED, 0)
        <= len(MANY) + len(LOUD) * (FIRST + 1) * lasted
    )
    # and what the house found: the flood, and whoever came again and again, once each and told once each
    assert grown.total() <= 2 * (len(LOUD) + 1), grown

    stranger = Machine(server).post("devicecode", scope=f"{server.origin}/.default")
    assert stranger.status_code == 403, "keys cost nothing: only an enrolled one is worth room"
    begun = machine.post("devicecode", scope=f"{server.origin}/.default offline_access")
    assert begun.status_code == 200, begun.text
    human = server.people["alice"]
    with Visitor(server.origin, server.ca_file) as person:
        person.sign_in(human.username, human.password, human.totp())
        person.approve(person.claim(begun.json()["user_code"]))
    given = machine.post("token", grant_type="device_code", device_code=begun.json()["device_code"])
    assert given.status_code == 200, given.text
    assert given.json()["token_type"] == "DPoP"
