"""What was written of late, as the console's streams look at it."""

import asyncio
from pathlib import Path

from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.services.house import House
from ostiary.services.logs.changes import MOST, Changes, changes_since
from ostiary.services.logs.record import record
from ostiary.store import Tx, logs
from tests.records.house import a_house, visit


async def _write(house: House, count: int, kind: Kind) -> int:
    """That many entries; where the journal ends then."""

    async def body(tx: Tx) -> int:
        for _ in range(count):
            await record(tx, visit(house), Entry(kind))
        return await logs.head(tx)

    return await house.store.write(body)


def test_a_look_tells_the_kinds_and_a_storm_is_caught_up_with_at_once(tmp_path: Path) -> None:
    """Each entry is looked at once; behind a storm the next look begins at its end, and anything may have changed."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, _):
            start = (await changes_since(house, None)).position
            await _write(house, 2, Kind.USER_CHANGED)
            end = await _write(house, 1, Kind.GROUP_CHANGED)
            assert await changes_since(house, start) == Changes(end, frozenset({Kind.USER_CHANGED, Kind.GROUP_CHANGED}))
            assert await changes_since(house, end) == Changes(end, frozenset())
            await _write(house, 2 * MOST, Kind.USER_CHANGED)
            last = await _write(house, 1, Kind.GROUP_CHANGED)
            found = await changes_since(house, end)
            assert (found.position, found.beyond) == (last, True)

    asyncio.run(run())
