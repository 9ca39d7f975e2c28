"""Anchors (R15): with checkpoints kept in a file elsewhere, a cut, and a rewrite with the key in hand, are found."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.cli.audit_log import _notes
from ostiary.core.logs.checkpoint import Malformed, Note, read_checkpoint, read_notes
from ostiary.core.logs.evidence import Damage, Kept, verify
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.destinations import read_destinations
from ostiary.core.words.instants import minutes
from ostiary.core.words.outcome import Refused
from ostiary.outside import local_ca
from ostiary.outside.apprise import Apprise
from ostiary.outside.clock import SystemClock
from ostiary.outside.outgoing import Outgoing
from ostiary.services.house import House
from ostiary.services.logs import anchor as anchoring
from ostiary.services.logs.anchor import FAILED, anchor
from ostiary.services.logs.checkpoints import seal
from ostiary.services.notices.channels import add_channel
from tests.clock import MovableClock
from tests.core.logs.sealed import log
from tests.outside.test_apprise import Mailbox, on_loopback
from tests.outside.test_outgoing import Names
from tests.records.house import alice, journal, visit
from tests.records.test_checkpoints import exported, happen, key, play, sql
from tests.services.noticing import HOST, noticing

LOG = log()
Story = Callable[[House, MovableClock, Path], Awaitable[None]]


def anchored(folder: Path, story: Story) -> None:
    """Run *story* in a house with a file of anchors."""
    path = folder / "elsewhere" / "anchors"
    path.parent.mkdir()

    async def with_file(house: House, clock: MovableClock) -> None:
        await story(
            replace(house, settings=replace(house.settings, anchor_file=path, data=folder / "data")), clock, path
        )

    play(folder, with_file)


def notes_in(path: Path) -> list[Note]:
    """What stands in the file."""
    return read_notes(path.read_text())


def there(path: Path) -> bool:
    """Whether it exists."""
    return path.exists()


def block(path: Path) -> None:
    """Something that is no file stands in its place."""
    path.mkdir()


def unblock(path: Path) -> None:
    """And is gone again."""
    path.rmdir()


async def hour(house: House, clock: MovableClock, count: int = 7) -> bool:
    """Something happens, is sealed and anchored, and an hour passes."""
    await happen(house, count)
    await seal(house, visit(house))
    done = await anchor(house, visit(house))
    clock.move(minutes(60))
    return done


def test_r15_checkpoints_are_added_at_most_once_in_a_while(tmp_path: Path) -> None:
    """Each as it was signed; the entry holds it too, so that sinks have it; an export goes on from all of them."""

    async def story(house: House, clock: MovableClock, path: Path) -> None:
        assert not await anchor(house, visit(house))  # nothing is sealed
        assert [await hour(house, clock) for _ in range(3)] == [True] * 3
        await happen(house, 1)
        await seal(house, visit(house))
        assert await anchor(house, visit(house))
        assert not await anchor(house, visit(house))
        notes = notes_in(path)
        entries = [detail for kind, detail in await journal(house) if kind == Kind.LOG_ANCHORED]
        assert [one["checkpoint"] for one in entries] == [str(note) for note in notes]
        assert len({read_checkpoint(note).size for note in notes}) == 4
        await seal(house, visit(house))
        report = verify(await exported(house), await key(house), *notes)
        assert (report.found, report.kept) == (None, Kept.SAME)

    anchored(tmp_path, story)


def test_r15_a_cut_and_a_rewrite_are_found_with_the_file(tmp_path: Path) -> None:
    """The database of an hour ago, which goes on with its key and is anchored again: the file remembers both."""

    async def story(house: House, clock: MovableClock, path: Path) -> None:
        await hour(house, clock)
        tables = ("log_leaves", "checkpoints", "journal", "streams")
        sql(tmp_path, *(f"CREATE TABLE kept_{name} AS SELECT * FROM {name}" for name in tables))
        await hour(house, clock)
        for name in tables:
            sql(tmp_path, f"DELETE FROM {name}", f"INSERT INTO {name} SELECT * FROM kept_{name}")
        sql(tmp_path, "UPDATE cursors SET position = (SELECT max(size) FROM checkpoints) WHERE reader = 'checkpoints'")
        notes = notes_in(path)
        assert verify(await exported(house), await key(house)).found is None
        cut = verify(await exported(house), await key(house), *notes).found
        assert cut is not None
        assert cut.damage is Damage.CUT
        await hour(house, clock, 40)
        notes = notes_in(path)
        assert verify(await exported(house), await key(house)).found is None
        assert verify(await exported(house), await key(house), notes[-1]).found is None  # the newest alone says nothing
        found = verify(await exported(house), await key(house), *notes).found
        assert found is not None
        assert found.damage is Damage.FORKED

    anchored(tmp_path, story)


def test_r15_a_file_that_takes_nothing_is_told_and_a_kill_adds_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert; after a kill between file and entry the same checkpoint stands there twice, which harms nobody."""

    async def story(house: House, clock: MovableClock, path: Path) -> None:
        block(path)
        assert await hour(house, clock)
        assert [d["about"] for kind, d in await journal(house) if kind == Kind.ALERT] == [FAILED]
        unblock(path)

        async def killed(*_: object) -> None:
            raise OSError("killed")

        await happen(house, 3)
        await seal(house, visit(house))
        monkeypatch.setattr(anchoring, "record", killed)
        with pytest.raises(OSError, match="killed"):
            await anchor(house, visit(house))
        monkeypatch.undo()
        assert await anchor(house, visit(house))
        notes = notes_in(path)
        assert len(notes) == 2
        assert notes[0] == notes[1]
        assert verify(await exported(house), await key(house), *notes).found is None

    anchored(tmp_path, story)


def test_r15_a_file_in_the_data_folder_is_no_anchor(tmp_path: Path) -> None:
    """Whoever puts the folder back puts it back too: nothing is written there, and an alert says so."""

    async def story(house: House, clock: MovableClock, path: Path) -> None:
        inside = replace(house, settings=replace(house.settings, data=tmp_path / "elsewhere" / ".." / "elsewhere"))
        assert await hour(inside, clock)
        assert [d["about"] for kind, d in await journal(house) if kind == Kind.ALERT] == [FAILED]
        assert not there(path)

    anchored(tmp_path, story)


SIGNED = f"{LOG.checkpoint(9)}\n{LOG.checkpoint(12)}"
LINES = SIGNED.splitlines()


@pytest.mark.parametrize(
    "text",
    ["", "x", "a\n\nb\n\nc", "a\n\nb", "\n".join(LINES[:-1]), "\n".join(LINES[1:]), SIGNED.replace("\ntime ", "\n")],
)
def test_what_is_no_file_of_anchors_is_refused(text: str) -> None:
    """Something else, or two notes of which one is not whole: that one would else not be compared, and nobody told."""
    with pytest.raises(Malformed):
        read_notes(text)


@given(
    st.lists(st.sampled_from(["", "Dear auditor,", "2026-11-28", "48113", "\N{EM DASH} Bob"]), max_size=4),
    st.sampled_from(["", "> ", ">> ", "  "]),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_r15_checkpoints_are_read_out_of_mails(around: list[str], quoted: str, blank: bool, end: str) -> None:
    """Whatever stands around them, quoted or not, with the empty lines or without, or with more of them."""
    lines = [line for line in LINES if line or not blank] if blank else [each for one in LINES for each in (one, "")]
    found = read_notes(end.join([*around, *(quoted + line for line in lines), *around]))
    assert found == [LOG.checkpoint(9), LOG.checkpoint(12)]


def test_r15_a_checkpoint_goes_by_mail_and_verify_takes_the_mail(tmp_path: Path) -> None:
    """
    To the channels that are narrowed to anchors and to no other; the mail as it was kept, and its text alone, are what
    `ostiary audit verify --since` takes.
    """

    async def story() -> None:
        box, tls = Mailbox(), local_ca.ensure(tmp_path / "tls", (HOST,), now=SystemClock().now(), environ={})
        async with on_loopback(box), noticing(tmp_path, tls) as here:
            listed = (f"http://127.0.0.1:{box.port}", HOST)
            asked = Outgoing(read_destinations(listed), authorities=tls.ca, resolve=Names(("127.0.0.1",)))
            house = replace(here.house, outside=replace(here.house.outside, apprise=Apprise(listed), outgoing=asked))
            here.house.outside.outgoing.close()
            here.house = house
            await seal(house, visit(house))
            assert not await anchor(house, visit(house))  # nobody wants it
            await here.channel("/anchors", about=["anchors", "alerts"])
            await here.channel("/all")
            await here.channel("/alerts", about=["alerts"])
            address = f"mailto://127.0.0.1:{box.port}?from=door@example.com&to=audit@example.com"
            wanted = {"name": "auditor", "form": "apprise", "address": address, "about": ["anchors"]}
            made = await add_channel(house, visit(house, alice(here.clock.now())), wanted, "for a test", own=False)
            assert not isinstance(made, Refused), made
            await seal(house, visit(house))
            assert await anchor(house, visit(house))
            assert not await anchor(house, visit(house))  # once in an hour
            await here.settle()
            house.outside.apprise.close()
            assert {path: here.receiver.told(path) for path in ("/anchors", "/all", "/alerts")} == {
                "/anchors": ["log.anchored"], "/all": [], "/alerts": [],
            }  # fmt: skip
            (mail,) = box.mails
            await seal(house, visit(house))
            whole, trusted = await exported(house), await key(house)
            hooked = json.loads(here.receiver.came[0][2])["data"]["text"]
        kept = tmp_path / "kept.eml"
        kept.write_bytes(mail)
        (note,) = _notes(kept)
        assert [note] == read_notes(hooked)
        assert verify(whole, trusted, note).kept is Kept.SAME
        part = next(part for part in message_from_bytes(mail).walk() if part.get_content_type() == "text/plain")
        kept.write_bytes(bytes(part.get_payload(decode=True)))
        assert _notes(kept) == [note]
        assert read_checkpoint(note).size > 3

    asyncio.run(story())
