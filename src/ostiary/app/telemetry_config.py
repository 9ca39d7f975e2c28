"""
The settings of telemetry, part of the one configuration (`app/config.py`). Everything of it is off by default.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from ostiary.core.words.destinations import place_of

__all__ = ["TelemetryConfig", "collector", "place"]


def place(listen: str) -> tuple[IPv4Address | IPv6Address, int]:
    """Address and port of ``127.0.0.1:9464`` or ``[::1]:9464``. Raises ValueError."""
    host, _, port = listen.rpartition(":")
    address = ip_address(host.removeprefix("[").removesuffix("]"))
    if not port.isascii() or not port.isdigit() or int(port) > 65535 or (address.version == 6) != host.startswith("["):
        raise ValueError("must be address:port, an IPv6 address in brackets")
    return address, int(port)


def collector(endpoint: str) -> str:
    """The collector of *endpoint* as `outgoing_allow` would list it. Raises ValueError."""
    found = place_of(endpoint)
    if found is None:
        raise ValueError("must be a whole address, http:// or https://")
    host = f"[{found.host}]" if ":" in found.host else found.host
    if endpoint.startswith("https://"):
        return f"{host}:{found.port}"
    if not _loopback(found.host):
        raise ValueError("must be https, unless it is an address of loopback")
    return f"http://{host}:{found.port}"


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class TelemetryConfig(BaseModel):
    """What an operator may set about it."""

    log_level: Annotated[
        Literal["info", "warning", "error"],
        Field(description="What of the log is written: `info` has a line for each request."),
    ] = "info"
    metrics_listen: Annotated[
        str,
        Field(
            description="Where Prometheus asks for `/metrics`, an address and port of its own: `127.0.0.1:9464`. Other "
            "than loopback it speaks TLS and needs `metrics_token_file` (docs/telemetry.md)."
        ),
    ] = ""
    metrics_token_file: Annotated[
        Path | None,
        Field(description="File with the bearer token for it, readable by the service alone, at least 16 bytes."),
    ] = None

    traces_endpoint: Annotated[
        str,
        Field(
            description="Where traces go, as OTLP over HTTP: `http://127.0.0.1:4318/v1/traces`. Other than loopback by "
            "https. Without it there are none."
        ),
    ] = ""
    traces_ratio: Annotated[
        float, Field(ge=0, le=1, description="Of how many sign-ins; each is there as a whole or not at all.")
    ] = 1.0

    @field_validator("traces_endpoint")
    @classmethod
    def _collector(cls, value: str) -> str:
        if value:
            collector(value)
        return value

    @field_validator("metrics_listen")
    @classmethod
    def _place(cls, value: str) -> str:
        if value:
            place(value)
        return value

    @model_validator(mode="after")
    def _not_for_everybody(self) -> Self:
        """What the service does all day is nobody's business on the network."""
        if not self.metrics_listen:
            if self.metrics_token_file is not None:
                raise ValueError("metrics_token_file: set metrics_listen as well")
            return self
        if not place(self.metrics_listen)[0].is_loopback and self.metrics_token_file is None:
            raise ValueError("metrics_listen: an address that is not loopback needs metrics_token_file")
        return self
