"""
`ostiary-server`: the process and its data folder.
"""

import asyncio
import os
import shlex
import sys
from collections.abc import Callable
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from ostiary.app.config import Config, load
from ostiary.app.console import ConfigOption, DataOption, Refused, configured, perform
from ostiary.app.masters import keys_app
from ostiary.app.sample import SECRETS, Secret, found_sample
from ostiary.app.serve import SOCKET, serve
from ostiary.app.setup import ask_for_code, found_organisation, print_code
from ostiary.app.tour import play
from ostiary.app.upkeep import COMMANDS, config_app
from ostiary.app.wiring import TLS, Parts, close_house, open_house, open_parts
from ostiary.outside import local_ca
from ostiary.outside.clock import SystemClock
from ostiary.outside.data_folder import Locked
from ostiary.outside.tls import Reloader
from ostiary.services.directory.found import is_founded

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="The service: the process and its data folder.",
)  # fmt: skip

for _command in COMMANDS:
    app.command()(_command)
app.add_typer(config_app, name="config")
app.add_typer(keys_app, name="keys")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ostiary-server {version_of('ostiary')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """The service: the process and its data folder."""


@app.command()
def run(
    config: ConfigOption = None,
    data: DataOption = None,
    sample: Annotated[bool, typer.Option("--sample", help="The sample organisation, on loopback only.")] = False,
    port: Annotated[int | None, typer.Option("--port", help="Another port than the configured one.")] = None,
) -> None:
    """Serve until told to stop."""
    settled = _load(config, data, port, sample)
    perform(
        lambda: _run(settled, sample=sample, reread=lambda: load(config, os.environ, data=data, port=port)),
        log_level=settled.log_level,
    )


@app.command()
def init(config: ConfigOption = None, data: DataOption = None) -> None:
    """Found the organisation of the configuration and print how to make its first administrator."""
    settled = _load(config, data, None, False)
    perform(lambda: _init(settled))


@app.command()
def tour(
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Play the whole story against the sample that runs on the data folder: refused, opened, signed in, ended."""
    settled = configured(config, data=data)

    async def work() -> None:
        await asyncio.to_thread(play, settled.data, SystemClock(), typer.echo)

    perform(work)


def _load(config: Path | None, data: Path | None, port: int | None, sample: bool) -> Config:
    settled = configured(config, data=data, port=port)
    if sample and settled.listen not in ("127.0.0.1", "::1"):
        typer.echo("The sample organisation listens on loopback only.", err=True)
        raise typer.Exit(2)
    if port and sample:
        settled = settled.model_copy(update={"origin": f"https://localhost:{port}"})
    settled.data.parent.mkdir(parents=True, exist_ok=True)
    return settled


async def _run(config: Config, *, sample: bool, reread: Callable[[], Config]) -> None:
    parts = await open_parts(config, os.environ, sample=sample)
    _warn(parts)
    held = await is_founded(parts.store)
    if held is None and not sample:
        raise Refused("there is no organisation in this data folder: run `ostiary-server init` first")
    if held is not None and held is not sample:
        raise Refused("the sample organisation needs --sample, and only the sample may have it (R18)")
    if held is None:
        _introduce(await found_sample(parts))
    house = await open_house(parts)
    reloader, ca = _tls(config)
    try:
        await serve(
            house, config, reloader, ready=lambda: _welcome(config, ca, sample), stop=asyncio.Event(), reread=reread
        )
    finally:
        await close_house(house, parts)


def _tls(config: Config) -> tuple[Reloader | None, Path | None]:
    """The certificate to listen with: the operator's, or one of a local authority; none behind a proxy."""
    if config.plain:
        return None, None
    if config.certificate is not None and config.certificate_key is not None:
        return Reloader(config.certificate, config.certificate_key), None
    names = (*local_ca.default_names(), urlsplit(config.origin).hostname or "localhost")
    made = local_ca.ensure(config.data / TLS, tuple(dict.fromkeys(names)), now=SystemClock().now(), environ=os.environ)
    return Reloader(made.certificate, made.key), made.ca


async def _init(config: Config) -> None:
    try:
        parts = await open_parts(config, os.environ)
    except Locked as locked:
        await ask_for_code(config, locked)
        return
    _warn(parts)
    held = await is_founded(parts.store)
    if held:
        raise Refused("this data folder holds the sample organisation, which never becomes a real one (R18)")
    if held is None:
        await found_organisation(parts)
    house = await open_house(parts)
    try:
        await print_code(house)
    finally:
        await close_house(house, parts)


def _warn(parts: Parts) -> None:
    for warning in parts.warnings:
        typer.echo(f"Warning: {warning}", err=True)


def _introduce(people: tuple[Secret, ...]) -> None:
    """The people of the sample with their secrets, once."""
    typer.echo("The people of the sample organisation, made just now:")
    for secret in people:
        roles = ", ".join(secret.roles)
        typer.echo(f"  {secret.name:22} password {secret.password}  authenticator {secret.seed}  {roles}".rstrip())


def _welcome(config: Config, ca: Path | None, sample: bool) -> None:
    """What to do next."""
    data = config.data.resolve()
    typer.echo(f"Ostiary is open on {config.origin} (data in {data}).")
    typer.echo("\nIn a second terminal, for `ostiary` and for other programs to find and trust it:")
    typer.echo(f"  export OSTIARY_SERVER={config.origin}")
    if config.local_door:
        typer.echo(f"  export OSTIARY_DATA={shlex.quote(str(data))}")
    if ca is not None:
        for name, value in local_ca.trust_environment(ca).items():
            typer.echo(f"  export {name}={shlex.quote(value)}")
        typer.echo(f"A browser trusts it once {ca.resolve()} is among its authorities; else it warns, once.")
    if sample:
        _next_steps(config, data)
    if config.local_door:
        typer.echo(f"\nThe local door: {data / SOCKET}")
    sys.stdout.flush()


def _next_steps(config: Config, data: Path) -> None:
    """The story of the README, with the words of this start."""
    port = urlsplit(config.origin).port or 443
    program = shlex.quote(str(Path(sys.executable).with_name("ostiary")))
    typer.echo("\nThen, there:")
    typer.echo(f"  {program} login --device-code      # refused: nobody has an exemption")
    typer.echo(f'  {program} --local exemption open --user alice@ostiary.example --for 1h --reason "trying it"')
    typer.echo(f"  {program} login --device-code      # shows a code; type it at {config.origin}/devicelogin")
    typer.echo(f"\nWho can sign in there, with password and authenticator: {data / SECRETS}")
    typer.echo(f"From another machine: ssh -L {port}:localhost:{port} THIS-MACHINE, then open that address.")


def main() -> None:
    """The entry point of `ostiary-server`."""
    app()
