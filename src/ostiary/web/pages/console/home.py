"""
The console's first page: how the guardrails stand, who is open now, what waits, and the latest sign-ins.
"""

from dataclasses import dataclass, replace

from starlette.responses import Response

from ostiary.core.access.compile import State
from ostiary.core.access.guardrail import guards
from ostiary.core.access.kill_switch import KillSwitch
from ostiary.core.access.picture import Picture
from ostiary.core.detections.finding import Finding
from ostiary.core.directory.people import Role
from ostiary.core.graph.query import And, Compare, Query
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Span, after, days
from ostiary.core.words.outcome import Refused
from ostiary.services.detections.view import open_findings
from ostiary.services.exemptions.counts import exemptions_by_day, sign_ins_by_hour
from ostiary.services.exemptions.requests import list_requests
from ostiary.services.house import House, able
from ostiary.services.logs.list import audits
from ostiary.services.logs.sign_ins import signins
from ostiary.web.pages.console.charts import Bar, Chart
from ostiary.web.pages.console.exemptions import end_way, every, exemption_path
from ostiary.web.pages.console.findings import SEVERITIES, finding_path
from ostiary.web.pages.console.frame import seen, show
from ostiary.web.pages.console.lists import Tag
from ostiary.web.pages.console.navigation import at, open_to
from ostiary.web.pages.console.signins import result, story_path
from ostiary.web.pages.page import Guest, go
from ostiary.web.pages.page import Page as Served
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]

HERE = at("/console")
MOST_OPEN, MOST_WAITING, MOST_SIGN_INS, MOST_ALERTS, MOST_FINDINGS = 20, 5, 8, 5, 5
RECENT = days(1)
"""How long an alert stands on the page."""
_BLOCK = {
    State.ENABLED: Tag("on", "good"),
    State.REPORT_ONLY: Tag("only reports", "bad"),
    State.DISABLED: Tag("off", "bad"),
}


_SORTS = ((marked("succeeded"), "good"), (marked("failed"), "bad"), (marked("under way"), "plain"))
_HOUR, _DAY = marked("d MMM, HH:'00'"), marked("d MMM")
_OPEN_ONES = "/console/findings?state=open"
_OPENED = ((marked("opened"), "plain"),)


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One thing that keeps the house closed."""

    title: str
    tag: Tag
    says: str


@dataclass(frozen=True, slots=True)
class Open:
    """Findings that nobody has said anything of."""

    counts: tuple[tuple[Tag, int, str], ...]
    """Severity, how many, and where they are listed."""
    worst: tuple[tuple[Finding, str], ...]
    """The latest of the worst, and where each is told."""


async def _show(guest: Guest) -> Response:
    house, visit = guest.house, guest.visit
    await house.desk.reload()
    open_now = await every(house, visit, Query(filter=Compare("state", "eq", "active"), top=MOST_OPEN))
    waiting = await list_requests(house, visit, Query(filter=Compare("state", "eq", "waiting"), top=MOST_WAITING))
    latest = await signins(house, visit, Query(top=MOST_SIGN_INS))
    since = Compare("at", "ge", after(visit.now, Span(-RECENT)))
    alerts = await audits(house, visit, Query(filter=And(Compare("kind", "eq", Kind.ALERT), since), top=MOST_ALERTS))
    return show(
        guest, "home.html", HERE, guardrails=guardrails(house, house.desk.picture),
        open_now=[(each, exemption_path(each.exemption.id), end_way(guest, each)) for each in seen(open_now)],
        waiting=seen(waiting), latest=[(each, result(each), story_path(each.id)) for each in seen(latest)],
        alerts=seen(alerts), findings=await _findings(guest), charts=await _charts(guest),
        live="signins exemptions policies alerts findings", reloads=True,
    )  # fmt: skip


async def _findings(guest: Guest) -> Open | None:
    """What waits for an administrator's word; None where it could not be counted in time, or there is nothing."""
    found = await open_findings(guest.house, MOST_FINDINGS)
    if found is None or not found.worst:
        return None
    counts = [
        (SEVERITIES[level], count, f"{_OPEN_ONES}&severity={level.value}") for level, count in found.counts.items()
    ]
    worst = [(each.finding, finding_path(each.finding.id)) for each in found.worst]
    return Open(tuple(counts), tuple(worst))


async def _charts(guest: Guest) -> list[Chart]:
    """Of what the person before the page may see, and could be counted in time."""
    by_hour = await sign_ins_by_hour(guest.house, guest.visit)
    by_day = await exemptions_by_day(guest.house, guest.visit)
    found = []
    if by_hour is not None and not isinstance(by_hour, Refused):
        bars = tuple(Bar(guest.texts.shaped(each.start, _HOUR), each.numbers) for each in by_hour)
        says = marked("For each hour, sign-ins that succeeded, that failed and that are under way.")
        found.append(Chart("hours", "Sign-ins of the last 24 hours, by result", says, "Hour (UTC)", _SORTS, bars))
    if by_day is not None and not isinstance(by_day, Refused):
        bars = tuple(Bar(guest.texts.shaped(each.start, _DAY), each.numbers) for each in by_day)
        says = marked("For each day, how many exemptions were opened.")
        found.append(Chart("days", "Exemptions opened in the last 14 days", says, "Day (UTC)", _OPENED, bars))
    return found


def guardrails(house: House, picture: Picture) -> tuple[Guardrail, ...]:
    """What keeps the house closed, and what this process knows to be wrong with it."""
    return (_block(picture), _switch(picture.switch), *_warnings(house, picture))


def _block(picture: Picture) -> Guardrail:
    """The policy that blocks device codes for everybody; the strictest state of those there are counts."""
    would = [policy for policy in picture.policies.policies if guards(replace(policy, state=State.ENABLED))]
    states = {policy.state for policy in would}
    state = next((each for each in (State.ENABLED, State.REPORT_ONLY) if each in states), State.DISABLED)
    says = {
        State.ENABLED: marked("Device codes are blocked for everybody who has no exemption."),
        State.REPORT_ONLY: marked("The policy that would block device codes only writes down what it would do."),
        State.DISABLED: marked("No policy blocks device codes for everybody."),
    }[state]
    return Guardrail("Block of device codes", _BLOCK[state], says)


def _switch(switch: KillSwitch) -> Guardrail:
    if switch.on:
        return Guardrail("Kill switch", Tag("pulled", "bad"), "Every device sign-in is stopped.")
    return Guardrail("Kill switch", Tag("not pulled", "good"), "Device sign-ins are judged by policy.")


def _warnings(house: House, picture: Picture) -> list[Guardrail]:
    found = []
    if not able(house):
        says = marked("Nothing can be acknowledged at the moment: the disk or the clock of this server is in trouble.")
        found.append(Guardrail("This server", Tag("in trouble", "bad"), says))
    if picture.organisation.sample:
        says = marked("This is the sample organisation: never use it for real people.")
        found.append(Guardrail("Organisation", Tag("sample", "bad"), says))
    return found


async def _enter(guest: Guest) -> Response:
    """Whoever has another home than this page is sent there."""
    if HERE in open_to(guest.visit.caller, guest.visit.now):
        return await _show(guest)
    return go("/approvals" if Role.APPROVER in guest.visit.caller.roles else "/account")


ROUTES = (Served(HERE.path, get=_enter, signed_in=True),)
