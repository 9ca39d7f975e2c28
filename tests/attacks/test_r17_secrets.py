"""
R17: after a whole story nothing that was issued or typed can be found in the data folder or in the logs.

The server is the installed program as a process of its own, so that its logs are all that it writes anywhere. Whoever
steals the folder (without the two files that hold what the sample prints and seals with) or reads the logs can sign in
as nobody.
"""

import base64
import json
import secrets
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from ostiary.core.tokens.pkce import challenge_of
from ostiary.outside.random import SystemRandom
from ostiary.outside.vault import MasterKey, create_master
from tests.attacks.visitor import Visitor
from tests.collector import collecting, free_port
from tests.process import CLI, DEVICE_CODE, MASTER_KEY, PEOPLE, Process

REDIRECT = "http://127.0.0.1:53211"


@dataclass
class Story:
    """What the story issued and typed, and where it may have left traces."""

    data: Path
    out: Path
    err: Path
    masters: dict[str, bytes]
    commands: bytes = b""
    """What the commands of the operator showed."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Name -> secret that the service issued, or that was typed into it."""
    people: dict[str, str] = field(default_factory=dict)
    """Name -> password or seed that is meant to stand in the sample's file."""
    traces: dict[str, bytes] = field(default_factory=dict)
    """Name -> something that is no secret and must be found, or the search is blind."""
    folder: dict[str, bytes] = field(default_factory=dict)
    """
    Name of file -> content, of the whole folder: while the server ran, after another master key was taken, and when it
    had ended; and of a backup.
    """

    metrics: bytes = b""
    """What Prometheus was told after the story."""
    spans: bytes = b""
    """What the collector of traces was told."""
    bundle: dict[str, bytes] = field(default_factory=dict)
    """Name of file -> content, of the support bundle."""
    names: list[str] = field(default_factory=list)
    """Addresses of people, and where the data is."""

    def look(self, when: str, folder: Path) -> None:
        """Keep every file below *folder* as it is now."""
        self.folder |= {f"{when}/{name}": content for name, content in contents(folder).items()}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """
    Play everything that issues a secret, change the master key, make a backup, then look at what is left.
    """
    home = tmp_path_factory.mktemp("r17")
    old, new = home / "old.key", home / MASTER_KEY
    for path in (old, new):
        create_master(path, random=SystemRandom())
    watched = f"127.0.0.1:{free_port()}"
    with collecting() as collector, Process(home) as process:
        telemetry = {"metrics_listen": watched, "traces_endpoint": f"{collector.place}/v1/traces"}
        process.configure(master_key=old, **telemetry)
        process.start()
        told = Story(process.data, process.out, process.err, {"old": old.read_bytes(), "new": new.read_bytes()})
        play(process, told)
        told.look("running", process.data)
        told.metrics = httpx.get(f"http://{watched}/metrics", trust_env=False).content
        process.configure(master_key=new, previous_master_keys=[old], **telemetry)
        bundle = str(home / "support.tar.gz")
        for command in (("keys", "rewrap"), ("backup", str(home / "copy.db")), ("support", bundle)):
            done = process.command(*command)
            assert done.returncode == 0, done.stderr
            told.commands += done.stdout.encode() + done.stderr.encode()
        told.look("rewrapped", process.data)
        process.end()
        told.spans = b"".join(collector.bodies)
        told.look("ended", process.data)
        told.folder["backup/ostiary.db"] = (home / "copy.db").read_bytes()
        told.bundle = unpacked(home / "support.tar.gz")
        told.names = [*process.people(), process.data.as_posix()]
    return told


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below *folder*."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def unpacked(archive: Path) -> dict[str, bytes]:
    """Every file in *archive*, which nobody else may read."""
    assert archive.stat().st_mode & 0o077 == 0
    with tarfile.open(archive) as opened:
        return {each.name: held.read() for each in opened if (held := opened.extractfile(each)) is not None}


def play(process: Process, told: Story) -> None:
    """Mistakes, a device sign-in, refreshes, an authorization code; each secret noted as it appears."""
    people, alice = process.people(), process.person("alice")
    for name, person in people.items():
        told.people |= {f"password of {name}": person["password"], f"seed of {name}": person["totp"]}
    process.open_exemption(alice)
    with process.visitor() as visitor:
        mistakes(visitor, told, alice)
        process.sign_in(visitor, alice)
        device_sign_in(visitor, told)
        authorization_code(visitor, told)
        told.secrets |= {f"cookie {n}": value for n, value in enumerate(sorted(visitor.given))}
    told.traces["name of alice"] = alice.encode()


def mistakes(visitor: Visitor, told: Story, name: str) -> None:
    """What people type into the wrong place, and what programs put into addresses."""
    typed = {place: f"typed-{secrets.token_urlsafe(16)}" for place in ("password", "name", "address", "token")}
    told.secrets |= {f"typed as {place}": value for place, value in typed.items()}
    page = visitor.get("/signin")
    assert visitor.submit(page, "/signin", username=name, password=typed["password"]).status_code == 401
    assert visitor.submit(page, "/signin", username=typed["name"], password="whatever it is").status_code == 401
    visitor.get("/devicelogin", params={"user_code": typed["address"]})
    visitor.get("/oidc/userinfo", params={"access_token": typed["address"]})
    visitor.http.post(
        "/common/oauth2/v2.0/token", data={"grant_type": "refresh_token", "refresh_token": typed["token"]}
    )


def device_sign_in(visitor: Visitor, told: Story) -> None:
    """Start, approve, redeem, use, refresh twice, ask as the API does, try an old refresh token, revoke."""
    started = call(visitor, "devicecode", scope=f"{visitor.origin}/.default openid profile offline_access")
    plain = started["user_code"].replace("-", "")
    told.secrets |= {"device code": started["device_code"], "user code": plain, "code as shown": started["user_code"]}
    request = visitor.claim(started["user_code"])
    told.traces["id of the sign-in"] = request.rpartition("/")[2].encode()
    visitor.approve(request)
    tokens = call(visitor, "token", grant_type=DEVICE_CODE, device_code=started["device_code"])
    note(told, "device", tokens)
    for turn in range(2):
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert visitor.get("/oidc/userinfo", headers=bearer).status_code == 200
        tokens = call(visitor, "token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        note(told, f"refresh {turn}", tokens)
    visitor.http.post("/common/oauth2/v2.0/revoke", data={"client_id": CLI, "token": tokens["refresh_token"]})
    visitor.http.post(
        "/common/oauth2/v2.0/token",
        data={"client_id": CLI, "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]},
    )


def authorization_code(visitor: Visitor, told: Story) -> None:
    """The signed-in browser gives a program on the same machine a code, and it becomes tokens."""
    verifier = secrets.token_urlsafe(48)
    told.secrets["code verifier"] = verifier
    asked = {
        "client_id": CLI, "redirect_uri": REDIRECT, "response_type": "code", "state": "s", "nonce": "n",
        "scope": f"{visitor.origin}/User.Read openid offline_access", "code_challenge_method": "S256",
        "code_challenge": challenge_of(verifier),
    }  # fmt: skip
    answer = visitor.authorize(asked)
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    told.secrets["authorization code"] = code
    more = {"redirect_uri": REDIRECT, "code_verifier": verifier}
    note(told, "browser", call(visitor, "token", grant_type="authorization_code", code=code, **more))


def call(visitor: Visitor, end: str, **fields: str) -> dict[str, str]:
    """Post to an endpoint of the protocol as the CLI; the answer."""
    answer = visitor.http.post(f"/common/oauth2/v2.0/{end}", data={"client_id": CLI, **fields})
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def note(told: Story, where: str, tokens: Mapping[str, str]) -> None:
    """Every token of an answer; of each also the last part, without which it is worth nothing."""
    for kind in ("access_token", "refresh_token", "id_token"):
        token = tokens[kind]
        told.secrets |= {f"{where}: {kind}": token, f"{where}: end of {kind}": token.rpartition(".")[2]}


def forms(secret: str) -> dict[str, bytes]:
    """A secret as it may lie about: as text, as base64 and as hex of it."""
    raw = secret.encode()
    return {"text": raw, "base64": base64.b64encode(raw).rstrip(b"="), "hex": raw.hex().encode()}


def found_in(secrets_: Mapping[str, str], places: Mapping[str, bytes]) -> list[tuple[str, str, str]]:
    """Which secret is where, and in which form."""
    return [
        (name, how, place)
        for name, secret in secrets_.items()
        for how, shape in forms(secret).items()
        for place, content in places.items()
        if shape in content
    ]


def test_the_story_issued_everything_there_is(story: Story) -> None:
    """Otherwise the search below proves less than it says."""
    kinds = {"device code", "user code", "code as shown", "authorization code", "code verifier", "cookie 0"}
    assert kinds <= set(story.secrets)
    assert len([name for name in story.secrets if name.endswith("refresh_token")]) == 8
    assert len(story.secrets["user code"]) >= 8
    assert "-" in story.secrets["code as shown"]
    assert len([name for name in story.secrets if name.startswith("cookie")]) >= 3
    assert all(len(secret) >= 8 for secret in story.secrets.values())


def test_the_search_is_not_blind(story: Story) -> None:
    """What is no secret is found in the database; the passwords are found in the one file that is there for them."""
    database = b"".join(content for name, content in story.folder.items() if "ostiary.db" in name)
    assert all(trace in database for trace in story.traces.values())
    meant = {name: content for name, content in story.folder.items() if name.endswith(PEOPLE)}
    assert {name for name, _, _ in found_in(story.people, meant)} == set(story.people)
    assert any(name.endswith("ostiary.db-wal") for name in story.folder)


def test_r17_nothing_that_was_issued_or_typed_is_in_the_data_folder(story: Story) -> None:
    """No file is left out: not the database, not its WAL, not the key files."""
    assert found_in(story.secrets, story.folder) == []


def test_r17_passwords_and_seeds_are_in_the_samples_file_alone(story: Story) -> None:
    """What the database keeps of them is a digest and something sealed."""
    elsewhere = {name: content for name, content in story.folder.items() if not name.endswith(PEOPLE)}
    assert found_in(story.people, elsewhere) == []
    seeds = [base64.b32decode(seed) for name, seed in story.people.items() if name.startswith("seed")]
    assert not [name for seed in seeds for name, content in elsewhere.items() if seed in content]


def test_r17_no_master_key_is_anywhere(story: Story) -> None:
    """Neither the one in use nor the one before, in no file of the folder, no copy, no log and no command's output."""
    places = {**story.folder, "out": story.out.read_bytes(), "err": story.err.read_bytes(), "shown": story.commands}
    for name, key in story.masters.items():
        shapes = (
            key,
            key.hex().encode(),
            base64.b64encode(key).rstrip(b"="),
            base64.urlsafe_b64encode(key).rstrip(b"="),
        )
        assert [(name, place) for shape in shapes for place, content in places.items() if shape in content] == []


def test_r17_the_backup_was_made_after_the_rewrap(story: Story) -> None:
    """What was searched is what it is called: sealed under the old key at first, under the new one in the copy."""
    ids = {name: MasterKey(key).id for name, key in story.masters.items()}
    copy, before = story.folder["backup/ostiary.db"], story.folder["running/ostiary.db-wal"]
    assert ids["old"] in before
    assert ids["new"] in copy
    assert any(trace in copy for trace in story.traces.values())


def test_r17_no_secret_is_logged(story: Story) -> None:
    """Standard error is the log; standard output shows the sample's people once and nothing else."""
    log, shown = story.err.read_bytes(), story.out.read_bytes()
    assert b'"path":"/common/oauth2/v2.0/token"' in log
    assert found_in(story.secrets | story.people, {"log": log, "commands": story.commands}) == []
    assert found_in(story.secrets, {"shown": shown}) == []
    assert [name for name, secret in story.people.items() if shown.count(secret.encode()) != 1] == []


def test_r17_no_secret_and_nobody_is_in_metrics_and_traces(story: Story) -> None:
    """What tools of the operator are given; they saw the whole story."""
    seen = {"metrics": story.metrics, "spans": story.spans}
    assert b'ostiary_journal_entries_total{kind="device:signin:redeemed"} 1.0' in story.metrics
    assert b"device:signin:redeemed" in story.spans
    assert found_in(story.secrets | story.people, seen) == []
    said = [*story.names, "127.0.0.1", "localhost"]
    assert [(name, place) for name in said for place, content in seen.items() if name.encode() in content] == []
    assert story.traces["id of the sign-in"] not in story.metrics


def test_r17_a_support_bundle_tells_how_much_and_of_nobody(story: Story) -> None:
    """Counts, checks, versions and settings; no secret, no person, no address, no path, no id of a sign-in."""
    about, settings, checks, census = (
        json.loads(story.bundle[f"ostiary-support/{name}.json"]) for name in ("about", "settings", "checks", "census")
    )
    assert about["packages"]["ostiary"]
    assert census["rows"]["users"] >= 3
    assert census["kinds"]["device:signin:redeemed"] == 1
    assert set(census["behind"]) >= {"checkpoints", "stories"}
    assert [reader for reader, entries in census["behind"].items() if entries < 0] == []
    assert {one["check"] for one in checks} >= {"database", "clock", "disk"}
    assert (settings["name"], settings["certificate"], settings["poll_interval"]) == ("set", None, 5)
    assert found_in(story.secrets | story.people, story.bundle) == []
    kept = b"".join(story.bundle.values())
    said = [*story.names, "127.0.0.1", "localhost", story.traces["id of the sign-in"].decode()]
    assert [name for name in said if name.encode() in kept] == []


def test_r18_what_holds_secrets_is_private(story: Story) -> None:
    """0600, in a folder that is 0700."""
    assert story.data.stat().st_mode & 0o777 == 0o700
    private = [PEOPLE, "ostiary.db", *(f"tls/{path.name}" for path in story.data.glob("tls/*key*"))]
    assert [name for name in private if (story.data / name).stat().st_mode & 0o077] == []
