"""
The commands that keep a data folder well: doctor, migrate, backup, restore, support, config.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from ostiary.app.backup import back_up, put_back
from ostiary.app.console import ConfigOption, DataOption, Refused, configured, perform
from ostiary.app.doctor import examine
from ostiary.app.metrics_door import metrics_door
from ostiary.app.settings import settings
from ostiary.app.support import bundle, write
from ostiary.app.wiring import DATABASE
from ostiary.core.words.instants import to_iso
from ostiary.outside import data_folder
from ostiary.outside.clock import SystemClock
from ostiary.outside.data_folder import FolderLock
from ostiary.store.migrate import migrate as to_newest
from ostiary.store.migrate import newest

__all__ = ["COMMANDS", "config_app"]

config_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The configuration: check it, show it.")


def doctor(config: ConfigOption = None, data: DataOption = None) -> None:
    """Look at everything that an operator can get wrong; exit 1 when something is."""
    settled = configured(config, data=data)
    findings = examine(settled, os.environ, SystemClock().now())
    for finding in findings:
        typer.echo(f"{'ok ' if finding.good else 'BAD'}  {finding.check:13} {finding.text}")
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


def migrate(config: ConfigOption = None, data: DataOption = None) -> None:
    """Bring the database to this version's schema (a start does the same)."""
    settled = configured(config, data=data)

    async def work() -> None:
        path = settled.data / DATABASE
        if not path.exists():
            raise Refused(f"there is no database in {settled.data}")
        data_folder.prepare(settled.data)
        with FolderLock(settled.data):
            to_newest(path)
        typer.echo(f"The database is at revision {newest()}.")

    perform(work)


def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Copy the database, while it is in use, and verify the copy. Keep the master key elsewhere: it is not in it."""
    settled = configured(config, data=data)

    async def work() -> None:
        found = back_up(settled, target)
        last = to_iso(found.last) if found.entries else "none"
        typer.echo(f"{target}: whole, {found.entries} journal entries, the newest of {last}.")

    perform(work)


def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `backup` wrote.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Put a backup in the place of the database. Everything that was ever issued ends: people sign in again."""
    settled = configured(config, data=data)

    async def work() -> None:
        ended, kept = await put_back(settled, os.environ, source, SystemClock())
        typer.echo("Restored. " + ", ".join(f"{count} {name}" for name, count in ended.items() if count) + " ended.")
        if kept is not None:
            typer.echo(f"The old database is {kept}: remove it when it is not needed.")

    perform(work)


def support(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The archive to write; it must not exist.")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Write what somebody who helps must know: counts, versions, checks; no names, no addresses, no secrets."""
    settled = configured(config, data=data)

    async def work() -> None:
        now = SystemClock().now()
        files = bundle(settled, os.environ, now)
        write(target, files, now)
        typer.echo(f"{target}: {', '.join(files)}. Look through it before you send it.")

    perform(work)


@config_app.command()
def check(config: ConfigOption = None, data: DataOption = None) -> None:
    """Say what is wrong with the configuration; exit 2 when something is."""
    settled = configured(config, data=data)

    async def work() -> None:
        settings(settled)
        metrics_door(settled)
        typer.echo("The configuration can be used.")

    perform(work)


@config_app.command()
def show(config: ConfigOption = None, data: DataOption = None) -> None:
    """Show each setting as it is in force. No secret is among them: they stand in files of their own."""
    for name, value in configured(config, data=data).model_dump(mode="json").items():
        typer.echo(f"{name} = {value!r}")


COMMANDS = (doctor, migrate, backup, restore, support)
