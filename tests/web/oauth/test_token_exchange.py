"""
Token exchange for workloads (RFC 8693), against a forge with real keys behind a real HTTPS server.
"""

import base64
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import httpx
import pytest

from ostiary.core.access.compile import compile_policy
from ostiary.core.access.picture import Picture
from ostiary.core.access.policy_set import compile_set
from ostiary.core.directory.applications import Application
from ostiary.core.directory.trusts import Trust
from ostiary.core.logs.kinds import Kind
from ostiary.core.tokens.assertions import TYPE
from ostiary.core.tokens.federation import ACCESS_TOKEN, EXCHANGE
from ostiary.core.words.destinations import read_destinations
from ostiary.core.words.ids import PolicyId
from ostiary.core.words.instants import minutes, seconds
from ostiary.core.words.outcome import Refused
from ostiary.outside.issuers import FRESH, KEPT, PAUSE, Issuers
from ostiary.outside.outgoing import Outgoing
from ostiary.services.access.kill_switch import turn_off, turn_on
from tests.forge import JOB, Forge, forging
from tests.holder import Holder
from tests.web.oauth.certificates import b64, make
from tests.web.oauth.over_tls import PROXY, SECRET
from tests.web.oauth.site import ADMIN_API, API, API_URI, CLI, OTHER, TENANT, Site

TOKEN = f"/{TENANT}/oauth2/v2.0/token"
AUDIENCE = "https://ostiary.example"
SCOPE = f"{API_URI}Read"
JWT = "urn:ietf:params:oauth:token-type:jwt"


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """One forge for all: making keys takes long."""
    with forging(tmp_path_factory.mktemp("forge")) as made:
        yield made


@dataclass
class Pipeline:
    """A job of the forge, and the application whose workload it is."""

    site: Site
    forge: Forge
    trust: Trust = field(init=False)

    def __post_init__(self) -> None:
        self.forge.up = True
        self.trust = Trust("t1", "deploy", self.forge.issuer, JOB, AUDIENCE, (SCOPE,))
        self.site.register(OTHER, trusts=(self.trust,))

    def token(self, **changes: Any) -> str:
        """A right subject token but for *changes*."""
        return self.forge.token(self.site.clock.now(), AUDIENCE, **changes)

    def exchange(self, subject: str = "", proof: str = "", **form: str) -> httpx.Response:
        """The request of RFC 8693, perhaps with the proof of a key."""
        usual = {
            "grant_type": EXCHANGE, "client_id": OTHER, "subject_token": subject or self.token(),
            "subject_token_type": JWT, "scope": f"{API_URI}.default",
        }  # fmt: skip
        given = {name: value for name, value in {**usual, **form}.items() if value}
        return self.site.post(TOKEN, given, headers={"dpop": proof} if proof else {})

    def refused(self, answer: httpx.Response) -> tuple[int, str, int]:
        """Status, error and number of a refusal."""
        body = answer.json()
        return answer.status_code, body["error"], body["error_codes"][0]


@pytest.fixture
def pipeline(site: Site, forge: Forge) -> Pipeline:
    """The site asks the forge over real HTTPS for its keys."""
    outgoing = Outgoing(read_destinations(("127.0.0.1",)), authorities=forge.authority)
    site.house = replace(site.house, outside=replace(site.house.outside, issuers=Issuers(outgoing)))
    site.app = site.serve(site.house)
    return Pipeline(site, forge)


def claims_of(token: str) -> dict[str, Any]:
    """What a JWT says."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


NOT_TRUSTED = (400, "invalid_request", 700213)


def test_a_job_exchanges_its_token(pipeline: Pipeline) -> None:
    """No person, no refresh token, ten minutes; application permissions as Entra writes them, and no `scp`."""
    answer = pipeline.exchange()
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["issued_token_type"] == ACCESS_TOKEN
    assert (body["token_type"], body["expires_in"], body["scope"]) == (
        "Bearer",
        600,
        f"{API_URI}.default {API_URI}/Read",
    )
    assert not {"refresh_token", "id_token", "client_info"} & set(body)
    claims = claims_of(body["access_token"])
    assert {name: claims[name] for name in ("idtyp", "roles", "azp", "ostiary_origin", "ostiary_workload")} == {
        "idtyp": "app", "roles": ["Read"], "azp": OTHER, "ostiary_origin": "workload", "ostiary_workload": JOB,
    }  # fmt: skip
    assert claims["sub"] == claims["oid"] == "o5"
    assert not {"scp", "amr", "auth_time", "preferred_username"} & set(claims)
    told = pipeline.site.introspect(body["access_token"]).json()
    assert (told["active"], told["scope"], told["roles"], told["idtyp"]) == (True, "Read", ["Read"], "app")
    assert "username" not in told
    (entry,) = pipeline.site.entries(Kind.WORKLOAD_ISSUED)
    assert (entry["detail"]["subject"], entry["detail"]["trust_name"]) == (JOB, "deploy")
    assert body["access_token"].split(".")[2] not in json.dumps(entry)


def test_entras_form_of_the_same(pipeline: Pipeline) -> None:
    """`client_credentials` with the forge's token as the assertion: what MSAL and azure-identity send."""
    given = {
        "grant_type": "client_credentials", "client_id": OTHER, "client_assertion": pipeline.token(),
        "client_assertion_type": TYPE, "scope": f"{API_URI}.default",
    }  # fmt: skip
    answer = pipeline.site.post(TOKEN, given)
    assert answer.status_code == 200, answer.text
    assert "issued_token_type" not in answer.json()
    assert pipeline.refused(pipeline.site.post(TOKEN, given)) == NOT_TRUSTED
    secret = {**given, "client_secret": "other-secret", "client_assertion": pipeline.token()}
    assert pipeline.refused(pipeline.site.post(TOKEN, secret))[1] == "invalid_request"
    plain = {"grant_type": "client_credentials", "client_id": OTHER, "scope": f"{API_URI}.default"}
    assert pipeline.refused(pipeline.site.post(TOKEN, plain))[1] == "unsupported_grant_type"


ODD: tuple[dict[str, Any], ...] = (
    {"sub": "repo:octo-org/octo-repo-evil:ref:refs/heads/main"}, {"sub": JOB + "x"}, {"sub": JOB.upper()},
    {"sub": JOB.replace("a", "\u0430")}, {"sub": JOB + "\n"}, {"sub": None}, {"aud": "https://github.com/octo-org"},
    {"aud": [AUDIENCE, "https://else.example"]}, {"aud": None}, {"iss": "https://127.0.0.1"},
    {"iss": "https://evil.example"}, {"iss": None},
)  # fmt: skip


def test_what_is_not_trusted_gets_nothing(pipeline: Pipeline) -> None:
    """Look-alike subjects, other audiences and issuers: one answer for all of them, and an entry."""
    for changes in ODD:
        answer = pipeline.exchange(pipeline.token(**changes))
        assert pipeline.refused(answer) == NOT_TRUSTED, changes
        assert "No trust of this application" in answer.json()["error_description"]
    assert len(pipeline.site.entries(Kind.WORKLOAD_REFUSED)) == len(ODD)


def test_times_are_bounded(pipeline: Pipeline) -> None:
    """Expired, not valid yet, never dated, or living for over a day: refused, and the owner of the job is told why."""
    now = pipeline.site.clock.now() // 1_000_000
    shifts: tuple[dict[str, int], ...] = (
        {"exp": -1}, {"exp": 25 * 3600}, {"iat": 300, "exp": 600}, {"nbf": 300}, {"iat": -90_000}, {"exp": 0},
    )  # fmt: skip
    for shift in shifts:
        token = pipeline.token(**{name: now + by for name, by in shift.items()})
        assert pipeline.refused(pipeline.exchange(token)) == NOT_TRUSTED, shift
    for name in ("exp", "iat"):
        assert pipeline.refused(pipeline.exchange(pipeline.token(**{name: None}))) == NOT_TRUSTED
    assert pipeline.exchange(pipeline.token(exp=now + 23 * 3600, iat=now - 3000)).status_code == 200


def test_a_subject_token_counts_once(pipeline: Pipeline) -> None:
    """Also where it has no `jti`, and for another application; a reusable one comes again from its own place only."""
    token = pipeline.token()
    assert pipeline.exchange(token).status_code == 200
    assert pipeline.refused(pipeline.exchange(token)) == NOT_TRUSTED
    for odd in (None, "", 7, "ü", "j" * 300):
        nameless = pipeline.token(jti=odd)
        assert pipeline.exchange(nameless).status_code == 200
        assert pipeline.refused(pipeline.exchange(nameless)) == NOT_TRUSTED
    for half in ({"jti": "\ud800"}, {"roles": [{"a": "\udfff"}]}):  # no text at all (RFC 7493 §2.1)
        assert pipeline.refused(pipeline.exchange(pipeline.token(**half))) == NOT_TRUSTED
    pipeline.site.register(CLI, trusts=(replace(pipeline.trust, id="t2"),))
    assert pipeline.refused(pipeline.exchange(token, client_id=CLI)) == NOT_TRUSTED
    pipeline.site.register(OTHER, trusts=(replace(pipeline.trust, again=True),))
    file = pipeline.token()
    assert [pipeline.exchange(file).status_code for _ in range(2)] == [200, 200]


def test_a_token_is_spent_whatever_comes_of_it(pipeline: Pipeline) -> None:
    """Refused for its scope, it does not come back with another."""
    token = pipeline.token()
    assert pipeline.refused(pipeline.exchange(token, scope=f"{API_URI}Things.ReadWrite.All"))[2] == 65001
    assert pipeline.refused(pipeline.exchange(token)) == NOT_TRUSTED


def test_signatures_by_anybody_else_do_not_count(pipeline: Pipeline) -> None:
    """Another key under the same name, none, a shared secret made of the public key, a tampered payload."""
    forge = pipeline.forge
    good = pipeline.token()
    head, payload, signature = good.split(".")
    evil = b64(json.dumps({**claims_of(good), "ref": "refs/heads/evil"}).encode())
    none = b64(b'{"alg":"none","typ":"JWT"}')
    hs = b64(json.dumps({"alg": "HS256", "kid": next(reversed(forge.keys))}).encode())
    mac = b64(hmac.digest(json.dumps(forge.published).encode(), f"{hs}.{payload}".encode(), sha256))
    for forged in (f"{head}.{evil}.{signature}", f"{none}.{payload}.", f"{hs}.{payload}.{mac}", f"{head}.{payload}.",
                   pipeline.token(header={"alg": "PS256"}), pipeline.token(header={"kid": "key-0"})):  # fmt: skip
        assert pipeline.refused(pipeline.exchange(forged)) == NOT_TRUSTED
    assert pipeline.exchange(good).status_code == 200


def test_keys_rotate_and_nobody_makes_us_ask_more_often(pipeline: Pipeline) -> None:
    """An unknown key is asked for once in a while, whoever names it how often; a withdrawn one dies within the hour."""
    forge, clock = pipeline.forge, pipeline.site.clock
    forge.asked.clear()
    assert pipeline.exchange().status_code == 200
    assert len(forge.asked) == 2  # metadata and keys
    for n in range(20):
        assert pipeline.refused(pipeline.exchange(pipeline.token(header={"kid": f"x{n}"}))) == NOT_TRUSTED
    assert pipeline.exchange().status_code == 200
    assert len(forge.asked) == 2
    old = next(reversed(forge.keys))
    clock.move(PAUSE)
    forge.rotate()
    assert pipeline.exchange().status_code == 200
    assert len(forge.asked) == 4
    stale = forge.keys.pop(next(reversed(forge.keys)))
    withdrawn = pipeline.token(header={"kid": old})
    forge.keys["key-again"] = stale
    clock.move(PAUSE)
    assert pipeline.refused(pipeline.exchange(withdrawn)) == NOT_TRUSTED
    forge.rotate()


def test_an_issuer_that_is_down_is_believed_for_an_hour(pipeline: Pipeline) -> None:
    """Its keys go on for a while, then nothing does until it is back; the answer says that trying again helps."""
    assert pipeline.exchange().status_code == 200
    pipeline.forge.up = False
    pipeline.site.clock.move(FRESH)
    assert pipeline.exchange().status_code == 200
    pipeline.site.clock.move(KEPT)
    assert pipeline.refused(pipeline.exchange())[1] == "temporarily_unavailable"
    pipeline.forge.up = True
    assert pipeline.refused(pipeline.exchange())[1] == "temporarily_unavailable"
    pipeline.site.clock.move(PAUSE)
    assert pipeline.exchange().status_code == 200


def test_only_issuers_that_are_trusted_are_asked(pipeline: Pipeline) -> None:
    """A token cannot send us to an address of its own choice, and neither can another application's name."""
    pipeline.forge.asked.clear()
    assert pipeline.refused(pipeline.exchange(client_id=CLI)) == NOT_TRUSTED
    assert pipeline.refused(pipeline.exchange(pipeline.token(iss=pipeline.forge.issuer + "/"))) == NOT_TRUSTED
    assert pipeline.refused(pipeline.exchange(pipeline.token(header={"jku": "https://evil.example"}), client_id=API))
    assert pipeline.forge.asked == []


def test_a_trust_that_another_node_saved_counts_at_once(pipeline: Pipeline) -> None:
    """Memory may be old, and a refusal is as true as a token."""
    site = pipeline.site
    stale = site.house.desk.picture
    site.register(OTHER, trusts=(replace(pipeline.trust, id="t2", issuer=pipeline.forge.issuer),))
    site.house.desk._picture = replace(stale, applications={**stale.applications, OTHER: without_trusts(stale)})
    assert pipeline.exchange().status_code == 200


def without_trusts(picture: Picture) -> Application:
    """The registration as a node remembers it that missed the change."""
    return replace(picture.applications[OTHER], trusts=())


def test_it_ends_with_its_trust(pipeline: Pipeline) -> None:
    """Taken away or changed: introspection says no at once, and what comes next is asked anew."""
    token = pipeline.exchange().json()["access_token"]
    assert pipeline.site.introspect(token).json()["active"]
    pipeline.site.clock.move(seconds(1))
    pipeline.site.register(OTHER, trusts=(replace(pipeline.trust, changed=pipeline.site.clock.now()),))
    assert not pipeline.site.introspect(token).json()["active"]
    again = pipeline.exchange().json()["access_token"]
    assert pipeline.site.introspect(again).json()["active"]
    pipeline.site.register(OTHER, trusts=())
    assert not pipeline.site.introspect(again).json()["active"]
    assert pipeline.refused(pipeline.exchange()) == NOT_TRUSTED


def test_it_ends_with_its_application_by_revocation_and_with_time(pipeline: Pipeline) -> None:
    """A disabled application, the client's own word, ten minutes."""
    first, second, third = (pipeline.exchange().json()["access_token"] for _ in range(3))
    pipeline.site.post(f"/{TENANT}/oauth2/v2.0/revoke", {"token": first}, auth=(OTHER, "other-secret"))
    assert [pipeline.site.introspect(one).json()["active"] for one in (first, second)] == [False, True]
    pipeline.site.register(OTHER, enabled=False)
    assert not pipeline.site.introspect(second).json()["active"]
    assert pipeline.refused(pipeline.exchange())[2] == 7000112
    pipeline.site.register(OTHER, enabled=True)
    pipeline.site.clock.move(minutes(10))
    assert not pipeline.site.introspect(third).json()["active"]


def test_the_kill_switch_ends_it(pipeline: Pipeline) -> None:
    """What it gave is over for good, and nothing is given while it is on."""
    token = pipeline.exchange().json()["access_token"]
    pipeline.site.clock.move(seconds(1))
    assert not isinstance(pipeline.site.run(turn_on(pipeline.site.house, pipeline.site.local(), "test")), Refused)
    assert not pipeline.site.introspect(token).json()["active"]
    assert pipeline.refused(pipeline.exchange())[2] == 530035
    assert not isinstance(pipeline.site.run(turn_off(pipeline.site.house, pipeline.site.local(), "test")), Refused)
    pipeline.site.clock.move(seconds(1))
    assert not pipeline.site.introspect(token).json()["active"]
    assert pipeline.exchange().status_code == 200


def test_only_what_the_trust_gives_is_given(pipeline: Pipeline) -> None:
    """Whatever people consented to; and never the admin API, not even when the trust was written by another hand."""
    site = pipeline.site
    site.register(CLI, trusts=(pipeline.trust,))  # people consented to more for this one
    answer = pipeline.exchange(client_id=CLI)
    assert claims_of(answer.json()["access_token"])["roles"] == ["Read"]
    admin = replace(pipeline.trust, scopes=("https://localhost:8443/User.Read", f"{ADMIN_API}/User.Read"))
    site.register(OTHER, trusts=(admin,))
    for scope in ("", "User.Read", "https://localhost:8443/.default", "openid profile"):
        assert pipeline.exchange(scope=scope).status_code == 400


def test_the_resource_is_named_in_any_of_three_ways(pipeline: Pipeline) -> None:
    """`scope`, `audience` or `resource`; where the trust is for one, none is needed. What contradicts is refused."""
    for form in (
        {"scope": ""}, {"scope": "", "audience": API_URI}, {"scope": "", "resource": API_URI},
        {"scope": f"{API_URI}Read", "audience": API_URI}, {"scope": f"{API_URI}Read openid offline_access"},
    ):  # fmt: skip
        assert pipeline.exchange(**form).json().get("scope", "").endswith(f"{API_URI}/Read")
    assert pipeline.exchange(audience="https://localhost:8443").status_code == 400
    assert pipeline.exchange(scope="", audience="https://nobody.example").status_code == 400


def test_other_shapes_of_the_request_are_refused(pipeline: Pipeline) -> None:
    """No delegation, no other tokens, one proof."""
    shapes: tuple[dict[str, str], ...] = (
        {"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, {"subject_token_type": ""},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, {"actor_token": "x"},
        {"client_id": ""}, {"client_secret": "other-secret"}, {"client_assertion": "x", "client_assertion_type": TYPE},
    )  # fmt: skip
    for form in shapes:
        assert pipeline.refused(pipeline.exchange(**form))[:2] == (400, "invalid_request"), form


def test_policy_is_asked_and_what_is_unknown_denies(pipeline: Pipeline) -> None:
    """A policy for everybody is for workloads too; what only people can bring, and what nobody rates, refuses."""
    block = {"operator": "OR", "builtInControls": ["block"]}
    mfa = {"operator": "OR", "builtInControls": ["mfa"]}
    every = {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}}
    everybody = {**every, "clientAppTypes": ["all"]}
    nobody = {**everybody, "users": {"includeUsers": ["None"]}}
    all_workloads = {"clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]}}

    def outcome(conditions: dict[str, Any], grant: dict[str, Any]) -> int:
        document = {"displayName": "P", "state": "enabled", "conditions": conditions, "grantControls": grant}
        compiled = compile_policy(PolicyId("p"), document)
        assert compiled.problems == ()
        desk = pipeline.site.house.desk
        before = desk._picture
        desk._picture = replace(desk.picture, policies=compile_set((compiled.policy,)))
        status = pipeline.exchange().status_code
        desk._picture = before
        return status

    assert outcome(everybody, mfa) == 400
    assert outcome({**everybody, "signInRiskLevels": ["high"]}, block) == 400
    assert outcome({**everybody, "users": {"includeUsers": ["somebody"]}}, block) == 200
    assert outcome({**everybody, "clientAppTypes": ["browser", "mobileAppsAndDesktopClients"]}, mfa) == 200
    assert outcome({**everybody, "authenticationFlows": {"transferMethods": "deviceCodeFlow"}}, block) == 200
    assert outcome(nobody, block) == 200
    assert outcome({**nobody, **all_workloads}, block) == 400
    assert outcome({**nobody, "clientApplications": {"includeServicePrincipals": ["o1"]}}, block) == 200
    people = {"clientApplications": {"excludeServicePrincipals": ["ServicePrincipalsInMyTenant"]}}
    assert outcome({**everybody, **people}, mfa) == 200
    (refused, *_) = pipeline.site.entries(Kind.WORKLOAD_REFUSED)
    assert (refused["detail"]["rules"], refused["detail"]["facts"]["user"]) == (["P"], None)


def test_a_token_is_bound_to_the_key_that_is_proved(pipeline: Pipeline) -> None:
    """DPoP works, and where it is required a request without a proof does not spend the subject token."""
    site = pipeline.site
    site.register(OTHER, dpop="required", trusts=(pipeline.trust,))
    subject = pipeline.token()
    assert pipeline.exchange(subject).json()["error"] == "invalid_dpop_proof"
    holder = Holder()
    url = f"https://localhost:8443{TOKEN}"
    first = pipeline.exchange(subject, holder.proof("POST", url, site.clock.now()))
    nonce = first.headers["dpop-nonce"]
    second = pipeline.exchange(subject, holder.proof("POST", url, site.clock.now(), nonce=nonce))
    assert second.json()["token_type"] == "DPoP", second.text
    assert claims_of(second.json()["access_token"])["cnf"] == {"jkt": holder.jkt}


def test_r3_a_workload_does_not_administer(pipeline: Pipeline) -> None:
    """R3: whatever its token says, the admin API knows no workload."""
    token = pipeline.exchange().json()["access_token"]
    for path in ("/v1.0/me", "/v1.0/applications", "/oidc/userinfo"):
        assert pipeline.site.get(path, headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_r12_a_workload_is_bound_to_its_certificate(pipeline: Pipeline) -> None:
    """RFC 8705: where it is required a request without one does not spend the subject token; with it `cnf` names it."""
    site = pipeline.site
    site.house = replace(site.house, settings=replace(site.house.settings, proxy=PROXY))
    site.app = site.serve(site.house)
    site.register(OTHER, certificate="required", trusts=(pipeline.trust,))
    pair, subject = make("EC", site.clock.now()), pipeline.token()
    refused = pipeline.exchange(subject)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    headers = {"client-cert": f":{pair.base64}:", "x-proxy-secret": SECRET, "x-forwarded-for": "203.0.113.9"}
    form = {
        "grant_type": EXCHANGE, "client_id": OTHER, "subject_token": subject, "subject_token_type": JWT,
        "scope": f"{API_URI}.default",
    }  # fmt: skip
    given = site.post(TOKEN, form, headers=headers)
    assert given.status_code == 200, given.text
    assert given.json()["token_type"] == "Bearer"
    assert claims_of(given.json()["access_token"])["cnf"] == {"x5t#S256": pair.x5t}
