"""
What the commands of `ostiary-server` share: their options, the configuration, how they end.
"""

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Coroutine, MutableMapping
from pathlib import Path
from typing import Annotated, Any

import orjson
import structlog
import typer
import uvloop

from ostiary.app.config import Config, ConfigRefused, load
from ostiary.core.words.errors import OstiaryError
from ostiary.core.words.instants import to_datetime
from ostiary.outside.clock import SystemClock
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


def perform(work: Callable[[], Coroutine[Any, Any, None]], *, log_level: str = "info") -> None:
    """Run *work*; what an operator can mend is told in one line. Log lines below *log_level* are not written."""
    _logging(log_level)
    gc.freeze()  # what modules made stays: each full collection would stop everything for 0.1 s to look it through
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


def _logging(level: str = "info") -> None:
    """One JSON line an event, on standard error."""
    structlog.configure(
        processors=[_line], logger_factory=lambda *_: _LINES, cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )  # fmt: skip


def _line(_logger: object, method: str, event: MutableMapping[str, Any]) -> bytes:
    """An event as one line."""
    event["level"] = method
    event["timestamp"] = to_datetime(_CLOCK.now())
    return orjson.dumps(event, default=repr, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


class _Lines:
    """Standard error. Usual lines of one turn of the event loop go out together: one system call for many requests."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def info(self, line: bytes) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a thread, or before and after serving
            self._out([line])
            return
        if not self._waiting:
            loop.call_soon(self._turn)
        self._waiting.append(line)

    def error(self, line: bytes) -> None:
        """What an operator must see is out before anything else happens."""
        self._turn()
        self._out([line])

    debug = info
    warning = critical = error

    def _turn(self) -> None:
        lines, self._waiting = self._waiting, []
        self._out(lines)

    @staticmethod
    def _out(lines: list[bytes]) -> None:
        sys.stderr.buffer.write(b"".join(lines))
        sys.stderr.buffer.flush()


_LINES = _Lines()
_CLOCK = SystemClock()
