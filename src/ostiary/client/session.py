"""
Using a sign-in: a token that is fresh enough, whoever else uses the same record at the same time; and the end of it.

Renewing happens under the profile's lock: who waited for it reads the record again and takes what the one before got
(R6 lets all go on even if two did it at once). What was got is kept before it is used. `Session` performs these
exchanges for programs; the command line uses it too.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import httpx

from ostiary.client.cache import Access, Cache, SignIn
from ostiary.client.certificate import ClientCertificate, tls_context
from ostiary.client.discovery import Server
from ostiary.client.drive import http_client, http_client_async, run, run_async
from ostiary.client.errors import NotSignedIn, OstiaryError, StorageFailed
from ostiary.client.exchange import Exchange
from ostiary.client.proofs import Prover
from ostiary.client.tokens import Granted, read_grant, redeem_again, refresh, revoke

__all__ = ["NotKept", "Session", "drop", "end", "fresh", "give_back", "keep", "record_of"]

MARGIN = 60.0
"""Seconds before its end from which on an access token is renewed: R8 mints none with less."""

_MOST_ACCESS = 20  # access tokens kept for different resources


def record_of(
    granted: Granted,
    server: Server,
    *,
    address: str,
    client_id: str,
    asked: str,
    how: str,
    now: float,
    prover: Prover | None = None,
    pair: ClientCertificate | None = None,
) -> SignIn:
    """
    The record of a new sign-in, with *prover*'s key if it is bound and the names of *pair*'s files; *now* is the wall
    clock at the answer.
    """
    session = granted.session_expires_in
    return SignIn(
        address=address,
        issuer=server.issuer,
        token_endpoint=server.token_endpoint,
        revocation_endpoint=server.revocation_endpoint,
        client_id=client_id,
        scope=asked,
        how=how,
        signed_in_at=now,
        ends_at=None if session is None else now + session,
        username=_text(granted, "preferred_username"),
        name=_text(granted, "name"),
        refresh_token=granted.refresh_token,
        access=(_access(granted, asked, now),),
        key=prover.secret() if prover is not None and granted.bound else None,
        certificate=pair.certificate if pair is not None else None,
        certificate_key=pair.key if pair is not None else None,
    )


def keep(cache: Cache, sign_in: SignIn) -> Exchange[SignIn | None]:
    """Keep a new sign-in; the one that it replaces, so that it can be given back. Raises StorageFailed."""
    with (yield from cache.locked()):
        try:
            before = cache.load()
        except StorageFailed:
            before = None  # what cannot be read is replaced
        cache.save(sign_in, after=before)
    return before


def fresh(
    cache: Cache, scope: str | None = None, *, need: float = MARGIN, refused: str | None = None
) -> Exchange[Access]:
    """
    An access token for *scope* (the sign-in's own by default), renewed when it would live for less than *need* seconds.

    *refused* is a token that a server did not take: it is not given again. Raises NotSignedIn, DeniedByPolicy,
    Unreachable, StorageFailed, and of these NotKept with the token in it: it can still be used once.
    """
    held = _held(cache)
    found = _usable(held, scope, need, refused, cache)
    if found is not None:
        return found
    with (yield from cache.locked()):
        held = _held(cache)
        found = _usable(held, scope, need, refused, cache)
        return found if found is not None else (yield from _renewed(cache, held, scope))


def drop(cache: Cache, token: str) -> Exchange[None]:
    """Forget one access token that a server did not take; the next one is fresh. Raises StorageFailed."""
    with (yield from cache.locked()):
        held = cache.load()
        if held is None:
            return
        others = tuple(access for access in held.access if access.token != token)
        if len(others) < len(held.access):
            cache.save(replace(held, access=others), after=held)


def end(cache: Cache) -> Exchange[bool | None]:
    """
    Forget the sign-in here and give it back to the server (RFC 7009).

    Whether the server confirmed; None when there was nothing to give back. Raises StorageFailed.
    """
    with (yield from cache.locked()):
        try:
            held = cache.load()
        except StorageFailed:
            held = None
        cache.forget()
    return None if held is None else (yield from give_back(held))


def give_back(held: SignIn) -> Exchange[bool]:
    """Have the server end *held*, which nobody uses any more; whether it confirmed."""
    if held.refresh_token is None:
        return False
    return (yield from revoke(_server(held), held.client_id, held.refresh_token, "refresh_token"))


class Session:
    """The sign-in of one profile, for programs: tokens that are always fresh, for threads and for asyncio."""

    def __init__(
        self,
        cache: Cache,
        *,
        http: Callable[[], httpx.Client] | None = None,
        http_async: Callable[[], httpx.AsyncClient] | None = None,
    ) -> None:
        self.cache = cache
        self._http = http
        self._http_async = http_async

    def token(self, scope: str | None = None, *, need: float = MARGIN, refused: str | None = None) -> Access:
        """See `fresh`."""
        exchange = fresh(self.cache, scope, need=need, refused=refused)
        with self._http() if self._http is not None else http_client(self._pair()) as http:
            return run(exchange, http=http, machine=self.cache.machine)

    async def token_async(
        self, scope: str | None = None, *, need: float = MARGIN, refused: str | None = None
    ) -> Access:
        """See `fresh`."""
        exchange = fresh(self.cache, scope, need=need, refused=refused)
        async with self._http_async() if self._http_async is not None else http_client_async(self._pair()) as http:
            return await run_async(exchange, http=http, machine=self.cache.machine)

    def prover(self) -> Prover | None:
        """What proves the key that the tokens are bound to; None when they are not. Raises StorageFailed."""
        held = self.cache.load()
        return None if held is None else self.cache.prover(held)

    def tls(self) -> ssl.SSLContext:
        """
        What a client of one's own verifies servers with (``httpx.Client(verify=session.tls(), auth=…)``): it shows the
        certificate that the sign-in came with, if any. Raises StorageFailed, Misused.
        """
        return tls_context(self._pair())

    def _pair(self) -> ClientCertificate | None:
        held = self.cache.load()
        return None if held is None else held.pair


def _held(cache: Cache) -> SignIn:
    held = cache.load()
    if held is None:
        raise NotSignedIn("nobody is signed in here", next_step="ostiary login")
    return held


def _usable(held: SignIn, scope: str | None, need: float, refused: str | None, cache: Cache) -> Access | None:
    asked, now = scope or held.scope, cache.machine.wall()
    for access in held.access:
        if access.asked == asked and access.token != refused and access.expires_at - now >= need:
            return access
    return None


def _renewed(cache: Cache, held: SignIn, scope: str | None) -> Exchange[Access]:
    asked = scope or held.scope
    if held.refresh_token is None:
        raise NotSignedIn("the sign-in is over and cannot be renewed", next_step="ostiary login")
    try:
        granted = yield from refresh(_server(held), held.client_id, held.refresh_token, asked, cache.prover(held))
    except NotSignedIn as fault:
        if type(fault) is NotSignedIn:  # the server says that it is over; a step-up leaves it alive
            cache.forget()
            fault.next_step = "ostiary login"
        raise
    except (OstiaryError, GeneratorExit):
        raise
    except BaseException:
        yield from _rescue(cache, held, held.refresh_token, asked)
        raise
    access = _access(granted, asked, cache.machine.wall())
    _keep_renewed(cache, held, granted, access)
    return access


def _rescue(cache: Cache, held: SignIn, refresh_token: str, asked: str) -> Exchange[None]:
    """
    Somebody broke off (Ctrl-C, cancellation) while the answer was on its way: the server may have rotated already, and
    a minute later the old token would look stolen (R6). So it is asked for once more, shortly, and kept.
    """
    prover = cache.prover(held)
    answer = yield from redeem_again(_server(held), held.client_id, refresh_token, asked, prover)
    with suppress(OstiaryError):
        if answer is not None:
            bound = prover is not None
            granted = read_grant(answer, _server(held), held.client_id, asked, prover, bound=bound)
            _keep_renewed(cache, held, granted, _access(granted, asked, cache.machine.wall()))


def _keep_renewed(cache: Cache, held: SignIn, granted: Granted, access: Access) -> None:
    now = cache.machine.wall()
    others = [a for a in held.access if a.asked != access.asked and a.expires_at > now]
    session = granted.session_expires_in
    newer = replace(
        held,
        refresh_token=granted.refresh_token or held.refresh_token,
        ends_at=held.ends_at if session is None else now + session,
        access=(access, *others[: _MOST_ACCESS - 1]),
    )
    try:
        cache.save(newer, after=held)
    except StorageFailed as fault:
        raise NotKept(fault.message, access) from fault


class NotKept(StorageFailed):
    """Fresh tokens could not be kept; `access` can still be used by this command."""

    def __init__(self, message: str, access: Access) -> None:
        super().__init__(message)
        self.access = access


def _server(held: SignIn) -> Server:
    return Server(held.issuer, held.token_endpoint, revocation_endpoint=held.revocation_endpoint)


def _access(granted: Granted, asked: str, now: float) -> Access:
    return Access(granted.access_token, granted.scope, asked, now + granted.expires_in)


def _text(granted: Granted, claim: str) -> str | None:
    value = granted.claims.get(claim)
    return value[:200] if isinstance(value, str) else None
