"""
Jobs: deeds that the clock calls. Nothing ends by a job; jobs announce, fold and tidy.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from ostiary.app.wiring import system_visit
from ostiary.core.words.visit import Visit
from ostiary.services.directory import throttle
from ostiary.services.exemptions.end import announce_ends
from ostiary.services.house import House
from ostiary.services.logs.floods import write_floods
from ostiary.services.logs.stories import catch_up
from ostiary.services.tokens.browser import tend_browsers
from ostiary.services.tokens.rewrap import rewrap
from ostiary.services.tokens.rotation import tend_keys

__all__ = ["JOBS", "Job", "run_jobs"]

_log = structlog.get_logger("ostiary.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """One deed and how often the clock calls it."""

    name: str
    every: float
    """Seconds between the end of one run and the next."""
    deed: Callable[[House, Visit], Awaitable[object]]


JOBS: tuple[Job, ...] = (
    Job("stories", 0.25, catch_up),
    Job("floods", 15, write_floods),
    Job("ends", 1, announce_ends),
    Job("keys", 60, tend_keys),
    Job("seals", 300, rewrap),
    Job("counters", 600, throttle.sweep),
    Job("browsers", 600, tend_browsers),
)


async def run_jobs(house: House, jobs: tuple[Job, ...] = JOBS) -> None:
    """Run every job until cancelled."""
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_forever(house, job))


async def _forever(house: House, job: Job) -> None:
    """A run that fails is told and tried again: a job is never the reason why the house closes."""
    while True:
        try:
            visit = system_visit(house, job.name)
            await job.deed(house, replace(visit, agent=f"job {job.name}"))
        except Exception as error:
            _log.error("job failed", job=job.name, error=type(error).__name__)
        await asyncio.sleep(job.every)
