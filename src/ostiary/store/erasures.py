"""
Erasures as rows: whose data is being removed, why, and how far the journal was looked through.
"""

from collections.abc import Iterable
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, func, insert, null, or_, select, update

from ostiary.core.logs.erasure import names_in, pattern, without
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant
from ostiary.store import Tx, directory
from ostiary.store.erasure_tables import ERASED, ESCAPE, PERSONAL, Named
from ostiary.store.schema import erasures, exemption_requests, journal, kill_switch, stories, users
from ostiary.store.schema_exemptions import OWES_REVIEW
from ostiary.store.schema_logs import ABOUT_PEOPLE, AUDITED
from ostiary.store.sql import sql


class Erasure(NamedTuple):
    """One that was asked for."""

    user: UserId
    by: str
    """Actor."""
    reason: str
    asked: Instant
    names: tuple[str, ...]
    """What the person was called, besides the id; empty once it is done."""
    position: int
    until: int
    gone: int
    done: Instant | None
    stamp: str = ""
    """What says that a deed asked for it."""
    again: bool = False
    """Whether it looks through the journal for the second time: at what was written since it was asked for."""

    @property
    def unfinished(self) -> bool:
        """Whether it goes on, or was turned down: then it is over, and has looked for nothing (`until` is 0)."""
        return self.done is None or not self.until


_ACCOUNTS = (Kind.USER_CREATED, Kind.USER_CHANGED, Kind.USER_DELETED)
_ALL = ("user", "by", "reason", "asked", "words", "position", "until", "gone", "done", "stamp")
_ADD = sql(insert(erasures).values({name: bindparam(name) for name in _ALL}))
_FIND = sql(select(*(erasures.c[name] for name in _ALL)).where(erasures.c.user == bindparam("user")))
_OPEN = sql(
    select(*(erasures.c[name] for name in _ALL)).where(erasures.c.done.is_(None)).order_by(erasures.c.asked).limit(1)
)
ALL_OPEN = sql(select(*(erasures.c[name] for name in _ALL)).where(erasures.c.done.is_(None)))
_STAMP = sql(
    update(erasures)
    .where(erasures.c.user == bindparam("user_"), erasures.c.stamp == bindparam("seen"), erasures.c.done.is_(None))
    .values(stamp=bindparam("stamp_"))
)
_SINCE = sql(
    select(erasures.c.user).where(or_(erasures.c.done.is_(None), erasures.c.until > bindparam("position"))).limit(1)
)
_MOVE = sql(
    update(erasures)
    .where(erasures.c.user == bindparam("user_"), erasures.c.position == bindparam("seen"))
    .values({name: bindparam(f"{name}_") for name in ("position", "until", "gone", "done", "words")})
)
_AGAIN = sql(
    update(erasures)
    .where(erasures.c.user == bindparam("user_"))
    .values({name: bindparam(f"{name}_") for name in _ALL[1:]})
)
_CALLED = sql(
    select(journal.c.body).where(
        ABOUT_PEOPLE, journal.c.target == bindparam("target"),
        journal.c.kind.in_([str(kind) for kind in _ACCOUNTS]),
    )
)  # fmt: skip
_BEGUN = sql(
    select(journal.c.position)
    .where(ABOUT_PEOPLE, journal.c.target == bindparam("target"), journal.c.kind == Kind.USER_ERASED.value)
    .limit(1)
)
_ANOTHERS = sql(
    select(users.c.principal_name, users.c.mail).where(
        users.c.id != bindparam("user"),
        or_(
            func.lower(users.c.principal_name).like(bindparam("like"), escape=ESCAPE),
            func.lower(users.c.mail).like(bindparam("like"), escape=ESCAPE),
        ),
    )
)  # fmt: skip
_CALLED_OTHERS = sql(
    select(journal.c.body)
    .where(
        AUDITED, journal.c.kind.in_([str(kind) for kind in _ACCOUNTS]), journal.c.target != bindparam("target"),
        func.lower(journal.c.body).like(bindparam("like"), escape=ESCAPE),
    )
)  # fmt: skip
_OWES = sql(select(exemption_requests.c.id).where(exemption_requests.c.user == bindparam("user"), OWES_REVIEW).limit(1))
_NAMELESS = sql(
    update(users)
    .where(users.c.id == bindparam("user_"))
    .values(principal_name=bindparam("name"), display_name=ERASED, mail=null(), roles="[]", enabled=0)
)
_WORDS = sql(select(kill_switch.c.name, kill_switch.c.words))
_REWORD = sql(
    update(kill_switch)
    .where(kill_switch.c.name == bindparam("name_"), kill_switch.c.words == bindparam("seen"))
    .values(words=bindparam("words"))
)
_STORIES = sql(select(stories.c.id).where(stories.c.user == bindparam("user")).limit(bindparam("most")))


async def find(tx: Tx, user: UserId) -> Erasure | None:
    """The erasure of *user*, if one was ever asked for."""
    row = await tx.one(_FIND, user=user)
    return None if row is None else from_row(row)


async def next_open(tx: Tx) -> Erasure | None:
    """The oldest one that is not done."""
    row = await tx.one(_OPEN)
    return None if row is None else from_row(row)


async def all_open(tx: Tx) -> list[Erasure]:
    """Each that is not done."""
    return [from_row(row) for row in await tx.all(ALL_OPEN)]


async def stamp_anew(tx: Tx, one: Erasure, stamp: str) -> None:
    """Put *stamp* in the place of the one that it has, while it is not done."""
    await tx.run(_STAMP, user_=one.user, seen=one.stamp, stamp_=stamp)


async def was_begun(tx: Tx, user: UserId) -> bool:
    """Whether the journal says that an erasure of *user* was begun."""
    return await tx.one(_BEGUN, target=f"user:{user}") is not None


async def since(tx: Tx, position: int) -> bool:
    """Whether one goes on, or looked beyond *position*: what was read before then may have its names."""
    return await tx.one(_SINCE, position=position) is not None


async def put(tx: Tx, one: Erasure) -> None:
    """Begin it, or begin it anew."""
    values = {name: value for name, value in one._asdict().items() if name not in ("names", "again")}
    values["words"] = _words(one)
    if await find(tx, one.user) is None:
        await tx.run(_ADD, **values)
        return
    user = values.pop("user")
    await tx.run(_AGAIN, user_=user, **{f"{name}_": value for name, value in values.items()})


async def move(tx: Tx, old: Erasure, new: Erasure) -> bool:
    """Compare-and-swap of how far it is."""
    changed = await tx.run(
        _MOVE, user_=old.user, seen=old.position, position_=new.position, until_=new.until, gone_=new.gone,
        done_=new.done, words_=_words(new),
    )  # fmt: skip
    return changed == 1


async def owes_review(tx: Tx, user: UserId) -> bool:
    """Whether a break-glass exemption of *user* waits to be written about."""
    return await tx.one(_OWES, user=user) is not None


async def bodies_about(tx: Tx, user: UserId) -> list[str]:
    """The entries about the account itself, which say what its person was called."""
    return [body for (body,) in await tx.all(_CALLED, target=f"user:{user}")]


async def is_anothers(tx: Tx, user: UserId, names: Iterable[str]) -> bool:
    """Whether one of *names* is the principal name or mail address of another account, or was, as entries say."""
    for name in sorted(names):
        like = within(name)
        rows = await tx.all(_ANOTHERS, user=user, like=like)
        told = await tx.all(_CALLED_OTHERS, target=f"user:{user}", like=like)
        was = [names_in(orjson.loads(body).get("detail") or {}) for (body,) in told]
        if name.casefold() in {one.casefold() for called in (*rows, *was) for one in called if one}:
            return True
    return False


def within(word: str) -> str:
    """
    The pattern of LIKE (with `ESCAPE`) for lower-case texts in which *word* may stand: its wildcards are none, and what
    JSON or another case may spell otherwise is anything. It finds candidates, which `pattern` judges.
    """
    known = "".join(f"{ESCAPE}{one}" if one in "%_" else one.lower() if _plain(one) else "%" for one in word)
    return f"%{known}%"


def _plain(character: str) -> bool:
    return character.isascii() and character.isprintable() and character not in ('"', ESCAPE)


async def erase_rows(tx: Tx, user: UserId, names: Iterable[str]) -> None:
    """Everything personal outside the journal and its stories: what has the id, or one of *names* as a whole."""
    called = frozenset(names) - {""}
    given = {"user_": user, "like": f"%{user}%"}
    for treatment in PERSONAL.values():
        for statement in treatment.statements:
            await tx.run(statement, **{key: value for key, value in given.items() if key in statement.names})
        if treatment.named is not None:
            await _erase_named(tx, treatment.named, user, called)
    for switch, words in await tx.all(_WORDS):
        new = without(words, called, ERASED)
        if new != words:
            await tx.run(_REWORD, name_=switch, seen=words, words=new)


async def _erase_named(tx: Tx, rows: Named, user: UserId, names: frozenset[str]) -> None:
    whole = pattern(user, names)
    for name in sorted(names):
        for key, *texts in await tx.all(rows.look, named=within(name)):
            if any(whole.search(text) for text in texts):
                for statement in rows.remove:
                    await tx.run(statement, key_=key)


async def forget_account(tx: Tx, user: UserId) -> None:
    """The account goes; where exemptions are on record its row stays, as nobody's."""
    if await directory.on_record(tx, user):
        await tx.run(_NAMELESS, user_=user, name=f"erased-{user}@erased.invalid")
    else:
        await directory.remove(tx, user)


async def stories_of(tx: Tx, user: UserId, most: int) -> list[str]:
    """Sign-ins of *user*, at most so many."""
    return [id for (id,) in await tx.all(_STORIES, user=user, most=most)]


def from_row(row: tuple[object, ...]) -> Erasure:
    """One as `ALL_OPEN` gives it."""
    user, by, reason, asked, words, position, until, count, done, stamp = row
    names = orjson.loads(str(words))
    again = isinstance(names, dict)
    called = tuple(names["again"] if again else names)
    return Erasure(
        UserId(str(user)), str(by), str(reason), Instant(asked), called, int(position),  # type: ignore[call-overload,arg-type]
        int(until), int(count), None if done is None else Instant(done), str(stamp), again,  # type: ignore[call-overload,arg-type]
    )  # fmt: skip


def _words(one: Erasure) -> str:
    """Its names as their column has them: a list, and in an object's `again` in the second pass."""
    names = sorted(one.names)
    return orjson.dumps({"again": names} if one.again else names).decode()
