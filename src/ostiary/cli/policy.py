"""
`ostiary policy`: what conditional access says, would say, and would have said. Changes nothing.

`test` runs the engine here: over the policies of files, or over those of the server.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import application, path, user
from ostiary.cli.output import Column
from ostiary.cli.policy_files import cases_of, documents, locations_of, policies_of, read_document
from ostiary.cli.policy_history import history
from ostiary.cli.policy_lookup import BASE, NAME, named_policy
from ostiary.cli.verb import ADMIN, Noun
from ostiary.client.errors import Exit, Misused
from ostiary.core.access.cases import Verdict, run_cases

__all__ = ["POLICY"]

COLUMNS: tuple[Column, ...] = (
    ("Name", lambda r: r.get("displayName")),
    ("State", lambda r: r.get("state")),
    ("Grants", lambda r: (r.get("grantControls") or {}).get("builtInControls")),
    ("ID", lambda r: r.get("id")),
)
DETAILS: tuple[Column, ...] = (
    *COLUMNS,
    ("Conditions", lambda r: r.get("conditions")),
    ("Grant controls", lambda r: r.get("grantControls")),
    ("Session controls", lambda r: r.get("sessionControls")),
    ("Ours", lambda r: r.get("ostiary")),
    ("Created", lambda r: r.get("createdDateTime")),
    ("Modified", lambda r: r.get("modifiedDateTime")),
)


def _analysed(name: str) -> Any:
    return lambda resource: (resource.get("ostiaryAnalysis") or {}).get(name)


ANALYSIS: tuple[Column, ...] = (
    ("Policy", lambda r: r.get("displayName")),
    ("Applies", lambda r: r.get("policyApplies")),
    ("Result", _analysed("result")),
    ("Decided by", _analysed("condition")),
    ("Unknown", _analysed("unknown")),
    ("Missing", _analysed("missing")),
)
PEOPLE: tuple[Column, ...] = (
    ("Person", lambda r: r.get("userPrincipalName") or r.get("userId")),
    ("Sign-ins", lambda r: r.get("signIns")),
)
CAUSES: tuple[Column, ...] = (("Missing", lambda r: r.get("missing")), ("Sign-ins", lambda r: r.get("signIns")))


def list_(errand: Errand) -> None:
    """List policies."""
    with errand.graph() as graph:
        errand.screen.rows(graph.items(f"{BASE}/policies"), COLUMNS)


def show(errand: Errand, name: NAME) -> None:
    """Show one policy."""
    with errand.graph() as graph:
        errand.screen.record(named_policy(graph, name), DETAILS)


def simulate(
    errand: Errand,
    person: Annotated[str, typer.Argument(metavar="USER", help="The person: address or id.")],
    app: Annotated[str, typer.Argument(metavar="RESOURCE", help="What the tokens are for: client id or name.")],
    *,
    browser: Annotated[bool, typer.Option("--browser", help="In a browser, not with a device code.")] = False,
    exemption: Annotated[bool, typer.Option("--exemption", help="As if an exemption admitted it.")] = False,
    address: Annotated[str, typer.Option("--address", help="Where the person is.")] = "",
    country: Annotated[str, typer.Option("--country", help="In which country (NO).")] = "",
    requester: Annotated[str, typer.Option("--requester", help="Where the machine is.")] = "",
    platform: Annotated[str, typer.Option("--platform", help="Of the person's browser (windows, iOS).")] = "",
    mfa: Annotated[bool, typer.Option("--mfa", help="With a second factor.")] = False,
    facts: Annotated[Path | None, typer.Option("--facts", help="More facts, from a JSON or YAML file.")] = None,
) -> None:
    """What every policy would say to a sign-in; what is not told is unknown and counts at its worst."""
    known: dict[str, Any] = {"transferMethod": None if browser else "deviceCodeFlow"}
    known |= {"requester": {"address": requester}} if requester else {}
    known |= {"amr": ["pwd", "otp", "mfa"]} if mfa else {}
    known |= _facts(facts) if facts is not None else {}
    conditions = {"clientAppType": "browser" if browser else "mobileAppsAndDesktopClients", "ipAddress": address,
                  "country": country, "devicePlatform": platform}  # fmt: skip
    with errand.graph() as graph:
        body = {
            "signInIdentity": {"userId": user(graph, person)["id"]},
            "signInContext": {"includeApplications": [application(graph, app)["appId"]]},
            "signInConditions": {name: value for name, value in conditions.items() if value},
            "ostiary": {"facts": known, "exemption": exemption},
        }
        answer = graph.post(f"{BASE}/evaluate", body)
    ours: Mapping[str, Any] = answer.get("ostiary") or {}
    errand.screen.say(f"outcome: {ours.get('outcome')}", "bold")
    for name in ("rules", "missing"):
        if ours.get(name):
            errand.screen.say(f"{name}: {', '.join(ours[name])}")
    errand.screen.rows(answer.get("value") or [], ANALYSIS)


def run_tests(
    errand: Errand,
    cases: Annotated[Path, typer.Argument(metavar="FILE", help="Cases, in JSON or YAML (docs/policies.md).")],
    *,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say of each policy what decided.")] = False,
) -> None:
    """Run policy tests; status 10 when one comes out otherwise. Files that name their policies need no server."""
    document = read_document(cases)
    given = document if isinstance(document, dict) else {}
    offline = "policies" in given
    policies, places = (
        (documents(given["policies"], cases.parent), documents(given.get("locations") or [], cases.parent))
        if offline
        else _served(errand)
    )
    rules = policies_of(policies, strict=offline)
    verdicts = run_cases(rules, cases_of(document, locations_of(places)))
    for verdict in verdicts:
        _tell(errand, verdict, verbose)
    failed = sum(not verdict.passed for verdict in verdicts)
    errand.screen.say(f"{len(verdicts) - failed} passed, {failed} failed", "bold red" if failed else "green")
    if failed:
        raise typer.Exit(int(Exit.DIFFERENCES))


def impact(
    errand: Errand,
    name: NAME,
    *,
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="How far back.")] = 7,
) -> None:
    """Whom a policy, if it were enforced, would have kept out in the last days, and by what."""
    with errand.graph() as graph:
        policy = named_policy(graph, name)
        found = graph.post(path(f"{BASE}/policies", str(policy["id"]), "impact"), {"days": days})
    if errand.given.json:
        errand.screen.record(found, ())
        return
    more = " (of more than were looked at)" if found.get("truncated") else ""
    errand.screen.say(f"{found.get('wouldFail')} of {found.get('decisions')} sign-ins{more} in {days} days", "bold")
    errand.screen.rows(found.get("because") or [], CAUSES)
    errand.screen.rows(found.get("people") or [], PEOPLE)


def _facts(file: Path) -> dict[str, Any]:
    found = read_document(file)
    if not isinstance(found, dict):
        raise Misused(f"{file}: facts are an object")
    return found


def _served(errand: Errand) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    with errand.graph() as graph:
        return list(graph.items(f"{BASE}/policies")), list(graph.items(f"{BASE}/namedLocations"))


def _tell(errand: Errand, verdict: Verdict, verbose: bool) -> None:
    case = verdict.case
    if errand.given.json:
        errand.screen.event(
            "case", title=case.name, passed=verdict.passed, outcome=verdict.decision.outcome.value,
            rules=list(verdict.decision.rules), missing=list(verdict.decision.missing),
            differences=list(verdict.differences),
        )  # fmt: skip
        return
    errand.screen.data(f"{'ok' if verdict.passed else 'FAILED'}\t{case.name}")
    for difference in verdict.differences:
        errand.screen.data(f"\t{difference}")
    if verbose or not verdict.passed:
        for one in verdict.told:
            why = one.condition or ", ".join(one.missing)
            errand.screen.data(f"\t  {one.name}: {one.result.value}{f' ({why})' if why else ''}")


POLICY: Noun = (
    "policy",
    "Conditional access: what it says, would say, would have said.",
    (
        ("list", list_, ADMIN),
        ("show", show, ADMIN),
        ("history", history, ADMIN),
        ("simulate", simulate, ADMIN),
        ("test", run_tests, ADMIN),
        ("impact", impact, ADMIN),
    ),
)
