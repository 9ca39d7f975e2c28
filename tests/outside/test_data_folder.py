"""The data folder: ours alone, one process at a time; and who is at the other end of a local connection."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import uvloop

from ostiary.outside.data_folder import (
    LOCK,
    FolderLock,
    FolderRefused,
    Locked,
    exposed,
    free_space,
    peer_uid,
    prepare,
    user_name,
)

HOLD = """
import sys, pathlib
from ostiary.outside.data_folder import FolderLock
with FolderLock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away or become another user")


def test_a_new_folder_is_ours_alone(tmp_path: Path) -> None:
    """It is 0700 whatever the umask; made ready twice it stays as it is."""
    folder = tmp_path / "data"
    before = os.umask(0)
    try:
        prepare(folder)
    finally:
        os.umask(before)
    (folder / "file").touch()
    prepare(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "file").exists()


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o701, 0o710, 0o777])
def test_a_folder_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """One bit for group or others is enough; nothing is repaired in silence."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(FolderRefused, match="others may use it"):
        prepare(folder)
    assert folder.stat().st_mode & 0o777 == mode


@as_root
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Its owner can open it at any time."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    with pytest.raises(FolderRefused, match="user id 65534"):
        prepare(folder)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    """A pipe, a link to a good folder, a place without a parent."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "file").touch(0o600)
    for name in ("link", "pipe", "file", "none/data"):
        with pytest.raises(FolderRefused):
            prepare(tmp_path / name)


def test_exposed_tells_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    """A key file is private at 0600 and 0400, and neither when others may read it nor when it is gone."""
    path = tmp_path / "key"
    path.touch(0o600)
    assert exposed(path) is None
    path.chmod(0o400)
    assert exposed(path) is None
    path.chmod(0o640)
    assert "0640" in (exposed(path) or "")
    path.unlink()
    assert "No such file" in (exposed(path) or "")


def test_a_second_lock_is_refused_and_names_the_holder(tmp_path: Path) -> None:
    """Another process has it: its id is told; when it ends, even killed, the folder is free."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Locked, match=f"process {other.pid}") as refused:
            FolderLock(tmp_path)
        assert refused.value.holder == other.pid
        other.kill()
        other.wait(timeout=300)
    with FolderLock(tmp_path):
        assert (tmp_path / LOCK).read_text() == f"{os.getpid()}\n"


def test_the_lock_holds_within_one_process_too(tmp_path: Path) -> None:
    """Two stores by mistake in one process are two; released twice is released once."""
    first = FolderLock(tmp_path)
    with pytest.raises(Locked):
        FolderLock(tmp_path)
    first.release()
    first.release()
    FolderLock(tmp_path).release()


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    """A program started meanwhile and living longer does not keep the folder."""
    lock = FolderLock(tmp_path)
    code = "import sys; print('here', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, close_fds=False
    ) as child:
        # Its own word that it runs: until exec(2) is over, which Popen does not wait for, it still has our files open.
        assert child.stdout is not None
        assert child.stdout.readline() == "here\n"
        lock.release()
        FolderLock(tmp_path).release()
        assert child.stdin is not None
        child.stdin.close()


def test_a_holder_that_left_no_id_is_still_a_holder(tmp_path: Path) -> None:
    """Whatever stands in the file, the lock decides."""
    with FolderLock(tmp_path):
        for content in ("", "not a number\n", "99999999999999\n"):
            (tmp_path / LOCK).write_text(content)
            with pytest.raises(Locked, match="another process") as refused:
                FolderLock(tmp_path)
            assert refused.value.holder is None


def test_the_lock_file_is_private_and_no_link_is_followed(tmp_path: Path) -> None:
    """A link put in its place does not make us write elsewhere."""
    FolderLock(tmp_path).release()
    assert exposed(tmp_path / LOCK) is None
    (tmp_path / LOCK).unlink()
    (tmp_path / "victim").write_text("mine")
    (tmp_path / LOCK).symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic"):
        FolderLock(tmp_path)
    assert (tmp_path / "victim").read_text() == "mine"


def test_free_space_is_that_of_the_disk(tmp_path: Path) -> None:
    """Bytes, free within total, in line with what df counts."""
    space = free_space(tmp_path)
    disk = os.statvfs(tmp_path)
    assert 0 <= space.free <= space.total == disk.f_blocks * disk.f_frsize
    with pytest.raises(OSError, match="No such file"):
        free_space(tmp_path / "none")


def test_r2_the_user_at_the_other_end_is_known_on_each_event_loop(tmp_path: Path) -> None:
    """asyncio's and uvloop's stand-ins for a socket give the same answer as the socket itself."""
    seen: list[int] = []

    async def play() -> None:
        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(peer_uid(writer.get_extra_info("socket")))
            writer.close()

        server = await asyncio.start_unix_server(serve, tmp_path / "door")
        reader, writer = await asyncio.open_unix_connection(tmp_path / "door")
        await reader.read()
        writer.close()
        server.close()
        (tmp_path / "door").unlink(missing_ok=True)

    asyncio.run(play())
    uvloop.run(play())
    assert seen == [os.geteuid()] * 2


@as_root
def test_r2_another_user_is_told_apart() -> None:
    """The kernel's word, not the caller's: a process that became nobody is nobody."""
    code = (
        "import os,socket,sys; os.setuid(65534); s=socket.socket(fileno=int(sys.argv[1])); s.connect(DOOR); s.recv(1)"
    )
    door = f"\0ostiary-test-{os.getpid()}"  # abstract (unix(7)), so that no folder's permissions stand in the way
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(door)
        server.listen(1)
        code = code.replace("DOOR", repr(door))
        with subprocess.Popen([sys.executable, "-c", code, str(client.fileno())], pass_fds=[client.fileno()]) as other:
            connection, _ = server.accept()
            with connection:
                assert peer_uid(connection) == 65534
            other.wait(timeout=300)


def test_r2_a_connection_without_a_user_is_refused() -> None:
    """A TCP socket, and a Unix socket that nobody connected, have no user."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(ValueError, match="Unix"):
        peer_uid(server)
    with socket.socket(socket.AF_UNIX) as lonely, pytest.raises((ValueError, OSError)):
        peer_uid(lonely)


def test_r2_users_have_names_where_the_machine_knows_them() -> None:
    """Root is root; an id without a name is its number."""
    assert user_name(0) == "root"
    assert user_name(3_999_999_999) == "3999999999"
