"""R8 and R14: an end that was acknowledged is one after kill -9, and whoever subscribed still hears of it."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from ostiary.app.wiring import close_house
from ostiary.core.signals.delivery import Poll
from ostiary.core.tokens import clients
from ostiary.core.words.outcome import Refused
from ostiary.services.signals.poll import Polled, poll
from ostiary.services.signals.receivers import Receiver
from ostiary.services.signals.transmit import transmit
from ostiary.services.tokens.introspect import introspect
from ostiary.services.tokens.token import TokenForm, grant
from tests.crash.deeds import CLI, Machine, opened
from tests.crash.gateway import GATE, SECRET

HERE = Path(__file__).parent


def killed(data: Path) -> dict[str, str]:
    """What was said before the process was killed: the moment after the end was acknowledged."""
    with subprocess.Popen(
        [sys.executable, str(HERE / "ender.py"), str(data)],
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = process.stdout.readline()
        process.kill()
    said: dict[str, str] = json.loads(line)
    assert said["what"] == "ended", said
    return said


def test_r8_r14_an_end_outlives_a_kill_and_is_told_once(tmp_path: Path) -> None:
    """The next process refuses at the first ask; its reader finds the entry; the one after it tells nobody twice."""
    data = tmp_path / "data"
    said = killed(data)
    shown = clients.Shown(basic=(GATE, SECRET))

    async def first() -> None:
        house, parts = await opened(data)
        try:
            visit = Machine(house, "10.1.2.3", "").visit()
            assert await introspect(house, visit, shown, said["access"]) is None
            form = TokenForm(grant_type="refresh_token", client=clients.Shown(CLI), refresh_token=said["refresh"])
            assert isinstance(await grant(house, visit, form), Refused)
            assert await transmit(house, visit) >= 1
        finally:
            await close_house(house, parts)

    async def second() -> Polled | Refused:
        house, parts = await opened(data)
        try:
            visit = Machine(house, "10.1.2.3", "").visit()
            assert await transmit(house, visit) == 0
            return await poll(house, visit, Receiver(shown), said["stream"], Poll())
        finally:
            await close_house(house, parts)

    asyncio.run(first())
    answer = asyncio.run(second())
    assert isinstance(answer, Polled)
    assert len(answer.sets) == 1
