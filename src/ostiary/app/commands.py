"""
`ostiary-server`: the process and its data folder.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from ostiary.app.config import Config, load
from ostiary.app.console import ConfigOption, DataOption, Refused, configured, perform
from ostiary.app.masters import keys_app
from ostiary.app.sample import SECRETS, found_sample
from ostiary.app.serve import SOCKET, serve
from ostiary.app.setup import found_organisation, print_code
from ostiary.app.tour import play
from ostiary.app.upkeep import COMMANDS, config_app
from ostiary.app.wiring import TLS, Parts, close_house, open_house, open_parts
from ostiary.outside import local_ca
from ostiary.outside.clock import SystemClock
from ostiary.outside.tls import Reloader
from ostiary.services.directory.found import is_founded

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

for _command in COMMANDS:
    app.command()(_command)
app.add_typer(config_app, name="config")
app.add_typer(keys_app, name="keys")


@app.command()
def run(
    config: ConfigOption = None,
    data: DataOption = None,
    sample: Annotated[bool, typer.Option("--sample", help="The sample organisation, on loopback only.")] = False,
    port: Annotated[int | None, typer.Option("--port", help="Another port than the configured one.")] = None,
) -> None:
    """Serve until told to stop."""
    settled = _load(config, data, port, sample)
    perform(lambda: _run(settled, sample=sample, reread=lambda: load(config, os.environ, data=data, port=port)))


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
        for secret in await found_sample(parts):
            typer.echo(f"{secret.name:28} password {secret.password}  authenticator {secret.seed}  {secret.roles}")
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
    parts = await open_parts(config, os.environ)
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


def _welcome(config: Config, ca: Path | None, sample: bool) -> None:
    """What to do next."""
    typer.echo(f"Ostiary is open on {config.origin} (data in {config.data}).")
    if ca is not None:
        typer.echo("For other programs to trust its certificate:")
        for name, value in local_ca.trust_environment(ca).items():
            typer.echo(f"  export {name}={value}")
    if sample:
        port = urlsplit(config.origin).port or 443
        typer.echo(f"Who can sign in: {config.data / SECRETS}")
        typer.echo(
            f"From another machine: ssh -L {port}:localhost:{port} THIS-MACHINE, then open {config.origin}/devicelogin"
        )
        typer.echo("Next, in a second terminal with those variables:")
        typer.echo(f"  .venv/bin/ostiary login --device-code --server {config.origin}")
        typer.echo(
            f"  OSTIARY_DATA={config.data} .venv/bin/ostiary --local exemption open "
            '--user alice@ostiary.example --for 1h --reason "trying it"'
        )
    if config.local_door:
        typer.echo(f"The local door: {config.data / SOCKET}")
    sys.stdout.flush()


def main() -> None:
    """The entry point of `ostiary-server`."""
    app()
