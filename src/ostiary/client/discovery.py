"""
Finding a server's endpoints from the one address that a person knows.

An address without a path is a deployment's origin: its organisation's document is asked for under the alias
`organizations` (R20). An address with a path is an issuer, looked up as RFC 8414 §3 says and then as OpenID Connect
Discovery does; its document must name exactly that issuer. Addresses are https; http is admitted on the loopback
interface alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from ostiary.client.errors import Misused, ServerFault, Unreachable
from ostiary.client.exchange import Call, Exchange, needed

__all__ = ["Server", "checked_address", "discover", "origin_of", "over_tls"]

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ADDRESS_LIMIT = 2000

LONGEST_WAIT = 60  # seconds that a poll waits for its answer, whatever a server offers


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says of itself (RFC 8414 §2). An endpoint that it does not have is None."""

    issuer: str
    token_endpoint: str
    device_authorization_endpoint: str | None = None
    authorization_endpoint: str | None = None
    revocation_endpoint: str | None = None
    names_issuer: bool = False
    proves_keys: bool = False
    """Whether it takes proofs of the kind that we make (RFC 9449 §5.1)."""
    confirmation_endpoint: str | None = None
    """Ours: where the number goes that a person was shown (R12)."""
    enrollment_endpoint: str | None = None
    """Ours: where a machine asks to be admitted to the inventory."""
    longest_wait: int = 0
    """Ours: for how many seconds a poll may wait for its answer."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Where requesters with a TLS certificate go instead, by the endpoints' names (RFC 8705 §5)."""

    @property
    def origin(self) -> str:
        """Scheme, host and port of the issuer; also the name of the admin API as a resource."""
        return origin_of(self.issuer)


def origin_of(address: str) -> str:
    """Scheme, host and port of *address*."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def checked_address(address: str) -> str:
    """*address* without a slash at its end. Raises Misused when it is no https address (or http on this machine)."""
    cleaned = address.strip().rstrip("/")
    if not _admitted(cleaned):
        raise Misused(f"not a server address: {address[:80]!r} (write https://host or https://host:port)")
    return cleaned


def discover(address: str) -> Exchange[Server]:
    """The server at *address*, an origin or an issuer. Raises ServerFault, Unreachable, Misused."""
    asked = checked_address(address)
    for document in _documents(asked):
        answer = yield from needed(Call("GET", document, headers={"accept": "application/json"}))
        if answer.status == 200:
            return _read(asked, answer.fields())
        if answer.status >= 500:
            raise ServerFault(f"{document} answered {answer.status}")
    raise Unreachable(f"{asked} has no sign-in service: none of its metadata documents was found")


def _documents(asked: str) -> tuple[str, ...]:
    origin, path = origin_of(asked), urlsplit(asked).path
    if path:
        return f"{origin}/.well-known/oauth-authorization-server{path}", f"{asked}/.well-known/openid-configuration"
    return (
        f"{origin}/organizations/v2.0/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server",
        f"{origin}/.well-known/openid-configuration",
    )


def _read(asked: str, fields: Mapping[str, object]) -> Server:
    issuer, token = _endpoint(fields, "issuer"), _endpoint(fields, "token_endpoint")
    if issuer is None or token is None:
        raise ServerFault(f"the metadata of {asked} names no issuer or no token endpoint")
    # RFC 8414 §3.3: another issuer's document must not be used
    if (issuer.rstrip("/") if urlsplit(asked).path else origin_of(issuer)) != asked:
        raise ServerFault(f"the metadata of {asked} speaks for another server, {issuer}")
    return Server(
        issuer=issuer,
        token_endpoint=token,
        device_authorization_endpoint=_endpoint(fields, "device_authorization_endpoint"),
        authorization_endpoint=_endpoint(fields, "authorization_endpoint"),
        revocation_endpoint=_endpoint(fields, "revocation_endpoint"),
        proves_keys="ES256" in _names(fields.get("dpop_signing_alg_values_supported")),
        names_issuer=fields.get("authorization_response_iss_parameter_supported") is True,
        confirmation_endpoint=_endpoint(fields, "ostiary_confirmation_endpoint"),
        aliases=_aliases(fields),
        enrollment_endpoint=_endpoint(fields, "ostiary_enrollment_endpoint"),
        longest_wait=_seconds(fields.get("ostiary_longest_wait")),
    )


def over_tls(server: Server) -> Server:
    """*server* as whoever comes with a certificate talks to it. Raises Misused when it has no address for that."""
    missing = [name for name in _NEEDED if name not in server.aliases]
    if missing:
        raise Misused(f"{server.origin} has no address for client certificates")
    at = server.aliases.get
    return replace(
        server,
        token_endpoint=server.aliases["token_endpoint"],
        device_authorization_endpoint=server.aliases["device_authorization_endpoint"],
        revocation_endpoint=at("revocation_endpoint", server.revocation_endpoint),
        confirmation_endpoint=at("confirmation_endpoint", server.confirmation_endpoint),
    )


_NEEDED = ("token_endpoint", "device_authorization_endpoint")
_ALIASED = {
    "token_endpoint": "token_endpoint",
    "device_authorization_endpoint": "device_authorization_endpoint",
    "revocation_endpoint": "revocation_endpoint",
    "ostiary_confirmation_endpoint": "confirmation_endpoint",
}


def _aliases(fields: Mapping[str, object]) -> dict[str, str]:
    given = fields.get("mtls_endpoint_aliases")
    found = {ours: _endpoint(given, name) for name, ours in _ALIASED.items()} if isinstance(given, dict) else {}
    return {name: address for name, address in found.items() if address is not None}


def _names(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _endpoint(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and _admitted(value) else None


def _seconds(value: object) -> int:
    return value if type(value) is int and 0 < value <= LONGEST_WAIT else 0


def _admitted(address: str) -> bool:
    if len(address) > _ADDRESS_LIMIT or not address.isascii() or any(c <= " " for c in address):
        return False
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
