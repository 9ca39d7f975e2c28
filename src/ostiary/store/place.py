"""
Where a list goes on whose rows come the latest first, by a moment and, of one moment, by id.
"""

from typing import NamedTuple

__all__ = ["TOP", "Place"]


class Place(NamedTuple):
    """After this row; which moment of it is the list's to say."""

    moment: int
    id: str


TOP = Place(2**63 - 1, "~")
"""Before every row."""
