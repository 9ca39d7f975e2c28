"""
Device sign-ins on a real house until the process is killed: each thing that was acknowledged is told in a line of JSON.

``python deeds.py DATA`` reads lines: for each it forks a child that opens the house (everything is imported already),
signs people in with the line as its round, and goes on until it is killed; then it waits for the next line. The first
child founds the sample organisation.
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from ostiary.app.config import Config
from ostiary.app.jobs import run_jobs
from ostiary.app.sample import found_sample
from ostiary.app.wiring import Parts, close_house, open_house, open_parts
from ostiary.core.exemptions.opening import Opening
from ostiary.core.signins.view import Approved, Claimed
from ostiary.core.tokens import clients
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.ids import AppId, SessionId
from ostiary.core.words.instants import hours
from ostiary.core.words.visit import Visit
from ostiary.services.directory.found import is_founded
from ostiary.services.exemptions.open import open_exemption
from ostiary.services.house import House
from ostiary.services.signins.claim import claim
from ostiary.services.signins.decide import approve
from ostiary.services.signins.start import Request, Started, start
from ostiary.services.tokens.issue import Issued
from ostiary.services.tokens.token import TokenForm, grant
from ostiary.store.exemptions import Shown, person

AT_ONCE = 6  # machines
REFRESHES = 3
CLI = AppId("0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001")
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
WHO = "alice@ostiary.example"


def tell(what: str, **more: str) -> None:
    """Acknowledge: one write, so that a kill leaves a whole line or none."""
    os.write(1, json.dumps({"what": what, **more}).encode() + b"\n")


@dataclass(frozen=True)
class Machine:
    """One requester, with an address of its own."""

    house: House
    address: str
    user: str

    def visit(self, *, browser: bool = False) -> Visit:
        """A request of the machine, or of its person's browser."""
        now, id = self.house.clock.now(), self.house.random.guid()
        if not browser:
            return Visit(now, id, address=self.address, agent="machine/1")
        caller = Caller(
            CallerKind.USER, self.user, WHO, Origin.BROWSER, session=SessionId("browser"),
            amr=("pwd", "otp", "mfa"), authenticated_at=now,
        )  # fmt: skip
        return Visit(now, id, address="198.51.100.7", agent="browser/1", caller=caller)

    async def sign_in(self) -> None:
        """The whole life of one sign-in, each step told once it was acknowledged."""
        house = self.house
        scope = f"{house.settings.origin}/.default openid offline_access"
        started = known(Started, await start(house, self.visit(), Request(client=clients.Shown(CLI), scope=scope)))
        tell("started", code=started.device_code)
        claimed = known(Claimed, await claim(house, self.visit(browser=True), started.user_code))
        id = claimed.signin.id
        tell("claimed", id=id)
        known(Approved, await approve(house, self.visit(browser=True), id))
        tell("approved", id=id)
        form = TokenForm(grant_type=DEVICE_CODE, client=clients.Shown(CLI), device_code=started.device_code)
        issued = known(Issued, await grant(house, self.visit(), form))
        tell("redeemed", id=id, code=started.device_code, token=str(issued.refresh_token))
        for _ in range(REFRESHES):
            issued = await refresh(self, str(issued.refresh_token))
            tell("refreshed", id=id, token=str(issued.refresh_token))


async def refresh(machine: Machine, token: str) -> Issued:
    """What *token* gives; it must give something."""
    form = TokenForm(grant_type="refresh_token", client=clients.Shown(CLI), refresh_token=token)
    return known(Issued, await grant(machine.house, machine.visit(), form))


def known(kind: type[Any], answer: object) -> Any:
    """*answer*, which is of that kind, or the storm is over: nothing here may be refused."""
    if not isinstance(answer, kind):
        tell("wrong", answer=repr(answer))
        raise SystemExit(1)
    return answer


async def opened(data: Path) -> tuple[House, Parts]:
    """The house in *data*, founded and with somebody let in."""
    busy = 10_000  # sign-ins that one person takes up in an hour, for twenty rounds of them
    parts = await open_parts(Config(data=data, prompts_per_person=busy), {}, sample=True)
    if await is_founded(parts.store) is None:
        await found_sample(parts)
    house = await open_house(parts)
    if not house.desk.openings.all:
        local = Caller(CallerKind.LOCAL, "tester", "tester", Origin.LOCAL)
        visit = Visit(house.clock.now(), house.random.guid(), caller=local)
        known(Shown, await open_exemption(house, visit, Opening(WHO, hours(2), "for a storm")))
        await house.desk.reload()
    return house, parts


async def user_of(house: House) -> str:
    """The id of the person who signs in."""
    found = await house.store.read(lambda tx: person(tx, WHO))
    assert found is not None
    return found.id


async def storm(data: Path, round_: int) -> None:
    """Sign in on several machines at once until the end of the process, with the jobs running beside."""
    house, _ = await opened(data)
    user, numbers = await user_of(house), count()

    async def one(n: int) -> None:
        while True:
            number = next(numbers)
            await Machine(house, f"10.{round_ % 256}.{number // 250 % 250}.{number % 250}", user).sign_in()

    tell("open")
    await asyncio.gather(run_jobs(house), *(one(n) for n in range(AT_ONCE)))


async def found(data: Path) -> None:
    """Make the folder, and nothing else."""
    house, parts = await opened(data)
    await close_house(house, parts)


def main(data: Path) -> None:
    """Fork a child for each line; tell its process id first."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(storm(data, int(line)))
            os._exit(1)
        tell("child", pid=str(child))
        os.waitpid(child, 0)
        tell("over")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
