"""The browser of the journeys: it believes the test CA and nobody else, and people do not share a profile."""

import asyncio
import datetime
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Error, Page

from tests.journeys.browser import Desk, desk


class Authority:
    """A certificate authority of the test's own, and the files it writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"CA of {folder.name}")])
        ca = x509.BasicConstraints(ca=True, path_length=0)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self._certificate(self._name, self._key, ca).public_bytes(serialization.Encoding.PEM))

    def server_context(self) -> ssl.SSLContext:
        """Return a TLS context with a certificate of this authority for `localhost`."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        leaf = self._certificate(name, key, x509.SubjectAlternativeName([x509.DNSName("localhost")]))
        file = self._folder / "server.pem"
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(key.private_bytes(*form) + leaf.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self._key, hashes.SHA256())
        )


class Counting(BaseHTTPRequestHandler):
    """A page that says which visit of this browser profile it is."""

    def do_GET(self) -> None:
        if self.path != "/":  # the browser asks for an icon on its own
            self.send_error(404)
            return
        visit = int((self.headers["Cookie"] or "visit=0").partition("=")[2]) + 1
        body = f"visit {visit}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Set-Cookie", f"visit={visit}; Secure; HttpOnly; SameSite=Lax")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def served(authority: Authority) -> Iterator[str]:
    """Serve the counting page over TLS on a free port, as long as the generator is held."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    server.socket = authority.server_context().wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that the browser is told to believe."""
    return Authority(tmp_path_factory.mktemp("known"))


@pytest.fixture(scope="module")
def origin(authority: Authority) -> Iterator[str]:
    """A server with a certificate of the believed authority."""
    yield from served(authority)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a certificate of an authority that nobody was told about."""
    yield from served(Authority(tmp_path_factory.mktemp("unknown")))


@pytest.fixture(scope="module")
def chromium(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A Chromium that believes the authority."""
    with desk(tmp_path_factory.mktemp("home"), authority.ca_file) as opened:
        yield opened


def visit(page: Page, url: str) -> str:
    """Open *url* and return the text shown."""
    page.goto(url)
    return page.inner_text("body")


def test_a_page_under_the_test_ca_opens_without_an_ignored_error(chromium: Desk, origin: str) -> None:
    """The CA in the NSS database is what makes the page load."""
    with chromium.person(origin) as somebody:
        assert somebody.look(lambda page: visit(page, origin)) == "visit 1"


def test_a_page_under_another_ca_is_refused(chromium: Desk, stranger: str) -> None:
    """No switch makes this browser believe everybody."""
    with chromium.person(stranger) as somebody, pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
        somebody.look(lambda page: visit(page, stranger))


def test_two_people_do_not_share_cookies(chromium: Desk, origin: str) -> None:
    """A second person starts with an empty profile; the first one's goes on."""
    with chromium.person(origin) as first, chromium.person(origin) as second:
        assert first.look(lambda page: visit(page, origin)) == "visit 1"
        assert second.look(lambda page: visit(page, origin)) == "visit 1"
        assert first.look(lambda page: visit(page, origin)) == "visit 2"


def test_asyncio_still_runs_beside_an_open_browser(chromium: Desk) -> None:
    """The browser's event loop stays in the browser's thread."""

    async def nothing() -> str:
        return "ran"

    assert asyncio.run(nothing()) == "ran"
