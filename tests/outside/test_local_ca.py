"""A first start's own authority: accepted by the programs people use, for this machine's names and no others."""

import http.server
import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ostiary.core.words.instants import Instant, after, days, hours, to_datetime
from ostiary.outside.clock import SystemClock
from ostiary.outside.local_ca import LocalCertificates, default_names, ensure, trust_environment
from ostiary.outside.tls import certificate_ends, server_context

NAMES = ("localhost", "127.0.0.1", "::1", "box.example.test")
NOW = SystemClock().now()

PYTHON_CLIENT = "import httpx, sys; print(httpx.get(sys.argv[1], timeout=20).text)"
NODE_CLIENT = """
require("https").get(process.argv[1], answer => answer.pipe(process.stdout))
  .on("error", error => { console.error(error.code); process.exit(1) })
"""


def made(folder: Path, *names: str, now: Instant = NOW, environ: dict[str, str] | None = None) -> LocalCertificates:
    """Certificates for *names*."""
    return ensure(folder, names or NAMES, now=now, environ=environ or {})


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> LocalCertificates:
    """One set for the tests that only look."""
    return made(tmp_path_factory.mktemp("tls") / "own")


@pytest.fixture(scope="module")
def address(certificates: LocalCertificates) -> Iterator[str]:
    """A real https server on a loopback port that answers ``welcome``."""

    class Welcome(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"welcome")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Welcome)
    server.socket = server_context(certificates.certificate, certificates.key).wrap_socket(
        server.socket, server_side=True
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://localhost:{server.server_port}/"
    server.shutdown()
    thread.join(timeout=30)
    server.server_close()


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A program with nothing of this process's trust in its environment."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(command, env={**plain, **environ}, capture_output=True, text=True, timeout=90, check=False)


def test_files_and_their_permissions(certificates: LocalCertificates) -> None:
    """Keys are 0600, certificates 0644, the folder 0700, and nothing else is left lying."""
    folder = certificates.ca.parent
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"ca.pem": 0o644, "ca.key": 0o600, "server.pem": 0o644, "server.key": 0o600, "bundle.pem": 0o644}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert certificates.made == ("ca", "server")
    assert certificates.ends == certificate_ends(certificates.certificate)


def test_openssl_accepts_it_strictly_for_its_names_and_no_other(certificates: LocalCertificates) -> None:
    """`openssl verify -x509_strict` as a TLS server, by name and by address."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl here")
    base = ("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(certificates.ca))

    def verify(*names: str) -> bool:
        return run(*base, *names, str(certificates.certificate)).returncode == 0

    assert verify("-verify_hostname", "localhost")
    assert verify("-verify_hostname", "box.example.test")
    assert verify("-verify_ip", "127.0.0.1")
    assert verify("-verify_ip", "::1")
    assert not verify("-verify_hostname", "login.microsoftonline.com")
    assert not verify("-verify_ip", "127.0.0.2")


def test_python_programs_trust_it_by_the_variables(certificates: LocalCertificates, address: str) -> None:
    """httpx reads SSL_CERT_FILE: with it `welcome`, without it a refusal."""
    trusted = run(sys.executable, "-c", PYTHON_CLIENT, address, **trust_environment(certificates.ca))
    assert (trusted.stdout.strip(), trusted.returncode) == ("welcome", 0), trusted.stderr
    refused = run(sys.executable, "-c", PYTHON_CLIENT, address)
    assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr


def test_node_trusts_it_by_the_variables(certificates: LocalCertificates, address: str) -> None:
    """Node reads NODE_EXTRA_CA_CERTS: with it `welcome`, without it a refusal."""
    if not shutil.which("node"):
        pytest.skip("there is no node here")
    trusted = run("node", "-e", NODE_CLIENT, address, **trust_environment(certificates.ca))
    assert (trusted.stdout, trusted.returncode) == ("welcome", 0), trusted.stderr
    refused = run("node", "-e", NODE_CLIENT, address)
    assert (refused.stdout, refused.returncode) == ("", 1)
    assert "UNABLE_TO_VERIFY" in refused.stderr or "SELF_SIGNED" in refused.stderr


def test_chromium_trusts_it_from_its_store(certificates: LocalCertificates, address: str, tmp_path: Path) -> None:
    """With the authority in NSS the page opens; a browser that does not have it shows its warning instead."""
    if not (shutil.which("chromium") and shutil.which("certutil")):
        pytest.skip("there is no chromium with certutil here")
    store = tmp_path / ".pki" / "nssdb"
    store.mkdir(parents=True)
    run("certutil", "-d", f"sql:{store}", "-N", "--empty-password")
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
    visit = ("chromium", *quiet, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", address)
    assert "welcome" not in run(*visit, HOME=str(tmp_path)).stdout
    added = run("certutil", "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", "ostiary", "-i", str(certificates.ca))
    assert added.returncode == 0, added.stderr
    shown = run(*visit, HOME=str(tmp_path))
    assert "welcome" in shown.stdout, shown.stderr[-2000:]


def test_a_stolen_authority_speaks_for_nobody_else(certificates: LocalCertificates, tmp_path: Path) -> None:
    """A certificate for another site, signed with our authority's own key, is refused by its name constraints."""
    authority = x509.load_pem_x509_certificate(certificates.ca.read_bytes())
    authority_key = load_pem_private_key(certificates.ca.with_suffix(".key").read_bytes(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    genuine = x509.load_pem_x509_certificate(certificates.certificate.read_bytes())
    forged = _reissue(genuine, authority, authority_key, "login.microsoftonline.com")
    honest = _reissue(genuine, authority, authority_key, "localhost")
    for certificate, name in ((honest, "localhost"), (forged, "login.microsoftonline.com")):
        (tmp_path / f"{name}.pem").write_bytes(certificate)
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl here")
    base = ("openssl", "verify", "-x509_strict", "-CAfile", str(certificates.ca))
    assert run(*base, str(tmp_path / "localhost.pem")).returncode == 0
    refused = run(*base, str(tmp_path / "login.microsoftonline.com.pem"))
    assert refused.returncode != 0
    assert "permitted subtree violation" in refused.stderr


def test_what_the_certificates_say(certificates: LocalCertificates) -> None:
    """RFC 5280's fields: an authority that signs only leaves, a leaf that is only a TLS server, of at most 397 days."""
    authority = x509.load_pem_x509_certificate(certificates.ca.read_bytes())
    leaf = x509.load_pem_x509_certificate(certificates.certificate.read_bytes())
    basic = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value) == (True, x509.BasicConstraints(ca=True, path_length=0))
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    key_id = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuer_id = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert issuer_id.key_identifier == key_id.digest
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=397)
    assert authority.not_valid_after_utc - authority.not_valid_before_utc <= timedelta(days=3650)
    assert leaf.not_valid_before_utc <= to_datetime(NOW) - timedelta(minutes=59)


def test_what_is_good_stays(tmp_path: Path) -> None:
    """A second start, and one a year later but for a month, changes no byte."""
    made(tmp_path / "own")
    before = {path.name: (path.read_bytes(), path.stat().st_ino) for path in (tmp_path / "own").iterdir()}
    for later in (days(0), hours(1), days(366)):
        assert made(tmp_path / "own", now=after(NOW, later)).made == ()
    assert {path.name: (path.read_bytes(), path.stat().st_ino) for path in (tmp_path / "own").iterdir()} == before


def test_a_leaf_is_renewed_in_time_under_the_same_authority(tmp_path: Path) -> None:
    """With less than 30 days left there is a new one, and nobody has to trust anything anew."""
    first = made(tmp_path / "own")
    authority = first.ca.read_bytes()
    renewed = made(tmp_path / "own", now=after(NOW, days(368)))
    assert renewed.made == ("server",)
    assert renewed.ends > first.ends
    assert renewed.ca.read_bytes() == authority
    assert server_context(renewed.certificate, renewed.key)


def test_an_authority_at_its_end_is_made_anew(tmp_path: Path) -> None:
    """A leaf never outlives its authority; in the last 30 days both are new."""
    made(tmp_path / "own")
    late = made(tmp_path / "own", now=after(NOW, days(3600)))
    assert late.made == ("server",)
    assert late.ends == certificate_ends(late.ca)
    assert made(tmp_path / "own", now=after(NOW, days(3630))).made == ("ca", "server")


def test_other_names_need_other_certificates(tmp_path: Path) -> None:
    """Fewer names: a new leaf. A name that the authority may not speak for: a new authority, and that is told."""
    made(tmp_path / "own")
    assert made(tmp_path / "own", "localhost").made == ("server",)
    assert made(tmp_path / "own", "localhost", "other.example.test").made == ("ca", "server")
    assert made(tmp_path / "own", "localhost", "10.1.2.3").made == ("ca", "server")


@pytest.mark.parametrize(
    ("name", "remade"),
    [
        ("ca.key", ("ca", "server")),
        ("ca.pem", ("ca", "server")),
        ("server.key", ("server",)),
        ("server.pem", ("server",)),
    ],
)
@pytest.mark.parametrize("damage", ["gone", "noise", "another"])
def test_what_is_damaged_is_made_anew(tmp_path: Path, name: str, remade: tuple[str, ...], damage: str) -> None:
    """A missing, broken or exchanged file is replaced with its partner, and the pair works."""
    made(tmp_path / "own")
    path = tmp_path / "own" / name
    if damage == "gone":
        path.unlink()
    elif damage == "noise":
        path.write_bytes(b"-----BEGIN NOISE-----")
    else:
        made(tmp_path / "second")
        path.write_bytes((tmp_path / "second" / name).read_bytes())
    again = made(tmp_path / "own")
    assert again.made == remade
    assert server_context(again.certificate, again.key)
    assert ssl.create_default_context(cafile=again.ca).get_ca_certs()


@pytest.mark.parametrize(("name", "remade"), [("ca.key", ("ca", "server")), ("server.key", ("server",))])
def test_a_key_that_others_could_read_is_not_used_again(tmp_path: Path, name: str, remade: tuple[str, ...]) -> None:
    """Closing it again would not take back what was read."""
    made(tmp_path / "own")
    (tmp_path / "own" / name).chmod(0o640)
    assert made(tmp_path / "own").made == remade
    assert stat.S_IMODE((tmp_path / "own" / name).stat().st_mode) == 0o600


def test_the_bundle_keeps_what_was_trusted_before(tmp_path: Path) -> None:
    """The roots of SSL_CERT_FILE and our authority, each once, also when the variable names our own bundle already."""
    other = made(tmp_path / "company")
    company = other.ca.read_bytes().strip()
    own = made(tmp_path / "own", environ={"SSL_CERT_FILE": str(other.ca)})
    blocks = own.bundle.read_bytes().strip() + b"\n"
    assert company in blocks
    assert own.ca.read_bytes().strip() in blocks
    assert blocks.count(b"BEGIN CERTIFICATE") == 2
    again = made(tmp_path / "own", environ={"SSL_CERT_FILE": str(own.bundle)})
    assert again.bundle.read_bytes().count(again.ca.read_bytes().strip()) == 1
    assert ssl.create_default_context(cafile=again.bundle).get_ca_certs()


def test_the_bundle_has_the_roots_of_the_machine(tmp_path: Path) -> None:
    """Where the machine keeps roots, other sites stay reachable: all of them are in it."""
    system = Path("/etc/ssl/certs/ca-certificates.crt")
    if not system.is_file():
        pytest.skip("this machine keeps its roots elsewhere, or has none")
    own = made(tmp_path / "own")
    context = ssl.create_default_context(cafile=own.bundle)
    roots = ssl.create_default_context(cafile=system)
    assert context.cert_store_stats()["x509_ca"] == roots.cert_store_stats()["x509_ca"] + 1


def test_a_machine_without_roots_gets_a_bundle_of_ours_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found, nothing is invented: the bundle holds the one authority."""
    monkeypatch.setattr("ostiary.outside.local_ca._SYSTEM_ROOTS", (str(tmp_path / "none"),))
    found = ssl.get_default_verify_paths()._replace(openssl_cafile=str(tmp_path / "neither"))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: found)
    own = made(tmp_path / "own", environ={"SSL_CERT_FILE": str(tmp_path / "gone")})
    assert own.bundle.read_bytes() == own.ca.read_bytes()


def test_an_authority_without_constraints_is_not_used(tmp_path: Path) -> None:
    """One that somebody else put there could speak for the whole internet: it is replaced."""
    own = made(tmp_path / "own")
    key = load_pem_private_key(own.ca.with_suffix(".key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    constrained = x509.load_pem_x509_certificate(own.ca.read_bytes())
    own.ca.write_bytes(_reissue(constrained, constrained, key, "anybody.example.test"))
    assert made(tmp_path / "own").made == ("ca", "server")


def test_the_variables_name_a_file_that_exists(certificates: LocalCertificates) -> None:
    """Three variables, one absolute path."""
    found = trust_environment(certificates.ca)
    assert set(found) == {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"}
    assert all(Path(path).is_absolute() and Path(path).is_file() for path in found.values())


@pytest.mark.parametrize(
    "name", ["", "UPPER.test", "a b", "-a.test", "x" * 64, "*.test", "a_b", "https://a.test", "a" * 300]
)
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    """Neither a DNS name in lower case nor an address: an error, and no certificate."""
    with pytest.raises(ValueError, match="neither"):
        made(tmp_path / "own", "localhost", name)
    assert not list((tmp_path / "own").iterdir())


@pytest.mark.parametrize(("host", "listed"), [("Box-1", "box-1"), ("bad_name", None), ("localhost", None), ("", None)])
def test_default_names_are_loopback_and_a_usable_host_name(
    monkeypatch: pytest.MonkeyPatch, host: str, listed: str | None
) -> None:
    """A machine's name goes in when DNS can carry it."""
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    assert default_names() == ("localhost", "127.0.0.1", "::1", *([listed] if listed else []))


def _reissue(
    genuine: x509.Certificate, authority: x509.Certificate, key: ec.EllipticCurvePrivateKey, name: str
) -> bytes:
    """The genuine certificate but for its name, signed by whoever has the authority's key."""
    public = genuine.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    builder = (
        x509.CertificateBuilder(
            issuer_name=authority.subject,
            subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
            public_key=public,
            serial_number=x509.random_serial_number(),
            not_valid_before=genuine.not_valid_before_utc,
            not_valid_after=genuine.not_valid_after_utc,
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
