"""
The certificate that the service shows, and its exchange while connections live (RFC 8446, RFC 5246).

Owns the server's TLS settings and the watch on the two files. Knows no issuer and no address: `app` brings the files,
calls `Reloader.check` from time to time and logs its answer.
"""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from ostiary.core.words.instants import Instant, from_datetime

__all__ = ["Kept", "Reloader", "Swapped", "Unchanged", "certificate_ends", "server_context"]

# For TLS 1.2 only (1.3 has no weak ones): forward secrecy and authenticated encryption, as RFC 9325 §4.2 recommends.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"

_Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The files are those of the last look."""


@dataclass(frozen=True, slots=True)
class Swapped:
    """New connections get the new certificate, valid until *ends*."""

    ends: Instant


@dataclass(frozen=True, slots=True)
class Kept:
    """
    The files changed and cannot be used; new connections go on with the old certificate. *reason* is for the
    operator.
    """

    reason: str


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """
    A server's context: TLS 1.2 and later, HTTP/1.1 by ALPN, the chain in *certificate* (PEM, leaf first) with its
    *key* (PEM, not encrypted).

    Raises ValueError with the reason when the pair cannot be read or does not match.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    try:
        # An empty password, so that an encrypted key is an error and not a question on the terminal of a daemon.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        raise ValueError(_explain(certificate, key, error)) from None
    except OSError as error:
        raise ValueError(f"{certificate} and {key} cannot be read: {error.strerror}") from None
    return context


def certificate_ends(certificate: Path) -> Instant:
    """When the first certificate of a PEM file ends. Raises OSError or ValueError when there is none."""
    return from_datetime(x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc)


class Reloader:
    """
    A context for the server to listen with, whose certificate follows two files.

    Each handshake takes the newest context that was loaded completely, so no connection ever sees half a change, and
    those that live are not touched. A client that resumes an earlier session (RFC 8446 §2.2) sees no certificate at
    all.
    """

    __slots__ = ("_certificate", "_current", "_key", "_stamp", "context", "ends")

    def __init__(self, certificate: Path, key: Path) -> None:
        """Load the pair. Raises ValueError with the reason: a first start has no old certificate to go on with."""
        self._certificate = certificate
        self._key = key
        self._stamp = self._look()
        self._current = server_context(certificate, key)
        self.ends = certificate_ends(certificate)
        """When the certificate that is shown ends."""
        self.context = server_context(certificate, key)
        self.context.sni_callback = self._choose

    def check(self) -> Unchanged | Swapped | Kept:
        """
        Look at the files (time of change, inode, size) and take the new pair if there is one.

        A broken pair is reported once, and looked at again when one of its files changes. Blocks for about a
        millisecond.
        """
        stamp = self._look()  # before loading: what changes during it is seen by the next check
        if stamp == self._stamp:
            return Unchanged()
        self._stamp = stamp
        try:
            fresh = server_context(self._certificate, self._key)
            ends = certificate_ends(self._certificate)
        except (OSError, ValueError) as error:
            return Kept(str(error))
        self._current, self.ends = fresh, ends
        return Swapped(ends)

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called by OpenSSL in each handshake, with or without a server name."""
        connection.context = self._current

    def _look(self) -> _Stamp:
        return tuple(_stamp(path) for path in (self._certificate, self._key))


def _stamp(path: Path) -> tuple[int, int, int]:
    """What tells one state of a file from another; zeros for a file that is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_ino, status.st_size)


def _explain(certificate: Path, key: Path, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the key {key} does not belong to the certificate {certificate}"
    return f"{certificate} or {key} is no PEM certificate with an unencrypted key ({error.reason or 'not PEM'})"
