"""
The certificate with which this machine comes over TLS (RFC 8705): two files that somebody else keeps and renews.

Nothing of them is copied: a record holds their names, and each connection reads them anew.
"""

import ssl
from dataclasses import dataclass

from ostiary.client.errors import Misused

__all__ = ["ClientCertificate", "tls_context"]


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """Names of PEM files; the key may stand in the certificate's own."""

    certificate: str
    key: str


def tls_context(pair: ClientCertificate | None = None) -> ssl.SSLContext:
    """
    What trusts as the system does, or `SSL_CERT_FILE`, and shows *pair* to a server that asks for a certificate.

    Raises Misused when its files cannot be used; a key under a passphrase is none that a program can use by itself.
    """
    context = ssl.create_default_context()
    if pair is not None:
        try:
            context.load_cert_chain(pair.certificate, pair.key, password=lambda: "")
        except (OSError, ValueError) as fault:  # ssl.SSLError is an OSError
            files = " and ".join(dict.fromkeys((pair.certificate, pair.key)))
            raise Misused(f"the client certificate cannot be used: {files} ({type(fault).__name__})") from fault
    return context
