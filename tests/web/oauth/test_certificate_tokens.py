"""
Tokens bound to a TLS client's certificate over HTTP (RFC 8705 §3, R12, R13, R14, R6): bound at the request or by the
first poll, the same certificate at every endpoint from then on, and nothing for a copy without it.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ostiary.core.words.instants import days, hours, minutes, seconds
from tests.services.door import Door
from tests.web.oauth.certificates import CLIENT_AUTH, SERVER_AUTH
from tests.web.oauth.over_tls import OverTls, behind_proxy, over_tls
from tests.web.oauth.requester import BASE, DEVICE, ME, TOKEN, USERINFO, Machine, alerts, api, approve, error
from tests.web.oauth.site import ADMIN_API, API, CLI, returned
from tests.web.oauth.test_flow import claims


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A founded house behind a proxy, with the block on and an exemption open."""
    with behind_proxy(tmp_path) as made:
        yield made


def test_a_whole_sign_in_is_bound_to_the_certificate_of_its_request(door: Door) -> None:
    """RFC 8705 §3: `cnf.x5t#S256` in each access token and in introspection; it stays a Bearer token."""
    machine = over_tls(door, usages=(CLIENT_AUTH,))
    begun = machine.start().json()
    assert error(machine.poll(begun["device_code"])) == (400, "authorization_pending")
    approve(door, begun)
    body = machine.poll(begun["device_code"]).json()
    cnf = {"x5t#S256": machine.x5t}
    assert body["token_type"] == "Bearer"
    assert claims(door, body["access_token"])["cnf"] == cnf
    assert "cnf" not in claims(door, body["id_token"])
    renewed = machine.refresh(body["refresh_token"]).json()
    assert claims(door, renewed["access_token"])["cnf"] == cnf
    assert machine.ask(USERINFO, renewed["access_token"]).json()["preferred_username"] == "alice@example.com"
    assert machine.ask(ME, renewed["access_token"]).json()["userPrincipalName"] == "alice@example.com"
    other = machine.post(
        TOKEN,
        {
            "grant_type": "refresh_token", "client_id": CLI, "refresh_token": renewed["refresh_token"],
            "scope": "https://api.example/Read",
        },
    ).json()  # fmt: skip
    told = door.introspect(other["access_token"], API).json()
    assert (told["active"], told["token_type"], told["cnf"]) == (True, "Bearer", cnf)
    (started,) = door.entries("device:signin:started")
    assert started["detail"]["certificate"] == machine.x5t


@pytest.mark.parametrize("when", ["start", "first poll"])
def test_r12_from_its_first_certificate_on_none_other_counts(door: Door, when: str) -> None:
    """Another, or none: `invalid_grant`, nothing given, one alert; the sign-in lives on for its own."""
    machine, thief, nobody = over_tls(door), over_tls(door), OverTls(door, None)
    begun = (machine if when == "start" else nobody).start().json()
    code = begun["device_code"]
    if when == "first poll":
        assert error(nobody.poll(code)) == (400, "authorization_pending")
        assert error(machine.poll(code)) == (400, "authorization_pending")
        (bound,) = door.entries("device:signin:key_bound")
        assert bound["detail"]["certificate"] == machine.x5t
    for one in (thief, nobody):
        assert error(one.poll(code)) == (400, "invalid_grant")
    approve(door, begun)
    for one in (thief, nobody):
        assert error(one.poll(code)) == (400, "invalid_grant")
    assert claims(door, machine.poll(code).json()["access_token"])["cnf"] == {"x5t#S256": machine.x5t}
    assert alerts(door) == ["wrong key"]
    assert {entry["detail"]["certificate"] for entry in door.entries("token:key:refused")} == {"", thief.x5t}


def test_r6_a_refresh_token_is_given_to_its_certificate_alone(door: Door) -> None:
    """RFC 8705 §4: the head with another certificate gives nothing and stays; one that was head is a theft."""
    machine, thief = over_tls(door), over_tls(door)
    head = machine.signed_in()[1]["refresh_token"]
    assert error(thief.refresh(head)) == (400, "invalid_grant")
    assert error(OverTls(door, None).refresh(head)) == (400, "invalid_grant")
    renewed = machine.refresh(head).json()["refresh_token"]
    assert machine.refresh(head).json()["refresh_token"] == renewed
    assert alerts(door) == ["wrong key"]
    assert error(thief.refresh(head)) == (400, "invalid_grant")
    assert error(machine.refresh(renewed)) == (400, "invalid_grant")
    assert alerts(door) == ["wrong key", "refresh token used twice"]


def test_r14_a_lost_answer_is_given_again_to_the_same_certificate(door: Door) -> None:
    """Within a minute and before any use: another access token, the same head. With another it is a theft."""
    machine, thief = over_tls(door), over_tls(door)
    code, given = machine.signed_in()
    door.clock.move(seconds(59))
    again = machine.poll(code).json()
    assert again["refresh_token"] == given["refresh_token"]
    assert again["access_token"] != given["access_token"]
    assert error(thief.poll(code)) == (400, "invalid_grant")
    assert error(machine.refresh(given["refresh_token"])) == (400, "invalid_grant")
    assert "device code used twice" in alerts(door)


@pytest.mark.parametrize("uri", [USERINFO, ME])
def test_a_bound_token_is_worth_nothing_without_its_certificate(door: Door, uri: str) -> None:
    """With another, without one, or with a proof of some key: 401, as RFC 8705 §3 says it."""
    machine, thief, proving = over_tls(door), over_tls(door), Machine(door)
    token = machine.signed_in()[1]["access_token"]
    proving.post(TOKEN, {"grant_type": "x"})
    proof = {"authorization": f"DPoP {token}", "dpop": proving.proof("GET", uri, token=token)}
    for answer, scheme in (
        (thief.ask(uri, token), "Bearer"),
        (OverTls(door, None).ask(uri, token), "Bearer"),
        (api(door, "GET", uri, {"authorization": f"Bearer {token}"}), "Bearer"),
        (machine.ask(uri, token, **proof), "DPoP"),
    ):
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"].startswith(scheme)
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert machine.ask(uri, token).status_code == 200


def test_r13_a_certificate_of_nobody_we_trust_is_refused_everywhere(door: Door) -> None:
    """The header from elsewhere, though the token's own certificate stands in it: 400 at each door, nothing moved."""
    machine = over_tls(door)
    given = machine.signed_in()[1]
    forged = {"client-cert": machine.headers["client-cert"]}
    form = {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": given["refresh_token"]}
    for headers in (forged, {**forged, "x-proxy-secret": "guess"}):
        assert error(door.post(TOKEN, form, headers=headers)) == (400, "invalid_request")
        for uri in (USERINFO, ME):
            asked = door.get(uri, headers={**headers, "authorization": f"Bearer {given['access_token']}"})
            assert asked.status_code == 400, uri
    assert machine.refresh(given["refresh_token"]).status_code == 200


def test_r12_who_brings_a_proof_and_a_certificate_is_bound_to_the_proof(door: Door) -> None:
    """One key a token (RFC 7800 §3.1): from then on the certificate neither helps nor hinders."""
    proving, machine = Machine(door), over_tls(door)
    proving.post(TOKEN, {"grant_type": "x"})  # for a nonce
    begun = machine.start(dpop=proving.proof("POST", DEVICE)).json()
    approve(door, begun)
    code = begun["device_code"]
    assert error(machine.poll(code)) == (400, "invalid_grant")
    body = OverTls(door, None).poll(code, dpop=proving.proof("POST", TOKEN)).json()
    assert (body["token_type"], claims(door, body["access_token"])["cnf"]) == ("DPoP", {"jkt": proving.holder.jkt})
    door.register(CLI, certificate="required")
    begun = machine.start(dpop=proving.proof("POST", DEVICE)).json()
    approve(door, begun)
    assert (
        error(OverTls(door, None).poll(begun["device_code"], dpop=proving.proof("POST", TOKEN)))[1] == "invalid_grant"
    )
    body = machine.poll(begun["device_code"], dpop=proving.proof("POST", TOKEN)).json()
    assert (body["token_type"], claims(door, body["access_token"])["cnf"]) == ("Bearer", {"x5t#S256": machine.x5t})


def test_r12_what_the_registration_says_of_certificates_is_kept(door: Door) -> None:
    """Required: no code, no tokens without; never: what comes is not bound, and what was bound stays so."""
    door.register(CLI, certificate="required")
    machine, nobody = over_tls(door), OverTls(door, None)
    refused = nobody.start()
    assert error(refused) == (400, "invalid_request")
    assert "certificate" in refused.json()["error_description"]
    assert door.signins() == []
    assert door.entries("device:signin:refused")[-1]["detail"]["reason"] == "certificate_required"
    bound = machine.signed_in()[1]["refresh_token"]
    door.sign_in()
    assert error(door.redeem(returned(door.authorize())["code"])) == (400, "invalid_request")
    door.register(CLI, certificate="never")
    begun = machine.start().json()
    approve(door, begun)
    free = nobody.poll(begun["device_code"]).json()
    assert "cnf" not in claims(door, free["access_token"])
    assert error(nobody.refresh(bound)) == (400, "invalid_grant")
    assert "cnf" in claims(door, machine.refresh(bound).json()["access_token"])
    door.register(CLI, certificate="required")
    assert error(machine.refresh(free["refresh_token"])) == (400, "invalid_grant")


def test_a_code_flow_is_bound_by_its_redemption(door: Door) -> None:
    """The certificate of who redeems the code; its refresh token is worth nothing to another (RFC 8705 §4)."""
    machine, thief = over_tls(door), over_tls(door)
    door.sign_in()
    code = returned(door.authorize())["code"]
    form = {
        "grant_type": "authorization_code", "client_id": CLI, "code": code, "redirect_uri": "http://127.0.0.1:53211/callback",
        "code_verifier": "v" * 64,
    }  # fmt: skip
    given = machine.post(TOKEN, form).json()
    assert claims(door, given["access_token"])["cnf"] == {"x5t#S256": machine.x5t}
    assert error(thief.refresh(given["refresh_token"])) == (400, "invalid_grant")
    assert machine.refresh(given["refresh_token"]).status_code == 200


def test_a_certificate_that_does_not_count_binds_nothing_and_is_told(door: Door) -> None:
    """Not for clients, not yet, run out: refused where it would count, with why, in the log too."""
    for kind, said in (
        ({"usages": (SERVER_AUTH,)}, "not meant for TLS clients"),
        ({"signs": False}, "not meant for TLS clients"),
        ({"begins": hours(1)}, "not valid yet"),
        ({"begins": days(-60)}, "has expired"),
    ):
        refused = over_tls(door, **kind).start()
        assert error(refused) == (400, "invalid_request")
        assert said in refused.json()["error_description"]
        assert door.entries("device:signin:refused")[-1]["detail"]["reason"] == "certificate_unfit"
    odd, plain = over_tls(door, begins=days(-60)), OverTls(door, None)
    begun = plain.start().json()
    assert error(odd.poll(begun["device_code"])) == (400, "invalid_request")
    door.register(CLI, certificate="never")
    assert odd.start().status_code == 200
    assert error(odd.poll(begun["device_code"])) == (400, "authorization_pending")


def test_beside_a_proof_an_unfit_certificate_costs_a_poll_nothing(door: Door) -> None:
    """What is bound to another key is polled in memory, where too early a poll is noticed, and not in the store."""
    object.__setattr__(door.house, "settings", replace(door.house.settings, lenient_pace=False))
    proving, odd = Machine(door), over_tls(door, begins=days(-60))
    proving.post(TOKEN, {"grant_type": "x"})  # for a nonce
    code = odd.start(dpop=proving.proof("POST", DEVICE)).json()["device_code"]
    assert error(odd.poll(code, dpop=proving.proof("POST", TOKEN))) == (400, "authorization_pending")
    assert error(odd.poll(code, dpop=proving.proof("POST", TOKEN))) == (400, "slow_down")
    assert error(odd.poll(code)) == (400, "invalid_grant")


def test_a_certificate_that_is_demanded_later_is_missed_at_the_next_poll(door: Door) -> None:
    """The waiting room judges keys as the grant does, so nobody waits for what can give nothing."""
    nobody = OverTls(door, None)
    code = nobody.start().json()["device_code"]
    assert error(nobody.poll(code)) == (400, "authorization_pending")
    door.register(CLI, certificate="required")
    refused = nobody.poll(code)
    assert error(refused) == (400, "invalid_request")
    assert "certificate" in refused.json()["error_description"]


def test_a_code_that_an_unfit_certificate_brings_is_refused_with_one_entry(door: Door) -> None:
    """In the story of the code, which lives on for who comes with a good one."""
    door.sign_in()
    code = returned(door.authorize())["code"]
    form = {
        "grant_type": "authorization_code", "client_id": CLI, "code": code, "redirect_uri": "http://127.0.0.1:53211/callback",
        "code_verifier": "v" * 64,
    }  # fmt: skip
    assert error(over_tls(door, begins=days(-60)).post(TOKEN, form)) == (400, "invalid_request")
    assert [entry["detail"]["reason"] for entry in door.entries("token:key:refused")] == ["certificate_unfit"]
    assert door.entries("browser:authorization:refused") == []
    assert over_tls(door).post(TOKEN, form).status_code == 200


def test_a_session_ends_with_its_certificate(door: Door) -> None:
    """Run out meanwhile: no poll, no refresh, no use; said as it is, and no alarm of a theft."""
    machine = over_tls(door, begins=minutes(-10), lasts=minutes(30))
    _, given = machine.signed_in()
    begun = machine.start().json()
    approve(door, begun)
    door.clock.move(minutes(1))
    assert machine.refresh(given["refresh_token"]).status_code == 200
    late = over_tls(door, begins=minutes(-10), lasts=minutes(11))
    token = late.signed_in()[1]
    door.clock.move(minutes(2))
    for refused in (late.refresh(token["refresh_token"]), late.start()):
        assert error(refused) == (400, "invalid_request")
        assert "has expired" in refused.json()["error_description"]
    answer = late.ask(ME, token["access_token"])
    assert (answer.status_code, "has expired" in answer.text) == (401, True)
    assert [entry["detail"]["reason"] for entry in door.entries("token:key:refused")] == ["certificate_unfit"]
    assert alerts(door) == []
    assert machine.poll(begun["device_code"]).status_code == 200


def test_without_a_certificate_nothing_changes(door: Door) -> None:
    """Optional is optional."""
    given = OverTls(door, None).signed_in()[1]
    assert "cnf" not in claims(door, given["access_token"])
    assert over_tls(door).ask(ME, given["access_token"]).status_code == 200


def test_r19_an_application_asks_with_a_token_that_is_bound_to_its_certificate(door: Door) -> None:
    """Introspection takes it over the connection that it belongs to, and a copy of it not."""
    machine, thief = over_tls(door), over_tls(door)
    bound = replace(door.session(client=API, resource=ADMIN_API), x5t=machine.x5t)
    asking, about = door.token(bound, scopes=("introspect",)), door.token(door.session())
    bearer = {"authorization": f"Bearer {asking}"}
    assert machine.post(f"{BASE}/introspect", {"token": about}, **bearer).json()["active"] is True
    for one in (thief, OverTls(door, None)):
        answer = one.post(f"{BASE}/introspect", {"token": about}, **bearer)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="Ostiary", error="invalid_token"'
