"""R14: what was acknowledged is on the disk, whenever the process or the power goes."""

import os
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from shutil import copy

from tests.forked import Forked

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("OSTIARY_TEST_ROUNDS", "20"))
HEAD = struct.Struct("<cQQ")
DEEDS = 150  # acknowledged before the writer is stopped


def new(path: Path) -> Path:
    """An empty database in WAL."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("CREATE TABLE things (id INTEGER PRIMARY KEY)")
    db.close()
    return path


def ids(path: Path) -> set[int]:
    """What a fresh process finds."""
    db = sqlite3.connect(path)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {id for (id,) in db.execute("SELECT id FROM things")}
    finally:
        db.close()


def storm(path: Path, first: int, deeds: int, synchronous: str = "FULL", **environment: str) -> set[int]:
    """Write until *deeds* were acknowledged, or the writer dies of itself, then kill -9; the acknowledged ones."""
    command = [sys.executable, str(HERE / "writer.py"), str(path), str(first), synchronous]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    ) as writer:
        assert writer.stdout is not None
        told = [line for _, line in zip(range(deeds), writer.stdout, strict=False)]
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.readlines()
    return {int(line) for line in told if line.endswith(b"\n")}


def killed(path: Path, first: int, deeds: int) -> set[int]:
    """The same on a disk that nobody listens to."""
    out, err = path.with_name(f"{first}.out"), path.with_name("err")
    out.touch()
    writer = Forked("tests.crash.writer:told", [str(path), str(first)], os.environ, out=out, err=err)
    while writer.poll() is None and out.read_bytes().count(b"\n") < deeds:
        time.sleep(0.005)
    writer.kill()
    writer.wait()
    return {int(line) for line in out.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")}


def test_r14_twenty_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """R14: after each kill -9, every acknowledged deed is found by the next process."""
    path, ledger = new(tmp_path / "t.db"), set[int]()
    for n in range(ROUNDS):
        ledger |= killed(path, n * 1_000_000, 20 + n)
        assert ledger <= ids(path)
    assert len(ledger) >= ROUNDS * 20


def records(recording: Path) -> list[tuple[bytes, int, bytes]]:
    """The recording, read: kind, offset, bytes; a record that the kill cut short is left out."""
    raw, at, found = recording.read_bytes(), 0, []
    while at + HEAD.size <= len(raw):
        kind, offset, length = HEAD.unpack_from(raw, at)
        at += HEAD.size
        found.append((kind, offset, raw[at : at + length]))
        at += length
    return found


def lost(folder: Path, shim: str, synchronous: str) -> int:
    """Run a storm under the recorder; how many acknowledged deeds some power cut would have lost."""
    path, recording = new(folder / "t.db"), folder / "recording"
    before = copy(path, folder / "before.db")
    storm(path, 0, DEEDS, synchronous, LD_PRELOAD=shim, RECORDED="t.db-wal", RECORDING=str(recording))
    said = records(recording)
    cuts = [n for n, (kind, _, _) in enumerate(said) if kind == b"S"]
    assert not [1 for kind, _, _ in said if kind not in b"WSA"]
    log, ledger, missing = bytearray(), set[int](), 0
    for start, stop in pairwise([-1, *cuts, len(said)]):
        ledger |= {int(word) for kind, _, raw in said[start + 1 : stop] if kind == b"A" for word in raw.split()}
        missing = max(missing, len(ledger - _after_a_cut(folder, Path(before), log)))
        for kind, offset, raw in said[start + 1 : stop]:
            if kind == b"W":
                log.extend(b"\0" * (offset + len(raw) - len(log)))
                log[offset : offset + len(raw)] = raw
    assert len(ledger) >= DEEDS, "the recording is whole"
    assert cuts or synchronous == "NORMAL"
    return missing


def _after_a_cut(folder: Path, before: Path, log: bytes | bytearray) -> set[int]:
    """What a fresh process finds when only *log* had reached the disk."""
    cut = folder / "cut.db"
    for suffix in ("", "-wal", "-shm"):
        cut.with_name(cut.name + suffix).unlink(missing_ok=True)
    copy(before, cut)
    if log:
        cut.with_name("cut.db-wal").write_bytes(log)
    return ids(cut)


def test_r14_a_power_cut_after_any_sync_loses_nothing_that_was_acknowledged(tmp_path: Path, shim: str) -> None:
    """R14: at each moment, what fsync had brought to the disk holds every deed that was told yes."""
    assert lost(tmp_path, shim, "FULL") == 0


def test_r14_the_power_cut_is_found_where_commits_do_not_sync(tmp_path: Path, shim: str) -> None:
    """The same test must fail with `synchronous=NORMAL`: it can tell."""
    assert lost(tmp_path, shim, "NORMAL") > 0


def test_r14_a_sync_that_fails_acknowledges_nothing_more(tmp_path: Path, shim: str) -> None:
    """R14: the writer that never got its fsync stops, and nobody was told yes for it."""
    path = new(tmp_path / "t.db")
    recording = tmp_path / "recording"
    told = storm(path, 0, 100_000, LD_PRELOAD=shim, RECORDED="t.db-wal", RECORDING=str(recording), FAIL_SYNC="10")
    syncs = [kind for kind, _, _ in records(recording) if kind == b"S"]
    assert len(syncs) == 9
    assert 0 < len(told) <= 9 * 8
    assert told <= ids(path)
