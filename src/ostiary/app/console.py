"""
What the commands of `ostiary-server` share: their options, the configuration, how they end.
"""

import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import orjson
import structlog
import typer
import uvloop

from ostiary.app.config import Config, ConfigRefused, load
from ostiary.core.words.errors import OstiaryError
from ostiary.outside.data_folder import FolderRefused, Locked
from ostiary.outside.vault import MasterKeyRefused, SealBroken

__all__ = ["ConfigOption", "DataOption", "Refused", "configured", "perform"]

ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file (docs/configuration.md).")]
DataOption = Annotated[Path | None, typer.Option("--data", help="The data folder.")]


class Refused(Exception):
    """A command cannot go on; the message is for the operator."""


_MENDABLE = (
    Refused, FolderRefused, Locked, MasterKeyRefused, SealBroken, ConfigRefused, OstiaryError, OSError,
)  # fmt: skip


def configured(config: Path | None, **given: Any) -> Config:
    """The configuration, or exit 2 with every problem told."""
    try:
        return load(config, os.environ, **given)
    except ConfigRefused as refused:
        for problem in refused.problems:
            typer.echo(f"configuration: {problem}", err=True)
        raise typer.Exit(2) from None


def perform(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run *work*; what an operator can mend is told in one line."""
    _logging()
    try:
        uvloop.run(work())
    except _MENDABLE as error:
        typer.echo(f"ostiary-server: {_told(error)}", err=True)
        raise typer.Exit(1) from None


def _told(error: BaseException) -> str:
    """The message in words; the system's own errors without their numbers."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _logging() -> None:
    """One JSON line an event, on standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
