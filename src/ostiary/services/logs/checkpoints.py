"""
The sealer (R15): a reader of the journal that puts new entries into the Merkle tree and signs what that comes to.

Owns the order of the tree (of each stream its numbers, one stream after the other in a run), and the chain of keys. The
transaction that moves the cursor makes the checkpoint, so a kill leaves whole ones, and two runs at once make one.
"""

from dataclasses import dataclass

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.logs.checkpoint import Checkpoint, HandOver, Key, Note, read_checkpoint, read_key, read_note
from ostiary.core.logs.entry import Entry, tame
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.merkle import EMPTY
from ostiary.core.words.errors import Stale
from ostiary.core.words.instants import Instant, days, hours, minutes
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.outside.checkpoint_keys import CheckpointKey, checkpoint_key
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert, refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, checkpoints, logs
from ostiary.store.checkpoints import LogKey, Sealed

__all__ = ["log_key", "log_keys", "newest_checkpoint", "rotate_log_key", "seal", "thin_checkpoints"]

READER = "checkpoints"
BATCH = 250  # entries of one transaction: it shares the loop with sign-ins


@dataclass(frozen=True, slots=True)
class Signing:
    """The key that signs, with its private half."""

    row: LogKey
    key: Key
    private: CheckpointKey

    def note(self, text: str) -> Note:
        """*text*, signed."""
        return Note(text).with_signature(self.key, self.private.sign(text))


async def seal(house: House, visit: Visit) -> int:
    """
    Job, and the beginning of every export: seal all entries that are there; how many. One look when there is nothing.
    """

    async def body(tx: Tx) -> int:
        return await _seal_next(house, tx, visit)

    done = 0
    while await house.store.read(_behind):
        try:
            count = await house.store.write(body)
        except Stale:  # somebody else sealed them
            continue
        if not count:
            break
        done += count
    return done


async def thin_checkpoints(house: House, visit: Visit) -> int:
    """Job: of checkpoints older than a day keep one a minute, of those older than a month one an hour."""

    async def body(tx: Tx) -> int:
        past = [(days(1), minutes(1)), (days(30), hours(1))]
        return sum([await checkpoints.thin(tx, before=Instant(visit.now - age), each=each) for age, each in past])

    return await house.store.write(body)


async def newest_checkpoint(house: House) -> Note | Refused:
    """The last checkpoint: of all that was there half a second ago. Refused: NOT_FOUND."""
    found = await house.store.read(checkpoints.newest)
    return read_note(found.note) if found is not None else Refused(Reason.NOT_FOUND, "Nothing is sealed yet.")


async def log_keys(house: House) -> list[LogKey]:
    """Every key that ever signed checkpoints here, the current one last."""
    return await house.store.read(checkpoints.log_keys_all)


async def rotate_log_key(house: House, visit: Visit, reason: str) -> LogKey | Refused:
    """Sign with a new key from now on, handed over by the old one. Refused: REASON_REQUIRED, FORBIDDEN and its kin."""
    why = judge(Action.ROTATE_KEYS, visit.caller, now=visit.now) or read_reason(reason)
    await seal(house, visit)

    async def body(tx: Tx) -> LogKey | Refused:
        if isinstance(why, Refused):
            return await refuse(tx, visit, Action.ROTATE_KEYS, why)
        return (await _next_key(house, tx, visit, await log_key(house, tx, visit), why)).row

    return await house.store.write(body)


async def log_key(house: House, tx: Tx, visit: Visit) -> Signing:
    """Step: the key that signs now; made where there is none, and handed over where the master key is another."""
    rows = await checkpoints.log_keys_all(tx)
    current = house.vault.current_id
    if not rows:
        return await _next_key(house, tx, visit, None, "first start")
    row = rows[-1]
    private = checkpoint_key(house.vault, bytes.fromhex(row.master), row.generation)
    if private is None:  # its master key is gone: nobody can sign the hand-over
        text = "The journal's checkpoints are signed by a key that nothing vouches for: the master key before is gone."
        await alert(tx, visit, about="log_key_lost", text=text)
        return await _next_key(house, tx, visit, None, "its master key is gone", after=row)
    signing = Signing(row, read_key(row.key), private)
    if row.master != current.hex():
        return await _next_key(house, tx, visit, signing, "another master key")
    return signing


async def _next_key(
    house: House, tx: Tx, visit: Visit, old: Signing | None, reason: str, *, after: LogKey | None = None
) -> Signing:
    """
    Step: make the next key; *old* hands over to it. It seals what is there before: announcements of gaps that it signed
    are within the size up to which it may sign.
    """
    while old is not None and await _seal_piece(tx, visit, old):
        pass
    before = old.row if old is not None else after
    generation = before.generation + 1 if before is not None else 1
    private = checkpoint_key(house.vault, house.vault.current_id, generation)
    assert private is not None  # the current master key is here
    name = read_key(before.key).name if before is not None else f"{house.settings.origin.partition('://')[2]}/ostiary"
    key = Key(name, private.public)
    last = await checkpoints.newest(tx)
    size = last.tree.size if last is not None else 0
    note = ""
    if old is not None:
        text = HandOver(old.key, key, size, visit.now).text
        note = str(old.note(text).with_signature(key, private.sign(text)))
    row = LogKey(generation, house.vault.current_id.hex(), str(key), size, visit.now, note)
    await checkpoints.add_log_key(tx, row)
    detail = {"key": str(key), "size": size, "reason": tame(reason)}
    await record(tx, visit, Entry(Kind.LOG_KEY_CHANGED, target="log", detail=detail))
    return Signing(row, key, private)


async def _behind(tx: Tx) -> bool:
    """Whether some stream has entries that are not sealed."""
    last = await checkpoints.newest(tx)
    sealed = _streams(last)
    return any(head > sealed.get(stream, 0) for stream, head in (await checkpoints.heads(tx)).items())


async def _seal_next(house: House, tx: Tx, visit: Visit) -> int:
    """Step: the next entries of every stream, and one checkpoint by the key that signs now."""
    return await _seal_piece(tx, visit, await log_key(house, tx, visit))


async def _seal_piece(tx: Tx, visit: Visit, signing: Signing) -> int:
    """Step: the same by the key *signing*."""
    last = await checkpoints.newest(tx)
    tree, streams = last.tree if last is not None else EMPTY, _streams(last)
    began = tree.size
    for stream, head in (await checkpoints.heads(tx)).items():
        after = streams.get(stream, 0)
        if head <= after:
            continue
        leaves, number = await checkpoints.take(tx, stream, after=after, size=tree.size, most=BATCH)
        if leaves:
            tree, streams[stream] = tree.grown(leaves), number
        if number - after != len(leaves):
            text = f"Entries of the journal's stream {stream} are missing after number {after}: they were removed."
            await alert(tx, visit, about="journal_gap", text=text)
    if tree.size == began:
        return 0
    if not await logs.move_cursor(tx, READER, seen=await logs.cursor(tx, READER), position=tree.size):
        raise Stale
    at = max(visit.now, last.at) if last is not None else visit.now
    text = Checkpoint(signing.key.name, tree.size, tree.root, at, streams).text
    await checkpoints.add(tx, Sealed(tree, at, str(signing.note(text))))
    return tree.size - began


def _streams(sealed: Sealed | None) -> dict[str, int]:
    """The highest number of each stream that is sealed."""
    return {} if sealed is None else dict(read_checkpoint(read_note(sealed.note)).streams)
