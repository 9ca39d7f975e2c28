"""R17: a new master key, taken by a real server process while people sign in, through a kill in the middle."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from ostiary.app.wiring import DATABASE
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant
from ostiary.outside.random import SystemRandom
from ostiary.outside.vault import Vault, create_master, load_master
from ostiary.services.directory.credentials import SEED
from ostiary.services.directory.erase import STAMP, stamp_of
from ostiary.services.tokens.rewrap import PURPOSES
from ostiary.store import schema, seals
from ostiary.store.backup import sealed_under
from ostiary.store.erasures import Erasure
from tests.attacks.visitor import Visitor
from tests.forked import call
from tests.process import CLI, DEVICE_CODE, PATIENCE, Process

RANDOM = SystemRandom()
GONE = "a11ce000-0000-4000-8000-0000000000ff"
MANY = 12_000  # sealed values, so that a rewrap takes long enough to be killed in the middle


class Deployment(Process):
    """A server whose master key lies beside its data folder, and the keys that come after it."""

    def __init__(self, home: Path) -> None:
        self.old, self.new, self.other = (home / f"{name}.key" for name in ("old", "new", "other"))
        self.ids = {path: create_master(path, random=RANDOM).id for path in (self.old, self.new, self.other)}
        super().__init__(home, master_key=self.old)
        self._signed_in = 0

    def begin(self) -> None:
        """Founded, with somebody let in."""
        self.start()
        self.open_exemption(self.person("alice"))

    def left(self) -> int:
        """How many values are not under the new key."""
        found = sealed_under(self.data / DATABASE)
        return sum(count for master, count in found.items() if master != self.ids[self.new])

    def plant(self, count: int) -> None:
        """Authenticators of somebody who never signs in, sealed under the old key, while no server runs."""
        vault = Vault(load_master(self.old, data_folder=self.data), random=RANDOM)
        db = sqlite3.connect(self.data / DATABASE)
        (owner,) = db.execute("SELECT id FROM users WHERE principal_name = ?", (list(self.people())[-1],)).fetchone()
        rows = [(id := f"planted-{n:06}", owner, vault.seal(SEED, "authenticators", id, "sealed", b"JBSWY3DPEHPK3PXP"))
                for n in range(count)]  # fmt: skip
        db.executemany(
            "INSERT INTO authenticators (id, \"user\", kind, sealed, created) VALUES (?, ?, 'totp', ?, 0)", rows
        )
        db.commit()
        db.close()

    def erase(self) -> None:
        """An erasure that goes on, asked for under the old key, while no server runs."""
        key = Vault(load_master(self.old, data_folder=self.data), random=RANDOM)
        one = Erasure(UserId(GONE), "local:root", "left", Instant(1), ("gone@example.com",), 0, 0, 0, None)
        stamp = stamp_of(key.lasting(STAMP)[key.current_id], one)
        with sqlite3.connect(self.data / DATABASE) as db:
            db.execute(
                """INSERT INTO erasures ("user", "by", reason, asked, words, position, until, gone, stamp)
                VALUES (?, ?, ?, ?, '["gone@example.com"]', 0, 0, 0, ?)""",
                (one.user, one.by, one.reason, one.asked, stamp),
            )
        db.close()

    def begun(self) -> dict[str, str]:
        """A device sign-in that waits for a person."""
        with self.visitor() as machine:
            answer = machine.http.post("/common/oauth2/v2.0/devicecode", data={"client_id": CLI, "scope": self.scope})
            assert answer.status_code == 200, answer.text
            started: dict[str, str] = answer.json()
            return started

    def token(self, **fields: str) -> httpx.Response:
        """What the token endpoint answers."""
        with self.visitor() as machine:
            return machine.http.post("/common/oauth2/v2.0/token", data={"client_id": CLI, **fields})

    def tokens(self, **fields: str) -> dict[str, str]:
        """Tokens, given."""
        answer = self.token(**fields)
        assert answer.status_code == 200, answer.text
        given: dict[str, str] = answer.json()
        return given

    def refreshed(self, token: str) -> str:
        """The refresh token that replaces *token*."""
        return self.tokens(grant_type="refresh_token", refresh_token=token)["refresh_token"]

    @property
    def scope(self) -> str:
        """Of our own API, with refresh tokens."""
        return f"{self.origin}/.default openid offline_access"

    def signed_in(self, started: dict[str, str], browser: Visitor) -> str:
        """The refresh token of *started* once *browser* (alice's) approved it."""
        browser.approve(browser.claim(started["user_code"]))
        return self.tokens(grant_type=DEVICE_CODE, device_code=started["device_code"])["refresh_token"]

    def another(self) -> None:
        """Somebody who did not sign in yet does: a one-time code counts once."""
        waiting = [name for name in self.people() if not name.startswith("alice@")][:-1]
        with self.visitor() as browser:
            self.sign_in(browser, waiting[self._signed_in])
        self._signed_in += 1


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    """One of its own for each test."""
    with Deployment(tmp_path) as made:
        yield made


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is closed at the end of a test."""
    with ExitStack() as made:
        yield made


class Load(threading.Thread):
    """Calls *work* over and over until told to stop; what went wrong is kept."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._work, self._over = work, threading.Event()
        self.rounds, self.wrong = 0, ""

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self._work()
            except Exception as error:
                self.wrong = repr(error)
                return
            self.rounds += 1

    def over(self) -> int:
        """End it; how many rounds went well, all of them."""
        self._over.set()
        self.join(PATIENCE)
        assert not self.wrong, self.wrong
        return self.rounds


def eventually(true: Callable[[], bool]) -> None:
    """Wait until it is."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_r17_a_rewrap_while_serving_and_a_kill_in_the_middle(deployment: Deployment, stack: ExitStack) -> None:
    """
    Nobody notices: a family refreshes all the time, sign-ins begun before are finished after, one-time codes go on
    counting; a kill -9 loses nothing; at the end the old key is not needed for anything.
    """
    deployment.begin()
    deployment.end()
    deployment.plant(MANY)
    deployment.start()
    browser = stack.enter_context(deployment.visitor())
    deployment.sign_in(browser, deployment.person("alice"))
    family = deployment.signed_in(deployment.begun(), browser)
    idle = deployment.signed_in(deployment.begun(), browser)
    waiting = deployment.begun()

    # a new key, and the load goes on
    deployment.configure(master_key=deployment.new, previous_master_keys=[deployment.old])

    def refresh() -> None:
        nonlocal family
        family = deployment.refreshed(family)

    load = Load(refresh)
    load.start()
    asked = threading.Thread(target=deployment.command, args=("keys", "rewrap"), daemon=True)
    asked.start()
    eventually(lambda: deployment.left() < MANY)
    deployment.another()
    family_before_the_kill = load.over() and family
    assert load.rounds

    # killed in the middle
    deployment.kill()
    left = deployment.left()
    assert 0 < left < MANY
    asked.join(PATIENCE)
    assert "still sealed under a previous one" in deployment.command("doctor").stdout

    # without the old key it does not start, and says why
    for settings, why in (
        ({"master_key": deployment.new}, deployment.ids[deployment.old].hex()),
        ({"master_key": deployment.new, "previous_master_keys": [deployment.other]}, "previous_master_keys"),
        ({"master_key": deployment.old}, deployment.ids[deployment.new].hex()),
    ):
        deployment.configure(**settings)
        deployment.launch()
        assert deployment.running.wait(PATIENCE) == 1
        assert why in deployment.err.read_text().splitlines()[-1]
    assert why in deployment.command("doctor").stdout, "doctor says the same of the last one"
    assert deployment.left() == left

    # with it, it goes on where it was, by itself; and the command waits for the end
    deployment.configure(master_key=deployment.new, previous_master_keys=[deployment.old])
    deployment.start()
    told = deployment.command("keys", "rewrap")
    assert told.returncode == 0, told.stderr
    assert deployment.ids[deployment.new].hex() in told.stdout
    assert deployment.left() == 0
    assert "nothing needs the 1 previous" in deployment.command("doctor").stdout

    # what was given before is still good, and what it gives now is of the new key
    family = deployment.refreshed(str(family_before_the_kill))
    assert deployment.signed_in(waiting, browser)
    deployment.another()
    late = deployment.begun()

    # the old key leaves while serving
    deployment.old.unlink()
    deployment.configure(master_key=deployment.new)
    assert deployment.command("keys", "rewrap").returncode == 0
    eventually(lambda: b'"previous":0' in deployment.err.read_bytes())
    family = deployment.refreshed(family)
    assert deployment.signed_in(late, browser)
    assert deployment.token(grant_type="refresh_token", refresh_token=idle).status_code == 400
    deployment.end()
    deployment.start()
    assert deployment.refreshed(family)
    deployment.another()
    assert "ok   master key" in deployment.command("doctor").stdout


def test_r17_a_key_that_cannot_be_used_changes_nothing(deployment: Deployment) -> None:
    """The running server keeps what it has when the configuration is wrong, and the command says what is."""
    deployment.begin()
    deployment.old.chmod(0o644)
    deployment.configure(master_key=deployment.new, previous_master_keys=[deployment.old])
    refused = deployment.command("keys", "rewrap")
    assert refused.returncode == 1
    assert "not private" in refused.stderr
    deployment.old.chmod(0o600)
    deployment.configure(master_key=deployment.new)
    refused = deployment.command("keys", "rewrap")
    assert refused.returncode == 1
    assert deployment.ids[deployment.old].hex() in refused.stderr
    assert deployment.left() == sum(sealed_under(deployment.data / DATABASE).values())
    assert deployment.begun()["user_code"]


def test_r17_without_a_server_the_command_does_the_work(deployment: Deployment) -> None:
    """The same command, and nobody to ask."""
    deployment.begin()
    deployment.end()
    deployment.configure(master_key=deployment.new, previous_master_keys=[deployment.old])
    assert deployment.command("keys", "rewrap").returncode == 0
    assert deployment.left() == 0
    deployment.erase()
    assert "1 erasures that go on were asked for under a previous one" in deployment.command("doctor").stdout
    assert deployment.command("keys", "rewrap").returncode == 0
    assert "nothing needs the 1 previous" in deployment.command("doctor").stdout
    deployment.configure(master_key=deployment.new)
    deployment.start()
    deployment.another()
    with deployment.door() as door:
        audits = door.get("/v1.0/auditLogs/directoryAudits").json()["value"]
    assert "Rewrap sealed values" in {entry["activityDisplayName"] for entry in audits}


def test_r17_a_made_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    """`keys make` writes 32 random bytes, once."""
    path = tmp_path / "made.key"
    ran = [call("ostiary-server", ["keys", "make", str(path)], os.environ, timeout=PATIENCE) for _ in range(2)]
    assert [each.returncode for each in ran] == [0, 1]
    assert load_master(path, data_folder=tmp_path / "data").id.hex() in ran[0].stdout


def test_r17_every_sealed_column_is_rewrapped() -> None:
    """A column named `sealed` that nobody rewraps would make the house need an old key for ever."""
    columns = {(table.name, "sealed") for table in schema.metadata.tables.values() if "sealed" in table.columns}
    assert columns == {(place.table, place.field) for place in seals.PLACES}
    assert [place for place, _ in PURPOSES] == list(seals.PLACES)
