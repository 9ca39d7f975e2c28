"""
Asking upstream OpenID Connect providers: discovery, keys, tokens (OpenID Connect Discovery §4, Core §3.1.3, §12).

Owns the requests, by the one client of R24, and what is remembered of a provider's documents; checks signatures. What a
signed word must say is decided in `core/tokens/upstream`. Secrets of clients live here and go nowhere else.
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from ostiary.core.tokens.upstream import Provider
from ostiary.core.words.instants import Instant, between, hours, seconds
from ostiary.core.words.jose import decode
from ostiary.outside.clock import Clock
from ostiary.outside.issuer_keys import IssuerKey, read_keys
from ostiary.outside.outgoing import Answer, Outgoing, Trouble, Unanswered

__all__ = ["Connection", "Denied", "Metadata", "Tokens", "Upstream"]

DISCOVERY = "/.well-known/openid-configuration"
KEEP = hours(1)
"""How long a document is believed before it is fetched again."""
STALE = hours(12)
"""How long it still serves while the provider cannot be asked."""
PAUSE = seconds(10)
"""Between two fetches that an unknown key or a failure causes: tokens of strangers must not become requests."""
LONGEST_TOKEN = 16_384  # characters of a signed token
FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Connection:
    """How we stand with one provider: its rules, and our client's secret there (empty: a public client)."""

    provider: Provider
    secret: str = field(default="", repr=False)
    basic: bool = True
    """Whether the secret goes in the Authorization header (`client_secret_basic`) or in the form (`…_post`)."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says of itself (Discovery §3)."""

    authorization: str
    token: str
    keys: str
    says_issuer: bool
    """`authorization_response_iss_parameter_supported` (RFC 9207 §3): every answer names it."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave; texts are empty where there was none."""

    id_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Denied:
    """The provider's no. `final`: it is about the person's grant (`invalid_grant`), not about us or the weather."""

    error: str
    final: bool


@dataclass(slots=True)
class _Known:
    """What is remembered of one provider."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    metadata: Metadata | None = None
    metadata_at: Instant = Instant(0)
    failed: Unanswered | None = None
    """What the last fetch of the metadata came to, where that was nothing."""
    failed_at: Instant = Instant(0)
    keys: tuple[IssuerKey, ...] = ()
    keys_at: Instant | None = None
    keys_tried: Instant | None = None


class Upstream:
    """The configured providers, by name."""

    def __init__(self, outgoing: Outgoing, clock: Clock, connections: tuple[Connection, ...] = ()) -> None:
        """Asks nobody yet."""
        self._outgoing, self._clock = outgoing, clock
        self._connections = {one.provider.name: one for one in connections}
        self._known = {name: _Known() for name in self._connections}
        self.providers: Mapping[str, Provider] = {name: one.provider for name, one in self._connections.items()}

    async def metadata(self, name: str) -> Metadata | Unanswered:
        """What the provider *name* says of itself; an earlier answer serves for a while where there is none now."""
        provider, known, now = self.providers[name], self._known[name], self._clock.steady()
        async with known.lock:
            if known.metadata is not None and between(known.metadata_at, now) < KEEP:
                return known.metadata
            if known.failed is None or between(known.failed_at, now) >= PAUSE:
                found = await self._document(provider.issuer.rstrip("/") + DISCOVERY)
                fresh = _metadata(provider, found) if isinstance(found, dict) else None
                if fresh is not None:
                    known.metadata, known.metadata_at, known.failed = fresh, now, None
                    return fresh
                broken = Unanswered(Trouble.BROKEN, _host(provider.issuer))
                known.failed, known.failed_at = found if isinstance(found, Unanswered) else broken, now
            if known.metadata is not None and between(known.metadata_at, now) < STALE:
                return known.metadata
            return known.failed

    def page(self, metadata: Metadata, asked: Mapping[str, str]) -> str:
        """The address of the provider's page for the authorization request *asked* (RFC 6749 §4.1.1)."""
        sign = "&" if "?" in metadata.authorization else "?"
        return f"{metadata.authorization}{sign}{urlencode(asked)}"

    async def exchange(self, name: str, *, code: str, verifier: str, redirect_uri: str) -> Tokens | Denied | Unanswered:
        """Redeem an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier,
        }  # fmt: skip
        return await self._tokens(name, form)

    async def renew(self, name: str, refresh_token: str) -> Tokens | Denied | Unanswered:
        """Use a refresh token (RFC 6749 §6): whether the person is still one of the provider's."""
        return await self._tokens(name, {"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def claims(self, name: str, token: str) -> Mapping[str, Any] | None:
        """
        What *token* says, if the provider *name* signed it with an algorithm that is allowed; None otherwise. A key
        that is not known yet is looked for once: providers change theirs.
        """
        signed = _signed(token)
        if signed is None or signed.header.get("alg") not in self.providers[name].algorithms:
            return None
        await self.metadata(name)  # where the keys are
        kid = signed.header.get("kid")
        for fetch in (False, True):
            for key in await self._keys(name, kid, fetch=fetch):
                if key.made(str(signed.header["alg"]), signed.text, signed.signature):
                    return _object(signed.payload)
        return None

    # ---- asking

    async def _tokens(self, name: str, form: Mapping[str, str]) -> Tokens | Denied | Unanswered:
        metadata = await self.metadata(name)
        if isinstance(metadata, Unanswered):
            return metadata
        connection = self._connections[name]
        headers, fields = dict(FORM), dict(form)
        client = connection.provider.client_id
        if connection.secret and connection.basic:  # RFC 6749 §2.3.1: each part encoded as in a form
            pair = f"{quote(client, safe='')}:{quote(connection.secret, safe='')}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            fields["client_id"] = client
            if connection.secret:
                fields["client_secret"] = connection.secret
        came = await self._outgoing.ask("POST", metadata.token, headers=headers, body=urlencode(fields).encode())
        return _tokens(came, metadata.token)

    async def _document(self, url: str) -> dict[str, Any] | Unanswered:
        came = await self._outgoing.ask("GET", url, headers={"accept": "application/json"})
        if isinstance(came, Unanswered):
            return came
        document = _object(came.body) if came.status == 200 else None
        return Unanswered(Trouble.BROKEN, _host(url)) if document is None else document

    async def _keys(self, name: str, kid: object, *, fetch: bool) -> tuple[IssuerKey, ...]:
        """The published keys called *kid* (all, where it is None); *fetch* them anew if none was right."""
        known, now = self._known[name], self._clock.steady()
        async with known.lock:
            age = None if known.keys_at is None else between(known.keys_at, now)
            rested = known.keys_tried is None or between(known.keys_tried, now) >= PAUSE
            if rested and (fetch or age is None or age >= KEEP):
                await self._fetch_keys(known, now)
            if known.keys_at is None or between(known.keys_at, now) >= STALE:
                return ()
        return tuple(key for key in known.keys if kid is None or key.kid == kid)

    async def _fetch_keys(self, known: _Known, now: Instant) -> None:
        if known.metadata is None:
            return
        known.keys_tried = now
        came = await self._outgoing.ask("GET", known.metadata.keys, headers={"accept": "application/json"})
        keys = read_keys(came.body) if isinstance(came, Answer) and came.status == 200 else None
        if keys is not None:
            known.keys, known.keys_at = keys, now


def _metadata(provider: Provider, document: Mapping[str, Any]) -> Metadata | None:
    """Only a document that calls itself by the very issuer that was configured (Discovery §4.3)."""
    if document.get("issuer") != provider.issuer:
        return None
    places = [document.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if not all(isinstance(place, str) and place.startswith(("https://", "http://")) for place in places):
        return None
    authorization, token, keys = map(str, places)
    # People are sent to the first by their browser: in plain HTTP only where the whole provider is (R24 lists it).
    if not authorization.startswith("https://") and provider.issuer.startswith("https://"):
        return None
    return Metadata(
        authorization, token, keys, document.get("authorization_response_iss_parameter_supported") is True
    )  # fmt: skip


def _tokens(came: Answer | Unanswered, url: str) -> Tokens | Denied | Unanswered:
    if isinstance(came, Unanswered):
        return came
    document = _object(came.body)
    # A yes has an access token (RFC 6749 §5.1); there are providers that say no with 200, and pages of proxies.
    if came.status == 200 and document is not None and document.get("access_token"):
        id_token, refresh = document.get("id_token", ""), document.get("refresh_token", "")
        if isinstance(id_token, str) and isinstance(refresh, str):
            return Tokens(id_token, refresh)
    error = document.get("error") if document is not None and came.status in (400, 401, 403) else None
    if isinstance(error, str):
        return Denied(error[:64], error in ("invalid_grant", "interaction_required", "login_required"))
    return Unanswered(Trouble.BROKEN, _host(url))


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = orjson.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


@dataclass(frozen=True, slots=True)
class _Signed:
    """A compact JWS (RFC 7515 §7.1), its signature unproved."""

    header: Mapping[str, Any]
    payload: bytes
    text: bytes
    signature: bytes


def _signed(token: str) -> _Signed | None:
    parts = token.split(".") if len(token) <= LONGEST_TOKEN else []
    raws = [decode(part) for part in parts]
    if len(raws) != 3 or raws[0] is None or raws[1] is None or raws[2] is None:
        return None
    header = _object(raws[0])
    if header is None or "crit" in header:  # RFC 7515 §4.1.11: we know of no extension
        return None
    return _Signed(header, raws[1], f"{parts[0]}.{parts[1]}".encode(), raws[2])


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
