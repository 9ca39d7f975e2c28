"""
A house on a real database file for the tests of exemptions, policies and logs: real parts, a clock that is moved.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import insert

from ostiary.core.directory.applications import Application, to_document
from ostiary.core.directory.people import EXCEPTION, Role
from ostiary.core.words.caller import NOBODY, Caller, CallerKind, Origin
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant
from ostiary.core.words.visit import Visit
from ostiary.outside import Outside
from ostiary.outside.passwords import Passwords
from ostiary.outside.random import SystemRandom
from ostiary.outside.vault import MasterKey, Vault
from ostiary.services.access.desk import Desk
from ostiary.services.house import House, Settings
from ostiary.services.logs.floods import Floods
from ostiary.services.signals.poll_room import PollRoom
from ostiary.services.signins.waiting_room import WaitingRoom
from ostiary.services.tokens.keyring import Keyring
from ostiary.services.tokens.proofs import Proofs
from ostiary.store import Tx
from ostiary.store.logs import since
from ostiary.store.schema import applications, groups, organisation, policies, streams, users, versions
from ostiary.store.sqlite import SqliteStore
from tests.assessed import ASSESSED
from tests.clock import MovableClock
from tests.schema import empty
from tests.server import CHEAP

GROUP = "6f2b9d1e-0000-4000-8000-00000000000e"
ALICE, BOB, CAROL = (f"a11ce000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
CLI = AppId("0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001")
BLOCK_ID = "b10c0000-0000-4000-8000-000000000001"
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


def found(path: Path) -> None:
    """An organisation with an administrator (Alice), a person (Bob) and a disabled one (Carol)."""
    engine = empty(path)
    people: tuple[tuple[str, str, bool, list[Role]], ...] = (
        (ALICE, "alice", True, [Role.ADMINISTRATOR]),
        (BOB, "bob", True, []),
        (CAROL, "carol", False, []),
    )
    app = Application(CLI, "0b", "Ostiary CLI", device_flow=True, assessment=ASSESSED)
    with engine.begin() as db:
        db.execute(insert(organisation).values(tenant="7e4a", name="Sample", domains="[]", created=0))
        db.execute(insert(versions), [{"name": name, "number": 1} for name in ("picture", "openings")])
        db.execute(insert(streams).values(stream="n1", head=0))
        db.execute(insert(groups).values(id=GROUP, display_name="Exception", purpose=EXCEPTION, created=0))
        db.execute(insert(policies).values(id=BLOCK_ID, document=json.dumps(BLOCK), created=0, modified=0))
        for id, name, enabled, roles in people:
            db.execute(
                insert(users).values(
                    id=id,
                    principal_name=f"{name}@example.com",
                    display_name=name.title(),
                    enabled=int(enabled),
                    roles=json.dumps(roles),
                    created=0,
                )
            )
        document = json.dumps(to_document(app))
        db.execute(
            insert(applications).values(id=CLI, object_id="0b", display_name=app.name, registration=document, created=0)
        )
    engine.dispose()


@asynccontextmanager
async def a_house(folder: Path) -> AsyncIterator[tuple[House, MovableClock]]:
    """The house in *folder*, open until the end of the block, and its clock."""
    path = folder / "ostiary.db"
    found(path)
    random, clock = SystemRandom(), MovableClock()
    store = SqliteStore(path, stream="n1", salt=lambda: random.bytes(16))
    vault = Vault(MasterKey(random.bytes(32)), random=random)
    house = House(
        store, clock, random, vault, Outside(Passwords(cost=CHEAP)), Desk(store, clock), WaitingRoom(), Keyring(vault),
        Floods(), Proofs(random.bytes(32), clock.now()), Settings("https://localhost:8443", folder), PollRoom(),
    )  # fmt: skip
    await house.desk.reload()
    try:
        yield house, clock
    finally:
        await store.close()


def person(id: str, *roles: Role, origin: Origin = Origin.BROWSER, at: Instant, name: str = "") -> Caller:
    """A signed-in person with every scope that the API knows, MFA given at *at*."""
    return Caller(
        CallerKind.USER, id, name, origin, roles=frozenset(roles), client=None, amr=("pwd", "otp", "mfa"),
        authenticated_at=at,
    )  # fmt: skip


def alice(at: Instant, origin: Origin = Origin.BROWSER) -> Caller:
    """The administrator, freshly proved."""
    return person(ALICE, Role.ADMINISTRATOR, origin=origin, at=at, name="alice@example.com")


def bob(at: Instant, origin: Origin = Origin.BROWSER) -> Caller:
    """A person without a role."""
    return person(BOB, origin=origin, at=at, name="bob@example.com")


def local(user: str = "root") -> Caller:
    """Somebody at the local door."""
    return Caller(CallerKind.LOCAL, user, user, Origin.LOCAL)


def visit(house: House, caller: Caller = NOBODY, address: str = "203.0.113.9") -> Visit:
    """A request now."""
    return Visit(house.clock.now(), house.random.guid(), address=address, agent="test/1.0", caller=caller)


async def journal(house: House) -> list[tuple[str, dict[str, object]]]:
    """Every entry: kind and detail."""

    async def body(tx: Tx) -> list[tuple[str, dict[str, object]]]:
        return [(entry.kind, dict(entry.body["detail"])) for entry in await since(tx, 0, 10_000)]

    return await house.store.read(body)
