"""
Waiting for a person, on the screen: the address, the code, the QR code, and a countdown while nothing else happens.

The countdown begins with the first wait: the machine's `sleep` is replaced by one that starts it, so the exchange knows
nothing of it. Where stderr is no terminal there are plain lines and no redrawing.
"""

from dataclasses import replace
from io import StringIO
from types import TracebackType

import segno
from rich.live import Live
from rich.text import Text

from ostiary.cli.durations import left
from ostiary.cli.output import Screen
from ostiary.client.approval import ApprovalAwaited
from ostiary.client.device import CodeIssued, ConnectionLost, Extended, NumberWanted, Resumed
from ostiary.client.exchange import Event
from ostiary.client.machine import Machine

__all__ = ["Waiting"]


class Waiting:
    """What the person sees of one device sign-in; a context manager, so that the line is gone whatever happens."""

    def __init__(self, screen: Screen, machine: Machine, *, qr: bool, reference: str = "") -> None:
        self._screen = screen
        self._machine = machine
        self._qr = qr
        self._known = {
            "reference": f"the reference that you gave here:  {reference}",
            "machine": f"this machine's name:  {machine.name()}",
        }
        self._ends = 0.0
        self._note = ""
        self._live: Live | None = None

    @property
    def machine(self) -> Machine:
        """The machine with the countdown in its waits."""
        return replace(self._machine, sleep=self._sleep) if self._screen.interactive else self._machine

    def tell(self, event: Event) -> None:
        """Show an event of the exchange."""
        if isinstance(event, CodeIssued):
            self._show_code(event)
        elif isinstance(event, ApprovalAwaited):
            self._show_awaited(event)
        elif isinstance(event, Extended):
            self._ends = self._machine.monotonic() + event.expires_in
            self._line("an exemption has to be approved first; the sign-in waits for it", "waiting", event.expires_in)
        elif isinstance(event, ConnectionLost):
            self._note = " (no connection, trying again)"
            self._line(f"no answer from the server ({event.reason}); trying again for a minute", "connection_lost")
        elif isinstance(event, Resumed):
            self._note = ""
            self._line("the server answers again", "connection_back")

    def ask(self, event: Event, seconds: float) -> str | None:
        """
        The number that the page shows, two digits; None when nobody typed any in *seconds*. What cannot be one is asked
        again here: the server takes one try.
        """
        if not isinstance(event, NumberWanted):
            return None
        self._stop()
        self._machine.forget_typed()
        self._screen.event("number_wanted")
        self._screen.say("  Approved. Type the number that the page shows, then Enter:", "bold")
        until = self._machine.monotonic() + seconds
        while (line := self._machine.read_line_within(until - self._machine.monotonic())) is not None:
            typed = line.strip()
            if len(typed) == 2 and typed.isascii() and typed.isdigit():
                return typed
            self._screen.say("  Two digits, as on the page:", "bold")
        return None

    def __enter__(self) -> "Waiting":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _show_code(self, event: CodeIssued) -> None:
        self._ends = self._machine.monotonic() + event.expires_in
        say = self._screen.say
        say("")
        say(f"  On another device open   {event.address}")
        say(f"  and type                 {event.user_code}")
        if self._qr:
            say(_qr_code(event.address_with_code or event.address))
        say("")
        for datum in event.binding:
            say(f"  The page will ask for {self._known[datum]}")
        say(f"  The code is good for {left(event.expires_in)}. Approve only what you started yourself.")
        self._screen.event(
            "code",
            user_code=event.user_code,
            verification_uri=event.address,
            verification_uri_complete=event.address_with_code,
            expires_in=round(event.expires_in),
            binding=list(event.binding),
            sign_in=event.sign_in,
        )

    def _show_awaited(self, event: ApprovalAwaited) -> None:
        self._ends = self._machine.monotonic() + event.expires_in
        by = ", ".join(event.approved_by)
        if event.again is not None:
            self._screen.say(f"  Approved{f' by {by}' if by else ''}, but too late for your first yes. Confirm at")
            self._screen.say(f"  {event.again}")
        elif by:
            self._screen.say(f"  Approved by {by} so far; others have to.")
        else:
            self._screen.say(f"  Waiting for approval ({event.request}), for {left(event.expires_in)} at most.")
            self._screen.say("  Ctrl-C is safe; resume with: ostiary login --resume")
        self._screen.event(
            "approval_awaited", request=event.request, expires_in=round(event.expires_in),
            approved_by=list(event.approved_by), consent_again=event.again,
        )  # fmt: skip

    def _line(self, line: str, event: str, seconds: float | None = None) -> None:
        self._screen.say(f"  {line}")
        self._screen.event(event, **({} if seconds is None else {"expires_in": round(seconds)}))

    def _sleep(self, seconds: float) -> None:
        """Begin the countdown, which goes on by itself, also while a poll waits at the server; then sleep."""
        if self._live is None:
            self._live = Live(
                console=self._screen.console, get_renderable=self._countdown, refresh_per_second=1, transient=True
            )  # fmt: skip
            self._live.start()
        self._machine.sleep(seconds)

    def _countdown(self) -> Text:
        return Text(f"  waiting for approval  {left(self._ends - self._machine.monotonic())} left{self._note}")


def _qr_code(address: str) -> str:
    picture = StringIO()
    segno.make(address, micro=False).terminal(picture, compact=True, border=2)
    return picture.getvalue().rstrip("\n")
