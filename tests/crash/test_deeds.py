"""R14 with whole deeds: after a kill -9 the store says everything that people and machines were told."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ostiary.app.wiring import DATABASE, close_house
from ostiary.core.signins.signin import State
from ostiary.core.words.digests import digest
from ostiary.services.house import House
from ostiary.services.logs.stories import catch_up
from ostiary.store import Tx, schema
from ostiary.store.backup import inspect
from ostiary.store.sql import Sql, sql
from tests.crash.deeds import Machine, found, opened, refresh, user_of

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("OSTIARY_TEST_ROUNDS", "20"))
Told = dict[str, str]

SIGNINS = sql(
    select(schema.signins.c.device_code, schema.signins.c.id, schema.signins.c.state, schema.signins.c.session)
)
HEADS = sql(select(schema.sessions.c.id, schema.sessions.c.head))
JOURNAL = sql(
    select(schema.journal.c.stream, schema.journal.c.number, schema.journal.c.body, schema.journal.c.leaf).order_by(
        schema.journal.c.stream, schema.journal.c.number
    )
)
STREAMS = sql(select(schema.streams.c.stream, schema.streams.c.head))
STORIES = sql(select(schema.stories.c.id, schema.stories.c.outcome))

LATER = {
    "claimed": {State.CLAIMED, State.READY, State.REDEEMED},
    "approved": {State.READY, State.REDEEMED},
    "redeemed": {State.REDEEMED},
    "refreshed": {State.REDEEMED},
}
"""Where a sign-in may stand after what was told of it."""


@contextmanager
def nursery(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that forks storms."""
    with subprocess.Popen(
        [sys.executable, str(HERE / "deeds.py"), str(data)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."},
    ) as made:  # fmt: skip
        try:
            yield made
        finally:
            assert made.stdin is not None
            made.stdin.close()


def kill_after(made: subprocess.Popen[bytes], round_: int, most: int) -> list[Told]:
    """A storm that is killed when *most* things were told; all that was told."""
    assert made.stdin is not None
    assert made.stdout is not None
    made.stdin.write(b"%d\n" % round_)
    made.stdin.flush()
    told: list[Told] = []
    child = 0
    while True:
        line = made.stdout.readline()
        assert line, "the nursery ended"
        one: Told = json.loads(line)
        if one["what"] == "over":
            return told
        if one["what"] == "child":
            child = int(one["pid"])
        elif one["what"] != "open":
            assert one["what"] != "wrong", one
            told.append(one)
            if len(told) == most:
                os.kill(child, signal.SIGKILL)


async def examine(data: Path, told: list[Told]) -> None:
    """The reopened house says all that was *told*; the last refresh token of each family still gives the next."""
    house, parts = await opened(data)
    try:
        signins = await _all(house, SIGNINS)
        by_code = {bytes(code): id for code, id, _, _ in signins}
        states = {id: State(state) for _, id, state, _ in signins}
        sessions = {id: session for _, id, _, session in signins}
        for one in told:
            if "code" in one:
                assert digest(one["code"]) in by_code, one
            if one["what"] in LATER:
                assert states[one["id"]] in LATER[one["what"]], (one, states[one["id"]])
        await _families(house, told, sessions)
        await _journal(house)
        await _stories(house, told)
    finally:
        await close_house(house, parts)


async def _all(house: House, statement: Sql) -> list[tuple[Any, ...]]:
    async def look(tx: Tx) -> list[tuple[Any, ...]]:
        return await tx.all(statement)

    return await house.store.read(look)


async def _families(house: House, told: list[Told], sessions: dict[str, str]) -> None:
    """
    R6, R14: a token that was given is the head, or was it a moment ago, when the answer that replaced it never left.
    """
    heads = dict(await _all(house, HEADS))
    machine = Machine(house, "10.255.255.1", await user_of(house))
    last = {one["id"]: one["token"] for one in told if "token" in one}
    for id, token in last.items():
        family, number, _ = token.split(".")
        assert sessions[id] == family
        assert int(number) <= heads[family] <= int(number) + 1
        assert (await refresh(machine, token)).refresh_token


async def _journal(house: House) -> None:
    """R15: every stream counts 1, 2, 3, … to its head, and each leaf is the hash of its entry."""
    entries = await _all(house, JOURNAL)
    for stream, head in await _all(house, STREAMS):
        numbers = [number for name, number, _, _ in entries if name == stream]
        assert numbers == list(range(1, head + 1))
    for stream, number, body, leaf in entries:
        raw = body.encode()
        assert sha256(b"\0" + raw).digest() == leaf, (stream, number)
        said = json.loads(raw)
        assert (said["stream"], said["number"]) == (stream, number)


async def _stories(house: House, told: list[Told]) -> None:
    """Each sign-in that was told of has its row in the log, and one that gave tokens is a success there."""
    machine = Machine(house, "", "")
    await catch_up(house, machine.visit())
    outcomes = dict(await _all(house, STORIES))
    for one in told:
        if one["what"] in ("redeemed", "refreshed"):
            assert outcomes[one["id"]] == "success"
        elif "id" in one:
            assert one["id"] in outcomes


def test_r14_twenty_kills_lose_nothing_that_people_were_told(tmp_path: Path) -> None:
    """R14: starts, claims, approvals, redemptions and refreshes that were answered are there for the next process."""
    data, every = tmp_path / "data", list[Told]()
    asyncio.run(found(data))
    with nursery(data) as made:
        for round_ in range(ROUNDS):
            told = kill_after(made, round_, 20 + round_ * 7 % 60)
            every += told
            inspect(data / DATABASE)
            asyncio.run(examine(data, told))
    kinds = {one["what"] for one in every}
    assert kinds == {"started", "claimed", "approved", "redeemed", "refreshed"}
    assert len(every) >= ROUNDS * 20
    asyncio.run(_everything(data, every))


async def _everything(data: Path, every: list[Told]) -> None:
    """At the end, all rounds together: nothing of an earlier one was lost by a later one."""
    house, parts = await opened(data)
    try:
        codes = {bytes(code): State(state) for code, _, state, _ in await _all(house, SIGNINS)}
        assert all(digest(one["code"]) in codes for one in every if "code" in one)
        assert all(codes[digest(one["code"])] is State.REDEEMED for one in every if one["what"] == "redeemed")
    finally:
        await close_house(house, parts)
