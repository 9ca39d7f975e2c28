"""
The settings of telemetry, part of the one configuration (`app/config.py`). Everything of it is off by default.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, field_validator, model_validator

__all__ = ["TelemetryConfig", "place"]


def place(listen: str) -> tuple[IPv4Address | IPv6Address, int]:
    """Address and port of ``127.0.0.1:9464`` or ``[::1]:9464``. Raises ValueError."""
    host, _, port = listen.rpartition(":")
    address = ip_address(host.removeprefix("[").removesuffix("]"))
    if not port.isascii() or not port.isdigit() or int(port) > 65535 or (address.version == 6) != host.startswith("["):
        raise ValueError("must be address:port, an IPv6 address in brackets")
    return address, int(port)


class TelemetryConfig(BaseModel):
    """What an operator may set about it."""

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
