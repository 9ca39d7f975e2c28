"""
Floods: anonymous refusals are rows for the first twenty of their like in a minute, and counted after that (R21).

*Like* means the same application, source (IPv4 address or IPv6 /64; or the sign-in or the person, where a refusal
knows them) and reason. Whatever is no registered application is one, `unknown`: ids cost nothing to invent. Memory is
bounded: beyond `MOST` kinds in a minute all others of an application share one counter, and strangers fill at most
half, so that they blind nobody. What is counted waits here until a job, or the end of the process, writes it as one
row each; a process that is killed loses those counts, never a row.
"""

from dataclasses import dataclass
from typing import NamedTuple

from ostiary.core.directory.credentials import source_of
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant, minutes
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.record import record
from ostiary.store import Tx

FIRST = 20  # rows of one like and minute
MOST = 1024  # likes of one minute that are told apart
STRANGERS = MOST // 2  # of them for applications that nobody registered
UNKNOWN = "unknown"
CLIENT_LENGTH = 64  # characters of an application's id that tell it from another
WRITTEN = 200  # counted rows per run of the job


class Like(NamedTuple):
    """What refusals have in common."""

    client: str
    source: str
    reason: str


OTHERS = Like("", "", "others")
"""All that came when there was no room to tell them apart; with a client, all of that client's."""

_STORY, _PERSON = "story:", "user:"


@dataclass(frozen=True, slots=True)
class Counted:
    """Refusals of one like and minute that left no row of their own."""

    like: Like
    minute: Instant
    count: int


class Floods:
    """The counters of one process."""

    def __init__(self) -> None:
        """Nothing was refused yet."""
        self._minute = -1
        self._counts: dict[Like, int] = {}
        self._strangers = 0
        self._waiting: dict[tuple[int, Like], int] = {}
        self._looked: set[tuple[str, str]] = set()

    def admit(self, client: str, address: str, reason: str, now: Instant, *, known: bool = True) -> bool:
        """Count one refusal of *client*, which is *known* when it is registered; whether it may be a row."""
        name = tame(client)[:CLIENT_LENGTH] if known else UNKNOWN
        return self._count(Like(name, source_of(address), reason), now, known=known)

    def admit_of(self, story: str, reason: str, now: Instant) -> bool:
        """Count one refusal that belongs to the sign-in *story*; whether it may be a row."""
        return self._count(Like("", _STORY + story, reason), now, known=True)

    def admit_by(self, user: str, client: str, reason: str, now: Instant) -> bool:
        """Count one refusal of the known person *user* at the registered *client*; whether it may be a row."""
        return self._count(Like(client, _PERSON + user, reason), now, known=True)

    def admit_look(self, user: str, place: str, now: Instant) -> bool:
        """
        Whether this is the running minute's first look of the known person *user* at *place*, which they may not see:
        a row says all that the next ones would. Beyond `MOST` pairs all people are one.
        """
        self._roll(now)
        look = (user if len(self._looked) < MOST else "", place)
        if (user, place) in self._looked or look in self._looked:
            return False
        self._looked.add(look)
        return True

    def _count(self, like: Like, now: Instant, *, known: bool) -> bool:
        self._roll(now)
        if like not in self._counts:
            if len(self._counts) >= MOST or (not known and self._strangers >= STRANGERS):
                like = OTHERS._replace(client=like.client)
            else:
                self._strangers += not known
        self._counts[like] = self._counts.get(like, 0) + 1
        return self._counts[like] <= FIRST

    def _roll(self, now: Instant) -> None:
        """When another minute has begun (or the clock went back), let what the last one counted wait for the job."""
        minute = now // minutes(1)
        if minute != self._minute:
            self._turn(minute)

    def _turn(self, minute: int) -> None:
        counted = {like: count - FIRST for like, count in self._counts.items() if count > FIRST}
        for like, count in counted.items():
            self._wait(self._minute, like, count)
        self._minute, self._counts, self._strangers = minute, {}, 0
        self._looked = set()

    def _wait(self, minute: int, like: Like, count: int) -> None:
        key = (minute, like)
        if key not in self._waiting and len(self._waiting) >= 2 * MOST:
            key = (0, OTHERS)
        self._waiting[key] = self._waiting.get(key, 0) + count

    def take(self, now: Instant, most: int = WRITTEN, *, last: bool = False) -> list[Counted]:
        """
        Up to *most* counts of minutes that are over, or, at the *last*, of the running one too; whoever takes them
        writes them or gives them back.
        """
        self._roll(now)
        if last:
            self._turn(self._minute)
        keys = list(self._waiting)[:most]
        return [Counted(like, Instant(m * minutes(1)), self._waiting.pop((m, like))) for m, like in keys]

    def give_back(self, counted: list[Counted]) -> None:
        """They could not be written."""
        for each in counted:
            self._wait(each.minute // minutes(1), each.like, each.count)

    def __len__(self) -> int:
        """How many counters are held."""
        return len(self._counts) + len(self._waiting) + len(self._looked)


async def write_floods(house: House, visit: Visit) -> int:
    """Job: one row for each like and minute that was only counted; how many rows."""
    return await _write(house, visit, house.floods.take(visit.now))


async def write_last_floods(house: House, visit: Visit) -> int:
    """All that was counted, the running minute included, before the process ends; how many rows."""
    rows = 0
    while written := await _write(house, visit, house.floods.take(visit.now, last=True)):
        rows += written
    return rows


async def _write(house: House, visit: Visit, counted: list[Counted]) -> int:
    if not counted:
        return 0
    told = [(house.random.guid(), each) for each in counted]

    async def body(tx: Tx) -> None:
        for id, each in told:
            of, more = _apart(each.like.source)
            detail = {**each.like._asdict(), **more, "count": each.count, "minute": each.minute}
            await record(tx, visit, Entry(Kind.STARTS_REFUSED, story=of or id, detail=detail))

    try:
        await house.store.write(body)
    except BaseException:
        house.floods.give_back(counted)
        raise
    return len(counted)


def _apart(source: str) -> tuple[str, dict[str, str]]:
    """The sign-in that a source is; or the person, or the place, as the entry keeps it."""
    if source.startswith(_STORY):
        return source.removeprefix(_STORY), {"source": ""}
    if source.startswith(_PERSON):
        return "", {"source": "", "user": source.removeprefix(_PERSON)}
    return "", {"source": source}
