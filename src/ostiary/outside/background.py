"""
Work that outlives the job that began it: one task a name, so many at once, all of them cancelled at the end.

What is slow because others are slow (a receiver that does not answer) runs here, so that nobody waits for it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["Background"]


class Background:
    """The tasks of one process. One loop uses it."""

    def __init__(self) -> None:
        """Nothing runs."""
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        """How many tasks run."""
        return len(self._tasks)

    def running(self, name: str) -> bool:
        """Whether a task of that name runs."""
        return name in self._tasks

    def count(self, beginning: str) -> int:
        """How many tasks run whose name begins so."""
        return sum(name.startswith(beginning) for name in self._tasks)

    def start(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Begin *work* unless a task of that name runs; whether it was begun. It tells its own failures."""
        if name in self._tasks:
            return False
        task = asyncio.create_task(work(), name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))
        return True

    async def idle(self) -> None:
        """Wait until nothing runs."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """End every task where it stands, and wait for that."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
