"""
Pipelines without people: our program as a job of a forge, against a running server that asks the forge for its keys.
"""

import json
import secrets
from pathlib import Path

import pytest

from ostiary.core.directory.applications import Application
from ostiary.core.directory.trusts import Trust
from ostiary.services.directory.applications import create_application
from ostiary.services.directory.trusts import add_trust, remove_trust
from tests.clients.test_keys import administrator
from tests.forge import Forge, forge, server
from tests.journeys.test_cli import Installed, installed
from tests.server import Server

__all__ = ["forge", "server"]

API = "api://wind-of-jobs"


def robot(server: Server, forge: Forge) -> str:
    """The client id of an application whose workload the forge's job is."""
    house = server.house
    if house.desk.picture.resource(API) is None:
        scope = {"value": "Deploy", "description": "Deploy things"}
        wind = {"name": "Wind", "identifier_uris": (API,), "scopes": (scope,)}
        assert isinstance(server.run(create_application(house, administrator(server), wind)), Application)
    asked = {"name": f"Robot {secrets.token_hex(8)}"}
    made = server.run(create_application(house, administrator(server), asked))
    assert isinstance(made, Application), made
    wish = {"name": "main", "issuer": forge.issuer, "subject": forge.subject, "scopes": (f"{API}/Deploy",)}
    trust = server.run(add_trust(house, administrator(server), made.id, wish))
    assert isinstance(trust, Trust), trust
    return str(made.id)


@pytest.fixture(scope="module")
def client(server: Server, forge: Forge) -> str:
    """One for all jobs."""
    return robot(server, forge)


@pytest.fixture
def job(server: Server, forge: Forge, tmp_path: Path) -> Installed:
    """A job of GitHub Actions that may have an id token."""
    program = installed(server, tmp_path)
    trusted = tmp_path / "authorities.pem"
    trusted.write_text(server.ca_file.read_text() + forge.authority.read_text())
    return Installed({
        **program.environ, "SSL_CERT_FILE": str(trusted), "CI": "true", "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "octo-org/octo-repo", "GITHUB_REF_NAME": "main",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{forge.issuer}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": forge.request_token,
    })  # fmt: skip


def test_a_job_of_github_gets_its_token(server: Server, forge: Forge, job: Installed, client: str) -> None:
    """No secret, no person, nothing kept; stdout holds the token alone, and the job's own is shown nowhere."""
    forge.now = server.clock.now()
    done = job.run("token", "--workload", "--client", client, "--resource", API)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(".") == 2
    assert done.stdout.count("\n") == 1
    for shown in (done.stdout, done.stderr):
        assert forge.handed[-1] not in shown
        assert forge.request_token not in shown
    assert not job.state.exists() or not any(job.state.iterdir())
    again = job.run("token", "--workload", "--client", client, "--json")
    assert json.loads(again.stdout)["event"] == "token", again.stderr


@pytest.mark.parametrize("way", ["OSTIARY_ID_TOKEN", "OSTIARY_ID_TOKEN_FILE"])
def test_other_forges_hand_it_over_in_a_variable_or_a_file(
    server: Server, forge: Forge, job: Installed, client: str, tmp_path: Path, way: str
) -> None:
    """GitLab's `id_tokens`, a projected file of Kubernetes."""
    token = forge.token(server.clock.now(), f"{server.origin}/{server.tenant}/v2.0")
    given = token
    if way.endswith("FILE"):
        (tmp_path / "id-token").write_text(token + "\n")
        given = str(tmp_path / "id-token")
    done = job.run("token", "--workload", "--client", client, **{way: given})
    assert done.returncode == 0, done.stderr


def test_a_pipeline_is_told_what_to_do_instead_of_a_code(server: Server, job: Installed) -> None:
    """CI=true: exit 4 and the recipe in the words of its forge, its own repository in it; nothing was asked for."""
    done = job.run("login")
    assert done.returncode == 4
    assert "ostiary app trust APP" in done.stderr
    assert "--github octo-org/octo-repo --branch main" in done.stderr
    assert "id-token: write" in done.stderr
    assert done.stdout == ""
    gitlab = job.run("login", "--device-code", GITHUB_ACTIONS="", GITLAB_CI="true", CI_PROJECT_PATH="g/p;rm -rf")
    assert gitlab.returncode == 4
    assert "--gitlab GROUP/PROJECT" in gitlab.stderr
    assert "id_tokens:" in gitlab.stderr
    other = job.run("login", GITHUB_ACTIONS="")
    assert (other.returncode, "OSTIARY_ID_TOKEN_FILE" in other.stderr) == (4, True)


def test_what_goes_wrong_has_its_exit_status(server: Server, forge: Forge, job: Installed, client: str) -> None:
    """Not trusted: 4 with the reference. No id token: 2 with what is missing. A forge that says no: 7."""
    forge.now, subject = server.clock.now(), forge.subject
    forge.subject = "repo:octo-org/octo-repo-evil:ref:refs/heads/main"
    try:
        evil = job.run("token", "--workload", "--client", client)
    finally:
        forge.subject = subject
    assert (evil.returncode, "reference" in evil.stderr, evil.stdout) == (4, True, "")
    bare = job.run("token", "--workload", "--client", client, ACTIONS_ID_TOKEN_REQUEST_URL="")
    assert (bare.returncode, "id-token: write" in bare.stderr) == (2, True)
    refused = job.run("token", "--workload", "--client", client, ACTIONS_ID_TOKEN_REQUEST_TOKEN="x")
    assert (refused.returncode, refused.stdout) == (7, "")
    assert job.run("token", "--workload").returncode == 2
    assert job.run("token", "--workload", "--client", client, OSTIARY_ID_TOKEN="nonsense").returncode == 2


def test_r17_neither_token_is_kept(server: Server, forge: Forge, job: Installed, client: str) -> None:
    """R17: neither the job's own token nor ours is in any file of the server's folder; what is no secret is."""
    forge.now = server.clock.now()
    done = job.run("token", "--workload", "--client", client)
    assert done.returncode == 0, done.stderr
    content = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
    for token in (forge.handed[-1], done.stdout.strip()):
        assert token.rpartition(".")[2].encode() not in content
        assert token.split(".")[1].encode() not in content
    assert forge.subject.encode() in content


def test_a_trust_that_is_gone_gives_nothing(server: Server, forge: Forge, job: Installed) -> None:
    """From the moment on at which an administrator took it away."""
    client, forge.now = robot(server, forge), server.clock.now()
    assert job.run("token", "--workload", "--client", client).returncode == 0
    gone = server.run(remove_trust(server.house, administrator(server), client, "main"))
    assert isinstance(gone, Trust)
    assert job.run("token", "--workload", "--client", client).returncode == 4
