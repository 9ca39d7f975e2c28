"""
The lines of an export of the journal: JSON, one object a line, each in the one form that RFC 8785 gives it.

    {"end":912,"format":"ostiary-audit-1","handOvers":[…],"kept":…,"newest":"…","origin":"…","start":{…}}
    {"entry":{…},"index":880,"leaf":"9f86d0…"}       one entry, its place in the tree, and its leaf hash
    {"index":881,"leaf":"60303a…","number":881,"stream":"main"}       an entry that is not in the journal any more
    {"checkpoint":"login.example.com/ostiary\\n…"}     after the last entry that it covers

Both towers use it: the server's side needs no writer of its own, since the program that asks writes the file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.core.logs.checkpoint import Malformed, Note, read_note
from ostiary.core.logs.merkle import HASH, Frontier

__all__ = [
    "FORMAT",
    "Header",
    "Leaf",
    "canonical_text",
    "header_document",
    "line_document",
    "read_header",
    "read_line",
    "write_line",
]

FORMAT = "ostiary-audit-1"


@dataclass(frozen=True, slots=True)
class Header:
    """What an export begins with."""

    origin: str
    start: Frontier
    """The tree before its first entry."""
    checkpoint: Note | None
    """Of `start`; None where that is empty."""
    end: int
    """The size of the tree after its last entry."""
    newest: Note | None
    """The newest checkpoint when it was made, which tells whether a kept one is of a longer log."""
    hand_overs: tuple[Note, ...] = ()
    kept: Frontier | None = None
    """The tree at the size of a checkpoint that somebody kept, where that lies before `start`."""
    subtrees: tuple[bytes, ...] = ()
    """What stands between `kept` and `start` (a consistency proof)."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One place of the tree."""

    index: int
    leaf: bytes
    stream: str
    number: int
    entry: Mapping[str, Any] | None
    """None: it is not in the journal any more."""


def canonical_text(value: object) -> str:
    """RFC 8785, for what the journal holds: texts, whole numbers, true, false, null, lists, objects with ASCII keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def line_document(leaf: Leaf) -> dict[str, Any]:
    """A place of the tree as a line's object."""
    line: dict[str, Any] = {"index": leaf.index, "leaf": leaf.leaf.hex()}
    more = {"stream": leaf.stream, "number": leaf.number} if leaf.entry is None else {"entry": leaf.entry}
    return line | more


def write_line(leaf: Leaf) -> str:
    """It as a line, without its end."""
    return canonical_text(line_document(leaf))


def read_line(line: str) -> Leaf | Note:
    """A line after the first: a place of the tree, or a checkpoint. Raises Malformed."""
    found = _object(line)
    if set(found) == {"checkpoint"}:
        return _as_signed(_text(found["checkpoint"]))
    entry = found.get("entry")
    place = entry if isinstance(entry, dict) else found
    if set(found) not in ({"entry", "index", "leaf"}, {"index", "leaf", "number", "stream"}) or place is None:
        raise Malformed("not a line of an export")
    return Leaf(
        _whole(found["index"]), _hash(found["leaf"]), _text(place.get("stream")), _whole(place.get("number")),
        entry if isinstance(entry, dict) else None,
    )  # fmt: skip


def header_document(header: Header) -> dict[str, Any]:
    """*header* as the first line's object."""
    kept = None
    if header.kept is not None:
        kept = {**_tree(header.kept), "subtrees": [part.hex() for part in header.subtrees]}
    return {
        "format": FORMAT,
        "origin": header.origin,
        "start": {**_tree(header.start), "checkpoint": _shown(header.checkpoint)},
        "end": header.end,
        "newest": _shown(header.newest),
        "handOvers": [str(note) for note in header.hand_overs],
        "kept": kept,
    }


def read_header(line: str) -> Header:
    """The first line. Raises Malformed."""
    found = _object(line)
    if found.get("format") != FORMAT:
        raise Malformed(f"not an export of this form ({FORMAT})")
    start, kept = found.get("start"), found.get("kept")
    if not isinstance(start, dict) or not isinstance(kept, dict | None):
        raise Malformed("a header without its trees")
    try:
        header = Header(
            origin=_text(found.get("origin")),
            start=_frontier(start),
            checkpoint=_note(start.get("checkpoint")),
            end=_whole(found.get("end")),
            newest=_note(found.get("newest")),
            hand_overs=tuple(_as_signed(_text(note)) for note in _list(found.get("handOvers"))),
            kept=None if kept is None else _frontier(kept),
            subtrees=() if kept is None else tuple(_hash(part) for part in _list(kept.get("subtrees"))),
        )
    except Malformed:
        raise
    except ValueError as wrong:
        raise Malformed(str(wrong)) from None
    if header_document(header) != found:
        raise Malformed("a header with more, or with less, than headers have")
    return header


def _tree(tree: Frontier) -> dict[str, Any]:
    return {"size": tree.size, "peaks": [peak.hex() for peak in tree.peaks]}


def _frontier(value: Mapping[str, Any]) -> Frontier:
    return Frontier(_whole(value.get("size")), tuple(_hash(peak) for peak in _list(value.get("peaks"))))


def _object(line: str) -> dict[str, Any]:
    """
    The object of *line*, which must be written in the one way there is: what is read is what somebody sees. Half of a
    surrogate pair is no text, so nothing with it was ever sealed; bytes that are no UTF-8 may be read as such.
    """
    try:
        line.encode()
    except UnicodeEncodeError:
        raise Malformed("not UTF-8") from None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(found, dict) or canonical_text(found) != line:
        raise Malformed("not written as exports are")
    return found


def _shown(note: Note | None) -> str | None:
    return None if note is None else str(note)


def _note(value: object) -> Note | None:
    return None if value is None else _as_signed(_text(value))


def _as_signed(text: str) -> Note:
    """A note, written in the one way there is."""
    note = read_note(text)
    if str(note) != text:
        raise Malformed("a note that is not written as notes are")
    return note


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Malformed("a text was expected")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed("a list was expected")
    return value


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise Malformed("a number was expected")
    return value


def _hash(value: object) -> bytes:
    text = _text(value)
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != HASH or raw.hex() != text:
        raise Malformed(f"a hash of {HASH} bytes in hexadecimal was expected")
    return raw
