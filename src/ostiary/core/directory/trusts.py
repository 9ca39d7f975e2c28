"""
Whom an application trusts to speak for its workloads: Graph's `federatedIdentityCredential`, with bounded patterns.

A *trust* names one issuer, one subject, one audience and what the workload may do. Its subject, and any claim beside
it, is exact or holds a `*`, which stands for one or more characters but never for `/` or `:`. A subject spells out at
least its first three parts (`repo:owner/name:…`), so that no pattern trusts a whole forge. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused

__all__ = ["MOST_TRUSTS", "Trust", "amended", "fits", "made", "read", "shown", "trusting", "written"]

MOST_TRUSTS = 20
"""Of one application; Graph's limit."""
LONGEST = 600
"""Characters of an issuer, a subject, an audience or a claim; Graph's limit."""
MOST_CLAIMS = 10
MOST_SCOPES = 20
WHOLE_PARTS = 3
"""Parts that stand before the one with the first `*` of a subject: kind, owner, name."""
MOST_WILD = 2

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,119}", re.ASCII)
_CLAIM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:-]{0,119}", re.ASCII)
_PART = re.compile(r"[/:]")
_OWN = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
"""Claims that have rules of their own."""


@dataclass(frozen=True, slots=True)
class Trust:
    """One trusted issuer and subject of an application."""

    id: str
    name: str
    """Unique in the application, and never changed."""
    issuer: str
    subject: str
    audience: str
    scopes: tuple[str, ...]
    """What it gives: application permissions as ``{identifier of the resource}/{scope}``."""
    claims: tuple[tuple[str, str], ...] = ()
    """Names and patterns of other claims, all of which must fit; sorted."""
    again: bool = False
    """Whether one subject token may come several times, from one place: in files it is renewed by the hour."""
    description: str = ""
    created: Instant = Instant(0)
    changed: Instant = Instant(0)
    """What it gave before is over."""


def written(trust: Trust) -> dict[str, Any]:
    """As the registration stores it."""
    return {field.name: getattr(trust, field.name) for field in fields(Trust)}


def read(document: Mapping[str, Any]) -> Trust:
    """Read `written`, after a turn through JSON. Raises TypeError for what this version does not know."""
    claims = tuple((name, value) for name, value in document["claims"])
    return Trust(**{**document, "claims": claims, "scopes": tuple(document["scopes"])})


def shown(trust: Trust) -> dict[str, Any]:
    """As entries show it: JSON values only; nothing of a trust is secret."""
    plain = {**written(trust), "claims": dict(trust.claims), "scopes": list(trust.scopes)}
    return {name: plain[name] for name in plain if name not in ("created", "changed")}


# ---- saving


def made(
    old: tuple[Trust, ...], wish: Mapping[str, Any], *, id: str, audience: str, host: str, now: Instant
) -> Trust | Refused:
    """
    A new trust beside *old*, checked as a whole; *audience* stands for one that is not named, *host* is our own, whose
    tokens are never taken.

    Refused: INVALID_VALUE with the field, WRONG_STATE for too many, CONFLICT for a name or a subject that is there.
    """
    if len(old) >= MOST_TRUSTS:
        return Refused(Reason.WRONG_STATE, f"An application has at most {MOST_TRUSTS} trusts.")
    empty = Trust(id, str(wish.get("name", "")), "", "", audience, (), created=now, changed=now)
    return _checked(old, _with(empty, wish), host)


def amended(
    old: tuple[Trust, ...], trust: Trust, wish: Mapping[str, Any], *, host: str, now: Instant
) -> Trust | Refused:
    """*trust* with what *wish* says; what it gave so far is over when that changes anything. Refused as `made`."""
    new = _with(trust, {key: value for key, value in wish.items() if key != "name"})
    if new == trust:
        return trust
    return _checked(tuple(one for one in old if one.id != trust.id), replace(new, changed=now), host)


def _with(trust: Trust, wish: Mapping[str, Any]) -> Trust:
    plain = ("issuer", "subject", "again", "description")
    values: dict[str, Any] = {name: wish[name] for name in plain if name in wish}
    if wish.get("audiences") is not None:
        values["audience"] = "\n".join(wish["audiences"])  # one is asked for: two never pass the check
    if "scopes" in wish:
        values["scopes"] = tuple(dict.fromkeys(wish["scopes"]))
    if "claims" in wish:
        values["claims"] = tuple(sorted((entry["name"], entry["value"]) for entry in wish["claims"]))
    return replace(trust, **values)


def _checked(others: tuple[Trust, ...], new: Trust, host: str) -> Trust | Refused:
    wrong = next(filter(None, (check(new, host) for check in _CHECKS)), None)
    if wrong is not None:
        return wrong
    if any(one.name.lower() == new.name.lower() for one in others):
        return Refused(Reason.CONFLICT, "A trust of this name is there already.", field="name")
    if any((one.issuer, one.subject, one.claims) == (new.issuer, new.subject, new.claims) for one in others):
        return Refused(Reason.CONFLICT, "This issuer and subject are trusted already.", field="subject")
    return new


def _bad(field: str, detail: str) -> Refused:
    return Refused(Reason.INVALID_VALUE, detail, field=field)


def _plain(text: str) -> bool:
    """Printable ASCII, within bounds: nothing that looks like something else."""
    return 0 < len(text) <= LONGEST and text.isascii() and text.isprintable()


def _named(new: Trust, host: str) -> Refused | None:
    fine = _NAME.fullmatch(new.name) is not None
    return None if fine else _bad("name", "3 to 120 letters, digits, dots and dashes.")


def _issued(new: Trust, host: str) -> Refused | None:
    try:
        parts = urlsplit(new.issuer)
        name, _ = parts.hostname, parts.port
    except ValueError:
        return _bad("issuer", "An https address is needed.")
    odd = not _plain(new.issuer) or any(mark in new.issuer for mark in "?#@\\* ")
    if odd or parts.scheme != "https" or not name:
        return _bad("issuer", "An https address is needed, as the tokens say it: no query, no fragment, no wildcard.")
    return _bad("issuer", "Our own tokens are not exchanged.") if name == host else None


def _subjected(new: Trust, host: str) -> Refused | None:
    if not _plain(new.subject) or new.subject != new.subject.strip():
        return _bad("subject", f"1 to {LONGEST} printable ASCII characters.")
    if "*" not in new.subject:
        return None
    whole = [part for part in _PART.split(new.subject[: new.subject.index("*")])[:-1] if part]
    if len(whole) < WHOLE_PARTS:
        return _bad(
            "subject",
            f"The first {WHOLE_PARTS} parts stand without `*`, as in `repo:owner/name:ref:refs/heads/*`: "
            "anything wider would trust everybody who uses this issuer.",
        )
    return _bounded("subject", new.subject)


def _bounded(field: str, pattern: str) -> Refused | None:
    """A `*` stands for one or more characters of a part; two next to each other would be no bound."""
    if pattern.count("*") > MOST_WILD or "**" in pattern:
        return _bad(field, f"At most {MOST_WILD} `*`, not next to each other.")
    return None


def _addressed(new: Trust, host: str) -> Refused | None:
    fine = _plain(new.audience) and "*" not in new.audience
    return None if fine else _bad("audiences", "Exactly one, without wildcard.")


def _claimed(new: Trust, host: str) -> Refused | None:
    names = [name for name, _ in new.claims]
    if len(names) > MOST_CLAIMS or len(set(names)) < len(names):
        return _bad("ostiary.claims", f"At most {MOST_CLAIMS}, each once.")
    for name, value in new.claims:
        if not _CLAIM.fullmatch(name) or name in _OWN:
            return _bad("ostiary.claims", f"{name[:40]}: a claim beside issuer, subject, audience and times.")
        if not _plain(value) or not value.replace("*", ""):
            return _bad("ostiary.claims", f"{name}: a value that says something, in printable ASCII.")
        wide = _bounded("ostiary.claims", value)
        if wide is not None:
            return wide
    return None


def _permitted(new: Trust, host: str) -> Refused | None:
    if not 1 <= len(new.scopes) <= MOST_SCOPES:
        return _bad("ostiary.permissions", f"1 to {MOST_SCOPES} scopes, each as resource/scope.")
    wrong = next((scope for scope in new.scopes if not _plain(scope) or not all(scope.rpartition("/")[::2])), None)
    return None if wrong is None else _bad("ostiary.permissions", f"{wrong[:80]}: resource/scope is needed.")


_CHECKS = (_named, _issued, _subjected, _addressed, _claimed, _permitted)


# ---- using


def trusting(trusts: tuple[Trust, ...], claims: Mapping[str, Any]) -> Trust | None:
    """
    The trust that a token with *claims* fits: exact subjects first, then in the order in which they were made.

    Compares as it is written: no case, no Unicode form, no space is equal to another.
    """
    ordered = sorted(trusts, key=lambda trust: "*" in trust.subject)
    return next((trust for trust in ordered if _fits(trust, claims)), None)


def _fits(trust: Trust, claims: Mapping[str, Any]) -> bool:
    return (
        claims.get("iss") == trust.issuer
        and _audience(claims.get("aud")) == trust.audience
        and fits(trust.subject, claims.get("sub"))
        and all(fits(pattern, claims.get(name)) for name, pattern in trust.claims)
    )


def _audience(value: Any) -> Any:
    """The one audience; more than one is none, so that nothing is used here that was meant for others as well."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def fits(pattern: str, value: Any) -> bool:
    """Whether the claim *value* is what *pattern* says; whole numbers as their digits, other kinds never."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _plain(text):
        return False
    return text == pattern if "*" not in pattern else _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=512)  # the patterns of the registrations, again and again
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("[^/:]+".join(re.escape(part) for part in pattern.split("*")), re.ASCII)
