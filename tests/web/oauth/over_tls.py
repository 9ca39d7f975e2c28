"""
A house behind a proxy that tells its clients' certificates, and requesters that come through it.
"""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx

from ostiary.core.words.digests import digest
from ostiary.services.house import Proxy
from tests.services.door import Door
from tests.web.oauth.certificates import Pair, make
from tests.web.oauth.requester import DEVICE, OWN, TOKEN, api, approve
from tests.web.oauth.site import CLI

SECRET = "between proxy and house"
PROXY = Proxy(
    "x-forwarded-for", networks=(ip_network("127.0.0.0/8"),), secret_header="X-Proxy-Secret", secret=digest(SECRET),
    certificate_header="client-cert",
)  # fmt: skip


class OverTls:
    """A requester behind the proxy, which tells the certificate that it came with; none when it has none."""

    def __init__(self, door: Door, pair: Pair | None) -> None:
        """With *pair*."""
        self.door, self.pair = door, pair

    @property
    def headers(self) -> dict[str, str]:
        """What the proxy adds."""
        told = {"client-cert": f":{b64encode(self.pair.der).decode()}:"} if self.pair is not None else {}
        return {"x-proxy-secret": SECRET, "x-forwarded-for": "203.0.113.9", **told}

    @property
    def x5t(self) -> str:
        """Its certificate's thumbprint, by cryptography."""
        assert self.pair is not None
        return self.pair.x5t

    def post(self, uri: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """A form."""
        return self.door.post(uri, form, headers={**self.headers, **headers})

    def start(self, **headers: str) -> httpx.Response:
        """Ask for a code."""
        return self.post(DEVICE, {"client_id": CLI, "scope": OWN}, **headers)

    def poll(self, code: str, **headers: str) -> httpx.Response:
        """Poll."""
        return self.post(TOKEN, {"grant_type": "device_code", "client_id": CLI, "device_code": code}, **headers)

    def refresh(self, token: str, **headers: str) -> httpx.Response:
        """Bring a refresh token."""
        return self.post(TOKEN, {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": token}, **headers)

    def ask(self, uri: str, token: str, **headers: str) -> httpx.Response:
        """Use an access token."""
        return api(self.door, "GET", uri, {**self.headers, "authorization": f"Bearer {token}", **headers})

    def signed_in(self) -> tuple[str, dict[str, Any]]:
        """The device code and the token answer of a whole sign-in."""
        begun = self.start().json()
        approve(self.door, begun)
        given = self.poll(begun["device_code"])
        assert given.status_code == 200, given.text
        return begun["device_code"], given.json()


def over_tls(door: Door, **kind: Any) -> OverTls:
    """A requester with a certificate of its own."""
    return OverTls(door, make("EC", door.clock.now(), **kind))


@contextmanager
def behind_proxy(path: Path) -> Iterator[Door]:
    """A founded house at *path* behind the proxy, with the block on and an exemption open."""
    made = Door(path)
    object.__setattr__(made.house, "settings", replace(made.house.settings, proxy=PROXY))
    made.open()
    yield made
    made.close()
