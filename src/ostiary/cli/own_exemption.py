"""
One's own exemption, as verbs: ask for one, make sure that there is one, extend it, give it back.

Waiting is asking again every few seconds; nothing is lost when it is interrupted, because the request lives on the
server.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ostiary.cli.durations import iso_length, seconds_of
from ostiary.cli.errand import Errand
from ostiary.cli.exemption_rows import BASE, REQUESTS, decisions, ends, length, limits_of, narrowed, until
from ostiary.cli.lookup import path
from ostiary.cli.verb import COMMON, Verb
from ostiary.client.errors import DeniedByPerson, DeniedByPolicy, Misused, TimedOut
from ostiary.client.graph import Graph

__all__ = ["VERBS"]

PACE = 3.0  # seconds between two looks
MINE = "/filterByCurrentUser(on='principal')"
WAITING = ("requested", "partlyApproved")

Reason = Annotated[str, typer.Option("--reason", help="Why. Approvers read it, the audit log keeps it.")]
For = Annotated[str, typer.Option("--for", help="How long: 30m, 2h, PT2H. Default: what the rules usually give.")]
TicketNumber = Annotated[str, typer.Option("--ticket", help="The ticket that it is about.")]
App = Annotated[str, typer.Option("--app", help="Only for this application: client id (administrators: or name).")]
Net = Annotated[str, typer.Option("--network", help="Only for requesters in this network (CIDR).")]
SignIns = Annotated[int, typer.Option("--sign-ins", help="Only for so many sign-ins.", min=0, show_default=False)]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait for the decision.")]
Timeout = Annotated[str, typer.Option("--timeout", help="Wait so long at most: 10m, 1h.")]


def request(
    errand: Errand,
    *,
    reason: Reason,
    for_: For = "",
    ticket: TicketNumber = "",
    app: App = "",
    network: Net = "",
    sign_ins: SignIns = 0,
    user_: Annotated[str, typer.Option("--user", help="For somebody else (administrators): address or id.")] = "",
    break_glass: Annotated[bool, typer.Option("--break-glass", help="Open it at once; everybody is told.")] = False,
    no_wait: NoWait = False,
    timeout: Timeout = "24h",
) -> None:
    """Ask for an exemption, and wait for the decision."""
    patience = seconds_of(timeout, "--timeout")
    with errand.graph() as graph:
        body = _asking(reason, for_, ticket) | ({"principalId": user_} if user_ else {})
        limits = limits_of(errand, graph, app, network) | ({"signIns": sign_ins} if sign_ins else {})
        limits |= {"breakGlass": True} if break_glass else {}
        made = graph.post(REQUESTS, body | ({"ostiary": limits} if limits else {}))
        _settle(errand, graph, made, no_wait=no_wait, patience=patience)


def ensure(
    errand: Errand,
    *,
    reason: Reason,
    for_: For = "",
    ticket: TicketNumber = "",
    app: App = "",
    network: Net = "",
    no_wait: NoWait = False,
    timeout: Timeout = "24h",
) -> None:
    """See to it that there is an exemption: use the one that is open, wait for the request, or ask."""
    patience = seconds_of(timeout, "--timeout")
    with errand.graph() as graph:
        limits = limits_of(errand, graph, app, network)
        mine = [each for each in graph.items(f"{REQUESTS}{MINE}", most=100) if _fits(each, limits)]
        usable = [each for each in mine if _state(each) in ("active", "approved")]
        waiting = [each for each in mine if _state(each) in WAITING]
        if usable:
            _open(errand, max(usable, key=lambda r: (_state(r) == "active", str(ends(r)))))
            return
        body = _asking(reason, for_, ticket) | ({"ostiary": limits} if limits else {})
        made = waiting[0] if waiting else graph.post(REQUESTS, body)
        _settle(errand, graph, made, no_wait=no_wait, patience=patience, needed=True)


def _fits(each: Mapping[str, Any], limits: Mapping[str, Any]) -> bool:
    """Whether a request gives (or would) what is needed: it is narrowed to nothing, or to the very same."""
    if each.get("action") == "selfExtend":
        return False
    names = ("applicationId", "network", "resourceId", "scopes", "deviceId")
    return all(narrowed(each, name) in (None, limits.get(name)) for name in names) and not _used_up(each)


def _used_up(each: Mapping[str, Any]) -> bool:
    most, used = narrowed(each, "signIns"), narrowed(each, "used")
    return isinstance(most, int) and isinstance(used, int) and used >= most


def extend(
    errand: Errand,
    id_: Annotated[str, typer.Argument(metavar="[ID]", help="The exemption's id; default: the one that runs.")] = "",
    *,
    reason: Reason,
    for_: For = "",
    ticket: TicketNumber = "",
    no_wait: NoWait = False,
    timeout: Timeout = "1h",
) -> None:
    """Ask that your exemption lasts longer, without a gap; the rules are those of asking."""
    patience = seconds_of(timeout, "--timeout")
    with errand.graph() as graph:
        target = _running(graph, id_)
        body = _asking(reason, for_, ticket) | {"action": "selfExtend", "targetScheduleId": target}
        try:
            made = graph.post(REQUESTS, body)
        except DeniedByPolicy as fault:
            id = target.rpartition("_")[2]
            fault.next_step = f"{graph.base.removesuffix('/v1.0')}/account/exemptions/{id}/extend   (in a browser)"
            raise
        _settle(errand, graph, made, no_wait=no_wait, patience=patience)


def release(
    errand: Errand,
    id_: Annotated[str, typer.Argument(metavar="[ID]", help="The exemption's id; default: all of yours.")] = "",
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why. The audit log keeps it.")] = "",
) -> None:
    """Give your exemption back before its time; what it gave stops working at once."""
    with errand.graph() as graph:
        body: dict[str, Any] = {"accessId": "member", "action": "selfDeactivate", "justification": reason}
        body |= {"targetScheduleId": id_} if id_ else {"principalId": str(graph.get("/me")["id"])}
        ended = graph.post(REQUESTS, body)
    errand.screen.say("Given back. Tokens that it gave are refused from now on.", "green")
    errand.screen.event("exemption_released", **ended)


def _asking(reason: str, for_: str, ticket: str) -> dict[str, Any]:
    body: dict[str, Any] = {"accessId": "member", "action": "selfActivate", "justification": reason}
    if for_:
        body["scheduleInfo"] = {"expiration": {"type": "afterDuration", "duration": iso_length(for_, "--for")}}
    if ticket:
        body["ticketInfo"] = {"ticketNumber": ticket}
    return body


def _running(graph: Graph, id: str) -> str:
    """The schedule that is to be extended."""
    found = list(graph.items(f"{BASE}/assignmentScheduleInstances{MINE}", most=50))
    named = [each for each in found if id in ("", str(each.get("id"))) and not narrowed(each, "waits")]
    if not named:
        raise Misused("no exemption of yours runs", next_step='ostiary exemption request --reason "why"')
    return str(max(named, key=lambda r: str(r.get("endDateTime"))).get("assignmentScheduleId"))


def _state(resource: Mapping[str, Any]) -> str:
    return str(narrowed(resource, "state"))


def _settle(
    errand: Errand, graph: Graph, made: Mapping[str, Any], *, no_wait: bool, patience: float, needed: bool = False
) -> None:
    """Wait until *made* is decided, and say how. Raises DeniedByPerson, TimedOut."""
    id = str(made.get("id"))
    if _state(made) in WAITING:
        errand.screen.say(f"Asked: {id}. Approvers decide it.", "bold")
        errand.screen.event("requested", **made)
        if no_wait:
            errand.screen.say(f"  next:         ostiary request show {id}")
            if needed:
                raise TimedOut("nobody has decided yet", next_step=f"ostiary request show {id}")
            return
    until_ = errand.machine.monotonic() + patience
    while _state(made) in WAITING:
        left = until_ - errand.machine.monotonic()
        if left <= 0:
            raise TimedOut("nobody has decided yet; the request lives on", next_step=f"ostiary request show {id}")
        errand.machine.sleep(min(PACE, left))
        made = graph.get(path(REQUESTS, id))
    _told(errand, made, id)


def _told(errand: Errand, made: Mapping[str, Any], id: str) -> None:
    state = _state(made)
    if state in ("active", "approved"):
        _open(errand, made)
        return
    errand.screen.event("request_ended", **made)
    said = decisions(made)
    last = said[-1] if said else {}
    if state == "denied":
        raise DeniedByPerson(f"denied by {last.get('reviewedBy')}: {last.get('justification')}")
    if state == "lapsed":
        raise TimedOut("nobody decided in time", next_step="ask again")
    raise DeniedByPolicy(f"the request was {state}", next_step=f"ostiary request show {id}")


def _open(errand: Errand, made: Mapping[str, Any]) -> None:
    names = [str(d.get("reviewedBy")) for d in decisions(made)]
    by = f" (approved by {', '.join(names)})" if names else ""
    if narrowed(made, "waits"):
        errand.screen.say(
            f"Approved{by}: {length(made)} from the first sign-in, to be used{until(errand, made)}.", "green"
        )
    else:
        errand.screen.say(f"Open{until(errand, made)}{by}.", "green")
    if narrowed(made, "breakGlass"):
        errand.screen.say("! Break-glass: everybody was told, and a written review is owed.", "bold")
    errand.screen.say("  next:         ostiary login")
    errand.screen.event("exemption_open", **made)


VERBS: tuple[Verb, ...] = (
    ("request", request, COMMON),
    ("ensure", ensure, COMMON),
    ("extend", extend, COMMON),
    ("release", release, COMMON),
)
