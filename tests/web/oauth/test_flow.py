"""
Authorization code with PKCE from the redirect to the end of its session, over HTTP.
"""

import json
from base64 import urlsafe_b64decode

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from ostiary.core.words.instants import hours, minutes, seconds, to_seconds
from tests.web.oauth.site import ALICE, API, API_URI, CLI, CLOSED, OLD, ORIGIN, TENANT, Site, returned


def claims(site: Site, token: str, algorithm: str = "ES256") -> dict[str, object]:
    """What *token* says, verified by another's library against the published keys."""
    keys = KeySet.import_key_set(site.get(f"/{TENANT}/discovery/v2.0/keys").json())
    return dict(jwt.decode(token, keys, algorithms=[algorithm]).claims)


def test_a_code_becomes_tokens_that_another_library_verifies(site: Site) -> None:
    """The whole flow: tokens verify against the published keys and say who, for whom, where from and until when."""
    site.sign_in()
    answer = returned(site.authorize())
    assert answer["state"] == "s&1"
    assert answer["iss"] == f"{ORIGIN}/{TENANT}/v2.0"
    given = site.redeem(answer["code"])
    assert given.status_code == 200, given.text
    body, now = given.json(), to_seconds(site.clock.now())
    assert given.headers["cache-control"] == "no-store"
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 600
    assert set(body["scope"].split()) == {"openid", "profile", "email", "offline_access", "User.Read"}
    access, about = claims(site, body["access_token"]), claims(site, body["id_token"])
    assert access["aud"] == ORIGIN
    assert access["ostiary_origin"] == "browser"
    assert set(str(access["scp"]).split()) == {"openid", "profile", "email", "User.Read"}
    for said in (access, about):
        assert (said["iss"], said["sub"], said["oid"], said["tid"]) == (answer["iss"], ALICE, ALICE, TENANT)
        assert (said["iat"], said["nbf"], said["exp"]) == (now, now, now + 600)
        assert said["auth_time"] == now
    assert (about["aud"], about["nonce"], about["name"], about["email"]) == (CLI, "n-1", "Alice", "alice@mail.example")
    assert about["preferred_username"] == "alice@example.com"
    info = json.loads(urlsafe_b64decode(body["client_info"] + "=="))
    assert info == {"uid": ALICE, "utid": TENANT}


def test_userinfo_tells_what_the_scopes_name_and_stops_with_the_session(site: Site) -> None:
    """Name and mail for profile and email; after the revocation of the refresh token, 401."""
    site.sign_in()
    body = site.redeem(site.code()).json()
    bearer = {"authorization": f"Bearer {body['access_token']}"}
    told = site.get("/oidc/userinfo", headers=bearer).json()
    assert told == {
        "sub": ALICE, "oid": ALICE, "tid": TENANT, "name": "Alice", "preferred_username": "alice@example.com",
        "email": "alice@mail.example",
    }  # fmt: skip
    form = {"client_id": CLI, "token": body["refresh_token"], "token_type_hint": "access_token"}
    ended = site.post(f"/{TENANT}/oauth2/v2.0/revoke", form)
    assert (ended.status_code, ended.content) == (200, b"")
    gone = site.get("/oidc/userinfo", headers=bearer)
    assert gone.status_code == 401
    assert 'error="invalid_token"' in gone.headers["www-authenticate"]
    assert len(site.entries("token:session:revoked")) == 1


def test_a_second_use_of_a_code_ends_what_the_first_gave(site: Site) -> None:
    """RFC 6749 §4.1.2: one code buys one session, and whoever comes second ends it."""
    site.sign_in()
    code = site.code()
    refresh = site.redeem(code).json()["refresh_token"]
    again = site.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    renewed = site.post(
        f"/{TENANT}/oauth2/v2.0/token",
        {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": refresh},
    )
    assert (renewed.status_code, renewed.json()["error"]) == (400, "invalid_grant")
    assert len(site.entries("system:alert:raised")) == 1


def test_a_code_is_good_for_sixty_seconds(site: Site) -> None:
    """At 59 seconds it buys tokens, at 60 it does not."""
    site.sign_in()
    early, late = site.code(), site.code()
    site.clock.move(seconds(59))
    assert site.redeem(early).status_code == 200
    site.clock.move(seconds(1))
    assert site.redeem(late).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:1/callback"}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"client_id": OLD}, "invalid_grant"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"code": "x" * 43}, "invalid_grant"),
    ],
)
def test_a_wrong_redemption_gives_nothing_and_spends_nothing(site: Site, changed: dict[str, str], error: str) -> None:
    """Verifier, redirect URI and client must be those of the request; the code's owner can still use it."""
    site.sign_in()
    code = site.code()
    wrong = site.redeem(changed.pop("code", code), **changed)
    assert (wrong.status_code, wrong.json()["error"]) == (400, error)
    assert site.redeem(code).status_code == 200


def test_a_person_disabled_after_the_code_gets_no_tokens(site: Site) -> None:
    """The account is looked at again at redemption."""
    site.sign_in()
    code = site.code()
    site.change_user(enabled=False)
    refused = site.redeem(code)
    assert (refused.status_code, refused.json()["error_codes"]) == (400, [50057])


def test_an_application_may_have_rs256(site: Site) -> None:
    """Per application; and its redirect URI's own query stays."""
    site.sign_in()
    old = "https://old.example/back?x=1"
    answer = site.authorize(client_id=OLD, redirect_uri=old)
    assert answer.headers["location"].startswith(f"{old}&code=")
    body = site.redeem(returned(answer)["code"], client_id=OLD, redirect_uri=old).json()
    assert claims(site, body["id_token"], "RS256")["aud"] == OLD


def test_a_refresh_reaches_only_what_was_fixed(site: Site) -> None:
    """R7: another resource that the registration lists, with what was consented to; no third one."""
    site.sign_in()
    refresh = site.redeem(site.code()).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": refresh}
    there = site.post(f"/{TENANT}/oauth2/v2.0/token", {**form, "scope": f"{API_URI}/.default"})
    assert there.status_code == 200, there.text
    assert claims(site, there.json()["access_token"])["aud"] == API_URI
    assert f"{API_URI}/.default" in there.json()["scope"].split()


def test_nobody_signed_in_is_sent_to_the_sign_in_page_and_back(site: Site) -> None:
    """The way back is the same request, a path of our own."""
    away = site.authorize()
    assert away.status_code == 303
    location = httpx.URL(away.headers["location"])
    assert location.path == "/signin"
    back = location.params["return"]
    assert back.startswith(f"/{TENANT}/oauth2/v2.0/authorize?")
    site.sign_in()
    assert "code" in returned(site.continued(site.get(back)))


@pytest.mark.parametrize("demand", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "60"}])
def test_an_old_proof_must_be_given_again_and_then_counts(site: Site, demand: dict[str, str]) -> None:
    """`prompt=login` and `max_age` send to the sign-in page once, and the new proof satisfies the same request."""
    site.sign_in()
    site.clock.move(minutes(2))
    away = site.authorize(**demand)
    back = httpx.URL(away.headers["location"]).params["return"]
    assert site.get(back).headers["location"].startswith("/signin/again?")
    site.clock.move(seconds(5))
    site.sign_in()
    assert "code" in returned(site.continued(site.get(back)))


@pytest.mark.parametrize("demand", [{"prompt": "login"}, {"max_age": "0"}])
@pytest.mark.parametrize("since", ["0", "0." + "0" * 64, "1.", "x"])
def test_a_parameter_of_the_callers_own_stands_in_for_no_proof(site: Site, demand: dict[str, str], since: str) -> None:
    """The time of a request counts only with our HMAC over it."""
    site.sign_in()
    site.clock.move(minutes(2))
    assert site.authorize(**demand, ostiary_since=since).headers["location"].startswith("/signin/again?")


def test_a_mark_counts_for_its_own_request_and_for_a_quarter_of_an_hour(site: Site) -> None:
    """Neither a later request of the same application nor an older sign-in is satisfied by it."""
    site.sign_in()
    site.clock.move(minutes(2))
    back = httpx.URL(httpx.URL(site.authorize(prompt="login").headers["location"]).params["return"])
    site.clock.move(seconds(5))
    site.sign_in()
    other = site.asked(prompt="login", state="another", ostiary_since=back.params["ostiary_since"])
    assert site.authorize(**other).headers["location"].startswith("/signin/again?")
    site.clock.move(minutes(15))
    assert site.get(str(back)).headers["location"].startswith("/signin/again?")


@pytest.mark.parametrize("more", [{}, {"login_hint": "bob@example.com"}])
def test_prompt_none_never_shows_anything(site: Site, more: dict[str, str]) -> None:
    """Nobody, or another person than named: `login_required`, by redirect."""
    if more:
        site.sign_in()
    answer = returned(site.authorize(prompt="none", **more))
    assert answer["error"] == "login_required"
    assert answer["iss"] == f"{ORIGIN}/{TENANT}/v2.0"
    assert answer["state"] == "s&1"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"request": "e30."}, "invalid_request"),
        ({"nonce": "n" * 513}, "invalid_request"),
        ({"scope": "Nothing.Such"}, "invalid_scope"),
        ({"scope": "https://nowhere.example/.default"}, "invalid_scope"),
        ({"scope": f"User.Read {API_URI}/Read"}, "invalid_scope"),
    ],
)
def test_a_bad_request_goes_back_with_an_error(site: Site, changed: dict[str, str], error: str) -> None:
    """After client and redirect URI are known, every refusal is a redirect with state and issuer (RFC 9207)."""
    site.sign_in()
    answer = returned(site.authorize(**changed))
    assert answer["error"] == error
    assert "code" not in answer
    assert answer["state"] == "s&1"
    assert answer["iss"] == f"{ORIGIN}/{TENANT}/v2.0"


@pytest.mark.parametrize(
    "uri",
    [
        "", "http://127.0.0.1:5/other", "http://127.0.0.1:5/callback?x=1", "http://127.0.0.1:5/callback#f",
        "https://127.0.0.1/callback", "http://127.0.0.2/callback", "http://u@127.0.0.1:5/callback",
        "http://127.0.0.1:99999/callback", "http://127.0.0.1:5/callback/", "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1:5/%63allback", "http://localhost:5/callback", "javascript:alert(1)", "http://127.0.0.1:0/callback",
    ],
)  # fmt: skip
def test_nothing_is_sent_to_an_unregistered_address(site: Site, uri: str) -> None:
    """The page explains instead; the address never gets a code, an error or a person."""
    site.sign_in()
    answer = site.authorize(redirect_uri=uri)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/error/50011?ref=")


def test_the_content_security_policy_adds_exactly_the_redirect_origin(site: Site) -> None:
    """R16: Chromium applies `form-action` to redirects."""
    site.sign_in()
    policy = site.authorize().headers["content-security-policy"]
    assert policy.endswith("form-action 'self' http://127.0.0.1:53211")


def test_a_person_who_is_not_assigned_gets_no_code(site: Site) -> None:
    """Assignment is asked where the registration demands it, and the refusal is written down."""
    site.sign_in()
    answer = returned(site.authorize(client_id=CLOSED, redirect_uri="https://closed.example/"))
    assert answer["error"] == "access_denied"
    assert [one["detail"]["reason"] for one in site.entries("browser:authorization:refused")] == ["not_assigned"]


def test_an_access_token_is_no_sign_in_at_the_authorization_endpoint(site: Site) -> None:
    """R3: only a browser's own cookie counts there."""
    token = site.token(site.session(resource=API))
    answer = site.get(
        f"/{TENANT}/oauth2/v2.0/authorize", params=site.asked(), headers={"authorization": f"Bearer {token}"}
    )
    assert answer.headers["location"].startswith("/signin?")


def test_a_posted_request_goes_on_as_a_get(site: Site) -> None:
    """OIDC Core §3.1.2.1 allows POST; a post from elsewhere comes without our cookie."""
    answer = site.post(f"/{TENANT}/oauth2/v2.0/authorize", site.asked())
    assert answer.status_code == 303
    site.sign_in()
    assert "code" in returned(site.continued(site.get(answer.headers["location"])))


def test_tokens_end_no_later_than_the_session(site: Site) -> None:
    """R8: with under a minute left nothing is minted."""
    session = site.session()
    site.clock.move(hours(12))
    site.clock.move(seconds(-90))
    issued = site.issue(session)
    assert getattr(issued, "expires_in", None) == 90
    site.clock.move(seconds(31))
    assert getattr(site.issue(session), "reason", None) == "session_ended"
