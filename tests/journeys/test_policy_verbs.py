"""The verbs about policy against a running server, as an administrator types them."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.attacks.test_bad_input import token_of
from tests.attacks.visitor import Visitor
from tests.cli.conftest import Program
from tests.cli.test_terminal import terminal
from tests.journeys.test_cli import Installed, installed
from tests.server import Server

RESOURCE = "Azure Resource Manager"
BARE = {
    "users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"],
}  # fmt: skip
BLOCK = {"operator": "OR", "builtInControls": ["block"]}


@pytest.fixture(scope="module")
def admin(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The program with the token of a browser sign-in of the administrator."""
    program = installed(server, tmp_path_factory.mktemp("admin"))
    bea = server.people["bea"]
    with Visitor(server.origin, server.ca_file) as visitor:
        visitor.sign_in(bea.username, bea.password, bea.totp())
        yield Installed({**program.environ, "OSTIARY_TOKEN": token_of(visitor)})


def lines(program: Program, *arguments: str, status: int = 0) -> list[dict[str, object]]:
    """What `ostiary policy …` prints with --json."""
    done = program.run("policy", *arguments, "--json")
    assert done.returncode == status, (done.stdout, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_policies_are_listed_and_shown(admin: Installed) -> None:
    """By name or by id."""
    (block,) = lines(admin, "list")
    assert lines(admin, "show", str(block["displayName"]))[0]["id"] == block["id"]
    assert lines(admin, "show", str(block["id"]))[0]["state"] == "enabled"
    assert admin.run("policy", "show", "nothing").returncode == 2


def test_a_sign_in_is_simulated(admin: Installed, server: Server) -> None:
    """Blocked without an exemption, and with it only what else is wrong."""
    alice = server.people["alice"].username
    (row,) = lines(admin, "simulate", alice, RESOURCE, "--address", "203.0.113.9", "--requester", "203.0.113.9")
    assert row["policyApplies"] is True
    done = admin.run("policy", "simulate", alice, RESOURCE, "--exemption", "--mfa")
    assert done.returncode == 0, done.stderr
    assert "outcome: allowed" in done.stderr
    assert "outcome: blocked" in admin.run("policy", "simulate", alice, RESOURCE).stderr


def test_the_servers_policies_are_tested(admin: Installed, tmp_path: Path) -> None:
    """Cases that name no policies run over those of the server."""
    cases = tmp_path / "cases.yaml"
    facts = "{transferMethod: deviceCodeFlow, groups: [], user: x, roles: []}"
    text = f"cases:\n  - name: closed by default\n    facts: {facts}\n"
    cases.write_text(f"{text}    expect: blocked\n")
    (event,) = lines(admin, "test", str(cases))
    assert (event["passed"], event["rules"]) == (True, ["Block device code flow"])
    cases.write_text(f"{text}    expect: allowed\n")
    lines(admin, "test", str(cases), status=10)


def test_the_impact_of_a_policy_is_asked(admin: Installed) -> None:
    """Over the real log of the server."""
    (found,) = lines(admin, "impact", "Block device code flow", "--days", "1")
    assert found["wouldFail"] == 0


def test_what_is_done_about_findings_is_set_from_a_file(admin: Installed, tmp_path: Path) -> None:
    """
    What is shown can be set again and changes nothing; a change is shown before it is asked for, without a terminal it
    needs --yes; what is done less is told; nothing goes without a reason.
    """
    shown = admin.run("responses", "show", "--json")
    file = tmp_path / "responses.json"
    file.write_text(shown.stdout)
    why = ("--reason", "we look at these by hand")
    same = admin.run("responses", "set", str(file), *why)
    assert (same.returncode, "Nothing changes." in same.stderr) == (0, True), same.stderr
    file.write_text('{"severities": {"high": ["alert"]}}')
    assert admin.run("responses", "set", str(file), *why).returncode == 2
    assert admin.run("responses", "set", str(file), "--yes").returncode == 2
    done = admin.run("responses", "set", str(file), *why, "--yes")
    assert done.returncode == 0, done.stderr
    assert "severities.high\n  - alert, endExemption, revokeSessions\n  + alert\n" in done.stdout
    assert "high: endExemption, revokeSessions" in done.stderr
    assert json.loads(admin.run("responses", "show", "--json").stdout)["severities"]["high"] == ["alert"]
    file.write_text(shown.stdout)
    assert admin.run("responses", "set", str(file), *why, "--yes").returncode == 0


def test_what_was_changed_while_the_question_stood_is_not_overwritten(admin: Installed, tmp_path: Path) -> None:
    """What was shown is what is agreed to: the change is for the policy that it was shown against."""
    before, mine, other = (tmp_path / f"{name}.json" for name in ("before", "mine", "other"))
    before.write_text(admin.run("responses", "show", "--json").stdout)
    mine.write_text('{"severities": {"low": ["alert"]}}')
    other.write_text('{"severities": {"low": ["alert", "revokeSessions"]}}')
    why = ("--reason", "we look at these by hand")
    with terminal(admin, "responses", "set", str(mine), *why) as shown:
        shown.wait_for("Set it?")
        assert admin.run("responses", "set", str(other), *why, "--yes").returncode == 0
        shown.type("y\n")
        assert shown.end() == 8
    assert "Somebody changed it meanwhile" in shown.seen
    now = json.loads(admin.run("responses", "show", "--json").stdout)
    assert now["severities"]["low"] == ["alert", "revokeSessions"]
    assert admin.run("responses", "set", str(before), *why, "--yes").returncode == 0


def test_of_two_programs_that_read_the_same_policy_one_changes_it(admin: Installed, server: Server) -> None:
    """Over TLS, with the tag that was read: the second is told (412), and what the first wrote stays."""
    draft = {"displayName": "Two programs", "state": "disabled", "conditions": BARE, "grantControls": BLOCK}
    context = ssl.create_default_context(cafile=str(server.ca_file))
    bearer = {"authorization": f"Bearer {admin.environ['OSTIARY_TOKEN']}"}
    with httpx.Client(verify=context, base_url=server.origin, headers=bearer) as programs:
        made = programs.post("/v1.0/identity/conditionalAccess/policies", json=draft)
        assert made.status_code == 201, made.text
        place, tag = made.headers["location"], {"if-match": made.json()["@odata.etag"]}
        assert made.headers["etag"] == tag["if-match"]
        first = programs.patch(place, json={"description": "by the first"}, headers=tag)
        assert (first.status_code, first.content) == (204, b"")
        second = programs.patch(place, json={"description": "by the second"}, headers=tag)
        assert (second.status_code, second.json()["error"]["code"]) == (412, "preconditionFailed")
        assert programs.delete(place, headers=tag).status_code == 412
        (shown,) = lines(admin, "show", made.json()["id"])
        assert (shown["description"], shown["@odata.etag"]) == ("by the first", first.headers["etag"])
        assert programs.delete(place, headers={"if-match": first.headers["etag"]}).status_code == 204
