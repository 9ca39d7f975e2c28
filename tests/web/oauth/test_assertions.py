"""
`private_key_jwt` (RFC 7523, OIDC Core §9): applications that prove themselves with a key, and what does not count.
"""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from sqlalchemy import func, select

from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.assertions import TYPE
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant, hours, minutes, seconds
from ostiary.services.access import clients
from ostiary.store import Tx, schema
from ostiary.store.sql import sql
from tests.assessed import ASSESSED
from tests.web.oauth.certificates import Pair, b64, claims, make, signed
from tests.web.oauth.site import API, CLI, DOMAIN, GATEWAY, ORIGIN, SECRETS, TENANT, Site, returned

HERE = f"{ORIGIN}/{TENANT}/oauth2/v2.0"
ISSUER = f"{ORIGIN}/{TENANT}/v2.0"
_COUNT = sql(select(func.count()).select_from(schema.assertions))


@dataclass
class App:
    """The resource API with keys, before the introspection endpoint."""

    site: Site
    ec: Pair
    rsa: Pair
    token: str

    def assertion(self, algorithm: str = "ES256", pair: Pair | None = None, header: Any = None, **changes: Any) -> str:
        """A right one but for *changes* of its claims."""
        said = claims(API, ISSUER, self.site.clock.now(), **changes)
        pair = pair or (self.ec if algorithm == "ES256" else self.rsa)
        return signed(pair.private, said, algorithm, **(header or {}))

    def ask(self, assertion: str, **form: Any) -> httpx.Response:
        """Introspection with it."""
        usual = {"token": self.token, "client_assertion_type": TYPE, "client_assertion": assertion}
        return self.site.post(f"/{TENANT}/oauth2/v2.0/introspect", {**usual, **form}, auth=form.pop("auth", None))

    def remembered(self) -> int:
        """How many assertions are kept."""

        async def body(tx: Tx) -> int:
            row = await tx.one(_COUNT)
            assert row is not None
            return int(row[0])

        return self.site.run(self.site.house.store.read(body))


@cache
def _pair(kind: str, now: Instant) -> Pair:
    """Keys take long to make; the clock of every site begins at the same moment."""
    return make(kind, now)


@pytest.fixture
def app(site: Site) -> App:
    """One EC and one RSA key are registered."""
    ec, rsa = _pair("EC", site.clock.now()), _pair("RSA", site.clock.now())
    site.register(API, keys=(ec.registered(), rsa.registered(id="7a0d1f2e-0000-4000-8000-0000000000c2")))
    return App(site, ec, rsa, site.token(site.session()))


def test_an_application_proves_itself_with_its_key(app: App) -> None:
    """Each algorithm of the list that discovery shows; no client_id is needed beside it (RFC 7521 §4.2)."""
    for algorithm in ("ES256", "RS256", "PS256"):
        answer = app.ask(app.assertion(algorithm, jti=algorithm))
        assert (answer.status_code, answer.json()["active"]) == (200, True), algorithm


def test_the_key_may_be_named_in_every_usual_way(app: App) -> None:
    """MSAL leaves padding on; others use `kid` for whatever their portal showed; a name of another key is refused."""
    kept = app.ec.registered()
    names: list[dict[str, str]] = [
        {"kid": kept.id}, {"kid": kept.jkt}, {"kid": kept.sha1.upper()}, {"kid": app.ec.thumbprint(SHA256())},
        {"x5t": app.ec.thumbprint(SHA1()) + "="}, {"x5t#S256": app.ec.thumbprint(SHA256()) + "="},
    ]  # fmt: skip
    for number, header in enumerate(names):
        assert app.ask(app.assertion(header=header, jti=f"n{number}")).status_code == 200, header
    for header in ({"kid": "other"}, {"x5t": app.rsa.thumbprint(SHA1())}, {"kid": kept.id, "x5t#S256": "other"}):
        assert app.ask(app.assertion(header=header, jti="m")).status_code == 401, header


AUDIENCES: list[tuple[Any, int]] = [
    (ISSUER, 200),
    ([ISSUER], 200),
    (f"{HERE}/token", 200),
    (f"{ORIGIN}/common/oauth2/v2.0/token", 200),
    (f"{ORIGIN}/{DOMAIN}/oauth2/v2.0/token", 200),
    (f"{HERE}/introspect", 200),
    (f"{HERE}/revoke", 401),
    (f"{HERE}/token/", 401),
    (ORIGIN, 401),
    (f"{ORIGIN}/elsewhere/v2.0", 401),
    ("https://elsewhere.example/token", 401),
    ([ISSUER, "https://elsewhere.example/token"], 401),
    ([ISSUER, ISSUER], 401),
    ([], 401),
    ({"aud": ISSUER}, 401),
    (None, 401),
]


def test_an_assertion_is_for_us_alone(app: App) -> None:
    """Issuer, token endpoint under any of our names, or the endpoint itself; never somebody else beside us."""
    for number, (audience, status) in enumerate(AUDIENCES):
        assert app.ask(app.assertion(aud=audience, jti=f"n{number}")).status_code == status, audience


def _none(app: App) -> str:
    _head, said, _ = app.assertion().split(".")
    return f"{b64(json.dumps({'alg': 'none'}).encode())}.{said}."


def _hmac(app: App) -> str:
    """The old trick: the certificate, which everybody knows, as a shared secret."""
    text = app.assertion(algorithm="HS256", pair=app.ec).rpartition(".")[0]
    return f"{text}.{b64(hmac.digest(app.ec.der, text.encode(), sha256))}"


def _own_key(app: App) -> str:
    stranger = make("EC", app.site.clock.now())
    chain = {"x5c": [stranger.registered().certificate], "x5t#S256": app.ec.thumbprint(SHA256())}
    return app.assertion(pair=stranger, header=chain)


def _now(app: App) -> int:
    return app.site.clock.now() // 1_000_000


def _changed(app: App) -> str:
    head, _said, signature = app.assertion().split(".")
    other = app.assertion(jti="other").split(".")[1]
    return f"{head}.{other}.{signature}"


def _twice(app: App) -> str:
    text = app.assertion().split(".")[0] + "." + b64(b'{"iss":"a","iss":"b"}')
    return f"{text}.{b64(bytes(64))}"


WRONG: dict[str, Callable[[App], str]] = {
    "no signature": _none,
    "a shared secret": _hmac,
    "another key": lambda app: app.assertion(pair=make("EC", app.site.clock.now())),
    "a key that it brought along": _own_key,
    "an RSA key as ES256": lambda app: app.assertion(algorithm="ES256", pair=app.rsa),
    "ES384": lambda app: app.assertion(algorithm="ES384", pair=app.ec),
    "changed after signing": _changed,
    "a critical extension": lambda app: app.assertion(header={"crit": ["exp"]}),
    "another kind of JWT": lambda app: app.assertion(header={"typ": "at+jwt"}),
    "an algorithm that is no text": lambda app: app.assertion(header={"alg": ["ES256"]}),
    "a kid that is no text": lambda app: app.assertion(header={"kid": 1}),
    "a claim twice": _twice,
    "four parts": lambda app: app.assertion() + ".x",
    "padding": lambda app: app.assertion() + "=",
    "too large": lambda app: app.assertion(more="x" * 20_000),
    "not ASCII": lambda app: app.assertion() + "é",
    "iss of another": lambda app: app.assertion(iss=GATEWAY),
    "sub of another": lambda app: app.assertion(sub=GATEWAY),
    "another application": lambda app: app.assertion(iss=GATEWAY, sub=GATEWAY),
    "nobody known": lambda app: app.assertion(iss="nobody", sub="nobody"),
    "no exp": lambda app: app.assertion(exp=None),
    "exp that is text": lambda app: app.assertion(exp=str(_now(app) + 60)),
    "exp that is true": lambda app: app.assertion(exp=True),
    "expired now": lambda app: app.assertion(exp=_now(app)),
    "exp too far": lambda app: app.assertion(exp=_now(app) + 3661),
    "exp beyond numbers": lambda app: app.assertion(exp=1e300),
    "iat to come": lambda app: app.assertion(iat=_now(app) + 61),
    "nbf to come": lambda app: app.assertion(nbf=_now(app) + 61),
    "nbf that is text": lambda app: app.assertion(nbf="now"),
    "no jti": lambda app: app.assertion(jti=None),
    "empty jti": lambda app: app.assertion(jti=""),
    "long jti": lambda app: app.assertion(jti="x" * 257),
    "jti that is no text": lambda app: app.assertion(jti=7),
    "half of a surrogate pair": lambda app: app.assertion(jti="\ud800"),
}


def test_r19_whatever_is_wrong_with_an_assertion_is_refused(app: App) -> None:
    """401 `invalid_client`, noted, and nothing is remembered: strangers fill no memory. A right one passes after it."""
    for name, case in WRONG.items():
        answer = app.ask(case(app))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), name
        assert "www-authenticate" in answer.headers
        assert app.remembered() == 0, name
    assert app.site.entries(Kind.CLIENT_REFUSED)
    assert app.ask(app.assertion()).status_code == 200


def test_clocks_may_differ_by_a_minute(app: App) -> None:
    """The longest that passes, to the second, and whole or broken seconds."""
    assert app.ask(app.assertion(exp=_now(app) + 3660, iat=_now(app) + 60, nbf=_now(app) + 60.0)).status_code == 200
    assert app.ask(app.assertion(exp=_now(app) + 0.5, jti="broken")).status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_assertion_type": ""}, "invalid_request"),
        ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, "invalid_request"),
        ({"client_assertion": ""}, "invalid_request"),
        ({"client_secret": SECRETS[API]}, "invalid_request"),
        ({"auth": (API, SECRETS[API])}, "invalid_request"),
        ({"client_id": GATEWAY}, "invalid_request"),
    ],
)
def test_one_proof_one_name(app: App, form: dict[str, Any], error: str) -> None:
    """RFC 6749 §2.3: never two ways at once; and the name beside the assertion is its own."""
    answer = app.ask(app.assertion(), **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_an_assertion_counts_once_also_after_a_restart(app: App) -> None:
    """Used is used, whatever came of the request and wherever it was sent; what has expired is forgotten."""
    assertion = app.assertion()
    assert app.ask(assertion).status_code == 200
    again = app.ask(assertion)
    assert (again.status_code, "used before" in again.text) == (401, True)
    refused = app.assertion(jti="for a refresh")
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_assertion_type": TYPE}
    path = f"/{TENANT}/oauth2/v2.0/token"
    assert app.site.post(path, {**form, "client_assertion": refused}).json()["error"] == "invalid_grant"
    assert app.site.post(path, {**form, "client_assertion": refused}).json()["error"] == "invalid_client"
    assert app.ask(refused).status_code == 401
    assert app.remembered() == 2
    app.site.clock.move(minutes(3))
    assert app.site.run(clients.sweep(app.site.house, app.site.visit())) == 2
    assert app.ask(assertion).status_code == 401


def test_an_application_of_msals_family_may_use_one_from_one_place(app: App) -> None:
    """MSAL sends the same assertion for nine minutes; from elsewhere it is somebody else's."""
    app.site.register(API, microsoft_family=True)
    assertion = app.assertion(exp=_now(app) + 600)
    assert "within 10 minutes" in app.ask(app.assertion(exp=_now(app) + 661)).text
    assert [app.ask(assertion).status_code for _ in range(3)] == [200, 200, 200]
    assert app.remembered() == 1

    async def elsewhere() -> httpx.Response:
        transport = httpx.ASGITransport(app=app.site.app, client=("192.0.2.7", 40000))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            form = {"token": app.token, "client_assertion_type": TYPE, "client_assertion": assertion}
            return await client.post(f"/{TENANT}/oauth2/v2.0/introspect", data=form)

    assert app.site.run(elsewhere()).status_code == 401


def test_memory_of_assertions_has_a_bound(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is full no more are taken, rather than one forgotten that could come again."""
    monkeypatch.setattr(clients, "MOST", 2)
    answers = [app.ask(app.assertion(jti=f"{number}")) for number in range(4)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert answers[3].json()["error"] == "temporarily_unavailable"


def test_a_key_counts_from_its_start_to_its_end(app: App) -> None:
    """And a disabled application proves itself in vain; one that was taken away proves nothing."""
    now, kept = app.site.clock.now(), app.ec.registered()
    for changes, status in (
        ({"starts": now + seconds(1)}, 401), ({"ends": now}, 401), ({"starts": now, "ends": now + seconds(1)}, 200),
    ):  # fmt: skip
        app.site.register(API, keys=(replace(kept, **changes),))
        assert app.ask(app.assertion(jti=str(changes))).status_code == status
    app.site.register(API, keys=())
    assert app.ask(app.assertion(jti="gone")).status_code == 401
    app.site.clock.move(hours(1))


def test_a_public_application_has_no_assertion(app: App) -> None:
    """Whoever sends a proof for one is told that it must not."""
    said = claims(CLI, ISSUER, app.site.clock.now())
    answer = app.ask(signed(app.ec.private, said, "ES256"), client_id=CLI)
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [700025])


def test_every_endpoint_takes_an_assertion(app: App) -> None:
    """Token, device authorization and revocation as well: right, then wrong."""
    site = app.site
    site.register(API, device_flow=True, assessment=ASSESSED, redirect_uris=("https://api.example/back",))

    def ask(path: str, form: dict[str, str], **changes: Any) -> httpx.Response:
        proof = {"client_id": API, "client_assertion_type": TYPE, "client_assertion": app.assertion(**changes)}
        return site.post(f"/{TENANT}/oauth2/v2.0/{path}", {**form, **proof})

    forms: dict[str, dict[str, str]] = {
        "devicecode": {"scope": "openid"},
        "revoke": {"token": "unknown"},
        "token": {"grant_type": "refresh_token", "refresh_token": "unknown"},
    }
    for number, (path, form) in enumerate(forms.items()):
        right = ask(path, form, jti=f"right-{number}")
        assert "invalid_client" not in right.text, right.text
        own = ask(path, form, jti=f"own-{number}", aud=f"{HERE}/{path}")
        assert "invalid_client" not in own.text
        wrong = ask(path, form, jti=f"wrong-{number}", iss=GATEWAY)
        assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")


def test_a_code_is_redeemed_with_an_assertion(app: App) -> None:
    """The authorization code flow of a confidential application, from the redirect to the tokens."""
    site = app.site
    back = "https://api.example/back"
    site.register(API, redirect_uris=(back,))
    site.sign_in()
    code = returned(site.authorize(client_id=API, redirect_uri=back, scope="openid"))["code"]
    proof = {"client_assertion_type": TYPE, "client_assertion": app.assertion("PS256")}
    assert site.redeem(code, client_id=API, redirect_uri=back, **proof).status_code == 200


def test_discovery_says_so(site: Site) -> None:
    """Methods and algorithms, for each endpoint where applications prove themselves (RFC 8414 §2)."""
    document = site.get(f"/{TENANT}/v2.0/.well-known/openid-configuration").json()
    for name in ("token", "introspection", "revocation"):
        assert "private_key_jwt" in document[f"{name}_endpoint_auth_methods_supported"]
        assert document[f"{name}_endpoint_auth_signing_alg_values_supported"] == ["ES256", "RS256", "PS256"]


def test_a_client_id_in_capitals_is_the_same(app: App) -> None:
    """As everywhere else: ids are compared in lower case."""
    upper = AppId(API.upper())
    assert app.ask(app.assertion(iss=upper, sub=upper), client_id=upper).status_code == 200
