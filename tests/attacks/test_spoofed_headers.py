"""
Headers that only a proxy may send, and the name of the host, in the hands of a client (R13): X-Forwarded-For,
Forwarded, Client-Cert, Host.

The server has a proxy: one network, one secret. The attacker is not it, or stands behind it.
"""

from base64 import b64encode
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import pytest

from ostiary.core.directory.applications import Application
from ostiary.core.words.ids import AppId
from ostiary.services.access.desk import PICTURE, touch
from ostiary.store import Tx, registry
from ostiary.web.front import visit
from ostiary.web.oauth import device_authorization
from tests.attacks.plots import Attack, Outcome, Stop, by_rule, cases, prove, stopped
from tests.attacks.stage import ABROAD, HOME, Stage, raised
from tests.attacks.test_relayed_codes import BLOCK, NO_CODE, _elsewhere
from tests.web.oauth.certificates import CLIENT_AUTH, make

PROXIES = "127.99.0.0/16"
SECRET = "between proxy and house, 256 bits"
GATEWAY = AppId("7a0d1f2e-0000-4000-8000-00000000c0de")
EVIL = "evil.example"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server that has a proxy, and whose machines must be at home."""
    folder = tmp_path_factory.mktemp("proxied")
    secret = folder / "secret"
    secret.write_text(SECRET)
    proxy = {
        "proxy_header": "x-forwarded-for", "proxy_networks": (PROXIES,), "proxy_secret_header": "x-proxy-secret",
        "proxy_secret_file": secret, "proxy_certificate_header": "client-cert",
    }  # fmt: skip
    with raised(folder, **proxy) as made:
        yield made


# ---- what is switched


def _believed(scope: Any, _: Any) -> str:
    """The address that the request tells of itself, in whatever header, the first one there."""
    told = b",".join(visit.headers(scope, b"x-forwarded-for") + visit.headers(scope, b"forwarded")).decode()
    first = told.partition(",")[0].strip().removeprefix("for=").strip('"')
    return first or str(scope["client"][0])


def _leftmost(scope: Any, proxy: Any) -> str:
    """Of what a genuine proxy tells, the hop that the client wrote itself."""
    if not visit.trusted(scope, proxy):
        return str(scope["client"][0])
    return visit.headers(scope, b"x-forwarded-for")[0].decode().partition(",")[0].strip()


_HOST: ContextVar[str] = ContextVar("host", default="")
_ANSWER = device_authorization._answer


def _overheard(scope: Any, house: Any) -> Any:
    _HOST.set(visit.headers(scope, b"host")[-1].decode())
    return visit.visit(scope, house)


def _called_so(house: Any, started: Any) -> Any:
    """The answer of a house that takes its name from the request."""
    return _ANSWER(replace(house, settings=replace(house.settings, origin=f"https://{_HOST.get()}")), started)


PEER = by_rule("R13", "the address is the peer's", ("web.front.visit._address", _believed))
HOPS = by_rule("R13", "hops count from the right", ("web.front.visit._address", _leftmost))
HANDED = by_rule("R13", "certificates come from the proxy", ("web.front.certificate.trusted", lambda *_, **__: True))
NAME = by_rule(
    "R13", "the house knows its own name",
    ("web.oauth.device_authorization.visit_of", _overheard), ("web.oauth.device_authorization._answer", _called_so),
)  # fmt: skip


# ---- how they are played


def from_afar(**headers: str) -> Any:
    """Machines must be at home (M8); one from abroad says in *headers* that it is."""

    def play(stage: Stage) -> Outcome:
        with stage.policy("machines at home", grantControls=BLOCK, ostiary=_elsewhere(stage)):
            machine = stage.machine(ABROAD)
            told = {name: value.format(home=stage.address(HOME)) for name, value in headers.items()}
            answer = machine.post("devicecode", {"scope": machine.scope}, **told)
        return Outcome("a code") if answer.status_code == 200 else stopped(answer)

    return play


def behind_the_proxy(stage: Stage) -> Outcome:
    """The attacker's own X-Forwarded-For goes through the proxy, which adds where it came from, as proxies do."""
    with stage.policy("machines at home", grantControls=BLOCK, ostiary=_elsewhere(stage)):
        proxy = stage.machine(PROXIES)
        hops = f"{stage.address(HOME)}, {stage.address(ABROAD)}"
        told = {"x-forwarded-for": hops, "x-proxy-secret": SECRET}
        answer = proxy.post("devicecode", {"scope": proxy.scope}, **told)
    return Outcome("a code") if answer.status_code == 200 else stopped(answer)


def with_a_borrowed_certificate(stage: Stage) -> Outcome:
    """A certificate is public: the attacker shows the gateway's, whose key he has not, and asks about tokens."""
    pair = make("EC", stage.server.clock.now(), usages=(CLIENT_AUTH,))
    gateway = Application(GATEWAY, "o-code", "Gateway", public=False, keys=(pair.registered(),))

    async def body(tx: Tx) -> None:
        if await registry.find(tx, GATEWAY) is not None:
            await registry.remove(tx, GATEWAY)
        await registry.add(tx, gateway)
        await touch(tx, PICTURE)

    stage.server.run(stage.house.store.write(body))
    stage.server.run(stage.house.desk.reload())
    shown = f":{b64encode(pair.der).decode()}:"
    form = {"client_id": GATEWAY, "token": "unknown"}
    answer = stage.machine(ABROAD).post("introspect", form, **{"client-cert": shown})
    return Outcome(answer.text) if answer.status_code == 200 else stopped(answer)


def under_another_name(stage: Stage) -> Outcome:
    """The request calls the house by the attacker's name; where does the code send its person?"""
    machine = stage.machine(HOME)
    answer = machine.post("devicecode", {"scope": machine.scope}, host=EVIL)
    assert answer.status_code == 200, answer.text
    page = answer.json()["verification_uri"]
    return Outcome(page) if EVIL in answer.text else Outcome(stopped=page)


ATTACKS = (
    Attack("X-Forwarded-For from anybody", from_afar(**{"x-forwarded-for": "{home}"}), (Stop(PEER, NO_CODE),)),
    Attack("Forwarded from anybody", from_afar(forwarded="for={home}"), (Stop(PEER, NO_CODE),)),
    Attack("X-Forwarded-For through the proxy", behind_the_proxy, (Stop(HOPS, NO_CODE),)),
    Attack("Client-Cert from anybody", with_a_borrowed_certificate, (Stop(HANDED, "400 invalid_request"),)),
    Attack("Host with another name", under_another_name, (Stop(NAME, "https://localhost:"),)),
)


@pytest.mark.parametrize(("attack", "only"), cases(ATTACKS))
def test_r13_nobody_but_the_proxy_is_believed(stage: Stage, attack: Attack, only: Stop | None) -> None:
    """R13: with the rule the header is nothing, without it the attacker gets what he wants."""
    prove(stage, attack, only)


@pytest.mark.parametrize("header", ["x-forwarded-for", "x-proxy-secret", "both, from elsewhere"])
def test_r13_half_a_proxy_is_none(stage: Stage, header: str) -> None:
    """R13: the network without the secret, the secret without the network, the secret wrong."""
    network = ABROAD if header.startswith("both") else PROXIES
    with stage.scene():
        told = {"x-forwarded-for": stage.address(HOME)}
        if header != "x-forwarded-for":
            told["x-proxy-secret"] = SECRET if header.startswith("both") else SECRET[:-1]
        with stage.policy("machines at home", grantControls=BLOCK, ostiary=_elsewhere(stage)):
            machine = stage.machine(network)
            assert machine.post("devicecode", {"scope": machine.scope}, **told).status_code == 403


@pytest.mark.parametrize("path", ["/signin", "/about", "/common/v2.0/.well-known/openid-configuration", "/devicelogin"])
def test_r13_no_answer_repeats_a_name_that_is_not_ours(stage: Stage, path: str) -> None:
    """R13: neither pages nor metadata nor redirects know what the request calls us."""
    with stage.scene():
        names = {"host": EVIL, "x-forwarded-host": EVIL, "x-forwarded-proto": "http", "x-original-url": f"//{EVIL}"}
        answer = stage.visitor(HOME).get(path, headers=names)
        assert answer.status_code in (200, 303)
        assert EVIL not in answer.text + str(answer.headers)
