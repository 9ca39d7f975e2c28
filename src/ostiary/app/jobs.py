"""
Jobs: deeds that the clock calls. Nothing ends by a job; jobs announce, fold and tidy.

A job that works on what all nodes share runs on one of them at a time: the one that holds its lease. A lease saves work
and decides nothing: each such deed moves its cursor, or swaps its rows, in the transaction in which it acts, so that
two runs at once do no more than one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from ostiary.app.wiring import system_visit
from ostiary.core.words.instants import Instant, Span, between, seconds
from ostiary.core.words.visit import Visit
from ostiary.services.access import clients
from ostiary.services.detections.read import run_detections, tidy_tracks
from ostiary.services.detections.respond import run_responses
from ostiary.services.devices.tend import announce_lapsed, tend_devices
from ostiary.services.directory import throttle
from ostiary.services.directory.assessments import announce_reviews
from ostiary.services.directory.credentials import tend_invitations
from ostiary.services.directory.erase import erase
from ostiary.services.directory.passkeys import tend_challenges
from ostiary.services.exemptions.end import announce_ends, announce_lapses
from ostiary.services.house import House
from ostiary.services.logs.anchor import anchor
from ostiary.services.logs.checkpoints import seal, thin_checkpoints
from ostiary.services.logs.deliver import send_to_sinks
from ostiary.services.logs.floods import write_floods, write_last_floods
from ostiary.services.logs.prune import prune
from ostiary.services.logs.prune_sign_ins import prune_sign_ins
from ostiary.services.logs.stories import catch_up
from ostiary.services.notices.moments import announce_moments, tend_moments
from ostiary.services.notices.read import read_journal
from ostiary.services.notices.send import send_notices
from ostiary.services.signals.push import push, tend_streams
from ostiary.services.signals.transmit import transmit
from ostiary.services.signins.forget import tend_signins
from ostiary.services.tokens.authorize import tend_codes
from ostiary.services.tokens.browser import tend_sessions
from ostiary.services.tokens.rewrap import rewrap
from ostiary.services.tokens.rotation import tend_keys
from ostiary.services.tokens.vouching import ask_again
from ostiary.store import Tx, leases

__all__ = ["JOBS", "Job", "Leases", "end_jobs", "run_jobs", "run_once"]

LEASE = 60.0  # seconds: after that long without a word from its holder a job is anybody's

_log = structlog.get_logger("ostiary.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """One deed and how often the clock calls it."""

    name: str
    every: float
    """Seconds between the end of one run and the next."""
    deed: Callable[[House, Visit], Awaitable[object]]
    own: bool = False
    """It looks after this process's memory: every node runs it, without a lease."""

    @property
    def lease(self) -> Span:
        """How long its holder may run it: longer than it sleeps, or it would change hands each time."""
        return seconds(int(max(LEASE, 2 * self.every)))


JOBS: tuple[Job, ...] = (
    Job("stories", 0.25, catch_up),
    Job("checkpoints", 0.5, seal),
    Job("thinning", 3600, thin_checkpoints),
    Job("sinks", 0.5, send_to_sinks),
    Job("anchors", 10, anchor),
    Job("pruning", 3600, prune),
    Job("erasing", 5, erase),
    Job("signinlog", 3600, prune_sign_ins),
    Job("floods", 15, write_floods, own=True),
    Job("ends", 0.25, announce_ends),
    Job("lapses", 1, announce_lapses),
    Job("moments", 5, announce_moments),
    Job("notices", 0.5, read_journal),
    Job("couriers", 0.5, send_notices),
    Job("told", 3600, tend_moments),
    Job("detections", 0.25, run_detections),
    Job("responses", 0.25, run_responses),
    Job("tracks", 60, tidy_tracks),
    Job("lapsed", 1, announce_lapsed),
    Job("keys", 60, tend_keys, own=True),
    Job("seals", 300, rewrap),
    Job("counters", 600, throttle.sweep),
    Job("sessions", 600, tend_sessions),
    Job("codes", 600, tend_codes),
    Job("invitations", 600, tend_invitations),
    Job("reviews", 600, announce_reviews),
    Job("signins", 600, tend_signins),
    Job("assertions", 60, clients.sweep),
    Job("challenges", 600, tend_challenges),
    Job("devices", 600, tend_devices),
    Job("upstream", 5, ask_again),
    Job("signals", 0.1, transmit),
    Job("pushes", 0.1, push),
    Job("streams", 600, tend_streams),
)


class Leases:
    """What this node holds; its holder's name is that of its journal stream, which no other node may have."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._until: dict[str, Instant] = {}

    async def may_run(self, house: House, job: Job, now: Instant) -> bool:
        """
        Whether this node may run *job* now. The row is written when less than half of the lease is left, and always
        while the store is in trouble: then it tells when that is over.
        """
        if job.own:
            return True
        held = self._until.get(job.name)
        if held is not None and house.store.trouble is None and job.lease // 2 < between(now, held) <= job.lease:
            return True

        async def body(tx: Tx) -> Instant | None:
            return await leases.take(tx, job.name, tx.stream, now=now, length=job.lease)

        until = await house.store.write(body)
        self._until.pop(job.name, None)
        if until is not None:
            self._until[job.name] = until
        return until is not None


async def run_jobs(house: House, jobs: tuple[Job, ...] = JOBS) -> None:
    """Run every job until cancelled."""
    held = Leases()
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(_forever(house, job, held))


async def run_once(house: House, job: Job, held: Leases) -> bool:
    """One call of *job*, if it is this node's turn; a run that fails is told and is no turn."""
    visit, began, good = system_visit(house, job.name), house.clock.steady(), True
    try:
        if not await held.may_run(house, job, visit.now):
            return False
        await job.deed(house, replace(visit, agent=f"job {job.name}"))
    except Exception as error:
        good = False
        _log.error("job failed", job=job.name, reference=visit.id, error=type(error).__name__)
    house.outside.meters.job(job.name, good, between(began, house.clock.steady()), visit.now)
    return good


async def _forever(house: House, job: Job, held: Leases) -> None:
    """A run that fails is tried again: a job is never the reason why the house closes."""
    while True:
        await run_once(house, job, held)
        await asyncio.sleep(job.every)


async def end_jobs(house: House) -> None:
    """What an orderly stop still writes: the refusals that were only counted, and that the leases are free."""
    visit = system_visit(house, "stop")

    async def body(tx: Tx) -> int:
        return await leases.release_all(tx, tx.stream, now=visit.now)

    try:
        await write_last_floods(house, visit)
        await house.store.write(body)
    except Exception as error:
        _log.error("not everything was written at the end", error=type(error).__name__)
