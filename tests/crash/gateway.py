"""
A confidential application that is a registered gateway of our own API, so that it may introspect and subscribe.
"""

from ostiary.core.directory.applications import Application, Secret
from ostiary.core.words.digests import digest
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import after, days
from ostiary.services.access.desk import PICTURE, touch
from ostiary.services.house import House
from ostiary.store import Tx, registry

GATE = AppId("7a0d1f2e-0000-4000-8000-00000000a9a7")
SECRET = "the-secret-of-the-gateway"


async def registered(house: House) -> None:
    """Put it into the registry of *house*."""
    now = house.clock.now()
    kept = Secret("1", digest(SECRET).hex(), "…", now, after(now, days(90)))
    gate = Application(
        GATE, "9a7e", "Gateway", public=False, secrets=(kept,), gateway_for=(house.settings.origin,), created=now
    )

    async def body(tx: Tx) -> None:
        await registry.add(tx, gate)
        await touch(tx, PICTURE)

    await house.store.write(body)
    await house.desk.reload()
