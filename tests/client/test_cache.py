"""
Keeping tokens: where, readable by whom, what happens when a place fails, and many processes at once.
"""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from ostiary.client.cache import Access, Cache, SignIn, open_cache
from ostiary.client.drive import http_client
from ostiary.client.errors import Exit, NotSignedIn, StorageFailed, Unreachable
from ostiary.client.exchange import Answer, Call, Lost
from ostiary.client.profiles import Places
from ostiary.client.session import NotKept, Session, end, fresh, keep
from tests.client.conftest import Clock, Perform
from tests.client.wire import DROP, Wire
from tests.forked import Forked

HERE = Path(__file__).parent
DISPLAY = {"DISPLAY": ":0"}


class MemoryKeyring(KeyringBackend):
    """A keyring that works, or fails in a chosen way."""

    priority = 1.0

    def __init__(self, broken: str = "") -> None:
        super().__init__()
        self.broken = broken
        self.kept: dict[str, str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        if self.broken == "reading":
            raise RuntimeError("locked")
        return self.kept.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.broken == "writing":
            raise RuntimeError("locked")
        if self.broken != "forgetting":
            self.kept[username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[username]


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    before, mine = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def signed_in(wire: Wire | None = None, **changes: object) -> SignIn:
    """A record whose access token is over, so that the next use renews it."""
    origin = wire.origin if wire else "https://id.example.com"
    base = f"{origin}/organizations/oauth2/v2.0"
    if wire:
        wire.state.families, wire.state.head = 1, 1
    record = SignIn(
        address=origin,
        issuer=wire.issuer if wire else f"{origin}/t/v2.0",
        token_endpoint=f"{base}/token",
        revocation_endpoint=f"{base}/revoke",
        client_id="0f5c7a3e-6d0b-4d6e-9a57-05717a1c1001",
        scope=f"{origin}/.default",
        how="device_code",
        signed_in_at=0.0,
        ends_at=None,
        username="alice@example.com",
        name="Alice",
        refresh_token="refresh-1-1",
        access=(Access("access-1-1", "s", f"{origin}/.default", 0.0),),
    )
    return replace(record, **changes)  # type: ignore[arg-type]


def modes(folder: Path) -> dict[str, str]:
    """Name and permissions of everything in *folder*."""
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()}


def test_the_file_is_encrypted_and_private(cache: Cache, folders: Places) -> None:
    """0600 in 0700, and no token readable in it."""
    cache.save(signed_in(), after=None)
    assert oct(stat.S_IMODE(folders.state.stat().st_mode)) == "0o700"
    assert modes(folders.state) == {"default.tokens": "0o600", "key": "0o600"}
    everything = b"".join(path.read_bytes() for path in folders.state.iterdir())
    for secret in (b"refresh-1-1", b"access-1-1", b"alice"):
        assert secret not in everything
    loaded = cache.load()
    assert loaded is not None
    assert loaded.refresh_token == "refresh-1-1"


def test_an_open_folder_is_closed(cache: Cache, folders: Places) -> None:
    """A state folder that others could enter is made private before anything is put into it."""
    folders.state.mkdir(mode=0o755)
    folders.state.chmod(0o755)
    cache.save(signed_in(), after=None)
    assert oct(stat.S_IMODE(folders.state.stat().st_mode)) == "0o700"


def test_a_record_does_not_open_as_another_profile(folders: Places, clock: Clock) -> None:
    """The profile's name is bound into the encryption."""
    one = open_cache("one", "file", folders, clock.machine())
    one.save(signed_in(), after=None)
    (folders.state / "two.tokens").write_bytes((folders.state / "one.tokens").read_bytes())
    with pytest.raises(StorageFailed):
        open_cache("two", "file", folders, clock.machine()).load()


@pytest.mark.parametrize("damage", [b"", b"junk", b"ostiary tokens 1\n" + b"\0" * 40])
def test_a_damaged_file_is_an_error_and_a_new_sign_in_replaces_it(
    cache: Cache, folders: Places, clock: Clock, perform: Perform, damage: bytes
) -> None:
    """Never half a sign-in; exit 9; `login` gets out of it."""
    cache.save(signed_in(), after=None)
    (folders.state / "default.tokens").write_bytes(damage)
    with pytest.raises(StorageFailed) as caught:
        cache.load()
    assert caught.value.exit is Exit.STORAGE
    perform(keep(cache, signed_in()), clock.machine())
    assert cache.load() is not None


def test_a_lost_key_is_an_error_and_a_new_sign_in_makes_a_new_one(cache: Cache, folders: Places) -> None:
    """Without its key the file opens for nobody."""
    cache.save(signed_in(), after=None)
    (folders.state / "key").unlink()
    with pytest.raises(StorageFailed):
        cache.load()
    cache.save(signed_in(), after=None)
    assert cache.load() is not None


def test_plain_text_is_written_only_by_that_name(folders: Places, clock: Clock) -> None:
    """`plaintext` is readable and still 0600; no other choice and no failure leads there."""
    for store in (None, "file", "keyring", "memory"):
        assert "plaintext" not in vaults(open_cache("default", store, folders, clock.machine()))
    plain = open_cache("default", "plaintext", folders, clock.machine())
    plain.save(signed_in(), after=None)
    assert json.loads((folders.state / "default.json").read_bytes())["refresh_token"] == "refresh-1-1"
    assert modes(folders.state)["default.json"] == "0o600"


def vaults(cache: Cache) -> list[str]:
    """The names of a cache's vaults, the chosen one first."""
    return [vault.name for vault in cache._vaults]


def test_memory_lies_in_the_runtime_folder(folders: Places, clock: Clock) -> None:
    """Nothing of it on disk; without such a folder it cannot be chosen."""
    memory = open_cache("default", "memory", folders, clock.machine())
    memory.save(signed_in(), after=None)
    assert not folders.state.exists()
    assert folders.memory is not None
    assert "default.tokens" in modes(folders.memory)
    with pytest.raises(StorageFailed):
        open_cache("default", "memory", replace(folders, memory=None), clock.machine())


@pytest.mark.parametrize("store", ["memory", "file"])
def test_one_folder_for_both_loses_nothing(wire: Wire, folders: Places, clock: Clock, store: str) -> None:
    """Where the runtime folder is the state folder, two vaults would be one file, and one would forget the other's."""
    cache = open_cache("default", store, replace(folders, memory=folders.state), clock.machine())
    kept = cache.save(signed_in(wire), after=None)
    assert cache.load() == kept


def test_the_keyring_is_the_default_where_there_is_a_desktop(folders: Places, clock: Clock) -> None:
    """And the encrypted file where there is none: a keyring would wait for a prompt nobody sees."""
    desktop = clock.machine(environ=DISPLAY, exists=lambda path: False)
    assert vaults(open_cache("default", None, folders, desktop))[0] == "keyring"
    assert vaults(open_cache("default", None, folders, clock.machine()))[0] == "file"


def test_the_keyring_keeps_and_forgets(folders: Places, clock: Clock, ring: MemoryKeyring) -> None:
    """A working keyring holds the record alone."""
    cache = open_cache("default", "keyring", folders, clock.machine())
    cache.save(signed_in(), after=None)
    assert cache.load() is not None
    assert cache.fell_back is None
    assert not (folders.state / "default.tokens").exists()
    cache.forget()
    assert cache.load() is None
    assert ring.kept == {}


@pytest.mark.parametrize("broken", ["writing", "reading", "forgetting"])
def test_a_keyring_that_fails_costs_no_token(folders: Places, clock: Clock, ring: MemoryKeyring, broken: str) -> None:
    """Refusing, unreadable, or taking and not keeping: the encrypted file takes over and says why."""
    ring.broken = broken
    cache = open_cache("default", "keyring", folders, clock.machine())
    cache.save(signed_in(), after=None)
    assert cache.fell_back is not None
    assert cache.holder.name == "file"
    ring.broken = "" if broken == "forgetting" else broken
    loaded = open_cache("default", "keyring", folders, clock.machine()).load()
    assert loaded is not None


class PlaintextKeyring(MemoryKeyring):
    """What keyrings.alt calls a keyring: a readable file."""


@pytest.mark.parametrize("chained", [False, True], ids=["alone", "behind another"])
def test_a_keyring_that_writes_plain_text_is_none(folders: Places, clock: Clock, chained: bool) -> None:
    """Never silent plain text: the encrypted file takes over and says why; forgetting finds nothing there."""
    before, readable = keyring.get_keyring(), PlaintextKeyring()
    chain = MemoryKeyring("writing")
    chain.backends = [readable]  # type: ignore[attr-defined]  # as keyring.backends.chainer has them
    keyring.set_keyring(chain if chained else readable)
    try:
        cache = open_cache("default", "keyring", folders, clock.machine())
        cache.save(signed_in(), after=None)
        assert readable.kept == {}
        assert cache.holder.name == "file"
        assert cache.fell_back is not None
        assert "plain text" in cache.fell_back
        assert cache.load() is not None
        cache.forget()
        assert cache.load() is None
    finally:
        keyring.set_keyring(before)


def test_the_newer_of_two_records_counts(folders: Places, clock: Clock, ring: MemoryKeyring) -> None:
    """After a fall-back an older record in the keyring must not bring a spent refresh token back."""
    cache = open_cache("default", "keyring", folders, clock.machine())
    old = cache.save(signed_in(refresh_token="old"), after=None)
    ring.broken = "writing"
    cache.save(signed_in(refresh_token="new"), after=old)
    ring.broken = ""
    ring.kept.setdefault("default", "")
    loaded = open_cache("default", "keyring", folders, clock.machine()).load()
    assert loaded is not None
    assert loaded.refresh_token == "new"


def test_when_everything_fails_the_token_is_still_in_the_error(
    wire: Wire, folders: Places, clock: Clock, perform: Perform
) -> None:
    """A renewal that nobody can keep: exit 9, and the token can be used this once."""
    cache = open_cache("default", "file", replace(folders, memory=None), clock.machine())
    cache.save(signed_in(wire), after=None)
    fill(folders.state / "default.tokens")
    with pytest.raises(NotKept) as caught:
        perform(fresh(cache), clock.machine())
    assert caught.value.exit is Exit.STORAGE
    assert caught.value.access.token == "access-1-2"


def fill(path: Path) -> None:
    """Make it impossible to write a file beside *path*: what would be its temporary name is a folder."""
    path.with_name(f".{path.name}.{os.getpid()}.new").mkdir()


def test_a_fresh_token_is_given_without_asking_the_server(
    wire: Wire, cache: Cache, clock: Clock, perform: Perform
) -> None:
    """Only what is about to end is renewed; then once, and kept."""
    cache.save(signed_in(wire), after=None)
    first = perform(fresh(cache), clock.machine())
    second = perform(fresh(cache), clock.machine())
    assert first == second
    assert len(wire.state.calls("/token")) == 1
    kept = cache.load()
    assert kept is not None
    assert kept.refresh_token == "refresh-1-2"


def test_a_lost_answer_to_a_refresh_is_asked_for_again(
    wire: Wire, cache: Cache, clock: Clock, perform: Perform
) -> None:
    """R6, R9: the same token again, slower and slower; `temporarily_unavailable` counts as lost."""
    cache.save(signed_in(wire), after=None)
    wire.state.refreshes.extend([DROP, (400, {"error": "temporarily_unavailable"}), (502, b"")])
    assert perform(fresh(cache), clock.machine()).token == "access-1-2"
    assert clock.waits == [1.0, 2.0, 4.0]
    assert {seen.form["refresh_token"] for seen in wire.state.calls("/token")} == {"refresh-1-1"}


@pytest.mark.parametrize("broken_off", [KeyboardInterrupt, asyncio.CancelledError])
def test_a_renewal_that_is_broken_off_keeps_what_the_server_gave(
    wire: Wire, cache: Cache, clock: Clock, broken_off: type[BaseException]
) -> None:
    """
    R6: the server has rotated, the answer is on its way, Ctrl-C: a minute later the old token would look stolen. It is
    asked for once more and kept, and then the interruption goes on.
    """
    cache.save(signed_in(wire), after=None)
    exchange = fresh(cache)
    with http_client() as http:
        request = next(exchange)
        assert isinstance(request, Call)
        rotated = http.post(request.url, data=dict(request.form or {}))  # arrives; its answer does not
    again = exchange.throw(broken_off())
    assert isinstance(again, Call)
    assert (again.url, again.form) == (request.url, request.form)
    assert again.patience <= 5
    with pytest.raises(broken_off):
        exchange.send(Answer(clock.now, rotated.status_code, rotated.content))  # R6: the current head again
    kept = cache.load()
    assert kept is not None
    assert kept.refresh_token == "refresh-1-2"


def test_a_renewal_that_is_broken_off_for_good_leaves_the_record(wire: Wire, cache: Cache, clock: Clock) -> None:
    """No answer the second time either: nothing is changed, nothing is hidden."""
    cache.save(signed_in(wire), after=None)
    exchange = fresh(cache)
    next(exchange)
    exchange.throw(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        exchange.send(Lost(clock.now, "gone"))
    kept = cache.load()
    assert kept is not None
    assert kept.refresh_token == "refresh-1-1"


def test_a_server_that_stays_away_costs_no_sign_in(wire: Wire, cache: Cache, clock: Clock, perform: Perform) -> None:
    """Exit 7 after a minute; the record is as it was."""
    cache.save(signed_in(wire), after=None)
    wire.state.refreshes.extend([DROP] * 30)
    with pytest.raises(Unreachable):
        perform(fresh(cache), clock.machine())
    kept = cache.load()
    assert kept is not None
    assert kept.refresh_token == "refresh-1-1"


def test_a_sign_in_that_the_server_ended_is_forgotten(wire: Wire, cache: Cache, clock: Clock, perform: Perform) -> None:
    """Exit 3 and the next command; nothing of it is left here."""
    cache.save(signed_in(wire, refresh_token="refresh-0-0"), after=None)
    with pytest.raises(NotSignedIn) as caught:
        perform(fresh(cache), clock.machine())
    assert caught.value.next_step == "ostiary login"
    assert cache.load() is None


def test_a_refusal_for_one_resource_leaves_the_sign_in(
    wire: Wire, cache: Cache, clock: Clock, perform: Perform
) -> None:
    """R7: 65001 or 53003 for another resource; the family lives."""
    cache.save(signed_in(wire), after=None)
    wire.state.refreshes.append((400, {"error": "invalid_grant", "error_codes": [65001]}))
    with pytest.raises(Exception, match="invalid_grant") as caught:
        perform(fresh(cache, "https://other/.default"), clock.machine())
    assert getattr(caught.value, "exit", None) is Exit.DENIED_BY_POLICY
    assert cache.load() is not None


def test_ending_forgets_here_and_revokes_there(wire: Wire, cache: Cache, clock: Clock, perform: Perform) -> None:
    """RFC 7009 with the refresh token; without a sign-in there is nothing to do."""
    cache.save(signed_in(wire), after=None)
    assert perform(end(cache), clock.machine()) is True
    assert wire.state.revoked[0]["token"] == "refresh-1-1"
    assert cache.load() is None
    assert perform(end(cache), clock.machine()) is None


def test_twenty_processes_renew_once(wire: Wire, folders: Places, clock: Clock) -> None:
    """R6: one cache, twenty commands at the same time: one refresh, one token for all, no theft suspected."""
    open_cache("default", "file", folders, clock.machine()).save(signed_in(wire), after=None)
    answers = twenty("renew", folders)
    assert {out.strip() for out, _ in answers} == {"access-1-2"}, answers
    assert len(wire.state.calls("/token")) == 1
    assert wire.state.spent == []


def test_twenty_processes_that_each_must_renew_all_go_on(wire: Wire, folders: Places, clock: Clock) -> None:
    """Each refuses the token it saw: twenty rotations one after another, never a spent token."""
    wire.state.token_life = 61
    open_cache("default", "file", folders, clock.machine()).save(signed_in(wire), after=None)
    answers = twenty("force", folders)
    assert all(out.startswith("access-1-") for out, _ in answers), answers
    assert wire.state.spent == []


def test_a_process_killed_while_writing_loses_nothing(folders: Places, clock: Clock) -> None:
    """kill -9 at any moment: the record is the old or the new one, whole; what was acknowledged is there."""
    cache = open_cache("default", "file", folders, clock.machine())
    cache.save(signed_in(), after=None)
    for _ in range(5):
        worker = start("write", folders)
        assert worker.stdout is not None
        acknowledged = int(worker.stdout.readline())
        time.sleep(0.02)
        os.kill(worker.pid, signal.SIGKILL)
        lines = worker.communicate(timeout=300)[0].split()
        acknowledged = int(lines[-1]) if lines else acknowledged
        loaded = open_cache("default", "file", folders, clock.machine()).load()
        assert loaded is not None
        assert loaded.serial >= acknowledged
    assert [p.name for p in folders.state.iterdir() if p.name.endswith(".tokens")] == ["default.tokens"]


def test_a_killed_holder_leaves_no_lock(wire: Wire, folders: Places, clock: Clock, perform: Perform) -> None:
    """The system releases the lock of a dead process; the next command goes on at once."""
    cache = open_cache("default", "file", folders, clock.machine())
    cache.save(signed_in(wire), after=None)
    worker = start("hold", folders)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"held\n"
    os.kill(worker.pid, signal.SIGKILL)
    worker.communicate(timeout=300)
    assert perform(fresh(cache), clock.machine()).token == "access-1-2"


def test_programs_get_tokens_from_a_session(wire: Wire, cache: Cache) -> None:
    """The library's front door."""
    cache.save(signed_in(wire), after=None)
    assert Session(cache).token().token == "access-1-2"


def twenty(what: str, folders: Places) -> list[tuple[str, str]]:
    """Twenty processes on the same folders at the same time: what each said, and what it said of errors."""
    said = [
        (folders.state.with_name(f"{what}-{number}.out"), folders.state.with_name(f"{what}-{number}.err"))
        for number in range(20)
    ]
    words = [what, str(folders.config), str(folders.state)]
    workers = [Forked("tests.client.worker:told", words, os.environ, out=out, err=err) for out, err in said]
    for worker in workers:
        worker.wait(600)
    return [(out.read_text(), err.read_text()) for out, err in said]


def start(what: str, folders: Places) -> "subprocess.Popen[bytes]":
    """A process of its own on the same folders."""
    command = [sys.executable, str(HERE / "worker.py"), what, str(folders.config), str(folders.state)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
