"""
The pages on a real house, and browsers that know nothing but HTTP: cookies, hidden fields, the headers of a form post.
"""

import asyncio
import html
import json
import re
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pyotp
from sqlalchemy import insert
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from ostiary.core.directory.applications import Application, Scope, normal_identifier, to_document
from ostiary.core.directory.people import EXCEPTION, Role
from ostiary.core.exemptions.opening import Opening
from ostiary.core.tokens.clients import Shown
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.ids import AppId, UserId
from ostiary.core.words.instants import hours, minutes, to_seconds
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.outside import Outside
from ostiary.outside.passwords import Passwords
from ostiary.outside.random import SystemRandom
from ostiary.outside.vault import MasterKey, Vault
from ostiary.services.access.desk import Desk
from ostiary.services.exemptions.open import open_exemption
from ostiary.services.house import House, Settings
from ostiary.services.logs.floods import Floods
from ostiary.services.signals.poll_room import PollRoom
from ostiary.services.signins.start import Request, Started, start
from ostiary.services.signins.waiting_room import WaitingRoom
from ostiary.services.tokens.keyring import Keyring
from ostiary.services.tokens.proofs import Proofs
from ostiary.store import Tx, credentials, directory
from ostiary.store.logs import since
from ostiary.store.schema import (
    applications,
    consents,
    groups,
    identifiers,
    organisation,
    policies,
    streams,
    users,
    versions,
)
from ostiary.store.sqlite import SqliteStore
from ostiary.web.front.stack import http_error, stack
from ostiary.web.pages import routes
from tests.assessed import ASSESSED
from tests.clock import MovableClock
from tests.schema import empty
from tests.server import CHEAP

T = TypeVar("T")

ORIGIN = "https://localhost:8443"
GROUP = "6f2b9d1e-0000-4000-8000-00000000000e"
ALICE, BOB, CAROL = (UserId(f"a11ce000-0000-4000-8000-00000000000{n}") for n in (1, 2, 3))
TOOL = AppId("0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001")
ADMIN_API = AppId("0f5c7a3e-6d0b-4d6e-9a57-05717a1c1002")
PASSWORD = "the porter sleeps at noon"
NAMES = {ALICE: "alice@example.com", BOB: "bob@example.com", CAROL: "carol@example.com"}
BLOCK = {
    "displayName": "Block device code flow",
    "state": "enabled",
    "conditions": {
        "users": {"includeUsers": ["All"], "excludeGroups": [GROUP]},
        "applications": {"includeApplications": ["All"]},
        "clientAppTypes": ["all"],
        "authenticationFlows": {"transferMethods": "deviceCodeFlow"},
    },
    "grantControls": {"operator": "OR", "builtInControls": ["block"]},
}


class Site:
    """One house with people, one application and every page."""

    def __init__(self, folder: Path, *, people: bool = True, sample: bool = False, origin: str = ORIGIN) -> None:
        """Found it in *folder*; without *people* it is as empty as after `ostiary-server init`."""
        self.runner = asyncio.Runner()
        self.clock, self.random, self.origin = MovableClock(), SystemRandom(), origin
        path = folder / "ostiary.db"
        found(path, people=people, sample=sample, origin=origin)
        store = SqliteStore(path, stream="n1", salt=lambda: self.random.bytes(16))
        vault = Vault(MasterKey(self.random.bytes(32)), random=self.random)
        self.house = House(
            store=store, clock=self.clock, random=self.random, vault=vault, outside=Outside(Passwords(cost=CHEAP)),
            desk=Desk(store, self.clock), room=WaitingRoom(), keyring=Keyring(vault), floods=Floods(),
            proofs=Proofs(self.random.bytes(32), self.clock.now()), settings=Settings(origin, folder),
            polls=PollRoom(),
        )  # fmt: skip
        self.run(self.house.desk.reload())
        self.seeds: dict[UserId, str] = {}
        self.app = self.serve(self.house)
        if people:
            for user in NAMES:
                self.give(user)

    def serve(self, house: House) -> Any:
        """The pages of *house* behind the whole pipeline."""
        handlers: Any = {HTTPException: http_error(house)}
        return stack(Starlette(routes=routes(house), exception_handlers=handlers), house)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Finish *work*."""
        return self.runner.run(work)

    def close(self) -> None:
        """Let go of everything."""
        self.run(self.house.store.close())
        self.house.outside.passwords.close()
        self.runner.close()

    def give(self, user: UserId, *, factor: bool = True) -> None:
        """Give *user* the password of all, and an authenticator."""
        encoded = self.run(self.house.outside.passwords.hash(PASSWORD))
        id, seed = self.random.guid(), pyotp.random_base32()

        async def body(tx: Tx) -> None:
            await credentials.set_password(tx, user, encoded, self.clock.now())
            if factor:
                sealed = self.house.vault.seal("totp", "authenticators", id, "sealed", seed.encode())
                await credentials.add_authenticator(tx, id, user, sealed, step=0, now=self.clock.now())

        self.run(self.house.store.write(body))
        self.seeds[user] = seed

    def drop_factor(self, user: UserId) -> None:
        """Take *user*'s authenticator away, as if there had never been one."""

        async def body(tx: Tx) -> int:
            return await credentials.drop_authenticators(tx, user)

        self.run(self.house.store.write(body))

    def totp(self, user: UserId) -> str:
        """The code that *user*'s authenticator shows; the clock moves on first, because a code counts once."""
        self.clock.move(minutes(0.5))
        return pyotp.TOTP(self.seeds[user]).at(to_seconds(self.clock.now()))

    def browser(self, address: str = "198.51.100.7") -> "Browser":
        """A browser with no cookies."""
        return Browser(self, address)

    def visit(self, user: UserId | None = None, *roles: Role, address: str = "203.0.113.9") -> Visit:
        """A request now, of *user* with fresh proof."""
        now, amr = self.clock.now(), ("pwd", "otp", "mfa")
        caller = Caller()
        if user is not None:
            held = frozenset(roles)
            caller = Caller(CallerKind.USER, user, NAMES[user], Origin.BROWSER, held, amr=amr, authenticated_at=now)
        return Visit(now, self.random.guid(), address=address, agent="tool/1.0 (Linux)", caller=caller)

    def admin(self) -> Visit:
        """A request of the administrator."""
        return self.visit(ALICE, Role.ADMINISTRATOR)

    def open(self, user: UserId) -> str:
        """Open an exemption of two hours for *user*; its id."""
        shown = self.run(open_exemption(self.house, self.admin(), Opening(user, hours(2), "install the build tool")))
        assert not isinstance(shown, Refused), shown
        self.run(self.house.desk.reload())
        return shown.exemption.id

    def start(self, address: str = "203.0.113.9") -> Started:
        """A machine asks for a code."""
        request = Request(client=Shown(TOOL), scope=f"{self.origin}/User.Read offline_access")
        started = self.run(start(self.house, self.visit(address=address), request))
        assert isinstance(started, Started), started
        return started

    def change(self, user: UserId, **values: Any) -> None:
        """Overwrite fields of an account."""

        async def body(tx: Tx) -> bool:
            old = await directory.find(tx, user)
            assert old is not None
            return await directory.change(tx, old, replace(old, **values))

        assert self.run(self.house.store.write(body))

    def entries(self, kind: str = "") -> list[dict[str, Any]]:
        """The journal's entries (of *kind*), oldest first."""

        async def body(tx: Tx) -> list[dict[str, Any]]:
            return [dict(each.body) for each in await since(tx, 0, 10_000) if kind in ("", each.kind)]

        return self.run(self.house.store.read(body))


class Browser:
    """Somebody's browser: keeps cookies, fills in forms, follows nothing by itself."""

    def __init__(self, site: Site, address: str) -> None:
        """No cookies, at *address*."""
        self.site = site
        transport = httpx.ASGITransport(site.app, client=(address, 50_000))
        self.client = httpx.AsyncClient(transport=transport, base_url=site.origin, headers={"user-agent": "Browser/1"})

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Open *path*; *headers* are what the browser says besides."""
        return self.site.run(self.client.get(path, headers=headers))

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form as a browser sends one of ours; with the token of the page at hand unless *fields* brings one."""
        headers = {"sec-fetch-site": "same-origin", "origin": self.site.origin}
        return self.site.run(self.client.post(path, data=fields, headers=headers))

    def submit(self, page: httpx.Response, path: str, **fields: str) -> httpx.Response:
        """Fill in the form of *page* that goes to *path*."""
        return self.post(path, **hidden(page, path), **fields)

    def follow(self, response: httpx.Response) -> httpx.Response:
        """Go where *response* leads."""
        assert response.status_code == 303, response.text
        return self.get(response.headers["location"])

    def password(self, user: UserId, password: str = PASSWORD, back: str = "") -> httpx.Response:
        """The first step."""
        page = self.get(f"/signin?return={back}" if back else "/signin")
        return self.submit(page, "/signin", username=NAMES[user], password=password)

    def sign_in(self, user: UserId, back: str = "") -> httpx.Response:
        """Both steps; the answer to the second."""
        second = self.follow(self.password(user, back=back))
        return self.submit(second, "/signin/second", totp=self.site.totp(user))

    @property
    def cookies(self) -> dict[str, str]:
        """What it keeps."""
        return dict(self.client.cookies)


def hidden(page: httpx.Response, action: str) -> dict[str, str]:
    """The hidden fields of the form on *page* that goes to *action*."""
    form = re.search(rf'<form method="post" action="{re.escape(action)}".*?</form>', page.text, re.S)
    assert form, f"no form to {action} on the page:\n{page.text}"
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form[0])
    return {name: html.unescape(value) for name, value in found}


def actions(page: httpx.Response) -> list[str]:
    """Where the forms of *page* go, in their order."""
    return re.findall(r'<form method="post" action="([^"]+)"', page.text)


def found(path: Path, *, people: bool, sample: bool, origin: str) -> None:
    """An organisation with one application, the default block, and three people where asked: the first administers."""
    engine = empty(path)
    me = Scope("User.Read", "Read your own profile: name and user name")
    apps = (
        Application(
            TOOL, "o1", "Build tool", device_flow=True, assessment=ASSESSED, redirect_uris=("http://127.0.0.1",)
        ),
        Application(ADMIN_API, "o2", "Ostiary", public=False, admin_api=True, identifier_uris=(origin,), scopes=(me,)),
    )
    with engine.begin() as db:
        values = {
            "tenant": "7e4a",
            "name": "Example",
            "domains": '["example.com"]',
            "sample": int(sample),
            "created": 0,
        }
        db.execute(insert(organisation).values(**values))
        db.execute(insert(versions), [{"name": name, "number": 1} for name in ("picture", "openings")])
        db.execute(insert(streams).values(stream="n1", head=0))
        db.execute(insert(groups).values(id=GROUP, display_name="Exception", purpose=EXCEPTION, created=0))
        db.execute(insert(policies).values(id="b10c", document=json.dumps(BLOCK), created=0, modified=0))
        for app in apps:
            document = json.dumps(to_document(app))
            db.execute(
                insert(applications).values(
                    id=app.id, object_id=app.object_id, display_name=app.name, registration=document, created=0
                )
            )
        db.execute(insert(identifiers).values(uri=normal_identifier(origin), application=ADMIN_API))
        db.execute(insert(consents).values(client=TOOL, resource=ADMIN_API, scopes="User.Read", created=0))
        for id, name in NAMES.items() if people else ():
            roles = json.dumps([Role.ADMINISTRATOR] if id == ALICE else [])
            values = {"display_name": name.partition("@")[0].title(), "roles": roles, "created": 0}
            db.execute(insert(users).values(id=id, principal_name=name, **values))
    engine.dispose()
