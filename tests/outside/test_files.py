"""Private files: whole or not there."""

import os
import stat
from pathlib import Path

import pytest

from ostiary.outside import files


def test_a_new_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """Neither a generous nor a strict umask changes the mode that was asked for."""
    for mask in (0o000, 0o077, 0o777):
        before = os.umask(mask)
        try:
            files.create(tmp_path / f"{mask}", b"secret")
            files.create(tmp_path / f"{mask}.public", b"open", mode=files.PUBLIC)
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / f"{mask}").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / f"{mask}.public").stat().st_mode) == 0o644


def test_create_never_overwrites_nor_follows_a_link(tmp_path: Path) -> None:
    """A file of that name, or a link to one, is left as it is."""
    target = tmp_path / "target"
    target.write_bytes(b"old")
    (tmp_path / "link").symlink_to(target)
    for name in ("target", "link"):
        with pytest.raises(FileExistsError):
            files.create(tmp_path / name, b"new")
    assert target.read_bytes() == b"old"


def test_a_file_that_cannot_be_written_does_not_stay(tmp_path: Path) -> None:
    """Half a key is worse than none: a write that fails leaves no file behind."""
    path = tmp_path / "half"
    with pytest.raises(TypeError):
        files.create(path, "not bytes")  # type: ignore[arg-type]  # the write itself fails, after the file exists
    assert not path.exists()


def test_replace_leaves_one_whole_file(tmp_path: Path) -> None:
    """The new content stands, nothing lies beside it, and leftovers of a killed process do no harm."""
    path = tmp_path / "file"
    (tmp_path / ".file.new").write_bytes(b"half of a killed wri")
    files.replace(path, b"one")
    files.replace(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["file"]


def test_only_regular_files_of_bounded_length_are_read(tmp_path: Path) -> None:
    """A pipe does not block, a link is not followed, a long file is not swallowed."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_bytes(b"x" * 11)
    (tmp_path / "link").symlink_to(tmp_path / "long")
    with pytest.raises(OSError, match="regular"):
        files.read_bounded(tmp_path / "pipe", 10)
    with pytest.raises(ValueError, match="longer than 10"):
        files.read_bounded(tmp_path / "long", 10)
    with pytest.raises(OSError, match="symbolic"):
        files.read_bounded(tmp_path / "link", 20)
    assert files.read_bounded(tmp_path / "long", 11)[1] == b"x" * 11
