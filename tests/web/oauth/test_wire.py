"""
R20 and the shapes of answers: names, discovery, and bad input to every endpoint.
"""

import json
import re
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from ostiary.core.directory.applications import Application
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import hours, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.tokens.rotation import Rotated, rotate, tend_keys
from ostiary.web.oauth.answers import pending, refusal
from tests.web.oauth.site import API, CLI, DOMAIN, ORIGIN, SECRETS, TENANT, Site

NAMES = (TENANT, TENANT.upper(), DOMAIN, "common", "organizations")
STRANGE = ("nobody", "00000000-0000-0000-0000-000000000000", "consumers", "%2e%2e", "x" * 3000)
OAUTH = ("introspect", "revoke", "token", "devicecode")


@pytest.mark.parametrize("name", NAMES)
def test_r20_every_name_leads_to_one_issuer(site: Site, name: str) -> None:
    """`issuer` is the GUID's; endpoint addresses keep the name that was asked with."""
    found = site.get(f"/{name}/v2.0/.well-known/openid-configuration").json()
    same = site.get(f"/.well-known/oauth-authorization-server/{name}/v2.0").json()
    assert found == same
    assert found["issuer"] == f"{ORIGIN}/{TENANT}/v2.0"
    for endpoint in ("authorization_endpoint", "token_endpoint", "device_authorization_endpoint", "jwks_uri"):
        assert found[endpoint].startswith(f"{ORIGIN}/{name.lower()}/")


def test_r20_a_token_is_valid_under_every_name(site: Site) -> None:
    """What is introspected under one name was issued under none in particular."""
    token = site.token(site.session())
    for name in NAMES:
        answer = site.post(f"/{name}/oauth2/v2.0/introspect", {"token": token}, auth=(API, SECRETS[API]))
        assert answer.json()["active"] is True, name


@pytest.mark.parametrize("name", STRANGE)
def test_r20_any_other_name_is_90002(site: Site, name: str) -> None:
    """400 `invalid_request`, at every endpoint that has a tenant in its path."""
    answers = [site.post(f"/{name}/oauth2/v2.0/{end}", {"client_id": CLI}) for end in OAUTH]
    answers += [site.get(f"/{name}/{end}") for end in ("v2.0/.well-known/openid-configuration", "discovery/v2.0/keys")]
    for answer in answers:
        assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002]), answer.url
    assert site.get(f"/{name}/oauth2/v2.0/authorize").headers["location"].startswith("/error/90002?")


def test_discovery_has_what_clients_stop_without(site: Site) -> None:
    """The members that some client was measured to need, and only the four scopes."""
    answer = site.get(f"/{TENANT}/v2.0/.well-known/openid-configuration")
    found = answer.json()
    assert found["scopes_supported"] == ["openid", "profile", "email", "offline_access"]
    assert "urn:ietf:params:oauth:grant-type:device_code" in found["grant_types_supported"]
    assert {"authorization_code", "refresh_token"} <= set(found["grant_types_supported"])
    assert "none" in found["token_endpoint_auth_methods_supported"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert {"RS256", "ES256"} == set(found["id_token_signing_alg_values_supported"])
    assert found["userinfo_endpoint"] == f"{ORIGIN}/oidc/userinfo"
    assert found["response_types_supported"] == ["code"]
    assert found["subject_types_supported"] == ["public"]
    assert answer.headers["cache-control"] == "public, max-age=3600"


def test_keys_rotate_with_overlap(site: Site) -> None:
    """A new key is shown first and signs later; the old one verifies until its longest token has ended, then goes."""
    path, session = f"/{TENANT}/discovery/v2.0/keys", site.session()

    def kids() -> set[str]:
        return {key["kid"] for key in site.get(path).json()["keys"]}

    def signed() -> str:
        return site.house.keyring.signing("ES256", site.clock.now()).signer.kid

    first, old = kids(), signed()
    done = site.run(rotate(site.house, site.local(), "yearly rotation"))
    assert isinstance(done, Rotated)
    assert kids() == first | {row.kid for row in done.keys}
    assert signed() == old
    again = site.run(rotate(site.house, site.local(), "twice"))
    assert isinstance(again, Refused)
    assert again.reason is Reason.CONFLICT
    site.clock.move(hours(1))
    assert signed() != old
    session = site.session()
    site.clock.move(minutes(-1))
    token = site.token(session)
    site.clock.move(minutes(1))
    site.run(tend_keys(site.house, site.visit()))
    assert site.introspect(token).json()["active"] is True
    assert kids() > {old}
    site.clock.move(minutes(65))
    site.run(tend_keys(site.house, site.visit()))
    assert kids() == {row.kid for row in done.keys}
    assert [entry["detail"]["reason"] for entry in site.entries("admin:keys:rotated")] == [
        "first start",
        "yearly rotation",
    ]


def test_a_rotation_at_once_ends_what_the_old_key_signed(site: Site) -> None:
    """For a key that others may know: nothing it signed counts any more."""
    token = site.token(site.session())
    assert site.introspect(token).json()["active"] is True
    done = site.run(rotate(site.house, site.local(), "leaked", at_once=True))
    assert isinstance(done, Rotated)
    assert site.introspect(token).json() == {"active": False}
    assert site.introspect(site.token(site.session())).json()["active"] is True


@pytest.mark.parametrize("reason", ["", "  ", "x" * 513])
def test_a_rotation_needs_a_reason_and_somebody_who_may(site: Site, reason: str) -> None:
    """R2: the local door may, with a reason; nobody may not, with any."""
    refused = site.run(rotate(site.house, site.local(), reason))
    nobody = site.run(rotate(site.house, site.visit(), "good reason"))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.REASON_REQUIRED
    assert isinstance(nobody, Refused)
    assert nobody.reason is Reason.NOT_SIGNED_IN


FORM = {"content-type": "application/x-www-form-urlencoded"}
BAD_BODIES = {
    "empty": (b"", FORM),
    "repeated": (b"token=a&token=b", FORM),
    "oversized": (b"token=" + b"a" * 70_000, FORM),
    "json": (b'{"token":"a"}', {"content-type": "application/json"}),
    "no type": (b"token=a", {}),
    "latin": (b"token=%ff%fe", FORM),
    "zero": (b"token=a%00b", FORM),
    "many": (b"&".join(b"f%d=1" % n for n in range(100)), FORM),
    "broken basic": (b"token=a", {**FORM, "authorization": "Basic ???"}),
    "two names": (b"token=a&client_id=x", {**FORM, "authorization": "Basic eTo="}),
}


@pytest.mark.parametrize("end", OAUTH)
@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_bad_input_gets_an_error_of_the_right_shape(site: Site, end: str, body: tuple[bytes, dict[str, str]]) -> None:
    """400 or 401 JSON with every field, a reference that an administrator can find, and nothing changed."""
    answer = site.request("POST", f"/{TENANT}/oauth2/v2.0/{end}", content=body[0], headers=body[1])
    said = answer.json()
    assert answer.status_code in (400, 401), answer.text
    assert said["error"] in ("invalid_request", "invalid_client")
    assert said["error_description"].startswith(f"AADSTS{said['error_codes'][0]}: ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", said["timestamp"])
    assert said["error_uri"] == f"{ORIGIN}/error/{said['error_codes'][0]}?ref={said['trace_id']}"
    assert said["correlation_id"] == said["trace_id"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("end", [*OAUTH, "authorize"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_wrong_method_is_an_error_and_never_a_fault(site: Site, end: str, method: str) -> None:
    """405 or 400 JSON; the authorization endpoint takes GET."""
    answer = site.request(method, f"/{TENANT}/oauth2/v2.0/{end}")
    if (end, method) == ("authorize", "GET"):
        assert answer.headers["location"].startswith("/error/700016?")
        return
    assert answer.status_code in (400, 405), answer.text
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "query", ["client_id=a&client_id=b", "%ff=%fe", "client_id=" + "a" * 20_000, "", "client_id=%00", "&&&==="]
)
def test_a_bad_authorization_request_ends_on_a_page_of_ours(site: Site, query: str) -> None:
    """Nothing of it is trusted, so nothing is sent anywhere."""
    answer = site.get(f"/{TENANT}/oauth2/v2.0/authorize?{query}")
    assert answer.status_code == 303
    assert re.fullmatch(r"/error/\d+\?ref=[0-9a-f-]{36}", answer.headers["location"])


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer " + "a" * 30_000, "Bearer é"])
def test_userinfo_challenges_whatever_is_no_token(site: Site, header: str) -> None:
    """RFC 6750 §3."""
    answer = site.get("/oidc/userinfo", headers={"authorization": header.encode()} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_userinfo_wants_a_token_for_our_own_api_with_openid(site: Site) -> None:
    """Another resource's token is no token here; one without `openid` lacks a scope."""
    foreign = site.token(site.session())
    assert site.get("/oidc/userinfo", headers={"authorization": f"Bearer {foreign}"}).status_code == 401
    from_us = site.token(
        site.session(resource=site.house.desk.picture.resources[ORIGIN].id), scopes=("User.Read",), openid=frozenset()
    )
    answer = site.get("/oidc/userinfo", headers={"authorization": f"Bearer {from_us}"})
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_what_the_client_asks_to_see_again_is_told_back(site: Site) -> None:
    """`client-request-id` as `correlation_id`; anything but letters, digits and dashes is not."""
    path = f"/{TENANT}/oauth2/v2.0/introspect"
    asked = site.post(path, {}, headers={"client-request-id": "abc-123"}).json()
    odd = site.post(path, {}, headers={"client-request-id": 'x","a":"b'}).json()
    assert asked["correlation_id"] == "abc-123"
    assert odd["correlation_id"] == odd["trace_id"]


def test_r20_names_and_layout_follow_the_registration(site: Site) -> None:
    """Entra's names only where switched on, lines only for MSAL's family, which never hears `slow_down`."""
    cli, visit = site.house.desk.picture.applications[CLI], site.visit()
    family = replace(cli, microsoft_family=True, entra_errors=True)

    def said(reason: Reason, app: Application) -> str:
        answer = refusal(Refused(reason), visit, application=app, origin=ORIGIN)
        return answer.body.decode()

    assert '"error":"access_denied"' in said(Reason.DENIED, cli)
    assert '"error":"authorization_declined"' in said(Reason.DENIED, family)
    assert '"error":"bad_verification_code"' in said(Reason.BAD_CODE, family)
    assert "\\r\\n" not in said(Reason.DENIED, cli)
    assert "\\r\\nTrace ID: " in said(Reason.DENIED, family)
    assert '"error":"slow_down"' in said(Reason.SLOW_DOWN, cli)
    assert '"error":"authorization_pending"' in said(Reason.SLOW_DOWN, family)


def test_r9_policy_is_403_at_the_device_endpoint_and_400_at_the_token_endpoint(site: Site) -> None:
    """Never 429 or 5xx at the token endpoint, whatever the reason."""
    visit = site.visit()
    for reason in Reason:
        answer = refusal(Refused(reason), visit, application=None, origin=ORIGIN)
        assert answer.status in (400, 401), reason
    blocked = refusal(
        Refused(Reason.BLOCKED, rules=("B",)), visit, application=None, device_endpoint=True, origin=ORIGIN
    )
    assert blocked.status == 403
    assert b'"error":"access_denied"' in blocked.body
    assert b"Policy: B." in blocked.body


def test_a_pending_answer_says_the_same_as_the_table(site: Site) -> None:
    """It is made from a template; it must be JSON with the same members as any other refusal but the page."""
    visit = site.visit()
    made = json.loads(pending(visit, 120).body)
    table = json.loads(refusal(Refused(Reason.PENDING), visit, application=None, origin=ORIGIN).body)
    del table["error_uri"]
    assert made.pop("ostiary_expires_in") == 120
    assert made == table
    assert pending(visit).status == 400


def test_instance_discovery_vouches_for_our_own_names_alone(site: Site) -> None:
    """MSAL asks without the port; another host, tenant or scheme is none of ours."""
    path = "/common/discovery/instance"
    for name in NAMES:
        url = f"https://localhost/{name}/oauth2/v2.0/authorize"
        found = site.get(path, params={"authorization_endpoint": url, "api-version": "1.1"}).json()
        assert found["tenant_discovery_endpoint"] == f"{ORIGIN}/{name.lower()}/v2.0/.well-known/openid-configuration"
        assert found["metadata"][0]["aliases"] == ["localhost"]
        assert site.get(found["tenant_discovery_endpoint"]).status_code == 200
    for url in (
        "https://login.example/common/oauth2/v2.0/authorize", "http://localhost/common/", "https://localhost/nobody/x",
        "https://localhost", "https://[::1", "", "x" * 3000, "https://localhost@elsewhere.example/common/x",
    ):  # fmt: skip
        answer = site.get(path, params={"authorization_endpoint": url})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_instance"), url
    assert site.get(path).json()["error"] == "invalid_instance"


def test_r9_a_fault_in_a_door_is_an_error_of_its_shape(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """R9: never 5xx at the token endpoint; JSON with a reference everywhere, and no word of the exception."""

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the secret is 4711")

    expected = {"token": (400, "temporarily_unavailable"), "devicecode": (503, "server_error")}
    expected |= {"introspect": (500, "server_error"), "revoke": (500, "server_error")}
    deeds = {"token": "grant", "device_authorization": "start", "introspection": "introspect", "revocation": "revoke"}
    for door, deed in deeds.items():
        monkeypatch.setattr(import_module(f"ostiary.web.oauth.{door}"), deed, broken)
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": CLI, "token": "x"}
    for path, (status, error) in expected.items():
        answer = site.post(f"/{TENANT}/oauth2/v2.0/{path}", form)
        assert (answer.status_code, answer.json()["error"]) == (status, error), path
        assert "4711" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert len(site.entries(Kind.FAULT)) == len(expected)


def test_r13_hot_doors_refuse_borrowed_certificates(site: Site) -> None:
    """R13: 400 in the shape of the door, before anything is asked of the request."""
    for path in ("token", "devicecode", "introspect", "revoke"):
        for name in ("Client-Cert", "Client-Cert-Chain"):
            answer = site.post(f"/{TENANT}/oauth2/v2.0/{path}", {"client_id": CLI}, headers={name: ":AAAA:"})
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), path


def test_published_keys_carry_certificates(site: Site) -> None:
    """`x5c`, `x5t` and `x5t#S256` for Microsoft's libraries; PyJWT's and joserfc's readers do not mind."""
    keys = site.get(f"/{TENANT}/discovery/v2.0/keys").json()["keys"]
    assert {key["alg"] for key in keys} == {"ES256", "RS256"}
    for key in keys:
        assert {"kid", "use", "x5c", "x5t", "x5t#S256"} <= set(key)
        assert not {"d", "p", "q"} & set(key)
