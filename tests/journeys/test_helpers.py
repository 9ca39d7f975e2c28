"""
kubectl's plugin and git's helper against a running server, after a person approved in a real browser.
"""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PATIENCE
from tests.cli.test_terminal import terminal
from tests.journeys.browser import Desk
from tests.journeys.test_cli import Installed, code_on, installed
from tests.server import Server

V1 = "client.authentication.k8s.io/v1"


@pytest.fixture
def program(server: Server, chromium: Desk, tmp_path: Path) -> Installed:
    """Alice, signed in with tokens that any program can use; git.example.com is named in her profile."""
    alice, program = server.people["alice"], installed(server, tmp_path)
    program.config.mkdir()
    (program.config / "config.toml").write_text(f'[profiles.default.hosts]\n"git.example.com" = "{server.origin}"\n')
    server.open_exemption("alice")
    with chromium.person(server.origin) as person, terminal(program, "login", "--device-code", "--bearer") as screen:
        person.sign_in(alice.username, alice.password, alice.totp())
        person.enter_code(code_on(screen))
        person.approve()
        assert screen.end() == 0, screen.seen
    return program


def test_the_helpers_follow_the_sign_in_to_its_end(server: Server, program: Installed) -> None:
    """A token for kubectl and one for git, both of the server; when the exemption ends, neither gets another."""
    info = {"apiVersion": V1, "kind": "ExecCredential", "spec": {"interactive": False}}
    asked = {"KUBERNETES_EXEC_INFO": json.dumps(info)}
    kube = ("kube-token", "--resource", server.origin)
    done = program.run(*kube, **asked)
    assert done.returncode == 0, done.stderr
    claims = _claims(json.loads(done.stdout)["status"]["token"])
    assert claims["ostiary_origin"] == "device_code"
    assert "cnf" not in claims
    filled = _git(program)
    assert filled.returncode == 0, filled.stderr
    assert "password=eyJ" in filled.stdout
    server.end_exemptions("alice")
    assert _git(program, "reject", filled.stdout).returncode == 0  # as after a 401: what is cached is thrown away
    over = program.run(*kube, **asked)
    assert (over.returncode in (3, 4), over.stdout) == (True, ""), over.stderr
    assert "ostiary login --bearer" in over.stderr
    assert "told us to quit" in _git(program).stderr


def _git(
    program: Installed, verb: str = "fill", asked: str = "protocol=https\nhost=git.example.com\n\n"
) -> "subprocess.CompletedProcess[str]":
    path = f"{Path(sys.executable).parent}{os.pathsep}{program.environ['PATH']}"
    return subprocess.run(
        ["git", "-c", "credential.helper=ostiary", "credential", verb],
        env={**program.environ, "PATH": path, "GIT_TERMINAL_PROMPT": "0"},
        cwd=program.environ["HOME"],
        input=asked,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def _claims(token: str) -> dict[str, object]:
    found = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert isinstance(found, dict)
    return found
