"""Backup, restore, doctor: a copy is whole, and nothing that was issued before a restore is accepted again."""

import asyncio
import sqlite3
import ssl
from pathlib import Path

import httpx
import pytest

from ostiary.app.backup import back_up, put_back
from ostiary.app.config import Config
from ostiary.app.doctor import CHECKS, examine
from ostiary.app.wiring import DATABASE, close_house, open_house, open_parts
from ostiary.core.directory.founding import AZURE_CLI
from ostiary.core.words.errors import StoreFailed
from ostiary.core.words.instants import Instant
from ostiary.outside.clock import SystemClock
from ostiary.outside.data_folder import Locked
from ostiary.outside.vault import MasterKeyRefused, create_master
from tests.server import Server, running

Kids = set[str]


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Server, Path]:
    """A server with an open window and a pending sign-in, stopped after a backup was made of it while it ran."""
    folder = tmp_path_factory.mktemp("upkeep")
    with running(folder / "data") as server:
        server.open_exemption("alice")
        with httpx.Client(verify=_context(server), base_url=server.origin) as client:
            form = {"client_id": server.clients["azure-cli"], "scope": f"{server.origin}/.default"}
            client.post(f"/{server.tenant}/oauth2/v2.0/devicecode", data=form).raise_for_status()
        back_up(server.config, folder / "copy.db")
        with pytest.raises(Locked):
            asyncio.run(put_back(server.config, {}, folder / "copy.db", SystemClock()))
    return server, folder / "copy.db"


def _context(server: Server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.ca_file))


def _look(config: Config) -> tuple[int, int, Kids, bytes]:
    """Open windows, pending sign-ins, keys and a derived key of the house in the folder of *config*."""

    async def work() -> tuple[int, int, Kids, bytes]:
        parts = await open_parts(config, {}, sample=True)
        house = await open_house(parts)
        try:
            kids = {row.kid for row in house.keyring.held()}
            return len(house.desk.openings.all), len(house.room), kids, house.vault.derived("refresh-tokens")
        finally:
            await close_house(house, parts)

    return asyncio.run(work())


def test_a_copy_is_whole_and_private(copied: tuple[Server, Path]) -> None:
    """What was written before the copy is in it, and only its owner may read it."""
    _, copy = copied
    assert copy.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(copy) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM signins").fetchone() == (1,)
    db.close()


def test_a_copy_never_overwrites(copied: tuple[Server, Path]) -> None:
    """The backup that is there may be the only good one."""
    server, copy = copied
    with pytest.raises(FileExistsError):
        back_up(server.config, copy)


def test_nothing_from_before_a_restore_is_accepted(copied: tuple[Server, Path]) -> None:
    """Windows, pending sign-ins, signing keys and the keys of refresh tokens are all other ones, each time anew."""
    server, copy = copied
    openings, pending, kids, derived = _look(server.config)
    assert (openings, pending) == (1, 1)
    ended, kept = asyncio.run(put_back(server.config, {}, copy, SystemClock()))
    assert ended["exemptions"] == 1
    assert ended["signins"] == 1
    assert kept is not None
    assert kept.is_file()
    after = _look(server.config)
    assert after[:2] == (0, 0)
    assert not after[2] & kids
    assert after[3] != derived
    asyncio.run(put_back(server.config, {}, copy, SystemClock()))
    assert _look(server.config)[3] not in (derived, after[3])


def test_a_damaged_copy_is_refused_and_the_database_stays(copied: tuple[Server, Path], tmp_path: Path) -> None:
    """A restore that cannot be finished changes nothing."""
    server, copy = copied
    broken = tmp_path / "broken.db"
    raw = bytearray(copy.read_bytes())
    raw[4096:12288] = b"\xff" * 8192
    broken.write_bytes(raw)
    before = (server.data / DATABASE).read_bytes()
    with pytest.raises(StoreFailed):
        asyncio.run(put_back(server.config, {}, broken, SystemClock()))
    assert (server.data / DATABASE).read_bytes() == before


def test_a_copy_under_another_master_key_is_refused(copied: tuple[Server, Path], tmp_path: Path) -> None:
    """Better no restore than a house that cannot read its own secrets."""
    server, copy = copied
    create_master(tmp_path / "other.key", random=server.house.random)
    config = server.config.model_copy(update={"master_key": tmp_path / "other.key"})
    with pytest.raises(MasterKeyRefused, match="previous_master_keys"):
        asyncio.run(put_back(config, {}, copy, SystemClock()))


def test_r18_doctor_finds_the_sample_and_nothing_else(copied: tuple[Server, Path]) -> None:
    """Everything about a fresh folder is well, but a sample is never for real use."""
    server, _ = copied
    _look(server.config)
    bad = {finding.check for finding in examine(server.config, {}, SystemClock().now()) if not finding.good}
    assert bad <= {"organisation", "disk"}
    assert "organisation" in bad


def test_doctor_sees_an_open_folder_and_a_clock_that_went_back(copied: tuple[Server, Path]) -> None:
    """The two that nobody notices until it is too late."""
    server, _ = copied
    server.data.chmod(0o755)
    config = server.config.model_copy(update={"geo_country": server.data / "nothing.mmdb"})
    try:
        findings = {f.check: f for f in examine(config, {}, Instant(1_000_000))}
    finally:
        server.data.chmod(0o700)
    assert not findings["data folder"].good
    assert not findings["clock"].good
    assert "No such file" in findings["geo files"].text
    assert len(findings) == len(CHECKS)


def test_doctor_says_that_the_kill_switch_is_on(copied: tuple[Server, Path]) -> None:
    """Whoever wonders why nobody gets a code looks here."""
    server, _ = copied
    with sqlite3.connect(server.data / DATABASE) as db:
        db.execute("INSERT INTO kill_switch VALUES ('device', 1, 1, 1764316800000000, '{}')")
    found = {f.check: f for f in examine(server.config, {}, SystemClock().now())}["kill switch"]
    with sqlite3.connect(server.data / DATABASE) as db:
        db.execute("DELETE FROM kill_switch")
    db.close()
    assert not found.good
    assert "on since 2025-11-28T08:00:00" in found.text
    assert {f.check: f for f in examine(server.config, {}, SystemClock().now())}["kill switch"].good


def test_r23_the_first_start_after_an_upgrade_dates_what_was_carried_over(copied: tuple[Server, Path]) -> None:
    """R23: the start of the product itself, not only its step."""
    server, _ = copied
    mark = "json_set(registration, '$.assessment.review', 0, '$.assessment.carried', json('true'))"
    find = "SELECT registration ->> '$.assessment.review' FROM applications WHERE id = ?"
    with sqlite3.connect(server.data / DATABASE) as db:
        db.execute(f"UPDATE applications SET registration = {mark} WHERE id = ?", (AZURE_CLI,))
    _look(server.config)
    with sqlite3.connect(server.data / DATABASE) as db:
        ((review,),) = db.execute(find, (AZURE_CLI,))
    db.close()
    assert 0 < review <= SystemClock().now()
