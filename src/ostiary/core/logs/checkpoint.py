"""
Signed checkpoints of the journal's Merkle tree (R15): small texts that somebody can keep elsewhere, even on paper.

A checkpoint is a *tlog-checkpoint* in a *signed note* (https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note),
so that tools for transparency logs read it too:

    login.example.com/ostiary
    48113
    4Nd2b0…=                         the root, base64
    time 2026-11-28T14:03:12.000Z    ours: when it was made,
    stream main 48113                and the highest number of each stream

    — login.example.com/ostiary+3c7b2c45… (key id and Ed25519 signature, base64)

A key is replaced by a *hand-over*: a note of the same form that names both keys and is signed by both, so that whoever
trusts one of them can go on to the other.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ostiary.core.logs.merkle import HASH
from ostiary.core.words.instants import Instant, from_iso, to_iso

__all__ = ["Checkpoint", "HandOver", "Key", "Malformed", "Note", "read_checkpoint", "read_hand_over", "read_key",
           "read_note", "read_notes"]  # fmt: skip

LONGEST = 64 * 1024  # bytes of a note
_ED25519 = b"\x01"  # signed-note's number of the algorithm
_ID, _PUBLIC, _SIGNATURE = 4, 32, 64  # bytes
_MARK = "\N{EM DASH} "
_ENCODED = r"[A-Za-z0-9+/]"
_ROOT = re.compile(rf"{_ENCODED}{{43}}=")
_TIME, _STREAM = re.compile(r"time \d{4}-\d\d-\d\dT\S+"), re.compile(r"stream \S+ \d+")
_SIGNED = re.compile(rf"{_MARK}\S+ {_ENCODED}{{80,}}={{0,2}}")
_ENDS, _QUOTED = re.compile(r"\r\n|\r|\n"), re.compile(r"^[>\s]+")


class Malformed(ValueError):
    """Not a note, a checkpoint or a key; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Key:
    """An Ed25519 key that checks notes. As text it is signed-note's *vkey*: ``name+id+base64``."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """4 bytes, by which a signature says whose it is."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_ID]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and who signed it."""

    text: str
    """Ends with a line feed: what is signed."""
    signatures: tuple[tuple[str, bytes, bytes], ...] = ()
    """Name, key id, signature."""

    def __str__(self) -> str:
        lines = (
            f"{_MARK}{name} {base64.b64encode(id + signature).decode()}\n" for name, id, signature in self.signatures
        )
        return f"{self.text}\n{''.join(lines)}"

    def with_signature(self, key: Key, signature: bytes) -> "Note":
        """The note with one more signature, of *key*."""
        return Note(self.text, (*self.signatures, (key.name, key.id, signature)))

    def signed_by(self, key: Key) -> bool:
        """Whether *key* signed it."""
        return any(
            (name, id) == (key.name, key.id) and _holds(key, signature, self.text)
            for name, id, signature in self.signatures
        )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How the tree stood at one moment."""

    origin: str
    """Whose log it is; the name of its keys too."""
    size: int
    root: bytes
    at: Instant
    streams: Mapping[str, int] = field(default_factory=dict)
    """The highest number of each stream that is in it."""

    @property
    def text(self) -> str:
        """What is signed."""
        head = f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\ntime {to_iso(self.at)}\n"
        return head + "".join(f"stream {name} {number}\n" for name, number in sorted(self.streams.items()))


@dataclass(frozen=True, slots=True)
class HandOver:
    """From one key to the next, at a size of the tree."""

    old: Key
    new: Key
    size: int
    at: Instant

    @property
    def text(self) -> str:
        """What both sign."""
        return f"{self.new.name}\nkey {self.size}\nold {self.old}\nnew {self.new}\ntime {to_iso(self.at)}\n"


def read_notes(text: str) -> list[Note]:
    """
    The checkpoints in *text*: a file of anchors, or mails as people keep them, where other lines stand around, empty
    ones come or go, and what was quoted begins with ``>``. Raises Malformed where there is none, or where a line is a
    part of one that is not whole: what is damaged would not be compared.
    """
    lines = [line for each in _ENDS.split(text) if (line := _QUOTED.sub("", each).rstrip())]
    found: list[Note] = []
    at = 0
    while at < len(lines):
        body, end = _parts_at(lines, at)
        if end > body:
            found.append(read_note("\n".join([*lines[at:body], "", *lines[body:end], ""])))
            at = end
            continue
        if any(part.fullmatch(lines[at]) for part in (_ROOT, _TIME, _STREAM, _SIGNED)):
            raise Malformed(f"a part of a checkpoint that is not whole: {lines[at][:60]!r}")
        at += 1
    if not found:
        raise Malformed("no signed checkpoint")
    return found


def _parts_at(lines: list[str], at: int) -> tuple[int, int]:
    """Where the text and the signatures end of the checkpoint that begins with line *at*; nowhere if none does."""
    head = lines[at : at + 4]
    if len(head) < 4 or not (head[1].isdigit() and _ROOT.fullmatch(head[2]) and _TIME.fullmatch(head[3])):
        return at, at
    body = at + 4
    while body < len(lines) and _STREAM.fullmatch(lines[body]):
        body += 1
    end = body
    while end < len(lines) and _SIGNED.fullmatch(lines[end]):
        end += 1
    return body, end


def read_note(note: str) -> Note:
    """A note as it was written or kept; line ends of other systems count as ours. Raises Malformed."""
    if len(note) > LONGEST:
        raise Malformed("longer than a note may be")
    text, blank, signed = (note.replace("\r\n", "\n").strip() + "\n").rpartition("\n\n")
    signatures = [_signature(line) for line in signed.splitlines()]
    if not blank or not signatures:
        raise Malformed("no signature below an empty line")
    return Note(text + "\n", tuple(signatures))


def read_checkpoint(note: Note) -> Checkpoint:
    """What the note says, whoever signed it. Raises Malformed."""
    lines = note.text.splitlines()
    if len(lines) < 4 or not lines[3].startswith("time "):
        raise Malformed("not a checkpoint: origin, size, root and time are its first lines")
    origin, size, root = lines[0], _number(lines[1]), _bytes(lines[2], HASH)
    streams = dict(_stream(line) for line in lines[4:])
    found = Checkpoint(origin, size, root, _instant(lines[3].removeprefix("time ")), streams)
    if found.text != note.text:  # one way to write it: what is signed is what is read
        raise Malformed("not written as checkpoints are")
    return found


def read_hand_over(note: Note) -> HandOver:
    """What the note says; neither key is believed for it before `Note.signed_by` both. Raises Malformed."""
    lines = note.text.splitlines()
    words = ("", "key ", "old ", "new ", "time ")
    if len(lines) != len(words) or not all(line.startswith(word) for line, word in zip(lines, words, strict=True)):
        raise Malformed("not a hand-over of keys")
    _, size, old, new, at = (line.removeprefix(word) for line, word in zip(lines, words, strict=True))
    found = HandOver(read_key(old), read_key(new), _number(size), _instant(at))
    if found.text != note.text:
        raise Malformed("not written as hand-overs are")
    return found


def read_key(text: str) -> Key:
    """A *vkey*. Raises Malformed."""
    name, _, rest = text.strip().partition("+")
    id, _, encoded = rest.partition("+")
    raw = _bytes(encoded, 1 + _PUBLIC)
    key = Key(name, raw[1:])
    if raw[:1] != _ED25519 or not name or id != key.id.hex() or any(c.isspace() for c in name):
        raise Malformed("not a key: name, its id and an Ed25519 key, joined by `+`")
    return key


def _holds(key: Key, signature: bytes, text: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not name:
        raise Malformed("a line below the empty one that is no signature")
    raw = _bytes(encoded, None)
    if len(raw) <= _ID:
        raise Malformed("a signature that is too short")
    return name, raw[:_ID], raw[_ID:]


def _stream(line: str) -> tuple[str, int]:
    word, name, number = (*line.split(" "), "", "", "")[:3]
    if word != "stream" or not name:
        raise Malformed("a line that checkpoints do not have")
    return name, _number(number)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Malformed("a number was expected")
    return int(text)


def _instant(text: str) -> Instant:
    try:
        return from_iso(text)
    except ValueError:
        raise Malformed("a time was expected") from None


def _bytes(text: str, length: int | None) -> bytes:
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Malformed("base64 was expected") from None
    if length is not None and len(raw) != length:
        raise Malformed(f"{length} bytes in base64 were expected")
    return raw
