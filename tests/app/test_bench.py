"""The benchmark's own server and flows do what they are measured for."""

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bench import approval, beside, detections, ends, load, signins
from bench.cost import Plan, measure
from bench.many import fill
from bench.ostiary import prepared
from bench.stacks import WORK, Ostiary
from ostiary.app.serve import application
from ostiary.core.detections.rules import RULES
from ostiary.core.detections.score import score
from ostiary.core.words.caller import Caller, CallerKind, Origin
from ostiary.core.words.visit import Visit
from ostiary.services.exemptions.end import end_exemptions_of
from ostiary.store import logs
from ostiary.store.risk import READER
from tests.clock import MovableClock
from tests.web.graph.api import Api, play


def test_every_piece_of_work_can_be_measured(tmp_path: Path) -> None:
    """Each flow plays two pieces of work in front of the application; it checks each answer itself."""

    async def play() -> dict[str, list[float]]:
        async with prepared(tmp_path) as (house, _, said):
            app, flows = application(house), Ostiary().flows(said)
            plan = Plan(warm_up=4, seats=2, requests=4, batches=1)
            return {work: await measure(app, flows[work], plan) for work in WORK}

    assert all(spent > 0 for batches in asyncio.run(play()).values() for spent in batches)


def test_a_tap_is_measured_through_whole_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    """One person at a quick pace: both kinds of clients get their tokens after the approver's yes."""
    monkeypatch.setattr(approval, "PEOPLE", 1)
    monkeypatch.setattr(approval, "INTERVAL", 1.0)
    monkeypatch.setattr(approval, "TYPING", 0.1)
    found = asyncio.run(approval.measure(1))
    assert [spread.count for spread in found.values()] == [1, 1]
    assert "our client | 1 |" in approval.page(found, "2026-11-28", shared=True)


def test_ends_are_measured_by_doors_that_say_yes_before_and_no_after(tmp_path: Path) -> None:
    """Each door answers the token that it is asked with, until the exemption behind it is ended."""

    async def play() -> list[list[bool]]:
        async with prepared(tmp_path, local_door=True) as (house, _, said):
            (window,) = await ends._windows(house, 1, 0)
            transport = httpx.ASGITransport(app=application(house))
            async with httpx.AsyncClient(transport=transport, base_url=house.settings.origin) as http:
                doors = ends.Asking(said, http, http)
                asks = (doors.refreshing, doors.introspection, doors.userinfo, doors.admin)
                before = [await ask(one) for ask, one in zip(asks, window["sessions"], strict=True)]
                local = Caller(CallerKind.LOCAL, "tester", "tester", Origin.LOCAL)
                visit = Visit(house.clock.now(), house.random.guid(), caller=local)
                await end_exemptions_of(house, visit, window["user"], "for a test")
                return [before, [await ask(one) for ask, one in zip(asks, window["sessions"], strict=True)]]

    assert asyncio.run(play()) == [[False] * 4, [True] * 4]


def test_every_question_to_a_long_log_is_answered(tmp_path: Path) -> None:
    """As it is asked of ten million rows, of three thousand."""

    async def story(api: Api, _: MovableClock) -> None:
        fill(tmp_path / "ostiary.db", 3000)
        found = {one.name: await signins.asked(api.client, one, 2, 3000, lambda: 0.0) for one in signins.QUESTIONS}
        assert found["the latest 100"].rows == 100
        assert found["1,000 before some moment"].rows > 100
        assert found["two conditions that never meet (a piece)"].rows == 0
        assert "| one sign-in | 1 | 2 |" in signins.page(found, "2026-11-28", rows=3000, size=10**7, shared=True)

    play(tmp_path, story)


def test_the_reader_of_detections_is_measured_over_a_whole_journal(tmp_path: Path) -> None:
    """A few days through rules and store; the page has a row for each rule and each campaign."""
    count, wall, spent = asyncio.run(detections.read(tmp_path, 20, 2))
    assert count > 50
    assert wall > 0
    assert spent > 0
    found = score(RULES, (1,), people=20, length=2, held_out=True)
    text = detections.page(found, found, "Measured.", "2026-11-28", people=20, length=2)
    assert all(f"| `{rule.id}` |" in text for rule in RULES)
    assert "| `vishing` | phone in the same country* |" in text


def test_the_log_beside_the_tokens_is_measured_by_the_products_own_deed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read before the load begins, then as much as has come; what nobody judged counts against it."""
    monkeypatch.setattr(beside, "PACE", 1_000_000)

    async def play() -> tuple[int, int, int]:
        async with prepared(tmp_path) as (house, _, _said):
            count = await beside._past(house, 1000)
            visit = Visit(house.clock.now(), house.random.guid())
            assert house.detector is not None
            replay = beside.Replay(tmp_path, 0, 200, house.detector)
            house = replace(house, detector=replay)
            await replay.deed(house, visit)
            before = await house.store.read(lambda tx: logs.where(tx, READER))
            (tmp_path / "go").touch()
            behind = None
            while behind != 200:  # the first call starts its clock, a fifth of a millisecond later all has come
                await replay.deed(house, visit)
                behind = await house.store.read(lambda tx: logs.where(tx, READER))
            return count, before or 0, behind or 0

    count, before, behind = asyncio.run(play())
    assert count >= 1000
    assert (before, behind) == (0, 200)
    monkeypatch.setattr(beside, "PACE", 100)
    lags = beside._lags(tmp_path, 0.0, 3.0)
    assert len(lags) == 300
    assert max(lags) == pytest.approx(1.0 + beside.AFTER)  # of the 201st, which came at 2 s
    quick, slow = (load.Sample(count, 1.0, 0.5, (0.002,) * count) for count in (100, 80))
    runs = [beside.Run(replayed=False, sample=quick), beside.Run(replayed=True, sample=slow, lags=lags)]
    assert beside.ratio(runs) == 0.8
    assert "0.80 of what is given without them" in beside.page(200.0, runs, "2026-11-28", seconds=1, shared=True)
