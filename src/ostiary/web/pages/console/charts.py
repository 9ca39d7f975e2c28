"""
Charts, drawn by the server: SVG without script and without any style of its own, and the same figures as a table.

A chart is stacked bars over time. Colours are classes of the stylesheet; who does not see them reads the description,
or the table under it.
"""

from dataclasses import dataclass

__all__ = ["Bar", "Chart", "Piece"]

WIDTH, HEIGHT, GAP = 720, 140, 2
"""In the units of the drawing, which is scaled to its place."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a bar as it is drawn."""

    x: float
    y: float
    width: float
    height: float
    tone: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it stands for, and how many of each sort."""

    label: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many in all."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars."""

    id: str
    title: str
    says: str
    """What is to be seen, in a sentence, for those who do not."""
    over: str
    """What the bars stand for: the heading of the table's first column."""
    sorts: tuple[tuple[str, str], ...]
    """What is counted: the name and the tone (a class) of each sort, from the bottom up."""
    bars: tuple[Bar, ...]

    @property
    def highest(self) -> int:
        """The highest bar; at least 1."""
        return max([bar.total for bar in self.bars], default=0) or 1

    @property
    def size(self) -> str:
        """The drawing's `viewBox`."""
        return f"0 0 {WIDTH} {HEIGHT}"

    @property
    def pieces(self) -> list[Piece]:
        """Everything that is drawn. A sort that is there at all is never too small to be seen."""
        found, step = [], WIDTH / max(1, len(self.bars))
        for place, bar in enumerate(self.bars):
            top = float(HEIGHT)
            for (_, tone), count in zip(self.sorts, bar.counts, strict=True):
                if count:
                    height = max(2.0, (HEIGHT - 2 * len(self.sorts)) * count / self.highest)
                    top -= height
                    found.append(
                        Piece(
                            round(place * step + GAP / 2, 1),
                            round(top, 1),
                            round(step - GAP, 1),
                            round(height, 1),
                            tone,
                        )
                    )
        return found
