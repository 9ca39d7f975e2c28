"""
`ostiary login` in a pseudo-terminal: the countdown, Enter for a new code, Ctrl-C.
"""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cli.conftest import PATIENCE, Program
from tests.client.wire import Wire


class Terminal:
    """A program that believes a person sits before it."""

    def __init__(self, process: "subprocess.Popen[bytes]", screen: int) -> None:
        self._process = process
        self._screen = screen
        self.seen = ""

    def wait_for(self, text: str, seconds: float = PATIENCE) -> None:
        """Until *text* was shown."""
        until = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < until, f"no {text!r} in {self.seen!r}"
            if select.select([self._screen], [], [], 0.2)[0] and not self._read():
                break
        assert text in self.seen

    def wait_for_match(self, pattern: str, seconds: float = PATIENCE) -> None:
        """Until what was shown matches *pattern* somewhere."""
        until = time.monotonic() + seconds
        while not re.search(pattern, self.seen):
            assert time.monotonic() < until, f"no {pattern!r} in {self.seen!r}"
            if select.select([self._screen], [], [], 0.2)[0]:
                assert self._read(), f"no {pattern!r} in {self.seen!r}"

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def end(self) -> int:
        """The exit status."""
        until = time.monotonic() + PATIENCE
        while not select.select([self._screen], [], [], 0.2)[0] or self._read():
            assert time.monotonic() < until, f"it goes on: {self.seen!r}"
        return self._process.wait(timeout=PATIENCE)

    def _read(self) -> bool:
        try:
            found = os.read(self._screen, 4096)
        except OSError:  # the other side is closed
            return False
        self.seen += found.decode(errors="replace")
        return bool(found)


@contextmanager
def terminal(program: Program, *arguments: str) -> Iterator[Terminal]:
    """Start the program on a terminal of its own."""
    screen, other = pty.openpty()
    process = subprocess.Popen(
        program.command(*arguments),
        env=program.environ,
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
        preexec_fn=lambda: _own_terminal(other),
    )
    os.close(other)
    try:
        yield Terminal(process, screen)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=10)
        os.close(screen)


def _own_terminal(descriptor: int) -> None:
    """Make it the controlling terminal, so that Ctrl-C becomes a signal; one that whoever runs the tests may ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)


def test_a_countdown_runs_while_the_person_is_away(wire: Wire, program: Program) -> None:
    """The line is redrawn and gone at the end; the address and the code stay unwrapped."""
    wire.state.code_life, wire.state.interval = 245, 2
    with terminal(program, "login") as shown:
        shown.wait_for_match(r"(4:0\d) left(?s:.*)(?!\1)(4:0\d|3:\d\d) left")  # two readings that differ
        wire.state.approved = True
        assert shown.end() == 0
    assert f"open   {wire.origin}/devicelogin\r\n" in shown.seen
    assert "Signed in as alice@example.com." in shown.seen


def test_enter_gives_a_new_code(wire: Wire, program: Program) -> None:
    """Expired: asked, and only what is typed after the question counts."""
    wire.state.code_life = 2
    with terminal(program, "login") as shown:
        shown.wait_for("WDJB-MJH1")
        shown.type("\n")
        shown.wait_for("Press Enter")
        assert len(wire.state.calls("/devicecode")) == 1
        wire.state.code_life = 300
        shown.type("\n")  # as soon as the question stands there
        shown.wait_for("WDJB-MJH2")
        wire.state.approved = True
        assert shown.end() == 0


def test_ctrl_c_leaves_nothing_half_open(wire: Wire, program: Program) -> None:
    """130; the request is given back, nothing is stored."""
    with terminal(program, "login") as shown:
        shown.wait_for("left")
        shown.type("\x03")
        assert shown.end() == 130
    assert [form["token"] for form in wire.state.revoked] == ["device-secret-1"]
    assert not (program.state / "default.tokens").exists()
    assert "Traceback" not in shown.seen
