"""Detections on a real database: found once, kept with the cursor, listed by index; and the page about the rules."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.detections.event import Event, nowhere
from ostiary.core.detections.finding import Found, Severity, State
from ostiary.core.detections.fold import watching
from ostiary.core.detections.memory import Past
from ostiary.core.detections.published import PUBLISHED
from ostiary.core.detections.rules import BY_ID, RULES
from ostiary.core.graph.finding import ShownFinding
from ostiary.core.graph.query import And, Compare, Page, Query
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant, days, hours, minutes
from ostiary.core.words.outcome import Refused
from ostiary.core.words.visit import Visit
from ostiary.services.detections import look as looked
from ostiary.services.detections import read
from ostiary.services.detections.list import find_finding, list_findings, list_rules
from ostiary.services.detections.read import run_detections, tidy_tracks
from ostiary.services.detections.replay import begin_replay, go_on
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Row, Tx, detections, logs, responses, stories
from ostiary.store.sql import Sql
from tests.clock import MovableClock
from tests.records.detections_page import PATH, page
from tests.records.house import ALICE, BOB, CLI, a_house, alice, bob, journal, visit

Story = Callable[[House, MovableClock], Coroutine[None, None, None]]


def play(folder: Path, story: Story) -> None:
    """Run *story* in a house of its own."""

    async def run() -> None:
        async with a_house(folder) as (house, clock):
            await story(house, clock)

    asyncio.run(run())


RAISED = (Kind.FINDING_RAISED,)


async def write(house: House, *entries: Entry, address: str = "203.0.113.9") -> None:
    """Leave *entries*, as deeds do."""
    seen = visit(house, address=address)

    async def body(tx: Tx) -> None:
        for entry in entries:
            await record(tx, seen, entry)

    await house.store.write(body)


def started(story: str) -> Entry:
    """A code was issued."""
    return Entry(Kind.STARTED, f"application:{CLI}", story, {"client": CLI, "client_name": "Ostiary CLI"})


def reported(story: str, user: str = BOB) -> Entry:
    """Its person reported it."""
    return Entry(Kind.REPORTED, f"user:{user}", story)


async def look(house: House, query: Query | None = None) -> Page[ShownFinding]:
    """The list."""
    found = await list_findings(house, visit(house), query or Query())
    assert isinstance(found, Page), found
    return found


def test_a_finding_is_stored_once_and_written_down(tmp_path: Path) -> None:
    """The journal says what was found, in the transaction that keeps it; reading on finds nothing again."""

    async def story(house: House, clock: MovableClock) -> None:
        await write(house, started("s1"), reported("s1"))
        assert await run_detections(house, visit(house)) == 1
        assert await run_detections(house, visit(house)) == 0
        (shown,) = (await look(house)).items
        assert (shown.kept.finding.rule, shown.kept.finding.severity) == ("reported", Severity.HIGH)
        assert (shown.user_name, shown.kept.state) == ("bob@example.com", State.OPEN)
        assert shown.kept.finding.client == CLI  # told by the start: the report names no application
        told = [detail for kind, detail in await journal(house) if kind == Kind.FINDING_RAISED]
        assert [(detail["rule"], detail["user"]) for detail in told] == [("reported", BOB)]
        (entry,) = [one for one in await house.store.read(lambda tx: logs.since(tx, 0, 99)) if one.kind in RAISED]
        assert entry.actor == "system:detections"  # whoever asks for the list found nothing

    play(tmp_path, story)


def test_what_comes_again_is_counted_in_the_same_finding(tmp_path: Path) -> None:
    """One sign-in, one finding of a rule."""

    async def story(house: House, clock: MovableClock) -> None:
        await write(house, started("s1"), reported("s1"), reported("s1"))
        assert await run_detections(house, visit(house)) == 1
        (shown,) = (await look(house)).items
        assert shown.kept.seen == 2

    play(tmp_path, story)


def test_two_readers_at_once_find_everything_once(tmp_path: Path) -> None:
    """The cursor moves in the transaction that keeps the findings: whoever comes second reads on from there."""

    async def story(house: House, clock: MovableClock) -> None:
        for number in range(300):
            await write(
                house, started(f"s{number}"), reported(f"s{number}"), address=f"10.0.{number // 200}.{number % 200}"
            )
        counts = await asyncio.gather(*(run_detections(house, visit(house)) for _ in range(4)))
        page_ = await look(house, Query(top=500, filter=Compare("rule", "eq", "reported"), count=True))
        assert page_.count == 20  # R21: of one rule so many about one person in an hour
        assert sum(counts) == 20 + len(
            (await look(house, Query(top=500, filter=Compare("rule", "ne", "reported")))).items
        )
        rules = {shown.rule.id: shown.held_back for shown in (await list_rules(house, visit(house))).items}
        assert rules["reported"] == 280

    play(tmp_path, story)


def test_a_body_that_is_undone_finds_again(tmp_path: Path) -> None:
    """Killed before the commit, nothing of a batch stays, and the next run does it."""

    async def story(house: House, clock: MovableClock) -> None:
        await write(house, started("s1"), reported("s1"))

        async def undone(tx: Tx) -> None:
            seen = await looked.look(tx, nowhere, 100)
            assert seen is not None
            await read._write_down(tx, house, visit(house), seen)
            raise RuntimeError("planted")

        with pytest.raises(RuntimeError):
            await house.store.write(undone)
        assert (await house.store.read(lambda tx: logs.where(tx, read.READER))) is None
        assert await run_detections(house, visit(house)) == 1

    play(tmp_path, story)


def test_what_is_long_past_becomes_no_finding(tmp_path: Path) -> None:
    """A service that reads its whole journal for the first time alarms nobody about last year."""

    async def story(house: House, clock: MovableClock) -> None:
        await write(house, started("s1"), reported("s1"))
        clock.move(days(31))
        assert await run_detections(house, visit(house)) == 0
        assert (await look(house)).items == ()

    play(tmp_path, story)


def test_findings_are_listed_by_person_rule_level_state_and_time(tmp_path: Path) -> None:
    """What Graph's callers filter by, a page at a time."""

    async def story(house: House, clock: MovableClock) -> None:
        for number, user in enumerate((ALICE, BOB, ALICE)):
            await write(house, started(f"s{number}"), reported(f"s{number}", user))
            clock.move(hours(1))
        first = await look(house, Query(top=2))
        assert [one.kept.finding.story for one in first.items] == ["s2", "s1"]
        second = await look(house, Query(top=2, after=first.next))
        assert [one.kept.finding.story for one in second.items] == ["s0"]
        assert second.next is None
        for where, number in (
            (Compare("user", "eq", ALICE), 2), (Compare("user_name", "eq", "bob@example.com"), 1),
            (Compare("rule", "eq", "reported"), 3), (Compare("severity", "eq", "low"), 0),
            (Compare("state", "eq", "open"), 3), (Compare("at", "lt", first.items[1].kept.finding.at), 1),
            (And(Compare("user", "eq", ALICE), Compare("severity", "eq", "high")), 2),
        ):  # fmt: skip
            assert len((await look(house, Query(filter=where))).items) == number, where
        found = await find_finding(house, visit(house), first.items[0].kept.finding.id)
        assert isinstance(found, ShownFinding)

    play(tmp_path, story)


async def _run(tx: Tx, sql: Sql) -> None:
    await tx.run(sql)


async def _rows(tx: Tx, sql: Sql, values: dict[str, object]) -> list[Row]:
    return await tx.all(sql, **values)


def test_lists_of_findings_follow_an_index(tmp_path: Path) -> None:
    """In the order in which they are shown: nothing is scanned or sorted, whatever one column is asked for."""

    async def story(house: House, clock: MovableClock) -> None:
        for name in ("", "rule", "severity", "state", "user", "client", "source", "story", "session"):
            statement = stories.page_sql("findings", ((name, "eq", False),) if name else (), rising=False)
            values: dict[str, object] = dict.fromkeys(statement.names, "x") | {"last_at": 1, "most": 5}
            plan = Sql(f"EXPLAIN QUERY PLAN {statement.sqlite}", "", (), statement.constants)
            steps = [row[3] for row in await house.store.read(partial(_rows, sql=plan, values=values))]
            assert len(steps) == 1
            assert f"USING INDEX findings_{name or 'at'} " in steps[0]

    play(tmp_path, story)


def test_tracks_that_count_for_nothing_are_forgotten(tmp_path: Path) -> None:
    """And beyond the most that are kept, those that would go first."""

    async def story(house: House, clock: MovableClock) -> None:
        await write(house, started("s1"), reported("s1"))
        await run_detections(house, visit(house))
        count = Sql("SELECT count(*) FROM detection_tracks", "", ())
        (before,) = await house.store.read(lambda tx: tx.one(count)) or (0,)
        assert before > 0
        assert await tidy_tracks(house, visit(house)) == 0
        assert await house.store.write(lambda tx: detections.tidy(tx, visit(house).now, most=10, keep=1)) == before - 1
        clock.move(days(100))
        assert await tidy_tracks(house, visit(house)) == 1
        assert await house.store.read(lambda tx: tx.one(count)) == (0,)

    play(tmp_path, story)


def test_a_rule_that_fails_live_is_a_fault_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others find what they find, the reader goes on, and the journal says which rule it was, without its words."""

    def broken(event: Event, past: Past) -> Found:
        raise ValueError("a secret")

    planted = replace(BY_ID["reported"], id="planted", look=broken)
    monkeypatch.setattr(looked, "_WATCHING", watching((planted, *RULES)))

    async def story(house: House, clock: MovableClock) -> None:
        await write(house, started("s1"), reported("s1"))
        assert await run_detections(house, visit(house)) == 1
        faults = [detail for kind, detail in await journal(house) if kind == Kind.FAULT]
        assert [fault["error"] for fault in faults] == ["planted: ValueError"]

    play(tmp_path, story)


def test_findings_stay_as_long_as_the_journal(tmp_path: Path) -> None:
    """R15: what is kept for so long goes then, its findings too; without a rule they stay."""

    async def story(house: House, clock: MovableClock) -> None:
        await write(house, started("s1"), reported("s1"))
        await run_detections(house, visit(house))
        clock.move(days(200))
        await tidy_tracks(house, visit(house))
        assert len((await look(house)).items) == 1
        short = replace(house, settings=replace(house.settings, journal_kept=days(90)))
        await tidy_tracks(short, visit(house))
        assert (await look(house)).items == ()

    play(tmp_path, story)


def test_the_page_about_detections_is_made_from_the_rules() -> None:
    """`docs/detections.md` says what the rules say; `python -m tests.records.detections_page` writes it anew."""
    assert PATH.read_text(encoding="utf-8") == page()


def test_every_published_rule_is_covered_or_left_out_with_a_reason() -> None:
    """None is forgotten, and none is called covered without a rule that covers it."""
    covered = {id for rule in RULES for id in rule.covers}
    assert covered <= {one.id for one in PUBLISHED}
    assert len({one.id for one in PUBLISHED}) == len(PUBLISHED)
    assert {one.id for one in PUBLISHED if one.why_not} & covered == set()
    assert {one.id for one in PUBLISHED if not one.why_not} <= covered


async def begun_by(house: House, seen: Visit, *, keep: bool = False) -> dict[str, Any] | Refused:
    """A replay of everything."""
    return await begin_replay(house, seen, since=Instant(0), until=seen.now, keep=keep)


def test_a_replay_finds_the_same_and_keeps_it_once(tmp_path: Path) -> None:
    """
    What was found live is found again under the same ids; kept findings are written down once, and only for who may
    change policy. A replay is its owner's.
    """

    async def story(house: House, clock: MovableClock) -> None:
        await write(house, started("s1"), reported("s1"))
        await run_detections(house, visit(house))
        live = {shown.kept.finding.id for shown in (await look(house)).items}
        for table in ("findings", "finding_stories"):
            await house.store.write(partial(_run, sql=Sql(f"DELETE FROM {table}", "", ())))
        refused = await begun_by(house, visit(house, bob(clock.now())), keep=True)
        assert isinstance(refused, Refused)
        admin = visit(house, alice(clock.now()))
        begun = await begun_by(house, admin, keep=True)
        assert isinstance(begun, dict)
        stranger = await go_on(house, visit(house, bob(clock.now())), begun["id"])
        assert isinstance(stranger, Refused)
        told = await go_on(house, admin, begun["id"])
        assert isinstance(told, dict)
        assert told["done"]
        assert {one["id"] for one in told["findings"]} == live
        assert {shown.kept.finding.id for shown in (await look(house)).items} == live
        assert isinstance(await go_on(house, admin, begun["id"]), Refused)  # it is over

    play(tmp_path, story)


def test_what_a_replay_keeps_is_told_and_acts_no_more(tmp_path: Path) -> None:
    """
    It counts as answered; what the live reader has not read is left to it; and whoever lost the right keeps nothing.
    """

    async def story(house: House, clock: MovableClock) -> None:
        await write(house, started("s1"), reported("s1"))
        await run_detections(house, visit(house))
        for table in ("findings", "finding_stories"):
            await house.store.write(partial(_run, sql=Sql(f"DELETE FROM {table}", "", ())))
        await write(house, started("s2"), reported("s2"))
        admin = visit(house, alice(clock.now()))
        begun = await begun_by(house, admin, keep=True)
        assert isinstance(begun, dict)
        lost = replace(admin, caller=replace(admin.caller, roles=frozenset()))
        assert isinstance(await go_on(house, lost, begun["id"]), Refused)
        assert await house.store.read(lambda tx: detections.page(tx, (), after=None, most=9)) == []
        assert isinstance(await go_on(house, admin, begun["id"]), dict)
        (kept,) = await house.store.read(lambda tx: detections.page(tx, (), after=None, most=9))
        assert kept.finding.story == "s1"
        assert await house.store.read(lambda tx: responses.unanswered(tx, 9)) == []
        await run_detections(house, visit(house))
        assert len(await house.store.read(lambda tx: responses.unanswered(tx, 9))) == 1

    play(tmp_path, story)


def test_r21_replays_are_few_at_once(tmp_path: Path) -> None:
    """R21: each holds memory; one that nobody goes on with is forgotten."""

    async def story(house: House, clock: MovableClock) -> None:
        for _ in range(2):
            assert isinstance(await begun_by(house, visit(house, alice(clock.now()))), dict)
        assert isinstance(await begun_by(house, visit(house, alice(clock.now()))), Refused)
        clock.move(minutes(6))
        assert isinstance(await begun_by(house, visit(house, alice(clock.now()))), dict)

    play(tmp_path, story)
