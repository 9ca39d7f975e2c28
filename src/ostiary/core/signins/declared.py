"""
What a requester says of itself when it asks for a code. Nobody checked it: the attacker is the requester (R12).

Bounded and tamed before it is kept, so that it can be shown as what it is: words of a stranger.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any
from unicodedata import category, normalize

from ostiary.core.words.instants import Span

LONGEST_MACHINE = 64  # characters
LONGEST_REASON = 200
LONGEST_REFERENCE = 64
NO_LENGTH = Span(0)


@dataclass(frozen=True, slots=True)
class Declared:
    """What came with the device authorization request beside the request itself."""

    machine: str = ""
    """The machine's name."""
    reason: str = ""
    """What the sign-in is for."""
    reference: str = ""
    """The number of a ticket, a change or an order that its person knows (M17)."""
    number: bool = False
    """That it can take a number from its person (R12)."""
    ticket: bool = False
    """Not said but shown: its start ticket was good and is spent (R22)."""
    asks: bool = False
    """That its person asks for an exemption, if they need one (R1): its application may."""
    length: Span = NO_LENGTH
    """For how long; 0: as the rules usually give."""

    def kept(self) -> str:
        """As a sign-in keeps it; nothing said is the empty text."""
        said = {name: value for name, value in asdict(self).items() if value}
        return json.dumps(said) if said else ""

    @classmethod
    def of(cls, kept: str) -> "Declared":
        """Read `kept`."""
        if not kept:
            return NOTHING
        said: dict[str, Any] = json.loads(kept)
        return cls(**said)


NOTHING = Declared()


def declared(
    *, machine: str, reason: str, reference: str = "", number: bool = False, ticket: bool = False, asks: bool = False,
    length: Span = NO_LENGTH,
) -> Declared:  # fmt: skip
    """
    The parameters `ostiary_machine`, `ostiary_reason` and `ostiary_reference`, tamed, and what else it says and showed.
    """
    said = plain(machine, LONGEST_MACHINE), plain(reason, LONGEST_REASON), plain(reference, LONGEST_REFERENCE)
    return Declared(*said, number, ticket, asks, length if asks else NO_LENGTH)


def plain(text: str, longest: int) -> str:
    """
    *text* on one line of at most *longest* characters: nothing invisible, nothing that turns the direction, no heaps of
    marks on one letter, no run of blanks that pushes words out of sight.
    """
    shown: list[str] = []
    for character in normalize("NFC", text[: 4 * longest]):
        mark = category(character).startswith("M")
        if mark and (not shown or category(shown[-1]).startswith("M")):
            continue
        shown.append(character if character.isprintable() else " ")
    return " ".join("".join(shown).split())[:longest].rstrip()
