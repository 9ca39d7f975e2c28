"""
An authorization request (RFC 6749 §4.1.1, OIDC Core §3.1.2.1): what it says, where it may return, and what it demands
of the person's sign-in.

Owns the matching of redirect URIs (RFC 8252 §7.3, RFC 9700 §2.1) and the order of checks: client and redirect URI
first, because only after them may an error be sent anywhere. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from urllib.parse import urlencode, urlsplit

from ostiary.core.directory.applications import Application
from ostiary.core.tokens.dpop import is_thumbprint
from ostiary.core.tokens.pkce import METHOD, is_challenge
from ostiary.core.words.instants import Instant, between, seconds
from ostiary.core.words.outcome import Reason, Refused

__all__ = [
    "AuthorizationRequest",
    "judge_confirmation",
    "judge_request",
    "must_sign_in",
    "origin_of",
    "read",
    "redirects_to",
    "response_uri",
]

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_LONGEST = {"state": 2048, "nonce": 512, "redirect_uri": 2048, "login_hint": 320}
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The parameters as they came; absent ones are empty."""

    client_id: str = ""
    redirect_uri: str = ""
    response_type: str = ""
    response_mode: str = ""
    scope: str = ""
    state: str = ""
    nonce: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""
    prompt: str = ""
    max_age: str = ""
    login_hint: str = ""
    request: str = ""
    request_uri: str = ""
    dpop_jkt: str = ""
    since: Instant | None = None
    """
    When this very request first came, as a mark of ours proves that came back with it from the sign-in page: what was
    proved after that satisfies it. Never taken from a parameter as it is.
    """

    @property
    def silent(self) -> bool:
        """Whether nothing may be shown to the person (`prompt=none`)."""
        return self.prompt == "none"


_PARAMETERS = tuple(f.name for f in fields(AuthorizationRequest) if f.name != "since")


def read(parameters: Mapping[str, str], since: Instant | None = None) -> AuthorizationRequest:
    """The request that *parameters* make; unknown ones are ignored (RFC 6749 §3.1)."""
    known = {name: parameters[name] for name in _PARAMETERS if name in parameters}
    return AuthorizationRequest(**known, since=since)


def redirects_to(application: Application, uri: str) -> bool:
    """
    Whether *uri* is one of *application*'s redirect URIs: the same string, or the same but for the port on a loopback
    address, which a native application learns only when it listens (RFC 8252 §7.3).
    """
    if not uri or len(uri) > _LONGEST["redirect_uri"] or not uri.isascii() or not uri.isprintable():
        return False
    return uri in application.redirect_uris or any(_same_loopback(one, uri) for one in application.redirect_uris)


def _same_loopback(registered: str, uri: str) -> bool:
    try:
        one, other = urlsplit(registered), urlsplit(uri)
        other_port = other.port
    except ValueError:
        return False
    if one.scheme != "http" or one.hostname not in _LOOPBACK or other_port == 0:
        return False
    host = f"[{one.hostname}]" if ":" in (one.hostname or "") else one.hostname
    authority = host if other_port is None else f"{host}:{other_port}"
    wanted = f"http://{authority}{one.path}" + (f"?{one.query}" if one.query else "")
    return uri == wanted or (not one.path and uri == f"{wanted}/")


def judge_request(request: AuthorizationRequest) -> Refused | None:
    """What is wrong with a request whose client and redirect URI are known already; told by redirect."""
    if request.response_type != "code":
        missing = Refused(Reason.INVALID_REQUEST, "The parameter response_type is missing.", field="response_type")
        return Refused(Reason.UNSUPPORTED_RESPONSE) if request.response_type else missing
    if request.response_mode not in ("", "query"):
        return Refused(Reason.INVALID_REQUEST, "Only the response mode query is supported.", field="response_mode")
    if request.request or request.request_uri:
        return Refused(Reason.INVALID_REQUEST, "Request objects are not supported.", field="request")
    if request.code_challenge_method != METHOD or not is_challenge(request.code_challenge):
        return Refused(Reason.PKCE_REQUIRED, field="code_challenge")
    if request.dpop_jkt and not is_thumbprint(request.dpop_jkt):
        return Refused(Reason.INVALID_REQUEST, "dpop_jkt is not the thumbprint of a key.", field="dpop_jkt")
    if any(len(getattr(request, name)) > longest for name, longest in _LONGEST.items()):
        return Refused(Reason.INVALID_REQUEST, "A parameter is too long.")
    return _judge_prompt(request)


def _judge_prompt(request: AuthorizationRequest) -> Refused | None:
    """OIDC Core §3.1.2.1: `none` stands alone; `max_age` is a number of seconds."""
    prompts = frozenset(request.prompt.split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        return Refused(Reason.INVALID_REQUEST, "The parameter prompt is not valid.", field="prompt")
    if request.max_age and not _NUMBER.fullmatch(request.max_age):
        return Refused(Reason.INVALID_REQUEST, "The parameter max_age is not a number of seconds.", field="max_age")
    return None


def must_sign_in(request: AuthorizationRequest, authenticated: Instant | None, now: Instant) -> bool:
    """
    Whether the person has to prove who they are first: never did, longer ago than `max_age`, or `prompt=login` asks
    for it; what was proved after this request first came (`since`) always counts.
    """
    if authenticated is None:
        return True
    if request.since is not None and authenticated >= request.since:
        return False
    if "login" in request.prompt.split():
        return True
    return bool(request.max_age) and between(authenticated, now) > seconds(int(request.max_age))


def judge_confirmation(request: AuthorizationRequest, client: Application, *, administrative: bool) -> Refused | bool:
    """
    Whether the person must say on a page that they go on (True), need not, or may not be asked (INTERACTION).

    A public client proves nothing at the token endpoint, so a link is enough to start it; where its code goes is any
    program that listens (RFC 8252 §8.6, RFC 6749 §10.2). Only `prompt=none` goes on without the page, and not to such a
    program, and not with administrative scopes.
    """
    if not client.public:
        return False
    if not request.silent:
        return True
    return Refused(Reason.INTERACTION) if administrative or _native(request.redirect_uri) else False


def _native(uri: str) -> bool:
    """Whether *uri* leads to a program on somebody's machine and not to a site: loopback or a scheme of its own."""
    parts = urlsplit(uri)
    return parts.scheme != "https" or parts.hostname in _LOOPBACK


def response_uri(request: AuthorizationRequest, issuer: str, **parameters: str) -> str:
    """
    The redirect URI with *parameters*, the request's `state`, and `iss` (RFC 9207: in every response, errors too).
    """
    given = {**parameters, **({"state": request.state} if request.state else {}), "iss": issuer}
    return f"{request.redirect_uri}{'&' if '?' in request.redirect_uri else '?'}{urlencode(given)}"


def origin_of(uri: str) -> str:
    """
    Scheme, host and port of a redirect URI, for a Content-Security-Policy; just the scheme for a private one, and for
    an IPv6 address, which a policy has no way to name (CSP3 §2.3.1, host-char).
    """
    parts = urlsplit(uri)
    named = parts.scheme in ("http", "https") and "[" not in parts.netloc
    return f"{parts.scheme}://{parts.netloc}" if named else f"{parts.scheme}:"
