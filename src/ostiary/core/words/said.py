"""
Sentences with values in them, which can still be said in another language.

A `Said` is the finished English sentence, and a `str` to everybody who wants no more: wire answers, journal and command
line take it as it is. A page looks its `template` up in the catalogue of texts instead, and fills in the same values.
"""

from collections.abc import Mapping

__all__ = ["Said", "counted", "said"]


class Said(str):
    """An English sentence that remembers what it was made of."""

    template: str
    """The sentence before its values, as the catalogue has it: ``At most %(most)s networks.``"""
    many: str
    """Its form for any count but one; empty where nothing is counted."""
    number: int
    """What is counted."""
    values: Mapping[str, object]
    """What is filled in: numbers, names, other `Said`."""

    @classmethod
    def made(cls, template: str, values: Mapping[str, object], *, many: str = "", count: int = 1) -> "Said":
        """The sentence *template* (or *many*, for any *count* but one) with *values*."""
        found = cls((many if many and count != 1 else template) % values)
        found.template, found.many, found.number, found.values = template, many, count, dict(values)
        return found


def said(template: str, **values: object) -> Said:
    """*template* (``%(name)s``) with *values*."""
    return Said.made(template, values)


def counted(one: str, many: str, count: int, **values: object) -> Said:
    """*one* for a *count* of one, else *many*, with ``%(count)s`` and *values*."""
    return Said.made(one, {"count": count, **values}, many=many, count=count)
