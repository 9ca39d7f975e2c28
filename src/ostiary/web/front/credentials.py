"""
What a request brought to prove who asks: cookies for pages, tokens and the local door for APIs. Never both.

A cookie counts at the pages alone, so no page of another site can make a browser act at the admin API; a header or
cookie that comes twice counts as none.
"""

from dataclasses import replace

from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.tokens.caller import Credentials, identify
from ostiary.web.front.proofs import over_tls, proved_with
from ostiary.web.front.visit import LOCAL, Scope, headers, visit

__all__ = [
    "FRESH",
    "HALF",
    "HANDED",
    "KNOWN",
    "SESSION",
    "Credentials",
    "api_visit",
    "authorization",
    "cookie",
    "of_api",
    "of_page",
    "page_visit",
    "set_cookie",
    "visit_by_now",
]

SESSION = "__Host-session"
HALF = "__Host-half"
"""Between password and second factor."""
FRESH = "__Host-form"
"""Binds the forms of somebody who has no session yet."""
HANDED = "__Host-handed"
"""Held by the browser whose person gave a code back for another account of theirs (R11)."""
KNOWN = "__Host-known"
"""Marks a browser in which somebody signed in before."""


def cookie(scope: Scope, name: str) -> str:
    """The value of the cookie *name*; empty when there is none or more than one."""
    wanted = name.encode()
    found = []
    for line in headers(scope, b"cookie"):
        for pair in line.split(b";"):
            key, _, value = pair.strip().partition(b"=")
            if key == wanted:
                found.append(value)
    return found[0].decode("ascii", "replace") if len(found) == 1 else ""


def authorization(scope: Scope, scheme: str) -> str:
    """
    What follows *scheme* in the one Authorization header; empty for another scheme, none, or more than one header.
    """
    lines = headers(scope, b"authorization")
    if len(lines) != 1:
        return ""
    kind, _, value = lines[0].partition(b" ")
    return value.strip().decode("ascii", "replace") if kind.lower() == scheme.encode() else ""


def of_page(scope: Scope) -> Credentials:
    """What counts at a page: the session's cookie."""
    return Credentials(cookie=cookie(scope, SESSION))


def of_api(scope: Scope) -> Credentials:
    """
    What counts at the admin API: the local door's peer, which the server itself marked, or a token: Bearer, or DPoP
    with the proof of its key (RFC 9449 §7.1).
    """
    local = (scope.get("extensions") or {}).get(LOCAL)
    if local:
        return Credentials(local_user=str(local["user"]))
    return Credentials(bearer=authorization(scope, "bearer"), dpop=authorization(scope, "dpop"))


async def page_visit(house: House, scope: Scope, *, watching: bool = False) -> Visit:
    """
    The visit of a page's request, with its caller, and the certificate that its browser showed; a page that is only
    *watching* does not use its session.
    """
    return await identify(house, of_page(scope), over_tls(house, scope, visit(scope, house)), watching=watching)


async def visit_by_now(house: House, scope: Scope) -> Visit:
    """The visit of an answer that goes on: its caller as they are by now, which is no use of their session."""
    made = replace(visit(scope, house), now=house.clock.now())
    return await identify(house, of_page(scope), over_tls(house, scope, made), watching=True)


async def api_visit(house: House, scope: Scope) -> Visit:
    """The visit of an API request, with its caller."""
    shown = of_api(scope)
    return await identify(house, shown, proved_with(house, scope, visit(scope, house), shown.dpop))


def set_cookie(name: str, value: str, *, seconds: int | None = None) -> tuple[bytes, bytes]:
    """
    The header that sets a cookie with the attributes of R16; an empty *value* removes it. Without *seconds* it lives as
    long as the browser.
    """
    age = "; Max-Age=0" if not value else "" if seconds is None else f"; Max-Age={seconds}"
    return b"set-cookie", f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}".encode()
