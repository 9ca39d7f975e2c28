"""
R19: who may see a token, what is told, and the one answer to everything else.
"""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from ostiary.core.exemptions.exemption import EndCause
from ostiary.core.words.instants import hours, minutes
from ostiary.services.tokens.issue import Issued
from ostiary.store import Tx, exemptions, tokens
from tests.web.oauth.site import ADMIN_API, ALICE, API, API_URI, CLI, GATEWAY, ORIGIN, OTHER, SECRETS, TENANT, Site

PATH = f"/{TENANT}/oauth2/v2.0/introspect"
INACTIVE = b'{"active":false}'


@pytest.mark.parametrize("asking", [API, GATEWAY])
def test_the_audience_and_its_gateway_see_the_token(site: Site, asking: str) -> None:
    """RFC 7662 §2.2's members, as they are in the token, and who it is about."""
    session = site.session(exemption=site.exemption())
    told = site.introspect(site.token(session), asking=type(API)(asking)).json()
    assert told["active"] is True
    assert (told["aud"], told["iss"], told["sub"]) == (API_URI, f"{ORIGIN}/{TENANT}/v2.0", ALICE)
    assert (told["client_id"], told["username"], told["scope"]) == (CLI, "alice@example.com", "Read")
    assert (told["token_type"], told["sid"], told["ostiary_origin"]) == ("Bearer", session.id, "device_code")
    assert told["exp"] - told["iat"] == 600


def _bearer(site: Site, token: str, bearer: str, **form: str) -> httpx.Response:
    """Introspection of *token* with an access token as the proof."""
    headers = {"authorization": f"Bearer {bearer}"}
    return site.post(PATH, {"token": token, **form}, headers=headers)


def test_r19_an_application_asks_with_its_own_token(site: Site) -> None:
    """Scope `introspect` of the admin API, a confidential application, a session from a browser: then as ever."""
    token = site.token(site.session(exemption=site.exemption()))
    own = {asking: site.token(site.session(client=asking, resource=ADMIN_API), scopes=("introspect",))
           for asking in (API, GATEWAY, OTHER)}  # fmt: skip
    for asking in (API, GATEWAY):
        assert _bearer(site, token, own[asking]).json()["active"] is True
    for about in (token, "nonsense"):
        answer = _bearer(site, about, own[OTHER])
        assert (answer.status_code, answer.content) == (200, INACTIVE)


def test_r19_a_token_that_does_not_do_is_401(site: Site) -> None:
    """Public clients, other scopes and resources, device sign-ins, ended sessions, nonsense: one answer, RFC 6750's."""
    token, window = site.token(site.session()), site.exemption()
    right: dict[str, Any] = {"client": API, "resource": ADMIN_API}
    ended = site.session(**right)
    dead = site.token(ended, scopes=("introspect",))

    async def body(tx: Tx) -> bool:
        return await tokens.end(tx, ended.id, now=site.clock.now(), cause="test")

    assert site.write(body)
    wrong = {
        "public": site.token(site.session(client=CLI, resource=ADMIN_API), scopes=("introspect",)),
        "scope": site.token(site.session(**right), scopes=("User.Read",)),
        "resource": site.token(site.session(client=API, resource=API), scopes=("introspect",)),
        "device": site.token(site.session(exemption=window, **right), scopes=("introspect",), ends=window.ends),
        "ended": dead,
        "nonsense": "nonsense",
    }
    for name, bearer in wrong.items():
        answer = _bearer(site, token, bearer)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), name
        assert answer.headers["www-authenticate"].startswith("Bearer "), name
    both = _bearer(site, token, wrong["scope"], client_id=API, client_secret=SECRETS[API])
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")


def test_r3_a_device_code_never_carries_introspect(site: Site) -> None:
    """Administrative: `.default` leaves it out, naming it is refused before there is a code."""
    site.register(CLI, device_flow=True)
    form = {"client_id": CLI, "scope": f"{ORIGIN}/introspect"}
    assert site.post(f"/{TENANT}/oauth2/v2.0/devicecode", form).json()["error"] == "invalid_scope"


def _forged(site: Site) -> str:
    claims = {"sid": "x", "client_id": CLI, "sub": ALICE, "exp": 4_000_000_000, "aud": API_URI, "scp": "Read"}
    key = ECKey.generate_key("P-256")
    kid = site.get(f"/{TENANT}/discovery/v2.0/keys").json()["keys"][0]["kid"]
    return jwt.encode({"typ": "at+jwt", "alg": "ES256", "kid": kid}, claims, key)


def _id_token(site: Site) -> str:
    issued = site.issue(site.session())
    assert isinstance(issued, Issued)
    assert issued.id_token is not None
    return issued.id_token


def _of_other_resource(site: Site) -> str:
    return site.token(site.session(resource=ADMIN_API), scopes=("User.Read",))


def _expired(site: Site) -> str:
    token = site.token(site.session())
    site.clock.move(minutes(10))
    return token


def _ended_session(site: Site) -> str:
    session = site.session()
    token = site.token(session)

    async def body(tx: Tx) -> bool:
        return await tokens.end(tx, session.id, now=site.clock.now(), cause="test")

    assert site.write(body)
    return token


def _disabled_person(site: Site) -> str:
    token = site.token(site.session())
    site.change_user(enabled=False)
    return token


def _ended_exemption(site: Site) -> str:
    exemption = site.exemption()
    token = site.token(site.session(exemption=exemption))

    async def body(tx: Tx) -> bool:
        return await exemptions.end(
            tx, exemption.id, now=site.clock.now(), cause=EndCause.ENDED, by="user:root"
        )  # fmt: skip

    assert site.write(body)
    return token


def _changed(site: Site) -> str:
    head, payload, signature = site.token(site.session()).split(".")
    return f"{head}.{payload}.{signature[:-2]}{'AA' if signature[-2:] != 'AA' else 'BB'}"


CASES: dict[str, Callable[[Site], str]] = {
    "nonsense": lambda _: "nonsense",
    "not ascii": lambda _: "é.é.é",
    "huge": lambda _: "a" * 20_000,
    "forged": _forged,
    "changed": _changed,
    "an id token": _id_token,
    "of another resource": _of_other_resource,
    "expired": _expired,
    "of an ended session": _ended_session,
    "of a disabled person": _disabled_person,
    "of an ended exemption": _ended_exemption,
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_r19_everything_else_is_exactly_inactive(site: Site, case: Callable[[Site], str]) -> None:
    """One answer, byte for byte, whatever the reason; asked twice, so that nothing remembered lets it pass."""
    answers = [site.introspect(token) for token in [case(site)] * 2]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.content for answer in answers} == {INACTIVE}


def test_r19_a_token_ends_with_its_exemption_at_once(site: Site) -> None:
    """Active a moment before, inactive when the window closes; nothing is remembered but the signature."""
    token = site.token(site.session(exemption=site.exemption(minutes(5))), ends=site.clock.now() + hours(1))
    site.clock.move(minutes(4))
    assert site.introspect(token).json()["active"] is True
    site.clock.move(minutes(1))
    assert site.introspect(token).content == INACTIVE


def test_r19_an_application_that_is_neither_audience_nor_gateway_sees_nothing(site: Site) -> None:
    """A confidential application like any other."""
    assert site.introspect(site.token(site.session()), asking=OTHER).content == INACTIVE


@pytest.mark.parametrize("auth", [(CLI, ""), (API, "wrong"), ("nobody", "x"), (CLI, "x")])
def test_r19_only_a_proven_confidential_application_may_ask(site: Site, auth: tuple[str, str]) -> None:
    """401 with a challenge for public clients and wrong secrets, the same for an unknown one."""
    answer = site.post(PATH, {"token": site.token(site.session())}, auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("client", [CLI, "nobody", ""])
def test_r19_without_credentials_nothing_is_told(site: Site, client: str) -> None:
    """A public client's id alone is no proof."""
    answer = site.post(PATH, {"token": "x", "client_id": client})
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_client", "invalid_request")


def test_a_secret_in_the_form_is_as_good(site: Site) -> None:
    """`client_secret_post`, as discovery says."""
    form = {"token": site.token(site.session()), "client_id": API, "client_secret": SECRETS[API]}
    assert site.post(PATH, form).json()["active"] is True


def test_a_secret_that_ran_out_proves_nothing(site: Site) -> None:
    """After its 90 days."""
    site.clock.move(hours(24 * 90))
    assert site.introspect("x").status_code == 401


def test_revocation_is_for_the_tokens_own_client(site: Site) -> None:
    """RFC 7009 §2.1: another client gets 200 and nothing happens; the own one ends the session."""
    token = site.token(site.session())
    path = f"/{TENANT}/oauth2/v2.0/revoke"
    other = site.post(path, {"token": token}, auth=(OTHER, SECRETS[OTHER]))
    assert (other.status_code, other.content) == (200, b"")
    assert site.introspect(token).json()["active"] is True
    assert site.post(path, {"token": token, "client_id": CLI}).status_code == 200
    assert site.introspect(token).content == INACTIVE
    assert site.post(path, {"token": token, "client_id": CLI}).status_code == 200
    assert len(site.entries("token:session:revoked")) == 1
