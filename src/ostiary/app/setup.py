"""
A real first start (R18): the organisation of the configuration, and the one-time code for its first administrator.
"""

import httpx
import typer

from ostiary.app.config import Config
from ostiary.app.console import Refused as CommandRefused
from ostiary.app.serve import SOCKET
from ostiary.app.wiring import Parts, system_visit
from ostiary.core.directory.founding import plan
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.instants import to_iso
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.outside.data_folder import Locked
from ostiary.services.directory.first_admin import issue_code
from ostiary.services.directory.found import found
from ostiary.services.house import House

OVER = "This organisation has an administrator already."
PATH = "/v1.0/ostiary/firstCode"
PATIENCE = 30  # seconds


async def found_organisation(parts: Parts) -> None:
    """An empty organisation: the block, the exception group, our own two applications, nobody."""
    random, now, config = parts.random, parts.clock.now(), parts.config
    design = plan(
        tenant=random.guid(), name=config.name, origin=config.origin, sample=False, domains=config.domains,
        group=random.guid(), policy=random.guid(), now=now,
    )  # fmt: skip
    await found(parts.store, Visit(now, random.guid(), caller=Caller(CallerKind.SYSTEM, "init", "init")), design)


async def print_code(house: House) -> None:
    """The address, and apart from it the code that is typed there."""
    issued = await issue_code(house, system_visit(house, "init"))
    if isinstance(issued, Refused):
        typer.echo(OVER)
        return
    _tell(f"Start the service, then open {house.settings.origin}", issued[0], to_iso(issued[1]))


async def ask_for_code(config: Config, locked: Locked) -> None:
    """The same from the service that has the data folder, through its local door (R2). Raises `Refused` of commands."""
    transport = httpx.AsyncHTTPTransport(uds=str(config.data / SOCKET))
    async with httpx.AsyncClient(transport=transport, base_url="http://local", timeout=PATIENCE) as door:
        try:
            answer = await door.post(PATH, json={})
            said = answer.json()
        except (httpx.TransportError, ValueError):
            raise CommandRefused(f"{locked}; it has no local door that answers, so stop it first") from None
    if answer.status_code == httpx.codes.OK:
        _tell(f"The service runs. Open {config.origin}", said["code"], said["expires"])
    elif answer.status_code == httpx.codes.CONFLICT:
        typer.echo(OVER)
    else:
        raise CommandRefused(f"{locked}, and refused: {said['error']['message']}")


def _tell(first: str, code: str, ends: str) -> None:
    typer.echo(f"{first}/setup in a browser and type this code there:")
    typer.echo(f"  {code}")
    typer.echo(f"It works once, until {ends}.")
