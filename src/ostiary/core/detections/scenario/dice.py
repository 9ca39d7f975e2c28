"""
Chance that can be repeated: the same seed gives the same numbers everywhere, always (SplitMix64, Steele et al. 2014).

For made-up journals only: whoever knows the seed knows all of it.
"""

from collections.abc import Sequence
from typing import TypeVar

from ostiary.core.words.digests import digest

__all__ = ["Dice"]

T = TypeVar("T")
_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15


class Dice:
    """One stream of numbers."""

    def __init__(self, *seed: object) -> None:
        """Begin at what *seed* names, whatever it consists of."""
        self._state = int.from_bytes(digest("\n".join(map(str, seed)))[:8], "big")

    def below(self, most: int) -> int:
        """A whole number from 0 to *most* - 1."""
        self._state = (self._state + _STEP) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return (mixed ^ (mixed >> 31)) % most

    def between(self, least: int, most: int) -> int:
        """A whole number from *least* to *most*."""
        return least + self.below(most - least + 1)

    def chance(self, permille: int) -> bool:
        """True in *permille* of a thousand cases."""
        return self.below(1000) < permille

    def pick(self, among: Sequence[T]) -> T:
        """One of *among*."""
        return among[self.below(len(among))]

    def some(self, among: Sequence[T], number: int) -> list[T]:
        """*number* different ones of *among*, or all, in any order."""
        left = list(among)
        return [left.pop(self.below(len(left))) for _ in range(min(number, len(left)))]

    def guid(self) -> str:
        """An id."""
        text = f"{self.below(1 << 62):016x}{self.below(1 << 62):016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
