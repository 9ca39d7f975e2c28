"""
Start tickets: a person says in the browser, before a machine asks, that they are about to sign it in (R22; RFC 10027
§6.1, M15).

The machine brings the ticket with its request; the code that it gets can be claimed by that person alone, so that one
which somebody else started is of no use to anybody. A ticket is typed, like a user code, and longer: ten letters, at
most `MOST` of a person, ten minutes, one use. One guess hits with at most 2^-24.6 while 400,000 are open (R10).
"""

from ostiary.core.directory.credentials import Rule
from ostiary.core.signins.user_code import ALPHABET, normal
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import minutes

LENGTH = 10
LIFETIME = minutes(10)
MOST = 3
"""Unspent ones of one person."""
ENROLMENT = AppId("enrolment")
"""What stands for an application where a machine asks to be admitted to the inventory."""
KEY = "start-tickets"  # purpose of the key under which they are kept

WRONG = Rule(minutes(10), 5, minutes(15))
"""Wrong tickets of one source (IPv4 /32, IPv6 /64) close it to tickets."""

__all__ = [
    "ALPHABET",
    "ENROLMENT",
    "KEY",
    "LENGTH",
    "LIFETIME",
    "MOST",
    "WRONG",
    "normal",
    "purpose",
]


def purpose(client: AppId) -> str:
    """A ticket is for one application, or for enrolling a machine: kept as the purpose of a one-time code."""
    return f"start_ticket:{client}"
