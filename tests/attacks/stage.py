"""
The stage of the attacks: a running server, networks to come from, and who stands there.

All of 127.0.0.0/8 is this machine, so a client that binds 127.30.0.7 speaks real TLS over real TCP and comes from
"abroad", where the geo files of the stage put that network. Owns how a scene is set and cleared away; what is played,
and what should stop it, is the modules' (`plots.py`).
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import delete

from ostiary.core.detections.response import ResponsePolicy
from ostiary.core.directory.people import Role
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import AppId, SessionId
from ostiary.core.words.instants import after, hours
from ostiary.core.words.visit import Visit
from ostiary.services.access import locations, policies
from ostiary.services.access.desk import PICTURE, touch
from ostiary.services.detections.triage import change_responses
from ostiary.store import Tx, registry, schema, sessions
from ostiary.store.directory import find_named
from ostiary.store.exemptions import person
from ostiary.store.logs import since
from ostiary.store.sql import sql
from ostiary.web.front.credentials import SESSION
from tests import mmdb
from tests.attacks.visitor import Visitor, hidden
from tests.holder import Holder
from tests.server import CLIENTS, Server, running

CLI = CLIENTS["ostiary-cli"]
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
HOME, STREET, ABROAD = "127.10.0.0/16", "127.20.0.0/16", "127.30.0.0/16"
"""Where people live and work; another network of the same town; another country, where machines are for rent."""


_CITIES = {
    HOME: {"country": {"iso_code": "NO"}, "location": {"latitude": 59.9139, "longitude": 10.7522}},
    STREET: {"country": {"iso_code": "NO"}, "location": {"latitude": 59.9139, "longitude": 10.7522}},
    ABROAD: {"country": {"iso_code": "NG"}, "location": {"latitude": 6.5244, "longitude": 3.3792}},
}
_OPERATORS = {HOME: (64500, "Example Broadband"), STREET: (64501, "Example Mobile"), ABROAD: (64502, "Example Hosting")}
_FORGET = sql(delete(schema.throttles))


def geo_files(folder: Path) -> dict[str, Path]:
    """The settings that name geo files for the networks above."""
    mmdb.write(folder / "city.mmdb", _CITIES)
    networks = {
        network: {"autonomous_system_number": number, "autonomous_system_organization": name}
        for network, (number, name) in _OPERATORS.items()
    }
    mmdb.write(folder / "asn.mmdb", networks)
    return {"geo_city": folder / "city.mmdb", "geo_asn": folder / "asn.mmdb"}


@contextmanager
def raised(folder: Path, **config: Any) -> Iterator["Stage"]:
    """A server in *folder* with geo files and *config*."""
    with running(folder / "data", **geo_files(folder), **config) as server:
        yield Stage(server)


class Stage:
    """One server, and the hands that set its scenes."""

    def __init__(self, server: Server) -> None:
        """Nobody is on it."""
        self.server, self.house = server, server.house
        self._used = 0
        self._scene = ExitStack()
        self.home = self._located("Home", HOME)
        self.answers(severities={"high": ["alert"]})  # what is attacked here stands by itself

    # ---- who is there

    def address(self, network: str) -> str:
        """An address of *network* that nobody has used, so that one scene's limits are not another's."""
        self._used += 1
        return f"{network.partition('.0.')[0]}.{self._used // 250}.{self._used % 250 + 1}"

    def machine(self, network: str, *, key: bool = False) -> "Machine":
        """A requester there, with a key of its own or without."""
        return Machine(self, self.visitor(network), Holder() if key else None)

    def visitor(self, network: str) -> Visitor:
        """A browser there, with no cookies."""
        made = Visitor(self.server.origin, self.server.ca_file, self.address(network))
        return self._scene.enter_context(made)

    def person(self, name: str, network: str = HOME) -> Visitor:
        """
        Somebody signed in there a moment ago with both factors. Where signing in is not what is attacked the session is
        written down as the pages do it: a hash of their password for each scene would cost more than all the rest.
        """
        browser, now, cookie = self.visitor(network), self.server.clock.now(), self.house.random.token()
        id, ends = SessionId(self.house.random.guid()), after(now, hours(12))

        async def body(tx: Tx) -> None:
            user = await find_named(tx, self.server.people[name].username)
            assert user is not None
            half = digest("half" + cookie)
            await sessions.add_half(
                tx, id, user.id, story=id, cookie=half, created=now, ends=ends, address=browser.address
            )
            found = await sessions.by_cookie(tx, half)
            assert found is not None
            assert await sessions.rise(
                tx, found[0], old_cookie=half, cookie=digest(cookie), now=now, idle_ends=ends, ends=ends,
                amr=("pwd", "otp", "mfa"),
            )  # fmt: skip

        self.server.run(self.house.store.write(body))
        browser.http.cookies.set(SESSION, cookie, domain="localhost.local", path="/")
        return browser

    # ---- what is set

    def answers(self, **changes: Any) -> None:
        """What is done about findings, changed."""
        made = self.server.run(change_responses(self.house, self.admin(), changes, "for the stage"))
        assert isinstance(made, ResponsePolicy), made

    @contextmanager
    def scene(self) -> Iterator[None]:
        """
        Alice, the victim, has an exemption open. What happens in it is over after it: browsers, exemptions, and what
        was counted of anybody.
        """
        self.server.run(self.house.store.write(lambda tx: tx.run(_FORGET)))
        with ExitStack() as scene:
            self._scene = scene
            self.open("alice")
            yield

    def open(self, name: str, **more: Any) -> None:
        """An exemption of *name* until the end of the scene."""
        self.server.open_exemption(name, **more)
        self._scene.callback(self.server.end_exemptions, name)

    @contextmanager
    def policy(self, name: str, **fields: Any) -> Iterator[None]:
        """A policy about device sign-ins of those with an exemption, called *name*; *fields* beside the usual ones."""
        conditions = {
            "users": {"includeGroups": [self.house.desk.picture.exception_group]},
            "applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"],
            "authenticationFlows": {"transferMethods": "deviceCodeFlow"},
        }  # fmt: skip
        document = {"displayName": name, "state": "enabled", "conditions": conditions, **fields}
        made = self.server.run(policies.create_policy(self.house, self.admin(), document))
        assert hasattr(made, "id"), made
        yield
        assert self.server.run(policies.delete_policy(self.house, self.admin(), made.id)) is None

    @contextmanager
    def registered(self, id: str = CLI, **values: Any) -> Iterator[None]:
        """The registration of *id* with *values*."""
        before = self.house.desk.picture.applications[AppId(id)]
        self._register(before, replace(before, **values))
        yield
        self._register(replace(before, **values), before)

    def _register(self, old: Any, new: Any) -> None:
        async def body(tx: Tx) -> None:
            assert await registry.change(tx, old, new)
            await touch(tx, PICTURE)

        self.server.run(self.house.store.write(body))
        self.server.run(self.house.desk.reload())

    def _located(self, name: str, network: str) -> str:
        given = {"displayName": name, "ipRanges": [{"cidrAddress": network}]}
        made = self.server.run(locations.create_location(self.house, self.admin(), given))
        assert hasattr(made, "id"), made
        return str(made.id)

    def admin(self) -> Visit:
        """An administrator at the admin API, with fresh proof."""
        visit, name = self.server.visit(), self.server.people["bea"].username
        caller = Caller(
            CallerKind.USER, "bea", name, Origin.BROWSER, frozenset({Role.ADMINISTRATOR}), amr=("pwd", "otp", "mfa"),
            authenticated_at=visit.now,
        )  # fmt: skip
        return replace(visit, caller=caller)

    def judge(self) -> Visit:
        """An approver at the pages, with fresh proof."""
        visit, found = self.server.visit(), self.server.run(self.house.store.read(lambda tx: person(tx, self._bea)))
        assert found is not None
        caller = Caller(
            CallerKind.USER, found.id, self._bea, Origin.BROWSER, frozenset({Role.ADMINISTRATOR, Role.APPROVER}),
            amr=("pwd", "otp", "mfa"), authenticated_at=visit.now,
        )  # fmt: skip
        return replace(visit, caller=caller)

    @property
    def _bea(self) -> str:
        return self.server.people["bea"].username

    # ---- what became of it

    def entries(self, kind: str) -> list[Mapping[str, Any]]:
        """What the journal says of *kind*, oldest first."""

        async def body(tx: Tx) -> list[Mapping[str, Any]]:
            return [one.body for one in await since(tx, 0, 1_000_000) if one.kind == kind]

        return self.server.run(self.house.store.read(body))

    def alerts(self) -> list[str]:
        """What administrators were alerted of, oldest first."""
        return [entry["detail"]["about"] for entry in self.entries("system:alert:raised")]


class Machine:
    """A requester: the device flow of the command-line client over HTTPS, nothing in it that the wire does not hold."""

    def __init__(self, stage: Stage, browser: Visitor, holder: Holder | None) -> None:
        """At the address of *browser*, with the key of *holder* if it has one."""
        self.stage, self.http, self.holder = stage, browser.http, holder
        self.nonce = ""

    @property
    def scope(self) -> str:
        """What it asks for: to see who signed in, and to stay signed in."""
        return f"{self.stage.server.origin}/User.Read openid offline_access"

    def start(self, **more: str) -> httpx.Response:
        """Ask for a code."""
        return self.post("devicecode", {"scope": self.scope, **more})

    def poll(self, device_code: str) -> httpx.Response:
        """Ask what came of it."""
        return self.post("token", {"grant_type": DEVICE_CODE, "device_code": device_code})

    def refresh(self, token: str) -> httpx.Response:
        """Bring a refresh token."""
        return self.post("token", {"grant_type": "refresh_token", "refresh_token": token})

    def post(self, end: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """One form, with a proof of the key where there is one, and again with the nonce that is asked for."""
        path = f"/common/oauth2/v2.0/{end}"
        fields = {"client_id": CLI, **form}
        if self.holder is None:
            return self.http.post(path, data=fields, headers=headers)
        while True:
            uri, now = self.stage.server.origin + path, self.stage.server.clock.now()
            proof = self.holder.proof("POST", uri, now, nonce=self.nonce)
            answer = self.http.post(path, data=fields, headers={**headers, "dpop": proof})
            fresh = answer.headers.get("dpop-nonce", self.nonce)
            asked, self.nonce = fresh != self.nonce and "use_dpop_nonce" in answer.text, fresh
            if not asked:
                return answer

    def whose(self, answer: httpx.Response) -> str:
        """Who somebody is to the API who holds the access token of *answer*; empty when it holds none that works."""
        token = answer.json().get("access_token", "")
        path, scheme, proof = "/oidc/userinfo", "Bearer", {}
        if self.holder is not None and answer.json().get("token_type") == "DPoP":
            uri, now = self.stage.server.origin + path, self.stage.server.clock.now()
            scheme, proof = "DPoP", {"dpop": self.holder.proof("GET", uri, now, nonce=self.nonce, token=token)}
        told = self.http.get(path, headers={"authorization": f"{scheme} {token}", **proof})
        return str(told.json().get("sub", "")) if token and told.status_code == 200 else ""


def typed(browser: Visitor, user_code: str) -> httpx.Response:
    """The person types the code: to the page that asks for the decision, or the refusal."""
    page = browser.get("/devicelogin")
    return browser.submit(page, "/devicelogin", user_code=user_code)


def pressed(browser: Visitor, claimed: httpx.Response, button: str = "approve") -> httpx.Response:
    """The person presses *button* on the page that *claimed* led to."""
    request = claimed.headers["location"]
    return browser.submit(browser.get(request), f"{request}/{button}")


def said(answer: httpx.Response) -> str:
    """What an answer says: an OAuth error with its description, or the words of a page."""
    if answer.headers.get("content-type", "").startswith("application/json"):
        body = answer.json()
        return f"{answer.status_code} {body.get('error', '')}: {body.get('error_description', '')}"
    text = re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2].partition(">")[2])
    return f"{answer.status_code} " + " ".join(text.split())


__all__ = [
    "ABROAD", "CLI", "DEVICE_CODE", "HOME", "STREET", "Machine", "Stage", "geo_files", "hidden", "pressed", "said",
    "typed",
]  # fmt: skip
