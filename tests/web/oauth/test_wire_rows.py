"""
What real clients send and RFC 8628 asks for, row by row, where no other test speaks of it: the query string, both names
of the grant, parameters that are to be ignored, the shape of each answer, and how much a code is worth to a guesser.
"""

import base64
import json
from collections.abc import Iterator
from math import log2
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.signins import user_code
from ostiary.core.signins.pace import GROSS
from ostiary.core.words.instants import minutes, seconds
from ostiary.services.signins import decide
from ostiary.services.tokens.grants.device_code import GRANT_TYPES
from tests.services.door import Door
from tests.web.oauth.requester import DEVICE, OWN, TOKEN, approve, error
from tests.web.oauth.site import API, API_URI, CLI, OLD, ORIGIN, SECRETS, TENANT

IGNORED = {
    "x-client-SKU": "MSAL.Python", "x-client-VER": "1.39.0", "x-client-OS": "linux", "x-client-CPU": "x64",
    "x-client-current-telemetry": "4|622,0|", "x-client-last-telemetry": "4|0|||", "client-request-id": "abc-123",
    "x-ms-lib-capability": "retry-after, h429", "tenant": TENANT, "client_session": "1", "made-up": "é",
}  # fmt: skip
"""Parameters that clients of the field send and that nothing here reads (RFC 8628 §3.1: ignore what is not known)."""


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A founded house with the block on; each test opens an exemption of its own."""
    made = Door(Path(tmp_path_factory.mktemp("rows")))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _opened(door: Door) -> None:
    door.clock.move(minutes(90))
    door.open()


def begin(door: Door, **changes: str) -> dict[str, Any]:
    """A device authorization request that gets its code."""
    answer = door.post(DEVICE, {"client_id": CLI, "scope": OWN, **changes})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def polled(door: Door, code: str, /, grant: str = "device_code", uri: str = TOKEN, **changes: str) -> Any:
    """One poll."""
    return door.post(uri, {"grant_type": grant, "client_id": CLI, "device_code": code, **changes})


def test_a_query_string_on_the_token_endpoint_is_accepted_and_never_read(door: Door) -> None:
    """Clients add `client-request-id` there; what is a parameter of the request stands in its body (RFC 6749 §3.2)."""
    begun = begin(door)
    mark = f"{TOKEN}?client-request-id=abc-123&dc=ESTS-PUB"
    assert error(polled(door, begun["device_code"], uri=mark)) == (400, "authorization_pending")
    approve(door, begun)
    smuggled = f"{TOKEN}?device_code={begun['device_code']}&client_id={CLI}&grant_type=device_code"
    assert error(door.post(smuggled, {"grant_type": "device_code", "client_id": CLI})) == (400, "invalid_request")
    assert error(door.post(smuggled, {"device_code": begun["device_code"]}))[1] in ("invalid_request", "invalid_client")
    assert error(polled(door, "x", uri=f"{TOKEN}?device_code={begun['device_code']}"))[1] == "invalid_grant"
    assert polled(door, begun["device_code"], uri=mark).status_code == 200


def test_a_query_string_on_the_device_endpoint_is_accepted_and_never_read(door: Door) -> None:
    """There too: a client in the address is no client."""
    assert door.post(f"{DEVICE}?client-request-id=1", {"client_id": CLI, "scope": OWN}).status_code == 200
    assert error(door.post(f"{DEVICE}?client_id={CLI}&scope=openid", {"scope": OWN}))[0] in (400, 401)


@pytest.mark.parametrize("grant", GRANT_TYPES)
def test_both_names_of_the_grant_live_the_same_life(door: Door, grant: str) -> None:
    """Pending, told to slow down when it is gross, redeemed once and never again: by the URN and by its short name."""
    begun = begin(door)
    code = begun["device_code"]
    said = [error(polled(door, code, grant)) for _ in range(GROSS + 2)]
    assert said == [(400, "authorization_pending")] * (GROSS + 1) + [(400, "slow_down")]
    door.clock.move(seconds(begun["interval"] + 5))  # RFC 8628 §3.5: five seconds more, from now on
    assert error(polled(door, code, grant)) == (400, "authorization_pending")
    approve(door, begun)
    given = polled(door, code, grant, code=code)  # msal-python sends it twice
    assert given.status_code == 200
    assert given.json()["token_type"] == "Bearer"
    again = polled(door, code, grant)
    assert error(again) == (400, "invalid_grant")
    assert "retry-after" not in again.headers


@pytest.mark.parametrize("grant", GRANT_TYPES)
def test_a_code_is_its_clients_alone_under_both_names(door: Door, grant: str) -> None:
    """T2, T5, T6: another client, a denied and an expired code; each 400, in the words of RFC 8628 §3.5."""
    begun = begin(door)
    form = {"grant_type": grant, "device_code": begun["device_code"]}
    assert error(door.post(TOKEN, {**form, "client_id": OLD})) == (400, "invalid_grant")
    secret = base64.b64encode(f"{API}:{SECRETS[API]}".encode()).decode()
    assert error(door.post(TOKEN, form, headers={"authorization": f"Basic {secret}"})) == (400, "invalid_grant")
    shown = door.claimed(begun["user_code"])
    door.run(decide.deny(door.house, door.at_browser(), shown.signin.id))
    assert error(polled(door, begun["device_code"], grant)) == (400, "access_denied")
    late = begin(door)
    door.clock.move(seconds(late["expires_in"]))
    assert error(polled(door, late["device_code"], grant)) == (400, "expired_token")


@pytest.mark.parametrize("name", ["urn:ietf:params:oauth:grant-type:device-code", "DEVICE_CODE", "device_code ", ""])
def test_no_other_name_is_that_grant(door: Door, name: str) -> None:
    """Not nearly, and nothing is spent by trying."""
    begun = begin(door)
    approve(door, begun)
    assert error(polled(door, begun["device_code"], name))[1] in ("unsupported_grant_type", "invalid_request")
    assert polled(door, begun["device_code"]).status_code == 200


def test_s2_a_device_code_has_256_random_bits(door: Door) -> None:
    """43 letters of base64url that stand for 32 bytes, never the same, no bit more often one than zero."""
    many = [door.started(address=f"2001:db8:{n:x}::1").device_code for n in range(400)]
    raw = [base64.urlsafe_b64decode(f"{code}=") for code in many]
    assert {len(code) for code in many} == {43}
    assert {len(each) for each in raw} == {32}
    assert len(set(many)) == len(many)
    for bit in range(256):  # 400 fair throws leave 110 to 290 but for 1 in 10^18
        assert 110 < sum(each[bit // 8] >> bit % 8 & 1 for each in raw) < 290


def test_r10_a_user_code_is_worth_34_bits_and_evenly_spread(door: Door) -> None:
    """Eight of twenty consonants as RFC 8628 §6.1 proposes; each letter comes about as often as any other."""
    codes = [user_code.normal(door.started(address=f"2001:db8:1:{n:x}::1").user_code) for n in range(400)]
    assert len(user_code.ALPHABET) == 20
    assert set(user_code.ALPHABET) == set("BCDFGHJKLMNPQRSTVWXZ")
    assert {len(code) for code in codes} == {8}
    assert 8 * log2(20) > 34.5
    letters = "".join(codes)
    assert set(letters) == set(user_code.ALPHABET)
    for each in user_code.ALPHABET:  # 160 expected of 3,200
        assert 90 < letters.count(each) < 240


def test_u3_the_address_to_open_carries_no_code(door: Door) -> None:
    """D5, D7: what RFC 8628 §3.2 wants is there with its types, and the address is short and the same for all."""
    answer = door.post(DEVICE, {"client_id": CLI, "scope": OWN})
    begun = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert begun["verification_uri"] == f"{ORIGIN}/devicelogin"
    assert "verification_uri_complete" not in begun  # off unless the registration says otherwise
    assert (type(begun["expires_in"]), type(begun["interval"])) == (int, int)
    assert begun["interval"] >= 1
    assert begun["user_code"] in begun["message"]
    assert begun["device_code"] not in begun["message"]


@pytest.mark.parametrize("where", ["device", "token"])
def test_what_nobody_reads_is_ignored_and_what_is_empty_is_absent(door: Door, where: str) -> None:
    """D4: telemetry of clients, unknown names, parameters without a value; the empty secret of a public client."""
    more = {**IGNORED, "client_secret": "", "claims": "", "resource": ""}
    begun = begin(door, **(more if where == "device" else {}))
    assert error(polled(door, begun["device_code"], **(more if where == "token" else {}))) == (
        400,
        "authorization_pending",
    )


@pytest.mark.parametrize("uri", [DEVICE, TOKEN])
def test_d4_a_parameter_that_repeats_is_invalid(door: Door, uri: str) -> None:
    """Also an empty one, and one that nobody reads."""
    for twice in ("scope=openid&scope=openid", "scope=&scope=openid", "made=1&made=1"):
        body = f"client_id={CLI}&grant_type=device_code&device_code=x&{twice}"
        kind = {"content-type": "application/x-www-form-urlencoded"}
        assert error(door.request("POST", uri, content=body, headers=kind)) == (400, "invalid_request")


def test_a_public_client_may_name_itself_in_three_ways(door: Door) -> None:
    """In the body, by Basic with an empty password, or both alike; two different names are refused."""
    basic = {"authorization": f"Basic {base64.b64encode(f'{CLI}:'.encode()).decode()}"}
    for form, headers in (({"client_id": CLI}, {}), ({}, basic), ({"client_id": CLI}, basic)):
        begun = door.post(DEVICE, {**form, "scope": OWN}, headers=headers)
        assert begun.status_code == 200, begun.text
        poll = {**form, "grant_type": "device_code", "device_code": begun.json()["device_code"]}
        assert error(door.post(TOKEN, poll, headers=headers)) == (400, "authorization_pending")
    assert error(door.post(DEVICE, {"client_id": OLD, "scope": OWN}, headers=basic))[0] in (400, 401)
    assert error(door.post(DEVICE, {"scope": OWN})) in ((400, "invalid_request"), (401, "invalid_client"))


def test_d2_who_has_a_secret_proves_it_at_the_device_endpoint_too(door: Door) -> None:
    """RFC 8628 §3.1 by RFC 6749 §3.2.1: its mere name, or a wrong secret, is 401 `invalid_client`."""
    assert error(door.post(DEVICE, {"client_id": API, "scope": OWN})) == (401, "invalid_client")
    assert error(door.post(DEVICE, {"client_id": API, "client_secret": "wrong"})) == (401, "invalid_client")


def test_tokens_come_as_they_were_asked_for(door: Door) -> None:
    """A refresh token for `offline_access` only, an id token for `openid` only, `client_info` where it was asked."""
    for scope, present in (("openid", {"id_token"}), ("offline_access", {"refresh_token"})):
        begun = begin(door, scope=f"{scope} {ORIGIN}/User.Read")
        approve(door, begun)
        given = polled(door, begun["device_code"]).json()
        assert {"id_token", "refresh_token", "client_info"} & set(given) == present
        assert type(given["expires_in"]) is int
        assert given["ext_expires_in"] == given["expires_in"]
        assert set(scope.split()) <= set(given["scope"].split())
    begun = begin(door)
    approve(door, begun)
    given = polled(door, begun["device_code"], client_info="1").json()
    raw = base64.urlsafe_b64decode(given["client_info"] + "=" * (-len(given["client_info"]) % 4))
    said = json.loads(base64.urlsafe_b64decode(given["id_token"].split(".")[1] + "=="))
    assert json.loads(raw) == {"uid": said["oid"], "utid": TENANT}
    assert {"iss", "aud", "exp", "iat", "nbf", "sub", "oid", "tid", "preferred_username", "name", "ver"} <= set(said)


def test_a_refresh_without_a_scope_and_with_a_mailbox_goes_on(door: Door) -> None:
    """mutt sends no scope, MSAL a header with the person's id; neither changes what is given."""
    begun = begin(door, scope=f"{API_URI}Read offline_access")
    approve(door, begun)
    first = polled(door, begun["device_code"]).json()
    form = {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": first["refresh_token"]}
    renewed = door.post(f"{TOKEN}?client-request-id=1", form, headers={"x-anchormailbox": f"Oid:x@{TENANT}"})
    assert renewed.status_code == 200, renewed.text
    assert renewed.json()["refresh_token"] != first["refresh_token"]
    assert renewed.json()["scope"].split() == first["scope"].split()
