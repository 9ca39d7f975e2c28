"""
Changing the master key of a running service (R17): how it takes the new one, and the command that asks it to.

The command and the server meet at the configuration, which both read, and at SIGUSR1, which only the service's own user
or root can send; no key passes between them. Without a server the command does the work itself.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import structlog
import typer

from ostiary.app.config import Config, ConfigRefused
from ostiary.app.console import ConfigOption, DataOption, Refused, configured, perform
from ostiary.app.wiring import (
    DATABASE,
    close_house,
    master_key,
    open_house,
    open_parts,
    opens_all,
    previous_keys,
    system_visit,
)
from ostiary.core.words.errors import OstiaryError
from ostiary.outside.data_folder import FolderLock, Locked, catches
from ostiary.outside.random import SystemRandom
from ostiary.outside.vault import MasterKeyRefused, create_master
from ostiary.services.house import House
from ostiary.services.tokens.rewrap import rewrap
from ostiary.store import seals
from ostiary.store.backup import inspect, sealed_under

__all__ = ["keys_app", "take_keys"]

LOOK = 0.25  # seconds between two looks at how far the server is
PATIENCE = 30.0  # seconds without progress
FORMS = 30  # minutes: the longest that a form or a code of ours is good for

_log = structlog.get_logger("ostiary.masters")

keys_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The master key: make one, take another.")


async def take_keys(house: House, reread: Callable[[], Config], environ: Mapping[str, str]) -> None:
    """
    Read the configuration's master keys anew and seal everything under the current one. What cannot be used is told,
    and the keys in use stay.
    """
    try:
        config, sample = reread(), house.desk.picture.organisation.sample
        current = master_key(config, environ, None, sample=sample).master
        previous = previous_keys(config, environ, sample=sample)
        ids = frozenset(master.id for master in (current, *previous))
        opens_all(ids, {house.vault.current_id: 0, **await house.store.survey(seals.counts)})
        house.vault.take(current, previous)
        count = await rewrap(house, system_visit(house, "rewrap"))
        _log.info("master keys taken", current=current.id.hex(), previous=len(previous), rewrapped=count)
    except (MasterKeyRefused, ConfigRefused, OstiaryError) as refused:
        _log.error("master keys kept", reason=str(refused))


@keys_app.command()
def make(path: Annotated[Path, typer.Argument(help="The file to write (0600), outside the data folder.")]) -> None:
    """Make a master key in a new file; an existing one is never overwritten."""

    async def work() -> None:
        typer.echo(f"{path}: a master key with id {create_master(path, random=SystemRandom()).id.hex()}.")

    perform(work)


@keys_app.command(name="rewrap")
def rewrap_all(config: ConfigOption = None, data: DataOption = None) -> None:
    """Seal everything under the configured master key, also while the service runs; run it again after a kill."""
    settled = configured(config, data=data)

    async def work() -> None:
        sample = inspect(settled.data / DATABASE).sample
        current = master_key(settled, os.environ, None, sample=sample).master
        ids = frozenset((current.id, *(old.id for old in previous_keys(settled, os.environ, sample=sample))))
        opens_all(ids, sealed_under(settled.data / DATABASE))
        try:
            with FolderLock(settled.data):
                pass
        except Locked as locked:
            await _ask(settled, locked.holder, current.id)
        else:
            await _alone(settled, sample)
        wait = max(settled.refresh_idle, settled.session_idle, FORMS)
        typer.echo(f"Everything is sealed under the master key with id {current.id.hex()}.")
        typer.echo(f"Leave the previous one in the configuration for {wait} more minutes: nobody is signed out then.")

    perform(work)


async def _alone(config: Config, sample: bool) -> None:
    """No server runs: open the house, do it, close it."""
    parts = await open_parts(config, os.environ, sample=sample)
    house = await open_house(parts)
    try:
        await rewrap(house, system_visit(house, "rewrap"))
    finally:
        await close_house(house, parts)


async def _ask(config: Config, server: int | None, current: bytes) -> None:
    """Tell the *server* (a process) to read its keys anew, and wait until nothing is under another one."""
    if server is None or not catches(server, signal.SIGUSR1):
        raise Refused("the data folder is in use by something that is not (yet) a running service: try again")
    os.kill(server, signal.SIGUSR1)
    left, waited = -1, 0.0
    while now := sum(count for id, count in sealed_under(config.data / DATABASE).items() if id != current):
        left, waited = now, 0.0 if now != left else waited + LOOK
        if waited > PATIENCE:
            raise Refused(
                f"process {server} left {now} values under another master key: does the configuration that it was "
                "started with name the new one? Its log says more"
            )
        await asyncio.sleep(LOOK)
