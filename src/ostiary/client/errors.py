"""
What can go wrong on the headless side: one tree, drawn at the top of this file.

    OstiaryError                 1   unexpected
    ├── Misused                  2   a flag, a setting or a name is wrong
    ├── NotSignedIn              3   no sign-in, or it is over
    │   ├── EndsTooSoon          3   it will not last as long as was required
    │   └── StepUpNeeded         3   a younger or stronger sign-in is asked for (RFC 9470)
    ├── DeniedByPolicy           4   a rule says no
    ├── DeniedByPerson           5   the person, or an approver, said no
    ├── TimedOut                 6   nobody answered in time
    │   └── CodeExpired          6   the code is over; a new one may be asked for
    ├── ServerFault              7   the server answered with a fault, or with something that is no answer
    │   └── Unreachable          7   no connection, or not one that can be trusted
    ├── Conflict                 8   somebody else decided first
    └── StorageFailed            9   what was got could not be kept

Each class has a stable `code` for programs and an `exit` status for shells. Text from a server is cleaned here
(`plain`) before anybody prints it. The table of exit statuses is `Exit`; docs/cli.md shows the same and a test compares
them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

__all__ = [
    "CodeExpired",
    "Conflict",
    "DeniedByPerson",
    "DeniedByPolicy",
    "EndsTooSoon",
    "Exit",
    "Misused",
    "NotSignedIn",
    "OstiaryError",
    "Refusal",
    "ServerFault",
    "StepUpNeeded",
    "StorageFailed",
    "TimedOut",
    "Unreachable",
    "plain",
    "refusal_from",
]

TEXT_LIMIT = 512
"""Characters of one text from a server that are kept."""

# What Entra's clients want at the end of a description. The reference says it once, in a line of its own.
_TRAILER = re.compile(r"\s+Trace ID: \S+\s+Correlation ID: .*$")

# Control characters (C0, DEL, C1), and the marks that turn the reading direction: a terminal would obey them.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


class Exit(IntEnum):
    """The exit statuses of the program; the only place where they are numbers."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_SIGNED_IN = 3
    DENIED_BY_POLICY = 4
    DENIED_BY_PERSON = 5
    TIMED_OUT = 6
    SERVER = 7
    CONFLICT = 8
    STORAGE = 9
    DIFFERENCES = 10
    UNSAFE = 11
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    A refusal as the server words it: the error answer of RFC 6749 §5.2 with what Ostiary and Entra add.

    Every text is printable and at most 512 characters; a missing one is None.
    """

    status: int
    error: str | None = None
    description: str | None = None
    suberror: str | None = None
    reference: str | None = None
    error_uri: str | None = None
    rule: str | None = None
    numbers: tuple[int, ...] = ()


class OstiaryError(Exception):
    """The root. `refusal` is what the server said, if it said something; `next_step` is what the person can do now."""

    code: ClassVar[str] = "unexpected"
    exit: ClassVar[Exit] = Exit.UNEXPECTED

    def __init__(self, message: str, *, refusal: Refusal | None = None, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.refusal = refusal
        self.next_step = next_step


class Misused(OstiaryError):
    """A flag, a setting or a name is wrong; nothing was done."""

    code = "usage"
    exit = Exit.USAGE


class NotSignedIn(OstiaryError):
    """There is no sign-in, or the server says that it is over."""

    code = "not_signed_in"
    exit = Exit.NOT_SIGNED_IN


class EndsTooSoon(NotSignedIn):
    """There is a sign-in, but it ends before the time that was required (or nobody can say when it ends)."""

    code = "ends_too_soon"


class StepUpNeeded(NotSignedIn):
    """The server asks for a younger or stronger sign-in (RFC 9470), or for one made in a browser."""

    code = "step_up_needed"


class DeniedByPolicy(OstiaryError):
    """A rule of the organisation says no."""

    code = "denied_by_policy"
    exit = Exit.DENIED_BY_POLICY


class DeniedByPerson(OstiaryError):
    """A person said no."""

    code = "denied_by_person"
    exit = Exit.DENIED_BY_PERSON


class TimedOut(OstiaryError):
    """Nobody answered in the time that was given."""

    code = "timed_out"
    exit = Exit.TIMED_OUT


class CodeExpired(TimedOut):
    """The code is over; the person may want a new one."""

    code = "code_expired"


class ServerFault(OstiaryError):
    """The server failed, or answered something that is no answer."""

    code = "server"
    exit = Exit.SERVER


class Unreachable(ServerFault):
    """No connection, or none that can be trusted."""

    code = "unreachable"


class Conflict(OstiaryError):
    """Somebody else decided first."""

    code = "conflict"
    exit = Exit.CONFLICT


class StorageFailed(OstiaryError):
    """Something that was got could not be kept."""

    code = "storage"
    exit = Exit.STORAGE


def plain(value: object, limit: int = TEXT_LIMIT) -> str | None:
    """*value* as one printable line of at most *limit* characters; None when it is no text or an empty one."""
    if not isinstance(value, str):
        return None
    return _UNPRINTABLE.sub(" ", value[: limit * 2]).strip()[:limit] or None


def refusal_from(status: int, body: Mapping[str, object]) -> Refusal:
    """Read an OAuth error answer (RFC 6749 §5.2) leniently: fields of another type count as absent."""
    return Refusal(
        status=status,
        error=plain(body.get("error"), 80),
        description=_TRAILER.sub("", plain(body.get("error_description")) or "") or None,
        suberror=plain(body.get("suberror"), 80),
        reference=plain(body.get("correlation_id"), 80) or plain(body.get("trace_id"), 80),
        error_uri=_address(body.get("error_uri")),
        rule=_names(body.get("ostiary_rules")),
        numbers=_numbers(body.get("error_codes")),
    )


def _address(value: object) -> str | None:
    text = plain(value, 1000)
    return text if text and text.startswith(("https://", "http://")) and " " not in text else None


def _names(value: object) -> str | None:
    names = [plain(item, 120) for item in value[:5]] if isinstance(value, list) else []
    return ", ".join(name for name in names if name) or None


def _numbers(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(item for item in value[:10] if isinstance(item, int) and not isinstance(item, bool))
