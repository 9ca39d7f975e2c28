"""
Erasure of a person's data: what tables hold at once, what the journal holds by a job, in pieces that are announced.

Entries that name the person go, with the sign-ins that they tell of; their hashes stay, and an
entry says where, why and at whose word, with the id and without a name (R15). Who is erased is gone before: the account
is disabled, so nothing of theirs is live.
"""

from hmac import compare_digest

import orjson

from ostiary.core.directory.people import User
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.exemptions.could_pass import VERSION as OPENINGS
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.erasure import asked_for, is_about, names_in, pattern
from ostiary.core.logs.gaps import ANNOUNCEMENTS
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.retention import as_sealed
from ostiary.core.logs.story import belongs
from ostiary.core.words.errors import Stale
from ostiary.core.words.ids import UserId, is_guid
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.directory.people import is_name
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert, refuse
from ostiary.services.logs.prune import announce_gone
from ostiary.services.logs.record import record
from ostiary.store import Tx, directory, erasures, gone, logs
from ostiary.store.access import raise_version
from ostiary.store.erasures import Erasure
from ostiary.store.gone import Sealed

__all__ = ["STAMP", "erase", "erase_user", "stamp_anew", "stamp_of"]

STAMP = "erasures"
"""What the key of their stamps is for."""
_STAYS = ANNOUNCEMENTS | {Kind.USER_ERASED}
BATCH = 250  # entries, or sign-ins, of one transaction: it shares the loop with sign-ins


async def erase_user(house: House, visit: Visit, id: str, reason: str) -> UserId | Refused:
    """
    Begin to erase what is known of the person *id*: tables now, the journal within the job's next runs. An erasure that
    goes on, or was turned down, begins anew, also when the account is gone.

    Refused: FORBIDDEN and its kin, REASON_REQUIRED (none, or one that names the person: it stays), NOT_FOUND, CONFLICT
    (oneself, an account that is enabled, a break-glass review that is owed, a name that is or was another account's).
    """

    async def body(tx: Tx) -> UserId | Refused:
        user = UserId(id)
        old, begun = await directory.find(tx, user), await _begun(tx, user)
        why = judge(Action.WRITE_USERS, visit.caller, now=visit.now) or read_reason(reason)
        if isinstance(why, Refused) or (old is None and begun is None):
            said = why if isinstance(why, Refused) else Refused(Reason.NOT_FOUND, "There is no such user.")
            return await refuse(tx, visit, Action.WRITE_USERS, said, target=f"user:{id[:64]}")
        names = await _names(tx, user, old, begun)
        refused = await _may_be_erased(tx, visit, user, old, why, names)
        if refused:
            return await refuse(tx, visit, Action.WRITE_USERS, refused, target=f"user:{user}")
        await _begin(house, tx, visit, user, tame(why), names)
        return user

    return await house.store.write(body)


async def erase(house: House, visit: Visit) -> int:
    """Job: look through the journal for whoever is to be erased; how many entries went."""
    done = 0
    while await house.store.read(erasures.next_open) is not None:
        try:
            moved, count = await house.store.write(lambda tx: _next(house, tx, visit))
        except Stale:  # somebody else did this piece
            continue
        done += count
        if not moved:  # some reader has not come so far yet
            break
    return done


async def _begun(tx: Tx, user: UserId) -> Erasure | None:
    """Step: the erasure of *user* that goes on, or was turned down, if the journal says that somebody began one."""
    found = await erasures.find(tx, user)
    if found is None or not found.unfinished or not await erasures.was_begun(tx, user):
        return None
    return found


async def stamp_anew(house: House) -> None:
    """Stamp what goes on under the current master key (R17), where it was asked for under another one that is here."""
    key = house.vault.lasting(STAMP)[house.vault.current_id]

    async def body(tx: Tx) -> None:
        for one in await erasures.all_open(tx):
            if one.stamp != stamp_of(key, one) and _was_asked_for(house, one):
                await erasures.stamp_anew(tx, one, stamp_of(key, one))

    await house.store.write(body)


def stamp_of(key: bytes, one: Erasure) -> str:
    """The stamp of an erasure that was asked for under *key*."""
    return asked_for(key, one.user, one.by, one.reason, one.asked, one.names)


async def _may_be_erased(
    tx: Tx, visit: Visit, user: UserId, old: User | None, reason: str, names: frozenset[str]
) -> Refused | None:
    if visit.caller.user == user:
        return Refused(Reason.CONFLICT, "Another administrator must do this.")
    if old is not None and old.enabled:
        return Refused(Reason.CONFLICT, "Disable the account first: that ends everything of theirs.")
    if await erasures.owes_review(tx, user):
        return Refused(Reason.CONFLICT, "A review of their break-glass exemption is owed. It comes first.")
    if await erasures.is_anothers(tx, user, names):
        return Refused(Reason.CONFLICT, "Another account has, or had, one of this account's names or mail addresses.")
    if pattern(user, {*names, "" if old is None else old.display_name}).search(reason):
        text = "The reason stays for good: it must not name the person."
        return Refused(Reason.REASON_REQUIRED, text, field="reason")
    return None


async def _names(tx: Tx, user: UserId, old: User | None, begun: Erasure | None) -> frozenset[str]:
    """
    Step: what the person is and was called, as far as the account, entries about it and what was *begun* say. Nothing
    vouches for words of a row that was turned down, so of those only what an account could have had counts.
    """
    told = [names_in(orjson.loads(body).get("detail") or {}) for body in await erasures.bodies_about(tx, user)]
    now = {old.principal_name, old.mail or ""} - {""} if old is not None else set()
    before = [name for name in begun.names if is_name(name)] if begun is not None else []
    return frozenset(now).union(before, *told)


async def _begin(house: House, tx: Tx, visit: Visit, user: UserId, reason: str, names: frozenset[str]) -> None:
    """Step: rows go, the account goes, and the journal is looked through up to here."""
    await erasures.erase_rows(tx, user, names)
    await erasures.forget_account(tx, user)
    by, until = visit.caller.actor, await logs.head(tx)
    key = house.vault.lasting(STAMP)[house.vault.current_id]
    new = Erasure(user, by, reason, visit.now, tuple(sorted(names)), 0, until, 0, None)
    await erasures.put(tx, new._replace(stamp=stamp_of(key, new)))
    await raise_version(tx, OPENINGS)
    await record(tx, visit, Entry(Kind.USER_ERASED, target=f"user:{user}", detail={"reason": reason}))
    text = "An administrator has begun to erase a person: entries of the journal that name them go."
    await alert(tx, visit, about="erasure", target="log", text=text)  # without the id: it would go with the entries


async def _next(house: House, tx: Tx, visit: Visit) -> tuple[bool, int]:
    """Step: the next entries of the oldest erasure; whether that got on, and how many went."""
    found = await erasures.next_open(tx)
    if found is None:
        return False, 0
    if not _was_asked_for(house, found):
        return await _turn_down(tx, visit, found)
    own = await erasures.stories_of(tx, found.user, BATCH)
    for id in own:
        await gone.remove_story(tx, id)
    upto = min(found.until, await gone.read_up_to(tx))
    entries = await gone.sealed(tx, after=found.position, upto=upto, most=BATCH)
    named = [one for one in entries if one.kind not in _STAYS and is_about(one.body, found.user, found.names)]
    going = [one for one in named if as_sealed(one.body, one.leaf)]
    if going:
        detail = {"reason": found.reason, "by": found.by, "user": found.user}
        await announce_gone(house, tx, visit, Kind.LOG_ERASED, going, **detail)
        for story in sorted({one.story for one in going if belongs(one.kind)}):
            await gone.remove_story(tx, story)
    position = await _looked(tx, found, entries, upto)
    new = found._replace(position=position, gone=found.gone + len(going))
    if position >= found.until and not own:
        # Every reader has come so far: what they made of older entries goes now, and in a second pass, which is the
        # last, what was written meanwhile.
        await erasures.erase_rows(tx, found.user, found.names)
        if found.again:
            new = new._replace(done=visit.now, names=(), again=False)
        else:
            new = new._replace(until=await logs.head(tx), again=True)
    if new == found:
        return bool(own), 0
    if not await erasures.move(tx, found, new):
        raise Stale
    return True, len(going)


def _was_asked_for(house: House, one: Erasure) -> bool:
    """Whether a deed asked for it, so and not otherwise: every other row was written by somebody else."""
    return any(compare_digest(stamp_of(key, one), one.stamp) for key in house.vault.lasting(STAMP).values())


async def _turn_down(tx: Tx, visit: Visit, found: Erasure) -> tuple[bool, int]:
    """
    Step: nothing goes, and administrators are told; the row is over, so that it keeps no other from going on. Its words
    stay for whoever asks again: the account that had them may be gone.
    """
    if not await erasures.move(tx, found, found._replace(until=0, done=visit.now, again=False)):
        raise Stale
    if not found.stamp and is_guid(found.user) and await erasures.was_begun(tx, found.user):
        about, text = "erasure_unstamped", (
            f"The erasure of {found.user} stopped: it was begun before an update of the service, which has no proof of "
            "it. Ask for it again by this id; if nobody asked for one, somebody wrote it into the database."
        )  # fmt: skip
    else:
        about, text = "erasure_forged", (
            "Somebody who can write the database asked for an erasure, or changed one; or the master key is gone under "
            "which it was asked for. Nothing more is erased by it, unless an administrator asks for it again by the id."
        )  # fmt: skip
    await alert(tx, visit, about=about, target="log", text=text)
    return True, 0


async def _looked(tx: Tx, found: Erasure, entries: list[Sealed], upto: int) -> int:
    """Step: how far the journal is looked through: all that is read, but for what the sealer has not sealed yet."""
    if len(entries) == BATCH:
        return entries[-1].position
    first = await gone.unsealed(tx, after=found.position, upto=upto)
    return max(found.position, upto if first is None else first - 1)
