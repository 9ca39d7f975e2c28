"""
Everything that the headless side asks of the machine it runs on.

The clocks, the randomness, the environment, the question whether a browser is within reach, and opening one. Nothing
else in `client` or `cli` asks for any of these, so a test replaces one value. No storage and no network here.
"""

import asyncio
import os
import platform
import secrets
import select
import socket
import subprocess
import sys
import termios
import time
import webbrowser
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

__all__ = ["Machine", "headless_because", "in_ci", "this_machine"]

_CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
_TRUE = ("1", "true", "yes")


@dataclass(frozen=True, slots=True)
class Machine:
    """
    The machine as values and functions; the fields without arguments are the real ones.

    `wall` gives seconds since the epoch, `monotonic` seconds since nowhere; waits use the second one only, so a clock
    that is wrong or is put right while we wait changes nothing.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[int], bytes] = secrets.token_bytes
    exists: Callable[[str], bool] = os.path.exists
    name: Callable[[], str] = socket.gethostname
    system: Callable[[], tuple[str, str]] = lambda: (platform.system(), platform.release())
    """The operating system and its version."""
    platform: str = sys.platform
    home: Path = field(default_factory=lambda: _home())

    def local_time(self, moment: float) -> str:
        """Clock time and zone of a moment (seconds since the epoch), with the day when it is not today's."""
        there, today = time.localtime(moment), time.localtime(self.wall())
        same_day = there[:3] == today[:3]
        return time.strftime("%H:%M %Z" if same_day else "%Y-%m-%d %H:%M %Z", there)

    def keyboard(self) -> bool:
        """Whether a person can type here."""
        return sys.stdin is not None and sys.stdin.isatty()

    def forget_typed(self) -> None:
        """Throw away what was typed so far: a stray Enter must not answer a question that was not there yet."""
        termios.tcflush(sys.stdin, termios.TCIFLUSH)

    def read_line(self) -> str | None:
        """The next line, whenever it was typed; None at the end of input."""
        return sys.stdin.readline() or None

    def read_line_within(self, seconds: float) -> str | None:
        """The next line, whenever it was typed; None at the end of input, or when none comes in *seconds*."""
        if not select.select([sys.stdin], [], [], max(0.0, seconds))[0]:
            return None
        return sys.stdin.readline() or None

    def read_input(self, limit: int) -> str:
        """What another program wrote for us on stdin, up to *limit* bytes."""
        return sys.stdin.buffer.read(limit).decode(errors="replace")

    def become(self, command: list[str], environ: Mapping[str, str]) -> NoReturn:
        """Replace this process by *command*: its signals and its exit status are then its own. Raises OSError."""
        sys.stdout.flush()
        sys.stderr.flush()
        os.execvpe(command[0], command, dict(environ))  # noqa: S606  running the person's command is what was asked for

    def open_browser(self, address: str) -> bool:
        """
        Show *address* in the person's browser (`OSTIARY_BROWSER` may name the program); whether that was possible.
        """
        program = self.environ.get("OSTIARY_BROWSER", "")
        if program in ("", "always", "never"):
            return webbrowser.open(address)
        return _start([*program.split(), address])


def _home() -> Path:
    """The person's folder; the root for a user whom the machine does not know and who has no HOME (a container's)."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def this_machine() -> Machine:
    """The real machine."""
    return Machine()


def in_ci(machine: Machine) -> bool:
    """Whether this is a pipeline: nobody is there to type a code."""
    return machine.environ.get("CI", "").strip().lower() in _TRUE


def headless_because(machine: Machine) -> str | None:
    """
    Why no browser may be opened here, in words for the person; None when one can be.

    An unknown machine counts as headless: a browser that opens where nobody looks leaves the person waiting.
    """
    for name in ("SSH_CONNECTION", "SSH_TTY"):
        if machine.environ.get(name):
            return f"this is a remote session ({name} is set)"
    if in_ci(machine):
        return "this is a pipeline (CI is set)"
    mark = next((path for path in _CONTAINER_MARKS if machine.exists(path)), None)
    if mark or machine.environ.get("container"):
        return f"this is a container ({mark or 'the variable container is set'})"
    if machine.platform in ("darwin", "win32"):
        return None
    if not (machine.environ.get("DISPLAY") or machine.environ.get("WAYLAND_DISPLAY")):
        return "there is no display (DISPLAY and WAYLAND_DISPLAY are not set)"
    return None


def _start(command: list[str]) -> bool:
    """Start a program that goes on by itself; its output would disturb the terminal, so it goes nowhere."""
    try:
        subprocess.Popen(  # noqa: S603  the person named the program, and it gets an argument list, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
