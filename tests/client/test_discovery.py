"""
Finding the endpoints: from an origin, from an issuer, and from nobody else's document.
"""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ostiary.client.discovery import checked_address, discover
from ostiary.client.errors import Misused, ServerFault, Unreachable
from tests.client.conftest import Clock, Perform
from tests.client.wire import TENANT, Wire, running


def test_an_origin_is_enough(wire: Wire, clock: Clock, perform: Perform) -> None:
    """R20: asked for under the alias, the issuer is the GUID's."""
    server = perform(discover(wire.origin + "/"), clock.machine())
    assert server.issuer == f"{wire.origin}/{TENANT}/v2.0"
    assert server.origin == wire.origin
    assert server.names_issuer
    assert wire.state.seen[0].path == "/organizations/v2.0/.well-known/openid-configuration"


def test_an_issuer_is_looked_up_as_rfc_8414_says(wire: Wire, clock: Clock, perform: Perform) -> None:
    """The well-known part goes between host and path."""
    server = perform(discover(wire.issuer), clock.machine())
    assert server.issuer == wire.issuer
    assert wire.state.seen[0].path == f"/.well-known/oauth-authorization-server/{TENANT}/v2.0"


def test_an_issuer_without_that_document_is_looked_up_as_openid_connect_says(
    wire: Wire, clock: Clock, perform: Perform
) -> None:
    """Servers that know only OpenID Connect Discovery are found as well."""
    wire.state.graph["GET", f"/.well-known/oauth-authorization-server/{TENANT}/v2.0"] = (404, {})
    assert perform(discover(wire.issuer), clock.machine()).issuer == wire.issuer


@pytest.mark.parametrize("issuer", ["https://evil.example.com/x/v2.0", "http://evil.example.com/", "nonsense", 7])
def test_a_document_that_speaks_for_another_server_is_refused(
    wire: Wire, clock: Clock, perform: Perform, issuer: str
) -> None:
    """RFC 8414 §3.3: otherwise one server could take over another's sign-ins."""
    wire.state.issuer = issuer
    with pytest.raises(ServerFault):
        perform(discover(wire.origin), clock.machine())


def test_an_issuer_must_be_named_exactly(wire: Wire, clock: Clock, perform: Perform) -> None:
    """Asked for one issuer, told another of the same host: refused."""
    wire.state.issuer = f"{wire.origin}/another/v2.0"
    with pytest.raises(ServerFault):
        perform(discover(f"{wire.origin}/{TENANT}/v2.0"), clock.machine())


@pytest.mark.parametrize(
    "address",
    [
        "http://id.example.com",
        "ftp://localhost",
        "id.example.com",
        "https://",
        "https://user:pw@id.example.com",
        "https://id.example.com/#x",
        "https://id.example.com:port",
        "https://id.exämple.com",
        "https://id.example.com/\n",
        "",
        "https://" + "a" * 3000,
    ],
)
def test_addresses_are_https(address: str) -> None:
    """And http on this machine alone; anything odd is a usage error before anything is sent."""
    if address.endswith("\n"):
        address = address.replace("\n", "\x00")
    with pytest.raises(Misused):
        checked_address(address)


def test_an_address_may_be_http_on_this_machine() -> None:
    """For a server behind a proxy on the same host, and for tests."""
    assert checked_address("http://127.0.0.1:8080/") == "http://127.0.0.1:8080"


def test_nobody_there_is_said_at_once(clock: Clock, perform: Perform) -> None:
    """No minute of waiting before the first answer."""
    with running() as gone:
        address = gone.origin
    with pytest.raises(Unreachable):
        perform(discover(address), clock.machine())
    assert clock.waits == []


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"x" * 70_000, b"[" * 60_000])
def test_a_document_that_is_none_is_a_fault(wire: Wire, clock: Clock, perform: Perform, body: bytes) -> None:
    """Garbage, too much, too deep: a clear error and nothing else."""
    wire.state.graph["GET", "/organizations/v2.0/.well-known/openid-configuration"] = (200, body)
    with pytest.raises(ServerFault):
        perform(discover(wire.origin), clock.machine())


def test_a_certificate_of_nobody_is_refused_and_explained(
    tmp_path: Path, clock: Clock, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS is verified always; SSL_CERT_FILE is the way to trust a server's own authority."""
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running(context) as wire:
        with pytest.raises(Unreachable, match="SSL_CERT_FILE"):
            perform(discover(wire.origin), clock.machine())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert perform(discover(wire.origin), clock.machine()).issuer == wire.issuer


def self_signed(folder: Path) -> Path:
    """A certificate for localhost with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
