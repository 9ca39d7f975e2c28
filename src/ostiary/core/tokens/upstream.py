"""
Sign-in through an upstream OpenID Connect provider: whom the house believes, what its word must say, what that proves.

Owns the rules for an ID token and a logout token after their signature was checked (OpenID Connect Core §3.1.3.7,
Back-Channel Logout §2.6), the mapping of `acr` and `amr` to our own, that of groups, and how long a provider's last yes
counts. Nothing is proved that no mapping names: a provider that says *mfa* says it in its own words (0053).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ostiary.core.access.strengths import Strength
from ostiary.core.directory.people import FEDERATED
from ostiary.core.words.digests import same
from ostiary.core.words.ids import GroupId
from ostiary.core.words.instants import Instant, Span, after, between, from_seconds, minutes, seconds

__all__ = [
    "ASKED_FOR",
    "Flaw",
    "Logout",
    "Match",
    "Proof",
    "Provider",
    "Statement",
    "fresh",
    "mapped_groups",
    "match_name",
    "proved",
    "read_id_token",
    "read_logout_token",
    "vouched_until",
]

LEEWAY = minutes(1)
"""How far another's clock may be from ours."""
OLDEST = minutes(10)
"""An ID token or logout token that was made longer ago than this was not made for us now."""
ASKED_FOR = minutes(10)
"""How long somebody may take at the provider."""
MOST_GROUPS = 1000
LONGEST = 255  # characters of a subject (Core §2) and of every other text that is read
BACK_CHANNEL = "http://schemas.openid.net/event/backchannel-logout"


class Match(StrEnum):
    """By which claim a person is recognised the first time, where the provider speaks for their domain."""

    EMAIL = "email"
    """Counts only with `email_verified`."""
    PREFERRED_USERNAME = "preferred_username"
    """Counts only because the operator says that this provider gives such names to nobody else."""


class Flaw(StrEnum):
    """Why the word of a provider does not count. The value stands in the journal."""

    SHAPE = "shape"
    """A claim is missing, or of another kind than it must be."""
    ISSUER = "issuer"
    AUDIENCE = "audience"
    PARTY = "authorized_party"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    NONCE = "nonce"
    SUBJECT = "subject"
    """Somebody else than the one who was asked about."""
    GROUPS = "groups"
    """There are too many groups to say them, so nobody knows which ones."""
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class Proof:
    """One line of the mapping: *claim* (`acr`, or `amr` as one of its values) that says *value* gives *strength*."""

    claim: str
    value: str
    strength: Strength


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider that the organisation believes, as its operator configured it. Holds no secret."""

    name: str
    """In paths: lower-case letters, digits and hyphens."""
    title: str
    """What the button says."""
    issuer: str
    client_id: str
    scopes: tuple[str, ...] = ("openid", "profile", "email", "offline_access")
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    domains: tuple[str, ...] = ()
    """Domains that it alone gives names in; empty: it recognises nobody by a name."""
    match: Match = Match.EMAIL
    create: bool = False
    """Whether somebody of `domains` who is not known yet gets an account."""
    proofs: tuple[Proof, ...] = ()
    acr_values: tuple[str, ...] = ()
    """What to ask the provider for."""
    groups_claim: str = "groups"
    groups: Mapping[str, GroupId] = field(default_factory=dict)
    """Value of that claim → a group of ours."""
    rechecked: bool = True
    """Whether it is asked again and again if the person is still one of its own."""
    recheck: Span = seconds(30)
    grace: Span = minutes(5)
    """How long its last yes counts while it cannot be asked."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a provider said of a person, in an ID token that counts."""

    issuer: str
    subject: str
    session: str = ""
    """`sid`: its own session, which it may end by back-channel logout."""
    authenticated: Instant | None = None
    """`auth_time`; None where it does not say."""
    acr: str = ""
    amr: tuple[str, ...] = ()
    email: str = ""
    email_verified: bool = False
    preferred_username: str = ""
    display_name: str = ""
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Logout:
    """What a logout token ends: one session of the provider, or all of a person where `session` is empty."""

    subject: str
    session: str
    id: str
    """`jti`."""
    ends: Instant
    """Until when it must be remembered, so that it does not count twice."""


def read_id_token(
    provider: Provider, claims: Mapping[str, Any], *, now: Instant, nonce: str | None, subject: str | None = None
) -> Statement | Flaw:
    """
    The statement in *claims*, whose signature is right (Core §3.1.3.7). *nonce* is ours; None for the ID token of a
    refresh, which may have none and must be about *subject* (Core §12.2).
    """
    flaw = _flaw(provider, claims, now)
    if flaw is not None:
        return flaw
    if nonce is not None and not (isinstance(claims.get("nonce"), str) and same(claims["nonce"], nonce)):
        return Flaw.NONCE
    name = claims.get("sub")
    if not isinstance(name, str) or not name or len(name) > LONGEST:
        return Flaw.SHAPE
    if subject is not None and name != subject:
        return Flaw.SUBJECT
    groups, authenticated = _groups(provider, claims), claims.get("auth_time")
    if isinstance(groups, Flaw):
        return groups
    if authenticated is not None and not _is_time(authenticated):
        return Flaw.SHAPE
    amr = claims.get("amr", [])
    return Statement(
        provider.issuer, name, _text(claims.get("sid")),
        None if authenticated is None else min(from_seconds(authenticated), now),
        _text(claims.get("acr")), _texts(amr if isinstance(amr, list) else [amr]),
        _text(claims.get("email")), claims.get("email_verified") is True, _text(claims.get("preferred_username")),
        _text(claims.get("name")), groups,
    )  # fmt: skip


def read_logout_token(provider: Provider, claims: Mapping[str, Any], *, now: Instant) -> Logout | Flaw:
    """What a logout token ends, whose signature is right (Back-Channel Logout §2.6, but for its replay)."""
    flaw = _flaw(provider, claims, now, ends="exp" in claims)
    if flaw is not None:
        return flaw
    events = claims.get("events")
    if "nonce" in claims or not isinstance(events, dict) or not isinstance(events.get(BACK_CHANNEL), dict):
        return Flaw.SHAPE
    subject, session, id = (_text(claims.get(name)) for name in ("sub", "sid", "jti"))
    if not id or not (subject or session):
        return Flaw.SHAPE
    return Logout(subject, session, id, after(now, Span(OLDEST + 2 * LEEWAY)))


def _flaw(provider: Provider, claims: Mapping[str, Any], now: Instant, *, ends: bool = True) -> Flaw | None:
    """What is wrong with who says it, to whom, and when."""
    if claims.get("iss") != provider.issuer:
        return Flaw.ISSUER
    said = claims.get("aud")
    audience = said if isinstance(said, list) else [said]
    if provider.client_id not in audience:
        return Flaw.AUDIENCE
    party = claims.get("azp")
    if (party is not None or len(audience) > 1) and party != provider.client_id:
        return Flaw.PARTY
    times = ("exp", "iat") if ends else ("iat",)
    if not all(_is_time(claims.get(name)) for name in times) or not _is_time(claims.get("nbf", 0)):
        return Flaw.SHAPE
    if ends and now >= after(from_seconds(claims["exp"]), LEEWAY):
        return Flaw.EXPIRED
    made = from_seconds(claims["iat"])
    if between(made, now) > OLDEST:
        return Flaw.EXPIRED
    return Flaw.NOT_YET if max(made, from_seconds(claims.get("nbf", 0))) > after(now, LEEWAY) else None


def _groups(provider: Provider, claims: Mapping[str, Any]) -> frozenset[str] | Flaw:
    """
    The groups that are said. Where they are too many, Entra says where to ask instead (`_claim_names`, `hasgroups`): a
    mapping that cannot be followed must not look like one that names nobody.
    """
    if not provider.groups:
        return frozenset()
    elsewhere = claims.get("_claim_names")
    if claims.get("hasgroups") or (isinstance(elsewhere, dict) and provider.groups_claim in elsewhere):
        return Flaw.GROUPS
    said = claims.get(provider.groups_claim, [])
    if not isinstance(said, list):
        return Flaw.SHAPE
    return Flaw.GROUPS if len(said) > MOST_GROUPS else frozenset(_texts(said))


def mapped_groups(provider: Provider, statement: Statement) -> frozenset[GroupId]:
    """The groups of ours that the statement puts somebody into."""
    return frozenset(group for value, group in provider.groups.items() if value in statement.groups)


def match_name(provider: Provider, statement: Statement) -> str:
    """
    The name by which somebody may be recognised the first time, in lower case; empty where the statement has none that
    counts: unverified, or in a domain that the provider does not speak for.
    """
    if provider.match is Match.EMAIL:
        name = statement.email if statement.email_verified else ""
    else:
        name = statement.preferred_username
    local, _, domain = name.lower().rpartition("@")
    whole = bool(local) and "@" not in local and name.isascii()
    return f"{local}@{domain}" if whole and domain in provider.domains else ""


def proved(provider: Provider, statement: Statement) -> tuple[str, ...]:
    """
    Our own `amr` for what the provider said: that somebody else vouches, and what the mapping makes of `acr` and `amr`.
    Without a line that fits, it was one step of two.
    """
    found = {
        proof.strength
        for proof in provider.proofs
        if (proof.value == statement.acr if proof.claim == "acr" else proof.value in statement.amr)
    }
    if Strength.PHISHING_RESISTANT in found:
        return (FEDERATED, "pop", "mfa")
    return (FEDERATED, "mfa") if Strength.MFA in found else (FEDERATED,)


def fresh(statement: Statement, asked: Instant) -> bool:
    """Whether the person proved themselves after they were *asked* to: the provider must say when they did."""
    return statement.authenticated is not None and statement.authenticated >= after(asked, Span(-LEEWAY))


def vouched_until(provider: Provider, confirmed: Instant) -> Instant:
    """Until when a yes that came at *confirmed* counts."""
    return after(confirmed, Span(provider.recheck + provider.grace))


def _is_time(value: object) -> bool:
    """Seconds since 1970; some providers write them with a fraction."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1 << 40


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= LONGEST else ""


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(text for text in map(_text, values) if text)
