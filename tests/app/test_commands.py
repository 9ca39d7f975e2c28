"""`ostiary-server` as an operator types it: what a start says, what it says when it cannot."""

import os
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from ostiary.app.wiring import DATABASE
from tests import forked

SERVER = Path(sys.executable).with_name("ostiary-server")
OSTIARY = Path(sys.executable).with_name("ostiary")
PATIENCE = 300  # seconds that a busy machine may take
ALICE = "alice@ostiary.example"


def _environ(home: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", **more}


def _call(program: Path, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """The installed command, in its folder."""
    return subprocess.run(
        [str(program), *words],
        env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


_LOOKED_THROUGH = """
import gc
from ostiary.app import commands
from ostiary.app.console import perform

async def work():
    print(gc.get_freeze_count(), len(gc.get_objects()))

perform(work)
"""


def test_what_modules_made_is_not_looked_through_for_garbage(tmp_path: Path) -> None:
    """A full collection stops every answer, and there is nothing for it to find in there."""
    said = _call(Path(sys.executable), "-c", _LOOKED_THROUGH, **_environ(tmp_path)).stdout
    kept, looked_through = map(int, said.split())
    assert kept > 20 * looked_through


@contextmanager
def _running(home: Path, port: int) -> Iterator[str]:
    """The sample as `make run` starts it; yields what it printed until it was open."""
    words = [str(SERVER), "run", "--sample", "--data", str(home / "data"), "--port", str(port)]
    with subprocess.Popen(words, env=_environ(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line.decode()
                if line.startswith(b"The local door:"):
                    break
            yield said
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0


def _exports(said: str) -> dict[str, str]:
    return dict(re.findall(r"^  export ([A-Z_]+)=(\S+)$", said, re.MULTILINE))


def _two_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        for free in (one, two):
            free.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def test_the_variables_that_a_start_prints_are_all_that_a_second_terminal_needs(tmp_path: Path) -> None:
    """
    Refused, opened through the local door, a code: with the printed lines and nothing else. The same data folder on
    another port is the same house: the admin API goes by its new name, and the audit says so.
    """
    for number, port in enumerate(_two_ports()):
        with _running(tmp_path, port) as said:
            environ = _environ(tmp_path, **_exports(said), OSTIARY_BROWSER="never")
            assert (ALICE in said.partition("Ostiary is open")[0]) == (number == 0), "people are printed once"
            refused = _call(OSTIARY, "login", "--device-code", **environ)
            assert refused.returncode == 4, refused.stderr
            reason = ("--for", "1h", "--reason", "trying it")
            opened = _call(OSTIARY, "--local", "exemption", "open", "--user", ALICE, *reason, **environ)
            assert opened.returncode == 0, opened.stderr
            trust = ssl.create_default_context(cafile=environ["SSL_CERT_FILE"])
            with httpx.Client(base_url=environ["OSTIARY_SERVER"], verify=trust) as client:
                asked = {"client_id": "0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001"}
                asked["scope"] = f"{environ['OSTIARY_SERVER']}/.default openid"
                assert client.post("/organizations/oauth2/v2.0/devicecode", data=asked).json()["user_code"]
            ended = _call(OSTIARY, "--local", "exemption", "end", "--user", ALICE, "--reason", "tried", **environ)
            assert ended.returncode == 0, ended.stderr
            audit = _call(OSTIARY, "--local", "audit", "list", "--json", **environ).stdout
            assert ("the configured origin has changed" in audit) == (number == 1)
    with closing(sqlite3.connect(tmp_path / "data" / DATABASE)) as kept:
        hashes = [encoded for (encoded,) in kept.execute("select encoded from passwords")]
    assert hashes
    assert all(encoded.startswith("$argon2id$v=19$m=65536,t=3,p=4$") for encoded in hashes), "R17: no test's cost"


def test_a_port_that_is_taken_is_named_with_what_to_do(tmp_path: Path) -> None:
    """One line and exit 1, no number of the operating system's."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = ("run", "--sample", "--data", str(tmp_path / "data"), "--port", port)
        done = _call(SERVER, *words, **_environ(tmp_path))
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Errno" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--version",), "ostiary-server "),
        (("--help",), "doctor"),
        (("run", "--help"), "--sample"),
        (("backup", "--help"), "FILE"),
    ],
)
def test_it_tells_what_it_is(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """Plain lines that can be searched and copied, like those of `ostiary`."""
    done = forked.call("ostiary-server", words, _environ(tmp_path), timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    assert "╭" not in done.stdout


def test_what_is_wrong_with_a_configuration_is_said_in_words(tmp_path: Path) -> None:
    """Exit 2, every problem, in an operator's words."""
    path = tmp_path / "ostiary.toml"
    path.write_text("prot = 1\n")
    done = forked.call(
        "ostiary-server", ["config", "check", "--config", str(path)], _environ(tmp_path), timeout=PATIENCE
    )
    assert done.returncode == 2
    assert done.stderr == "configuration: prot: there is no such setting\n"
    missing = forked.call(
        "ostiary-server", ["config", "check", "--config", str(tmp_path / "none")], _environ(tmp_path), timeout=PATIENCE
    )
    assert missing.returncode == 2
    assert "No such file" in missing.stderr
    assert "Errno" not in missing.stderr
