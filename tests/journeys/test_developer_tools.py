"""
`examples/developer-tools` and `examples/pipeline` as their pages tell them: the real kubectl and git, Docker's
protocol, and a job of a forge, against one server that checks every token.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.app.container import ROOT
from tests.cli.conftest import PATIENCE
from tests.cli.test_terminal import terminal
from tests.forge import Forge, forge, server
from tests.journeys.box import VENV
from tests.journeys.browser import Desk
from tests.journeys.test_admin_verbs import Clerk, at_browser
from tests.journeys.test_cli import Installed, code_on, installed
from tests.server import Server

__all__ = ["forge", "server"]

EXAMPLE, PIPELINE = ROOT / "examples" / "developer-tools", ROOT / "examples" / "pipeline"
V1, V1BETA1 = (f"client.authentication.k8s.io/{version} " for version in ("v1", "v1beta1"))
NOTES = """
git init -q --bare repositories/notes.git
git init -q work
cd work
echo kept > note
git add note
git -c user.name=x -c user.email=x@example.com commit -qm note
git push -q ../repositories/notes.git HEAD
cd ../repositories/notes.git
git update-server-info
"""
Done = subprocess.CompletedProcess[str]

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl (Debian: kubernetes-client)")


def blocks(page: Path, kind: str = "sh") -> list[str]:
    """The commands of *page*."""
    return re.findall(rf"```{kind}\n(.*?)```", (page / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def shell(script: str, program: Installed, folder: Path, **environ: str) -> Done:
    """Run *script* in *folder*, with our program on the path."""
    path = f"{VENV / 'bin'}:{os.environ['PATH']}"
    words = ["sh", "-ec", script]
    return subprocess.run(
        words, env={**program.environ, "PATH": path, "GIT_TERMINAL_PROMPT": "0", **environ}, cwd=folder,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


@dataclass
class Place:
    """The running example, and the administrator who set it up."""

    clerk: Clerk
    address: str
    said: Path


@pytest.fixture(scope="module")
def place(server: Server, chromium: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Set up by the page's commands, a repository in it."""
    clerk = at_browser(server, chromium, "bea", tmp_path_factory.mktemp("bea"))
    folder = tmp_path_factory.mktemp("place")
    done = shell(blocks(EXAMPLE)[0], clerk.program, folder)
    assert done.returncode == 0, done.stderr
    done = shell(NOTES, clerk.program, folder)
    assert done.returncode == 0, done.stderr
    tls = server.data / "tls"
    words = [sys.executable, "-u", str(EXAMPLE / "tools.py"), "--port", "0", "--authority", server.origin]
    words += ["--audience", "api://tools", "--repositories", "repositories", "--ca", str(tls / "ca.pem")]
    words += ["--certificate", str(tls / "server.pem"), "--key", str(tls / "server.key")]
    with started(words, folder) as address:
        yield Place(clerk, address, folder / "said")


@contextmanager
def started(words: list[str], folder: Path) -> Iterator[str]:
    """The address of the example's server; what it says later is in the file ``said``."""
    with (folder / "said").open("w") as said, subprocess.Popen(words, cwd=folder, stdout=said) as process:
        try:
            for _ in range(PATIENCE * 10):
                found = re.match(r"tools at (\S+)\n", (folder / "said").read_text())
                if found:
                    break
                assert process.poll() is None, "it did not start"
                time.sleep(0.1)
            assert found, "it says nothing"
            yield found[1]
        finally:
            process.terminate()


@pytest.fixture
def developer(server: Server, chromium: Desk, place: Place, tmp_path: Path) -> Installed:
    """Alice, signed in by the page's command; her profile is the page's with this server's addresses."""
    alice, program = server.people["alice"], installed(server, tmp_path)
    (profile,) = blocks(EXAMPLE, "toml")
    profile = profile.replace("localhost:9444", place.address.removeprefix("https://"))
    program.config.mkdir()
    (program.config / "config.toml").write_text(profile.replace("https://id.example.com", server.origin))
    kubeconfig = (EXAMPLE / "kubeconfig.yaml").read_text().replace("https://localhost:9444", place.address)
    (tmp_path / "kubeconfig.yaml").write_text(kubeconfig)
    shutil.copy(server.authority, tmp_path / "ca.pem")
    login = blocks(EXAMPLE)[2].split()[1:]
    server.open_exemption("alice")
    with chromium.person(server.origin) as person, terminal(program, *login, "--device-code") as screen:
        person.sign_in(alice.username, alice.password, alice.totp())
        person.enter_code(code_on(screen))
        person.approve()
        assert screen.end() == 0, screen.seen
    return program


def test_kubectl_git_and_docker_follow_one_sign_in(
    server: Server, place: Place, developer: Installed, tmp_path: Path
) -> None:
    """Pods, a clone and a registry's door, each with a token of its own asking; none of them after the end."""
    pods, clone = blocks(EXAMPLE)[3].splitlines()
    page, file = (tmp_path / "kubeconfig.yaml").read_text(), tmp_path / "kubeconfig.yaml"
    for version in spoken():
        file.write_text(page.replace(V1, version))
        done = shell(f"{pods} -o name", developer, tmp_path)
        assert done.stdout == "pod/web-1\n", (version, done.stderr, place.said.read_text())
    cloned = shell(clone, developer, tmp_path, TOOLS=place.address)
    assert cloned.returncode == 0, cloned.stderr
    assert (tmp_path / "notes" / "note").read_text() == "kept\n"
    secret = docker(developer, tmp_path, place)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"eyJ" in path.read_bytes()], "no tool keeps a token in the clear"
    host = place.address.removeprefix("https://")
    told = f"protocol=https\\nhost={host}\\npassword={secret}\\n"  # else it is good for ten minutes at such a server
    refused = shell(f"printf '{told}' | git-credential-ostiary --profile tools erase", developer, tmp_path)
    assert refused.returncode == 0, refused.stderr
    server.end_exemptions("alice")
    shutil.rmtree(tmp_path / "notes")
    for command in (pods, clone):
        over = shell(command, developer, tmp_path, TOOLS=place.address)
        assert over.returncode != 0, over.stdout
        assert "ostiary login --bearer" in over.stderr


def spoken() -> tuple[str, ...]:
    """The versions of `ExecCredential` that this kubectl knows; v1 came with 1.22."""
    words = ["kubectl", "version", "--client", "-o", "json"]
    told = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
    minor = re.match(r"\d+", json.loads(told)["clientVersion"]["minor"])
    return (V1, V1BETA1) if minor and int(minor[0]) >= 22 else (V1BETA1,)


def docker(program: Installed, folder: Path, place: Place) -> str:
    """What Docker does: asks the helper by its protocol, then comes with a Basic header; the password."""
    host = place.address.removeprefix("https://")
    (credentials,) = blocks(EXAMPLE, "json")
    helper = "docker-credential-" + next(iter(json.loads(credentials)["credHelpers"].values()))
    got = shell(f"printf %s {host} | {helper} get", program, folder, OSTIARY_PROFILE="tools")
    assert got.returncode == 0, got.stdout
    given = json.loads(got.stdout)
    assert given["ServerURL"] == host
    (folder / "curl").write_text(f'user = "{given["Username"]}:{given["Secret"]}"\n')
    door = shell(f"curl -s --config curl --cacert ca.pem {place.address}/v2/", program, folder)
    (folder / "curl").unlink()
    assert door.stdout == "{}"
    return str(given["Secret"])


def test_a_stranger_and_another_permission_stay_outside(server: Server, place: Place, tmp_path: Path) -> None:
    """No token, a token of nobody, one of this service for another resource."""
    program = installed(server, tmp_path)
    shutil.copy(server.authority, tmp_path / "ca.pem")
    other = place.clerk.program.run("token")
    assert other.returncode == 0, other.stderr
    for token in ("", "a.b.c", other.stdout.strip()):
        (tmp_path / "header").write_text(f"Authorization: Bearer {token}\n")
        asked = f"curl -s -o /dev/null -w '%{{http_code}}' --cacert ca.pem --header @header {place.address}"
        for path in ("/api", "/v2/", "/git/notes.git/info/refs", "/git/../said"):
            assert shell(f"{asked}{path}", program, tmp_path).stdout == "401", (token[:5], path)


def test_a_pipeline_deploys_and_asks_nobody(server: Server, forge: Forge, place: Place, tmp_path: Path) -> None:
    """A code is refused with the recipe; the job's own token gets in, one of another branch does not."""
    trust = blocks(PIPELINE)[0].replace("--github octo-org/octo-repo --branch main", f"--issuer {forge.issuer}")
    trust = trust.replace("--name main", f"--name main --subject {forge.subject}")
    done = shell(trust, place.clerk.program, tmp_path)
    assert done.returncode == 0, done.stderr
    client = str(place.clerk.rows("app", "show", "Release robot")[0]["appId"])
    program = installed(server, tmp_path)
    (tmp_path / "trusted.pem").write_text(server.ca_file.read_text() + forge.authority.read_text())
    runner = {
        "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octo-org/octo-repo", "GITHUB_REF_NAME": "main",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{forge.issuer}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": forge.request_token, "SSL_CERT_FILE": str(tmp_path / "trusted.pem"),
        "CURL_CA_BUNDLE": str(tmp_path / "trusted.pem"),
    }  # fmt: skip
    code = shell("ostiary login", program, tmp_path, **runner)
    assert code.returncode == 4
    assert "--github octo-org/octo-repo --branch main" in code.stderr
    job, forge.now = f"sh {PIPELINE / 'job.sh'} {client} {place.address}", server.clock.now()
    done = shell(job, program, tmp_path, **runner)
    assert (done.returncode, done.stdout) == (0, "deployed\n"), done.stderr
    assert f"deployed for {forge.subject}" in place.said.read_text()
    assert "eyJ" not in done.stderr
    forge.subject, subject = "repo:octo-org/octo-repo:ref:refs/heads/evil", forge.subject
    try:
        other = shell(job, program, tmp_path, **runner)
    finally:
        forge.subject = subject
    assert (other.returncode, other.stdout) == (4, "")
