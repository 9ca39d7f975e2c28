"""
The words of notices: what a matter is, and how its moments and lengths are written for people. Pure.

Text that people typed goes to the person whom it concerns alone, and only where it is plain: a reason with a link in it
would be a way to send links under our name. Mail and chats make links of bare names of hosts, too, so those are broken.
"""

import re
from dataclasses import dataclass

from ostiary.core.words.instants import Instant, Span, to_datetime

__all__ = ["Matter", "Words", "length_of", "moment_of", "plain", "why"]

_LONGEST = 200  # characters of a reason
_MARKS = ("://", "www.", "<", ">", "](", "@here", "@channel", "@everyone", "@all", "mailto:", "tel:")
_DOT = re.compile(r"(?<=\w)[.\uff0e\u3002\uff61](?=\w*[^\W\d_]{2})")  # and what browsers take for one (UTS 46 §4)


@dataclass(frozen=True, slots=True)
class Matter:
    """What a notice speaks of, as it is when it is written. Empty: not known, or not of this kind."""

    who: str = ""
    """Principal name of the person whom it concerns."""
    actor: str = ""
    """Who did it: a principal name, or the name of a job or of somebody at the local door."""
    length: Span = Span(0)
    ends: Instant = Instant(0)
    """When it ends, lapses, or (approved and not begun) has to be used."""
    waits: bool = False
    """Approved, and the clock starts with the first sign-in."""
    reason: str = ""
    """What somebody typed about it."""
    cause: str = ""
    """Why an exemption ended, in a word of the journal."""
    extends: bool = False
    """The request makes a running exemption longer."""
    alert: str = ""
    """What an alert is about, in its stable word."""
    said: str = ""
    """Its sentence, which may name what people named."""
    checkpoint: str = ""
    """Of the journal, signed: lines of its own."""


@dataclass(frozen=True, slots=True)
class Words:
    """One notice for people: a line, and a few sentences. No markup."""

    title: str
    text: str


def moment_of(moment: Instant) -> str:
    """``14:05 UTC on 28 November 2026``."""
    at = to_datetime(moment)
    return f"{at:%H:%M} UTC on {at.day} {at:%B %Y}"


def length_of(span: Span) -> str:
    """``2 h``, ``45 min``, ``1 h 30 min``."""
    total = span // 60_000_000
    parts = [f"{count} {unit}" for count, unit in ((total // 60, "h"), (total % 60, "min")) if count]
    return " ".join(parts) or "less than a minute"


def plain(text: str) -> str:
    """
    *text* as one line of at most 200 characters, with ``evil[.]example`` for hosts; empty where it could be read as a
    link or as markup.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return "" if any(mark in line.lower() for mark in _MARKS) else _DOT.sub("[.]", line)[:_LONGEST]


def why(text: str) -> str:
    """`` The reason: …``, or nothing."""
    line = plain(text)
    return f" The reason: {line}" if line else ""
