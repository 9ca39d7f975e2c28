"""
The desk: what a node keeps in memory of the organisation, and how a deed makes sure that it is not old.

Memory may be old; a decision never is: the transaction that decides compares both version rows first, and when one
moved, everything is read anew and the deed runs again.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from ostiary.core.access.locations import Geo, no_geo
from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.access.picture import Picture
from ostiary.core.exemptions.could_pass import VERSION as OPENINGS
from ostiary.core.exemptions.could_pass import Openings
from ostiary.core.words.errors import BrokenState, Stale, StoreBusy
from ostiary.outside.clock import Clock
from ostiary.store import Store, Tx
from ostiary.store.access import current_versions, raise_version, take_openings, take_picture

__all__ = ["OPENINGS", "PICTURE", "Desk", "settled", "touch"]

T = TypeVar("T")

TRIES = 20  # an organisation that changes this often within one deed is broken


class Desk:
    """The current picture and openings of one node."""

    def __init__(
        self, store: Store, clock: Clock, look: Callable[[str], Geo] = no_geo, built_in: frozenset[str] = frozenset()
    ) -> None:
        """
        Nothing is known until the first `reload`; *look* asks the geo files about an address, *built_in* are the models
        of passkeys that never leave a machine.
        """
        self._store = store
        self._look = look
        self._built_in = built_in
        self._clock = clock
        self._picture: Picture | None = None
        self.openings = Openings()
        self.turn = asyncio.Lock()
        """Of the deed that runs again because memory was old: one at a time, or each would make it old for the next."""

    @property
    def picture(self) -> Picture:
        """The picture. Raises BrokenState before the first `reload`."""
        if self._picture is None:
            raise BrokenState("the desk was never set up")
        return self._picture

    async def reload(self) -> None:
        """Read anew what is old."""
        now = self._clock.now()

        async def body(tx: Tx) -> tuple[Picture | None, Openings | None]:
            picture, openings = await current_versions(tx)
            same = self._picture is not None and self._picture.version == picture
            known = self.openings.version == openings
            return None if same else await self._take(tx), None if known else await take_openings(tx, now)

        picture, openings = await self._store.read(body)
        self._picture = picture or self._picture
        self.openings = openings or self.openings

    async def _take(self, tx: Tx) -> Picture:
        return replace(await take_picture(tx, self._look), built_in=self._built_in)

    async def fresh(self, tx: Tx) -> None:
        """Step: raise Stale when memory is older than the database."""
        if await current_versions(tx) != (self.picture.version, self.openings.version):
            raise Stale


class Holder(Protocol):
    """The part of the house that `settled` needs."""

    @property
    def store(self) -> Store:
        """The store."""

    @property
    def desk(self) -> Desk:
        """The desk."""


async def settled(house: Holder, body: Callable[[Tx, Picture], Coroutine[Any, Any, T]], *, write: bool = True) -> T:
    """
    Run *body* in one transaction on memory that is not old.

    For look-ups that decide (`write=False`) the same holds without a journal entry. Raises StoreBusy when memory is
    made old again and again.
    """
    store, desk = house.store, house.desk

    async def checked(tx: Tx) -> T:
        await desk.fresh(tx)
        return await body(tx, desk.picture)

    run = store.write if write else store.read
    with suppress(Stale):
        return await run(checked)
    async with desk.turn:
        for _ in range(TRIES):
            await desk.reload()
            with suppress(Stale):
                return await run(checked)
    raise StoreBusy(f"the organisation changed {TRIES} times within one deed")


async def touch(tx: Tx, *names: str) -> None:
    """Step: whoever changes what PICTURE or OPENINGS show says so, in the same transaction."""
    for name in names:
        await raise_version(tx, name)
