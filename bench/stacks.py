"""
The servers compared: how each is started, and what each piece of work is on its wire.

A stack is a command and five flows. A flow is what one connection does for ever: it prepares what it needs (before the
measurement begins) and then repeats its work; `REQUESTS` says how many requests one piece of work takes there.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from bench.load import Answer, Flow, basic, expect, post

HERE: Final = Path(__file__).parent
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"

POLL, REQUEST, GRANT, REFRESH, INTROSPECT = "pending poll", "device request", "full grant", "refresh", "introspection"
WORK: Final = (POLL, REQUEST, GRANT, REFRESH, INTROSPECT)


class Stack(Protocol):
    """One server to measure."""

    @property
    def name(self) -> str:
        """What the report calls it."""

    @property
    def requests_per_grant(self) -> int:
        """How many requests a full grant takes there."""

    def command(self, folder: Path) -> list[str]:
        """Return the command that starts it with its data in *folder*."""

    def flows(self, ready: Mapping[str, Any]) -> dict[str, Callable[[], Flow]]:
        """Return a flow for each of WORK, given what the server said when it listened."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The protocol's part that is the same on all servers: RFC 8628, RFC 6749 §6, RFC 7662."""

    device_path: str
    token_path: str
    introspection_path: str
    client: str
    scope: str
    api: tuple[str, str]  # an application that may introspect: its id and secret

    def ask(self, **more: str) -> bytes:
        """The device authorization request."""
        return post(self.device_path, {"client_id": self.client, "scope": self.scope, **more})

    def poll(self, device_code: str) -> bytes:
        """The access token request with a device code."""
        form = {"client_id": self.client, "grant_type": DEVICE_CODE, "device_code": device_code}
        return post(self.token_path, form)

    def refresh(self, refresh_token: str) -> bytes:
        """The refresh request."""
        form = {"client_id": self.client, "grant_type": "refresh_token", "refresh_token": refresh_token}
        return post(self.token_path, form)

    def introspect(self, token: str) -> bytes:
        """The introspection request."""
        return post(self.introspection_path, {"token": token}, basic(*self.api))


def answered(answer: Answer) -> Any:
    """Return the JSON of a 200."""
    return json.loads(expect(answer, 200).body)


def polls(wire: Wire) -> Flow:
    """Poll one pending sign-in, again and again."""
    request = wire.poll(answered((yield wire.ask()))["device_code"])
    while True:
        expect((yield request), 400, b'"authorization_pending"')


def requests(wire: Wire) -> Flow:
    """Start one sign-in after another."""
    request = wire.ask()
    while True:
        expect((yield request), 200, b'"device_code"', b'"user_code"')


def refreshes(wire: Wire, tokens: Mapping[str, Any]) -> Flow:
    """Refresh one session, each time with the refresh token that the last answer brought."""
    current = tokens["refresh_token"]
    while True:
        fresh = answered((yield wire.refresh(current)))
        if fresh["refresh_token"] == current:
            raise ValueError("the refresh token was not rotated")
        current = fresh["refresh_token"]


def introspections(wire: Wire, tokens: Mapping[str, Any]) -> Flow:
    """Introspect one live access token, again and again."""
    request = wire.introspect(tokens["access_token"])
    while True:
        expect((yield request), 200, b'"active":true')


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """npm oidc-provider under `peers/oidc_provider.mjs`; *store* is `memory` or `sqlite` (full sync)."""

    store: str
    requests_per_grant: int = 3

    @property
    def name(self) -> str:
        """What the report calls it."""
        return f"oidc-provider {self.store}"

    def command(self, folder: Path) -> list[str]:
        """Return the command that starts it."""
        return ["node", str(HERE / "peers" / "oidc_provider.mjs"), self.store, str(folder)]

    def flows(self, _ready: Mapping[str, Any]) -> dict[str, Callable[[], Flow]]:
        """Return the flows. Introspection takes an opaque token: this server introspects no JWT."""
        scope, api = "openid offline_access read", ("api", "api-secret")
        wire = Wire("/device/auth", "/token", "/token/introspection", "device", scope, api)
        opaque = {"resource": "https://opaque.bench.invalid"}
        return {
            POLL: lambda: polls(wire),
            REQUEST: lambda: requests(wire),
            GRANT: lambda: self._grants(wire),
            REFRESH: lambda: self._after_a_grant(wire, refreshes, {}),
            INTROSPECT: lambda: self._after_a_grant(wire, introspections, opaque),
        }

    def _grants(self, wire: Wire) -> Flow:
        while True:
            yield from self._grant(wire, {})

    def _after_a_grant(self, wire: Wire, then: Callable[[Wire, Any], Flow], asked: Mapping[str, str]) -> Flow:
        yield from then(wire, (yield from self._grant(wire, asked)))

    def _grant(self, wire: Wire, asked: Mapping[str, str]) -> Flow:
        started = answered((yield wire.ask(**asked)))
        expect((yield post("/bench/approve", {"user_code": started["user_code"]})), 200)
        return answered((yield wire.poll(started["device_code"])))


@dataclass(frozen=True, slots=True)
class Ostiary:
    """
    Our server, with policy, journal and sign-in log on, from a composition root of the benchmark's own: no TLS, no
    limits of pace, one person signed in on the pages whose exemption is open.

    Its first line says `port`, `tenant`, `client`, `scope`, `api` (id and secret of an application that may introspect
    its tokens), and of that person's browser session `cookie` (the Cookie header) and `form_token` (the hidden field).
    """

    journal: bool = True
    requests_per_grant: int = 4

    @property
    def name(self) -> str:
        """What the report calls it."""
        return "Ostiary" if self.journal else "Ostiary without journal"

    def command(self, folder: Path) -> list[str]:
        """Return the command that starts it."""
        return [sys.executable, "-m", "bench.ostiary", str(folder), *([] if self.journal else ["--no-journal"])]

    def flows(self, ready: Mapping[str, Any]) -> dict[str, Callable[[], Flow]]:
        """Return the flows."""
        oauth = f"/{ready['tenant']}/oauth2/v2.0"
        api = (ready["api"][0], ready["api"][1])
        wire = Wire(
            f"{oauth}/devicecode", f"{oauth}/token", f"{oauth}/introspect", ready["client"], ready["scope"], api
        )
        return {
            POLL: lambda: polls(wire),
            REQUEST: lambda: requests(wire),
            GRANT: lambda: self._grants(wire, ready),
            REFRESH: lambda: self._after_a_grant(wire, ready, refreshes),
            INTROSPECT: lambda: self._after_a_grant(wire, ready, introspections),
        }

    def _grants(self, wire: Wire, ready: Mapping[str, Any]) -> Flow:
        while True:
            yield from self._grant(wire, ready)

    def _after_a_grant(self, wire: Wire, ready: Mapping[str, Any], then: Callable[[Wire, Any], Flow]) -> Flow:
        yield from then(wire, (yield from self._grant(wire, ready)))

    def _grant(self, wire: Wire, ready: Mapping[str, Any]) -> Flow:
        started = answered((yield wire.ask()))
        claimed = expect((yield self._press(ready, "/devicelogin", user_code=started["user_code"])), 303)
        page = urlsplit(claimed.header("Location")).path
        expect((yield self._press(ready, f"{page}/approve")), 200)
        return answered((yield wire.poll(started["device_code"])))

    @staticmethod
    def _press(ready: Mapping[str, Any], path: str, **fields: str) -> bytes:
        headers = {"Cookie": ready["cookie"], "Sec-Fetch-Site": "same-origin"}
        return post(path, {**fields, "form_token": ready["form_token"]}, headers)
