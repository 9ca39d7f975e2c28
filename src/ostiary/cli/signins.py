"""
`ostiary signins`: the stories of sign-ins, as Graph's beta `signIn` tells them (v1.0 lacks the protocol).
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from ipaddress import ip_network
from typing import Annotated, Any

import typer

from ostiary.cli.errand import Errand
from ostiary.cli.lookup import both, literal, path
from ostiary.cli.output import Column, Screen
from ostiary.cli.since import since_filter
from ostiary.cli.verb import ADMIN, Noun
from ostiary.cli.when import when
from ostiary.client.errors import Misused
from ostiary.core.words.instants import to_iso

__all__ = ["SIGNINS"]

BASE = "/beta/auditLogs/signIns"


class Output(StrEnum):
    """How a list is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class Event(StrEnum):
    """What signed in."""

    INTERACTIVE = "interactive"
    REFRESH = "refresh"
    WORKLOAD = "workload"

    @property
    def graph(self) -> str:
        """Graph's word for it."""
        return _EVENTS[self]


_EVENTS = {
    Event.INTERACTIVE: "interactiveUser", Event.REFRESH: "nonInteractiveUser", Event.WORKLOAD: "servicePrincipal",
}  # fmt: skip


def _result(resource: Mapping[str, Any]) -> str:
    status, ours = resource.get("status"), resource.get("ostiary")
    found = status if isinstance(status, dict) else {}
    if isinstance(ours, dict) and ours.get("outcome") == "pending":
        return "pending"
    return "success" if found.get("errorCode") == 0 else f"{found.get('errorCode')} {found.get('failureReason') or ''}"


def _policies(resource: Mapping[str, Any]) -> list[str]:
    applied = resource.get("appliedConditionalAccessPolicies") or []
    return [f"{p.get('displayName')}={p.get('result')}" for p in applied if isinstance(p, dict)]


_HEADINGS = {
    "approverAddress": "Decided from", "exemptionId": "Exemption", "scopes": "Scopes", "refreshCount": "Refreshes",
    "boundTo": "Bound to", "endDateTime": "Ends", "endedDateTime": "Ended", "endCause": "End cause",
}  # fmt: skip
"""What is shown of ours, in this order; all of it with `--json`."""


def _ours(name: str) -> Column:
    return _HEADINGS[name], lambda r: (r.get("ostiary") or {}).get(name)


COLUMNS: tuple[Column, ...] = (
    ("Time", lambda r: r.get("createdDateTime")),
    ("ID", lambda r: r.get("id")),
    ("Person", lambda r: r.get("userPrincipalName")),
    ("Application", lambda r: r.get("appDisplayName") or r.get("appId")),
    ("Protocol", lambda r: r.get("authenticationProtocol")),
    ("From", lambda r: r.get("ipAddress")),
    ("Result", _result),
)
DETAILS: tuple[Column, ...] = (
    *COLUMNS,
    ("Resource", lambda r: r.get("resourceDisplayName") or r.get("resourceId")),
    ("Agent", lambda r: r.get("userAgent")),
    ("Transfer", lambda r: r.get("originalTransferMethod")),
    ("Policies", _policies),
    ("Correlation", lambda r: r.get("correlationId")),
    *map(_ours, _HEADINGS),
)
STORY: tuple[Column, ...] = (
    ("Time", lambda s: s.get("activityDateTime")),
    ("Step", lambda s: s.get("step") if s.get("count") == 1 else f"{s.get('step')} (one of {s.get('count')})"),
    ("By", lambda s: s.get("displayName") or s.get("by")),
    ("From", lambda s: s.get("ipAddress")),
    ("With", lambda s: s.get("authenticationMethods")),
    ("Token", lambda s: s.get("uniqueTokenIdentifier")),
    ("Policies", lambda s: s.get("policyVersion")),
    ("Why", lambda s: s.get("reason")),
)


def _begins(field: str, text: str) -> str:
    """The condition that *field* is *text*, or begins with what stands before its `*`."""
    if not text.endswith("*"):
        return f"{field} eq {literal(text)}" if text else ""
    return f"startswith({field},{literal(text.removesuffix('*'))})"


def _network(text: str) -> str:
    """
    The condition that an address is of network *text*. The log is asked by the beginnings of addresses, so that only
    networks that are one can be. Raises Misused.
    """
    if not text:
        return ""
    try:
        network = ip_network(text)
    except ValueError as wrong:
        raise Misused(f"--network: {wrong}") from None
    step, mark, base = (8, ".", 10) if network.version == 4 else (16, ":", 16)
    if network.prefixlen == network.max_prefixlen:
        return f"ipAddress eq {literal(str(network.network_address))}"
    parts, left = divmod(network.prefixlen, step)
    groups = str(network.network_address if network.version == 4 else network.network_address.exploded).split(mark)
    kept = groups[:parts]
    if left or not kept or (network.version == 6 and any(int(group, base) == 0 for group in kept)):
        raise Misused("--network: /8, /16, /24 or /32; of IPv6 whole groups, none of them 0")
    beginning = mark.join(kept if network.version == 4 else (f"{int(group, base):x}" for group in kept))
    return f"startswith(ipAddress,{literal(beginning + mark)})"


def list_(
    errand: Errand,
    *,
    user: Annotated[str, typer.Option("--user", help="Of this person (address, or its beginning and *).")] = "",
    app: Annotated[str, typer.Option("--app", help="Of this application (client id).")] = "",
    resource: Annotated[str, typer.Option("--resource", help="To this resource (its id).")] = "",
    address: Annotated[str, typer.Option("--address", help="From this address (or its beginning and *).")] = "",
    network: Annotated[str, typer.Option("--network", metavar="CIDR", help="From this network: 203.0.113.0/24.")] = "",
    approver: Annotated[str, typer.Option("--approver", metavar="ADDRESS", help="Decided from this address.")] = "",
    exemption: Annotated[str, typer.Option("--exemption", metavar="ID", help="Through this exemption.")] = "",
    reference: Annotated[str, typer.Option("--reference", help="With this reference (correlation id).")] = "",
    protocol: Annotated[str, typer.Option("--protocol", help="Graph's word, as deviceCode or none.")] = "",
    transfer: Annotated[str, typer.Option("--transfer", help="Graph's word: deviceCodeFlow or none.")] = "",
    access: Annotated[str, typer.Option("--access", help="By policy: success, failure or notApplied.")] = "",
    event: Annotated[Event | None, typer.Option("--event", help="Only these; each refresh is one.")] = None,
    error: Annotated[int | None, typer.Option("--error", help="With this AADSTS number; 0 for success.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only refused ones.")] = False,
    since: Annotated[str, typer.Option("--since", help="Younger than this (24h, 90m, PT2H).")] = "24h",
    until: Annotated[str, typer.Option("--until", metavar="WHEN", help="Before this date, date-time or age.")] = "",
    oldest: Annotated[bool, typer.Option("--oldest-first", help="The oldest first.")] = False,
    output: Annotated[Output, typer.Option("--output", help="How to write it.")] = Output.TABLE,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many.")] = 50,
) -> None:
    """List sign-ins, the latest first."""
    end = when(errand, until, "--until")
    where = both(
        since_filter(errand, "createdDateTime", since),
        f"createdDateTime lt {to_iso(end)}" if end is not None else "",
        _begins("userPrincipalName", user.lower()),
        f"appId eq {literal(app)}" if app else "",
        f"resourceId eq {literal(resource)}" if resource else "",
        _begins("ipAddress", address),
        _network(network),
        f"ostiary/approverAddress eq {literal(approver)}" if approver else "",
        f"ostiary/exemptionId eq {literal(exemption)}" if exemption else "",
        f"correlationId eq {literal(reference)}" if reference else "",
        f"authenticationProtocol eq {literal(protocol)}" if protocol else "",
        f"originalTransferMethod eq {literal(transfer)}" if transfer else "",
        f"conditionalAccessStatus eq {literal(access)}" if access else "",
        f"signInEventTypes/any(t: t eq {literal(event.graph)})" if event else "",
        f"status/errorCode eq {error}" if error is not None else "",
        "status/errorCode ne 0" if failed else "",
    )
    query = {**where, "$orderby": f"createdDateTime {'asc' if oldest else 'desc'}", "$top": str(min(limit, 200))}
    with errand.graph() as graph:
        _write(errand.screen, graph.items(BASE, query, most=limit), output)


def _write(screen: Screen, found: Iterable[Mapping[str, Any]], output: Output) -> None:
    if output is Output.CSV:
        screen.csv(found, COLUMNS)
    elif output is Output.JSON:
        Screen(as_json=True, out=screen.out).rows(found, COLUMNS)
    else:
        screen.rows(found, COLUMNS)


def show(
    errand: Errand,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The sign-in's id, from the list.")],
    *,
    explain: Annotated[bool, typer.Option("--explain", help="Each policy, with the condition that decided.")] = False,
) -> None:
    """Show everything that is known of one sign-in, from the request to its end, or why it was decided so."""
    with errand.graph() as graph:
        found = graph.get(path(BASE, id_, "explanation") if explain else path(BASE, id_))
    if explain and not errand.given.json:
        errand.screen.rows(_decisions(found), EXPLAINED)
        return
    errand.screen.record(found, () if explain else DETAILS)
    if not errand.given.json:
        errand.screen.data("")
        errand.screen.rows((found.get("ostiary") or {}).get("story") or (), STORY)


def _decisions(found: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for step in found.get("value") or []:
        for policy in step.get("policies") or []:
            yield {"step": step.get("step"), "at": step.get("activityDateTime"), **policy}


EXPLAINED: tuple[Column, ...] = (
    ("Time", lambda r: r.get("at")),
    ("Step", lambda r: r.get("step")),
    ("Policy", lambda r: r.get("displayName")),
    ("Result", lambda r: r.get("result")),
    ("Decided by", lambda r: r.get("condition") or r.get("missing")),
)


SIGNINS: Noun = (
    "signins",
    "Sign-ins: who, from where, with what, and how it ended.",
    (("list", list_, ADMIN), ("show", show, ADMIN)),
)
