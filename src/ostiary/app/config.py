"""
The one configuration object: a TOML file, then the environment over it. Unknown keys are errors, and every error is
told at once.

`docs/configuration.md` is made from this file (`document`) and a test compares them.
"""

import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Self, get_origin
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from ostiary.app import retention as tables
from ostiary.app.providers import ProviderConfig
from ostiary.app.providers import document as providers
from ostiary.app.telemetry_config import TelemetryConfig
from ostiary.core.signins.limits import SAFE
from ostiary.core.words.destinations import place_of, read_destinations
from ostiary.outside.attestation import models_of

PREFIX = "OSTIARY_SERVER_"  # OSTIARY_SERVER_PORT=9443


class ConfigRefused(Exception):
    """The configuration cannot be used; `problems` names each key and what is wrong with it."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Config(TelemetryConfig):
    """What an operator may set. Every default is the safe one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Annotated[Path, Field(description="The data folder, 0700, of one process.")] = Path("/var/lib/ostiary")
    origin: Annotated[
        str, Field(description="Where people and clients reach the service: https, host, and port if it is not 443.")
    ] = "https://localhost:8443"
    listen: Annotated[str, Field(description="The address to listen on. The sample listens on loopback only.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Field(ge=0, le=65535, description="The TCP port; 0 takes a free one.")] = 8443
    certificate: Annotated[
        Path | None,
        Field(description="PEM chain, leaf first; reloaded when it changes. Without it a local CA makes one."),
    ] = None
    certificate_key: Annotated[Path | None, Field(description="PEM key of `certificate`.")] = None
    plain: Annotated[
        bool, Field(description="Speak plain HTTP, behind a proxy that ends TLS; needs one of the `proxy` settings.")
    ] = False
    master_key: Annotated[
        Path | None,
        Field(
            description="File with 32 random bytes, 0600, outside the data folder. Without it: a systemd credential."
        ),
    ] = None
    previous_master_keys: Annotated[
        tuple[Path, ...],
        Field(
            description="Files with the master keys before it, as private: what is still sealed under one of them is "
            "opened, and sealed anew (`keys rewrap`)."
        ),
    ] = ()
    name: Annotated[str, Field(max_length=256, description="The organisation's name, used by `init`.")] = "Ostiary"
    domains: Annotated[tuple[str, ...], Field(description="Verified domains, used by `init`.")] = ()
    poll_interval: Annotated[int, Field(ge=1, le=60, description="Seconds between polls.")] = 5
    lenient_pace: Annotated[bool, Field(description="Answer early polls with `authorization_pending`.")] = True
    session_idle: Annotated[int, Field(ge=5, le=120, description="Minutes until an unused browser session ends.")] = 30
    session_longest: Annotated[int, Field(ge=30, le=1440, description="Minutes until any session ends.")] = 720
    refresh_idle: Annotated[int, Field(ge=5, le=480, description="Minutes until an unused refresh token ends.")] = 30
    codes_per_source: Annotated[
        int,
        Field(
            ge=4,
            description="Open codes of one source and application. Of this and the next two, half is for who proved "
            "something, or comes from where somebody signed in.",
        ),
    ] = SAFE.codes_per_source
    codes_per_application: Annotated[int, Field(ge=4, description="Open codes of one application.")] = (
        SAFE.codes_per_application
    )
    codes_in_all: Annotated[int, Field(ge=4, le=8_000_000, description="Open codes of all applications.")] = (
        SAFE.codes_in_all
    )
    prompts_per_person: Annotated[
        int, Field(ge=3, description="Sign-ins that one person takes up in an hour, before a pause of 15 minutes.")
    ] = SAFE.prompts_per_person
    denials_per_person: Annotated[
        int, Field(ge=2, description="Sign-ins that one person turns down in an hour, before such a pause.")
    ] = SAFE.denials_per_person
    denials_in_all: Annotated[
        int, Field(ge=2, description="Sign-ins that all people turn down in ten minutes, before an alert.")
    ] = SAFE.denials_in_all
    geo_country: Annotated[
        Path | None, Field(description="MaxMind DB file (country, city) that tells countries; read anew when replaced.")
    ] = None
    geo_asn: Annotated[Path | None, Field(description="MaxMind DB file that tells networks (AS numbers).")] = None
    geo_city: Annotated[
        Path | None, Field(description="MaxMind DB file that tells coordinates, and countries without `geo_country`.")
    ] = None
    outgoing_allow: Annotated[
        tuple[str, ...],
        Field(
            description="What the service may ask beside the public network (R24): hosts (`tickets.example.com`, with "
            "`:8443` for one port), networks (`10.1.0.0/16`), hosts in plain HTTP (`http://tickets.example.com:8080`). "
            "Link-local addresses and those of cloud metadata are admitted by networks only."
        ),
    ] = ()
    outgoing_ca: Annotated[
        Path | None, Field(description="PEM file with authorities that outgoing requests believe beside the machine's.")
    ] = None
    outgoing_proxy: Annotated[
        str,
        Field(
            description="Forward proxy, `http://host:port`, for outgoing requests to what is not listed; it resolves "
            "the names, so it decides about them. Proxies of the environment are never used."
        ),
    ] = ""
    passkey_models: Annotated[
        tuple[str, ...],
        Field(
            description="AAGUIDs of the authenticators whose makers are believed: at enrolment the model is asked for, "
            "and kept as attested where a certificate that names it leads to `passkey_roots` (R22)."
        ),
    ] = ()
    passkey_device_models: Annotated[
        tuple[str, ...],
        Field(
            description="Those of `passkey_models` that are part of a machine and never leave it: a passkey of theirs "
            "that was made in the browser of a managed machine stands for it (R22). A security key is none."
        ),
    ] = ()
    passkey_roots: Annotated[
        Path | None, Field(description="PEM file with the makers' root certificates; needed by `passkey_models`.")
    ] = None
    upstream: Annotated[
        tuple[ProviderConfig, ...],
        Field(max_length=16, description="OpenID Connect providers through which people sign in: tables, see below."),
    ] = ()
    retention: Annotated[tables.RetentionConfig, Field(description="How long: a table.")] = tables.KEEP_ALL
    anchors: Annotated[tables.AnchorConfig, Field(description="Of the journal: a table.")] = tables.NO_ANCHORS
    notice_allow: Annotated[
        tuple[str, ...],
        Field(
            description="Where notices of people's own channels may go beside the public network, written as in "
            "`outgoing_allow`, which does not count for them."
        ),
    ] = ()
    notice_reminder: Annotated[
        int, Field(ge=1, le=1440, description="Minutes after which approvers are reminded of a request, once.")
    ] = 30
    ticket_host: Annotated[
        str, Field(description="`host[:port]` of the system that checks tickets: the token goes nowhere else.")
    ] = ""
    ticket_token_file: Annotated[
        Path | None, Field(description="File with the bearer token for it, readable by the service alone.")
    ] = None
    local_door: Annotated[bool, Field(description="The Unix socket `admin.sock` in the data folder.")] = True
    proxy_header: Annotated[str, Field(description="The one header that holds addresses, set by the one proxy.")] = ""
    proxy_hops: Annotated[int, Field(ge=1, le=10, description="Which address in it counts, from the right.")] = 1
    proxy_networks: Annotated[tuple[str, ...], Field(description="Where the proxy connects from.")] = ()
    proxy_secret_header: Annotated[str, Field(description="The header in which the proxy proves itself.")] = ""
    proxy_secret_file: Annotated[Path | None, Field(description="File with the secret that it carries.")] = None
    proxy_socket: Annotated[
        Path | None,
        Field(
            description="A Unix socket for the proxy, instead of networks and secret: who can open it (0660) is the "
            "proxy. With `plain` nothing listens on TCP."
        ),
    ] = None
    proxy_certificate_header: Annotated[
        str,
        Field(
            description="The header in which the proxy tells a TLS client's certificate: `client-cert` (RFC 9440), or "
            "another name for nginx's `$ssl_client_escaped_cert`."
        ),
    ] = ""
    mtls_origin: Annotated[
        str, Field(description="Where clients with a TLS certificate come: a host name of its own (RFC 8705 §5).")
    ] = ""

    @field_validator("origin", "mtls_origin")
    @classmethod
    def _https(cls, value: str) -> str:
        if (value and not value.startswith("https://")) or value.count("/") != 2 or value != value.lower():
            raise ValueError("must be https://host[:port] in lower case, with no path")
        return value

    @field_validator("proxy_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value

    @field_validator("outgoing_allow", "notice_allow")
    @classmethod
    def _destinations(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        read_destinations(value)
        return value

    @field_validator("outgoing_proxy")
    @classmethod
    def _forward_proxy(cls, value: str) -> str:
        place = place_of(value) if value else None
        if value and (
            place is None or value not in (f"http://{place.host}:{place.port}", f"http://[{place.host}]:{place.port}")
        ):
            raise ValueError("must be http://host:port")
        return value

    @field_validator("passkey_models", "passkey_device_models")
    @classmethod
    def _models(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        models_of(value)
        return value

    @field_validator("upstream")
    @classmethod
    def _different(cls, value: tuple[ProviderConfig, ...]) -> tuple[ProviderConfig, ...]:
        names = [provider.name for provider in value]
        domains = [domain for provider in value for domain in provider.domains]
        if len(set(names)) < len(names) or len({one.issuer for one in value}) < len(names):
            raise ValueError("each provider has a name and an issuer of its own")
        if len(set(domains)) < len(domains):
            raise ValueError("a domain belongs to one provider")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        """What is only half there would be a hole: plain HTTP without a proxy, a certificate without its key."""
        if self.plain and not self.proxy_header:
            raise ValueError("plain: needs the proxy that ends TLS (proxy_header and its companions, R13)")
        if (self.certificate is None) != (self.certificate_key is None):
            raise ValueError("certificate: set certificate and certificate_key, or neither")
        if self.mtls_origin and (not self.proxy_certificate_header or _host(self.mtls_origin) == _host(self.origin)):
            raise ValueError("mtls_origin: needs proxy_certificate_header, and a host that browsers do not use")
        if (self.proxy_socket or self.proxy_certificate_header) and not self.proxy_header:
            raise ValueError("proxy_header: the proxy tells addresses in one header, whatever else it does (R13)")
        if bool(self.ticket_host) != (self.ticket_token_file is not None):
            raise ValueError("ticket_host: set ticket_host and ticket_token_file, or neither")
        if bool(self.passkey_models) != (self.passkey_roots is not None):
            raise ValueError("passkey_models: set passkey_models and passkey_roots, or neither")
        if not models_of(self.passkey_device_models) <= models_of(self.passkey_models):
            raise ValueError("passkey_device_models: each stands among passkey_models as well")
        return self


def load(path: Path | None, environ: Mapping[str, str], **given: Any) -> Config:
    """The configuration of *path* and *environ*, with *given* (command-line) over both. Raises ConfigRefused."""
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigRefused((f"{path}: {error.strerror}",)) from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigRefused((f"{path}: {error}",)) from None
    for variable, text in environ.items():
        if variable.startswith(PREFIX):
            name = variable.removeprefix(PREFIX).lower()
            if not tables.with_variable(values, name, text):
                values[name] = _read(name, text)
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        return Config(**values)
    except ValidationError as error:
        raise ConfigRefused(tuple(_problem(one) for one in error.errors(include_url=False))) from None


def _problem(error: ErrorDetails) -> str:
    """One thing that is wrong, in an operator's words."""
    key = ".".join(map(str, error["loc"]))
    said = "there is no such setting" if error["type"] == "extra_forbidden" else error["msg"]
    return f"{key}: {said}" if key else said


def _read(name: str, text: str) -> Any:
    """An environment value: lists have commas between their parts; pydantic reads numbers and booleans."""
    field = Config.model_fields.get(name)
    if field is None or get_origin(field.annotation) is not tuple:
        return text
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def document() -> str:
    """docs/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "`ostiary-server` reads one TOML file (`--config`), then variables of the environment "
        f"(`{PREFIX}` and the key in capitals; lists with commas), then its options. Unknown keys are errors.",
        "",
        "| Key | Default | Meaning |",
        "|---|---|---|",
    ]
    for name, field in sorted(Config.model_fields.items(), key=lambda item: item[0] in TelemetryConfig.model_fields):
        default = field.default if field.default not in (None, "", (), tables.KEEP_ALL, tables.NO_ANCHORS) else "–"
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        lines.append(f"| `{name}` | `{shown}` | {field.description} |")
    return "\n".join([*lines, *tables.document(), *providers()]) + "\n"
