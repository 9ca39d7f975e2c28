"""
`ostiary responses`: what is done about findings, shown, judged from a file, and set from one.

A file holds any of the four parts of the document that `show --json` prints, each whole; what it does not name stays.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.output import Column
from ostiary.cli.policy_files import read_document
from ostiary.cli.verb import ADMIN, Noun
from ostiary.client.errors import Misused
from ostiary.core.detections.response import (
    DEFAULT,
    PARTS,
    ResponsePolicy,
    differences,
    policy_document,
    read_policy,
    weakened,
)
from ostiary.core.detections.rules import BY_ID
from ostiary.core.words.outcome import Refused

__all__ = ["RESPONSES"]

PLACE = "/ostiary/responsePolicy"
FILE = Annotated[Path, typer.Argument(metavar="FILE", help="The document, or parts of it, in JSON or YAML.")]
COLUMNS: tuple[Column, ...] = (
    ("Low", lambda r: (r.get("severities") or {}).get("low")),
    ("Medium", lambda r: (r.get("severities") or {}).get("medium")),
    ("High", lambda r: (r.get("severities") or {}).get("high")),
    ("Confirmed", lambda r: r.get("confirmed")),
    ("Block length", lambda r: r.get("blockLength")),
    ("Rules", lambda r: [f"{rule}: {', '.join(done)}" for rule, done in (r.get("rules") or {}).items()]),
)


def show(errand: Errand) -> None:
    """Show what is done about findings of each severity, of rules that have their own, and of what is confirmed."""
    with errand.graph() as graph:
        errand.screen.record(_only_parts(graph.get(PLACE)), COLUMNS)


def validate(errand: Errand, file: FILE) -> None:
    """Say whether a file can be set, and what it would do less than the default; needs no server."""
    new = _read(file, DEFAULT)
    errand.screen.record(policy_document(new), COLUMNS)
    errand.screen.say("It can be set.", "green")
    _tell_less(errand, DEFAULT, new, "Less than the default")


def set_(
    errand: Errand,
    file: FILE,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
) -> None:
    """Set what is done about findings: shows what changes, and asks before it does so."""
    with errand.graph() as graph:
        served = graph.get(PLACE)
        old = _policy(_only_parts(served), DEFAULT, "the server's own")
        new = _read(file, old)
        changed = differences(old, new)
        if not changed:
            errand.screen.say("Nothing changes.", "green")
            return
        for name, before, after in changed:
            errand.screen.event("change", part=name, before=before, after=after)
            if not errand.given.json:
                errand.screen.data(f"{name}\n  - {before or 'not named'}\n  + {after or 'not named'}")
        _tell_less(errand, old, new, "Less is done, which all administrators are told of")
        errand.confirm("Set it?", yes=yes)
        parts = {name.partition(".")[0] for name, _, _ in changed}
        document = policy_document(new)
        changes = {name: document[name] for name in PARTS if name in parts}
        graph.patch(PLACE, changes | {"reason": reason}, seen=served)
    errand.screen.say("Set.", "green")


def _tell_less(errand: Errand, old: ResponsePolicy, new: ResponsePolicy, says: str) -> None:
    for less in weakened(old, new):
        errand.screen.say(f"! {says}: {less}", "bold")


def _only_parts(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without what the admin API puts around it."""
    return {name: document[name] for name in PARTS if name in document}


def _read(file: Path, old: ResponsePolicy) -> ResponsePolicy:
    """*old* with the changes of *file*. Raises Misused."""
    document = read_document(file)
    if not isinstance(document, dict):
        raise Misused(f"{file}: holds no object")
    for name in document:
        if name not in (*PARTS, "id") and not str(name).startswith("@"):
            raise Misused(f"{file}: {str(name)[:60]} is no part of what is done about findings")
    return _policy(document, old, str(file))


def _policy(document: Mapping[str, Any], old: ResponsePolicy, of: str) -> ResponsePolicy:
    found = read_policy(old, document, BY_ID)
    if isinstance(found, Refused):
        raise Misused(f"{of}: {found.field}: {found.detail}")
    return found


RESPONSES: Noun = (
    "responses",
    "What is done about what detections find.",
    (
        ("show", show, ADMIN),
        ("validate", validate, ("json",)),
        ("set", set_, ADMIN),
    ),
)
