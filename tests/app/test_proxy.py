"""
R13 and RFC 8705 behind a real proxy: HAProxy, and once nginx, ends TLS, asks for client certificates, and hands on what
it proved, over a Unix socket or over TCP with its secret.
"""

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from ostiary.core.directory.applications import Application, Key
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant, after, hours
from ostiary.services.access.desk import PICTURE, touch
from ostiary.store import Tx, registry
from ostiary.store.logs import since
from tests.proxied import SECRET, free_port, furnish, haproxy, nginx
from tests.server import Server, running
from tests.web.oauth.certificates import CLIENT_AUTH, SERVER_AUTH, Pair, make

APP = AppId("7a0d1f2e-0000-4000-8000-00000000c0de")
OTHER = AppId("7a0d1f2e-0000-4000-8000-00000000c0df")
ALL_USERS = "127.0.0.0/8"


@dataclass
class Proxied:
    """A house behind HAProxy, with a registered application and its certificates."""

    server: Server
    folder: Path
    pairs: dict[str, Pair]

    def ask(
        self, pair: str = "", *, client_id: str = APP, headers: dict[str, str] | None = None, **form: str
    ) -> httpx.Response:
        """Introspection of an unknown token through the proxy, with the certificate named."""
        trust = ssl.create_default_context(cafile=str(self.server.ca_file))
        if pair:
            file = self.folder / f"{pair}.pem"
            file.write_bytes(self.pairs[pair].private_pem + self.pairs[pair].pem)
            trust.load_cert_chain(file)
        url = f"{self.server.origin}/{self.server.tenant}/oauth2/v2.0/introspect"
        fields = {"client_id": client_id, "token": "unknown", **form}
        return httpx.post(url, data=fields, headers=headers, verify=trust)

    def refusals(self) -> list[Any]:
        """The entries about clients that proved nothing."""

        async def body(tx: Tx) -> list[Any]:
            return [one.body for one in await since(tx, 0, 10_000) if one.kind == Kind.CLIENT_REFUSED]

        return self.server.run(self.server.house.store.read(body))


def _keys(pairs: dict[str, Pair], now: Instant) -> tuple[Key, ...]:
    ended = pairs["ended"].registered(id="3", ends=now)
    return (
        pairs["right"].registered(id="1"), pairs["rsa"].registered(id="2"), ended, pairs["early"].registered(
            id="4", starts=after(now, hours(1))
        ), pairs["server only"].registered(id="5"),
    )  # fmt: skip


def _register(server: Server, pairs: dict[str, Pair]) -> None:
    now = server.clock.now()
    apps = (
        Application(APP, "o-code", "Gateway", public=False, keys=_keys(pairs, now)),
        Application(OTHER, "o-codf", "Other", public=False, keys=(pairs["other"].registered(id="6"),)),
    )

    async def body(tx: Tx) -> None:
        for app in apps:
            await registry.add(tx, app)
        await touch(tx, PICTURE)

    server.run(server.house.store.write(body))
    server.run(server.house.desk.reload())


@contextmanager
def _behind(folder: Path, proxy: Callable[[int], AbstractContextManager[None]], **config: Any) -> Iterator[Proxied]:
    with running(folder / "data", plain=True, proxy_header="X-Forwarded-For", **config) as server:
        now = server.clock.now()
        pairs = {name: make("EC", now, usages=(CLIENT_AUTH,)) for name in ("right", "ended", "early", "other")}
        pairs |= {"rsa": make("RSA", now), "stranger": make("EC", now)}
        pairs["server only"] = make("EC", now, usages=(SERVER_AUTH,))
        _register(server, pairs)
        furnish(server, folder / "proxy")
        with proxy(int(server.config.origin.rpartition(":")[2])):
            yield Proxied(server, folder / "proxy", pairs)


@pytest.fixture(scope="module")
def by_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """Over a Unix socket; nothing listens on TCP but the proxy."""
    folder = tmp_path_factory.mktemp("socket")
    (folder / "run").mkdir(mode=0o750)
    path = folder / "run" / "proxy.sock"
    config = {"proxy_socket": path, "proxy_certificate_header": "client-cert", "mtls_origin": "https://mtls.localhost"}
    with _behind(folder, lambda port: haproxy(folder / "proxy", f"unix@{path}", port), **config) as proxied:
        assert path.stat().st_mode & 0o777 == 0o660
        yield proxied
    assert not path.exists()


def test_r13_a_registered_certificate_proves_the_application(by_socket: Proxied) -> None:
    """RFC 8705 §2.2: EC and RSA, for its own application, over the socket of a real proxy."""
    for name in ("right", "rsa"):
        answer = by_socket.ask(name)
        assert (answer.status_code, answer.content) == (200, b'{"active":false}'), answer.text
    assert by_socket.ask("other", client_id=OTHER).status_code == 200


@pytest.mark.parametrize("name", ["", "stranger", "ended", "early", "server only", "other"])
def test_r13_another_certificate_proves_nothing(by_socket: Proxied, name: str) -> None:
    """None, unknown, run out, not begun, not for clients, of another application."""
    answer = by_socket.ask(name)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_r13_what_a_client_says_of_certificates_itself_does_not_arrive(by_socket: Proxied) -> None:
    """The proxy removes it, and sets its own."""
    forged = f":{by_socket.pairs['right'].registered().certificate}:"
    assert by_socket.ask("", headers={"Client-Cert": forged}).status_code == 401
    assert by_socket.ask("stranger", headers={"Client-Cert": forged}).status_code == 401


def test_r13_the_address_is_the_proxys_word(by_socket: Proxied) -> None:
    """A socket shows none by itself."""
    assert by_socket.ask("stranger", headers={"X-Forwarded-For": "6.6.6.6"}).status_code == 401
    assert {entry["address"] for entry in by_socket.refusals()} == {"127.0.0.1"}


def test_a_wrong_secret_is_not_healed_by_a_certificate(by_socket: Proxied) -> None:
    """RFC 6749 §2.3: what is said outright counts."""
    assert by_socket.ask("right", client_secret="wrong").status_code == 401


def test_discovery_shows_the_host_for_certificates(by_socket: Proxied) -> None:
    """RFC 8705 §5: aliases of the endpoints where applications prove themselves, and the method's name."""
    trust = ssl.create_default_context(cafile=str(by_socket.server.ca_file))
    at = f"{by_socket.server.origin}/{by_socket.server.tenant}"
    document = httpx.get(f"{at}/v2.0/.well-known/openid-configuration", verify=trust).json()
    aliases = document["mtls_endpoint_aliases"]
    there = f"https://mtls.localhost/{by_socket.server.tenant}/oauth2/v2.0"
    assert aliases == {
        "token_endpoint": f"{there}/token", "device_authorization_endpoint": f"{there}/devicecode",
        "introspection_endpoint": f"{there}/introspect", "revocation_endpoint": f"{there}/revoke",
        "userinfo_endpoint": "https://mtls.localhost/oidc/userinfo",
        "ostiary_confirmation_endpoint": f"{there}/confirm",
    }  # fmt: skip
    assert document["tls_client_certificate_bound_access_tokens"] is True
    for name in ("token", "introspection", "revocation"):
        assert "self_signed_tls_client_auth" in document[f"{name}_endpoint_auth_methods_supported"]


def test_r13_over_tcp_only_the_secret_makes_a_proxy(tmp_path: Path) -> None:
    """Through the proxy a certificate counts; beside it, from the same address, the header is refused at every door."""
    secret, inner = tmp_path / "secret", free_port()
    secret.write_text(SECRET)
    outer = free_port()
    config = {
        "port": inner, "origin": f"https://localhost:{outer}", "proxy_networks": (ALL_USERS,),
        "proxy_secret_header": "X-Proxy-Secret", "proxy_secret_file": secret, "proxy_certificate_header": "client-cert",
    }  # fmt: skip
    with _behind(tmp_path, lambda port: haproxy(tmp_path / "proxy", f"127.0.0.1:{inner}", port), **config) as proxied:
        proxied.server.origin = f"https://localhost:{outer}"
        assert proxied.ask("right").status_code == 200
        assert proxied.ask("stranger").status_code == 401
        headers = {"Client-Cert": f":{proxied.pairs['right'].registered().certificate}:"}
        for door in ("introspect", "token", "devicecode", "revoke"):
            url = f"http://127.0.0.1:{inner}/{proxied.server.tenant}/oauth2/v2.0/{door}"
            answer = httpx.post(url, data={"client_id": APP, "token": "unknown"}, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), door


def test_r13_nginx_tells_certificates_in_its_own_form(tmp_path: Path) -> None:
    """`$ssl_client_escaped_cert` under the configured name: the same certificates count, what clients send does not."""
    (tmp_path / "run").mkdir(mode=0o750)
    path = tmp_path / "run" / "proxy.sock"
    config = {"proxy_socket": path, "proxy_certificate_header": "X-Client-Cert"}
    with _behind(tmp_path, lambda port: nginx(tmp_path / "proxy", path, port), **config) as proxied:
        for name in ("right", "rsa"):
            assert (proxied.ask(name).status_code, proxied.ask(name, client_secret="wrong").status_code) == (200, 401)
        for name in ("", "stranger", "ended", "other"):
            assert proxied.ask(name).status_code == 401, name
        assert proxied.ask("server only").status_code == 400  # nginx's own no
        own, right = proxied.pairs["right"].registered().certificate, proxied.pairs["right"].pem.decode()
        for forged in ({"Client-Cert": f":{own}:"}, {"X-Client-Cert": quote(right)}, {"Client-Cert-Chain": f":{own}:"}):
            assert proxied.ask("", headers=forged).status_code == 401
            assert proxied.ask("right", headers=forged).status_code == 200
