"""
A certificate authority of this machine's own, for a first start on https without anybody's help.

Owns five files in one folder: ``ca.pem`` and ``ca.key``, ``server.pem`` and ``server.key``, and ``bundle.pem`` (the
machine's roots and ours). Not for production, where a certificate comes from the operator. The authority is
constrained to the names of this machine (RFC 5280 §4.2.1.10), so whoever trusts it trusts nobody to speak for the
rest of the internet, even if its key is stolen.
"""

import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ostiary.core.words.instants import Instant, between, days, from_datetime, to_datetime
from ostiary.outside import files
from ostiary.outside.data_folder import exposed

__all__ = ["LocalCertificates", "default_names", "ensure", "trust_environment"]

CA_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=397)  # browsers refuse more than 398 days of a public authority; some tools ask it of all
RENEW_BEFORE = days(30)

_SKEW = timedelta(hours=1)  # clocks of other machines may be behind
_ALWAYS = ("localhost", "127.0.0.1", "::1")
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_PEM_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_LARGEST_FILE = 64 * 1024
# Where Debian, Fedora, Alpine and others keep the roots of the machine, in one file.
_SYSTEM_ROOTS = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


@dataclass(frozen=True, slots=True)
class LocalCertificates:
    """
    The files, when the server's certificate ends, and what was made by this call (``ca``, ``server``): a new ``ca``
    must be trusted anew.
    """

    ca: Path
    certificate: Path
    key: Path
    bundle: Path
    ends: Instant
    made: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def default_names() -> tuple[str, ...]:
    """``localhost``, both loopback addresses, and this machine's name when it is one that DNS can carry."""
    host = socket.gethostname().lower()
    return (*_ALWAYS, host) if _HOST_NAME.fullmatch(host) and host not in _ALWAYS else _ALWAYS


def ensure(folder: Path, names: tuple[str, ...], *, now: Instant, environ: Mapping[str, str]) -> LocalCertificates:
    """
    A certificate for *names* (DNS names in lower case and IP addresses), made or renewed where needed.

    *folder* is made 0700. What is there stays while it is whole, private, made for *names* and good for another 30
    days. *environ* tells which roots the user trusts already (``SSL_CERT_FILE``). Raises OSError when it cannot
    write, ValueError for a name that is none.
    """
    wanted = tuple(dict.fromkeys(names or _ALWAYS))
    folder.mkdir(mode=0o700, exist_ok=True)
    found = _load(folder, "ca", now)
    authority = found if found and _permits(found.certificate, wanted) else _make_authority(folder, wanted, now)
    leaf = _load(folder, "server", now)
    issued = leaf if leaf and _fits(leaf.certificate, authority, wanted) else _make_leaf(folder, authority, wanted, now)
    _write_bundle(folder, authority.certificate, environ)
    made = tuple(name for name, new in (("ca", authority is not found), ("server", issued is not leaf)) if new)
    ends = from_datetime(issued.certificate.not_valid_after_utc)
    return LocalCertificates(
        folder / "ca.pem", folder / "server.pem", folder / "server.key", folder / "bundle.pem", ends, made
    )


def trust_environment(ca_path: Path) -> dict[str, str]:
    """
    The variables that make other programs trust the authority whose ``ca.pem`` is *ca_path*.

    Each of them takes the place of what the program trusted before (OpenSSL, requests) or of an earlier value (Node),
    so all name the bundle, in which the machine's roots stay.
    """
    bundle = str(ca_path.resolve().with_name("bundle.pem"))
    return {"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle, "NODE_EXTRA_CA_CERTS": bundle}


def _load(folder: Path, name: str, now: Instant) -> _Pair | None:
    """The pair in ``name.pem`` and ``name.key``; None unless whole, private and valid for another 30 days."""
    key_path = folder / f"{name}.key"
    if exposed(key_path):
        return None
    try:
        certificate = x509.load_pem_x509_certificate(files.read_bounded(folder / f"{name}.pem", _LARGEST_FILE)[1])
        key = load_pem_private_key(files.read_bounded(key_path, _LARGEST_FILE)[1], password=None)
    except (OSError, ValueError, TypeError):  # TypeError: the key is encrypted
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    begins, ends = from_datetime(certificate.not_valid_before_utc), from_datetime(certificate.not_valid_after_utc)
    return _Pair(certificate, key) if begins <= now and between(now, ends) >= RENEW_BEFORE else None


def _permits(certificate: x509.Certificate, names: tuple[str, ...]) -> bool:
    """Whether the authority is constrained to *names* or more."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return False
    return set(_subtrees(names)) <= set(constraints.permitted_subtrees or ())


def _fits(certificate: x509.Certificate, authority: _Pair, names: tuple[str, ...]) -> bool:
    """Whether *authority* issued the certificate for exactly *names*."""
    try:
        certificate.verify_directly_issued_by(authority.certificate)
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    return list(found) == _general_names(names)


def _make_authority(folder: Path, names: tuple[str, ...], now: Instant) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Ostiary local CA {x509.random_serial_number() % 2**32:08x}")]
    )
    builder = (
        _builder(subject, subject, key.public_key(), now, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=_subtrees(names), excluded_subtrees=None), critical=True)
    )
    return _store(folder, "ca", _Pair(builder.sign(key, SHA256()), key))


def _make_leaf(folder: Path, authority: _Pair, names: tuple[str, ...], now: Instant) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    issuer = authority.certificate
    builder = (
        _builder(
            subject, issuer.subject, key.public_key(), now, LEAF_LIFE, latest=from_datetime(issuer.not_valid_after_utc)
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    return _store(folder, "server", _Pair(builder.sign(authority.key, SHA256()), key))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: Instant,
    life: timedelta,
    latest: Instant | None = None,
) -> x509.CertificateBuilder:
    """
    What both kinds share. *life* counts from an hour ago, so the whole validity is not longer; it never goes beyond
    *latest*.
    """
    begins = to_datetime(now) - _SKEW
    ends = begins + life if latest is None else min(begins + life, to_datetime(latest))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    """RFC 5280 §4.2.1.3: an authority signs certificates and revocation lists, a server signs handshakes."""
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _store(folder: Path, name: str, pair: _Pair) -> _Pair:
    """Key first: a certificate whose key is not there yet would be shown to nobody, but also be taken for whole."""
    encoded = pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files.replace(folder / f"{name}.key", encoded, mode=files.PRIVATE)
    files.replace(folder / f"{name}.pem", pair.certificate.public_bytes(Encoding.PEM), mode=files.PUBLIC)
    return pair


def _general_names(names: tuple[str, ...]) -> list[x509.GeneralName]:
    """RFC 5280 §4.2.1.6. Raises ValueError for what is neither an address nor a DNS name."""
    return [x509.DNSName(name) if isinstance(name, str) else x509.IPAddress(name) for name in map(_name, names)]


def _subtrees(names: tuple[str, ...]) -> list[x509.GeneralName]:
    """
    *names* as constraints; those of the machine itself always, since a kind of name without any constraint is free.
    """
    everything = map(_name, dict.fromkeys((*_ALWAYS, *names)))
    return [x509.DNSName(name) if isinstance(name, str) else x509.IPAddress(ip_network(name)) for name in everything]


def _name(text: str) -> str | IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError:
        if not _HOST_NAME.fullmatch(text):
            raise ValueError(f"neither a DNS name in lower case nor an IP address: {text[:64]!r}") from None
        return text


def _write_bundle(folder: Path, authority: x509.Certificate, environ: Mapping[str, str]) -> None:
    """The roots trusted so far, and ours; written only when it changes, since others may be reading."""
    ours = authority.public_bytes(Encoding.PEM).strip()
    path = folder / "bundle.pem"
    blocks = dict.fromkeys((*_roots(folder, environ), ours))
    content = b"\n".join(blocks) + b"\n"
    if not path.exists() or path.read_bytes() != content:
        files.replace(path, content, mode=files.PUBLIC)


def _roots(folder: Path, environ: Mapping[str, str]) -> list[bytes]:
    """
    The certificates that the user's programs trust now; empty when no file of them is found.

    Our own bundle is passed over: a shell in which the variables are already set would else keep the roots of an
    earlier day.
    """
    candidates = (environ.get("SSL_CERT_FILE", ""), *_SYSTEM_ROOTS, ssl.get_default_verify_paths().openssl_cafile)
    for candidate in filter(None, candidates):
        path = Path(candidate).resolve()
        if path.is_file() and path.parent != folder.resolve():
            return [block.strip() for block in _PEM_BLOCK.findall(path.read_bytes())]
    return []
