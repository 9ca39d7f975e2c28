"""
How a refusal reads outside: the shape of one row of the table in `refusals.py`.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Endpoint", "Wire"]


class Endpoint(StrEnum):
    """Which endpoint answers: the RFCs name some refusals differently at each."""

    DEVICE = "device"
    """Device authorization request (RFC 8628 §3.1)."""
    TOKEN = "token"
    """Token, introspection and revocation (RFC 6749 §5.2)."""
    FRONT = "front"
    """Authorization response through the browser (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6)."""


@dataclass(frozen=True, slots=True)
class Wire:
    """How one reason reads outside."""

    error: str
    """The RFCs' name at the token endpoint."""
    aadsts: int
    """Entra's number for the situation; clients of that family print it, people search for it."""
    sentence: str
    next_step: str
    suberror: str = ""
    """Entra's classification, which MSAL hands to applications."""
    device: str = ""
    """The name at the device authorization endpoint, where it differs."""
    front: str = ""
    """The name in an authorization response, where it differs."""
    entra: str = ""
    """Entra's name, for applications registered with `entra_errors` (R20)."""
    status: int = 400
    """At the token endpoint."""
    device_status: int = 400
    """
    At the device authorization endpoint: 403 for whatever an administrator can change, because MSAL replays an exact
    400 for a minute (R9).
    """

    def name(self, endpoint: Endpoint, *, entra: bool = False) -> str:
        """The error name at *endpoint*, in Entra's spelling when *entra*."""
        own = {Endpoint.DEVICE: self.device, Endpoint.FRONT: self.front}.get(endpoint, "")
        return (self.entra if entra else "") or own or self.error

    def status_at(self, endpoint: Endpoint) -> int:
        """The HTTP status at *endpoint*."""
        return self.device_status if endpoint is Endpoint.DEVICE else self.status
