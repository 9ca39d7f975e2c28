"""
`ostiary audit export|verify|checkpoint|keys|rotate-key`: the journal with its proofs (R15), and its check, offline.

`verify` asks nobody: a file, a key that its reader got another way, and, if they kept one, an earlier checkpoint.
"""

from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.files import new_file, read_bytes, read_text
from ostiary.cli.output import Column
from ostiary.cli.verb import ADMIN, Verb
from ostiary.cli.when import when
from ostiary.client.errors import Exit, Misused, ServerFault
from ostiary.client.graph import Graph
from ostiary.core.logs.checkpoint import Key, Malformed, Note, read_checkpoint, read_key, read_notes
from ostiary.core.logs.evidence import Kept, Report, verify
from ostiary.core.logs.export_lines import canonical_text
from ostiary.core.logs.formats import Format, csv_head, line_in
from ostiary.core.words.instants import to_iso

__all__ = ["AUDIT_LOG"]

BASE = "/ostiary/auditLog"
LARGEST = 64 * 1024  # bytes of a key, or of the headers of a mail
MOST_NOTES = 64 * 1024 * 1024  # bytes of a file of anchors: one an hour for a hundred years
SHOWN = 20  # announcements of gaps, and runs of one, that are told in words
LONGEST = 4 * 1024 * 1024  # characters of a line

COLUMNS: tuple[Column, ...] = (
    ("Key", lambda r: r.get("key")),
    ("From entry", lambda r: r.get("size")),
    ("Since", lambda r: r.get("fromDateTime")),
    ("Handed over", lambda r: "yes" if r.get("handOver") else "the first"),
)

FROM = Annotated[str, typer.Option("--from", metavar="WHEN", help="A date, a date-time, or so long ago (7d).")]
TO = Annotated[str, typer.Option("--to", metavar="WHEN", help="The same; up to now without it.")]
OUT = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there instead of to stdout.")]
FORMAT = Annotated[
    Format, typer.Option("--format", help="jsonl carries the proof; csv, ocsf (1.3) and cef are for other tools.")
]
SINCE = Annotated[
    Path | None,
    typer.Option(
        "--since", metavar="FILE", help="Checkpoints that you kept, or a mail with one: the log must go on from those."
    ),
]


def export(
    errand: Errand, *, since: SINCE = None, out: OUT = None, start: FROM = "", end: TO = "", form: FORMAT = Format.JSONL
) -> None:
    """Export the journal, whole checkpoints around the time asked for; with its proofs as JSON, one object a line."""
    if since is not None and form is not Format.JSONL:
        raise Misused("--since: only jsonl carries the proof that leads there from a checkpoint")
    kept = _size(_notes(since)) if since is not None else None
    moments = {"from": when(errand, start, "--from"), "to": when(errand, end, "--to")}
    asked: dict[str, Any] = {name: to_iso(moment) for name, moment in moments.items() if moment is not None}
    asked |= {} if kept is None else {"kept": kept}
    with new_file(errand, out) as file, errand.graph() as graph:
        header = dict(graph.post(f"{BASE}/export", asked))
        lines = _lines(graph, int(header["start"]["size"]), int(header["end"]))
        count, gone = _proved(file, header, lines) if form is Format.JSONL else _written(file, form, lines)
    errand.screen.say(f"{count} entries.", "green")
    if gone:
        errand.screen.say(f"{gone} more are gone, and only their hashes are left; jsonl has those.", "yellow")


def _proved(file: TextIO, header: Mapping[str, Any], lines: Iterator[dict[str, Any]]) -> tuple[int, int]:
    """Write all of it: how many entries, their hashes among them."""
    print(canonical_text(header), file=file)
    count = 0
    for line in lines:
        print(canonical_text(line), file=file)
        count += "checkpoint" not in line
    return count, 0


def _written(file: TextIO, form: Format, lines: Iterator[dict[str, Any]]) -> tuple[int, int]:
    """Write the entries alone: how many, and how many are gone."""
    if form is Format.CSV:
        print(csv_head(), file=file)
    count = gone = 0
    for line in lines:
        if "entry" in line:
            print(line_in(form, line["entry"]), file=file)
            count += 1
        else:
            gone += "checkpoint" not in line
    return count, gone


def check(
    errand: Errand,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `ostiary audit export` wrote.")],
    *,
    key: Annotated[
        str, typer.Option("--key", metavar="KEY", help="The key that you trust, or a file with it (audit keys).")
    ],
    since: SINCE = None,
) -> None:
    """Check an export, offline: name the first line that is not as it was, and say what cannot be known. Exit 10."""
    trusted, kept = _key(key), _notes(since) if since is not None else []
    try:
        with file.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
            report = verify(_bounded(lines), trusted, *kept)
    except OSError as wrong:
        raise Misused(f"{file}: {wrong.strerror}") from None
    _tell(errand, report)
    if report.found is not None or (since is not None and report.kept is not Kept.SAME):
        raise typer.Exit(int(Exit.DIFFERENCES))


def checkpoint(errand: Errand) -> None:
    """Print the newest checkpoint, signed: keep it elsewhere, and `verify --since` finds a rewrite of what was."""
    with errand.graph() as graph:
        errand.screen.data(str(graph.get(f"{BASE}/checkpoint")["checkpoint"]).rstrip("\n"))


def keys(errand: Errand) -> None:
    """List the keys that signed checkpoints, the current one last. Get the first one another way than this."""
    with errand.graph() as graph:
        errand.screen.rows(graph.get(f"{BASE}/keys")["keys"], COLUMNS)


def rotate_key(
    errand: Errand, *, reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]
) -> None:
    """Sign checkpoints with a new key from now on. Whoever trusts the old one can go on to it."""
    with errand.graph() as graph:
        rotated = graph.post(f"{BASE}/keys/rotate", {"reason": reason})
    errand.screen.say("A new key signs from now on; the old one handed over to it.", "green")
    errand.screen.data(str(rotated["key"]))


AUDIT_LOG: tuple[Verb, ...] = (
    ("export", export, ADMIN),
    ("verify", check, ("json",)),
    ("checkpoint", checkpoint, ADMIN),
    ("keys", keys, ADMIN),
    ("rotate-key", rotate_key, ADMIN),
)


def _lines(graph: Graph, first: int, until: int) -> Iterator[dict[str, Any]]:
    """The lines, piece by piece. Raises ServerFault where a piece leads nowhere."""
    while first < until:
        piece = graph.get(f"{BASE}/lines(first={first},until={until})")
        yield from piece["lines"]
        following = piece["next"] if piece["next"] is not None else until
        if following <= first:
            raise ServerFault("the server's answer leads nowhere")
        first = following


def _tell(errand: Errand, report: Report) -> None:
    """What was found, in words or as one event."""
    found, say = report.found, errand.screen.say
    errand.screen.event(
        "audit_verified", ok=found is None, entries=report.entries, first=report.first, size=report.size,
        to=to_iso(report.at) if report.at is not None else None, kept=report.kept.value,
        unmet=report.unmet,
        damage=found.damage.value if found else None, line=found.line if found else None,
        last=(found.last or found.line) if found else None, text=found.text if found else None, gone=report.gone,
    )  # fmt: skip
    if found is not None:
        lines = f"line {found.line}" if not found.last else f"lines {found.line} to {found.last}"
        say(f"{found.damage.value.upper()}, {lines}: {found.text}.", "bold red")
    until = to_iso(report.at) if report.at is not None else "nothing"
    since = to_iso(report.begins) if report.begins is not None else "the beginning of the log"
    say(f"{report.entries} entries from {since} to {until} are as they were signed.", "" if found else "green")
    _tell_gone(errand, report)
    for text in _unknown(report):
        say(f"Not knowable here: {text}", "yellow")


def _tell_gone(errand: Errand, report: Report) -> None:
    """Which entries are gone, as entries of the export say that still are there."""
    if report.gone:
        errand.screen.say(f"Of {report.gone} of them only the hashes are left, as announced by:", "yellow")
    for one in report.announcements[:SHOWN] if report.gone else ():
        places = ", ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in one.places[:SHOWN])
        told = f"  entry {one.place}, {to_iso(one.at)}, {one.kind}: {one.size} entries ({places}), {one.reason}"
        errand.screen.say(told, "yellow")
    if report.gone and len(report.announcements) > SHOWN:
        errand.screen.say(f"  and {len(report.announcements) - SHOWN} more.", "yellow")


def _unknown(report: Report) -> Iterator[str]:
    yield "what was done to entries in the second before their checkpoint was made."
    if report.gone:
        yield "what the entries said that are gone, and whether they had to go: only that the log announces it."
    if report.kept is Kept.NONE:
        yield "a rewrite by whoever holds the key, or a cut end. A checkpoint kept elsewhere finds both (--since)."
    if report.kept is Kept.UNKNOWN:
        which = f"{report.unmet} of the checkpoints that you kept" if report.unmet > 1 else "a checkpoint that you kept"
        yield f"whether the log goes on from {which}: export all of it, or with --since that one, and up to now."


def _bounded(lines: TextIO) -> Iterator[str]:
    while line := lines.readline(LONGEST):
        yield line.removesuffix("\n")


def _key(given: str) -> Key:
    """The key itself, or the file that holds it. Raises Misused."""
    path = Path(given)
    try:
        return read_key(read_text(path, LARGEST) if path.is_file() else given)
    except (Malformed, OSError) as wrong:
        raise Misused(f"--key: {wrong}") from None


def _notes(path: Path) -> list[Note]:
    """The checkpoint in *path*, or all those in a file of anchors, or in a mail as it was kept. Raises Misused."""
    try:
        notes = read_notes(_said_in(read_bytes(path, MOST_NOTES)))
        _size(notes)
    except Malformed as wrong:
        raise Misused(f"{path}: {wrong}") from None
    return notes


def _said_in(raw: bytes) -> str:
    """The text of *raw*, or of the mail that it is (RFC 5322); bytes that are no UTF-8 are in no checkpoint."""
    if b"\nmime-version:" in raw[:LARGEST].lower():
        body = message_from_bytes(raw, policy=default).get_body(("plain",))
        if body is not None:
            return str(body.get_content())
    return raw.decode("utf-8", "replace")


def _size(notes: list[Note]) -> int:
    """Of the log at the newest of *notes*. Raises Malformed."""
    return max(read_checkpoint(note).size for note in notes)
