"""
npm openid-client with DPoP, unmodified, against a running server: its own key from the first poll on (RFC 9449, R12).
"""

import base64
import json
import ssl
from pathlib import Path

import httpx

from tests.clients.needs import Server
from tests.clients.programs import openid_client_with_a_key
from tests.journeys.browser import Person


def test_r12_openid_client_signs_in_with_a_key(server: Server, person: Person, tmp_path: Path) -> None:
    """Device flow, nonce, refresh, userinfo and admin API by the library; a copy of its token is worth nothing."""
    alice = server.people["alice"]
    server.open_exemption("alice")
    with openid_client_with_a_key(server, tmp_path) as client:
        client.start()
        person.enter_code(client.code() or "")
        person.approve()
        first = client.outcome()
        assert first.signed_in, first
        renewed = client.token()
        assert renewed.signed_in, renewed
        used = client.use()
    server.end_exemptions("alice")
    assert used["event"] == "used", used
    assert used["token_type"] == "dpop"  # the library lowers it
    assert used["about"]["sub"] == used["body"].get("id"), used
    assert (used["status"], used["body"]["userPrincipalName"]) == (200, alice.username)
    assert _key(first.access_token) == _key(renewed.access_token) != ""
    copied = httpx.get(
        f"{server.origin}/v1.0/me", headers={"authorization": f"Bearer {renewed.access_token}"},
        verify=ssl.create_default_context(cafile=str(server.ca_file)),
    )  # fmt: skip
    assert copied.status_code == 401
    assert copied.headers["www-authenticate"].startswith('DPoP error="invalid_token"')


def _key(token: str) -> str:
    middle = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))["cnf"]["jkt"])
