"""
Every administering verb of `ostiary` against a running server: by an administrator who signed in with a browser, by one
who signed in with a code (R3), and through the local door (R2).
"""

import csv
import json
import re
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.cli import NOUNS
from ostiary.cli.settings import CLIENT_ID
from tests.cli.conftest import PATIENCE
from tests.cli.test_terminal import terminal
from tests.journeys.browser import Desk
from tests.journeys.test_cli import Installed, code_on, installed
from tests.server import Server

VERBS = {noun: {verb for verb, _, _ in verbs} for noun, _, verbs in NOUNS}
ASKING = {
    "exemption": {"request", "ensure", "extend", "release", "review"},
    "group": {"eligible", "add-eligible", "remove-eligible", "rules", "change-rule"},
}
"""What test_request_verbs.py plays."""
WHY = ("--reason", "for a test")
LOCAL_DOOR = "The local door does not open this."
BY_CODE = "A session that began with a device code may not do this. Sign in with a browser."
RESOURCE = "Azure Resource Manager"
CODE, NO_DEVICE_FLOW, NO_CONSENT, NO_EXEMPTION, STOPPED = 0, 7000218, 65001, 53003, 530035
Done = subprocess.CompletedProcess[str]


class Clerk:
    """One signed-in program, what it was told to do, and how that went."""

    def __init__(self, program: Installed) -> None:
        self.program = program
        self.played: set[tuple[str, str]] = set()

    def do(self, *words: str, status: int = 0) -> Done:
        """Call a verb; it must end with *status* and never with a traceback."""
        done = self.program.run(*words)
        assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        self.played.add((words[0], words[1]))
        return done

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """The resources that a verb lists."""
        return [json.loads(line) for line in self.do(*words, "--json").stdout.splitlines()]

    def all_of(self, noun: str) -> bool:
        """Whether each verb of *noun* was played."""
        return {verb for played, verb in self.played if played == noun} == VERBS[noun] - ASKING.get(noun, set())


@pytest.fixture(scope="module")
def bea(server: Server, chromium: Desk, tmp_path_factory: pytest.TempPathFactory) -> Clerk:
    """An administrator who signed in with a browser just now."""
    return at_browser(server, chromium, "bea", tmp_path_factory.mktemp("bea"))


def at_browser(server: Server, chromium: Desk, name: str, home: Path) -> Clerk:
    """*name*, who signs in with a browser now."""
    human, program = server.people[name], installed(server, home)
    environ = {**program.environ, "OSTIARY_BROWSER": "true"}
    command = program.command("login", "--browser", "--json")
    with (
        chromium.person(server.origin) as person,
        subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
    ):
        person.sign_in(human.username, human.password, human.totp())
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        assert "Signed in" in person.let_in(address)
        assert process.wait(PATIENCE) == 0
    return Clerk(program)


@pytest.fixture(scope="module")
def carl(server: Server, chromium: Desk, tmp_path_factory: pytest.TempPathFactory) -> Clerk:
    """An administrator who signed in with a code."""
    human, program = server.people["carl"], installed(server, tmp_path_factory.mktemp("carl"))
    server.open_exemption("carl")
    with chromium.person(server.origin) as person, terminal(program, "login", "--device-code") as screen:
        person.sign_in(human.username, human.password, human.totp())
        person.enter_code(code_on(screen))
        person.approve()
        assert screen.end() == 0, screen.seen
    return Clerk(program)


@pytest.fixture
def local(server: Server, tmp_path: Path) -> Clerk:
    """The owner of the server's machine, signed in nowhere."""
    return Clerk(installed(server, tmp_path))


def test_people(bea: Clerk, server: Server) -> None:
    """From an account to none: each verb does what it says, and the next list shows it."""
    made = bea.do("user", "create", "lena@ostiary.example", "--name", "Lena", "--role", "auditor", *WHY)
    assert made.stdout.startswith(f"{server.origin}/"), "the link behind which Lena sets a password"
    assert bea.rows("user", "list", "--name", "Lena")[0]["ostiary"]["roles"] == ["auditor"]
    bea.do("user", "disable", "lena@ostiary.example", *WHY)
    assert "Enabled:       no" in bea.do("user", "show", "lena@ostiary.example").stdout
    bea.do("user", "enable", "lena@ostiary.example", *WHY)
    bea.do("user", "roles", "lena@ostiary.example", "approver", "auditor", *WHY)
    assert sorted(bea.rows("user", "show", "lena@ostiary.example")[0]["ostiary"]["roles"]) == ["approver", "auditor"]
    link = bea.do("user", "password-link", "lena@ostiary.example").stdout.strip()
    assert link != made.stdout.strip()
    assert len(bea.do("user", "access-pass", "lena@ostiary.example", "--lifetime", "10m", *WHY).stdout.strip()) >= 12
    assert bea.rows("user", "passkeys", "lena@ostiary.example") == []
    nothing = bea.do("user", "passkeys", "lena@ostiary.example", "--remove", "no-such", *WHY, status=2)
    for part, status in ((("--part", "no-such"), 2), (("--part", "x", "--remove", "x"), 2)):
        bea.do("user", "passkeys", "lena@ostiary.example", *part, status=status)
    assert "That person has no such passkey" in nothing.stderr
    elsewhere = ("--issuer", "https://login.example.net", "--subject", "4711")
    strange = bea.do("user", "link", "lena@ostiary.example", *elsewhere, *WHY, status=2).stderr
    assert "No configured provider calls itself so" in strange
    nowhere = bea.do("user", "unlink", "lena@ostiary.example", *WHY, status=2).stderr
    assert "linked to nobody elsewhere" in nowhere
    bea.do("user", "reset", "dana@ostiary.example", *WHY)
    bea.do("user", "sign-out", "lena@ostiary.example")
    unsure = bea.do("user", "delete", "lena@ostiary.example", status=2)
    assert "--yes" in unsure.stderr
    assert (
        "Disable the account first" in bea.do("user", "erase", "lena@ostiary.example", "--yes", *WHY, status=8).stderr
    )
    bea.do("user", "disable", "lena@ostiary.example", *WHY)
    bea.do("user", "erase", "lena@ostiary.example", *WHY, status=2)
    bea.do("user", "erase", "lena@ostiary.example", "--yes", *WHY)
    assert "There is no such user" in bea.do("user", "delete", "lena@ostiary.example", "--yes", status=2).stderr
    assert "There is no such user" in bea.do("user", "show", "lena@ostiary.example", status=2).stderr
    assert bea.all_of("user")


def test_the_last_administrators_stay(bea: Clerk) -> None:
    """A conflict (8), said in words, and nothing is changed."""
    bea.do("user", "disable", "carl@ostiary.example", *WHY)
    said = bea.do("user", "roles", "bea@ostiary.example", "approver", *WHY, status=8).stderr
    assert "This is the last administrator" in said
    bea.do("user", "enable", "carl@ostiary.example", *WHY)


def test_groups(bea: Clerk) -> None:
    """From a group to none. The exception group takes nobody by hand."""
    bea.do("group", "create", "Builders", "--description", "who build", *WHY)
    bea.do("group", "add", "Builders", "emil@ostiary.example")
    assert [row["userPrincipalName"] for row in bea.rows("group", "members", "Builders")] == ["emil@ostiary.example"]
    bea.do("group", "remove", "Builders", "emil@ostiary.example", *WHY)
    assert bea.rows("group", "members", "Builders") == []
    assert "who build" in bea.do("group", "show", "Builders").stdout
    by_hand = bea.program.run("group", "add", "Device Code Flow Exception", "emil@ostiary.example")
    assert by_hand.returncode in (2, 4, 8), by_hand.stderr
    bea.do("group", "delete", "Builders", status=2)
    bea.do("group", "delete", "Builders", "--yes", *WHY)
    assert [row["displayName"] for row in bea.rows("group", "list")] == ["Device Code Flow Exception"]
    assert bea.all_of("group")


def test_applications(bea: Clerk, server: Server) -> None:
    """
    A client and a resource are registered, consented to, assigned and allowed to use the device flow; then somebody can
    begin to sign in by it, and not before. In the end they are gone, and our own stays.
    """
    api = bea.rows(
        "app", "add", "Wind API", "--confidential", "--resource", "api://wind", "--offers", "Read=See the wind", *WHY
    )[0]
    tool = bea.rows("app", "add", "Wind tool", "--redirect", "http://localhost", *WHY)[0]["appId"]
    like = bea.rows("app", "add", "--like", "azure-powershell", *WHY)[0]
    assert (like["displayName"], like["ostiary"]["microsoftFamily"]) == ("Microsoft Azure PowerShell", True)
    assert like["publicClient"]["redirectUris"] == ["http://localhost"]
    assert "azure-powershell" in bea.do("app", "add", "--like", "nothing", *WHY, status=2).stderr
    assert "registered already" in bea.do("app", "add", "--like", "azure-cli", *WHY, status=8).stderr
    assert _begun(server, tool, "api://wind/Read") == NO_DEVICE_FLOW
    assert "reason" in bea.program.run("app", "allow-device-flow", "Wind tool").stderr
    assert f"ostiary app assess {tool}" in bea.do("app", "allow-device-flow", "Wind tool", *WHY, status=8).stderr
    _assessed(bea, tool)
    bea.do("app", "allow-device-flow", "Wind tool", *WHY)
    assert _begun(server, tool, "api://wind/Read") == NO_CONSENT
    bea.do("app", "consent", "Wind tool", "--resource", "Wind API", "--scope", "Read", *WHY)
    assert _begun(server, tool, "api://wind/Read") == NO_EXEMPTION
    server.open_exemption("emil")
    assert _begun(server, tool, "api://wind/Read") == CODE
    server.end_exemptions("emil")
    assert "Read" in bea.do("app", "consents", "Wind tool").stdout
    bea.do("app", "consent", "Wind tool", "--resource", "Wind API", "--scope", "Write", *WHY, status=2)
    bea.do("app", "withdraw", "Wind tool", "--resource", "Wind API", *WHY)
    assert _begun(server, tool, "api://wind/Read") == NO_CONSENT
    bea.do("app", "withdraw", "Wind tool", "--resource", "Wind API", status=2)
    changed = bea.rows("app", "change", "Wind tool", "--assigned-only", "--pkce", "required", *WHY)[0]["ostiary"]
    assert (changed["assignmentRequired"], changed["pkce"], changed["deviceFlow"]) == (True, "required", True)
    keys = bea.rows("app", "change", "Wind tool", "--dpop", "never", "--certificate", "required", *WHY)[0]["ostiary"]
    assert (keys["dpop"], keys["certificate"]) == ("never", "required")
    bea.do("app", "change", "Wind tool", "--dpop", "optional", "--certificate", "optional", *WHY)
    bea.do("app", "assign", "Wind tool", "--user", "emil@ostiary.example", *WHY)
    bea.do("app", "assign", "Wind tool", "--user", "emil@ostiary.example", *WHY, status=8)
    assert [row["principalDisplayName"] for row in bea.rows("app", "assigned", "Wind tool")] == ["Emil Engineer"]
    bea.do("app", "unassign", "Wind tool", "--user", "emil@ostiary.example", *WHY)
    assert bea.rows("app", "assigned", "Wind tool") == []
    _secrets(bea, server, api["appId"])
    _trusts(bea, tool)
    bea.do("app", "forbid-device-flow", "Wind tool", *WHY)
    assert re.search(r"^Device flow: +no$", bea.do("app", "show", "Wind tool").stdout, re.MULTILINE)
    bea.do("app", "delete", "Wind tool", status=2)
    for gone in ("Wind tool", "Wind API", "Microsoft Azure PowerShell"):
        bea.do("app", "delete", gone, "--yes", "--reason", "no longer used")
    assert "belongs to the service" in bea.do("app", "delete", CLIENT_ID, "--yes", status=8).stderr
    assert "Wind" not in bea.do("app", "list").stdout
    deleted = bea.rows("audit", "list", "--activity", "Delete application")
    assert [row["resultReason"] for row in deleted] == ["no longer used"] * 3
    assert bea.all_of("app")


def _trusts(bea: Clerk, tool: str) -> None:
    """A repository is trusted, shown and not trusted any more; what would trust too many is not even asked."""
    gives = ("--permission", "api://wind/Read")
    whole = ("app", "trust", "Wind tool", "--name", "main", "--github", "octo-org/octo-repo", *gives)
    assert "--branch" in bea.do(*whole, status=2).stderr
    told = bea.do(*whole, "--branch", "main", "--claim", "repository_owner_id=65", *WHY).stderr
    assert f"ostiary token --workload --client {tool}" in told
    (row,) = bea.rows("app", "trusts", "Wind tool")
    assert row["subject"] == "repo:octo-org/octo-repo:ref:refs/heads/main"
    assert row["ostiary"]["claims"] == [{"name": "repository_owner_id", "value": "65"}]
    wide = ("app", "trust", "Wind tool", "--name", "all", "--issuer", row["issuer"], "--subject", "repo:*", *gives)
    assert "would trust everybody" in bea.do(*wide, *WHY, status=2).stderr
    bea.do("app", "distrust", "Wind tool", "main", *WHY)
    bea.do("app", "distrust", "Wind tool", "main", status=2)
    assert bea.rows("app", "trusts", "Wind tool") == []


def _assessed(bea: Clerk, tool: str) -> None:
    """From a file and from flags; `check` says what is missing and weak, with the status that a pipeline looks at."""
    missing = bea.do("app", "check", "Wind tool", "--json", status=10).stdout
    assert json.loads(missing)["assessment"] == "missing"
    file = bea.program.config.parent / "assessment.yaml"
    file.write_text(
        "resources: [api://wind]\nwhyNotCodeFlow: no browser there\nwhyNotWorkloadIdentity: people, not jobs\n"
        "whyNotHybridPasskey: no phone near\nmitigations: [M2, M5]\nownerId: bea@ostiary.example\n"
        f"reviewDateTime: {datetime.now(UTC).date() + timedelta(days=90)}\n"
    )
    assert "M5 is chosen" in bea.do("app", "assess", "Wind tool", "--file", str(file), *WHY).stderr
    assert "M5" in bea.do("app", "check", tool, status=10).stdout
    bea.do("app", "assess", "Wind tool", "--file", str(file), "--mitigation", "M99", *WHY, status=2)
    bea.do("app", "assess", "Wind tool", "--file", str(file), "--mitigation", "M2", *WHY)
    bea.do("app", "check", "Wind tool")
    kept = bea.rows("audit", "list", "--activity", "Assess application")
    assert len(kept) == 2  # each version


def _begun(server: Server, client: str, scope: str) -> int:
    """The number of the refusal that a machine gets when it asks for a code; CODE when it gets one."""
    trust = ssl.create_default_context(cafile=str(server.ca_file))
    with httpx.Client(base_url=server.origin, verify=trust) as http:
        form = {"client_id": client, "scope": scope}
        said = http.post(f"/{server.tenant}/oauth2/v2.0/devicecode", data=form).json()
    return CODE if "user_code" in said else int(said["error_codes"][0])


def _secrets(bea: Clerk, server: Server, app: str) -> None:
    """A secret is printed once and opens introspection until it is taken away."""
    text = bea.do("app", "add-secret", "Wind API", "--name", "gateway", "--for", "30d").stdout.strip()
    (kept,) = bea.rows("app", "secrets", "Wind API")
    assert kept["displayName"] == "gateway"
    assert text not in json.dumps(kept)
    trust = ssl.create_default_context(cafile=str(server.ca_file))
    with httpx.Client(base_url=server.origin, verify=trust, auth=(app, text)) as http:
        where = f"/{server.tenant}/oauth2/v2.0/introspect"
        assert http.post(where, data={"token": "none"}).json() == {"active": False}
        bea.do("app", "remove-secret", "Wind API", kept["keyId"])
        assert http.post(where, data={"token": "none"}).status_code == 401


def test_exemptions(bea: Clerk) -> None:
    """Opened, narrowed, listed, ended; one for oneself says what it is; the reason is never left out."""
    opened = bea.do("exemption", "open", "--user", "fay@ostiary.example", "--for", "30m", "--app", "Ostiary CLI", *WHY)
    assert re.search(r"Open for fay@ostiary.example until .+ \(in (29:5\d|30:00)\)", opened.stderr), opened.stderr
    own = bea.do("exemption", "open", "--user", "bea@ostiary.example", "--for", "PT10M", *WHY)
    assert "break-glass" in own.stderr
    listed = {row["principal"]["userPrincipalName"]: row for row in bea.rows("exemption", "list")}
    assert listed["fay@ostiary.example"]["ostiary"]["applicationId"] == CLIENT_ID
    assert listed["bea@ostiary.example"]["ostiary"]["breakGlass"] is True
    assert bea.program.run("exemption", "open", "--user", "fay@ostiary.example", "--for", "1h").returncode == 2
    for length in ("4m", "5h", "soon"):
        bea.do("exemption", "open", "--user", "fay@ostiary.example", "--for", length, *WHY, status=2)
    bea.do("exemption", "end", listed["fay@ostiary.example"]["id"], *WHY)
    bea.do("exemption", "end", listed["fay@ostiary.example"]["id"], *WHY, status=8)
    bea.do("exemption", "end", "--user", "bea@ostiary.example", *WHY)
    left = [row["principal"]["userPrincipalName"] for row in bea.rows("exemption", "list")]
    assert "fay@ostiary.example" not in left
    assert bea.all_of("exemption")


def test_drills(bea: Clerk, server: Server, chromium: Desk) -> None:
    """M13: a code of which nothing can come is typed and approved in a browser; the page teaches, the list says who."""
    gus = server.people["gus"]
    (made,) = bea.rows("drill", "start", "--user", gus.username, "--pretext", "finish the setup", "--for", "2h", *WHY)
    again = bea.do("drill", "start", "--user", gus.username, *WHY)
    assert "still open" in again.stderr
    bea.do("drill", "start", *WHY, status=2)
    with chromium.person(server.origin) as person:
        person.sign_in(gus.username, gus.password, gus.totp())
        person.enter_code(made["userCode"])
        assert "finish the setup" in person.says()
        person.approve()
        assert "This was a drill" in person.says()
        assert "What you could have seen" in person.says()
    (row,) = bea.rows("drill", "list")
    assert (row["userPrincipalName"], row["status"]) == (gus.username, "approved")
    assert re.search(r"^Status: +approved$", bea.do("drill", "show", made["id"]).stdout, re.MULTILINE)
    (shown,) = [one for one in bea.rows("signins", "list", "--user", gus.username) if one["id"] == made["id"]]
    assert (shown["ostiary"]["drill"], shown["ostiary"]["reason"], shown["ostiary"]["sessionId"]) == (
        True,
        "drill",
        None,
    )
    assert bea.all_of("drill")


def test_logs_and_keys(bea: Clerk) -> None:
    """Who did what, with filters; and new keys, once at a time."""
    newest = bea.rows("signins", "list", "--user", "bea@ostiary.example", "--limit", "1")[0]
    assert newest["userPrincipalName"] == "bea@ostiary.example"
    assert newest["correlationId"] in bea.do("signins", "show", newest["id"]).stdout
    assert all(row["status"]["errorCode"] for row in bea.rows("signins", "list", "--failed"))
    found = bea.rows(
        "signins", "list", "--user", "bea@*", "--until", "2100-01-01", "--since", "30d", "--event", "interactive",
        "--protocol", newest["authenticationProtocol"], "--error", "0", "--network", "127.0.0.0/8", "--oldest-first",
        "--access", newest["conditionalAccessStatus"], "--transfer", "none", "--limit", "5",
    )  # fmt: skip
    assert found
    assert {row["userPrincipalName"] for row in found} == {"bea@ostiary.example"}
    assert found == sorted(found, key=lambda row: str(row["createdDateTime"]))
    for none in (("--exemption", "x"), ("--resource", "x"), ("--approver", "192.0.2.1"), ("--address", "192.0.2.*")):
        assert bea.rows("signins", "list", *none) == []
    table = list(csv.DictReader(bea.do("signins", "list", "--output", "csv").stdout.splitlines()))
    assert newest["id"] in {row["ID"] for row in table}
    assert json.loads(bea.do("signins", "list", "--output", "json", "--limit", "1").stdout)["id"]
    bea.do("signins", "list", "--network", "203.0.113.0/25", status=2)
    assert re.search(r"^\S+Z\tbrowser:\S+\t", bea.do("signins", "show", newest["id"]).stdout, re.MULTILINE)
    bea.do("keys", "rotate", *WHY)
    bea.do("keys", "rotate", *WHY, status=8)
    assert len(bea.rows("keys", "list")) == 4
    (rotated,) = bea.rows("audit", "list", "--activity", "Rotate signing keys", "--limit", "1")
    assert (rotated["initiatedBy"]["user"]["userPrincipalName"], rotated["resultReason"]) == (
        "bea@ostiary.example",
        "for a test",
    )
    assert bea.rows("audit", "list", "--reference", rotated["correlationId"])[0]["id"] == rotated["id"]
    assert bea.all_of("keys")
    assert bea.all_of("signins")


def test_r15_the_journal_is_exported_and_checked_offline(bea: Clerk, tmp_path: Path) -> None:
    """By an administrator; a word that is changed in the file, and a checkpoint that is of another log, end with 10."""
    kept, key, file = (tmp_path / name for name in ("kept", "key", "log.jsonl"))
    early = bea.do("audit", "checkpoint").stdout
    bea.do("audit", "export", "--format", "cef", "--from", "1h")
    kept.write_text(f"{early}\n{bea.do('audit', 'checkpoint').stdout}")  # as a file of anchors has them
    key.write_text(bea.rows("audit", "keys")[0]["key"])
    bea.do("audit", "rotate-key", *WHY)
    bea.do("audit", "export", "--since", str(kept), "--out", str(file))
    bea.do("audit", "export", "--out", str(file), status=2)  # not overwritten
    checking = ("audit", "verify", "--key", str(key))
    done = bea.do(*checking, str(file), "--since", str(kept))
    assert "are as they were signed" in done.stderr
    assert "Not knowable here" in done.stderr
    (event,) = bea.rows(*checking, str(file), "--since", str(kept))
    assert (event["ok"], event["kept"], event["entries"] > 5) == (True, "same", True)
    part = tmp_path / "part.jsonl"
    part.write_text(bea.do("audit", "export", "--from", "1h", "--to", "2030-01-01").stdout)
    bea.do(*checking, str(part))
    part.write_text(
        bea.do("audit", "export", "--from", "2030-01-01", "--to", "2031-01-01").stdout
    )  # after the kept one, and not made with it
    unmet = bea.do(*checking, str(part), "--since", str(kept), status=10).stderr
    assert "whether the log goes on from" in unmet
    rows = list(csv.DictReader(bea.do("audit", "export", "--format", "csv").stdout.splitlines()))
    assert any(row["actor_name"] == "bea@ostiary.example" for row in rows)
    for form, word in (("ocsf", '"class_uid":'), ("cef", "CEF:0|Ostiary|Ostiary|1|")):
        written = bea.do("audit", "export", "--from", "1h", "--format", form).stdout.splitlines()
        assert len(written) > 10
        assert all(word in line for line in written)
    bea.do("audit", "export", "--format", "csv", "--since", str(kept), status=2)  # it proves nothing
    lines = file.read_text().splitlines(keepends=True)
    assert "bea@ostiary.example" in lines[-5] + lines[-4] + lines[-3]
    at = next(n for n in range(len(lines) - 1, 0, -1) if "bea@ostiary.example" in lines[n])
    lines[at] = lines[at].replace("bea@ostiary.example", "abe@ostiary.example")
    file.write_text("".join(lines))
    assert f"CHANGED, line {at + 1}:" in bea.do(*checking, str(file), status=10).stderr
    file.write_bytes("".join(lines).encode().replace(b"abe@", b"\xed\xa0\x80@", 1))  # half of a surrogate pair
    assert f"UNREADABLE, line {at + 1}: not UTF-8" in bea.do(*checking, str(file), status=10).stderr
    bea.do("audit", "verify", "--key", "no key", str(file), status=2)
    bea.do(*checking, str(tmp_path / "nowhere"), status=2)
    assert bea.all_of("audit")


def test_log_sinks(bea: Clerk) -> None:
    """Added, tried, shown with its trouble, removed; an address inside is refused."""
    made = bea.do("log-sink", "add", "siem", "--syslog", "logs.invalid", "--format", "cef", *WHY)
    assert "Added: logs.invalid:6514" in made.stderr
    (shown,) = bea.rows("log-sink", "list")
    assert (shown["kind"], shown["format"], "address" in shown) == ("syslog", "cef", False)
    bea.do("log-sink", "test", shown["id"])
    bea.do("log-sink", "add", "x", "--syslog", "10.0.0.7", *WHY, status=2)
    bea.do("log-sink", "add", "x", "--syslog", "a.example", "--webhook", *WHY, status=2)
    bea.do("log-sink", "remove", shown["id"], *WHY)
    assert bea.rows("log-sink", "list") == []
    assert bea.all_of("log-sink")


def test_event_streams(bea: Clerk, server: Server) -> None:
    """Who subscribed, how, and what waits; removed, it is gone for its application too."""
    secret = bea.do("app", "add-secret", RESOURCE).stdout.strip()
    with httpx.Client(base_url=server.origin, verify=ssl.create_default_context(cafile=server.ca_file)) as http:
        http.auth = (bea.rows("app", "show", RESOURCE)[0]["appId"], secret)
        made = http.post("/ssf/stream", json={"description": "test"})
        assert made.status_code == 201, made.text
        assert http.post("/ssf/verify", json={"stream_id": made.json()["stream_id"]}).status_code == 204
        (shown,) = bea.rows("signal-stream", "list")
        assert (shown["appDisplayName"], shown["method"], shown["waitingEvents"]) == (RESOURCE, "poll", 1)
        bea.do("signal-stream", "remove", shown["id"], *WHY)
        assert http.get("/ssf/stream").json() == []
    assert bea.rows("signal-stream", "list") == []
    assert bea.all_of("signal-stream")


def test_r2_the_kill_switch_takes_two_people(bea: Clerk, local: Clerk, server: Server) -> None:
    """
    R2: one word stops a machine that could begin a moment ago; one administrator's word for off only proposes, which
    everybody is shown; the local door needs nobody else, and a reason.
    """
    server.open_exemption("emil")
    assert _begun(server, CLIENT_ID, "openid") == CODE
    assert "is off" in bea.do("kill-switch", "off", *WHY, status=8).stderr
    bea.do("kill-switch", "on", "--reason", "codes in a mail")
    assert _begun(server, CLIENT_ID, "openid") == STOPPED
    assert "Device sign-ins are stopped" in bea.do("status", "--json").stderr
    assert "Proposed" in bea.do("kill-switch", "off", *WHY).stderr
    assert "second administrator" in bea.do("kill-switch", "off", *WHY, status=8).stderr
    assert _begun(server, CLIENT_ID, "openid") == STOPPED
    (shown,) = bea.rows("kill-switch", "status")
    assert (shown["on"], shown["reason"]) == (True, "codes in a mail")
    assert shown["offProposed"]["by"] == "bea@ostiary.example"
    assert local.program.run("kill-switch", "off", "--local").returncode == 2  # no reason
    assert "possible again" in local.do("kill-switch", "off", *WHY, "--local").stderr
    local.do("kill-switch", "status", "--local")
    assert _begun(server, CLIENT_ID, "openid") == NO_EXEMPTION, "it ended the exemptions"
    server.open_exemption("emil")
    assert _begun(server, CLIENT_ID, "openid") == CODE
    assert bea.all_of("kill-switch")
    server.end_exemptions("emil")


WRITES: tuple[tuple[str, ...], ...] = (
    ("user", "create", "x@ostiary.example", "--name", "X", *WHY),
    ("user", "disable", "gus@ostiary.example", *WHY),
    ("user", "enable", "gus@ostiary.example", *WHY),
    ("user", "roles", "gus@ostiary.example", "administrator", *WHY),
    ("user", "password-link", "gus@ostiary.example"),
    ("user", "reset", "gus@ostiary.example", *WHY),
    ("user", "sign-out", "gus@ostiary.example"),
    ("user", "delete", "gus@ostiary.example", "--yes"),
    ("group", "create", "X", *WHY),
    ("app", "add", "X", *WHY),
    ("app", "change", "Ostiary CLI", "--disable", *WHY),
    ("app", "allow-device-flow", "Ostiary CLI", *WHY),
    ("app", "forbid-device-flow", "Ostiary CLI", *WHY),
    ("app", "assess", "Ostiary CLI", "--resource", "x", *WHY),
    ("app", "add-secret", "Azure Resource Manager"),
    ("app", "remove-secret", "Azure Resource Manager", "x"),
    ("app", "trust", "Ostiary CLI", "--name", "xyz", "--github", "a/b", "--branch", "c", "--permission", "api://x/y"),
    ("app", "distrust", "Ostiary CLI", "xyz"),
    ("drill", "start", "--user", "gus@ostiary.example", *WHY),
    ("app", "consent", "Ostiary CLI", "--resource", "Azure Resource Manager", "--scope", "user_impersonation", *WHY),
    ("app", "withdraw", "Ostiary CLI", "--resource", "Ostiary administration"),
    ("app", "assign", "Ostiary CLI", "--user", "gus@ostiary.example", *WHY),
    ("app", "delete", "Microsoft Azure CLI", "--yes"),
    ("exemption", "open", "--user", "gus@ostiary.example", "--for", "1h", *WHY),
    ("exemption", "open", "--user", "carl@ostiary.example", "--for", "1h", *WHY),
    ("exemption", "end", "--user", "ivo@ostiary.example", *WHY),
    ("keys", "rotate", *WHY),
    ("kill-switch", "on", *WHY),
    ("kill-switch", "off", *WHY),
)
READS = (
    ("user", "list"),
    ("group", "list"),
    ("app", "list"),
    ("app", "consents", "Ostiary CLI"),
    ("app", "assigned", "Ostiary CLI"),
    ("exemption", "list"),
    ("keys", "list"),
    ("signins", "list"),
)


def test_r3_an_administrator_who_came_by_code_reads_and_writes_nothing(carl: Clerk, server: Server) -> None:
    """R3: every writing verb is turned away with the sentence that says why (4), and nothing has changed."""
    server.open_exemption("ivo")
    before = [carl.rows(*words) for words in READS[:-1]]
    for words in WRITES:
        said = carl.do(*words, status=4).stderr
        assert BY_CODE in said, (words, said)
    assert [carl.rows(*words) for words in READS[:-1]] == before
    assert carl.rows(*READS[-1])
    server.end_exemptions("ivo")


def test_r3_ones_own_exemption_may_be_ended_from_anywhere(carl: Clerk) -> None:
    """R3: the one write that a device sign-in may do; it is the end of that sign-in."""
    carl.do("exemption", "end", "--user", "carl@ostiary.example", *WHY)
    assert carl.program.run("status").returncode in (3, 4)


def test_r2_the_local_door_opens_what_it_is_for(local: Clerk) -> None:
    """R2: exemptions, an administrator, keys and logs, with no sign-in anywhere; the audit says who it was."""
    link = local.do("user", "create", "root@ostiary.example", "--name", "R", "--role", "administrator", *WHY, "--local")
    assert "https://" in link.stdout
    local.do("user", "password-link", "root@ostiary.example", "--local")
    local.do("user", "reset", "carl@ostiary.example", *WHY, "--local")
    local.do("exemption", "open", "--user", "hana@ostiary.example", "--for", "2h", *WHY, "--local")
    local.do("exemption", "open", "--user", "hana@ostiary.example", "--for", "3h", *WHY, "--local", status=2)
    assert "hana@ostiary.example" in local.do("exemption", "list", "--local").stdout
    local.do("exemption", "end", "--user", "hana@ostiary.example", *WHY, "--local")
    local.do("keys", "list", "--local")
    story = local.rows("signins", "list", "--limit", "1", "--local")[0]["id"]
    local.do("signins", "show", story, "--local")
    assert "local:" in local.do("audit", "list", "--activity", "Add member to group", "--local").stdout


@pytest.mark.parametrize(
    "words",
    [
        *(words for words in WRITES if words[0] in ("group", "app") and words[1] in ("create", "add")),
        ("user", "create", "y@ostiary.example", "--name", "Y", *WHY),
        ("user", "list"),
        ("user", "disable", "gus@ostiary.example", *WHY),
        ("user", "roles", "gus@ostiary.example", "auditor", *WHY),
        ("user", "password-link", "gus@ostiary.example"),
        ("user", "delete", "gus@ostiary.example", "--yes"),
        ("user", "sign-out", "gus@ostiary.example"),
        ("group", "list"),
        ("app", "list"),
        ("app", "allow-device-flow", "Ostiary CLI", *WHY),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_r2_the_local_door_opens_nothing_else(local: Clerk, words: tuple[str, ...]) -> None:
    """R2: no directory, no applications; refused with exit 4 and the reason."""
    assert LOCAL_DOOR in local.do(*words, "--local", status=4).stderr


def test_r3_a_write_needs_a_second_factor_of_the_last_five_minutes(bea: Clerk, server: Server) -> None:
    """R3: later, exit 3 and the command that proves it anew; reading goes on. (Last: it moves the clock.)"""
    server.pass_time(301)
    late = bea.do("group", "create", "Late", *WHY, status=3).stderr
    assert "ostiary login --browser --fresh" in late
    assert bea.rows("group", "list")
