"""Floods: anonymous refusals cost a bounded number of rows and a bounded memory (R21)."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.errors import StoreBusy
from ostiary.core.words.instants import Instant, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.logs.faults import note
from ostiary.services.logs.floods import FIRST, MOST, OTHERS, STRANGERS, UNKNOWN, WRITTEN, Floods, write_floods
from ostiary.services.signins.refusals import refuse
from tests.records.house import CLI, a_house, journal, visit

NOW = Instant(1_795_420_800_000_000)


def test_r21_the_first_twenty_of_a_minute_are_rows() -> None:
    """The twenty-first is counted; the next minute begins anew."""
    floods = Floods()
    assert [floods.admit(CLI, "192.0.2.1", "blocked", NOW) for _ in range(25)] == [True] * 20 + [False] * 5
    assert floods.admit(CLI, "192.0.2.1", "blocked", Instant(NOW + minutes(1)))
    (counted,) = floods.take(Instant(NOW + minutes(1)))
    assert (counted.like.client, counted.like.source, counted.count, counted.minute) == (CLI, "192.0.2.1", 5, NOW)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (("a", "192.0.2.1", "x"), ("a", "192.0.2.2", "x"), False),
        (("a", "192.0.2.1", "x"), ("b", "192.0.2.1", "x"), False),
        (("a", "192.0.2.1", "x"), ("a", "192.0.2.1", "y"), False),
        (("a", "2001:db8:1:2::1", "x"), ("a", "2001:db8:1:2:ffff::9", "x"), True),
        (("a", "2001:db8:1:2::1", "x"), ("a", "2001:db8:1:3::1", "x"), False),
    ],
)
def test_r21_alike_are_application_source_and_reason(
    one: tuple[str, str, str], other: tuple[str, str, str], alike: bool
) -> None:
    """A source is an IPv4 address or the /64 of an IPv6 one."""
    floods = Floods()
    for _ in range(FIRST):
        floods.admit(*one, NOW)
    assert floods.admit(*other, NOW) is not alike


def test_r21_a_flood_from_a_thousand_addresses_leaves_a_bounded_log(tmp_path: Path) -> None:
    """Fifty thousand refusals in a minute: twenty rows an address, one counted row each, nothing lost."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, clock):
            sources = [f"10.0.{n // 250}.{n % 250}" for n in range(1000)]
            rows = sum(house.floods.admit(CLI, s, "blocked", clock.now()) for s in sources for _ in range(50))
            assert rows == 1000 * FIRST
            assert await write_floods(house, visit(house)) == 0
            clock.move(minutes(1))
            written = [await write_floods(house, visit(house)) for _ in range(1000 // WRITTEN + 1)]
            assert written == [WRITTEN] * (1000 // WRITTEN) + [0]
            counted = [detail for kind, detail in await journal(house) if kind == "device:signin:refused_many"]
            assert {d["source"] for d in counted} == set(sources)
            assert {d["count"] for d in counted} == {30}

    asyncio.run(run())


def test_r21_memory_is_bounded_whatever_strangers_do() -> None:
    """Forty thousand addresses and made-up names, three minutes: bounded counters; the surplus is one count."""
    floods = Floods()
    admitted = sum(
        floods.admit(f"made-up-{n}" * 50, f"10.{m}.{n // 250}.{n % 250}", "x", Instant(NOW + minutes(m)), known=False)
        for m in range(3)
        for n in range(40_000)
    )
    assert admitted == 3 * (STRANGERS + FIRST)
    assert len(floods) <= 3 * MOST + 2
    counted = {each.like: each.count for each in floods.take(Instant(NOW + minutes(9)), most=10**6)}
    assert counted[OTHERS._replace(client=UNKNOWN)] == 40_000 - STRANGERS - FIRST


def test_r21_a_full_memory_still_shows_what_another_application_was_refused() -> None:
    """R21: neither strangers nor one application's flood from everywhere take the rows of the others."""
    floods = Floods()
    for n in range(2 * MOST):
        floods.admit(f"made-up-{n}", f"10.0.{n // 250}.{n % 250}", "unknown_client", NOW, known=False)
        floods.admit("loud", f"10.1.{n // 250}.{n % 250}", "blocked", NOW)
    assert floods.admit(CLI, "203.0.113.77", "blocked", NOW)
    assert not floods.admit("loud", "203.0.113.77", "blocked", NOW)


def test_r21_invented_ids_are_one_kind_of_refusal(tmp_path: Path) -> None:
    """R21: five hundred names of one address leave twenty rows and a count; a registered one in any case is itself."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, clock):
            refused = Refused(Reason.UNKNOWN_CLIENT)
            for n in range(500):
                await refuse(house, visit(house), Kind.START_REFUSED, refused, client=f"nobody-{n}")
            for n in range(FIRST + 5):
                name = CLI.upper() if n % 2 else CLI
                await refuse(house, visit(house), Kind.START_REFUSED, Refused(Reason.BLOCKED), client=name)
            assert len(await journal(house)) == 2 * FIRST
            clock.move(minutes(1))
            assert await write_floods(house, visit(house)) == 2
            counted = [detail for kind, detail in await journal(house) if kind == Kind.STARTS_REFUSED]
            assert {(d["client"], d["count"]) for d in counted} == {(UNKNOWN, 480), (CLI, 5)}

    asyncio.run(run())


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("12"), st.integers(0, 3)), max_size=200))
def test_r21_nothing_is_lost_between_rows_and_counts(refusals: list[tuple[str, str, int]]) -> None:
    """Rows and counted rows add up to what came, also when the clock goes back."""
    floods, rows = Floods(), 0
    for client, source, minute in refusals:
        rows += floods.admit(client, f"192.0.2.{source}", "x", Instant(NOW + minutes(minute)))
    counts: Counter[str] = Counter()
    while some := floods.take(Instant(NOW + minutes(9)), most=3):
        counts.update({str(each): each.count for each in some})
    assert rows + counts.total() == len(refusals)


class _Busy:
    """A store that takes nothing more."""

    async def write(self, body: Any) -> Any:
        """Refuse."""
        raise StoreBusy("planted")


def test_r21_counts_wait_when_they_cannot_be_written(tmp_path: Path) -> None:
    """A store that is busy loses nothing: the next run writes them, and a fault that cannot be noted says so."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, clock):
            for _ in range(FIRST + 7):
                house.floods.admit(CLI, "192.0.2.1", "blocked", clock.now())
            clock.move(minutes(1))
            busy = replace(house, store=_Busy())  # type: ignore[arg-type]
            with pytest.raises(StoreBusy):
                await write_floods(busy, visit(house))
            assert not await note(busy, visit(house), ValueError("x"))
            assert await write_floods(house, visit(house)) == 1
            assert [d["count"] for _, d in await journal(house)] == [7]

    asyncio.run(run())


def test_faults_are_noted_by_class_and_never_by_message(tmp_path: Path) -> None:
    """What an error says may hold what nobody may read; a flood of faults is bounded too."""

    async def run() -> None:
        async with a_house(tmp_path) as (house, clock):
            seen: Visit = visit(house)
            noted = [await note(house, seen, ValueError("hunter2")) for _ in range(FIRST + 3)]
            assert noted == [True] * FIRST + [False] * 3
            entries = await journal(house)
            assert entries[0] == ("system:fault:noted", {"error": "ValueError", "reference": seen.id})
            assert "hunter2" not in str(entries)
            clock.move(seconds(60))
            assert await note(house, visit(house), KeyError("x"))

    asyncio.run(run())


def test_r21_a_look_at_what_is_not_shown_is_a_row_once_a_minute() -> None:
    """Of each person and place; of a crowd so many are told apart, and the rest leave a row together."""
    floods = Floods()
    assert [floods.admit_look("bob", "/console/audit", NOW) for _ in range(3)] == [True, False, False]
    assert floods.admit_look("bob", "/console/people", NOW)
    assert floods.admit_look("carol", "/console/audit", NOW)
    assert floods.admit_look("bob", "/console/audit", Instant(NOW + minutes(1)))
    later = Instant(NOW + minutes(2))
    crowd = [floods.admit_look(f"user {n}", "/console/audit", later) for n in range(MOST + 100)]
    assert crowd.count(True) == MOST + 1
    assert len(floods) == MOST + 1
