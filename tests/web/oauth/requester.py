"""
A requester over HTTP, with a key of its own or without: device flow, refresh, and the use of what it got.
"""

from typing import Any

import httpx
from starlette.applications import Starlette

from ostiary.core.signins.view import Approved
from ostiary.services.signins import decide
from ostiary.web import graph
from tests.holder import Holder
from tests.services.door import Door
from tests.web.oauth.site import CLI, ORIGIN, TENANT

BASE = f"{ORIGIN}/{TENANT}/oauth2/v2.0"
DEVICE, TOKEN, USERINFO, ME = f"{BASE}/devicecode", f"{BASE}/token", f"{ORIGIN}/oidc/userinfo", f"{ORIGIN}/v1.0/me"
OWN = f"openid profile offline_access {ORIGIN}/User.Read"


class Machine:
    """A requester with a key, and without any when it says so."""

    def __init__(self, door: Door, holder: Holder | None = None) -> None:
        """With *holder*'s key, or one of its own."""
        self.door = door
        self.holder = holder or Holder()
        self.nonce = ""

    def proof(self, method: str, uri: str, **changes: Any) -> str:
        """A proof with the nonce that is known."""
        return self.holder.proof(method, uri, self.door.clock.now(), **{"nonce": self.nonce, **changes})

    def post(self, uri: str, form: dict[str, str], *, key: bool = True) -> httpx.Response:
        """A form with a proof, and with another when a nonce is asked for."""
        answer = self.door.post(uri, form, headers={"dpop": self.proof("POST", uri)} if key else {})
        if key and answer.headers.get("dpop-nonce"):
            asked = self.nonce != answer.headers["dpop-nonce"] and answer.json().get("error") == "use_dpop_nonce"
            self.nonce = answer.headers["dpop-nonce"]
            return self.post(uri, form) if asked else answer
        return answer

    def start(self, *, key: bool = True, **changes: str) -> httpx.Response:
        """Ask for a code."""
        return self.post(DEVICE, {"client_id": CLI, "scope": OWN, **changes}, key=key)

    def poll(self, code: str, *, key: bool = True, **changes: str) -> httpx.Response:
        """Poll."""
        form = {"grant_type": "device_code", "client_id": CLI, "device_code": code, **changes}
        return self.post(TOKEN, form, key=key)

    def refresh(self, token: str, *, key: bool = True) -> httpx.Response:
        """Bring a refresh token."""
        return self.post(TOKEN, {"grant_type": "refresh_token", "client_id": CLI, "refresh_token": token}, key=key)

    def ask(self, uri: str, token: str, *, scheme: str = "DPoP", **changes: Any) -> httpx.Response:
        """Use an access token."""
        headers = {"authorization": f"{scheme} {token}"}
        if scheme == "DPoP":
            headers["dpop"] = self.proof("GET", uri, token=token, **changes)
        return api(self.door, "GET", uri, headers)


def api(door: Door, method: str, uri: str, headers: dict[str, str]) -> httpx.Response:
    """One request to the whole of userinfo and admin API."""

    async def send() -> httpx.Response:
        app = Starlette(routes=graph.routes(door.house)) if "/v1.0" in uri else door.app
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 40000))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.request(method, uri, headers=headers)

    return door.run(send())


def approve(door: Door, begun: dict[str, Any]) -> None:
    """Alice approves."""
    shown = door.claimed(begun["user_code"])
    assert isinstance(door.run(decide.approve(door.house, door.at_browser(), shown.signin.id)), Approved)


def signed_in(machine: Machine, *, key_at_start: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    """The device answer and the token answer of a whole sign-in."""
    begun = machine.start(key=key_at_start).json()
    approve(machine.door, begun)
    given = machine.poll(begun["device_code"])
    assert given.status_code == 200, given.text
    return begun, given.json()


def error(answer: httpx.Response) -> tuple[int, str]:
    """Status and error."""
    return answer.status_code, answer.json()["error"]


def alerts(door: Door) -> list[str]:
    """What administrators were alerted of."""
    return [entry["detail"]["about"] for entry in door.entries("system:alert:raised")]
