"""What the container and the unit promise: no root, nothing writable but the data folder, everything dropped."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).with_name("ostiary-server")
UNIT = ROOT / "deploy" / "ostiary.service"


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


def _unit() -> dict[str, list[str]]:
    """The lines of the unit's service, by their names."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text("utf-8").splitlines():
        name, mark, value = line.partition("=")
        if mark and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_gives_away_what_it_does_not_need() -> None:
    """Each of these lines takes something from whoever gets in."""
    unit = UNIT.read_text("utf-8").splitlines()
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "PrivateDevices=yes"):
        assert line in unit
    assert not [line for line in unit if line.startswith("ReadWritePaths")]
    assert any(line.startswith("LoadCredentialEncrypted=ostiary-master-key:") for line in unit)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd's own judge")
def test_systemd_reads_the_unit_and_finds_little_exposed(tmp_path: Path) -> None:
    """No line that systemd would ignore; and its own measure of exposure (0 to 10) stays under 2."""
    copy = tmp_path / "ostiary.service"
    copy.write_text(UNIT.read_text("utf-8").replace("/usr/lib/ostiary/bin/ostiary-server", str(PROGRAM)))
    read = _analyze("verify", "--man=no", str(copy))
    assert (read.returncode, read.stdout + read.stderr) == (0, "")
    judged = _analyze("security", "--offline=true", "--threshold=20", "--no-pager", str(copy))
    assert judged.returncode == 0, judged.stdout


def _analyze(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=120, check=False)


LIKE_THE_UNIT = """
import ctypes, os, resource, sys
os.umask(0o077)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0:  # PR_SET_MDWE, as MemoryDenyWriteExecute=yes; Linux 6.3
    print("no PR_SET_MDWE here", file=sys.stderr)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""What of the unit's hardening a test can put on without systemd."""


def test_the_service_runs_under_the_unit_s_limits(tmp_path: Path) -> None:
    """
    The unit's own command line, the master key as a credential, no memory both writable and executable, no core, its
    umask: it is founded, opens, answers, and is gone on SIGTERM within the time that the unit gives it.
    """
    unit = _unit()
    credentials, config = tmp_path / "credentials", tmp_path / "ostiary.toml"
    credentials.mkdir(mode=0o700)
    name = unit["LoadCredentialEncrypted"][0].partition(":")[0]
    (credentials / name).write_bytes(os.urandom(32))
    (credentials / name).chmod(0o400)
    config.write_text(f'data = "{tmp_path}/state"\norigin = "https://localhost:8443"\nport = 0\n')
    start = unit["ExecStart"][0].replace("/etc/ostiary/ostiary.toml", str(config)).split()[1:]
    confined = [sys.executable, "-c", LIKE_THE_UNIT, str(PROGRAM)]
    environ = {"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(credentials), "HOME": str(tmp_path)}
    founded = subprocess.run(
        [*confined, "init", "--config", str(config)], env=environ, capture_output=True, text=True, timeout=120
    )
    assert founded.returncode == 0, founded.stderr
    with subprocess.Popen([*confined, *start], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith(b"Ostiary is open")
        transport = httpx.HTTPTransport(uds=str(tmp_path / "state" / "admin.sock"))
        with httpx.Client(transport=transport, base_url="http://localhost") as local:
            assert local.get("/v1.0/auditLogs/directoryAudits").status_code == 200
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=int(unit["TimeoutStopSec"][0]))
    assert running.returncode == 0, said
    assert b"Traceback" not in said
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "state").rglob("*") if path.suffix != ".pem"} == {0}
