"""
What a token endpoint answers: tokens, or a refusal.

Owns the reading of both (RFC 6749 §5), the checks on the id_token that need no key (it came straight from the token
endpoint over TLS: OpenID Connect Core §3.1.3.7), refreshing and revoking. Knows no storage. Times are lengths only, so
a server whose clock is two minutes off does not matter.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

from ostiary.client.discovery import Server
from ostiary.client.errors import (
    DeniedByPerson,
    DeniedByPolicy,
    Misused,
    NotSignedIn,
    OstiaryError,
    Refusal,
    ServerFault,
    StepUpNeeded,
    Unreachable,
    plain,
    refusal_from,
)
from ostiary.client.exchange import Answer, Call, Exchange, Lost, call, pause
from ostiary.client.proofs import Prover, proved

__all__ = [
    "LOST_LIMIT",
    "Granted",
    "give_up_after",
    "is_policy",
    "length",
    "raise_refusal",
    "read_grant",
    "redeem",
    "redeem_again",
    "refresh",
    "revoke",
]

LOST_LIMIT = 60.0
"""Seconds for which a connection may be away before we give up."""

_TOKEN_LIMIT = 32 * 1024
_DAY = 86_400.0
_BACKOFF_TOP = 8.0

# Entra's numbers for "a rule says no", which arrive under several error names (codes of the AADSTS list).
_POLICY_NUMBERS = frozenset({50005, 50097, 50105, 50129, 50131, 50155, 50158, 65001, 530035, 700213})


@dataclass(frozen=True, slots=True)
class Granted:
    """
    What a sign-in or a refresh gave.

    `expires_in` is the life of the access token and `session_expires_in` that of the whole sign-in, in seconds from
    now; None when the server does not say. `claims` are the id_token's, checked for issuer and audience; empty without
    one.
    """

    access_token: str
    expires_in: float
    scope: str
    refresh_token: str | None
    session_expires_in: float | None
    claims: Mapping[str, object]
    bound: bool = False
    """Whether the tokens count only with proofs of the key that they were asked for with (RFC 9449)."""
    approved_by: tuple[str, ...] = ()
    """Who approved the exemption that this sign-in asked for and waited for, by name."""


def redeem(
    server: Server, form: Mapping[str, str], prover: Prover | None = None, *, late: float = 0.0
) -> Exchange[Answer | Lost]:
    """Ask the token endpoint, with a proof of *prover*'s key; the answer may come so many seconds *late*."""
    asked = Call("POST", server.token_endpoint, form=form, headers={"accept": "application/json"})
    return proved(prover, replace(asked, patience=asked.patience + late))


def read_grant(
    answer: Answer, server: Server, client_id: str, asked: str, prover: Prover | None = None, *, bound: bool = False
) -> Granted:
    """
    The tokens of a 200 answer; *asked* is the scope when the server names none (RFC 6749 §5.1).

    They may be bound to *prover*'s key, and have to be when the sign-in is *bound* already. Raises ServerFault.
    """
    fields = answer.fields()
    token, kind = fields.get("access_token"), str(fields.get("token_type")).lower()
    if not _is_token(token) or kind not in (("dpop",) if bound else ("bearer", "dpop") if prover else ("bearer",)):
        raise ServerFault("the server's answer holds no token of the kind that was asked for")
    refresh_token = fields.get("refresh_token")
    return Granted(
        access_token=str(token),
        expires_in=length(fields.get("expires_in"), least=0, most=_DAY, missing=300),
        scope=plain(fields.get("scope"), 2000) or asked,
        refresh_token=str(refresh_token) if _is_token(refresh_token) else None,
        session_expires_in=_session_length(fields),
        claims=_claims(fields.get("id_token"), server, client_id),
        bound=kind == "dpop",
    )


def refresh(
    server: Server, client_id: str, refresh_token: str, scope: str, prover: Prover | None = None
) -> Exchange[Granted]:
    """
    Trade *refresh_token* for fresh tokens, with proofs of the key that it is bound to.

    A lost answer is asked for again with the same token for up to 60 s: the server gives the current head again (R6),
    nothing forks. Raises NotSignedIn when the sign-in is over, DeniedByPolicy, Unreachable.
    """
    form = _refresh_form(client_id, refresh_token, scope)
    since: float | None = None
    wait = 1.0
    while True:
        answer = yield from redeem(server, form, prover)
        if isinstance(answer, Answer) and not _passing(answer):
            break
        since = give_up_after(answer, since)
        yield from pause(wait)
        wait = min(wait * 2, _BACKOFF_TOP)
    if answer.status == 200:
        return read_grant(answer, server, client_id, scope, prover, bound=prover is not None)
    return raise_refusal(answer, otherwise=NotSignedIn)


def redeem_again(
    server: Server, client_id: str, refresh_token: str, scope: str, prover: Prover | None = None
) -> Exchange[Answer | None]:
    """One short try to get the answer to a refresh that was broken off; the 200 answer, or None."""
    form = _refresh_form(client_id, refresh_token, scope)
    headers = {"accept": "application/json"}
    asked = Call("POST", server.token_endpoint, form=form, headers=headers, patience=5.0)
    answer = yield from proved(prover, asked)
    return answer if isinstance(answer, Answer) and answer.status == 200 else None


def _refresh_form(client_id: str, refresh_token: str, scope: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client_id, "scope": scope}


def revoke(server: Server, client_id: str, token: str, hint: str) -> Exchange[bool]:
    """Give *token* back (RFC 7009); whether the server confirmed it. Never raises for what the server does."""
    if server.revocation_endpoint is None:
        return False
    form = {"token": token, "token_type_hint": hint, "client_id": client_id}
    answer = yield from call(Call("POST", server.revocation_endpoint, form=form, patience=5.0))
    return isinstance(answer, Answer) and answer.status == 200


def give_up_after(answer: Answer | Lost, since: float | None) -> float:
    """
    Since when there has been no answer. Raises Unreachable when that is more than a minute, or when waiting cannot
    help.
    """
    reason = answer.reason if isinstance(answer, Lost) else f"the server answers {answer.status}"
    began = answer.at if since is None else since
    if (isinstance(answer, Lost) and answer.final) or answer.at - began >= LOST_LIMIT:
        raise Unreachable(f"no answer from the server: {reason}")
    return began


def raise_refusal(answer: Answer, *, otherwise: type[OstiaryError]) -> NoReturn:
    """
    Raise what an error answer means; *otherwise* is the class for `invalid_grant` (or Entra's name for it) without a
    policy's number.
    """
    fields = answer.fields_or_none()
    if fields is None or not isinstance(fields.get("error"), str):
        raise ServerFault(f"the server answered {answer.status} and no reason")
    refusal = refusal_from(answer.status, fields)
    kind = _kinds(otherwise).get(refusal.error or "", ServerFault)
    if is_policy(refusal):
        kind = DeniedByPolicy
    raise kind(refusal.description or f"the server refused: {refusal.error}", refusal=refusal)


def is_policy(refusal: Refusal) -> bool:
    """Whether a refusal's numbers say that a rule decided."""
    return any(n in _POLICY_NUMBERS or 53000 <= n <= 53099 for n in refusal.numbers)


def length(value: object, *, least: float, most: float, missing: float) -> float:
    """A number of seconds from a server, kept between *least* and *most*; *missing* when it is no number."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)  # some servers send numbers as text
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return missing
    return float(min(max(value, least), most))


def _kinds(otherwise: type[OstiaryError]) -> Mapping[str, type[OstiaryError]]:
    return {
        "access_denied": DeniedByPerson,
        "authorization_declined": DeniedByPerson,
        "bad_verification_code": otherwise,
        "consent_required": DeniedByPolicy,
        "insufficient_user_authentication": StepUpNeeded,
        "interaction_required": StepUpNeeded,
        "invalid_client": Misused,
        "invalid_dpop_proof": Misused,
        "invalid_grant": otherwise,
        "invalid_request": Misused,
        "invalid_scope": Misused,
        "unauthorized_client": DeniedByPolicy,
    }


def _passing(answer: Answer) -> bool:
    """Whether an answer is a passing fault: 5xx, too many requests, or R9's word for a commit that failed."""
    if answer.status >= 500 or answer.status == 429:
        return True
    fields = answer.fields_or_none()
    return answer.status == 400 and fields is not None and fields.get("error") == "temporarily_unavailable"


def _session_length(fields: Mapping[str, object]) -> float | None:
    value = length(fields.get("ostiary_session_expires_in"), least=0, most=30 * _DAY, missing=-1)
    return None if value < 0 else value


def _is_token(value: object) -> bool:
    """Visible ASCII only: anything else could not go into a header."""
    return isinstance(value, str) and 0 < len(value) <= _TOKEN_LIMIT and all("!" <= c <= "~" for c in value)


def _claims(id_token: object, server: Server, client_id: str) -> dict[str, object]:
    if id_token is None:
        return {}
    claims = _payload(id_token)
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != server.issuer or client_id not in audiences:
        raise ServerFault("the server's id_token speaks of another issuer or another application")
    return claims


def _payload(id_token: object) -> dict[str, object]:
    parts = id_token.split(".") if isinstance(id_token, str) and len(id_token) <= _TOKEN_LIMIT else []
    try:
        if len(parts) != 3:
            raise ValueError("not three parts")
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise ServerFault("the server's id_token cannot be read")
    return claims
