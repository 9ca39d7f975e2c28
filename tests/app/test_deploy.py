"""What the container and the unit promise: no root, nothing writable but the data folder, everything dropped."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).with_name("ostiary-server")


def _confined(data: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """*command* as the container runs it: another user id, no network, a read-only root, only *data* writable."""
    home = "/var/lib/ostiary"
    words = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    words += ["--ro-bind", str(ROOT), str(ROOT), "--tmpfs", "/var/lib", "--bind", str(data), home]
    words += ["--unshare-user", "--uid", "10001", "--gid", "10001", "--unshare-net", "--cap-drop", "ALL"]
    words += ["--die-with-parent", "--setenv", "OSTIARY_SERVER_MASTER_KEY", f"{home}/keys/master.key", *command]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs Debian's bubblewrap")
def test_a_first_start_needs_nothing_but_its_data_folder(tmp_path: Path) -> None:
    """`init` founds the house as an ordinary user on a read-only system; anywhere else it cannot write."""
    tmp_path.chmod(0o700)
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    (keys / "master.key").write_bytes(os.urandom(32))
    (keys / "master.key").chmod(0o600)
    data = "/var/lib/ostiary/data"
    made = _confined(tmp_path, str(PROGRAM), "init", "--data", data)
    assert made.returncode == 0, made.stderr
    assert "/setup" in made.stdout
    assert re.search(r"^  [A-Z2-9]{4}(-[A-Z2-9]{4}){6}$", made.stdout, re.MULTILINE)
    assert (tmp_path / "data" / "ostiary.db").stat().st_mode & 0o777 == 0o600
    refused = _confined(tmp_path, str(PROGRAM), "init", "--data", "/etc/ostiary-data")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


def test_the_container_never_runs_as_root() -> None:
    """The last user named is a number that is not root's, and locks are installed with their hashes."""
    text = (ROOT / "deploy" / "Containerfile").read_text("utf-8")
    users = re.findall(r"^USER (\d+)", text, re.MULTILINE)
    assert users
    assert users[-1] != "0"
    assert "--require-hashes" in text


def test_the_unit_gives_away_what_it_does_not_need() -> None:
    """Each of these lines takes something from whoever gets in."""
    unit = (ROOT / "deploy" / "ostiary.service").read_text("utf-8").splitlines()
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "PrivateDevices=yes"):
        assert line in unit
    assert not [line for line in unit if line.startswith("ReadWritePaths")]
    assert any(line.startswith("LoadCredentialEncrypted=ostiary-master-key:") for line in unit)
