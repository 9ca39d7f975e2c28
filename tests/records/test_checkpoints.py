"""The sealer and the export on a real database (R15): what is tampered with in the store is found in the export."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.logs.checkpoint import Key, Note, read_checkpoint, read_key, read_note
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.evidence import Damage, Kept, Report, verify
from ostiary.core.logs.export_lines import canonical_text
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant, days, hours, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.outside.random import SystemRandom
from ostiary.outside.vault import MasterKey, Vault
from ostiary.services.house import House
from ostiary.services.logs import export
from ostiary.services.logs.checkpoints import log_keys, newest_checkpoint, rotate_log_key, seal, thin_checkpoints
from ostiary.services.logs.export import export_header, export_lines
from ostiary.services.logs.record import record
from ostiary.store import Tx, checkpoints
from tests.clock import MovableClock
from tests.records.house import a_house, alice, bob, journal, visit

Play = Callable[[House, MovableClock], Awaitable[None]]


def play(folder: Path, story: Play) -> None:
    """Run *story* in a house of its own."""

    async def main() -> None:
        async with a_house(folder) as (house, clock):
            await story(house, clock)

    asyncio.run(main())


async def happen(house: House, count: int) -> None:
    """So many entries."""

    async def body(tx: Tx) -> None:
        for n in range(count):
            entry = Entry(Kind.USER_CREATED, target=f"user:{n}", detail={"user_name": f"zoë{n}\n", "roles": []})
            await record(tx, visit(house), entry)

    await house.store.write(body)


async def exported(
    house: House, start: Instant = Instant(0), end: Instant | None = None, *, kept: int | None = None
) -> list[str]:
    """The lines of an export, as the program writes them."""
    header = await export_header(house, visit(house), start=start, end=end or house.clock.now(), kept=kept)
    assert not isinstance(header, Refused)
    lines: list[dict[str, Any]] = [header]
    at: int | None = header["start"]["size"]
    while at is not None and at < header["end"]:
        piece = await export_lines(house, first=at, until=header["end"])
        assert not isinstance(piece, Refused)
        lines += piece["lines"]
        at = piece["next"]
    return [canonical_text(line) for line in lines]


async def key(house: House) -> Key:
    """The one that signs now."""
    return read_key((await log_keys(house))[-1].key)


async def judged(house: House, kept: Note | None = None, **asked: Any) -> Report:
    """What an export made now proves; *kept_size* is what the server is told of *kept*."""
    await seal(house, visit(house))
    size = asked.pop("kept_size", None)
    return verify(await exported(house, kept=size, **asked), await key(house), kept)


def sql(folder: Path, *statements: str) -> None:
    """What somebody who can write the whole database does."""
    with sqlite3.connect(folder / "ostiary.db", isolation_level=None) as db:
        for statement in statements:
            db.execute(statement)


def test_r15_everything_is_sealed_and_the_export_holds(tmp_path: Path) -> None:
    """More entries than a transaction seals; the sealer's own entry (its first key) too; nothing is left to do."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 600)
        assert await seal(house, visit(house)) >= 600
        assert await seal(house, visit(house)) == 0
        report = await judged(house)
        assert report.found is None
        assert report.entries >= 601
        kinds = [kind for kind, _ in await journal(house)]
        assert kinds.count(Kind.LOG_KEY_CHANGED) == 1
        assert kinds[-1] == Kind.LOG_EXPORTED

    play(tmp_path, story)


def test_r15_a_part_is_exported_between_two_checkpoints(tmp_path: Path) -> None:
    """What was written in an hour, and not what came before and after."""

    async def story(house: House, clock: MovableClock) -> None:
        for _ in range(6):
            await happen(house, 5)
            await seal(house, visit(house))
            clock.move(minutes(1))
        start = Instant(clock.now() - minutes(4))
        lines = await exported(house, start, Instant(start + seconds(1)))
        report = verify(lines, await key(house))
        assert (report.found, report.entries, report.first) == (None, 10, 11)  # of that minute, and the next checkpoint
        assert sum('"target":"user:0"' in line for line in lines) == 2

    play(tmp_path, story)


TAMPERED = {
    "one word": ("UPDATE journal SET body = replace(body, 'zoë5', 'zoë6') WHERE number = 6", Damage.CHANGED, "n1.6"),
    "one bit": ("UPDATE journal SET body = replace(body, '\"number\":7', '\"number\":6') WHERE number = 7",
                Damage.CHANGED, "n1.6"),
    "the leaf as well": ("UPDATE journal SET body = replace(body, 'zoë5', 'zoë6'), leaf = zeroblob(32) "
                         "WHERE number = 6", Damage.CHANGED, "n1.6"),
    "a row": ("DELETE FROM journal WHERE number = 6", Damage.REMOVED, "entry 5 is not"),
    "a row and its leaf": ("DELETE FROM log_leaves WHERE number = 6", Damage.REMOVED, "entry 5 is missing"),
    "half a surrogate pair": ("UPDATE journal SET body = replace(body, 'zoë5', '\\ud800') WHERE number = 6",
                              Damage.CHANGED, "n1.6"),
    "no object": ("UPDATE journal SET body = '[1' WHERE number = 6", Damage.CHANGED, "n1.6"),
    "a checkpoint": ("UPDATE checkpoints SET note = replace(note, 'n1 21', 'n1 22')", Damage.UNSIGNED, "neither"),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
def test_r15_what_is_changed_in_the_database_is_named(tmp_path: Path, what: str) -> None:
    """A row edited, with its own leaf or without, or removed, before or after the sealed hash."""
    statement, damage, word = TAMPERED[what]

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 20)
        await seal(house, visit(house))
        lines = [*await exported(house)]
        sql(tmp_path, statement)
        report = verify(await exported(house, end=Instant(clock.now())), await key(house))
        assert verify(lines, await key(house)).found is None
        assert report.found is not None
        assert report.found.damage is damage
        assert word in report.found.text

    play(tmp_path, story)


def test_r15_a_swap_and_an_insertion_are_found(tmp_path: Path) -> None:
    """Two rows change places; a row is made up with a number that is free."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 20)
        await seal(house, visit(house))
        sql(
            tmp_path,
            "UPDATE journal SET number = -1 WHERE number = 6",
            "UPDATE journal SET number = 6 WHERE number = 7",
            "UPDATE journal SET number = 7 WHERE number = -1",
        )  # fmt: skip
        report = await judged(house)
        assert report.found is not None
        assert report.found.damage is Damage.CHANGED
        assert "n1.7" in report.found.text

    play(tmp_path, story)


def test_r15_what_is_removed_before_it_was_sealed_raises_an_alert(tmp_path: Path) -> None:
    """The numbers of a stream leave no gap: the sealer tells it, and the export names the entry."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 5)
        sql(tmp_path, "DELETE FROM journal WHERE number = 3")
        report = await judged(house)
        assert report.found is not None
        assert (report.found.damage, report.found.line) == (Damage.REMOVED, 4)
        assert "n1.3 was removed" in report.found.text
        alerts = [detail for kind, detail in await journal(house) if kind == Kind.ALERT]
        assert [one["about"] for one in alerts] == ["journal_gap"]

    play(tmp_path, story)


def test_r15_a_database_put_back_is_found_with_a_checkpoint_kept_elsewhere(tmp_path: Path) -> None:
    """An older state of the whole database, which goes on differently: without a kept checkpoint nothing is wrong."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 8)
        await seal(house, visit(house))
        sql(tmp_path, "CREATE TABLE kept_leaves AS SELECT * FROM log_leaves",
            "CREATE TABLE kept_checkpoints AS SELECT * FROM checkpoints")  # fmt: skip
        await happen(house, 5)
        await seal(house, visit(house))
        kept = await newest_checkpoint(house)
        assert not isinstance(kept, Refused)
        assert (await judged(house, kept)).kept is Kept.SAME
        sql(tmp_path, "DELETE FROM log_leaves", "INSERT INTO log_leaves SELECT * FROM kept_leaves",
            "DELETE FROM checkpoints", "INSERT INTO checkpoints SELECT * FROM kept_checkpoints",
            "UPDATE cursors SET position = (SELECT max(size) FROM checkpoints) WHERE reader = 'checkpoints'",
            "DELETE FROM journal WHERE number > 9", "UPDATE streams SET head = 9")  # fmt: skip
        await happen(house, 1)
        assert (await judged(house)).found is None
        cut = (await judged(house, kept)).found
        assert cut is not None
        assert cut.damage is Damage.CUT
        await happen(house, 30)
        forked = (await judged(house, kept)).found
        assert forked is not None
        assert forked.damage is Damage.FORKED

    play(tmp_path, story)


def test_r15_an_export_goes_on_from_a_checkpoint_long_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way between the two trees comes with it, read in pieces however long it is."""
    monkeypatch.setattr(export, "HASHED", 7)

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 37)
        await seal(house, visit(house))
        kept = await newest_checkpoint(house)
        assert not isinstance(kept, Refused)
        for _ in range(3):
            clock.move(days(1))
            await happen(house, 21)
            await seal(house, visit(house))
        last = Instant(clock.now() - seconds(1))
        clock.move(seconds(5))
        assert (await judged(house, kept, start=last)).kept is Kept.UNKNOWN
        report = await judged(house, kept, start=last, kept_size=read_checkpoint(kept).size)
        assert (report.found, report.kept) == (None, Kept.SAME)

    play(tmp_path, story)


def test_r15_keys_hand_over(tmp_path: Path) -> None:
    """By an administrator, and by itself when the master key is another; from any of them one goes on to all."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 3)
        await seal(house, visit(house))
        first = await key(house)
        assert not isinstance(await rotate_log_key(house, visit(house, alice(clock.now())), "yearly"), Refused)
        await happen(house, 3)
        await seal(house, visit(house))
        old = house.vault.lasting("x")
        other = MasterKey(SystemRandom().bytes(32))
        assert other.id not in old
        house.vault.take(other, tuple(house.vault._masters.values()))
        await happen(house, 3)
        await seal(house, visit(house))
        keys = await log_keys(house)
        assert [one.generation for one in keys] == [1, 2, 3]
        assert keys[2].master == other.id.hex() != keys[1].master
        for each in keys:
            assert verify(await exported(house), read_key(each.key)).found is None
        house.vault.take(other)
        assert verify(await exported(house), first).found is None

    play(tmp_path, story)


def test_r15_a_master_key_that_is_gone_breaks_the_chain_and_says_so(tmp_path: Path) -> None:
    """Nobody can sign a hand-over then: an alert, and the key that one trusted leads nowhere."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 3)
        await seal(house, visit(house))
        first = await key(house)
        lost = replace(house, vault=Vault(MasterKey(SystemRandom().bytes(32)), random=SystemRandom()))
        await happen(lost, 3)
        await seal(lost, visit(lost))
        assert [detail["about"] for kind, detail in await journal(house) if kind == Kind.ALERT] == ["log_key_lost"]
        found = verify(await exported(lost), first).found
        assert found is not None
        assert found.damage is Damage.UNSIGNED

    play(tmp_path, story)


def test_r15_only_who_may_rotates_the_key(tmp_path: Path) -> None:
    """Not a person without a role, not without a reason, not with an old sign-in."""

    async def story(house: House, clock: MovableClock) -> None:
        now = clock.now()
        for caller, reason, why in (
            (bob(now), "why not", Reason.FORBIDDEN), (alice(now), "", Reason.REASON_REQUIRED),
            (alice(Instant(now - hours(1))), "yearly", Reason.STEP_UP),
        ):  # fmt: skip
            refused = await rotate_log_key(house, visit(house, caller), reason)
            assert isinstance(refused, Refused)
            assert refused.reason is why
        assert len(await log_keys(house)) <= 1

    play(tmp_path, story)


def test_r15_two_sealers_at_once_seal_each_entry_once(tmp_path: Path) -> None:
    """Neither a place twice nor an entry twice."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 50)
        done = await asyncio.gather(*(seal(house, visit(house)) for _ in range(4)), return_exceptions=True)
        assert sum(count for count in done if isinstance(count, int)) >= 50
        assert (await judged(house)).found is None

    play(tmp_path, story)


def test_old_checkpoints_are_thinned_and_exports_still_hold(tmp_path: Path) -> None:
    """One a minute after a day; the newest and those of today stay."""

    async def story(house: House, clock: MovableClock) -> None:
        for _ in range(30):
            await happen(house, 1)
            await seal(house, visit(house))
            clock.move(seconds(10))
        assert await thin_checkpoints(house, visit(house)) == 0
        clock.move(days(2))
        gone = await thin_checkpoints(house, visit(house))
        assert 20 <= gone <= 26
        assert (await judged(house)).found is None
        assert await house.store.read(checkpoints.newest) is not None

    play(tmp_path, story)


def test_r15_the_note_in_the_store_is_the_one_that_was_signed(tmp_path: Path) -> None:
    """It names the log by where it began, its size, root and streams; only the key that signed it checks it."""

    async def story(house: House, clock: MovableClock) -> None:
        await happen(house, 3)
        await seal(house, visit(house))
        note = await newest_checkpoint(house)
        assert not isinstance(note, Refused)
        found = read_checkpoint(read_note(str(note)))
        assert (found.origin, found.size, dict(found.streams)) == ("localhost:8443/ostiary", 4, {"n1": 4})
        assert note.signed_by(await key(house))
        assert not note.signed_by(Key(found.origin, bytes(32)))

    play(tmp_path, story)
