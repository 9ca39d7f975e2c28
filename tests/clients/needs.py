"""
What the tests of unmodified clients need of a running server: the part of the `server` fixture that they use.

The sample organisation's Azure CLI registration must be allowed the device flow, a code life of 5 minutes, and reach
both resources named here; everything else is asked of the server over its wire.
"""

from pathlib import Path
from typing import Final, Protocol

AZURE_CLI: Final = "azure-cli"  # the name under which `Server.clients` lists 04b07795-8ddb-461a-bbee-02f9e1bf7b46
ARM: Final = "https://management.core.windows.net/"  # the resource that `az login` asks for, its slash included


class Human(Protocol):
    """One person of the sample organisation."""

    username: str
    password: str

    def totp(self) -> str:
        """Return a code of the authenticator app that has not been used yet."""


class Server(Protocol):
    """A running server with its sample organisation, and the hands of its administrator and its clock."""

    origin: str
    ca_file: Path
    """Every root that a client should trust, ours included."""
    authority: Path
    """Our own root alone, for a browser that adds it to its own."""
    tenant: str
    clients: dict[str, str]
    people: dict[str, Human]

    def open_exemption(self, user: str) -> None:
        """Open an exemption of one hour for *user* (a key of `people`), as an administrator."""

    def end_exemptions(self, user: str) -> None:
        """End every open exemption of *user*, as an administrator."""

    def pass_time(self, seconds: int) -> None:
        """Move the server's clock forward."""


def issuer(server: Server) -> str:
    """Return the issuer of RFC 8414 and OpenID Connect."""
    return f"{server.origin}/{server.tenant}/v2.0"


def graph_scope(server: Server) -> str:
    """Return the scope that stands for all a client may do at the admin API."""
    return f"{server.origin}/.default"
