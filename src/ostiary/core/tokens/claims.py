"""
What our tokens say: the claims of access tokens (RFC 9068), id tokens (OIDC Core §2) and `client_info`.

Owns names, values and ends of claims (R3, R8, R20). Knows no key and no storage: values in, JSON bytes out.
"""

from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from ostiary.core.access.picture import Organisation
from ostiary.core.directory.applications import Application
from ostiary.core.directory.people import User
from ostiary.core.words.caller import Origin
from ostiary.core.words.ids import SessionId
from ostiary.core.words.instants import Instant, Span, after, minutes, to_seconds

__all__ = [
    "LONGEST_TOKEN",
    "SHORTEST_LEFT",
    "SHORTEST_TOKEN",
    "Subject",
    "Workload",
    "access_token",
    "client_info",
    "expiry",
    "id_token",
    "issuer",
    "workload_token",
]

SHORTEST_LEFT = minutes(1)  # R8: nothing is minted with less
SHORTEST_TOKEN = minutes(2)  # R8
LONGEST_TOKEN = minutes(60)  # R8; also how long a key must stay published after its last signature

_VERSION = "2.0"
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class Subject:
    """All that both tokens of one answer share."""

    origin: str
    """``https://host[:port]`` of the service."""
    organisation: Organisation
    user: User
    client: Application
    session: SessionId
    session_origin: Origin
    authenticated: Instant
    amr: tuple[str, ...]
    now: Instant
    expires: Instant


@dataclass(frozen=True, slots=True)
class Workload:
    """What a token says about a workload: there is no person."""

    origin: str
    organisation: Organisation
    client: Application
    session: SessionId
    vouched: str
    """Subject of the token that it exchanged, as its issuer says it."""
    now: Instant
    expires: Instant


def issuer(origin: str, organisation: Organisation) -> str:
    """`iss`: always the GUID's, whatever name was asked with (R20)."""
    return f"{origin}/{organisation.tenant}/v2.0"


def expiry(now: Instant, lifetime: Span, *ends: Instant) -> Instant | None:
    """
    When a token minted at *now* ends: after *lifetime* (kept between 2 and 60 minutes), and never after any of *ends*
    (R8).

    Whole seconds, rounded down, as a NumericDate is: never later than any of them. None when less than a minute would
    be left.
    """
    kept = min(max(lifetime, SHORTEST_TOKEN), LONGEST_TOKEN)
    latest = min(after(now, Span(kept)), *ends)
    whole = Instant(to_seconds(latest) * 1_000_000)
    return whole if whole - now >= SHORTEST_LEFT else None


def access_token(
    subject: Subject,
    resource: Application,
    scopes: tuple[str, ...],
    openid: frozenset[str],
    *,
    jti: str,
    cnf: Mapping[str, str] | None = None,
) -> bytes:
    """
    The payload of an access token (RFC 9068 §2.2) for *resource*.

    `scp` holds the resource's scopes; OpenID's too where the resource is our own API, which answers at userinfo.
    *cnf* names the key that it is bound to (RFC 9449 §6.1, RFC 8705 §3.1).
    """
    claims = _common(subject)
    claims["aud"] = resource.identifier_uris[0] if resource.identifier_uris else resource.id
    claims["azp"] = claims["client_id"] = subject.client.id
    claims["jti"] = jti
    claims["sid"] = subject.session
    claims["scp"] = " ".join((*scopes, *sorted(openid - {"offline_access"})) if resource.admin_api else scopes)
    claims["ostiary_origin"] = subject.session_origin.value
    if cnf is not None:
        claims["cnf"] = cnf
    return orjson.dumps(claims)


def workload_token(
    workload: Workload, resource: Application, scopes: tuple[str, ...], *, jti: str, cnf: Mapping[str, str] | None
) -> bytes:
    """
    The payload of a workload's access token: Entra's app-only token (`idtyp`, `roles` and no `scp`, the application's
    object id as `sub` and `oid`), so that a resource that looks for a person's scopes finds none.
    """
    client, now = workload.client, to_seconds(workload.now)
    claims: dict[str, object] = {
        "iss": issuer(workload.origin, workload.organisation),
        "iat": now,
        "nbf": now,
        "exp": to_seconds(workload.expires),
        "sub": client.object_id,
        "oid": client.object_id,
        "tid": workload.organisation.tenant,
        "aud": resource.identifier_uris[0] if resource.identifier_uris else resource.id,
        "azp": client.id,
        "client_id": client.id,
        "jti": jti,
        "sid": workload.session,
        "idtyp": "app",
        "roles": list(scopes),
        "ver": _VERSION,
        "ostiary_origin": Origin.WORKLOAD.value,
        "ostiary_workload": workload.vouched,
    }
    if cnf is not None:
        claims["cnf"] = cnf
    if workload.organisation.sample:
        claims["ostiary_sample"] = True  # R18
    return orjson.dumps(claims)


def id_token(subject: Subject, openid: frozenset[str], *, nonce: str | None) -> bytes:
    """
    The payload of an id token for the client itself (OIDC Core §2; `tid`, `oid`, `ver` as Entra's clients expect
    them).
    """
    claims = _common(subject)
    user = subject.user
    claims["aud"] = subject.client.id
    claims["sid"] = subject.session
    claims["preferred_username"] = user.principal_name
    claims["name"] = user.display_name
    if user.mail and "email" in openid:  # OIDC Core §5.4
        claims["email"] = user.mail
    if nonce is not None:
        claims["nonce"] = nonce
    return orjson.dumps(claims)


def client_info(user: User, organisation: Organisation) -> str:
    """MSAL's account id: base64url without padding of ``{"uid": oid, "utid": tid}``."""
    raw = orjson.dumps({"uid": user.id, "utid": organisation.tenant})
    return b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def _common(subject: Subject) -> dict[str, object]:
    """
    `sub` is the object id: one organisation, one service, so a name per client (pairwise) would hide nothing from
    anybody.
    """
    now = to_seconds(subject.now)
    claims: dict[str, object] = {
        "iss": issuer(subject.origin, subject.organisation),
        "iat": now,
        "nbf": now,
        "exp": to_seconds(subject.expires),
        "sub": subject.user.id,
        "oid": subject.user.id,
        "tid": subject.organisation.tenant,
        "auth_time": to_seconds(subject.authenticated),
        "amr": list(subject.amr),
        "ver": _VERSION,
    }
    if subject.organisation.sample:
        claims["ostiary_sample"] = True  # R18: a token of the sample organisation says so
    return claims
