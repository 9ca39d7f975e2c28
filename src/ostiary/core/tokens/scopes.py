"""
Scopes: what a request asks for, what of it may be granted, and how it is kept and told back.

Owns the grammar (`{resource}/.default`, `{resource}/Scope`, bare names of the admin API, the four of OpenID Connect),
the rule that a device code never carries administrative scopes (R3), consent by administrators, and the narrowing at a
refresh (R7). One resource per request. Pure.

Clients cache tokens under the very words they asked with, so those words are kept beside what they mean and told back
in every answer.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from ostiary.core.access.picture import Picture
from ostiary.core.directory.applications import Application, Scope
from ostiary.core.words.ids import AppId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said

__all__ = [
    "ADMIN_API",
    "OPENID",
    "Asked",
    "answer_text",
    "asked_scopes",
    "default_scopes",
    "parse",
    "reach",
    "renew",
    "split",
    "stored",
]

ADMIN_API = AppId("0f5c7a3e-6d0b-4d6e-9a57-05717a1c1002")
"""The admin API's own registration: the resource of bare names, and of a request that names none."""

OPENID = ("openid", "profile", "email", "offline_access")
"""OIDC Core §5.4, §11: names without a resource."""

_OPENID = frozenset(OPENID)
_DEFAULT = ".default"
_SELF = "User.Read"
_LONGEST = 4096  # characters of the whole parameter
_MOST = 64  # names in it
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,512}", re.ASCII)  # RFC 6749 §3.3, scope-token
_UNREADABLE = Refused(
    Reason.INVALID_SCOPE, "The scope parameter is too long or holds characters that scopes cannot have."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for scopes that may be granted."""

    resource: Application
    scopes: tuple[str, ...]
    """Names of the resource's scopes, in the order of its registration: `scp`."""
    openid: frozenset[str]
    """Which of `OPENID` were asked for."""
    words: tuple[str, ...] = ()
    """The words that named resource scopes, as they came: told back in the answer."""


@dataclass(frozen=True, slots=True)
class _Named:
    """One resource scope as it was asked for."""

    word: str
    resource: str
    """Identifier; empty for a bare name."""
    value: str


def parse(text: str, picture: Picture, *, client: Application, device: bool) -> Asked | Refused:
    """
    What *client* may be granted of *text*, the `scope` parameter (empty when it was left out).

    *device* is a device authorization request: `.default` leaves administrative scopes out, naming one is refused
    (R3). Nothing is silently dropped but what `.default` never contained. Reasons: INVALID_SCOPE, UNKNOWN_RESOURCE,
    PRIVILEGED_SCOPE, NO_CONSENT.
    """
    read = _read(text)
    if isinstance(read, Refused):
        return read
    openid, named = read
    resource = _resource(named, picture)
    if isinstance(resource, Refused):
        return resource
    consented = _grantable(resource, picture.consents.get((client.id, resource.id), frozenset()))
    wanted = _wanted(named, resource, consented, device=device)
    if isinstance(wanted, Refused):
        return wanted
    if not named:
        wanted = frozenset({_SELF}) & consented
    if not wanted and (named or not openid):
        return Refused(Reason.NO_CONSENT)
    return Asked(resource, _ordered(resource, wanted), openid, tuple(name.word for name in named))


def renew(
    text: str,
    picture: Picture,
    *,
    client: Application,
    resource: AppId,
    held: tuple[str, ...],
    reach: Mapping[AppId, tuple[str, ...]],
) -> Asked | Refused:
    """
    What a refresh that asks for *text* may have, given what its session holds (R7).

    *resource* and *held* (in the form of `stored`) are what the session was given, *reach* what it may name beside
    that. `.default` means what was fixed then; consent that was withdrawn since counts. OpenID names that the session
    lacks are left out, as the answer tells (RFC 6749 §3.3). Reasons: REACH, NO_CONSENT, INVALID_SCOPE,
    UNKNOWN_RESOURCE.
    """
    read = _read(text)
    if isinstance(read, Refused):
        return read
    names, openid_held, words = split(held)
    openid, named = read[0] & openid_held if text.strip() else openid_held, read[1]
    target = _resource(named, picture) if named else picture.applications.get(resource)
    if target is None or isinstance(target, Refused):
        return target or Refused(Reason.UNKNOWN_RESOURCE)
    fixed = frozenset(names if target.id == resource else reach.get(target.id, ()))
    asked = frozenset(name.value for name in named if name.value != _DEFAULT)
    if not asked <= fixed or (named and not fixed):
        return Refused(Reason.REACH)
    wanted = fixed if any(name.value == _DEFAULT for name in named) or not named else asked
    granted = wanted & _grantable(target, picture.consents.get((client.id, target.id), frozenset()))
    if wanted and not granted:
        return Refused(Reason.NO_CONSENT)
    return Asked(target, _ordered(target, granted), openid, tuple(name.word for name in named) if named else words)


def default_scopes(picture: Picture, client: Application, resource: Application, *, device: bool) -> tuple[str, ...]:
    """What `.default` of *resource* means for *client* now."""
    consented = _grantable(resource, picture.consents.get((client.id, resource.id), frozenset()))
    return _ordered(resource, consented - _administrative(resource) if device else consented)


def reach(picture: Picture, client: Application, *, device: bool) -> dict[AppId, tuple[str, ...]]:
    """
    The resources that *client*'s registration lists as reachable, with what each gives: fixed at redemption (R7).

    Resources that are unknown, or for which nothing was consented to, are not in it.
    """
    found = (picture.resource(identifier) for identifier in client.reach)
    given = {r.id: default_scopes(picture, client, r, device=device) for r in found if r is not None and r.enabled}
    return {resource: scopes for resource, scopes in given.items() if scopes}


def stored(asked: Asked) -> tuple[str, ...]:
    """
    *asked* as the flat list that a sign-in and a session keep; `split` reads it.

    Names of scopes first, then OpenID's, then the words with a slash in them (a name of a scope never has one).
    """
    openid = tuple(name for name in OPENID if name in asked.openid)
    return (*asked.scopes, *openid, *(word for word in asked.words if "/" in word))


def split(kept: Iterable[str]) -> tuple[tuple[str, ...], frozenset[str], tuple[str, ...]]:
    """Names of scopes, OpenID's names, and words of what `stored` made."""
    kept = tuple(kept)
    plain = tuple(name for name in kept if "/" not in name)
    return (
        tuple(name for name in plain if name not in _OPENID),
        frozenset(plain) & _OPENID,
        tuple(word for word in kept if "/" in word),
    )


def asked_scopes(names: Iterable[str]) -> frozenset[str]:
    """Of scopes as they are stored, those that say what may be done: the resource's, and `offline_access`."""
    found, openid, _ = split(names)
    return frozenset(found) | (openid & {"offline_access"})


def answer_text(resource: Application, scopes: tuple[str, ...], openid: frozenset[str], words: tuple[str, ...]) -> str:
    """
    The `scope` of a token answer (RFC 6749 §5.1): the words it was asked with, the names granted, OpenID's.

    For our admin API the names stand bare, for other resources behind their identifier, as Entra's clients expect them.
    """
    prefix = "" if resource.admin_api or not resource.identifier_uris else f"{resource.identifier_uris[0]}/"
    granted = tuple(prefix + scope for scope in scopes)
    return " ".join(dict.fromkeys((*words, *granted, *(name for name in OPENID if name in openid))))


def _read(text: str) -> tuple[frozenset[str], tuple[_Named, ...]] | Refused:
    """OpenID's names and the others, each once."""
    return _words(text) if len(text) <= _LONGEST else _UNREADABLE


@lru_cache(maxsize=256)  # pure, and an application asks in the same words every time
def _words(text: str) -> tuple[frozenset[str], tuple[_Named, ...]] | Refused:
    words = tuple(word for word in dict.fromkeys(text.split(" ")) if word)
    if len(words) > _MOST or not all(map(_TOKEN.fullmatch, words)):
        return _UNREADABLE
    others = (word for word in words if word not in _OPENID)
    return frozenset(words) & _OPENID, tuple(_named(word) for word in others)


def _named(word: str) -> _Named:
    resource, _, value = word.rpartition("/")
    return _Named(word, resource, value)


def _resource(named: tuple[_Named, ...], picture: Picture) -> Application | Refused:
    """The one resource that all of *named* mean; the admin API when they name none."""
    found: Application | None = None
    for identifier in dict.fromkeys(name.resource for name in named) or ("",):
        resource = _find(identifier, picture)
        if resource is None or not resource.enabled:
            text = said("Not known here: %(resource)s", resource=identifier[:100]) if identifier else ""
            return Refused(Reason.UNKNOWN_RESOURCE, text)
        if found is not None and found.id != resource.id:
            return Refused(Reason.INVALID_SCOPE, "One request is for one resource.")
        found = resource
    assert found is not None  # the loop ran at least once
    return found


def _find(identifier: str, picture: Picture) -> Application | None:
    """
    By identifier URI or application id; the admin API also by its host without the port, which is what Graph's SDKs
    name.
    """
    admin_api = picture.resource(ADMIN_API)
    if not identifier:
        return admin_api
    return picture.resource(identifier) or (admin_api if admin_api and _same_host(identifier, admin_api) else None)


def _same_host(identifier: str, application: Application) -> bool:
    host = identifier.rstrip("/").lower()
    return any(f"https://{urlsplit(uri).hostname}" == host for uri in application.identifier_uris)


def _wanted(
    named: tuple[_Named, ...], resource: Application, consented: frozenset[str], *, device: bool
) -> frozenset[str] | Refused:
    """Which scopes *named* mean: `.default` is all that was consented to, any other exactly itself."""
    exposed = {scope.value: scope for scope in resource.scopes}
    wanted: set[str] = set()
    for name in named:
        if name.value == _DEFAULT:
            wanted |= consented - _administrative(resource) if device else consented
            continue
        refused = _judge(name.value, exposed.get(name.value), consented, device=device)
        if refused is not None:
            return refused
        wanted.add(name.value)
    return frozenset(wanted)


def _judge(value: str, scope: Scope | None, consented: frozenset[str], *, device: bool) -> Refused | None:
    """Why the scope named *value* cannot be had, or None."""
    if scope is None:
        return Refused(Reason.INVALID_SCOPE, said("Not a scope of this resource: %(scope)s", scope=value[:100]))
    if device and scope.administrative:
        return Refused(Reason.PRIVILEGED_SCOPE, said("Administrative: %(scope)s", scope=value[:100]))
    if value in consented:
        return None
    return Refused(Reason.NO_CONSENT, said("Not consented to: %(scope)s", scope=value[:100]))


def _grantable(resource: Application, consented: frozenset[str]) -> frozenset[str]:
    """What was consented to and is still exposed."""
    return consented & frozenset(scope.value for scope in resource.scopes)


def _administrative(resource: Application) -> frozenset[str]:
    return frozenset(scope.value for scope in resource.scopes if scope.administrative)


def _ordered(resource: Application, values: frozenset[str]) -> tuple[str, ...]:
    """*values* in the order of the registration."""
    return tuple(scope.value for scope in resource.scopes if scope.value in values)
