"""
The OAuth door on a real house: SQLite on a temporary file, real keys, a clock that tests move. No process, no socket.
"""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
from sqlalchemy import insert

from ostiary.app.serve import application
from ostiary.core.directory.applications import Application, Scope, Secret, normal_identifier, to_document
from ostiary.core.directory.people import User
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.tokens.pkce import challenge_of
from ostiary.core.tokens.session import Session, SessionKind
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import AppId, ExemptionId, GroupId, SessionId, UserId
from ostiary.core.words.instants import Instant, Span, after, days, hours
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.outside import Outside
from ostiary.outside.passwords import Passwords
from ostiary.outside.random import SystemRandom
from ostiary.outside.vault import MasterKey, Vault
from ostiary.services.access.desk import PICTURE, Desk, touch
from ostiary.services.house import House, Settings
from ostiary.services.logs.floods import Floods
from ostiary.services.signals.poll_room import PollRoom
from ostiary.services.signins.waiting_room import WaitingRoom
from ostiary.services.tokens.issue import Issued, issue
from ostiary.services.tokens.keyring import Keyring
from ostiary.services.tokens.proofs import Proofs
from ostiary.services.tokens.rotation import ensure_keys
from ostiary.store import Tx, directory, exemptions, registry, schema, sessions, tokens
from ostiary.store.logs import open_stream, since
from ostiary.store.sqlite import SqliteStore
from ostiary.web.front.csrf import token
from tests.assessed import ASSESSED
from tests.clock import MovableClock
from tests.schema import empty
from tests.server import CHEAP

T = TypeVar("T")

ORIGIN = "https://localhost:8443"
TENANT = "7a0d1f2e-0000-4000-8000-000000000001"
DOMAIN = "example.com"
ALICE = UserId("7a0d1f2e-0000-4000-8000-0000000000a1")
BOB = UserId("7a0d1f2e-0000-4000-8000-0000000000b2")
GROUP = GroupId("7a0d1f2e-0000-4000-8000-0000000000e0")
ADMIN_API = AppId("0f5c7a3e-6d0b-4d6e-9a57-05717a1c1002")
CLI = AppId("0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001")
API = AppId("7a0d1f2e-0000-4000-8000-00000000a910")
GATEWAY = AppId("7a0d1f2e-0000-4000-8000-00000000a911")
OTHER = AppId("7a0d1f2e-0000-4000-8000-00000000a912")
OLD = AppId("7a0d1f2e-0000-4000-8000-00000000a913")
CLOSED = AppId("7a0d1f2e-0000-4000-8000-00000000a914")
API_URI = "https://api.example/"
REDIRECT = "http://127.0.0.1:53211/callback"
VERIFIER = "v" * 64
SECRETS = {API: "api-secret", GATEWAY: "gateway-secret", OTHER: "other-secret"}


def applications(now: Instant) -> tuple[Application, ...]:
    """The registrations of the organisation."""

    def secret(id: AppId) -> tuple[Secret, ...]:
        return (Secret("1", digest(SECRETS[id]).hex(), "…", now, after(now, days(90))),)

    read, admin = Scope("Read", "Read things"), Scope("Things.ReadWrite.All", "Change things", administrative=True)
    me, everybody = Scope("User.Read", "Your own profile"), Scope("Directory.Read.All", "Everybody")
    inspect = Scope("introspect", "Inspect tokens", administrative=True)
    return (
        Application(
            ADMIN_API, "o1", "Admin", admin_api=True, identifier_uris=(ORIGIN,), public=False,
            scopes=(me, everybody, inspect),
        ),
        Application(
            CLI, "o2", "CLI", redirect_uris=("http://127.0.0.1/callback",), reach=(API_URI,), device_flow=True,
            assessment=ASSESSED,
        ),
        Application(
            API, "o3", "API", public=False, secrets=secret(API), identifier_uris=(API_URI,), scopes=(read, admin)
        ),
        Application(GATEWAY, "o4", "Gateway", public=False, secrets=secret(GATEWAY), gateway_for=(API_URI,)),
        Application(OTHER, "o5", "Other", public=False, secrets=secret(OTHER)),
        Application(OLD, "o6", "Old", redirect_uris=("https://old.example/back?x=1",), signing="RS256"),
        Application(
            CLOSED, "o7", "Closed", redirect_uris=("https://closed.example/",), assignment_required=True,
        ),
    )  # fmt: skip


CONSENTS = (
    (CLI, ADMIN_API, "User.Read Directory.Read.All"),
    (CLI, API, "Read Things.ReadWrite.All"),
    (OLD, ADMIN_API, "User.Read"),
    (CLOSED, ADMIN_API, "User.Read"),
)


class Site:
    """One house and its OAuth door."""

    def __init__(self, folder: Path) -> None:
        """Found it in *folder*: organisation, people, registrations, consents, keys; nobody is signed in."""
        self.runner = asyncio.Runner()
        self.clock, random = MovableClock(), SystemRandom()
        path = folder / "ostiary.db"
        _found(path, self.clock.now())
        store = SqliteStore(path, stream="node", salt=lambda: random.bytes(16))
        vault = Vault(MasterKey(random.bytes(32)), random=random)
        self.house = House(
            store=store, clock=self.clock, random=random, vault=vault,
            outside=Outside(Passwords(cost=CHEAP, threads=1)), desk=Desk(store, self.clock),
            room=WaitingRoom(), keyring=Keyring(vault), floods=Floods(),
            proofs=Proofs(random.bytes(32), self.clock.now()), settings=Settings(origin=ORIGIN, data=folder),
            polls=PollRoom(),
        )  # fmt: skip
        self.run(self._furnish())
        self.app = self.serve(self.house)
        self.cookie = ""

    def serve(self, house: House) -> Any:
        """Every door of *house*, put together by the product itself."""
        return application(house)

    async def _furnish(self) -> None:
        async def body(tx: Tx) -> None:
            await open_stream(tx, "node")
            for id, name in ((ALICE, "alice"), (BOB, "bob")):
                await directory.add(tx, User(id, f"{name}@{DOMAIN}", name.title(), f"{name}@mail.example"))

        await self.house.store.write(body)
        await self.house.desk.reload()
        await ensure_keys(self.house, self.visit())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* to its end."""
        return self.runner.run(work)

    def write(self, body: Any) -> Any:
        """Run *body* in a transaction."""
        return self.run(self.house.store.write(body))

    def close(self) -> None:
        """Let go of the file."""
        self.run(self.house.store.close())
        self.house.outside.passwords.close()
        self.runner.close()

    def visit(self, caller: Caller | None = None) -> Visit:
        """A visit now."""
        made = Visit(self.clock.now(), self.house.random.guid(), address="127.0.0.1")
        return made if caller is None else replace(made, caller=caller)

    def local(self) -> Visit:
        """A visit through the local door."""
        return self.visit(Caller(CallerKind.LOCAL, id="root", name="root", origin=Origin.LOCAL))

    def request(self, method: str, url: str, **more: Any) -> httpx.Response:
        """One request as a client on loopback would make it; redirects are not followed."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, client=("127.0.0.1", 40000))
            headers = {
                **({"cookie": f"__Host-session={self.cookie}"} if self.cookie else {}),
                **more.pop("headers", {}),
            }
            async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
                return await client.request(method, url, headers=headers, **more)

        return self.run(send())

    def get(self, url: str, **more: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", url, **more)

    def post(self, url: str, form: dict[str, str], **more: Any) -> httpx.Response:
        """POST of a form."""
        return self.request("POST", url, data=form, **more)

    def introspect(self, token: str, asking: AppId = API) -> httpx.Response:
        """What *asking* is told of *token*."""
        return self.post(f"/{TENANT}/oauth2/v2.0/introspect", {"token": token}, auth=(asking, SECRETS.get(asking, "")))

    def sign_in(self, user: UserId = ALICE) -> None:
        """*user* is signed in at the browser with two factors from now on."""
        cookie, id, now = self.house.random.token(), SessionId(self.house.random.guid()), self.clock.now()
        ends = after(now, hours(12))

        async def body(tx: Tx) -> None:
            await sessions.add_half(
                tx, id, user, story=id, cookie=digest("half" + cookie), created=now, ends=ends, address="127.0.0.1"
            )
            found = await sessions.by_cookie(tx, digest("half" + cookie))
            assert found is not None
            await sessions.rise(
                tx, found[0], old_cookie=digest("half" + cookie), cookie=digest(cookie), now=now,
                idle_ends=after(now, hours(12)), ends=ends, amr=("pwd", "otp", "mfa"),
            )  # fmt: skip

        self.write(body)
        self.cookie = cookie

    def authorize(self, **parameters: str) -> httpx.Response:
        """
        The authorization request of the CLI, with *parameters* changed; an empty one is left out. Where the page asks
        whether to go on, the person does.
        """
        return self.continued(self.link(**parameters))

    def link(self, **parameters: str) -> httpx.Response:
        """The same as a link in a mail: nobody presses anything."""
        return self.get(f"/{TENANT}/oauth2/v2.0/authorize?{urlencode(self.asked(**parameters))}")

    def continued(self, answer: httpx.Response, said: str = "yes") -> httpx.Response:
        """*answer*, or what follows when it led to the page and the person *said* so there."""
        path, _, query = answer.headers.get("location", "").partition("?")
        if path != "/continue":
            return answer
        form = {**dict(parse_qsl(query)), "form_token": token(self.house, self.cookie), "ostiary_answer": said}
        return self.post(f"/{TENANT}/oauth2/v2.0/authorize", form, headers={"origin": ORIGIN})

    def asked(self, **parameters: str) -> dict[str, str]:
        """Its parameters."""
        usual = {
            "client_id": CLI, "redirect_uri": REDIRECT, "response_type": "code", "state": "s&1", "nonce": "n-1",
            "scope": "openid profile email offline_access User.Read", "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }  # fmt: skip
        return {name: value for name, value in {**usual, **parameters}.items() if value}

    def redeem(self, code: str, **parameters: str) -> httpx.Response:
        """The token request for *code*."""
        usual = {
            "grant_type": "authorization_code", "client_id": CLI, "code": code, "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER, "client_info": "1",
        }  # fmt: skip
        form = {name: value for name, value in {**usual, **parameters}.items() if value}
        return self.post(f"/{TENANT}/oauth2/v2.0/token", form)

    def code(self, **parameters: str) -> str:
        """A code for who is signed in."""
        return returned(self.authorize(**parameters))["code"]

    def exemption(self, length: Span = hours(1)) -> Exemption:
        """A window for Alice from now on."""
        now = self.clock.now()
        opened = Exemption(
            ExemptionId(self.house.random.guid()), ALICE, GROUP, "test", now, after(now, length), now, "local:root"
        )

        async def body(tx: Tx) -> None:
            await exemptions.add(tx, opened)

        self.write(body)
        return opened

    def session(self, *, exemption: Exemption | None = None, client: AppId = CLI, resource: AppId = API) -> Session:
        """A live session of Alice; of a device sign-in when it has an exemption."""
        now = self.clock.now()
        made = Session(
            id=SessionId(self.house.random.guid()), kind=SessionKind.DEVICE if exemption else SessionKind.CODE,
            origin=Origin.DEVICE_CODE if exemption else Origin.BROWSER, user=ALICE, client=client, story="story",
            created=now, idle_ends=after(now, hours(12)), ends=after(now, hours(12)), authenticated=now,
            amr=("pwd", "otp", "mfa"), resource=resource, exemption=exemption.id if exemption else None,
        )  # fmt: skip

        async def body(tx: Tx) -> None:
            await tokens.add(tx, made)

        self.write(body)
        return made

    def issue(self, session: Session, scopes: tuple[str, ...] = ("Read",), **more: Any) -> Issued | Refused:
        """Tokens of *session*, straight from the issuer."""
        picture = self.house.desk.picture
        assert session.client is not None
        assert session.resource is not None
        given = {"openid": frozenset({"openid"}), "ends": session.ends, **more}
        return issue(
            self.house, picture, self.visit(), session, client=picture.applications[session.client],
            resource=picture.applications[session.resource], scopes=scopes, user=self.user(), **given,
        )  # fmt: skip

    def token(self, session: Session, **more: Any) -> str:
        """An access token of *session*."""
        issued = self.issue(session, **more)
        assert isinstance(issued, Issued)
        return issued.access_token

    def register(self, id: AppId, **values: Any) -> None:
        """Change a registration, and tell the desk."""
        old = self.house.desk.picture.applications[id]

        async def body(tx: Tx) -> None:
            assert await registry.change(tx, old, replace(old, **values))
            await touch(tx, PICTURE)

        self.write(body)
        self.run(self.house.desk.reload())

    def user(self) -> User:
        """Alice, as she is now."""

        async def body(tx: Tx) -> User | None:
            return await directory.find(tx, ALICE)

        found = self.run(self.house.store.read(body))
        assert found is not None
        return found

    def change_user(self, **values: Any) -> None:
        """Change Alice's account."""
        old = self.user()

        async def body(tx: Tx) -> bool:
            return await directory.change(tx, old, replace(old, **values))

        assert self.write(body)

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """What the journal says of *kind*, oldest first."""

        async def body(tx: Tx) -> list[dict[str, Any]]:
            return [dict(one.body) for one in await since(tx, 0, 1000) if one.kind == kind]

        return self.run(self.house.store.read(body))


def returned(response: httpx.Response) -> dict[str, str]:
    """The parameters that a redirect to the application carries."""
    assert response.status_code == 303, response.text
    parts = urlsplit(response.headers["location"])
    assert parts.netloc, response.headers["location"]
    values = parse_qs(parts.query, strict_parsing=True)
    assert all(len(found) == 1 for found in values.values())
    return {name: found[0] for name, found in values.items()}


def _found(path: Path, now: Instant) -> None:
    engine = empty(path)
    with engine.begin() as db:
        db.execute(
            insert(schema.organisation),
            {"tenant": TENANT, "name": "Example", "domains": json.dumps([DOMAIN]), "sample": 0, "created": now},
        )
        db.execute(insert(schema.versions), [{"name": "picture", "number": 1}, {"name": "openings", "number": 1}])
        db.execute(insert(schema.groups), {"id": GROUP, "display_name": "X", "purpose": "exception", "created": now})
        for app in applications(now):
            db.execute(
                insert(schema.applications),
                {
                    "id": app.id, "object_id": app.object_id, "display_name": app.name, "enabled": 1, "created": now,
                    "registration": json.dumps(to_document(app)),
                },
            )  # fmt: skip
            for uri in app.identifier_uris:
                db.execute(insert(schema.identifiers), {"uri": normal_identifier(uri), "application": app.id})
        for client, resource, scopes in CONSENTS:
            db.execute(
                insert(schema.consents), {"client": client, "resource": resource, "scopes": scopes, "created": now}
            )
    engine.dispose()
