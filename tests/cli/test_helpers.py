"""
The helpers of kubectl, git and Docker, called as those call them.
"""

import io
import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

from ostiary.cli.docker_credential import docker_credential
from ostiary.cli.errand import Errand
from ostiary.cli.git_credential import git_credential
from ostiary.cli.kube_token import kube_token
from ostiary.cli.settings import Given
from ostiary.client.errors import Misused
from ostiary.client.machine import Machine
from ostiary.client.profiles import read_profile
from tests.cli.conftest import PATIENCE, Program
from tests.client.wire import BLOCKED, Wire

BIN = Path(sys.executable).parent
KUBE = ("kube-token", "--resource", "https://kube.example.com")
V1, V1BETA1 = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"
DOCUMENT = "/organizations/v2.0/.well-known/openid-configuration"
HOSTS = """
[profiles.default.hosts]
"git.example.com" = "https://git.example.com"
"Registry.example.com:5000" = "https://registry.example.com"
"""

Done = subprocess.CompletedProcess[str]


def info(version: str = V1, *, interactive: bool = False, **spec: Any) -> dict[str, str]:
    """What kubectl puts into the plugin's environment."""
    asked = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": interactive, **spec}}
    return {"KUBERNETES_EXEC_INFO": json.dumps(asked)}


def sign_in(wire: Wire, program: Program, *flags: str) -> None:
    """A sign-in that is approved at once."""
    wire.state.approved = True
    done = program.run("login", *flags)
    assert done.returncode == 0, done.stderr


def bind(wire: Wire) -> None:
    """From now on the server proves keys."""
    wire.state.graph["GET", DOCUMENT] = (200, {**wire.metadata(), "dpop_signing_alg_values_supported": ["ES256"]})
    wire.state.extra_tokens = {"token_type": "DPoP"}


def helper(program: Program, name: str, *arguments: str, input: str = "", **environ: str) -> Done:
    """Run the installed program *name* as its caller does."""
    return subprocess.run(
        [str(BIN / name), *arguments],
        env={**program.environ, **environ},
        input=input,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def named(wire: Wire, program: Program) -> Program:
    """Signed in, with a profile that names two hosts."""
    program.config.mkdir()
    (program.config / "config.toml").write_text(HOSTS)
    sign_in(wire, program, "--bearer")
    return program


# kubectl


@pytest.mark.parametrize("version", [V1, V1BETA1])
def test_kubectl_gets_a_token_in_the_version_it_asks_for(wire: Wire, program: Program, version: str) -> None:
    """Of the resource that was named, with its end in UTC; nothing else is on stdout."""
    sign_in(wire, program)
    done = program.run(*KUBE, **info(version))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["apiVersion"], answer["kind"]) == (version, "ExecCredential")
    assert answer["status"]["token"] == "access-1-2"
    assert wire.state.calls("/token")[-1].form["scope"] == "https://kube.example.com/.default"
    ends = datetime.strptime(answer["status"]["expirationTimestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(0) < ends - datetime.now(UTC) <= timedelta(seconds=wire.state.token_life)


def test_an_end_that_is_near_is_told_on_stderr_alone(wire: Wire, program: Program) -> None:
    """What kubectl reads stays what it is; the person at the terminal sees that the exemption ends."""
    wire.state.session_life = 480
    sign_in(wire, program)
    done = program.run(*KUBE, **info())
    assert json.loads(done.stdout)["status"]["token"] == "access-1-2"
    assert "! This sign-in ends in " in done.stderr


def test_the_token_is_taken_from_the_cache_and_renewed_in_silence(wire: Wire, program: Program) -> None:
    """A second call asks no server; one that is nearly over is renewed, and nobody is asked."""
    sign_in(wire, program)
    wire.state.token_life = 30
    first = json.loads(program.run(*KUBE, **info()).stdout)["status"]["token"]
    wire.state.token_life = 600
    again = [json.loads(program.run(*KUBE, **info()).stdout)["status"]["token"] for _ in range(2)]
    assert (first, again) == ("access-1-2", ["access-1-3"] * 2)
    assert len(wire.state.calls("/devicecode")) == 1


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"KUBERNETES_EXEC_INFO": "{"},
        {"KUBERNETES_EXEC_INFO": "[" * 100_000},
        info("client.authentication.k8s.io/v1alpha1"),
        {"KUBERNETES_EXEC_INFO": json.dumps({"apiVersion": V1, "kind": "Other", "spec": {}})},
        info(cluster={"server": "http://kube.example.com"}),
        info(cluster={"server": "https://kube.example.com", "insecure-skip-tls-verify": True}),
    ],
    ids=["none", "no JSON", "deep", "version", "kind", "no https", "unverified"],
)
def test_what_kubectl_may_not_ask_is_refused(wire: Wire, program: Program, environ: dict[str, str]) -> None:
    """As wrong use (exit 2), before anybody looks for a sign-in."""
    errand = Errand(Given(), Machine(environ={**program.environ, **environ}))
    with pytest.raises(Misused):
        kube_token(errand, resource="https://kube.example.com")
    assert wire.state.seen == []


def test_a_refusal_is_on_stderr_alone(program: Program) -> None:
    """Exit 2, and nothing that kubectl could take for an answer."""
    done = program.run(*KUBE, **info("client.authentication.k8s.io/v1alpha1"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "v1alpha1" in done.stderr
    assert V1 in done.stderr


def test_no_cluster_gets_the_admin_api_s_token_by_default(wire: Wire, program: Program) -> None:
    """Its resource has to be named, by flag or by the profile."""
    sign_in(wire, program)
    assert program.run("kube-token", **info()).returncode == 2
    path = program.config / "config.toml"
    program.config.mkdir(exist_ok=True)
    path.write_text('[profiles.default]\nscope = "https://kube.example.com/.default"\n')
    assert program.run("kube-token", **info()).returncode == 0
    assert wire.state.calls("/token")[-1].form["scope"] == "https://kube.example.com/.default"


@pytest.mark.parametrize("interactive", [True, False])
def test_nobody_is_asked_where_nobody_can_answer(wire: Wire, program: Program, interactive: bool) -> None:
    """No terminal: exit 3 with the command that signs in, and no code exists, whatever kubectl says."""
    done = program.run(*KUBE, "--profile", "kube", **info(interactive=interactive))
    assert (done.returncode, done.stdout) == (3, "")
    assert "ostiary login --bearer --profile kube --scope https://kube.example.com/.default" in done.stderr
    assert wire.state.calls("/devicecode") == []


def test_a_rule_that_says_no_is_exit_4(wire: Wire, program: Program) -> None:
    """With the rule, and no token."""
    sign_in(wire, program)
    wire.state.refreshes.append((400, {**BLOCKED, "error": "invalid_grant"}))
    done = program.run(*KUBE, **info())
    assert (done.returncode, done.stdout) == (4, "")
    assert "Block device code flow" in done.stderr


def on_terminal(program: Program, **environ: str) -> Done:
    """As kubectl in a person's shell: stdin and stderr are the terminal, stdout is kubectl's."""
    screen, other = pty.openpty()
    with subprocess.Popen(
        program.command(*KUBE), env={**program.environ, **environ}, stdin=other, stdout=subprocess.PIPE, stderr=other
    ) as process:
        os.close(other)
        assert process.stdout is not None
        out = process.stdout.read().decode()
        status = process.wait(PATIENCE)
    seen = os.read(screen, 65536).decode()
    os.close(screen)
    return subprocess.CompletedProcess([], status, out, seen)


def test_a_person_at_a_terminal_signs_in_if_kubectl_lets_them(wire: Wire, program: Program) -> None:
    """The code is on stderr, the credential on stdout, the tokens are any program's; without leave: exit 3."""
    bind(wire)
    wire.state.approved, wire.state.extra_tokens = True, {}
    assert on_terminal(program, **info(interactive=False)).returncode == 3
    assert on_terminal(program, CI="true", **info(interactive=True)).returncode == 4
    assert wire.state.calls("/devicecode") == []
    done = on_terminal(program, **info(interactive=True))
    assert done.returncode == 0, done.stderr
    assert "WDJB-MJH1" in done.stderr
    assert json.loads(done.stdout)["status"]["token"] == "access-1-2"
    assert not [seen for seen in wire.state.seen if "dpop" in seen.headers]


def test_a_bound_sign_in_is_not_handed_on(wire: Wire, program: Program) -> None:
    """Nor replaced: exit 2 names the sign-in that can be used, in a profile of its own."""
    bind(wire)
    sign_in(wire, program)
    for done in (program.run(*KUBE, **info()), on_terminal(program, **info(interactive=True))):
        assert (done.returncode, done.stdout) == (2, "")
        assert "bound to a key of this machine" in done.stderr
        assert "ostiary login --bearer --profile NAME" in done.stderr
    assert len(wire.state.calls("/devicecode")) == 1


def test_a_sign_in_with_a_certificate_is_not_handed_on(wire: Wire, program: Program) -> None:
    """Its tokens count with that certificate alone."""
    sign_in(wire, program, "--store", "plaintext")
    kept = program.state / "default.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "certificate": "/etc/me.pem"}))
    with pytest.raises(Misused, match="bound to a certificate"):
        kube_token(Errand(Given(), Machine(environ={**program.environ, **info()})), resource="https://kube.example.com")


def test_a_token_of_the_environment_is_not_handed_on(wire: Wire, named: Program) -> None:
    """Nobody can say whom it is for: the stored sign-in's is taken, or none."""
    done = named.run(*KUBE, OSTIARY_TOKEN="mine", **info())
    assert "mine" not in done.stdout
    other = helper(named, "git-credential-ostiary", "--profile", "other", "get", input=GIT, OSTIARY_TOKEN="mine")
    assert "mine" not in other.stdout


# git

GIT = "protocol=https\nhost=git.example.com\n\n"


def git(program: Program, verb: str, input: str, helper: str = "ostiary") -> Done:
    """`git credential VERB`, with our helper and no other."""
    home = Path(program.environ["HOME"])
    (home / ".gitconfig").write_text(f'[credential]\n\thelper = "{helper}"\n')
    return subprocess.run(
        ["git", "credential", verb],
        env={**program.environ, "PATH": f"{BIN}:{program.environ['PATH']}", "GIT_TERMINAL_PROMPT": "0"},
        cwd=home,
        input=input,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_git_gets_a_token_for_a_host_that_is_named(wire: Wire, named: Program) -> None:
    """From git itself; under the name in its address, if there is one."""
    done = git(named, "fill", GIT)
    assert done.returncode == 0, done.stderr
    assert "username=oauth2\npassword=access-1-2\n" in done.stdout
    assert wire.state.calls("/token")[-1].form["scope"] == "https://git.example.com/.default"
    mine = git(named, "fill", "protocol=https\nhost=GIT.example.com:443\nusername=alice\n\n")
    assert "username=alice\npassword=access-1-2\n" in mine.stdout


def test_git_is_told_when_the_password_ends(named: Program) -> None:
    """`password_expiry_utc`, in seconds since the epoch."""
    lines = helper(named, "git-credential-ostiary", "get", input=GIT).stdout.splitlines()
    ends = datetime.fromtimestamp(int(dict(line.split("=", 1) for line in lines)["password_expiry_utc"]), UTC)
    assert timedelta(0) < ends - datetime.now(UTC) <= timedelta(seconds=600)


def test_a_token_that_the_host_refused_is_thrown_away(named: Program) -> None:
    """`git credential reject`, as git does after a 401; `approve` changes nothing."""
    given = git(named, "fill", GIT).stdout
    assert git(named, "approve", given).returncode == 0
    assert git(named, "fill", GIT).stdout == given
    assert git(named, "reject", given).returncode == 0
    assert "password=access-1-3\n" in git(named, "fill", GIT).stdout


@pytest.mark.parametrize(
    "asked",
    [
        "protocol=https\nhost=git.example.com.evil.example\n\n",
        "protocol=https\nhost=git.example.com:8443\n\n",
        "protocol=https\nhost=evil.example\npath=git.example.com\n\n",
        "protocol=https\nhost=git.example.com@evil.example\n\n",
        "protocol=http\nhost=git.example.com\n\n",
        "host=git.example.com\n\n",
        "protocol=https\n\n",
        "",
    ],
)
def test_no_other_host_gets_one(
    program: Program, asked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another name or port, no https, or nothing at all: not a word, and no sign-in is looked for."""
    git_credential(asking(program, asked, monkeypatch), "get")
    assert tuple(capsys.readouterr()) == ("", "")


def asking(program: Program, text: str, monkeypatch: pytest.MonkeyPatch) -> Errand:
    """A call in this process, with *text* on stdin and two hosts in the profile."""
    program.config.mkdir()
    (program.config / "config.toml").write_text(HOSTS)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    return Errand(Given(), Machine(environ=program.environ))


def test_another_profile_s_hosts_are_not_this_one_s(named: Program) -> None:
    """What is named for one sign-in is not given from another."""
    assert helper(named, "git-credential-ostiary", "--profile", "other", "get", input=GIT).stdout == ""


def test_git_asks_for_no_password_where_there_is_no_sign_in(named: Program) -> None:
    """It stops, and the next command is on the screen."""
    assert named.run("logout").returncode == 0
    done = git(named, "fill", GIT)
    assert done.returncode != 0
    assert "ostiary login --bearer --scope https://git.example.com/.default" in done.stderr
    assert "told us to quit" in done.stderr


# Docker


def docker(program: Program, operation: str, input: str = "") -> Done:
    """The helper as Docker calls it."""
    return helper(program, "docker-credential-ostiary", operation, input=input)


@pytest.mark.parametrize("address", ["registry.example.com:5000", "https://registry.example.com:5000/v1/"])
def test_docker_gets_a_token_for_a_registry_that_is_named(wire: Wire, named: Program, address: str) -> None:
    """As a password, not as the identity token that Docker would trade elsewhere (user name `<token>`)."""
    done = docker(named, "get", f"{address}\n")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"ServerURL": address, "Username": "oauth2", "Secret": "access-1-2"}
    assert wire.state.calls("/token")[-1].form["scope"] == "https://registry.example.com/.default"


@pytest.mark.parametrize(
    "address",
    [
        "http://registry.example.com:5000",
        "registry.example.com",
        "https://index.docker.io/v1/",
        "https://registry.example.com:5000@evil.example",
        "https://x@registry.example.com:5000",
        "https://[",
        "",
    ],
)
def test_docker_gets_none_for_any_other(
    program: Program, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The words by which it knows that there are none, and goes on without."""
    with pytest.raises(typer.Exit) as end:
        docker_credential(asking(program, address, monkeypatch), "get")
    assert end.value.exit_code == 1
    assert tuple(capsys.readouterr()) == ("credentials not found in native keychain\n", "")


def test_docker_is_told_what_is_there_and_what_is_not(named: Program) -> None:
    """`list` names the registries; nothing is stored; the sign-in outlives `docker logout`; faults are on stdout."""
    assert json.loads(docker(named, "list").stdout)["registry.example.com:5000"] == "oauth2"
    stored = docker(named, "store", '{"ServerURL": "x", "Username": "me", "Secret": "hunter2"}')
    assert stored.returncode == 2
    assert "hunter2" not in stored.stdout + stored.stderr
    assert docker(named, "erase", "registry.example.com:5000").returncode == 0
    assert docker(named, "get", "registry.example.com:5000").returncode == 0
    assert named.run("logout").returncode == 0
    gone = docker(named, "get", "registry.example.com:5000")
    assert gone.returncode == 3
    assert "ostiary login --bearer --scope https://registry.example.com/.default" in gone.stdout


@pytest.mark.parametrize("hosts", ['hosts = "x"', '[profiles.default.hosts]\n"a/b" = "x"', "hosts = {a = 1}"])
def test_hosts_that_cannot_be_read_are_an_error(program: Program, hosts: str) -> None:
    """Never passed over."""
    program.config.mkdir()
    (program.config / "config.toml").write_text(f"[profiles.default]\n{hosts}\n")
    with pytest.raises(Misused):
        read_profile(program.config, "default")
