"""Whether a provider still vouches for whom it sent: yes, no, and no answer."""

import json
from collections.abc import Iterator

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import to_seconds
from ostiary.store import upstream
from tests.server import Server
from tests.upstream.peer import Browser, Peer, believing, entries, eventually, person

Pair = tuple[Server, Peer]
RECHECK, GRACE = 5, 20


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A house that asks again every five seconds, and goes on for twenty without an answer."""
    folder = tmp_path_factory.mktemp("vouching")
    with believing(folder, domains=("elsewhere.test",), create=True, recheck=RECHECK, grace=GRACE) as pair:
        yield pair


@pytest.fixture
def came(house: Pair) -> Iterator[tuple[Server, Peer, Browser]]:
    """Somebody who is signed in through the provider, in the two houses as they are."""
    server, peer = house
    peer.account("42", {"email": "nora@elsewhere.test", "email_verified": True})
    browser = Browser(server)
    assert browser.sign_in(peer, "42").url.path == "/account"
    yield server, peer, browser
    browser.close()


def confirmed(server: Server) -> int:
    """When the provider last said yes about Nora."""
    user = person(server, "nora@elsewhere.test")
    assert user is not None
    return user.vouched or 0


def ended(server: Server) -> str:
    """Why the provider vouched no more, the last time."""
    found = entries(server, Kind.UPSTREAM_ENDED)
    return str(found[-1]["detail"]["cause"]) if found else ""


def test_a_yes_is_asked_for_again_and_again(came: tuple[Server, Peer, Browser]) -> None:
    """A refresh token is used each time, and each time another takes its place; the session goes on."""
    server, _, browser = came
    before = confirmed(server)
    for _ in range(3):
        server.pass_time(RECHECK + 1)
        last = confirmed(server)
        eventually(lambda last=last: confirmed(server) > last)  # type: ignore[misc]
    assert confirmed(server) > before
    assert browser.signed_in()


def test_a_leaver_there_loses_everything_here(came: tuple[Server, Peer, Browser]) -> None:
    """The provider's no at the next question ends every session, and it is written down why."""
    server, peer, browser = came
    second = Browser(server)
    assert second.sign_in(peer, "42").url.path == "/account"
    peer.account("42", disabled=True)
    server.pass_time(RECHECK + 1)
    eventually(lambda: not browser.signed_in())
    assert not second.signed_in()
    assert ended(server) == "invalid_grant"
    user = person(server, "nora@elsewhere.test")
    assert user is not None
    assert server.run(server.house.store.read(lambda tx: upstream.grants_left(tx, user.id))) == 0
    second.http.cookies.clear(domain="127.0.0.1")
    assert "did not sign you in" in second.sign_in(peer, "42").text
    second.close()


def test_a_provider_that_is_silent_is_believed_for_its_grace_and_no_longer(came: tuple[Server, Peer, Browser]) -> None:
    """Its last yes runs out by itself; what ended so is over, also when it is back and says yes."""
    server, peer, browser = came
    peer.pause()
    try:
        server.pass_time(RECHECK + 1)
        assert browser.signed_in()
        server.pass_time(RECHECK + GRACE)
        assert not browser.signed_in()
    finally:
        peer.go_on()
    eventually(lambda: ended(server) == "unreachable")
    assert not browser.signed_in()
    assert browser.sign_in(peer, "42").url.path == "/account"
    assert browser.signed_in()


def test_a_provider_that_is_gone_ends_what_stands_on_it(came: tuple[Server, Peer, Browser]) -> None:
    """Stopped for real: the page says so, the grace passes, the sessions are over; others sign in as ever."""
    server, peer, browser = came
    seen = len(entries(server, Kind.UPSTREAM_ENDED))
    peer.stop()
    try:
        assert browser.signed_in()
        stranger = Browser(server)
        stranger.open("/signin")
        stranger.press(f"/signin/upstream/{peer.name}")  # its documents are still remembered
        assert stranger.onward().startswith(peer.issuer)
        server.pass_time(RECHECK + GRACE + 1)
        assert not browser.signed_in()
        eventually(lambda: len(entries(server, Kind.UPSTREAM_ENDED)) > seen)
        assert ended(server) == "unreachable"
        alice = server.people["alice"]
        stranger.open("/signin?return=/account")
        stranger.press("/signin", username=alice.username, password=alice.password)
        assert stranger.press("/signin/second", totp=alice.totp()).url.path == "/account"
        stranger.close()
    finally:
        peer.start()


def test_a_session_that_ends_there_ends_here_at_once(came: tuple[Server, Peer, Browser]) -> None:
    """Back-channel logout: the provider itself tells, by name of its session or of the person."""
    server, peer, browser = came
    user = person(server, "nora@elsewhere.test")
    assert user is not None
    grants = server.run(server.house.store.read(lambda tx: upstream.grants_of(tx, peer.issuer, subject="42")))
    assert grants[-1].sid
    peer.log_out("42", "another session")
    assert browser.signed_in()
    peer.log_out("42", grants[-1].sid)
    assert not browser.signed_in()
    assert ended(server) == "logout"
    assert browser.sign_in(peer, "42").url.path == "/account"


def test_a_logout_token_that_is_none_ends_nobody(came: tuple[Server, Peer, Browser]) -> None:
    """Garbage, another's signature, no algorithm, an unknown provider: 400, and everybody stays."""
    server, peer, browser = came
    now = to_seconds(server.clock.now())
    claims = {
        "iss": peer.issuer, "aud": "ostiary", "iat": now, "exp": now + 60, "jti": "x", "sub": "42",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }  # fmt: skip
    text = json.dumps(claims)
    forged = jws.serialize_compact({"alg": "RS256"}, text, RSAKey.generate_key(2048))
    unsigned = "eyJhbGciOiJub25lIn0." + forged.split(".")[1] + "."
    path = f"{server.origin}/signin/upstream/{{}}/backchannel_logout"
    for name, token in (
        (peer.name, forged),
        (peer.name, unsigned),
        (peer.name, "x"),
        ("nobody", forged),
        (peer.name, ""),
    ):
        came_back = browser.http.post(path.format(name), data={"logout_token": token})
        assert came_back.status_code == 400
        assert came_back.headers["cache-control"] == "no-store"
    assert browser.http.post(path.format(peer.name), json={"logout_token": forged}).status_code == 400
    assert browser.signed_in()


def test_what_nobody_uses_any_more_is_not_asked_about(house: Pair) -> None:
    """Signed out here, the refresh token is forgotten at the next question."""
    server, peer = house
    peer.account("77", {"email": "omar@elsewhere.test", "email_verified": True})
    browser = Browser(server)
    assert browser.sign_in(peer, "77").url.path == "/account"
    user = person(server, "omar@elsewhere.test")
    assert user is not None
    browser.press("/signout")
    assert not browser.signed_in()
    browser.close()
    assert server.run(server.house.store.read(lambda tx: upstream.grants_left(tx, user.id))) == 1
    server.pass_time(RECHECK + 1)
    eventually(lambda: server.run(server.house.store.read(lambda tx: upstream.grants_left(tx, user.id))) == 0)
    assert not any(entry["target"] == f"user:{user.id}" for entry in entries(server, Kind.UPSTREAM_ENDED))
