"""
Who is eligible for exemptions, and the rules by which they are asked for: verbs of `ostiary group`, because both are
facts of the exception group.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli.durations import iso_length
from ostiary.cli.errand import Errand
from ostiary.cli.exemption_rows import BASE, narrowed, person
from ostiary.cli.files import read_text
from ostiary.cli.lookup import EXCEPTION_GROUP, both, group_id, path, user
from ostiary.cli.output import Column
from ostiary.cli.verb import COMMON, Verb
from ostiary.client.errors import Misused

__all__ = ["VERBS"]

REQUESTS = f"{BASE}/eligibilityScheduleRequests"
INSTANCES = f"{BASE}/eligibilityScheduleInstances"
POLICIES = "/policies/roleManagementPolicies"
FILE_LIMIT = 64 * 1024

Reason = Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")]
Person = Annotated[str, typer.Argument(metavar="USER", help="The person: address or id.")]

COLUMNS: tuple[Column, ...] = (
    ("Person", person),
    ("Since", lambda r: r.get("startDateTime")),
    ("Until", lambda r: r.get("endDateTime") or "for good"),
    ("Last used", lambda r: narrowed(r, "lastUsedDateTime") or "never"),
    ("Unused for 90 days", lambda r: narrowed(r, "unused")),
    ("Reason", lambda r: narrowed(r, "reason")),
)
RULES: tuple[Column, ...] = (
    ("Rule", lambda r: r.get("id")),
    ("Says", lambda r: json.dumps({k: v for k, v in r.items() if k not in ("id", "target") and "@" not in k})),
)


def eligible(
    errand: Errand,
    *,
    unused: Annotated[bool, typer.Option("--unused", help="Those who made no use of it for 90 days.")] = False,
) -> None:
    """List who may ask for exemptions."""
    with errand.graph() as graph:
        where = both("ostiary/unused eq true" if unused else "")
        errand.screen.rows(graph.items(INSTANCES, where), COLUMNS)


def add_eligible(
    errand: Errand,
    name: Person,
    *,
    reason: Reason,
    for_: Annotated[str, typer.Option("--for", help="How long: 90d, P90D.")] = "",
    until: Annotated[str, typer.Option("--until", help="Until when: 2027-06-30T00:00:00Z.")] = "",
    for_good: Annotated[bool, typer.Option("--for-good", help="Until somebody ends it.")] = False,
    change: Annotated[bool, typer.Option("--change", help="In place of the end that they have.")] = False,
) -> None:
    """Make a person eligible for exemptions, for a while or for good."""
    if sum((bool(for_), bool(until), for_good)) != 1:
        raise Misused("one of --for, --until and --for-good is needed")
    expiration = {"type": "noExpiration"}
    if for_:
        expiration = {"type": "afterDuration", "duration": iso_length(for_, "--for")}
    elif until:
        expiration = {"type": "afterDateTime", "endDateTime": until}
    with errand.graph() as graph:
        body = _body(str(user(graph, name)["id"]), "adminUpdate" if change else "adminAssign", reason)
        given = graph.post(REQUESTS, body | {"scheduleInfo": {"expiration": expiration}})
    errand.screen.say(f"{name} may ask for exemptions now.", "green")
    errand.screen.event("eligible", **given)


def remove_eligible(errand: Errand, name: Person, *, reason: Reason) -> None:
    """End it; requests and exemptions that it gave end at once."""
    with errand.graph() as graph:
        taken = graph.post(REQUESTS, _body(str(user(graph, name)["id"]), "adminRemove", reason))
    errand.screen.say(f"{name} is not eligible any more; what it gave has ended.", "green")
    errand.screen.event("not_eligible", **taken)


def _body(principal: str, action: str, reason: str) -> dict[str, Any]:
    return {"accessId": "member", "principalId": principal, "action": action, "justification": reason}


def rules(errand: Errand) -> None:
    """Show the rules by which exemptions are asked for, approved and ended."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(_rules(group_id(graph, EXCEPTION_GROUP))), RULES)


def change_rule(
    errand: Errand,
    id_: Annotated[str, typer.Argument(metavar="RULE", help="Its id, from `ostiary group rules`.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON with what to change; - for stdin.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; needed where it guards less than before.")] = "",
) -> None:
    """Change one rule: what the file leaves out stays as it is."""
    changes = _read(file)
    if reason:
        changes["ostiary"] = {**changes.get("ostiary", {}), "reason": reason}
    with errand.graph() as graph:
        graph.patch(path(_rules(group_id(graph, EXCEPTION_GROUP)), id_), changes)
    errand.screen.say(f"Changed: {id_}.", "green")


def _rules(group: str) -> str:
    return f"{POLICIES}/Group_{group}_member/rules"


def _read(file: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read(FILE_LIMIT + 1) if file == "-" else read_text(Path(file), FILE_LIMIT)
        found = json.loads(text) if len(text) <= FILE_LIMIT else None
    except ValueError as fault:
        raise Misused(f"{file}: {fault}") from fault
    if not isinstance(found, Mapping):
        raise Misused(f"{file}: a JSON object of at most 64 KiB is needed")
    return dict(found)


VERBS: tuple[Verb, ...] = (
    ("eligible", eligible, COMMON),
    ("add-eligible", add_eligible, COMMON),
    ("remove-eligible", remove_eligible, COMMON),
    ("rules", rules, COMMON),
    ("change-rule", change_rule, COMMON),
)
