"""Ended means ended, from end to end: a real device sign-in, its end, and a resource server that is told of it (R8)."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ostiary.core.directory.applications import Application, Secret
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import after, days
from ostiary.services.access.desk import PICTURE, touch
from ostiary.store import Tx, registry
from tests.attacks.stage import ABROAD, HOME, Machine, Stage, pressed, raised, typed
from tests.receiver import PUSH, REVOKED, VERIFICATION, Receiver, receiving

GATE = AppId("7a0d1f2e-0000-4000-8000-00000000a9a7")
SECRET = "the-secret-of-the-gateway"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A resource server's ear."""
    with receiving() as made:
        yield made


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Stage]:
    """A server whose operator lets it push to the receiver, and a gateway of its API that subscribed."""
    with raised(tmp_path_factory.mktemp("stage"), outgoing_allow=(f"http://127.0.0.1:{receiver.port}",)) as made:
        _registered(made)
        yield made


def _registered(stage: Stage) -> None:
    """The gateway's registration."""
    now = stage.server.clock.now()
    kept = Secret("1", digest(SECRET).hex(), "…", now, after(now, days(90)))
    gate = Application(
        GATE, "9a7e", "Gateway", public=False, secrets=(kept,), gateway_for=(stage.server.origin,), created=now
    )

    async def body(tx: Tx) -> None:
        await registry.add(tx, gate)
        await touch(tx, PICTURE)

    stage.server.run(stage.house.store.write(body))
    stage.server.run(stage.house.desk.reload())


def signed_in(stage: Stage) -> tuple[Machine, dict[str, Any]]:
    """Alice approves a machine's code in her browser."""
    machine = stage.machine(ABROAD)
    started = machine.start().json()
    browser = stage.person("alice", HOME)
    pressed(browser, typed(browser, started["user_code"]))
    given = machine.poll(started["device_code"])
    assert given.status_code == 200, given.text
    return machine, given.json()


def refused(stage: Stage, machine: Machine, given: dict[str, Any]) -> list[int]:
    """What every door of ours says at the first ask: userinfo, admin API, introspection (200 is inactive), refresh."""
    bearer = {"authorization": f"Bearer {given['access_token']}"}
    asked = f"/{stage.server.tenant}/oauth2/v2.0/introspect"
    told = machine.http.post(asked, data={"token": given["access_token"]}, auth=(GATE, SECRET))
    assert told.json() == {"active": False}
    return [
        machine.http.get("/oidc/userinfo", headers=bearer).status_code,
        machine.http.get("/v1.0/me", headers=bearer).status_code,
        told.status_code,
        machine.refresh(given["refresh_token"]).status_code,
    ]


def subscribed(stage: Stage, receiver: Receiver, http: httpx.Client) -> dict[str, Any]:
    """A new stream that was verified, and the published keys."""
    metadata = http.get(f"/.well-known/ssf-configuration/{stage.server.tenant}/v2.0").json()
    delivery = {"method": PUSH, "endpoint_url": receiver.url, "authorization_header": "Bearer ear"}
    made = http.post(metadata["configuration_endpoint"], json={"delivery": delivery}, auth=(GATE, SECRET))
    assert made.status_code == 201, made.text
    wish = {"stream_id": made.json()["stream_id"], "state": "are you there?"}
    assert http.post(metadata["verification_endpoint"], json=wish, auth=(GATE, SECRET)).status_code == 204
    receiver.wait(1)
    keys: dict[str, Any] = http.get(metadata["jwks_uri"]).json()
    assert receiver.events(keys)[0]["events"] == {VERIFICATION: {"state": "are you there?"}}
    return keys


def test_r8_an_end_is_refused_at_once_and_told(stage: Stage, receiver: Receiver) -> None:
    """R8: ended by an administrator, and by its own time: nothing goes on, and the gateway hears of each, once."""
    with stage.scene():
        machine, given = signed_in(stage)
        keys = subscribed(stage, receiver, machine.http)
        assert machine.whose(httpx.Response(200, json=given))
        stage.server.end_exemptions("alice")
        assert refused(stage, machine, given) == [401, 401, 200, 400]
        receiver.wait(2)
        stage.open("alice")
        again, later = signed_in(stage)
        stage.server.pass_time(3600)
        assert refused(stage, again, later) == [401, 401, 200, 400]
        receiver.wait(3)
    told = receiver.events(keys)[1:]
    assert [event["events"][REVOKED]["initiating_entity"] for event in told] == ["admin", "policy"]
    assert len({event["sub_id"]["session"]["id"] for event in told}) == 2
    assert {event["aud"] for event in told} == {GATE}
    assert all(headers["authorization"] == "Bearer ear" for headers in receiver.headers)
