"""
How often a user code may be guessed (R10): by a person, from an address, by everybody together.

Owns the counters and what is said while one of them holds. A try that is not looked at is not counted. Only their own
wrong codes ever lock a person; an address over its limit makes whoever types a wrong code there wait half a minute
before the next one, and holds up nobody whose codes are right.
"""

from ostiary.core.directory.credentials import Rule, source_of
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.signins.signin import SignIn
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.directory import throttle
from ostiary.services.logs.alerts import alert
from ostiary.services.logs.record import record
from ostiary.store import Tx

WRONG = Refused(Reason.BAD_CODE)
LOCKED = Refused(
    Reason.CODE_ENTRY_LOCKED,
    "Too many wrong codes. Wait 15 minutes, then start again on your device.",
    field="user_code",
)
SLOWED = Refused(
    Reason.CODE_ENTRY_LOCKED,
    "Many wrong codes come from your network. Wait half a minute, then try again.",
    field="user_code",
)

PERSON = Rule(minutes(10), 5, minutes(15))
SOURCE = Rule(minutes(10), 50, minutes(10))
PAUSE = Rule(minutes(0.5), 1, minutes(0.5))
"""What a wrong code costs at a source that is over its limit."""
EVERYBODY = Rule(minutes(1), 300, minutes(1))
"""Alerts, and nothing else."""


async def held_up(tx: Tx, visit: Visit, user: UserId) -> Refused | None:
    """Step: why no code of *user* is looked at now, or None."""
    if await throttle.locked(tx, f"code:{user}", visit.now) is not None:
        return LOCKED
    return SLOWED if await throttle.locked(tx, f"code-pause:{user}", visit.now) is not None else None


async def wrong(tx: Tx, visit: Visit, user: UserId, signin: SignIn | None) -> Refused:
    """Step: count a wrong code, write it down, and say the one sentence, whatever was wrong with it."""
    one = await throttle.strike(tx, f"code:{user}", PERSON, now=visit.now)
    source = await throttle.strike(tx, f"code-source:{source_of(visit.address)}", SOURCE, now=visit.now)
    everybody = await throttle.strike(tx, "code-all", EVERYBODY, now=visit.now)
    if source.locked_until is not None:
        await throttle.strike(tx, f"code-pause:{user}", PAUSE, now=visit.now)
    detail = {"user": user, "count": one.count, "locked": one.locked_until is not None}
    story = signin.id if signin is not None else ""
    await record(tx, visit, Entry(Kind.CODE_WRONG, target=f"user:{user}", story=story, detail=detail))
    if one.locked_until is not None:
        text = f"{visit.caller.name} typed {PERSON.limit} wrong user codes in ten minutes."
        await alert(tx, visit, about="user codes guessed", target=f"user:{user}", text=text)
    if everybody.count == EVERYBODY.limit:
        text = f"{EVERYBODY.limit} wrong user codes were typed within a minute, by all people together."
        await alert(tx, visit, about="user codes guessed by many", text=text)
    return WRONG
