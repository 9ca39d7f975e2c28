"""
Signing in with a browser on this machine: authorization code with PKCE and a loopback redirect (RFC 6749 §4.1, RFC
7636, RFC 8252).

Owns what is sent, and what is believed of the browser's return: our own `state`, the `iss` of RFC 9207, one code. Opens
no browser and no port; `drive` does.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from ostiary.client.discovery import Server
from ostiary.client.errors import DeniedByPerson, Misused, NotSignedIn, ServerFault, TimedOut
from ostiary.client.exchange import Answer, Call, Event, Exchange, answered, await_arrival, listen, tell
from ostiary.client.proofs import Prover, proved
from ostiary.client.tokens import Granted, raise_refusal, read_grant
from ostiary.core.words.digests import same

__all__ = ["REDIRECT_PATH", "BrowserWanted", "Request", "sign_in_by_browser"]

REDIRECT_PATH = ""
"""Our redirect URI is `http://127.0.0.1` with whatever port is free (RFC 8252 §7.3): no path."""

WAIT = 300.0


@dataclass(frozen=True, slots=True)
class BrowserWanted(Event):
    """Open *address* in a browser on this machine."""

    address: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for; `max_age` (seconds) asks for a sign-in that is not older (OpenID Connect Core §3.1.2.1)."""

    client_id: str
    scope: str
    max_age: int | None = None
    login_hint: str | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What ties the browser's return to this request: 256 random bits each."""

    state: str
    verifier: str
    nonce: str


def sign_in_by_browser(
    server: Server, request: Request, random: Callable[[int], bytes], prover: Prover | None = None
) -> Exchange[Granted]:
    """
    One browser sign-in from the address to the tokens, bound to *prover*'s key; `BrowserWanted` is told in between.

    Raises TimedOut when nobody comes back, DeniedByPerson, DeniedByPolicy, ServerFault when what comes back is not
    ours, Unreachable, Misused.
    """
    if server.authorization_endpoint is None:
        raise Misused("this server does not offer sign-in with a browser")
    secrets = _Secrets(_text(random(32)), _text(random(32)), _text(random(32)))
    redirect = yield from listen(REDIRECT_PATH)
    yield from tell(BrowserWanted(_address(server.authorization_endpoint, request, secrets, redirect, prover)))
    query = yield from await_arrival(request.timeout or WAIT, secrets.state)
    code = _code(server, query, secrets)
    return (yield from _redeem(server, request, secrets, redirect, code, prover))


def _address(endpoint: str, request: Request, secrets: _Secrets, redirect: str, prover: Prover | None) -> str:
    query = {
        "response_type": "code",
        "client_id": request.client_id,
        "redirect_uri": redirect,
        "scope": request.scope,
        "state": secrets.state,
        "nonce": secrets.nonce,
        "code_challenge": _text(hashlib.sha256(secrets.verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    if request.max_age is not None:
        query["max_age"] = str(request.max_age)
    if request.login_hint:
        query["login_hint"] = request.login_hint
    if prover is not None:
        query["dpop_jkt"] = prover.jkt  # RFC 9449 §10: the code is worth nothing to another key
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def _code(server: Server, query: Mapping[str, str] | None, secrets: _Secrets) -> str:
    """The authorization code of the browser's return, after every check that it is the answer to our request."""
    if query is None:
        raise TimedOut("nobody came back from the browser in time")
    if not same(query.get("state", ""), secrets.state):
        raise ServerFault("the browser came back with an answer to another request; nothing was accepted")
    issuer = query.get("iss")
    if (issuer is not None or server.names_issuer) and issuer != server.issuer:
        raise ServerFault("the browser came back from another server (RFC 9207); nothing was accepted")
    if "error" in query:
        raise_refusal(Answer(0.0, 400, _json(query)), otherwise=DeniedByPerson)
    if not query.get("code"):
        raise ServerFault("the browser came back without a code")
    return query["code"]


def _redeem(
    server: Server, request: Request, secrets: _Secrets, redirect: str, code: str, prover: Prover | None
) -> Exchange[Granted]:
    """A code is good once, so a lost answer cannot be asked for again: the person signs in anew."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect,
        "client_id": request.client_id,
        "code_verifier": secrets.verifier,
    }
    asked = Call("POST", server.token_endpoint, form=form, headers={"accept": "application/json"})
    answer = answered(asked, (yield from proved(prover, asked)))
    if answer.status != 200:
        return raise_refusal(answer, otherwise=NotSignedIn)
    granted = read_grant(answer, server, request.client_id, request.scope, prover)
    if granted.claims and not same(str(granted.claims.get("nonce", "")), secrets.nonce):
        raise ServerFault("the id_token answers another request (its nonce is not ours)")
    return granted


def _json(query: Mapping[str, str]) -> bytes:
    return json.dumps(
        {name: query[name] for name in ("error", "error_description", "error_uri") if name in query}
    ).encode()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
