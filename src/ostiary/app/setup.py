"""
A real first start (R18): the organisation of the configuration, and the one-time code for its first administrator.
"""

import typer

from ostiary.app.wiring import Parts, system_visit
from ostiary.core.directory.founding import plan
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.instants import to_iso
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory.first_admin import issue_code
from ostiary.services.directory.found import found
from ostiary.services.house import House


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
        typer.echo("This organisation has an administrator already.")
        return
    code, ends = issued
    typer.echo(f"Start the service, then open {house.settings.origin}/setup in a browser and type this code there:")
    typer.echo(f"  {code}")
    typer.echo(f"It works once, until {to_iso(ends)}.")
