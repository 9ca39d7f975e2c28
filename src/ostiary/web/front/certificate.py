"""
The TLS client's certificate, as the one trusted proxy tells it (R13, RFC 9440).

Owns who may send such a header and how it is read: RFC 9440's `Client-Cert`, or under another configured name nginx's
escaped PEM. From anybody else, twice, or under a name that is not configured it is refused, wherever it stands: a proxy
that forgets to remove what clients send shows itself at once. What a certificate is worth is the registration's word.
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from urllib.parse import unquote_to_bytes

import structlog

from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.house import House
from ostiary.web.front.visit import Scope, trusted, visit

__all__ = ["CLIENT_CERT", "certificate"]

CLIENT_CERT = "client-cert"
_CHAIN = b"client-cert-chain"  # what the proxy verified with; a registered certificate needs none
_ALWAYS = frozenset({CLIENT_CERT.encode(), _CHAIN})
_KEPT = "ostiary.certificate"
_LARGEST = 16_384  # bytes of a header
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s?")

REFUSED = Refused(Reason.INVALID_REQUEST, "Only the configured proxy may tell a client certificate.")

_log = structlog.get_logger("ostiary.access")


def certificate(scope: Scope, house: House) -> bytes | Refused:
    """The certificate (DER) that the client of this request proved in TLS; empty when there is none."""
    kept: bytes | Refused | None = scope.get(_KEPT)
    if kept is None:
        proxy = house.settings.proxy
        name = proxy.certificate_header.encode() if proxy is not None else b""
        shown = [(key, value) for key, value in scope["headers"] if key in _ALWAYS or (name and key == name)]
        kept = _read(shown, name, trusted=trusted(scope, proxy)) if shown else b""
        if isinstance(kept, Refused):
            seen = visit(scope, house)
            _log.warning("certificate header refused", address=seen.address, reference=seen.id)
        scope[_KEPT] = kept
    return kept


def _read(shown: list[tuple[bytes, bytes]], name: bytes, *, trusted: bool) -> bytes | Refused:
    """What the headers *shown* say, when *name* is the configured one."""
    names = [key for key, _ in shown]
    allowed = {name, _CHAIN} if name == CLIENT_CERT.encode() else {name}
    if not trusted or not name or len(set(names)) < len(names) or not allowed.issuperset(names):
        return REFUSED
    value = dict(shown).get(name, b"").strip()
    if not value:  # nginx sends its variable also when it is empty
        return b"" if _CHAIN not in names else REFUSED
    if len(value) > _LARGEST:
        return REFUSED
    return (_structured(value) if name == CLIENT_CERT.encode() else _escaped(value)) or REFUSED


def _structured(value: bytes) -> bytes:
    """A byte sequence of RFC 8941 §3.3.5 without parameters; empty for anything else."""
    if len(value) < 3 or value[:1] != b":" or value[-1:] != b":":
        return b""
    return _decode(value[1:-1])


def _escaped(value: bytes) -> bytes:
    """nginx's `$ssl_client_escaped_cert`: one certificate in PEM, percent-encoded."""
    found = _PEM.fullmatch(unquote_to_bytes(value))
    return _decode(b"".join(found[1].split())) if found else b""


def _decode(text: bytes) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError):
        return b""
