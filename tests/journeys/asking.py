"""
A machine without a browser, as plain HTTP: it asks for a code, shows it, and polls.
"""

import ssl
from typing import Any

import httpx

from tests.server import CLIENTS, Server


class Asking:
    """A machine that asks for a code, and polls."""

    def __init__(self, server: Server, **more: str) -> None:
        self._client = CLIENTS["ostiary-cli"]
        self._base = f"{server.origin}/common/oauth2/v2.0"
        self._trust = ssl.create_default_context(cafile=str(server.ca_file))
        started = self._post("devicecode", scope=f"{server.origin}/.default", **more)
        self.user_code, self._device_code = started["user_code"], started["device_code"]

    def outcome(self) -> str:
        """`access_token`, or the error of a poll."""
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        said = self._post("token", grant_type=grant, device_code=self._device_code)
        return "access_token" if "access_token" in said else str(said["error"])

    def _post(self, end: str, **fields: str) -> dict[str, Any]:
        form = {"client_id": self._client, **fields}
        found: dict[str, Any] = httpx.post(f"{self._base}/{end}", data=form, verify=self._trust).json()
        return found
