"""
What a registration may say: redirect URIs, identifiers, scopes, lifetimes, secrets. Pure.

Takes what is there and what is asked, gives what will be or the first thing that is wrong. Whether an identifier is
free and a resource exists, the deed asks the store.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ostiary.core.directory.applications import Application, Key, Scope, Secret, normal_identifier
from ostiary.core.directory.presets import PRESETS
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import AppId, is_guid
from ostiary.core.words.instants import Instant, after, days, minutes
from ostiary.core.words.outcome import Reason, Refused

__all__ = ["add_secret", "amend", "difference", "new_id", "preset", "remove_secret", "renamed", "shown"]

CODE_LIFETIME = (minutes(1), minutes(15))
TOKEN_LIFETIME = (minutes(2), minutes(60))  # R8
SECRET_LIFETIME = days(180)  # when nothing is asked
LONGEST_SECRET = days(730)
MOST_SECRETS = 10
MOST_KEYS = 10
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})  # RFC 8252 §7.3, §8.3

_SCOPE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,119}", re.ASCII)
_OPENID = frozenset({"openid", "profile", "email", "offline_access", "address", "phone"})
_SCHEMES = frozenset({"https", "api"})
_PLAIN = (
    "name",
    "enabled",
    "device_flow",
    "code_lifetime",
    "token_lifetime",
    "signing",
    "assignment_required",
    "pkce",
    "dpop",
    "certificate",
    "number_confirmation",
    "same_device",
    "start_ticket",
    "reference_binding",
    "machine_binding",
    "exemption_requests",
    "complete_uri",
    "entra_errors",
    "microsoft_family",
    "reach",
    "gateway_for",
    "keys",
    "verified",
)
# assessments and trusts have entries of their own
_HIDDEN = frozenset({"id", "object_id", "secrets", "created", "assessment", "trusts"})


def preset(changes: Mapping[str, Any]) -> dict[str, Any] | Refused:
    """*changes* filled up by the preset that their `like` names."""
    named = changes.get("like")
    own = {key: value for key, value in changes.items() if key != "like"}
    if named is None:
        return own
    if named not in PRESETS:
        return _bad("ostiary.like", f"One of {', '.join(PRESETS)} is known.")
    return {**PRESETS[named], **own}


def amend(old: Application, changes: Mapping[str, Any], *, host: str) -> Application | Refused:
    """
    *old* (without a name: a new registration) with *changes* (by the fields' `write` names), checked as a whole; *host*
    is our own, which no identifier names.

    Refused: INVALID_VALUE with the field, WRONG_STATE for the admin API's own registration.
    """
    if old.admin_api:
        return Refused(Reason.WRONG_STATE, "The registration of the admin API belongs to the service.")
    if changes.get("public_redirects") and changes.get("web_redirects"):
        return _bad("web.redirectUris", "An application is public or confidential: addresses of one kind only.")
    values = {name: changes[name] for name in _PLAIN if name in changes}
    if "identifier_uris" in changes:
        values["identifier_uris"] = changes["identifier_uris"]
    if values.get("name", old.name) != old.name:
        values.setdefault("verified", False)  # the mark was for the old name
    if "scopes" in changes:
        values["scopes"] = tuple(_scope(entry) for entry in changes["scopes"])
    new = replace(old, **values, **_kind(old, changes))
    return next(filter(None, (check(new, host) for check in _CHECKS)), new)


def _kind(old: Application, changes: Mapping[str, Any]) -> dict[str, Any]:
    """
    Public or confidential, and where it is sent back to. What is said outright counts; else addresses of its kind tell.
    """
    native, web = changes.get("public_redirects"), changes.get("web_redirects")
    given = changes.get("public")
    if given is None:
        given = True if native else False if web or (not old.name and changes.get("identifier_uris")) else old.public
    redirects = old.redirect_uris if native is None and web is None else (*(native or ()), *(web or ()))
    return {"public": given, "redirect_uris": redirects}


def _scope(entry: Mapping[str, Any]) -> Scope:
    return Scope(entry["value"], entry["description"], entry.get("type", "User") == "Admin")


def _bad(field: str, detail: str) -> Refused:
    return Refused(Reason.INVALID_VALUE, detail, field=field)


def _named(new: Application, host: str) -> Refused | None:
    return None if new.name else _bad("displayName", "A name is needed.")


def _redirects(new: Application, host: str) -> Refused | None:
    field = "publicClient.redirectUris" if new.public else "web.redirectUris"
    if len(set(new.redirect_uris)) < len(new.redirect_uris):
        return _bad(field, "An address stands there twice.")
    wrong = next((uri for uri in new.redirect_uris if not _may_redirect(uri)), None)
    if wrong is None:
        return None
    return _bad(field, f"{wrong[:80]}: https, or http on 127.0.0.1, [::1] or localhost, without fragment or wildcard.")


def _may_redirect(uri: str) -> bool:
    """RFC 9700 §2.1, RFC 8252 §7.3: https, compared exactly; plain http on loopback only."""
    parts = _parts(uri)
    if parts is None or "*" in uri or "#" in uri or "@" in parts.netloc:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def _parts(uri: str) -> SplitResult | None:
    """*uri* in its parts, if it is plain ASCII and can be taken apart, port included."""
    if not uri.isascii() or not uri.isprintable() or " " in uri or "\\" in uri:
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _identifiers(new: Application, host: str) -> Refused | None:
    normal = [normal_identifier(uri) for uri in new.identifier_uris]
    if len(set(normal)) < len(normal):
        return _bad("identifierUris", "An identifier stands there twice.")
    for uri in new.identifier_uris:
        parts = _parts(uri)
        if parts is None or parts.scheme not in _SCHEMES or not parts.netloc or parts.query or "#" in uri:
            return _bad("identifierUris", f"{uri[:80]}: https://… or api://… is needed, without query or fragment.")
        if parts.hostname == host:
            return _bad("identifierUris", f"{uri[:80]}: this name belongs to the service itself.")
    return None


def _scopes(new: Application, host: str) -> Refused | None:
    values = [scope.value for scope in new.scopes]
    if len(set(values)) < len(values):
        return _bad("api.oauth2PermissionScopes", "A scope stands there twice.")
    wrong = next((value for value in values if not _SCOPE.fullmatch(value) or value in _OPENID), None)
    if wrong is None:
        return None
    return _bad(
        "api.oauth2PermissionScopes", f"{wrong[:80]}: letters, digits, dots, dashes, no name of OpenID Connect."
    )


def _lifetimes(new: Application, host: str) -> Refused | None:
    for field, value, (least, most) in (
        ("ostiary.codeLifetime", new.code_lifetime, CODE_LIFETIME),
        ("ostiary.tokenLifetime", new.token_lifetime, TOKEN_LIFETIME),
    ):
        if not least <= value <= most:
            return _bad(field, f"From {least // minutes(1)} to {most // minutes(1)} minutes.")
    return None


def _secrets(new: Application, host: str) -> Refused | None:
    if new.public and new.secrets:
        return _bad("isFallbackPublicClient", "A public client has no secrets. Remove them first.")
    return None


def _keys(new: Application, host: str) -> Refused | None:
    if new.public and new.keys:
        return _bad("keyCredentials", "A public client has no keys. Remove them first.")
    if len(new.keys) > MOST_KEYS:
        return _bad("keyCredentials", f"An application has at most {MOST_KEYS} keys.")
    for names in ([key.id for key in new.keys], [key.sha256 for key in new.keys]):
        if len(set(names)) < len(names):
            return _bad("keyCredentials", "A key stands there twice.")
    wrong = any(key.starts >= key.ends for key in new.keys)
    return _bad("keyCredentials", "A key ends after it starts, and with its certificate.") if wrong else None


def _one_key(new: Application, host: str) -> Refused | None:
    """A token shows one key (RFC 7800 §3.1)."""
    if (new.dpop, new.certificate) != ("required", "required"):
        return None
    return _bad("ostiary.certificate", "Tokens are bound to one key: require a proof or a certificate.")


_CHECKS = (_named, _redirects, _identifiers, _scopes, _lifetimes, _secrets, _keys, _one_key)


def add_secret(
    old: Application, secret: str, *, id: str, name: str, now: Instant, ends: Instant | None
) -> Application | Refused:
    """*old* with *secret* (256 random bits, of which the digest is kept), good until *ends* or for 180 days."""
    if old.public:
        return Refused(Reason.WRONG_STATE, "A public client can keep no secret.")
    if old.admin_api:
        return Refused(Reason.WRONG_STATE, "The admin API signs nobody in.")
    if len(old.secrets) >= MOST_SECRETS:
        return Refused(Reason.WRONG_STATE, f"An application has at most {MOST_SECRETS} secrets.")
    until = after(now, SECRET_LIFETIME) if ends is None else ends
    if not now < until <= after(now, LONGEST_SECRET):
        return _bad("passwordCredential.endDateTime", "From now to two years from now.")
    added = Secret(id, digest(secret).hex(), secret[:3], now, until, name)
    return replace(old, secrets=(*old.secrets, added))


def remove_secret(old: Application, id: str) -> Application | Refused:
    """*old* without the secret *id*."""
    left = tuple(secret for secret in old.secrets if secret.id != id)
    if len(left) == len(old.secrets):
        return Refused(Reason.NOT_FOUND, "There is no such secret.", field="keyId")
    return replace(old, secrets=left)


def renamed(old: Application, before: tuple[str, ...], name: str) -> Application:
    """*old* where the resource that was called *before* is called *name* now."""

    def follow(uris: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name if uri in before else uri for uri in uris))

    assessment = old.assessment
    return replace(
        old,
        assessment=replace(assessment, resources=follow(assessment.resources)) if assessment is not None else None,
        identifier_uris=follow(old.identifier_uris),
        reach=follow(old.reach),
        gateway_for=follow(old.gateway_for),
    )


def new_id(changes: Mapping[str, Any], made: str) -> AppId | Refused:
    """The client id of a new registration: the one that is asked for, or *made*."""
    asked = changes.get("id", made)
    return AppId(asked) if is_guid(asked) else _bad("appId", "A GUID in lower case is needed.")


def shown(application: Application) -> dict[str, Any]:
    """The registration as entries show it: everything but ids, dates and secrets."""
    return {f.name: _plain(getattr(application, f.name)) for f in fields(Application) if f.name not in _HIDDEN}


def _plain(value: Any) -> Any:
    return [_name_of(item) for item in value] if isinstance(value, tuple) else value


def _name_of(item: Any) -> Any:
    if isinstance(item, Key):
        return {"id": item.id, "sha256": item.sha256, "starts": item.starts, "ends": item.ends}
    return item.value if isinstance(item, Scope) else item


def difference(old: Application, new: Application) -> dict[str, Any]:
    """Which of the shown fields changed: before and after. A scope whose description changed counts as changed."""
    before, now = shown(old), shown(new)
    names = _names(old, new)
    return {"before": {name: before[name] for name in names}, "after": {name: now[name] for name in names}}


def _names(old: Application, new: Application) -> Iterable[str]:
    return [name for name in shown(new) if getattr(old, name) != getattr(new, name)]
