"""
Backup and restore of a data folder: one file, made while the service runs; put back only while it does not.

The master key is no part of it: without the key that it was made under a copy opens nothing.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from ostiary.app.config import Config
from ostiary.app.wiring import DATABASE, STREAM, master_key, opens_all, previous_keys
from ostiary.core.words.caller import Caller, CallerKind
from ostiary.core.words.errors import StoreFailed
from ostiary.core.words.instants import to_iso
from ostiary.core.words.visit import Visit
from ostiary.outside import data_folder, files
from ostiary.outside.clock import Clock
from ostiary.outside.data_folder import FolderLock
from ostiary.outside.random import SystemRandom
from ostiary.outside.signing_keys import open_key
from ostiary.outside.vault import Vault
from ostiary.services.tokens.restore import after_restore
from ostiary.store import keys
from ostiary.store.backup import Inspected, copy, inspect, settle
from ostiary.store.migrate import migrate
from ostiary.store.sqlite import SqliteStore

__all__ = ["back_up", "put_back"]

NEW = "restoring.db"
_BESIDE = ("", "-wal", "-shm", "-journal")


def back_up(config: Config, target: Path) -> Inspected:
    """A verified copy of the database in the new file *target*. Raises FileExistsError, StoreFailed, OSError."""
    return copy(config.data / DATABASE, target)


async def put_back(
    config: Config, environ: Mapping[str, str], source: Path, clock: Clock
) -> tuple[dict[str, int], Path | None]:
    """
    Put *source* in the place of the database: what ended with it (how many of each), and where the old one lies now.

    Everything that the copy holds ends before it can be served, so a kill at any point leaves the old database or the
    finished new one. Raises StoreFailed for a file that is not whole, Locked, MasterKeyRefused, also when it was made
    under a master key that is not here.
    """
    random = SystemRandom()
    data_folder.prepare(config.data)
    with FolderLock(config.data):
        found = inspect(source)
        if not found.tenant:
            raise StoreFailed(f"{source} holds no organisation")
        master = master_key(config, environ, None, sample=found.sample).master
        _opens(Vault(master, random=random, previous=previous_keys(config, environ, sample=found.sample)), found)
        new = config.data / NEW
        _remove(new)
        copy(source, new)
        migrate(new)
        store = SqliteStore(new, stream=STREAM, salt=lambda: random.bytes(16))
        visit = Visit(clock.now(), random.guid(), caller=Caller(CallerKind.SYSTEM, "restore", "restore"))
        try:
            ended = await after_restore(store, visit, random)
        finally:
            await store.close()
        settle(new)
        return ended, _swap(config.data, new, f"{DATABASE}.before-{to_iso(visit.now)[:26].replace(':', '')}")


def _opens(vault: Vault, found: Inspected) -> None:
    """What is sealed in the copy opens under the master keys that are here."""
    opens_all(vault.ids, found.sealed)
    for row in found.keys:
        if row.sealed:
            open_key(vault, row.sealed, kid=row.kid, table=keys.TABLE, field=keys.FIELD)


def _swap(folder: Path, new: Path, aside: str) -> Path | None:
    """
    *new* becomes the database in one step; the old one keeps a second name, *aside*.

    Only where the old one is too damaged to take in its own log is that moved as well: it must never meet another
    database.
    """
    old, kept = folder / DATABASE, None
    if old.exists():
        settle(old)
        kept = folder / aside
        os.link(old, kept)
        for suffix in ("-wal", "-shm"):
            log = folder / f"{DATABASE}{suffix}"
            if log.exists():
                log.rename(folder / f"{aside}{suffix}")
        files.sync_folder(folder)
    new.replace(old)
    files.sync_folder(folder)
    return kept


def _remove(path: Path) -> None:
    """What a restore that was killed left behind."""
    for suffix in _BESIDE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
