"""
Tokens bound to a certificate, with a real proxy that ends mutual TLS and real clients (RFC 8705, R12, R13): HAProxy on
two ports, one for everybody and one that asks for certificates; npm openid-client, unmodified; httpx.
"""

import ssl
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from ostiary.client import OstiaryAuth, Session, open_cache, places, this_machine
from tests.cli.test_terminal import terminal
from tests.clients import needs
from tests.clients.needs import AZURE_CLI
from tests.clients.programs import openid_client_with_a_certificate
from tests.journeys.browser import Person
from tests.journeys.test_cli import code_on, installed
from tests.proxied import free_port, furnish, haproxy
from tests.server import Server, running
from tests.web.oauth.certificates import CLIENT_AUTH, Pair, make


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A house that nobody reaches but through the proxy."""
    folder = tmp_path_factory.mktemp("proxied")
    (folder / "run").mkdir(mode=0o750)
    path, other = folder / "run" / "proxy.sock", free_port()
    config: dict[str, Any] = {
        "plain": True, "proxy_header": "X-Forwarded-For", "proxy_socket": path,
        "proxy_certificate_header": "client-cert", "mtls_origin": f"https://127.0.0.1:{other}",
    }  # fmt: skip
    with running(folder / "data", **config) as started:
        furnish(started, folder / "proxy")
        with haproxy(folder / "proxy", f"unix@{path}", other, quiet=started.port):
            yield started


@dataclass
class Requester:
    """httpx with a certificate, or without."""

    server: Server
    folder: Path
    pair: Pair | None

    def files(self) -> tuple[Path, Path]:
        """Certificate and key as files."""
        assert self.pair is not None
        certificate, key = self.folder / f"{self.pair.x5t}.pem", self.folder / f"{self.pair.x5t}.key"
        certificate.write_bytes(self.pair.pem)
        key.write_bytes(self.pair.private_pem)
        return certificate, key

    def ask(self, method: str, url: str, **more: Any) -> httpx.Response:
        """One request."""
        trust = ssl.create_default_context(cafile=str(self.server.ca_file))
        if self.pair is not None:
            trust.load_cert_chain(*self.files())
        return httpx.request(method, url, verify=trust, **more)

    def metadata(self) -> dict[str, Any]:
        """What the server says of itself."""
        at = f"{self.server.origin}/{self.server.tenant}/v2.0/.well-known/openid-configuration"
        found: dict[str, Any] = self.ask("GET", at).json()
        return found

    def start(self, at: str) -> httpx.Response:
        """Ask for a code."""
        scope = f"openid offline_access {self.server.origin}/User.Read"
        return self.ask("POST", at, data={"client_id": self.server.clients[AZURE_CLI], "scope": scope})

    def token(self, at: str, **form: str) -> httpx.Response:
        """Poll or refresh."""
        grant = "refresh_token" if "refresh_token" in form else "urn:ietf:params:oauth:grant-type:device_code"
        named = {"client_id": self.server.clients[AZURE_CLI], "grant_type": grant}
        return self.ask("POST", at, data={**named, **form})

    def use(self, at: str, token: str, **headers: str) -> int:
        """The status of a request with an access token."""
        return self.ask("GET", at, headers={"authorization": f"Bearer {token}", **headers}).status_code


def test_a_certificate_from_the_first_request_to_the_last(server: Server, person: Person, tmp_path: Path) -> None:
    """httpx over mutual TLS: bound at the request, then nothing without that certificate, whatever a header says."""
    now = server.clock.now()
    own, thief, nobody = (
        Requester(server, tmp_path, pair)
        for pair in (make("EC", now, usages=(CLIENT_AUTH,)), make("RSA", now, usages=(CLIENT_AUTH,)), None)
    )
    server.open_exemption("alice")
    document = own.metadata()
    aliases = document["mtls_endpoint_aliases"]
    at, me = aliases["token_endpoint"], f"{server.config.mtls_origin}/v1.0/me"
    begun = own.start(aliases["device_authorization_endpoint"]).json()
    code = begun["device_code"]
    assert own.token(at, device_code=code).json()["error"] == "authorization_pending"
    person.enter_code(begun["user_code"])
    person.approve()
    server.pass_time(10)
    assert thief.token(at, device_code=code).json()["error"] == "invalid_grant"
    assert own.token(document["token_endpoint"], device_code=code).json()["error"] == "invalid_grant"
    given = own.token(at, device_code=code).json()
    assert given["token_type"] == "Bearer"
    assert own.use(me, given["access_token"]) == own.use(aliases["userinfo_endpoint"], given["access_token"]) == 200
    forged = f":{b64encode(own.pair.der).decode()}:" if own.pair else ""
    for one, where in ((thief, me), (nobody, me), (own, f"{server.origin}/v1.0/me")):
        assert one.use(where, given["access_token"]) == 401
        assert one.use(where, given["access_token"], **{"Client-Cert": forged}) == 401  # the proxy removes it
    assert thief.token(at, refresh_token=given["refresh_token"]).json()["error"] == "invalid_grant"
    renewed = own.token(at, refresh_token=given["refresh_token"]).json()
    assert own.use(me, renewed["access_token"]) == 200
    server.end_exemptions("alice")


def test_openid_client_signs_in_with_a_certificate(server: Server, person: Person, tmp_path: Path) -> None:
    """The library, told of a certificate in its own ways, finds the aliases, and every token is bound to it."""
    own = Requester(server, tmp_path, make("EC", server.clock.now(), usages=(CLIENT_AUTH,)))
    server.open_exemption("alice")
    me = f"{server.config.mtls_origin}/v1.0/me"
    wanted = cast("needs.Server", server)
    with openid_client_with_a_certificate(wanted, tmp_path, own.files(), me) as client:
        client.start()
        person.enter_code(client.code() or "")
        person.approve()
        first = client.outcome()
        assert first.signed_in, first
        renewed = client.token()
        assert renewed.signed_in, renewed
        used = client.use()
    assert used["event"] == "used", used
    assert (used["token_type"], used["status"]) == ("bearer", 200)
    assert used["about"]["sub"] == used["body"].get("id"), used
    nobody = Requester(server, tmp_path, None)
    assert [nobody.use(me, token) for token in (first.access_token, renewed.access_token)] == [401, 401]
    assert own.use(me, renewed.access_token) == 200
    server.end_exemptions("alice")


def test_our_own_program_comes_with_a_certificate(server: Server, person: Person, tmp_path: Path) -> None:
    """`login --certificate`, a renewal, the admin API, and the library's `httpx.Auth`, all over mutual TLS."""
    own = Requester(server, tmp_path, make("EC", server.clock.now(), usages=(CLIENT_AUTH,)))
    certificate, key = map(str, own.files())
    program = installed(server, tmp_path)
    assert program.run("login", "--device-code", "--certificate", str(tmp_path / "none.pem")).returncode == 2
    assert program.run("login", "--device-code", "--key", key).returncode == 2
    server.open_exemption("alice")
    with terminal(
        program, "login", "--device-code", "--store", "file", "--certificate", certificate, "--key", key
    ) as it:
        person.enter_code(code_on(it))
        person.approve()
        assert it.end() == 0, it.seen
    assert f"It comes with the certificate of {certificate}." in it.seen
    server.pass_time(11 * 60)  # the token has to be renewed
    listed = program.run("exemption", "list")
    assert (listed.returncode, "Insufficient privileges" in listed.stderr) == (4, True)  # known, and no administrator
    token = program.run("token")
    assert f"with the certificate of {certificate}" in token.stderr
    me = f"{server.config.mtls_origin}/v1.0/me"
    assert own.use(me, token.stdout.strip()) == 200
    assert Requester(server, tmp_path, None).use(me, token.stdout.strip()) == 401
    machine = replace(this_machine(), environ=program.environ, home=tmp_path)
    session = Session(open_cache("default", "file", places(machine), machine))
    trust = session.tls()
    trust.load_verify_locations(str(server.ca_file))
    origin = server.config.mtls_origin or ""
    with httpx.Client(verify=trust, auth=OstiaryAuth(session, [origin])) as client:
        assert client.get(me).json()["userPrincipalName"] == server.people["alice"].username
    Path(key).rename(tmp_path / "moved.key")
    lost = program.run("token", "--scope", f"{server.origin}/User.Read openid")
    assert (lost.returncode, "client certificate cannot be used" in lost.stderr) == (2, True), lost.stderr
    (tmp_path / "moved.key").rename(key)
    assert program.run("logout").returncode == 0
    assert own.use(me, token.stdout.strip()) == 401
    server.end_exemptions("alice")
