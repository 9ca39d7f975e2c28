"""The rules in a process of their own: the same findings, and none the less where it is killed, stopped or silent."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from ostiary.app import detector as aside
from ostiary.app.detector import ProcessDetector
from ostiary.core.detections.event import nowhere
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import StoreBusy
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import days
from ostiary.outside.clock import SystemClock
from ostiary.outside.geo import GeoPaths
from ostiary.services.detections import read
from ostiary.services.detections.look import Seen, look
from ostiary.services.detections.read import run_detections
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Row, Tx
from ostiary.store.erasures import erase_rows
from ostiary.store.schema import detection_tracks, findings
from ostiary.store.sql import sql
from ostiary.store.sqlite import SqliteReader
from tests.clock import MovableClock
from tests.records.house import BOB, CLI, a_house, visit

DATABASE = "ostiary.db"
_FINDINGS = sql(select(findings.c.id, findings.c.rule, findings.c.story, findings.c.seen).order_by(findings.c.id))
_TRACKS = sql(
    select(detection_tracks.c.key, detection_tracks.c.value, detection_tracks.c.expires).order_by(
        detection_tracks.c.key
    )
)
_FORGET = sql(delete(detection_tracks))
SHORT = 8  # characters of a finding's id in the track that bounds findings (`fold.py`)
FAR = read.FAR


def play(folder: Path, story: Callable[[House, ProcessDetector], Coroutine[None, None, None]]) -> None:
    """Run *story* in a house that has such a process."""

    async def run() -> None:
        async with a_house(folder) as (house, _):
            detector = ProcessDetector(folder / DATABASE, GeoPaths(), house.clock)
            try:
                await story(replace(house, detector=detector), detector)
            finally:
                detector.close()

    asyncio.run(run())


async def much(house: House, begin: int = 0, count: int = FAR) -> None:
    """*count* sign-ins that their person reported, two entries each: more than the house looks at itself."""

    async def body(tx: Tx) -> None:
        for number in range(begin, begin + count):
            told = {"client": CLI, "client_name": "Ostiary CLI"}
            await record(tx, seen, Entry(Kind.STARTED, f"application:{CLI}", f"s{number}", told))
            await record(tx, seen, Entry(Kind.REPORTED, f"user:{BOB}", f"s{number}"))

    seen = replace(visit(house, address="203.0.113.9"), id="d0000000-0000-4000-8000-000000000000")
    await house.store.write(body)


async def left(house: House) -> tuple[list[Row], list[Row]]:
    """Every finding, and all that is remembered."""

    async def body(tx: Tx) -> tuple[list[Row], list[Row]]:
        return await tx.all(_FINDINGS), await tx.all(_TRACKS)

    return await house.store.read(body)


def runs(detector: ProcessDetector) -> subprocess.Popen[bytes]:
    """The process, which must be there."""
    process = detector._process
    assert process is not None
    assert process.poll() is None
    return process


def test_it_sees_what_the_house_sees(tmp_path: Path) -> None:
    """The same findings and the same memory, whoever looked; and who has little to look at needs nobody."""
    made: list[tuple[list[Row], list[Row]]] = []

    async def story(house: House, detector: ProcessDetector, looking: bool) -> None:
        await much(house)
        await run_detections(house if looking else replace(house, detector=None), visit(house))
        assert (detector._process is not None) == looking
        await much(house, FAR, read.FAR // 4)
        await run_detections(replace(house, detector=_Nobody()), visit(house))
        made.append(await left(house))

    for looking in (True, False):
        folder = tmp_path / str(looking)
        folder.mkdir()
        play(folder, partial(story, looking=looking))
    assert made[0] == made[1]
    assert len(made[0][0]) > 20


def test_r17_it_is_given_no_key_and_cannot_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's environment may hold the master key; the process gets a language, and a database to look at."""
    monkeypatch.setenv("OSTIARY_MASTER_KEY", "secret")

    async def story(house: House, detector: ProcessDetector) -> None:
        await much(house)
        await run_detections(house, visit(house))
        folder = Path(f"/proc/{runs(detector).pid}")
        assert (folder / "environ").read_bytes() == b"LC_ALL=C.UTF-8\0"
        assert b"secret" not in (folder / "cmdline").read_bytes()
        open_ = {os.readlink(each) for each in (folder / "fd").iterdir()}
        assert not [each for each in open_ if each.startswith("socket:")]
        assert os.getpriority(os.PRIO_PROCESS, runs(detector).pid) == min(os.nice(0) + aside.NICE, 19)

    play(tmp_path, story)

    async def forget(tx: Tx) -> int:
        return await tx.run(_FORGET)

    with pytest.raises(Exception, match="readonly"):
        SqliteReader(tmp_path / DATABASE).read(forget)


def test_where_it_was_killed_the_house_looks_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left out; after a rest there is another one."""

    async def story(house: House, detector: ProcessDetector) -> None:
        await much(house)
        await run_detections(house, visit(house), most=1)
        first = runs(detector)
        first.kill()
        first.wait()
        await run_detections(house, visit(house))
        await much(house, FAR)
        await run_detections(house, visit(house))
        assert detector._process is None
        assert await house.store.read(read._cursor) > 4 * FAR
        assert isinstance(house.clock, MovableClock)
        house.clock.move(aside.REST)
        await much(house, 2 * FAR)
        await run_detections(house, visit(house))
        assert runs(detector).pid != first.pid

    play(tmp_path, story)


def test_one_that_says_nothing_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has so long; then it is killed and the house looks itself, as where what it says cannot be read."""

    async def story(house: House, detector: ProcessDetector) -> None:
        await much(house)
        assert await detector.look(5) is not None
        silent = runs(detector)
        silent.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(aside, "TOTAL", 0.2)
        assert await detector.look(5) is None
        assert silent.wait(10) == -signal.SIGKILL
        assert await run_detections(house, visit(house)) > 0

    play(tmp_path, story)


_SANDBOX = """
import os

def nice(by):
    raise PermissionError("as under a filter of system calls")

os.nice = nice
from ostiary.app.detector import main
main()
"""


def test_a_sandbox_may_forbid_it_to_be_less_urgent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit that we deliver does; then it is as urgent as the server."""
    monkeypatch.setattr(aside, "_COMMAND", (sys.executable, "-I", "-c", _SANDBOX))

    async def story(house: House, detector: ProcessDetector) -> None:
        await much(house)
        assert await detector.look(5) is not None

    play(tmp_path, story)


_OTHERS = (
    'pickle.dump(("seen", ""), out)',
    'pickle.dump(("one", "two", "three"), out)',
    'out.write(b"cno.such\\nThing\\n.")',
)
_OTHER = """
import pickle, sys

given, most, out = pickle.load(sys.stdin.buffer), pickle.load(sys.stdin.buffer), sys.stdout.buffer
{says}
out.flush()
sys.stdin.buffer.read()
"""


@pytest.mark.parametrize("says", _OTHERS)
def test_what_another_version_says_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    """Installed over a server that runs, it may say anything; the house looks itself, and the job goes on."""
    monkeypatch.setattr(aside, "_COMMAND", (sys.executable, "-I", "-c", _OTHER.format(says=says)))

    async def story(house: House, detector: ProcessDetector) -> None:
        await much(house)
        assert await run_detections(house, visit(house)) > 0
        assert await house.store.read(read._cursor) >= 2 * FAR

    play(tmp_path, story)


def test_a_database_that_it_cannot_read_is_told_by_its_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The house goes on by itself, and the log has the reason without a path."""

    async def run() -> None:
        detector = ProcessDetector(tmp_path / "none.db", GeoPaths(), SystemClock())
        try:
            assert await detector.look(5) is None
        finally:
            detector.close()
        assert await detector.look(5) is None  # closed

    asyncio.run(run())
    assert "OperationalError" in capsys.readouterr().out


_HOLDER = """
import asyncio, sys
from pathlib import Path
from ostiary.app.detector import ProcessDetector
from ostiary.outside.clock import SystemClock
from ostiary.outside.geo import GeoPaths

async def run():
    detector = ProcessDetector(Path(sys.argv[1]), GeoPaths(), SystemClock())
    await detector.look(1)
    print(detector._process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(run())
"""


def test_it_does_not_outlive_whoever_began_it(tmp_path: Path) -> None:
    """A server that is killed leaves nobody behind who holds its database open."""

    async def story(house: House, _: ProcessDetector) -> None:
        await much(house)

    play(tmp_path, story)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path / DATABASE)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        pid = int(holder.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)  # as to a whole group: the server is not done yet
        assert Path(f"/proc/{pid}").exists()
        holder.kill()
    for _ in range(100):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.1)
    raise AssertionError("it is still there")


class _Nobody:
    """Somebody who must not be asked."""

    async def look(self, most: int) -> Seen | None:
        raise AssertionError(most)

    def close(self) -> None:
        """Nothing."""


class _Late:
    """Somebody who looks, and meanwhile *then* happens, so many times."""

    def __init__(self, house: House, then: Callable[[], Coroutine[Any, Any, object]], times: int) -> None:
        self._house, self._then, self.times = house, then, times

    async def look(self, most: int) -> Seen | None:
        seen = await self._house.store.read(partial(look, where=nowhere, most=most))
        if self.times:
            self.times -= 1
            await self._then()
        return seen

    def close(self) -> None:
        """Nothing."""


@pytest.mark.parametrize("times", [1, 2])
def test_r15_what_is_erased_meanwhile_does_not_come_back(tmp_path: Path, times: int) -> None:
    """Whoever is erased while the rules look is not written down again of what was remembered before."""

    async def story(house: House, _: ProcessDetector) -> None:
        await much(house)
        await run_detections(replace(house, detector=None), visit(house))
        found, remembered = await left(house)
        old = {row[0][:SHORT] for row in found}
        assert [row for row in remembered if BOB in row[0] and old & set(json.loads(row[1])[0])]
        assert isinstance(house.clock, MovableClock)
        house.clock.move(days(2))  # so that all that is remembered changes
        await much(house, FAR)

        async def erase() -> None:
            await house.store.write(lambda tx: erase_rows(tx, UserId(BOB), frozenset()))

        late = _Late(house, erase, times)
        await run_detections(replace(house, detector=late), visit(house))
        assert late.times == 0
        kept = [mark for row in (await left(house))[1] if BOB in row[0] for mark in json.loads(row[1])]
        assert kept
        assert not [mark for mark in kept if old & set(mark)]

    play(tmp_path, story)


def test_what_somebody_else_read_meanwhile_is_not_found_again(tmp_path: Path) -> None:
    """The cursor is compared where the findings are kept."""

    async def story(house: House, _: ProcessDetector) -> None:
        await much(house)

        async def read_on() -> None:
            await run_detections(replace(house, detector=None), visit(house), most=1)

        late = _Late(house, read_on, 1)
        await run_detections(replace(house, detector=late), visit(house))
        assert late.times == 0
        found, _remembered = await left(house)
        assert [seen for _, rule, _, seen in found if rule == "reported"] == [1] * 20

    play(tmp_path, story)


class _Wrong(_Late):
    """What they saw is never what is there."""

    async def look(self, most: int) -> Seen | None:
        seen = await super().look(most)
        return None if seen is None else seen._replace(after=seen.after + 1)


def test_a_reader_that_never_comes_to_its_turn_says_so(tmp_path: Path) -> None:
    """It does not try for ever: the job fails, is told of, and comes again."""

    async def story(house: House, _: ProcessDetector) -> None:
        await much(house)

        async def nothing() -> None:
            """Nothing."""

        with pytest.raises(StoreBusy):
            await run_detections(replace(house, detector=_Wrong(house, nothing, 0)), visit(house))
        assert await left(house) == ([], [])

    play(tmp_path, story)
