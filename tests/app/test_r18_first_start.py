"""A first start, of the sample and of a real organisation: what each prints, keeps, and will never be (R18)."""

import os
import re
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from hashlib import sha256
from pathlib import Path
from socket import socket
from sqlite3 import connect
from tempfile import TemporaryDirectory

import pytest

from ostiary.app.sample import SECRETS, Secret, read_secrets
from ostiary.core.directory.founding import OSTIARY_CLI, plan
from ostiary.core.words.instants import Instant
from ostiary.services.directory.first_admin import ALPHABET, LETTERS
from tests import forked
from tests.server import CLIENTS

OPEN = re.compile("^Ostiary is open on .*\n", re.MULTILINE)
PATIENCE = 120.0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the program is started with: a master key outside the data folder, as a real organisation needs."""
    key = tmp_path / "master.key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    return {**os.environ, "OSTIARY_SERVER_MASTER_KEY": str(key)}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def called(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The program, run to its end."""
    return forked.call("ostiary-server", words, env, timeout=PATIENCE)


def sample(data: Path, port: int) -> AbstractContextManager[str]:
    """A sample that serves *data*: what it printed until it was open."""
    return serving("--sample", "--data", str(data), "--port", str(port))


@contextmanager
def serving(*words: str, env: dict[str, str] | None = None) -> Iterator[str]:
    """A service that was started with *words*: what it printed until it was open."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        out.touch()
        process = forked.Forked("ostiary-server", ["run", *words], env or os.environ, out=out, err=err)
        try:
            until = time.monotonic() + PATIENCE
            while not (opened := OPEN.search(said := out.read_text("utf-8"))):
                assert process.poll() is None, err.read_text("utf-8")
                assert time.monotonic() < until, said
                time.sleep(0.02)
            yield said[: opened.end()]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def listening(port: int) -> set[str]:
    """The addresses on which *port* is open on this machine, in hexadecimal as the kernel writes them."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, _, state = line.split()[1:4]
            address, _, number = local.partition(":")
            if state == "0A" and int(number, 16) == port:
                found.add(address)
    return found


def test_r18_the_samples_secrets_are_random_printed_once_and_private(tmp_path: Path) -> None:
    """R18: at the first start, in a file that only its owner may read; a second start prints none of them."""
    port, data = free_port(), tmp_path / "data"
    with sample(data, port) as first:
        people = read_secrets(data)
        assert all(secret.password in first and secret.seed in first for secret in people)
        assert listening(port) == {"0100007F"}  # 127.0.0.1 and nothing else
    assert len(people) == 12
    assert stat.S_IMODE((data / SECRETS).stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    with sample(data, free_port()) as second:
        assert OPEN.search(second)
        assert not any(secret.password in second or secret.seed in second for secret in people)
    assert read_secrets(data) == people
    with sample(tmp_path / "other", free_port()):
        others = read_secrets(tmp_path / "other")
    assert _words(people).isdisjoint(_words(others))
    assert len(_words(people)) == 2 * len(people)


def _words(people: tuple[Secret, ...]) -> set[str]:
    return {word for secret in people for word in (secret.password, secret.seed)}


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1"])
def test_r18_the_sample_listens_on_loopback_only(tmp_path: Path, address: str) -> None:
    """R18: whatever the configuration says."""
    env = {**os.environ, "OSTIARY_SERVER_LISTEN": address}
    refused = called("run", "--sample", "--data", str(tmp_path / "data"), env=env)
    assert refused.returncode == 2
    assert "loopback" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_r18_the_sample_never_becomes_a_real_organisation(tmp_path: Path, environment: dict[str, str]) -> None:
    """R18: neither served nor founded as one; nor does a real one become the sample."""
    data = tmp_path / "data"
    with sample(data, free_port()):
        pass
    own = {**environment, "OSTIARY_SERVER_MASTER_KEY": str(data / "master.key")}
    for env in (environment, own):
        for words in (("run",), ("init",)):
            refused = called(*words, "--data", str(data), env=env)
            assert refused.returncode == 1, (words, refused.stdout, refused.stderr)
            assert "Traceback" not in refused.stderr
            assert "/setup" not in refused.stdout
    real = tmp_path / "real"
    assert called("init", "--data", str(real), env=environment).returncode == 0
    refused = called("run", "--sample", "--data", str(real), env=environment)
    assert refused.returncode == 1
    assert "sample" in refused.stderr


def test_r18_init_prints_an_address_and_apart_from_it_a_code(tmp_path: Path, environment: dict[str, str]) -> None:
    """R18: at least 128 bits, another each time, never a part of an address, and in no file."""
    data = tmp_path / "data"
    codes = []
    for _ in range(2):
        made = called("init", "--data", str(data), env=environment)
        assert made.returncode == 0, made.stderr
        (code,) = re.findall(r"^  ([A-Z2-9]{4}(?:-[A-Z2-9]{4}){6})$", made.stdout, re.MULTILINE)
        addresses = re.findall(r"https://\S+", made.stdout)
        assert any(address.endswith("/setup") for address in addresses)
        assert not any(code in address for address in addresses)
        codes.append(code)
    assert codes[0] != codes[1]
    assert len(ALPHABET) ** LETTERS >= 2**128
    content = b"".join(file.read_bytes() for file in data.rglob("*") if file.is_file())
    assert not any(code.encode() in content or code.replace("-", "").encode() in content for code in codes)


def test_r18_init_prints_a_new_code_while_the_service_runs(tmp_path: Path, environment: dict[str, str]) -> None:
    """R18, R2: asked for through the local door; the one before counts no more. Without that door: stop it first."""
    data, port = tmp_path / "data", free_port()
    env = {**environment, "OSTIARY_SERVER_PORT": str(port), "OSTIARY_SERVER_ORIGIN": f"https://localhost:{port}"}
    assert called("init", "--data", str(data), env=env).returncode == 0
    with serving("--data", str(data), env=env):
        again = called("init", "--data", str(data), env=env)
        assert again.returncode == 0, again.stderr
        (code,) = re.findall(r"^  ([A-Z2-9]{4}(?:-[A-Z2-9]{4}){6})$", again.stdout, re.MULTILINE)
        assert f"https://localhost:{port}/setup" in again.stdout
        with closing(connect(f"file:{data / 'ostiary.db'}?mode=ro", uri=True)) as db:
            open_ones = db.execute(
                "SELECT digest FROM invitations WHERE purpose = 'first_administrator' AND spent IS NULL"
            ).fetchall()
        assert open_ones == [(sha256(code.replace("-", "").encode()).digest(),)]
    with serving("--data", str(data), env={**env, "OSTIARY_SERVER_LOCAL_DOOR": "false"}):
        refused = called("init", "--data", str(data), env=env)
    assert refused.returncode == 1
    assert "stop it first" in refused.stderr
    assert "/setup" not in refused.stdout


def test_r18_well_known_clients_are_registered_in_the_sample_only() -> None:
    """R18: a real house begins with its own two applications, and the device flow off for its command."""
    values = {"tenant": "t", "name": "n", "origin": "https://localhost", "domains": (), "group": "g", "policy": "p"}
    real = {app.id: app for app in plan(sample=False, now=Instant(0), **values).applications}  # type: ignore[arg-type]
    made = {app.id: app for app in plan(sample=True, now=Instant(0), **values).applications}  # type: ignore[arg-type]
    known = {CLIENTS["azure-cli"], CLIENTS["graph-cli"]}
    assert known <= set(made)
    assert known.isdisjoint(real)
    assert len(real) == 2
    assert not any(app.device_flow for app in real.values())
    assert made[OSTIARY_CLI].device_flow
