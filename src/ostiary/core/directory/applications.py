"""
Applications: clients that ask for tokens, and resources that take them; one registration can be both.

What a requester must be able to do is a fact of the registration, never of the request: the attacker is the requester
(R12). A registration is stored as one JSON document; fields are only ever added, and a missing one means the strict
default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from ostiary.core.directory import trusts
from ostiary.core.directory.assessments import Assessment, read, written
from ostiary.core.directory.trusts import Trust
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant, Span, minutes

INTROSPECT = "introspect"
"""The scope of the admin API with which a confidential application asks what tokens are worth (R19)."""
SSF_MANAGE, SSF_READ = "ssf.manage", "ssf.read"
"""The scopes with which one manages its event streams (CAEP Interoperability Profile 1.0 §2.7.2)."""

Need = Literal["optional", "required"]
Dpop = Literal["never", "optional", "required"]
Ability = Literal["never", "optional", "required"]


@dataclass(frozen=True, slots=True)
class Scope:
    """One thing that a resource allows to ask for."""

    value: str
    description: str
    """In words a person understands; shown on the approval page."""
    administrative: bool = False
    """Never part of `.default` in a device authorization request, and refused when named there (R3)."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A client secret: 256 random bits, kept as their SHA-256 (R17)."""

    id: str
    digest: str
    """Hex."""
    hint: str
    created: Instant
    ends: Instant
    name: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """
    A public key with which an application proves itself: a certificate, which says from when until when it counts.

    Holds no secret: the certificate is what anybody may see.
    """

    id: str
    certificate: str
    """DER in base64."""
    algorithm: Literal["EC", "RSA"]
    sha1: str
    """Digest of the certificate in hex, as clients name it (`x5t`, RFC 7515 §4.1.7); nothing is decided by it alone."""
    sha256: str
    """Digest of the certificate in hex (`x5t#S256`)."""
    jkt: str
    """Thumbprint of the key itself (RFC 7638), base64url."""
    tls: bool
    """Whether its usages let it authenticate a TLS client (RFC 5280 §4.2.1.12)."""
    starts: Instant
    ends: Instant
    name: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """One registration. Every default is the strict one."""

    id: AppId
    object_id: str
    name: str
    enabled: bool = True
    public: bool = True
    redirect_uris: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    identifier_uris: tuple[str, ...] = ()
    """The names under which it is a resource."""
    scopes: tuple[Scope, ...] = ()
    """What it exposes as a resource."""
    device_flow: bool = False
    """Off until an administrator allows it."""
    code_lifetime: Span = minutes(5)
    token_lifetime: Span = minutes(10)
    signing: Literal["ES256", "RS256"] = "ES256"
    assignment_required: bool = False
    pkce: Need = "optional"
    """For the device flow; the authorization code flow always requires it."""
    dpop: Dpop = "optional"
    """Whether a requester proves a key (RFC 9449); from the first proof on, always with the same one."""
    certificate: Ability = "optional"
    """Whether what it gets is bound to its TLS client's certificate (RFC 8705 §3), where no proof binds it to a key."""
    number_confirmation: Ability = "optional"
    """Whether its requesters bring the number that the person is shown (R12); optional: where policy demands it."""
    start_ticket: Need = "optional"
    """Whether a code is only given to who brings a ticket that its person took before (R22)."""
    reference_binding: Need = "optional"
    """Whether the person types the request's reference before they approve (M17); optional: where policy demands it."""
    machine_binding: Need = "optional"
    """Whether they type the machine's name."""
    exemption_requests: bool = False
    """
    Whether a request for a code may ask for an exemption (R1), and a person at the page for theirs: off until allowed.
    """
    same_device: Literal["allow", "warn", "refuse"] = "warn"
    """A code that is approved at the address where it was made, though the application could use a browser there."""
    complete_uri: bool = False
    """Send `verification_uri_complete`."""
    entra_errors: bool = False
    """Use Entra's error names where they differ from the RFCs' (R20)."""
    microsoft_family: bool = False
    """MSAL and its relatives: never `slow_down`, CR LF layout of `error_description` (R20)."""
    reach: tuple[str, ...] = ()
    """Identifiers of other resources that a refresh may name (R7)."""
    gateway_for: tuple[str, ...] = ()
    """Identifiers of resources whose tokens it may introspect (R19)."""
    admin_api: bool = False
    """Our own admin API as a resource; there is one."""
    keys: tuple[Key, ...] = ()
    """Public keys of a confidential application."""
    verified: bool = False
    """An administrator has looked at it and at its name; the approval page says so (R23)."""
    assessment: Assessment | None = None
    """Without a current one the device flow cannot be switched on (R23)."""
    trusts: tuple[Trust, ...] = ()
    """Whose tokens its workloads exchange for ours (RFC 8693)."""
    created: Instant = Instant(0)


_DOCUMENT = tuple(
    f.name for f in fields(Application) if f.name not in ("id", "object_id", "name", "enabled", "created")
)


def to_document(application: Application) -> dict[str, Any]:
    """The registration as the JSON object that is stored; ids, name, state and date have columns of their own."""
    document = {name: getattr(application, name) for name in _DOCUMENT}
    document["secrets"] = [{f.name: getattr(s, f.name) for f in fields(Secret)} for s in application.secrets]
    document["keys"] = [{f.name: getattr(k, f.name) for f in fields(Key)} for k in application.keys]
    document["assessment"] = written(application.assessment) if application.assessment is not None else None
    document["scopes"] = [{f.name: getattr(s, f.name) for f in fields(Scope)} for s in application.scopes]
    document["trusts"] = [trusts.written(trust) for trust in application.trusts]
    return document


def from_document(
    document: Mapping[str, Any], *, id: str, object_id: str, name: str, enabled: bool, created: int
) -> Application:
    """
    The registration that `to_document` wrote. Raises TypeError for a field that this version does not know: nothing
    is ignored.
    """
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in document.items()
    }
    values["secrets"] = tuple(Secret(**secret) for secret in document.get("secrets", ()))
    values["keys"] = tuple(Key(**key) for key in document.get("keys", ()))
    assessment = document.get("assessment")
    values["assessment"] = read(assessment) if assessment is not None else None
    values["scopes"] = tuple(Scope(**scope) for scope in document.get("scopes", ()))
    values["trusts"] = tuple(trusts.read(trust) for trust in document.get("trusts", ()))
    return Application(AppId(id), object_id, name, enabled, created=Instant(created), **values)


def normal_identifier(uri: str) -> str:
    """
    An identifier URI as it is compared: lower-case scheme and host, no trailing slash.

    `https://management.core.windows.net/` and the same without the slash are one resource, because clients append
    `/.default` to either.
    """
    scheme, mark, rest = uri.strip().partition("://")
    if not mark:
        return uri.strip().rstrip("/")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash}{path}".rstrip("/")
