"""
The one issuer: what a live session gets, signed.

Owns lifetimes as they end up in tokens (R8) and which of the three tokens an answer holds. Pure of storage: called
inside a deed's body, before the commit, with all it needs; the refresh token is made by whoever keeps its number.
Knows no grant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application
from ostiary.core.directory.people import User
from ostiary.core.tokens import claims
from ostiary.core.tokens.binding import confirmation
from ostiary.core.tokens.scopes import Asked, answer_text
from ostiary.core.tokens.session import Session
from ostiary.core.words.instants import Instant, Span, between, to_seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.house import House

__all__ = ["Issued", "issue", "issue_workload"]


@dataclass(frozen=True, slots=True)
class Issued:
    """A token answer (RFC 6749 §5.1)."""

    access_token: str = field(repr=False)
    id_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: int
    """Seconds."""
    scope: str
    jti: str
    """The access token's id, for the journal."""
    expires: Instant
    session_expires_in: int
    """Seconds until what stands behind the session ends, however often it is refreshed."""
    client_info: str | None = None
    token_type: str = "Bearer"
    issued_token_type: str | None = None
    """What it is, where the client could have asked for something else (RFC 8693 §2.2.1)."""
    told: Mapping[str, object] = field(default_factory=dict, hash=False)
    """More for the client, under names of ours (``ostiary_…``)."""


def issue(
    house: House,
    picture: Picture,
    visit: Visit,
    session: Session,
    *,
    client: Application,
    resource: Application,
    scopes: tuple[str, ...],
    openid: frozenset[str],
    user: User,
    ends: Instant,
    words: tuple[str, ...] = (),
    nonce: str | None = None,
    refresh_token: str | None = None,
    client_info: bool = False,
    longest: Span | None = None,
) -> Issued | Refused:
    """
    Sign the tokens of one answer.

    *ends* is when what stands behind the session (its exemption) ends; tokens end no later than that, than the
    session, than the client's lifetime (R8) and than *longest*. *words* are the scopes as they were asked for, told
    back.
    EXEMPTION_ENDED or SESSION_ENDED when under a minute would be left.
    """
    lifetime = client.token_lifetime if longest is None else min(client.token_lifetime, longest)
    expires = claims.expiry(visit.now, lifetime, ends, session.ends)
    if expires is None:
        return Refused(Reason.EXEMPTION_ENDED if ends < session.ends or session.exemption else Reason.SESSION_ENDED)
    subject = claims.Subject(
        house.settings.origin,
        picture.organisation,
        user,
        client,
        session.id,
        session.origin,
        session.authenticated,
        session.amr,
        visit.now,
        expires,
    )
    jti = house.random.guid()
    signing = house.keyring.signing(client.signing, visit.now)
    return Issued(
        access_token=signing.sign_access(
            claims.access_token(subject, resource, scopes, openid, jti=jti, cnf=confirmation(session.bound))
        ),
        id_token=signing.sign_id(claims.id_token(subject, openid, nonce=nonce)) if "openid" in openid else None,
        refresh_token=refresh_token if "offline_access" in openid else None,
        expires_in=to_seconds(between(visit.now, expires)),
        scope=answer_text(resource, scopes, openid, words),
        jti=jti,
        expires=expires,
        session_expires_in=to_seconds(between(visit.now, min(ends, session.ends))),
        client_info=claims.client_info(user, picture.organisation) if client_info else None,
        token_type="DPoP" if session.jkt else "Bearer",
    )


def issue_workload(
    house: House, picture: Picture, visit: Visit, session: Session, *, client: Application, asked: Asked, vouched: str,
    issued_type: str | None,
) -> Issued | Refused:  # fmt: skip
    """
    Sign a workload's one token. It lives as long as its session, which nothing renews; SESSION_ENDED when under a
    minute would be left. *vouched* is the subject of the token that was exchanged.
    """
    expires = claims.expiry(visit.now, client.token_lifetime, session.ends)
    if expires is None:
        return Refused(Reason.SESSION_ENDED)
    workload = claims.Workload(
        house.settings.origin, picture.organisation, client, session.id, vouched, visit.now, expires
    )
    jti = house.random.guid()
    cnf = confirmation(session.bound)
    payload = claims.workload_token(workload, asked.resource, asked.scopes, jti=jti, cnf=cnf)
    lasts = to_seconds(between(visit.now, expires))
    return Issued(
        access_token=house.keyring.signing(client.signing, visit.now).sign_access(payload),
        id_token=None,
        refresh_token=None,
        expires_in=lasts,
        scope=answer_text(asked.resource, asked.scopes, frozenset(), asked.words),
        jti=jti,
        expires=expires,
        session_expires_in=lasts,
        token_type="DPoP" if session.jkt else "Bearer",
        issued_token_type=issued_type,
    )
