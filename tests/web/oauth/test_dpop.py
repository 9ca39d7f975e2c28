"""
Proofs of keys over HTTP (RFC 9449, R12, R14, R6): bound at the request or by the first poll, the same key at every
endpoint from then on, and nothing for a copy without it.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from ostiary.core.tokens.pkce import challenge_of
from ostiary.core.words.instants import from_seconds, minutes, seconds, to_seconds
from ostiary.core.words.outcome import Refused
from ostiary.services.exemptions.end import end_exemption
from ostiary.services.signins.waiting_room import WaitingRoom
from ostiary.services.tokens.proofs import Proofs
from ostiary.store import schema
from tests.holder import Holder
from tests.services.door import Door
from tests.web.oauth.requester import (
    BASE,
    DEVICE,
    ME,
    OWN,
    TOKEN,
    USERINFO,
    Machine,
    alerts,
    api,
    approve,
    error,
    signed_in,
)
from tests.web.oauth.site import ADMIN_API, API, CLI, ORIGIN, REDIRECT, SECRETS, TENANT, VERIFIER, returned
from tests.web.oauth.test_flow import claims


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A founded house with the block on and an exemption open."""
    made = Door(tmp_path)
    made.open()
    yield made
    made.close()


def test_r12_a_whole_sign_in_is_bound_to_the_key_of_its_request(door: Door) -> None:
    """Device request, polls, tokens, refresh, userinfo, admin API and introspection, all with one key."""
    machine = Machine(door)
    begun = machine.start().json()
    assert error(machine.poll(begun["device_code"])) == (400, "authorization_pending")
    approve(door, begun)
    given = machine.poll(begun["device_code"])
    body = given.json()
    assert body["token_type"] == "DPoP"
    assert given.headers["dpop-nonce"] == machine.nonce
    assert given.headers["cache-control"] == "no-store"
    assert claims(door, body["access_token"])["cnf"] == {"jkt": machine.holder.jkt}
    assert "cnf" not in claims(door, body["id_token"])
    renewed = machine.refresh(body["refresh_token"]).json()
    assert renewed["token_type"] == "DPoP"
    assert claims(door, renewed["access_token"])["cnf"] == {"jkt": machine.holder.jkt}
    about = machine.ask(USERINFO, renewed["access_token"])
    assert (about.status_code, about.json()["preferred_username"]) == (200, "alice@example.com")
    me = machine.ask(ME, renewed["access_token"])
    assert (me.status_code, me.json()["userPrincipalName"]) == (200, "alice@example.com")
    assert me.headers["dpop-nonce"] == machine.nonce


def test_introspection_tells_the_key(door: Door) -> None:
    """RFC 9449 §6.2: `cnf.jkt` and `token_type`, for the resource server to check proofs with."""
    machine = Machine(door)
    begun = machine.start(scope="https://api.example/Read openid offline_access").json()
    approve(door, begun)
    told = door.introspect(machine.poll(begun["device_code"]).json()["access_token"], API).json()
    assert (told["active"], told["token_type"], told["cnf"]) == (True, "DPoP", {"jkt": machine.holder.jkt})


def test_r19_an_application_asks_with_a_token_that_is_bound(door: Door) -> None:
    """Introspection takes the bound token of the application with its proof, and a copy of it not."""
    uri, machine = f"{BASE}/introspect", Machine(door)
    bound = replace(door.session(client=API, resource=ADMIN_API), jkt=machine.holder.jkt)
    asking, about = door.token(bound, scopes=("introspect",)), door.token(door.session())
    machine.post(TOKEN, {"grant_type": "x"})

    def ask(scheme: str, **changes: Any) -> httpx.Response:
        headers = {"authorization": f"{scheme} {asking}", "dpop": machine.proof("POST", uri, token=asking, **changes)}
        return door.post(uri, {"token": about}, headers=headers)

    told = ask("DPoP")
    assert (told.json()["active"], told.headers["dpop-nonce"]) == (True, machine.nonce)
    for answer, said in (
        (ask("Bearer"), 'Bearer realm="Ostiary", error="invalid_token"'),
        (ask("DPoP", htm="GET"), 'DPoP error="invalid_dpop_proof"'),
        (ask("DPoP", nonce=""), 'DPoP error="use_dpop_nonce"'),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith(said)


def test_a_proof_may_name_the_host_for_certificates(door: Door) -> None:
    """RFC 8705 §5: who comes by the other host names that one; a third one is nobody's."""
    other = "https://mtls.example:8443"
    settings = replace(door.house.settings, mtls_origin=other)
    object.__setattr__(door.house, "settings", settings)
    machine = Machine(door)
    machine.start()
    for host, status in ((other, 200), (ORIGIN, 200), ("https://evil.example", 400)):
        proof = machine.proof("POST", DEVICE.replace(ORIGIN, host))
        assert door.post(DEVICE, {"client_id": CLI, "scope": OWN}, headers={"dpop": proof}).status_code == status


@pytest.mark.parametrize("how", ["header", "dpop_jkt"])
def test_r12_a_key_fixed_at_the_request_is_asked_for_at_every_poll(door: Door, how: str) -> None:
    """Without it, or with another, `invalid_grant` and one alert; the sign-in lives on and its own key redeems it."""
    machine, thief = Machine(door), Machine(door)
    named = {} if how == "header" else {"dpop_jkt": machine.holder.jkt}
    begun = machine.start(key=how == "header", **named).json()
    assert error(machine.poll(begun["device_code"])) == (400, "authorization_pending")
    approve(door, begun)
    for _ in range(3):
        assert error(thief.poll(begun["device_code"])) == (400, "invalid_grant")
        assert error(thief.poll(begun["device_code"], key=False)) == (400, "invalid_grant")
    assert machine.poll(begun["device_code"]).json()["token_type"] == "DPoP"
    assert alerts(door) == ["wrong key"]
    shown = {entry["detail"]["key"] for entry in door.entries("token:key:refused")}
    assert shown == {"", thief.holder.jkt}


def test_r12_the_first_proof_of_a_poll_fixes_the_key(door: Door) -> None:
    """Begun without one: from the first poll with a proof on, another's or none is refused."""
    machine, thief = Machine(door), Machine(door)
    begun = machine.start(key=False).json()
    assert error(machine.poll(begun["device_code"], key=False)) == (400, "authorization_pending")
    assert error(machine.poll(begun["device_code"])) == (400, "authorization_pending")
    (bound,) = door.entries("device:signin:key_bound")
    assert bound["detail"]["key"] == machine.holder.jkt
    assert error(thief.poll(begun["device_code"])) == (400, "invalid_grant")
    assert error(thief.poll(begun["device_code"], key=False)) == (400, "invalid_grant")
    approve(door, begun)
    assert error(thief.poll(begun["device_code"], key=False)) == (400, "invalid_grant")
    assert machine.poll(begun["device_code"]).json()["token_type"] == "DPoP"


def test_r12_without_any_proof_nothing_is_bound(door: Door) -> None:
    """Optional is optional: Bearer as before, without a nonce in any answer."""
    machine = Machine(door)
    begun = machine.start(key=False).json()
    approve(door, begun)
    given = machine.poll(begun["device_code"], key=False)
    assert given.json()["token_type"] == "Bearer"
    assert "dpop-nonce" not in given.headers
    assert machine.ask(ME, given.json()["access_token"], scheme="Bearer").status_code == 200


def test_r12_what_the_registration_says_of_keys_is_kept(door: Door) -> None:
    """Required: no code, no tokens without; never: what comes is not bound."""
    door.register(CLI, dpop="required")
    machine = Machine(door)
    assert error(machine.start(key=False)) == (400, "invalid_dpop_proof")
    assert door.signins() == []
    begun, given = signed_in(machine)
    assert given["token_type"] == "DPoP"
    door.sign_in()
    code = returned(door.authorize())["code"]
    assert error(door.redeem(code)) == (400, "invalid_dpop_proof")
    door.register(CLI, dpop="never")
    begun = machine.start().json()
    approve(door, begun)
    assert machine.poll(begun["device_code"]).json()["token_type"] == "Bearer"
    assert machine.refresh(given["refresh_token"]).json()["token_type"] == "DPoP"
    assert error(machine.refresh(given["refresh_token"], key=False)) == (400, "invalid_grant")


def test_r12_a_poll_with_a_proof_writes_nothing(door: Door) -> None:
    """Replay is kept in memory: hundreds of pending polls leave the database as it was."""
    machine = Machine(door)
    begun = machine.start().json()
    machine.poll(begun["device_code"])
    before = door.rows(select(schema.journal.c.position)), door.rows(select(schema.signins))
    for _ in range(50):
        door.clock.move(seconds(5))
        assert error(machine.poll(begun["device_code"]))[1] == "authorization_pending"
    assert (door.rows(select(schema.journal.c.position)), door.rows(select(schema.signins))) == before


def test_a_proof_counts_once(door: Door) -> None:
    """§11.1: the same proof again is refused, at every endpoint, and the log names the check."""
    machine = Machine(door)
    _, given = signed_in(machine)
    form = {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": given["refresh_token"]}
    same = {"dpop": machine.proof("POST", TOKEN)}
    assert door.post(TOKEN, form, headers=same).status_code == 200
    assert error(door.post(TOKEN, form, headers=same)) == (400, "invalid_dpop_proof")
    token = given["access_token"]
    used = {"authorization": f"DPoP {token}", "dpop": machine.proof("GET", ME, token=token)}
    assert api(door, "GET", ME, used).status_code == 200
    again = api(door, "GET", ME, used)
    assert again.status_code == 401
    assert 'DPoP error="invalid_dpop_proof"' in again.headers["www-authenticate"]
    assert [entry["detail"]["check"] for entry in door.entries("token:proof:refused")] == ["jti", "jti"]


def test_a_proof_of_before_a_restart_counts_no_more(door: Door) -> None:
    """Another process has another nonce, so that what it cannot remember it does not take."""
    machine = Machine(door)
    _, given = signed_in(machine)
    old = {"dpop": machine.proof("POST", TOKEN)}
    form = {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": given["refresh_token"]}
    restart(door)
    assert error(door.post(TOKEN, form, headers=old)) == (400, "use_dpop_nonce")
    fresh = {"dpop": machine.proof("POST", DEVICE, nonce="")}  # where no nonce is needed, one is asked for at first
    assert error(door.post(DEVICE, {"client_id": CLI}, headers=fresh)) == (400, "use_dpop_nonce")
    assert machine.refresh(given["refresh_token"]).status_code == 200


def restart(door: Door) -> None:
    """Everything that was in memory only is gone."""
    object.__setattr__(door.house, "proofs", Proofs(door.house.random.bytes(32), door.clock.now()))
    object.__setattr__(door.house, "room", WaitingRoom())


def test_a_nonce_is_asked_for_once_and_renewed_in_every_answer(door: Door) -> None:
    """§8: 400 `use_dpop_nonce` with one header; a nonce counts for three minutes, its successor comes by itself."""
    machine = Machine(door)
    begun = machine.start().json()
    first = door.post(
        TOKEN, {"grant_type": "device_code", "client_id": CLI, "device_code": begun["device_code"]},
        headers={"dpop": machine.proof("POST", TOKEN, nonce="")},
    )  # fmt: skip
    assert error(first) == (400, "use_dpop_nonce")
    assert len(first.headers.get_list("dpop-nonce")) == 1
    assert first.headers["cache-control"] == "no-store"
    asked = 0
    for _ in range(40):
        door.clock.move(seconds(5))
        answer = door.post(
            TOKEN, {"grant_type": "device_code", "client_id": CLI, "device_code": begun["device_code"]},
            headers={"dpop": machine.proof("POST", TOKEN, nonce=machine.nonce or first.headers["dpop-nonce"])},
        )  # fmt: skip
        asked += answer.json()["error"] == "use_dpop_nonce"
        machine.nonce = answer.headers["dpop-nonce"]
    assert asked == 0
    kept = machine.nonce
    door.clock.move(minutes(4))
    assert error(machine.poll(begun["device_code"]))[1] != "use_dpop_nonce"
    assert machine.nonce != kept
    assert door.entries("token:proof:refused") == []


@pytest.mark.parametrize("uri", [USERINFO, ME])
def test_a_bound_token_is_worth_nothing_without_its_key(door: Door, uri: str) -> None:
    """Sent as Bearer, with another key, without a proof, or for another token: 401 and a DPoP challenge."""
    machine, thief = Machine(door), Machine(door)
    _, given = signed_in(machine)
    token = given["access_token"]
    thief.nonce = machine.nonce
    for answer, said in (
        (machine.ask(uri, token, scheme="Bearer"), "invalid_token"),
        (thief.ask(uri, token), "invalid_token"),
        (api(door, "GET", uri, {"authorization": f"DPoP {token}"}), "invalid_dpop_proof"),
        (machine.ask(uri, token, ath="x"), "invalid_dpop_proof"),
        (machine.ask(uri, token, htm="POST"), "invalid_dpop_proof"),
        (machine.ask(uri, token, nonce=""), "use_dpop_nonce"),
    ):
        assert answer.status_code == 401, answer.text
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith(f'DPoP error="{said}"')
        assert 'algs="ES256"' in challenge
    assert machine.ask(uri, token).status_code == 200


@pytest.mark.parametrize("uri", [USERINFO, ME])
def test_a_bearer_token_does_not_become_bound_by_its_use(door: Door, uri: str) -> None:
    """§7.1: the scheme DPoP is for bound tokens."""
    machine = Machine(door)
    begun = machine.start(key=False).json()
    approve(door, begun)
    token = machine.poll(begun["device_code"], key=False).json()["access_token"]
    machine.post(TOKEN, {"grant_type": "x"})
    answer = machine.ask(uri, token)
    assert answer.status_code == 401
    assert 'DPoP error="invalid_token"' in answer.headers["www-authenticate"]


def test_r6_a_refresh_token_is_given_to_its_key_alone(door: Door) -> None:
    """The head with another key gives nothing and stays; one that was head, with another key, is a theft."""
    machine, thief = Machine(door), Machine(door)
    _, given = signed_in(machine)
    head = given["refresh_token"]
    assert error(thief.refresh(head)) == (400, "invalid_grant")
    assert error(thief.refresh(head, key=False)) == (400, "invalid_grant")
    assert alerts(door) == ["wrong key"]
    renewed = machine.refresh(head)
    assert renewed.status_code == 200
    assert machine.refresh(head).json()["refresh_token"] == renewed.json()["refresh_token"]
    assert error(thief.refresh(head)) == (400, "invalid_grant")
    assert error(machine.refresh(renewed.json()["refresh_token"])) == (400, "invalid_grant")
    assert alerts(door) == ["wrong key", "refresh token used twice"]


def test_r14_a_lost_answer_is_given_again_to_the_same_key(door: Door) -> None:
    """Within a minute and before any use: another access token, the same head, and nothing forks."""
    machine = Machine(door)
    begun, given = signed_in(machine)
    door.clock.move(seconds(59))
    again = machine.poll(begun["device_code"])
    assert again.status_code == 200, again.text
    body = again.json()
    assert body["refresh_token"] == given["refresh_token"]
    assert body["access_token"] != given["access_token"]
    assert body["scope"] == given["scope"]
    one, other = claims(door, body["access_token"]), claims(door, given["access_token"])
    assert (one["sid"], one["cnf"]) == (other["sid"], other["cnf"])
    assert len(door.entries("device:signin:repeated")) == 1
    assert machine.refresh(given["refresh_token"]).status_code == 200
    assert alerts(door) == []


@pytest.mark.parametrize("how", ["later", "another key", "no key", "refreshed", "used", "introspected", "restarted"])
def test_r14_any_other_repeat_ends_what_the_code_gave(door: Door, how: str) -> None:
    """Later, from another key or without, or after a use: the family is revoked and somebody is told."""
    machine, other = Machine(door), Machine(door)
    begun = machine.start(
        scope=OWN if how != "introspected" else "https://api.example/Read openid offline_access"
    ).json()
    approve(door, begun)
    given = machine.poll(begun["device_code"]).json()
    if how == "later":
        door.clock.move(seconds(60))
    if how == "refreshed":
        given = machine.refresh(given["refresh_token"]).json()
    if how == "used":
        assert machine.ask(ME, given["access_token"]).status_code == 200
    if how == "introspected":
        door.post(f"{BASE}/introspect", {"token": given["access_token"]}, auth=(API, SECRETS[API]))
    if how == "restarted":
        door.clock.move(seconds(1))
        restart(door)
    poller = other if how == "another key" else machine
    assert error(poller.poll(begun["device_code"], key=how != "no key")) == (400, "invalid_grant")
    assert alerts(door) == ["device code used twice"]
    assert error(machine.refresh(given["refresh_token"])) == (400, "invalid_grant")


def test_r14_a_repeat_looks_at_what_is_true_now(door: Door) -> None:
    """An exemption that was ended meanwhile gives nothing again; a verifier that was asked for is asked for again."""
    machine = Machine(door)
    begun = machine.start(code_challenge=challenge_of(VERIFIER), code_challenge_method="S256").json()
    approve(door, begun)
    code = begun["device_code"]
    assert machine.poll(code, code_verifier=VERIFIER).status_code == 200
    assert error(machine.poll(code, code_verifier="w" * 64)) == (400, "invalid_grant")
    assert machine.poll(code, code_verifier=VERIFIER).status_code == 200
    door.register(CLI, assignment_required=True)
    assert error(machine.poll(code, code_verifier=VERIFIER)) == (400, "invalid_grant")
    door.register(CLI, assignment_required=False)
    assert machine.poll(code, code_verifier=VERIFIER).status_code == 200
    ((window,),) = door.rows(select(schema.exemptions.c.id))
    assert not isinstance(door.run(end_exemption(door.house, door.local(), window, "enough")), Refused)
    assert error(machine.poll(code, code_verifier=VERIFIER)) == (400, "invalid_grant")
    assert len(door.entries("device:signin:repeated")) == 2


def test_an_authorization_code_is_bound_by_its_request_or_its_redemption(door: Door) -> None:
    """`dpop_jkt` (§10) names the one key that may redeem; without it the proof at the redemption binds."""
    machine, thief = Machine(door), Machine(door)
    machine.post(TOKEN, {"grant_type": "x"})
    thief.nonce = machine.nonce
    door.sign_in()
    named = returned(door.authorize(dpop_jkt=machine.holder.jkt))["code"]
    form = {
        "grant_type": "authorization_code", "client_id": CLI, "redirect_uri": REDIRECT, "code_verifier": VERIFIER,
    }  # fmt: skip
    assert error(thief.post(TOKEN, {**form, "code": named})) == (400, "invalid_grant")
    assert error(door.redeem(named)) == (400, "invalid_grant")
    given = machine.post(TOKEN, {**form, "code": named}).json()
    assert given["token_type"] == "DPoP"
    plain = machine.post(TOKEN, {**form, "code": returned(door.authorize())["code"]}).json()
    assert claims(door, plain["access_token"])["cnf"] == {"jkt": machine.holder.jkt}
    assert returned(door.authorize(dpop_jkt="short"))["error"] == "invalid_request"


def test_two_proofs_or_a_broken_one_are_refused_before_anything_else(door: Door) -> None:
    """§4.3 (1), and a proof of another key than the one named."""
    machine = Machine(door)
    begun = machine.start().json()
    form = {"grant_type": "device_code", "client_id": CLI, "device_code": begun["device_code"]}

    async def twice() -> httpx.Response:
        transport = httpx.ASGITransport(app=door.app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport) as client:
            shown = [("dpop", machine.proof("POST", TOKEN)), ("dpop", machine.proof("POST", TOKEN))]
            return await client.post(TOKEN, data=form, headers=shown)

    assert error(door.run(twice())) == (400, "invalid_dpop_proof")
    assert error(door.post(TOKEN, form, headers={"dpop": "x"})) == (400, "invalid_dpop_proof")
    assert error(machine.start(dpop_jkt=Holder().jkt)) == (400, "invalid_request")
    assert error(machine.start(key=False, dpop_jkt="x")) == (400, "invalid_request")


def test_floods_of_proofs_are_bounded(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """When there is no room to remember more, old nonces stop to count: no replay, and never more memory."""
    monkeypatch.setattr("ostiary.services.tokens.proofs.MOST", 10)
    proofs, now = door.house.proofs, door.clock.now()
    first = proofs.nonce(now)
    for n in range(10):
        assert proofs.first(str(n).encode())
    second = proofs.nonce(now)
    assert second != first
    assert proofs.current(first)
    assert not proofs.first(b"3")
    for n in range(10, 20):
        assert proofs.first(str(n).encode())
    proofs.nonce(now)
    assert not proofs.current(first)
    assert proofs.current(second)
    assert not proofs.first(b"15")


def test_discovery_offers_it(door: Door) -> None:
    """RFC 9449 §5.1."""
    found = door.get(f"/{TENANT}/v2.0/.well-known/openid-configuration").json()
    assert found["dpop_signing_alg_values_supported"] == ["ES256"]


def test_a_clock_that_is_wrong_locks_nobody_out(door: Door) -> None:
    """The first proof of a machine that lives yesterday is told to use a nonce; with it, everything goes."""
    machine = Machine(door)
    yesterday = to_seconds(door.clock.now()) - 86_400
    door.clock.move(minutes(5))
    wrong = door.post(
        DEVICE,
        {"client_id": CLI, "scope": OWN},
        headers={"dpop": machine.proof("POST", DEVICE, nonce="", iat=yesterday)},
    )
    assert error(wrong) == (400, "use_dpop_nonce")
    nonce = wrong.headers["dpop-nonce"]
    proof = machine.holder.proof("POST", DEVICE, from_seconds(yesterday), nonce=nonce)
    assert door.post(DEVICE, {"client_id": CLI, "scope": OWN}, headers={"dpop": proof}).status_code == 200
