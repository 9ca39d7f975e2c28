"""What a registration may say: each rule with a case on either side of it."""

from dataclasses import replace
from typing import Any

import pytest

from ostiary.core.directory import presets
from ostiary.core.directory.applications import Application, Secret
from ostiary.core.directory.registration import (
    LONGEST_SECRET,
    MOST_SECRETS,
    SECRET_LIFETIME,
    add_secret,
    amend,
    difference,
    new_id,
    preset,
    remove_secret,
    shown,
)
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import AppId, is_guid
from ostiary.core.words.instants import Instant, after, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused

NEW = Application(AppId("a"), "o", "")
OLD = replace(NEW, name="Old")
HOST = "auth.example.com"
NOW = Instant(1_000_000)


def made(changes: dict[str, Any], old: Application = OLD) -> Application:
    """The registration that *changes* give."""
    found = amend(old, changes, host=HOST)
    assert isinstance(found, Application), found
    return found


def wrong(changes: dict[str, Any], old: Application = OLD) -> str:
    """The field that is wrong with *changes*."""
    found = amend(old, changes, host=HOST)
    assert isinstance(found, Refused)
    assert found.reason is Reason.INVALID_VALUE
    return found.field


def test_plain_values_are_taken_as_they_are() -> None:
    """And what is not named stays."""
    new = made({"name": "New", "device_flow": True, "signing": "RS256", "reach": ("api://x",)})
    assert new == replace(OLD, name="New", device_flow=True, signing="RS256", reach=("api://x",))
    assert wrong({"device_flow": True}, NEW) == "displayName"


def test_r12_tokens_are_bound_to_one_key() -> None:
    """A proof or a certificate can be required, not both (RFC 7800 §3.1); by default either binds."""
    assert (OLD.dpop, OLD.certificate) == ("optional", "optional")
    assert made({"certificate": "required"}).certificate == "required"
    assert made({"certificate": "required", "dpop": "never"}).dpop == "never"
    assert wrong({"certificate": "required", "dpop": "required"}) == "ostiary.certificate"
    assert wrong({"certificate": "required"}, replace(OLD, dpop="required")) == "ostiary.certificate"


def test_the_kind_of_client_follows_from_its_addresses() -> None:
    """Said outright it counts; a new one that is only a resource is confidential."""
    assert made({"public_redirects": ("http://localhost",)}, replace(OLD, public=False)).public
    assert not made({"web_redirects": ("https://x/",)}).public
    assert made({"web_redirects": ("https://x/",), "public": True}).public
    assert not made({"name": "R", "identifier_uris": ("api://x",)}, NEW).public
    assert made({"identifier_uris": ("api://x",)}).public
    assert made({"web_redirects": ()}).redirect_uris == ()
    assert wrong({"web_redirects": ("https://x/",), "public_redirects": ("https://y/",)}) == "web.redirectUris"


@pytest.mark.parametrize(
    "uri", ["https://x.example/cb", "https://x:8443/a?b=c", "http://127.0.0.1", "http://[::1]:1/x", "http://localhost/"]
)
def test_redirects_that_may_be(uri: str) -> None:
    """https anywhere, http on loopback."""
    assert made({"public_redirects": (uri,)}).redirect_uris == (uri,)


@pytest.mark.parametrize(
    "uri",
    ["http://x.example/", "http://127.0.0.2/", "https://*.x/", "https://x/#f", "https://u@x/", "https:///x", "app://x",
     "https://x:99999/", "https://[::1", "https://é/", "https://x/ y", "https://x\\y", "http://localhost.x/", ""],
)  # fmt: skip
def test_redirects_that_may_not_be(uri: str) -> None:
    """RFC 9700 §2.1: compared exactly, so nothing that can be read in two ways."""
    assert wrong({"web_redirects": (uri,)}) == "web.redirectUris"
    assert wrong({"public_redirects": (uri,)}) == "publicClient.redirectUris"


def test_nothing_stands_there_twice() -> None:
    """Also where two spellings are one name."""
    assert wrong({"web_redirects": ("https://x/", "https://x/")}) == "web.redirectUris"
    assert wrong({"identifier_uris": ("https://X.example/", "https://x.example")}) == "identifierUris"
    entry = {"value": "a", "description": "b"}
    assert wrong({"scopes": (entry, entry)}) == "api.oauth2PermissionScopes"


@pytest.mark.parametrize(
    "uri", ["urn:x", "http://x/", "https://", "https://x/?q", "https://x/#f", f"https://{HOST}:9/", "é"]
)
def test_identifiers_that_may_not_be(uri: str) -> None:
    """A resource has a name of its own; ours is taken."""
    assert wrong({"identifier_uris": (uri,)}) == "identifierUris"


def test_scopes_have_names_that_a_request_can_carry() -> None:
    """No name of OpenID Connect, nothing that the grammar splits."""
    scopes = made({"scopes": ({"value": "Files.Read", "description": "Read", "type": "Admin"},)}).scopes
    assert [(scope.value, scope.description, scope.administrative) for scope in scopes] == [
        ("Files.Read", "Read", True)
    ]
    for value in (".default", "a/b", "a b", "openid", "", "x" * 121):
        assert wrong({"scopes": ({"value": value, "description": "d"},)}) == "api.oauth2PermissionScopes"


def test_lifetimes_have_bounds() -> None:
    """R8: 1 to 15 minutes for a code, 2 to 60 for a token."""
    assert made({"code_lifetime": minutes(15), "token_lifetime": minutes(60)}).code_lifetime == minutes(15)
    assert wrong({"code_lifetime": seconds(59)}) == "ostiary.codeLifetime"
    assert wrong({"code_lifetime": minutes(16)}) == "ostiary.codeLifetime"
    assert wrong({"token_lifetime": minutes(1)}) == "ostiary.tokenLifetime"
    assert wrong({"token_lifetime": minutes(61)}) == "ostiary.tokenLifetime"


def test_the_admin_api_is_never_amended() -> None:
    """Its scopes say what is administrative."""
    found = amend(replace(OLD, admin_api=True), {"name": "x"}, host=HOST)
    assert isinstance(found, Refused)
    assert found.reason is Reason.WRONG_STATE


def test_a_preset_fills_up_and_opens_nothing() -> None:
    """R18: whatever it brings, the device flow is somebody's decision; each one is a registration that may be."""
    for name in presets.PRESETS:
        filled = preset({"like": name, "name": "Mine"})
        assert isinstance(filled, dict)
        assert filled["name"] == "Mine"
        assert is_guid(filled["id"])
        assert not made({key: value for key, value in filled.items() if key != "id"}, NEW).device_flow
    assert preset({"name": "x"}) == {"name": "x"}
    assert isinstance(preset({"like": "nobody"}), Refused)


def test_a_client_id_is_a_guid() -> None:
    """The one that is asked for, or a new one."""
    guid = "0f5c7a3e-6d0b-4d6e-9a57-05717a1c1009"
    assert new_id({}, guid) == guid
    assert new_id({"id": guid}, "made") == guid
    assert isinstance(new_id({"id": guid.upper()}, "made"), Refused)


def test_secrets_come_and_go() -> None:
    """The digest is kept, with an end; a public client has none."""
    web = replace(OLD, public=False)
    one = add_secret(web, "s" * 43, id="1", name="n", now=NOW, ends=None)
    assert isinstance(one, Application)
    assert one.secrets == (Secret("1", digest("s" * 43).hex(), "sss", NOW, after(NOW, SECRET_LIFETIME), "n"),)
    assert wrong({"public": True}, one) == "isFallbackPublicClient"
    assert remove_secret(one, "1") == web
    last = after(NOW, LONGEST_SECRET)
    assert isinstance(add_secret(web, "s", id="1", name="", now=NOW, ends=last), Application)
    full = replace(web, secrets=one.secrets * MOST_SECRETS)
    for refused in (
        remove_secret(web, "1"),
        add_secret(OLD, "s", id="1", name="", now=NOW, ends=None),
        add_secret(replace(web, admin_api=True), "s", id="1", name="", now=NOW, ends=None),
        add_secret(full, "s", id="1", name="", now=NOW, ends=None),
        add_secret(web, "s", id="1", name="", now=NOW, ends=NOW),
        add_secret(web, "s", id="1", name="", now=NOW, ends=Instant(last + 1)),
    ):
        assert isinstance(refused, Refused)


def test_an_entry_shows_the_difference_and_no_secret() -> None:
    """Old and new values of what changed; secrets, not even their digests, never."""
    web = replace(OLD, public=False)
    one = add_secret(web, "s" * 43, id="1", name="n", now=NOW, ends=None)
    assert isinstance(one, Application)
    assert difference(web, one) == {"before": {}, "after": {}}
    assert digest("s" * 43).hex() not in str(shown(one))
    new = made({"scopes": ({"value": "a", "description": "b"},), "name": "New"}, web)
    assert difference(web, new) == {"before": {"name": "Old", "scopes": []}, "after": {"name": "New", "scopes": ["a"]}}
