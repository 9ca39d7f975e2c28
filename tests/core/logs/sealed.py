"""A small log with everything that belongs to it, made by hand: entries, keys, checkpoints, exports."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostiary.core.logs.checkpoint import Checkpoint, HandOver, Key, Note
from ostiary.core.logs.export_lines import Header, Leaf, canonical_text, header_document, write_line
from ostiary.core.logs.merkle import EMPTY, Frontier, leaf_hash, widths
from ostiary.core.words.instants import Instant

ORIGIN = "login.example.com/ostiary"
MADE = 1_700_000_000_000_000


@dataclass(frozen=True)
class Signer:
    """A key with its private half."""

    private: Ed25519PrivateKey
    key: Key

    @classmethod
    def of(cls, seed: int, name: str = ORIGIN) -> "Signer":
        """The same key each time."""
        private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        return cls(private, Key(name, private.public_key().public_bytes_raw()))

    def note(self, text: str, *others: "Signer") -> Note:
        """*text*, signed."""
        note = Note(text)
        for one in (self, *others):
            note = note.with_signature(one.key, one.private.sign(text.encode()))
        return note


def entry(number: int, stream: str = "main", **more: object) -> dict[str, object]:
    """An entry as the journal has them."""
    return {"action": "admin:user:created", "at": MADE + number, "detail": {"user_name": "Jörg\n", **more},
            "number": number, "stream": stream, "salt": f"{number:032x}"}  # fmt: skip


def leaf_of(index: int, content: dict[str, object]) -> Leaf:
    """It at its place."""
    stream, number = content["stream"], content["number"]
    assert isinstance(stream, str)
    assert isinstance(number, int)
    return Leaf(index, leaf_hash(canonical_text(content).encode()), stream, number, content)


def between(first: int, leaves: Sequence[bytes], size: int) -> tuple[bytes, ...]:
    """The subtrees over *leaves*, which stand from place *first* on in a tree of *size*."""
    rest = iter(leaves)
    return tuple(EMPTY.grown(islice(rest, width)).root for width in widths(first, size))


@dataclass
class Log:
    """Entries, sealed at some sizes."""

    entries: list[dict[str, object]]
    seals: Sequence[int]
    signer: Signer = field(default_factory=lambda: Signer.of(1))
    signers: dict[int, Signer] = field(default_factory=dict)
    """Who signed a checkpoint, where it was another."""
    hand_overs: tuple[Note, ...] = ()

    @property
    def leaves(self) -> list[Leaf]:
        """All of them."""
        return [leaf_of(index, content) for index, content in enumerate(self.entries)]

    def tree(self, size: int) -> Frontier:
        """The tree of so many."""
        return EMPTY.grown(leaf.leaf for leaf in self.leaves[:size])

    def checkpoint(self, size: int) -> Note:
        """Signed at *size*."""
        streams: dict[str, int] = {}
        for leaf in self.leaves[:size]:
            streams[leaf.stream] = leaf.number
        text = Checkpoint(ORIGIN, size, self.tree(size).root, Instant(MADE + size * 1000), streams).text
        return self.signers.get(size, self.signer).note(text)

    def export(self, start: int, end: int, *, kept: int | None = None) -> list[str]:
        """The lines from one seal to another."""
        hashes = [leaf.leaf for leaf in self.leaves]
        older = kept is not None and kept < start
        header = Header(
            ORIGIN, self.tree(start), self.checkpoint(start) if start else None, end, self.checkpoint(self.seals[-1]),
            self.hand_overs, self.tree(kept) if older and kept is not None else None,
            between(kept, hashes[kept:start], start) if older and kept is not None else (),
        )  # fmt: skip
        lines = [canonical_text(header_document(header))]
        for leaf in self.leaves[start:end]:
            lines.append(write_line(leaf))
            if leaf.index + 1 in self.seals:
                lines.append(canonical_text({"checkpoint": str(self.checkpoint(leaf.index + 1))}))
        return lines


def log(count: int = 12, seals: Sequence[int] = (3, 4, 9, 12)) -> Log:
    """One of two nodes' streams."""
    numbers = {"main": 0, "other": 0}
    entries = []
    for n in range(count):
        stream = "other" if n % 5 == 3 else "main"
        numbers[stream] += 1
        entries.append(entry(numbers[stream], stream))
    return Log(entries, seals)


def hand_over(old: Signer, new: Signer, size: int) -> Note:
    """Signed by both."""
    return old.note(HandOver(old.key, new.key, size, Instant(MADE + size * 1000)).text, new)
