"""
Token exchange for workloads: what a request must say, and whether a subject token counts (RFC 8693 §2, RFC 7523 §3).

Owns the parameters of both forms in which workloads ask (RFC 8693's own, and Entra's `client_credentials` with the
token of another issuer as the assertion), the bounds of a subject token, and which scopes a trust gives. What an
application trusts stands in `core/directory/trusts.py`; keys and their fetching are not known here. Pure.
"""

from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from types import MappingProxyType

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.directory.trusts import Trust, trusting
from ostiary.core.tokens import scopes
from ostiary.core.tokens.assertions import SKEW, TYPE, Assertion, times
from ostiary.core.tokens.clients import Once
from ostiary.core.words.digests import keyed
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant, after, from_seconds, hours, minutes, to_seconds
from ostiary.core.words.outcome import Reason, Refused

__all__ = [
    "ACCESS_TOKEN", "CREDENTIALS", "EXCHANGE", "LIFETIME", "NO_TRUST", "asked", "complaint", "foreign", "once",
    "permitted", "trusted",
]  # fmt: skip

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
CREDENTIALS = "client_credentials"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
SUBJECT_TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")

LIFETIME = minutes(10)
"""The longest that what a workload gets lives; there is nothing to renew it with."""
LONGEST_SUBJECT = hours(24)
"""Of a subject token: GitHub's live for minutes, GitLab's as long as the job, Kubernetes' for hours."""

NO_TRUST = "No trust of this application fits the token: its issuer, subject, audience or another claim differs."
"""One sentence for all of it: everybody can get a signed token of a public forge."""


def asked(
    *, subject_type: str, requested: str, actor: str, assertion_type: str, exchange: bool
) -> Refused | None:  # fmt: skip
    """What is wrong with the parameters beside the tokens (RFC 8693 §2.1; RFC 7521 §4.2)."""
    if not exchange:
        fine = assertion_type == TYPE
        return None if fine else _wrong("client_assertion_type", f"It must be {TYPE}.")
    if subject_type not in SUBJECT_TYPES:
        return _wrong("subject_token_type", f"It must be {SUBJECT_TYPES[0]}.")
    if requested not in ("", ACCESS_TOKEN):
        return _wrong("requested_token_type", "Only access tokens are given.")
    return _wrong("actor_token", "Nobody acts for somebody else here.") if actor else None


def _wrong(field: str, detail: str) -> Refused:
    return Refused(Reason.INVALID_REQUEST, detail, field=field)


def foreign(application: Application | None, token: Assertion) -> tuple[Trust, ...]:
    """The trusts of *application* in the issuer that *token* says it has: no other issuer is ever asked for keys."""
    issuer = token.claims.get("iss")
    return tuple(one for one in application.trusts if one.issuer == issuer) if application is not None else ()


def complaint(token: Assertion, now: Instant) -> str:
    """
    What is wrong with the times of *token*, in one public sentence; empty when nothing is.

    Beside `exp` it must say since when it counts: a token that was never dated could be of any age.
    """
    if "iat" not in token.claims:
        return "The subject token needs iat."
    wrong = times(token.claims, LONGEST_SUBJECT, now)
    if wrong:
        return wrong.replace("The assertion", "The subject token", 1)
    lasting = token.claims["exp"] - token.claims["iat"]
    return "" if 0 < lasting <= to_seconds(LONGEST_SUBJECT) else "The subject token must not live for over a day."


def trusted(application: Application, token: Assertion) -> Trust | None:
    """The trust that *token* fits in every part."""
    return trusting(application.trusts, token.claims)


def once(token: Assertion, trust: Trust) -> Once:
    """
    By what it is known again: its `jti`, or what was signed where it has none of a usual length (the signature itself
    can be written in two ways). Counts as one whatever application it is shown to.
    """
    jti = token.claims.get("jti")
    named = isinstance(jti, str) and 0 < len(jti) <= 256
    name = f"jti {jti}" if named else f"signed {urlsafe_b64encode(sha256(token.signed).digest()).decode()}"
    ends = after(from_seconds(token.claims["exp"]), SKEW)
    return Once(keyed(b"subject-token", trust.issuer, name), ends, again=trust.again)


def permitted(
    picture: Picture, client: Application, trust: Trust, *, text: str, audience: str
) -> scopes.Asked | Refused:
    """
    What of *text*, the `scope` parameter, *trust* gives: application permissions, whatever people consented to.

    *audience* (RFC 8693 `audience` or `resource`) names the resource where *text* does not. Where neither does, it is
    the one that the trust is for. Reasons: those of `scopes.parse`, INVALID_REQUEST where the two differ.
    """
    given = _given(picture, trust)
    wanted = text.strip() or _default(picture, given, audience)
    if not wanted:
        return Refused(Reason.INVALID_SCOPE, "Name the resource: this trust is for several, or for none any more.")
    own = {(client.id, resource): names for resource, names in given.items()}
    found = scopes.parse(
        wanted, replace(picture, consents=MappingProxyType(own)), client=client, device=False
    )  # fmt: skip
    if isinstance(found, Refused):
        return found
    if not found.scopes:
        return Refused(Reason.NO_CONSENT)
    named = picture.resource(audience) if audience else found.resource
    if named is None or named.id != found.resource.id:
        return _wrong("audience", "scope and audience name different resources.")
    return replace(found, openid=frozenset())  # there is no person that these could be about


def _given(picture: Picture, trust: Trust) -> dict[AppId, frozenset[str]]:
    """What *trust* gives, by resource. The admin API is no workload's, whatever is written there (R3)."""
    given: dict[AppId, frozenset[str]] = {}
    for scope in trust.scopes:
        identifier, _, name = scope.rpartition("/")
        resource = picture.resource(identifier)
        if resource is not None and resource.enabled and not resource.admin_api:
            given[resource.id] = given.get(resource.id, frozenset()) | {name}
    return given


def _default(picture: Picture, given: dict[AppId, frozenset[str]], audience: str) -> str:
    if audience:
        return f"{audience}/.default"
    return f"{next(iter(given))}/.default" if len(given) == 1 else ""
