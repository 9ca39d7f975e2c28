"""Registrations, their secrets, consents and assignments over HTTP."""

from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from ostiary.core.words.digests import digest
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import after, days, to_iso
from ostiary.store import Tx, registry
from ostiary.store.access import is_assigned
from tests.clock import MovableClock
from tests.records.house import ALICE, BOB, CLI, GROUP, journal
from tests.web.graph.api import Api, play
from tests.web.oauth.certificates import make

API: dict[str, Any] = {
    "displayName": "Payroll API",
    "identifierUris": ["https://Payroll.example.com/"],
    "api": {
        "oauth2PermissionScopes": [
            {"value": "Read", "adminConsentDescription": "Read payslips"},
            {"value": "Pay", "adminConsentDescription": "Pay people", "type": "Admin"},
        ]
    },
}
WEB: dict[str, Any] = {"displayName": "Portal", "web": {"redirectUris": ["https://portal.example.com/back"]}}


def test_a_registration_is_closed_unless_it_is_opened(tmp_path: Path) -> None:
    """Every default is the strict one, whatever is left out."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask("POST", "/v1.0/applications", {"displayName": "Shell"}, status=201)
        own = made["ostiary"]
        assert (own["deviceFlow"], own["assignmentRequired"], own["adminApi"]) == (False, False, False)
        assert (own["codeLifetime"], own["tokenLifetime"], own["signing"]) == ("PT5M", "PT10M", "ES256")
        assert (made["isFallbackPublicClient"], made["publicClient"], made["web"]) == (
            True, {"redirectUris": []}, {"redirectUris": []},
        )  # fmt: skip
        known = api.house.desk.picture.applications[AppId(made["appId"])]
        assert known.object_id == made["id"] != made["appId"]
        for key in (f"/{made['id']}", f"/{made['appId']}", f"(appId='{made['appId']}')"):
            assert (await api.ask("GET", f"/v1.0/applications{key}"))["id"] == made["id"]

    play(tmp_path, story)


def test_r18_a_well_known_client_is_filled_up(tmp_path: Path) -> None:
    """R18: by its name, with the device flow off; a body may say more; one id is registered once."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask(
            "POST", "/v1.0/applications", {"displayName": "az", "ostiary": {"like": "azure-cli"}}, status=201
        )
        assert (made["appId"], made["displayName"]) == ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "az")
        assert made["publicClient"]["redirectUris"] == ["http://localhost"]
        assert (made["ostiary"]["microsoftFamily"], made["ostiary"]["deviceFlow"]) == (True, False)
        await api.ask("POST", "/v1.0/applications", {"ostiary": {"like": "azure-cli"}}, status=409)
        await api.ask("POST", "/v1.0/applications", {"ostiary": {"like": "nobody"}}, status=400)

    play(tmp_path, story)


def test_a_change_tells_what_changed_and_why(tmp_path: Path) -> None:
    """Old and new values of the changed fields, the reason, and the picture is new at once."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask("POST", "/v1.0/applications", {"displayName": "Shell"}, status=201)
        change = {"ostiary": {"codeLifetime": "PT3M", "pkce": "required", "reason": "cloud shells"}}
        await api.ask("PATCH", f"/v1.0/applications/{made['id']}", change, status=204)
        await api.ask("PATCH", f"/v1.0/applications/{made['id']}", change, status=204)
        assert api.house.desk.picture.applications[AppId(made["appId"])].pkce == "required"
        entries = [detail for kind, detail in await journal(api.house) if kind == "admin:application:changed"]
        assert len(entries) == 1
        assert entries[0]["before"] == {"code_lifetime": 300_000_000, "pkce": "optional"}
        assert entries[0]["after"] == {"code_lifetime": 180_000_000, "pkce": "required"}
        assert entries[0]["reason"] == "cloud shells"
        await api.ask("DELETE", f"/v1.0/applications/{made['id']}", status=204)
        assert AppId(made["appId"]) not in api.house.desk.picture.applications

    play(tmp_path, story)


def test_identifiers_belong_to_one_application(tmp_path: Path) -> None:
    """However they are written; a changed one is free again; our own name is never given away."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask("POST", "/v1.0/applications", API, status=201)
        assert made["isFallbackPublicClient"] is False
        assert api.house.desk.picture.resource("https://payroll.example.com") is not None
        twin = {"displayName": "Twin", "identifierUris": ["https://PAYROLL.example.com"]}
        await api.ask("POST", "/v1.0/applications", twin, status=409)
        path = f"/v1.0/applications/{made['id']}"
        await api.ask("PATCH", path, {"identifierUris": ["api://payroll"]}, status=204)
        await api.ask("POST", "/v1.0/applications", twin, status=201)
        for wrong in ("https://localhost/", "https://localhost:1/x", "urn:x", "ftp://x", "https://x/#y", "x"):
            await api.ask("PATCH", path, {"identifierUris": [wrong]}, status=400)
        await api.ask("PATCH", path, {"ostiary": {"reach": ["https://nobody"]}}, status=400)
        await api.ask(
            "PATCH", path, {"ostiary": {"reach": ["api://payroll/"], "gatewayFor": ["api://payroll"]}}, status=204
        )

    play(tmp_path, story)


HOLES: tuple[dict[str, Any], ...] = (
    {},
    {"displayName": "x", "web": {"redirectUris": ["http://example.com/"]}},
    {"displayName": "x", "web": {"redirectUris": ["https://example.com/*"]}},
    {"displayName": "x", "web": {"redirectUris": ["https://example.com/#x"]}},
    {"displayName": "x", "web": {"redirectUris": ["https://u@example.com/"]}},
    {"displayName": "x", "web": {"redirectUris": ["https://[::1/"]}},
    {"displayName": "x", "web": {"redirectUris": ["https://"]}},
    {"displayName": "x", "web": {"redirectUris": ["javascript:alert(1)"]}},
    {"displayName": "x", "web": {"redirectUris": ["https://exämple.com/"]}},
    {"displayName": "x", "web": {"redirectUris": ["https://a\\@b/"]}},
    {"displayName": "x", "publicClient": {"redirectUris": ["http://127.0.0.1.example.com/"]}},
    {"displayName": "x", "publicClient": {"redirectUris": ["myapp://back"]}},
    {
        "displayName": "x",
        "publicClient": {"redirectUris": ["http://[::1]"]},
        "web": {"redirectUris": ["https://b/"]},
    },
    {"displayName": "x", "appId": "not-a-guid"},
    {"displayName": "x", "appId": "0F5C7A3E-6d0b-4d6e-9a57-05717a1c1009"},
    {
        "displayName": "x",
        "api": {"oauth2PermissionScopes": [{"value": ".default", "adminConsentDescription": "y"}]},
    },
    {"displayName": "x", "api": {"oauth2PermissionScopes": [{"value": "openid", "adminConsentDescription": "y"}]}},
    {"displayName": "x", "api": {"oauth2PermissionScopes": [{"value": "a b", "adminConsentDescription": "y"}]}},
    {"displayName": "x", "api": {"oauth2PermissionScopes": [{"value": "a"}]}},
    {"displayName": "x", "ostiary": {"codeLifetime": "PT16M"}},
    {"displayName": "x", "ostiary": {"tokenLifetime": "PT61M"}},
    {"displayName": "x", "ostiary": {"tokenLifetime": "PT1M"}},
    {"displayName": "x", "ostiary": {"signing": "none"}},
    {"displayName": "x", "ostiary": {"adminApi": True}},
    {"displayName": "x", "passwordCredentials": []},
)


def test_what_would_open_a_hole_is_refused(tmp_path: Path) -> None:
    """A clear 400 that names the place, and nothing is registered."""

    async def story(api: Api, clock: MovableClock) -> None:
        before = (await api.ask("GET", "/v1.0/applications"))["value"]
        for body in HOLES:
            answer = await api.ask("POST", "/v1.0/applications", body, status=400)
            assert answer["error"]["details"][0]["target"], body
        assert (await api.ask("GET", "/v1.0/applications"))["value"] == before

    play(tmp_path, story)


def test_loopback_addresses_are_allowed(tmp_path: Path) -> None:
    """RFC 8252: plain http, on loopback only."""

    async def story(api: Api, clock: MovableClock) -> None:
        uris = ["http://127.0.0.1", "http://[::1]/x", "http://localhost:8080/", "https://example.com/y?z=1"]
        body = {"displayName": "Native", "publicClient": {"redirectUris": uris}}
        made = await api.ask("POST", "/v1.0/applications", body, status=201)
        assert made["publicClient"]["redirectUris"] == uris
        twice = {"publicClient": {"redirectUris": [uris[0], uris[0]]}}
        await api.ask("PATCH", f"/v1.0/applications/{made['id']}", twice, status=400)

    play(tmp_path, story)


def test_a_secret_is_shown_once_and_kept_as_its_digest(tmp_path: Path) -> None:
    """R17: neither store nor journal holds it; taken away it is gone."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask("POST", "/v1.0/applications", WEB, status=201)
        path = f"/v1.0/applications/{made['id']}"
        asked = {"passwordCredential": {"displayName": "deploy", "endDateTime": "2027-01-01T00:00:00Z"}}
        secret = await api.ask("POST", f"{path}/addPassword", asked)
        assert len(secret["secretText"]) == 43
        kept = api.house.desk.picture.applications[AppId(made["appId"])].secrets[0]
        assert kept.digest == digest(secret["secretText"]).hex()
        shown = await api.ask("GET", path)
        assert shown["passwordCredentials"][0]["keyId"] == secret["keyId"]
        assert shown["passwordCredentials"][0]["secretText"] is None
        database = _everything(tmp_path)
        assert kept.digest.encode() in database
        assert secret["secretText"].encode() not in database
        await api.ask("PATCH", path, {"isFallbackPublicClient": True}, status=400)
        await api.ask("POST", f"{path}/removePassword", {"keyId": secret["keyId"]}, status=204)
        await api.ask("POST", f"{path}/removePassword", {"keyId": secret["keyId"]}, status=404)
        for number in range(10):
            await api.ask("POST", f"{path}/addPassword", {} if number else None)
        await api.ask("POST", f"{path}/addPassword", {}, status=409)
        await api.ask("POST", "/v1.0/applications/nobody/addPassword", {}, status=404)

    play(tmp_path, story)


def _everything(folder: Path) -> bytes:
    """Database and write-ahead log."""
    return b"".join(file.read_bytes() for file in folder.glob("ostiary.db*"))


def test_secrets_have_an_end_and_public_clients_none(tmp_path: Path) -> None:
    """At most two years, never in the past; who can keep no secret gets none."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask("POST", "/v1.0/applications", WEB, status=201)
        path = f"/v1.0/applications/{made['id']}/addPassword"
        for ends in ("2026-11-23T08:00:00Z", "2029-01-01T00:00:00Z"):
            await api.ask("POST", path, {"passwordCredential": {"endDateTime": ends}}, status=400)
        await api.ask("POST", f"/v1.0/applications(appId='{CLI}')/addPassword", {}, status=409)

    play(tmp_path, story)


def test_consent_is_written_down_by_administrators(tmp_path: Path) -> None:
    """For everybody, for scopes that the resource has; the picture has it at once."""

    async def story(api: Api, clock: MovableClock) -> None:
        resource = await api.ask("POST", "/v1.0/applications", API, status=201)
        grant = {"clientId": CLI, "consentType": "AllPrincipals", "resourceId": resource["id"], "scope": "Read"}
        made = await api.ask("POST", "/v1.0/oauth2PermissionGrants", grant, status=201)
        pair = (CLI, AppId(resource["appId"]))
        assert api.house.desk.picture.consents[pair] == {"Read"}
        await api.ask("POST", "/v1.0/oauth2PermissionGrants", grant, status=409)
        path = f"/v1.0/oauth2PermissionGrants/{made['id']}"
        assert (await api.ask("GET", path))["clientId"] == "0b"
        await api.ask("PATCH", path, {"scope": "Pay Read", "ostiary": {"reason": "payday"}}, status=204)
        await api.ask("PATCH", path, {"scope": "Pay Read"}, status=204)
        assert api.house.desk.picture.consents[pair] == {"Read", "Pay"}
        await api.ask("PATCH", path, {"scope": "Nothing"}, status=400)
        found = await api.ask("GET", f"/v1.0/oauth2PermissionGrants?$filter=resourceId eq '{resource['id']}'")
        assert [one["scope"] for one in found["value"]] == ["Pay Read"]
        await api.ask("DELETE", path, status=204)
        await api.ask("DELETE", path, status=404)
        assert pair not in api.house.desk.picture.consents
        entries = [detail for kind, detail in await journal(api.house) if kind == "admin:consent:changed"]
        assert [(entry["before"], entry["after"]) for entry in entries] == [
            ({"scopes": []}, {"scopes": ["Read"]}),
            ({"scopes": ["Read"]}, {"scopes": ["Pay", "Read"]}),
            ({"scopes": ["Pay", "Read"]}, {"scopes": []}),
        ]

    play(tmp_path, story)


def test_a_consent_that_says_too_little_is_refused(tmp_path: Path) -> None:
    """No consent of a single person, none for what does not exist."""

    async def story(api: Api, clock: MovableClock) -> None:
        resource = await api.ask("POST", "/v1.0/applications", API, status=201)
        grant = {"clientId": CLI, "consentType": "AllPrincipals", "resourceId": resource["id"], "scope": "Read"}
        wrong = {"consentType": "Principal", "clientId": "nobody", "resourceId": "nobody", "scope": "None"}
        for name, value in wrong.items():
            await api.ask("POST", "/v1.0/oauth2PermissionGrants", grant | {name: value}, status=400)
        await api.ask("POST", "/v1.0/oauth2PermissionGrants", grant | {"scope": " "}, status=400)
        assert (await api.ask("GET", "/v1.0/oauth2PermissionGrants"))["value"] == []

    play(tmp_path, story)


def test_people_and_groups_are_assigned(tmp_path: Path) -> None:
    """As `appRoleAssignedTo`; what decisions ask of the store follows at once."""

    async def story(api: Api, clock: MovableClock) -> None:
        path = f"/v1.0/servicePrincipals(appId='{CLI}')/appRoleAssignedTo"
        made = await api.ask("POST", path, {"principalId": BOB, "resourceId": "0b"}, status=201)
        assert (made["principalType"], made["principalDisplayName"]) == ("User", "Bob")
        await api.ask("POST", path, {"principalId": BOB}, status=409)
        await api.ask("POST", path, {"principalId": "nobody"}, status=400)
        await api.ask("POST", path, {"principalId": ALICE, "resourceId": "other"}, status=400)
        await api.ask("POST", path, {"principalId": GROUP}, status=201)

        async def body(tx: Tx) -> bool:
            return await is_assigned(tx, CLI, {BOB})

        assert await api.house.store.read(body)
        found = await api.ask("GET", "/v1.0/servicePrincipals/0b/appRoleAssignedTo?$filter=principalType eq 'Group'")
        assert [one["principalId"] for one in found["value"]] == [GROUP]
        gone = f"/v1.0/servicePrincipals/0b/appRoleAssignedTo/{made['id']}"
        await api.ask("DELETE", gone, status=204)
        await api.ask("DELETE", gone, status=404)
        assert not await api.house.store.read(body)
        await api.ask("GET", "/v1.0/servicePrincipals/nobody/appRoleAssignedTo", status=404)

    play(tmp_path, story)


def test_the_admin_api_keeps_its_registration(tmp_path: Path) -> None:
    """Whoever could change it could make administrative scopes look harmless."""

    async def story(api: Api, clock: MovableClock) -> None:
        made = await api.ask("POST", "/v1.0/applications", API, status=201)

        async def crown(tx: Tx) -> None:
            old = await registry.find(tx, made["id"])
            assert old is not None
            await registry.remove(tx, old.id)
            await registry.add(tx, replace(old, admin_api=True))

        await api.house.store.write(crown)
        path = f"/v1.0/applications/{made['id']}"
        await api.ask("PATCH", path, {"ostiary": {"enabled": False}}, status=409)
        await api.ask("DELETE", path, status=409)
        await api.ask("POST", f"{path}/addPassword", {}, status=409)

    play(tmp_path, story)


def test_keys_are_certificates_in_graphs_shape(tmp_path: Path) -> None:
    """Set as a whole, told back so that a round trip changes nothing, kept by id alone; the journal names digests."""

    async def story(api: Api, clock: MovableClock) -> None:
        ec, rsa = make("EC", clock.now()), make("RSA", clock.now())
        body = {**WEB, "keyCredentials": [{"key": b64encode(ec.der).decode(), "displayName": "one"}]}
        made = await api.ask("POST", "/v1.0/applications", body, status=201)
        path, kept = f"/v1.0/applications/{made['id']}", made["keyCredentials"]
        assert (kept[0]["type"], kept[0]["usage"], kept[0]["displayName"]) == ("AsymmetricX509Cert", "Verify", "one")
        assert kept[0]["customKeyIdentifier"] == ec.certificate.fingerprint(SHA1()).hex().upper()
        assert b64decode(kept[0]["key"]) == ec.der
        await api.ask("PATCH", path, {"keyCredentials": kept}, status=204)
        assert (await api.ask("GET", path))["keyCredentials"] == kept
        added = [{"keyId": kept[0]["keyId"], "key": None}, {"key": b64encode(rsa.pem).decode()}]
        await api.ask("PATCH", path, {"keyCredentials": added}, status=204)
        now = (await api.ask("GET", path))["keyCredentials"]
        assert (now[0], len(now)) == (kept[0], 2)
        await api.ask("PATCH", path, {"keyCredentials": []}, status=204)
        assert (await api.ask("GET", path))["keyCredentials"] == []
        changes: list[Any] = [d for kind, d in await journal(api.house) if kind == "admin:application:changed"]
        assert [key["sha256"] for key in changes[0]["after"]["keys"]] == [
            pair.certificate.fingerprint(SHA256()).hex() for pair in (ec, rsa)
        ]

    play(tmp_path, story)


def test_keys_that_may_not_be(tmp_path: Path) -> None:
    """No private or weak key, none that may not sign or outlives its certificate, none of a public client."""

    async def story(api: Api, clock: MovableClock) -> None:
        pair = make("EC", clock.now())
        right = b64encode(pair.der).decode()
        late = to_iso(after(clock.now(), days(31)))
        wrong: list[Any] = [
            [{"key": b64encode(pair.private_pem).decode()}],
            [{"key": b64encode(pair.pem + make("EC", clock.now()).pem).decode()}],
            [{"key": right + "!"}],
            [{"key": right[:-8]}],
            [{"key": ""}],
            [{}],
            [{"keyId": "7a0d1f2e-0000-4000-8000-0000000000ff"}],
            [{"key": b64encode(make("RSA", clock.now(), bits=1024).der).decode()}],
            [{"key": b64encode(make("EC", clock.now(), signs=False).der).decode()}],
            [{"key": right, "customKeyIdentifier": "0" * 40}],
            [{"key": right, "endDateTime": late}],
            [{"key": right, "startDateTime": late}],
            [{"key": right, "usage": "Sign"}],
            [{"key": right, "type": "Symmetric"}],
            [{"key": right}, {"key": right}],
            [{"key": right}] * 11,
        ]
        before = (await api.ask("GET", "/v1.0/applications"))["value"]
        for keys in wrong:
            await api.ask("POST", "/v1.0/applications", {**WEB, "keyCredentials": keys}, status=400)
        public = {"displayName": "Shell", "keyCredentials": [{"key": right}]}
        await api.ask("POST", "/v1.0/applications", public, status=400)
        assert (await api.ask("GET", "/v1.0/applications"))["value"] == before

    play(tmp_path, story)
