"""
What ties a request to its person by something that both know from elsewhere (RFC 10027 §6.1, M17): the reference (a
ticket's number) or the name of the machine. The requester says it at the start; the person types it at the page, which
does not show it before, and shows nothing else that the requester said.

Neither is a secret, and the attacker is the requester (R12): whoever talks a person into typing a code may tell them
the datum as well. It disrupts, and it makes the person look at their machine.
"""

from collections.abc import Mapping
from enum import StrEnum
from unicodedata import normalize

from ostiary.core.access.controls import confirmations
from ostiary.core.access.decision import Decision
from ostiary.core.directory.applications import Application
from ostiary.core.directory.credentials import Rule
from ostiary.core.signins.declared import Declared
from ostiary.core.signins.signin import SignIn
from ostiary.core.words.digests import digest, same
from ostiary.core.words.instants import hours


class Datum(StrEnum):
    """What is typed. The values stand in rows, sessions and the journal."""

    REFERENCE = "reference"
    MACHINE = "machine"


PARAMETERS: Mapping[Datum, str] = {Datum.REFERENCE: "ostiary_reference", Datum.MACHINE: "ostiary_machine"}
"""Where the requester says it."""
CONTROLS: Mapping[Datum, str] = {Datum.REFERENCE: confirmations.REFERENCE, Datum.MACHINE: confirmations.MACHINE}
"""The controls by which policy demands it."""
TRIES = Rule(hours(24), 3, hours(24))
"""The third wrong one ends the sign-in, whoever typed them (no sign-in lives so long)."""

_LONGEST = 128  # characters looked at


def normal(text: str) -> str:
    """*text* as it is compared: letters and digits only, whatever their case and width (``inc 4412`` is INC-4412)."""
    return "".join(c for c in normalize("NFKC", text[:_LONGEST]).casefold() if c.isalnum())


def offered(said: Declared) -> tuple[Datum, ...]:
    """What of it the requester said."""
    return tuple(datum for datum in Datum if normal(getattr(said, datum)))


def required(application: Application) -> tuple[Datum, ...]:
    """What the registration demands."""
    demands = {Datum.REFERENCE: application.reference_binding, Datum.MACHINE: application.machine_binding}
    return tuple(datum for datum, need in demands.items() if need == "required")


def lacking(application: Application, said: Declared) -> tuple[Datum, ...]:
    """What the registration demands and the requester did not say: it cannot be typed any more."""
    return tuple(datum for datum in required(application) if datum not in offered(said))


def awaited(application: Application, signin: SignIn, decision: Decision) -> tuple[Datum, ...]:
    """What the person has to type before they can approve: by registration, or because a policy demands it."""
    by_rule = required(application)
    return tuple(
        datum
        for datum in offered(signin.declared)
        if datum not in signin.matched and (datum in by_rule or CONTROLS[datum] in decision.missing)
    )


def typed(signin: SignIn, datum: Datum) -> bool | None:
    """The fact as policies see it: typed, not yet, or None for "the requester did not say it"."""
    if datum in signin.matched:
        return True
    return False if datum in offered(signin.declared) else None


def fits(said: Declared, datum: Datum, answer: str) -> bool:
    """
    Whether *answer* is what the requester said; of a machine the first part of its name is enough. Digests are
    compared, for they are of one length: the time tells nothing.
    """
    held = str(getattr(said, datum))
    forms = (held, held.partition(".")[0] if datum is Datum.MACHINE else held)
    given = normal(answer)
    answers = [same(digest(normal(form)), digest(given)) for form in forms]
    return bool(given) and True in answers
