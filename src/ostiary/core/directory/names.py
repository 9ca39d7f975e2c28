"""
Names of applications that deceive (R23): invisible signs, mixed alphabets, words that others own, and twins of a name
that is there.

A *skeleton* is what a name looks like: compatibility forms folded (NFKC), marks taken away, look-alikes of Cyrillic and
Greek as the Latin letter, digits as the letter they resemble, nothing but letters and digits. Two names of one skeleton
are one name to a hurried person. Our own small table, not Unicode's: it errs on the side of refusing. Pure.
"""

import re
import unicodedata

from ostiary.core.directory.presets import PRESETS
from ostiary.core.words.outcome import Reason, Refused

__all__ = ["RESERVED", "deceives", "skeleton"]

RESERVED = ("microsoft", "azure", "entra", "office365", "ostiary", "administrator", "administrators", "administration")
"""Words that only a verified application may have in its name."""

LONGEST_WORD = 6
"""A reserved word of so many letters is found inside others too (`MicrosoftTeams`); a shorter one only by itself."""

_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "GEORGIAN", "LISU", "DESERET")
"""Whose letters resemble one another: a name is written in one of them, whatever else it has."""

_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5")
"""Letters and marks that show nothing."""

_LIKE = dict(
    (
        *zip("авезіјкмнорстухѕѵԁԛԝһӏьгпиүғ", "abe3ljkmhopctyxsvdqwhlbrnuyf", strict=True),  # Cyrillic
        *zip("αβγεζηικμνορστυχωϲϳ", "abyeznlkmvopotuxwcj", strict=True),  # Greek
        *zip("ıiɩɑɡʀøłđħŧ", "lllagroldht", strict=True),  # Latin
        *zip("01|!$@5", "olllsas", strict=True),
        ("æ", "ae"),
        ("œ", "oe"),
    )
)
_PAIRS = (("rn", "m"), ("vv", "w"))
"""Two letters that read as one."""


def skeleton(name: str) -> str:
    """What *name* looks like."""
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name).casefold())
    bare = "".join(c for c in folded if not unicodedata.combining(c))
    shown = "".join(_LIKE.get(c, c) for c in bare)
    for pair, one in _PAIRS:
        shown = shown.replace(pair, one)
    return "".join(c for c in shown if c.isalnum())


def deceives(name: str, *, id: str, verified: bool) -> Refused | None:
    """
    Why *name* may not be given to the application *id*; None when it may.

    A word that others own needs *verified*, an administrator's word that it is theirs; a well-known client under its
    own name is. Refused: INVALID_VALUE.
    """
    if any(not c.isprintable() or c in _BLANKS or _selects(c) for c in name):
        return _bad("It has signs that nobody sees.")
    if re.search(r"[\u0300-\u036f]{3}", unicodedata.normalize("NFD", name)) or not skeleton(name):
        return _bad("It has no letters that can be read.")
    written = sorted({script for script in map(_script, unicodedata.normalize("NFKC", name)) if script in _ALPHABETS})
    if len(written) > 1:
        return _bad(f"It mixes alphabets ({', '.join(s.capitalize() for s in written)}), whose letters look alike.")
    word = next((word for word in RESERVED if _has(name, word)), None)
    if word is None or verified or any(p["id"] == id and p["name"] == name for p in PRESETS.values()):
        return None
    return _bad(f"It says {word.capitalize()}: only an application that is marked as verified may (ostiary.verified).")


def _bad(detail: str) -> Refused:
    return Refused(Reason.INVALID_VALUE, detail, field="displayName")


def _selects(c: str) -> bool:
    """Variation selectors: they change what stands before them, or nothing."""
    return "\ufe00" <= c <= "\ufe0f" or "\U000e0100" <= c <= "\U000e01ef"


def _script(c: str) -> str:
    return unicodedata.name(c, "").partition(" ")[0] if c.isalpha() else ""


def _has(name: str, word: str) -> bool:
    wanted = skeleton(word)
    if len(wanted) >= LONGEST_WORD and wanted in skeleton(name):
        return True
    return wanted in {skeleton(part) for part in re.split(r"[\W_]+", name)}
