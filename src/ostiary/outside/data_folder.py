"""
The data folder and whoever is at its door: permissions, the lock, free space, the user behind a local connection.

Owns what the operating system knows about them. Owns no layout: which files lie in the folder is for their own rooms.
`app` comes in at start, `doctor` for its checks, the local door (R2) for the user at the other end.
"""

import fcntl
import os
import pwd
import re
import socket
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from ostiary.outside import files

__all__ = [
    "FolderLock",
    "FolderRefused",
    "Locked",
    "Space",
    "catches",
    "exposed",
    "free_space",
    "peer_uid",
    "prepare",
    "user_name",
]

LOCK = "ostiary.lock"

_CREDENTIALS = struct.Struct("=iII")  # struct ucred of unix(7): pid, uid, gid


class FolderRefused(Exception):
    """The data folder cannot be used; `reason` is a sentence for the operator."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Locked(Exception):
    """Another process has the data folder; `holder` is its process id, None when it did not leave one."""

    def __init__(self, folder: Path, holder: int | None) -> None:
        named = f"process {holder}" if holder else "another process"
        super().__init__(f"{folder} is in use by {named}: one process per data folder")
        self.holder = holder


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes on the disk of a folder: *free* for us (not what is kept for root), and *total*."""

    free: int
    total: int


class FolderLock:
    """
    The right to be the one process on a data folder, held until `release` or the end of the process.

    The kernel keeps it (flock(2)), so a killed process leaves nothing to clear away; the id in the file only tells
    people who holds it.
    """

    __slots__ = ("_handle",)

    def __init__(self, folder: Path) -> None:
        """Take the lock of *folder* at once. Raises `Locked` when it is held."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(folder / LOCK, flags, files.PRIVATE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(handle)
            os.close(handle)
            raise Locked(folder, holder) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle: int | None = handle

    def release(self) -> None:
        """
        Give the folder back; twice does no harm. The file stays: removing it would let two processes lock two files
        of one name.
        """
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> "FolderLock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def prepare(folder: Path) -> None:
    """
    Make *folder* (0700) if there is none; its parent must exist. Raises `FolderRefused` when it is not a folder of
    ours closed to all others.

    An open folder is refused, not closed: what has been read in the meantime cannot be taken back, so a person must
    know.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise FolderRefused(f"{folder} cannot be made: {error.strerror}") from None
    reason = exposed(folder) or (None if folder.is_dir() else "it is a file")
    if reason:
        raise FolderRefused(f"{folder} cannot be the data folder: {reason}")


def exposed(path: Path) -> str | None:
    """Why *path* (a file or folder that must be private) is not; None when all is well. A link counts as what it is."""
    try:
        status = path.lstat()
    except OSError as error:
        return f"it cannot be looked at: {error.strerror}"
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode) or stat.S_ISSOCK(status.st_mode)):
        return "it is neither a folder nor a file"
    return files.exposure(status, owners=(os.geteuid(),))


def free_space(folder: Path) -> Space:
    """How full the disk of *folder* is. Raises OSError."""
    disk = os.statvfs(folder)
    return Space(disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize)


class Connection(Protocol):
    """What a socket, and an event loop's stand-in for one, know about themselves."""

    @property
    def family(self) -> int:
        """The address family."""
        ...

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """getsockopt(2)."""
        ...


def peer_uid(connection: Connection) -> int:
    """
    The user id of the process at the other end of a Unix socket, as the kernel saw it when it connected (SO_PEERCRED,
    unix(7)).

    Raises OSError or ValueError when there is none: the caller denies.
    """
    if connection.family != socket.AF_UNIX:
        raise ValueError("only a Unix socket knows the user at its other end")
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    if pid == 0 or uid == 0xFFFF_FFFF:  # a peer in another namespace, or none: the kernel then says nobody
        raise ValueError("the kernel does not know the user at the other end")
    return int(uid)


def user_name(uid: int) -> str:
    """The login name of *uid*; its number when the machine knows no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def catches(process: int, number: int) -> bool:
    """
    Whether *process* has a handler for the signal *number* (proc_pid_status(5), SigCgt): one that has none would die of
    it. False when that cannot be known.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text("ascii", "replace")
    except OSError:
        return False
    found = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.M)
    return found is not None and bool(int(found[1], 16) >> (number - 1) & 1)


def _holder(handle: int) -> int | None:
    """The process id in the lock file; None while its holder has not written it yet."""
    found = re.fullmatch(rb"(\d{1,10})\n", os.pread(handle, 32, 0))
    return int(found[1]) if found else None
