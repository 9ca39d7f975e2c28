"""
A Merkle tree that only grows (RFC 9162 §2.1), held as its *frontier*: the roots of the complete subtrees that its
leaves fill from the left, the largest first. A leaf costs a handful of hashes, the root as many, and nothing of the
leaves is needed again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256

__all__ = ["EMPTY", "HASH", "Frontier", "leaf_hash", "node", "widths"]

HASH = 32  # bytes


def leaf_hash(content: bytes) -> bytes:
    """§2.1.1: SHA-256(0x00 || content)."""
    return sha256(b"\x00" + content).digest()


def node(left: bytes, right: bytes) -> bytes:
    """§2.1.1: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of *size* leaves. INVARIANT: as many peaks as *size* has bits that are set."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count() or any(len(peak) != HASH for peak in self.peaks):
            raise ValueError("this is not the frontier of a tree of that size")

    def grown(self, leaves: Iterable[bytes]) -> "Frontier":
        """The tree with *leaves* (their hashes) after those that it has."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            _push(peaks, size, leaf)
            size += 1
        return Frontier(size, tuple(peaks))

    @property
    def root(self) -> bytes:
        """§2.1.1; of no leaves SHA-256 of nothing."""
        if not self.peaks:
            return sha256(b"").digest()
        return reduce(lambda right, left: node(left, right), reversed(self.peaks))

    def joined(self, subtrees: Iterable[bytes], size: int) -> "Frontier":
        """
        The tree of *size* leaves whose first are these, and whose others stand under *subtrees*, one for each of
        `widths`: how two trees are shown to be one (a consistency proof). ValueError where they do not fit.
        """
        given, at, peaks = list(subtrees), self.size, list(self.peaks)
        for width in widths(self.size, size):
            if not given:
                raise ValueError("too few subtrees")
            _push(peaks, at, given.pop(0), width)
            at += width
        if given:
            raise ValueError("too many subtrees")
        return Frontier(size, tuple(peaks))


EMPTY = Frontier()


def _push(peaks: list[bytes], size: int, root: bytes, width: int = 1) -> None:
    """A complete subtree of *width* leaves goes after *size* of them: what is full joins what stands left of it."""
    while size & width:
        root = node(peaks.pop(), root)
        width *= 2
    peaks.append(root)


def widths(first: int, size: int) -> Iterator[int]:
    """
    The complete subtrees of a tree of *size* leaves that cover those from *first* on, from left to right: about two for
    each doubling. ValueError for a tree that shrinks.
    """
    if not 0 <= first <= size:
        raise ValueError("a tree only grows")
    while first < size:
        room = size - first
        width = 1 << (room.bit_length() - 1)
        if first:
            width = min(width, first & -first)
        yield width
        first += width
