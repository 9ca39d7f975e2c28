"""
Whether a ticket exists and is open: asked of the system that it is from, before anything is decided.

A checker is a function of this module and one line in `CHECKERS`; which one, and what it asks, are rules of the group.
Whatever is not a clear yes (no answer, another state, an unreadable one) is a no.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from ostiary.core.exemptions.rules import Checker
from ostiary.outside.outgoing import Answer
from ostiary.services.house import House

__all__ = ["CHECKERS", "check"]

Check = Callable[[House, Checker, str], Awaitable[bool]]


async def _http(house: House, checker: Checker, ticket: str) -> bool:
    """
    GET of the checker's address with the ticket in it (R24). A 200 counts, and where a path is named only with one of
    the states that count at that place of the JSON. The token of `ticket_token_file` goes to `ticket_host` alone.
    """
    address = checker.address.replace("{ticket}", quote(ticket, safe=""))
    headers = {"accept": "application/json"}
    settings = house.settings
    if settings.ticket_token and urlsplit(address).netloc.lower() == settings.ticket_host:
        headers["authorization"] = f"Bearer {settings.ticket_token}"
    answer = await house.outside.outgoing.ask("GET", address, headers=headers)
    if not isinstance(answer, Answer) or answer.status != 200:
        return False
    return not checker.path or _state(answer.body, checker.path) in checker.values


def _state(body: bytes, path: tuple[str, ...]) -> str | None:
    """The text that stands at *path*, in lower case."""
    try:
        place: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    for name in path:
        place = place.get(name) if isinstance(place, dict) else None
    return place.lower() if isinstance(place, str) else None


CHECKERS: Mapping[str, Check] = {"http": _http}


async def check(house: House, checker: Checker, ticket: str) -> bool:
    """Whether *checker* confirms *ticket*."""
    asked = CHECKERS.get(checker.kind)
    return asked is not None and await asked(house, checker, ticket)
