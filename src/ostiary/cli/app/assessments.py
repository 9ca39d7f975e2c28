"""
The risk assessment of an application (R23): made from a file or flags, and whether it holds.

Exit 10 when `check` finds something missing, overdue or weak, so that a pipeline can ask.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import application, path, with_reason
from ostiary.cli.output import Column
from ostiary.cli.policy_files import read_document
from ostiary.cli.verb import ADMIN, Verb
from ostiary.client.errors import Exit, Misused

__all__ = ["VERBS"]

CHECKS = "/ostiary/applicationChecks"
_TEXTS = {
    "not_code_flow": "whyNotCodeFlow",
    "not_workload_identity": "whyNotWorkloadIdentity",
    "not_hybrid_passkey": "whyNotHybridPasskey",
    "owner": "ownerId",
}

COLUMNS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("displayName")),
    ("Device flow", lambda r: r.get("deviceFlow")),
    ("Assessment", lambda r: r.get("assessment")),
    ("Review", lambda r: r.get("reviewDateTime")),
    ("Findings", lambda r: r.get("findings")),
)


def assess(
    errand: Errand,
    name: Annotated[str, typer.Argument(metavar="APP", help="The application: client id or name.")],
    *,
    file: Annotated[
        Path | None, typer.Option("--file", help="The assessment in YAML or JSON, with the names of the admin API.")
    ] = None,
    resource: Annotated[
        list[str] | None, typer.Option("--resource", help="What it is to reach; may be given again.")
    ] = None,
    not_code_flow: Annotated[str, typer.Option("--not-code-flow", help="Why not a browser on that machine.")] = "",
    not_workload_identity: Annotated[
        str, typer.Option("--not-workload-identity", help="Why not a workload identity.")
    ] = "",
    not_hybrid_passkey: Annotated[
        str, typer.Option("--not-hybrid-passkey", help="Why not a passkey of the phone.")
    ] = "",
    mitigation: Annotated[
        list[str] | None, typer.Option("--mitigation", metavar="M1-M17", help="Of RFC 10027; may be given again.")
    ] = None,
    owner: Annotated[str, typer.Option("--owner", help="The person who answers for it.")] = "",
    review: Annotated[str, typer.Option("--review", metavar="DATE", help="2027-05-31: within a year.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")] = "",
) -> None:
    """Record the risk assessment without which an application may not use the device flow."""
    given = {_TEXTS["not_code_flow"]: not_code_flow, _TEXTS["not_workload_identity"]: not_workload_identity}
    given |= {_TEXTS["not_hybrid_passkey"]: not_hybrid_passkey, _TEXTS["owner"]: owner}
    flags: dict[str, Any] = {**given, "resources": resource, "mitigations": mitigation, "reviewDateTime": review}
    body = _file(file) | {key: value for key, value in flags.items() if value}
    if not body:
        raise Misused("an assessment is needed: --file, or flags")
    if "reviewDateTime" in body:
        body["reviewDateTime"] = _moment(body["reviewDateTime"])
    with errand.graph() as graph:
        found = application(graph, name)
        content = with_reason({"ostiary": {"assessment": body}}, reason)
        graph.patch(path("/applications", str(found["id"])), content)
        made = application(graph, str(found["appId"]))["ostiary"]["assessment"]
    errand.screen.say(f"Assessed {found.get('displayName')}, version {made['version']}.", "green")
    for id in made["notEnforced"]:
        errand.screen.say(f"! {id} is chosen, and this release does not enforce it.", "bold red")
    errand.screen.event("assessed", **made)


def check(
    errand: Errand,
    name: Annotated[str, typer.Argument(metavar="[APP]", help="Only this one: client id or name.")] = "",
) -> None:
    """List what is missing, overdue or weak where the device flow is on; exit 10 when something is."""
    with errand.graph() as graph:
        if name:
            rows = [graph.get(path(CHECKS, str(application(graph, name)["appId"])))]
        else:
            rows = [row for row in graph.items(CHECKS) if row.get("deviceFlow")]
    errand.screen.rows(iter(rows), COLUMNS)
    bad = [str(row.get("displayName")) for row in rows if row.get("findings")]
    if bad:
        errand.screen.say(f"{len(bad)} of {len(rows)} lack something:  ostiary app assess APP", "bold red")
        raise typer.Exit(int(Exit.DIFFERENCES))


def _file(file: Path | None) -> dict[str, Any]:
    found = read_document(file) if file is not None else {}
    if not isinstance(found, Mapping):
        raise Misused(f"{file} does not hold an assessment")
    return dict(found)


def _moment(value: object) -> str:
    """A date, which YAML reads as such, stands for its beginning (UTC)."""
    text = value.isoformat() if isinstance(value, date) else str(value)
    return f"{text}T00:00:00Z" if len(text) == len("2027-05-31") else text


VERBS: tuple[Verb, ...] = (("assess", assess, ADMIN), ("check", check, ADMIN))
