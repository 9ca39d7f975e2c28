"""The benchmark's own server and flows do what they are measured for."""

import asyncio
from pathlib import Path

from bench.cost import Plan, measure
from bench.ostiary import prepared
from bench.stacks import WORK, Ostiary
from ostiary.app.serve import application


def test_every_piece_of_work_can_be_measured(tmp_path: Path) -> None:
    """Each flow plays two pieces of work in front of the application; it checks each answer itself."""

    async def play() -> dict[str, list[float]]:
        async with prepared(tmp_path) as (house, _, said):
            app, flows = application(house), Ostiary().flows(said)
            plan = Plan(warm_up=4, seats=2, requests=4, batches=1)
            return {work: await measure(app, flows[work], plan) for work in WORK}

    assert all(spent > 0 for batches in asyncio.run(play()).values() for spent in batches)
