"""
Files that others must not read, and files that must be whole or not there.

Owns permissions, exclusive creation and atomic replacement for the other files of this room. Knows nothing of what is
written.
"""

import os
import stat
from pathlib import Path

__all__ = ["append", "create", "exposure", "read_bounded", "replace", "sync_folder"]

PRIVATE = 0o600
PUBLIC = 0o644


def exposure(status: os.stat_result, *, owners: tuple[int, ...], forbidden: int = 0o077) -> str | None:
    """
    Why a file or folder with this *status* is not private; None when it is.

    Its owner must be one of *owners* (user ids); no bit of *forbidden* may be set in its mode. The answer is a public
    sentence without its name.
    """
    if status.st_uid not in owners:
        return f"it belongs to user id {status.st_uid}"
    if stat.S_IMODE(status.st_mode) & forbidden:
        return f"others may use it (mode {stat.S_IMODE(status.st_mode):04o})"
    return None


def read_bounded(path: Path, limit: int) -> tuple[os.stat_result, bytes]:
    """
    The status and content of a regular file of at most *limit* bytes.

    Both come from one open file, so nobody can exchange it between the check and the reading. Raises OSError, also
    for what is no regular file (a pipe is not waited for), and ValueError when it is longer.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is not a regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{path} is longer than {limit} bytes")
    return status, content


def append(path: Path, content: bytes) -> None:
    """
    Add *content* to the end of a file, made where there is none; on disk when this returns. Works where nothing but
    appending is allowed (`chattr +a`). Raises OSError, also for a link or what is no regular file.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    handle = os.open(path, flags, PUBLIC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path} is not a regular file")
        if os.write(handle, content) != len(content):
            raise OSError(f"{path} took a part only")
        os.fsync(handle)
    finally:
        os.close(handle)


def create(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """
    Write a file that must not exist yet; on disk when this returns.

    Raises FileExistsError when it does (a link counts). A file that could not be written completely does not stay.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)  # whatever the umask took away
            file.write(content)
            file.flush()
            os.fsync(handle)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def replace(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """
    Write *path* whole or not at all: a reader, or a power cut, sees the old file or the new one. One writer at a
    time.
    """
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)  # left by a process that was killed here
    create(beside, content, mode=mode)
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in *folder* on disk; a new file's name is not safe before."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
