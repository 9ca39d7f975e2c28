"""The server's log: one JSON line an event, the usual ones of a turn together, what an operator must see at once."""

import asyncio
import json
from collections.abc import Iterator
from threading import Thread

import pytest
import structlog

from ostiary.app import console


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    """As `ostiary-server run` has it, and as it was afterwards."""
    before = structlog.get_config()
    console._logging()
    yield
    structlog.configure(**before)


def written(capture: pytest.CaptureFixture[bytes]) -> list[str]:
    """The events that are out, in order."""
    return [json.loads(line)["event"] for line in capture.readouterr().err.splitlines()]


def test_a_line_says_what_when_and_how_grave(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Level and time in UTC stand in each; what JSON does not know is told as text."""
    structlog.get_logger("t").warning("odd", thing={1}, address="192.0.2.1")
    line = json.loads(capsysbinary.readouterr().err)
    assert (line["event"], line["level"], line["thing"], line["address"]) == ("odd", "warning", "{1}", "192.0.2.1")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(("level", "out"), [("info", ["one", "two"]), ("warning", ["two"]), ("error", [])])
def test_what_is_below_the_level_is_not_written(
    capsysbinary: pytest.CaptureFixture[bytes], level: str, out: list[str]
) -> None:
    """`log_level` of the configuration, for who has an access log already."""
    console._logging(level)
    log = structlog.get_logger("t")
    log.info("one")
    log.warning("two")
    assert written(capsysbinary) == out


def test_the_lines_of_a_turn_go_out_together(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Nothing is out before the turn ends, everything after it."""

    async def turn() -> None:
        log = structlog.get_logger("t")
        log.info("one")
        log.info("two")
        assert written(capsysbinary) == []
        await asyncio.sleep(0)
        assert written(capsysbinary) == ["one", "two"]

    asyncio.run(turn())


def test_what_an_operator_must_see_waits_for_nothing(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """An error is out at once, behind what came before it."""

    async def turn() -> None:
        log = structlog.get_logger("t")
        log.info("one")
        log.error("broken")
        assert written(capsysbinary) == ["one", "broken"]

    asyncio.run(turn())


def test_nothing_is_lost_at_the_end_or_from_a_thread(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """The last line of a loop that ends, and one of a thread that has none."""

    async def last() -> None:
        structlog.get_logger("t").info("last")

    asyncio.run(last())
    assert written(capsysbinary) == ["last"]
    side = Thread(target=lambda: structlog.get_logger("t").info("aside"))
    side.start()
    side.join()
    assert written(capsysbinary) == ["aside"]
