"""Streams of shared signals as receivers manage them (SSF 1.0 §7, §8.1): their own, within bounds, nobody else's."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.core.signals.events import SUPPORTED
from ostiary.core.signals.streams import MOST_STREAMS
from ostiary.core.words.instants import seconds
from ostiary.store.schema import signal_streams
from tests.holder import Holder
from tests.receiver import POLL, PUSH, REVOKED, VERIFICATION
from tests.web.oauth.site import ADMIN_API, API, API_URI, CLI, GATEWAY, ORIGIN, OTHER, TENANT
from tests.web.oauth.streams import Transmitter, transmitting

ISSUER = f"{ORIGIN}/{TENANT}/v2.0"
HOOK = "https://rs.example/events?key=a-secret-of-the-receiver"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Transmitter]:
    """A transmitter that may push to public addresses alone."""
    with transmitting(tmp_path) as made:
        yield made


def test_the_metadata_leads_to_everything(site: Transmitter) -> None:
    """SSF 1.0 §7.1, and what the CAEP interoperability profile demands of it (§2.3)."""
    document = site.get(f"/.well-known/ssf-configuration/{TENANT}/v2.0")
    assert document.headers["content-type"] == "application/json"
    read = document.json()
    assert (read["issuer"], read["spec_version"], read["default_subjects"]) == (ISSUER, "1_0", "ALL")
    assert set(read["delivery_methods_supported"]) == {PUSH, POLL}
    assert {"spec_urn": "urn:ietf:rfc:6749"} in read["authorization_schemes"]
    assert {key["alg"] for key in site.get(read["jwks_uri"]).json()["keys"]} >= {"RS256"}
    for name in ("configuration", "status", "verification", "add_subject", "remove_subject"):
        answer = site.request("POST", read[f"{name}_endpoint"], json={})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="Ostiary"'), name
    assert site.get("/.well-known/ssf-configuration").json() == read
    assert site.get("/.well-known/ssf-configuration/example.net/v2.0").status_code == 400


def test_a_stream_is_made_read_changed_replaced_and_removed(site: Transmitter) -> None:
    """SSF 1.0 §8.1.1: what the receiver says stays, what is ours it cannot change."""
    made = site.stream(url=HOOK, header="Bearer t0ken", events_requested=[REVOKED, "urn:other"], description="Ours")
    assert (made["iss"], made["aud"], made["events_delivered"]) == (ISSUER, API_URI, [REVOKED])
    assert made["events_supported"] == list(SUPPORTED)
    assert made["delivery"] == {"method": PUSH, "endpoint_url": HOOK}, "what authorises is never told"
    id = made["stream_id"]
    one, all_ = (site.as_(API, "GET", f"/ssf/stream{query}").json() for query in (f"?stream_id={id}", ""))
    assert (one, all_) == (made, [made])

    changed = site.as_(API, "PATCH", "/ssf/stream", json={"stream_id": id, "description": "Still", "iss": ISSUER})
    assert changed.json() == {**made, "description": "Still"}
    wrong = site.as_(API, "PATCH", "/ssf/stream", json={"stream_id": id, "aud": "https://elsewhere.example"})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_request")

    whole = site.as_(API, "PUT", "/ssf/stream", json={"stream_id": id}).json()
    assert "events_requested" not in whole
    assert "description" not in whole
    assert whole["delivery"] == {"method": POLL, "endpoint_url": f"{ORIGIN}/ssf/poll/{id}"}
    assert site.as_(API, "DELETE", f"/ssf/stream?stream_id={id}").status_code == 204
    assert site.as_(API, "GET", f"/ssf/stream?stream_id={id}").status_code == 404
    assert site.as_(API, "GET", "/ssf/stream").json() == []
    kinds = [f"admin:signal_stream:{what}" for what in ("created", "changed", "deleted")]
    assert [len(site.entries(kind)) for kind in kinds] == [1, 2, 1]
    assert site.entries(kinds[0])[0]["actor"] == f"application:{API}"


def test_r17_where_events_go_and_what_authorises_that_is_sealed(site: Transmitter, tmp_path: Path) -> None:
    """R17: neither stands in the database or the journal as it came; the journal knows the host."""
    site.stream(url=HOOK, header="Bearer hook-t0ken")
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("ostiary.db*"))
    assert b"a-secret-of-the-receiver" not in raw
    assert b"hook-t0ken" not in raw
    assert site.entries("admin:signal_stream:created")[0]["detail"]["after"]["host"] == "rs.example"
    assert signal_streams.c.sealed.name == "sealed", "a rewrap of the master key finds it"


@pytest.mark.parametrize(
    "delivery",
    [
        {"method": PUSH},
        {"method": PUSH, "endpoint_url": "https://user:pw@rs.example/"},
        {"method": PUSH, "endpoint_url": "http://rs.example/events"},
        {"method": PUSH, "endpoint_url": "https://10.0.0.7/events"},
        {"method": PUSH, "endpoint_url": "https://[::1]/events"},
        {"method": PUSH, "endpoint_url": "https://169.254.169.254/latest"},
        {"method": PUSH, "endpoint_url": "https://rs.example/", "authorization_header": "Bearer x\r\nHost: y"},
        {"method": "urn:ietf:rfc:0000"},
        "push",
    ],
)  # fmt: skip
def test_r24_no_stream_is_pushed_to_an_address_inside(site: Transmitter, delivery: Any) -> None:
    """R24: nor in plain HTTP, nor where an address or a header hides something; no stream is made."""
    answer = site.as_(API, "POST", "/ssf/stream", json={"delivery": delivery})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert site.as_(API, "GET", "/ssf/stream").json() == []


def test_r19_a_stream_is_its_own_applications(site: Transmitter) -> None:
    """R19: other applications learn nothing of it, not even that it is there; who is no resource has none."""
    id = site.stream()["stream_id"]
    for method, path, body in (
        ("GET", f"/ssf/stream?stream_id={id}", None), ("DELETE", f"/ssf/stream?stream_id={id}", None),
        ("PATCH", "/ssf/stream", {"stream_id": id}), ("PUT", "/ssf/stream", {"stream_id": id}),
        ("GET", f"/ssf/status?stream_id={id}", None),
        ("POST", "/ssf/status", {"stream_id": id, "status": "disabled"}),
        ("POST", "/ssf/verify", {"stream_id": id}), ("POST", f"/ssf/poll/{id}", {"returnImmediately": True}),
        ("POST", "/ssf/subjects:remove", {"stream_id": id, "subject": {"format": "opaque", "id": "x"}}),
    ):  # fmt: skip
        assert site.as_(OTHER, method, path, json=body).status_code == 404, (method, path)
    assert site.as_(OTHER, "GET", "/ssf/stream").json() == []
    site.stream(GATEWAY)
    site.register(GATEWAY, gateway_for=())
    assert site.as_(GATEWAY, "POST", "/ssf/stream", json={}).status_code == 403


def test_who_does_not_prove_itself_is_401(site: Transmitter) -> None:
    """A wrong secret, a public application, nobody, a token that is none: with the challenge of the scheme."""
    for auth in ((API, "wrong"), (CLI, ""), (CLI, "x"), ("unknown", "x")):
        answer = site.request("POST", "/ssf/stream", json={}, auth=auth)
        assert (answer.status_code, answer.headers["www-authenticate"][:5]) == (401, "Basic"), auth
    answer = site.request("GET", "/ssf/stream", headers={"authorization": "Bearer nonsense"})
    assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Bearer")
    assert site.request("GET", f"/ssf/stream?access_token={'x' * 20}").status_code == 401
    assert site.entries("token:client:refused")


def test_an_access_token_with_the_scope_does(site: Transmitter) -> None:
    """`ssf.read` reads, `ssf.manage` does all (profile §2.7.2); a device sign-in's does neither (R3)."""
    session, window = site.session(client=API, resource=ADMIN_API), site.exemption()
    own = {name: {"authorization": f"Bearer {site.token(session, scopes=(name,))}"}
           for name in ("ssf.read", "ssf.manage", "introspect")}  # fmt: skip
    make: dict[str, Any] = {"json": {}}
    assert site.request("POST", "/ssf/stream", headers=own["ssf.manage"], **make).status_code == 201
    assert len(site.request("GET", "/ssf/stream", headers=own["ssf.read"]).json()) == 1
    answer = site.request("POST", "/ssf/stream", headers=own["ssf.read"], **make)
    assert (answer.status_code, "insufficient_scope" in answer.headers["www-authenticate"]) == (403, True)
    assert site.request("GET", "/ssf/stream", headers=own["introspect"]).status_code == 401
    device = site.session(client=API, resource=ADMIN_API, exemption=window)
    token = site.token(device, scopes=("ssf.manage",), ends=window.ends)
    assert site.request("GET", "/ssf/stream", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_r12_a_token_that_is_bound_to_a_key_comes_with_its_proof(site: Transmitter) -> None:
    """R12: as Bearer, or with another key's proof, it proves nothing; with its own it does."""
    holder, other, url = Holder(), Holder(), f"{ORIGIN}/ssf/stream"
    session = site.session(client=API, resource=ADMIN_API)
    token = site.token(replace(session, jkt=holder.jkt), scopes=("ssf.read",))
    nonce = ""

    def ask(scheme: str, key: Holder | None) -> httpx.Response:
        headers = {"authorization": f"{scheme} {token}"}
        if key is not None:
            headers["dpop"] = key.proof("GET", url, site.clock.now(), nonce=nonce, token=token)
        return site.get(url, headers=headers)

    asked = ask("DPoP", holder)
    assert (asked.status_code, "use_dpop_nonce" in asked.headers["www-authenticate"]) == (401, True)
    nonce = asked.headers["dpop-nonce"]
    assert ask("DPoP", other).status_code == 401
    assert ask("Bearer", None).status_code == 401
    found = ask("DPoP", holder)
    assert (found.status_code, found.json()) == (200, [])


def test_there_are_bounds(site: Transmitter) -> None:
    """Four streams an application, 64 KiB, bounded lists and texts."""
    for _ in range(MOST_STREAMS):
        site.stream()
    assert site.as_(API, "POST", "/ssf/stream", json={}).status_code == 409
    id = site.as_(API, "GET", "/ssf/stream").json()[0]["stream_id"]
    for wrong in (
        {"events_requested": ["x"] * 65}, {"events_requested": "x"}, {"description": "x" * 257}, {"description": 7}
    ):  # fmt: skip
        answer = site.as_(API, "PATCH", "/ssf/stream", json={"stream_id": id, **wrong})
        assert answer.status_code == 400, wrong
    for raw in (b"[]", b"{", b"", b'{"description":"' + b"x" * 70_000 + b'"}'):
        assert site.as_(API, "PATCH", "/ssf/stream", content=raw).status_code == 400, raw[:10]


def test_a_status_is_set_and_read(site: Transmitter) -> None:
    """SSF 1.0 §8.1.2; nothing but the three words."""
    id = site.stream()["stream_id"]
    assert site.as_(API, "GET", f"/ssf/status?stream_id={id}").json() == {"stream_id": id, "status": "enabled"}
    paused = {"stream_id": id, "status": "paused", "reason": "maintenance"}
    assert site.as_(API, "POST", "/ssf/status", json=paused).json() == paused
    assert site.as_(API, "GET", f"/ssf/status?stream_id={id}").json() == paused
    for wrong in ("off", None, 7):
        assert site.as_(API, "POST", "/ssf/status", json={"stream_id": id, "status": wrong}).status_code == 400


def test_a_verification_comes_back_with_its_state(site: Transmitter) -> None:
    """SSF 1.0 §8.1.4: about the stream itself, once in thirty seconds."""
    stream = site.stream()
    id = stream["stream_id"]
    assert site.as_(API, "POST", "/ssf/verify", json={"stream_id": id, "state": "s-1"}).status_code == 204
    (event,) = site.polled(stream)
    assert event["sub_id"] == {"format": "opaque", "id": id}
    assert event["events"] == {VERIFICATION: {"state": "s-1"}}
    again = site.as_(API, "POST", "/ssf/verify", json={"stream_id": id})
    assert (again.status_code, int(again.headers["retry-after"])) == (429, 30)
    site.later(seconds(31))
    assert site.as_(API, "POST", "/ssf/verify", json={"stream_id": id}).status_code == 204
    assert site.polled(stream)[1]["events"] == {VERIFICATION: {}}
    assert site.as_(API, "POST", "/ssf/verify", json={"stream_id": id, "state": "x" * 1025}).status_code == 400
