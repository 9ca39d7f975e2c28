"""
What every part of the state machine stands on: a house, the ledger beside it, and whom and which a step takes.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition

from ostiary.core.directory.people import Role
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.instants import Instant, Span
from ostiary.core.words.visit import Visit
from tests.services.door import Door
from tests.services.ledger import Ledger
from tests.web.oauth.site import ALICE, BOB

T = TypeVar("T")

PEOPLE = st.sampled_from([ALICE, BOB])
LENGTHS = st.sampled_from([5, 6, 20, 45, 120])
"""Minutes: shorter than a token, than an idle end, than neither."""
ELSEWHERE = {"network": "192.0.2.0/24"}
WHICH = st.sampled_from([0, 0, 0, 0, 1, 1, 2, 3])
"""Of a list, counted from the latest: what has just begun is gone on with more often than not."""
RIGHT = st.sampled_from([True, True, True, False])
"""Whether the person is the one whose it is."""


def some(kind: str) -> Any:
    """A precondition: there is one of the ledger's *kind*."""
    return precondition(lambda machine: getattr(machine.ledger, kind))


class Base(RuleBasedStateMachine):
    """One house, two people, as many machines as there are starts."""

    def __init__(self) -> None:
        """Nothing has happened."""
        super().__init__()
        self.folder = TemporaryDirectory()
        self.door = Door(Path(self.folder.name))
        self.ledger = Ledger([ALICE, BOB])

    def now(self) -> Instant:
        """The present, a moment later each time: no two things happen at once."""
        self.door.clock.move(Span(1000))
        return self.door.clock.now()

    def administrator(self) -> Visit:
        """Somebody else, who administers, and has just proved it in a browser (R3)."""
        caller = Caller(
            CallerKind.USER, "root", "root", Origin.BROWSER, roles=frozenset({Role.ADMINISTRATOR}),
            amr=("pwd", "otp", "mfa"), authenticated_at=self.door.clock.now(),
        )  # fmt: skip
        return self.door.visit(caller)


def latest(items: list[T], which: int) -> T:
    """The last of *items*, or one of those before it."""
    return items[-1 - which % len(items)]


def position(items: list[T], item: T) -> int:
    """How `latest` finds *item*."""
    return len(items) - 1 - next(at for at, each in enumerate(items) if each is item)
