"""
Risky people: whom findings make risky now, and the administrator's word on one of them as a whole.
"""

from collections.abc import Mapping
from urllib.parse import quote

from starlette.responses import Response

from ostiary.core.detections.response import Response as Done
from ostiary.core.detections.risk import level
from ostiary.core.directory.permissions import Action
from ostiary.core.graph.query import Compare, Query
from ostiary.core.graph.risky_user import RISKY_USER, RiskyUser
from ostiary.core.words.outcome import Refused
from ostiary.services.detections.list import list_findings
from ostiary.services.detections.risky_users import confirm_people, dismiss_people, find_risky_user, list_risky_users
from ostiary.services.detections.triage import look_at_responses
from ostiary.services.directory.people import find_user
from ostiary.web.front import typed
from ostiary.web.pages.console.findings import SEVERITIES, STATES, finding_path, title_of
from ostiary.web.pages.console.frame import (
    console_page,
    may,
    missing,
    proof_asked,
    seen,
    show,
    version_seen,
    version_typed,
)
from ostiary.web.pages.console.lists import Column, How, List, Tag, listed
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.console.people import person_path
from ostiary.web.pages.page import LONGEST_TEXT, Guest, go, keep
from ostiary.web.pages.texts import marked

__all__ = ["LIST", "ROUTES", "risk_path"]

HERE = at("/console/findings")
PATH = f"{HERE.path}/people"
MOST_FINDINGS = 20
NOT_RISKY = "none"
"""The version of whom nothing makes risky: there is nothing to dismiss."""
_LEVELS = {severity.value: tag for severity, tag in SEVERITIES.items()}
_OF_ALL: Mapping[Done, str] = {
    Done.END_EXEMPTION: marked("Every exemption of this person ends, and every request that waits."),
    Done.REVOKE_SESSIONS: marked("Every session and every open sign-in of this person ends."),
    Done.KILL_SWITCH: marked("The kill switch is pulled."),
}
"""What a confirmation does to all of somebody; what else policy may say is about one sign-in."""


def risk_path(id: str) -> str:
    """What was found about one person."""
    return f"{PATH}/{quote(id, safe='')}"


def _level(user: RiskyUser) -> Tag:
    return _LEVELS[level(user.rank)]


LIST = List(
    HERE,
    RISKY_USER,
    list_risky_users,
    (
        Column("Person", lambda u: u.display_name or u.name or u.id, link=lambda u: risk_path(u.id)),
        Column("User name", lambda u: u.name),
        Column("Risk", _level, How.TAG),
        Column("State", lambda u: Tag(marked("confirmed"), "bad") if u.confirmed else Tag(marked("at risk")), How.TAG),
        Column("Changed", lambda u: u.changed, How.MOMENT),
    ),
    lead="Whom findings make risky now, as policies about the risk of people see it.",
    empty="Nobody is risky.",
    subject="findings",
    path=PATH,
    title="Risky people",
)


async def _list(guest: Guest) -> Response:
    return await listed(guest, LIST)


def _id(guest: Guest) -> str:
    return guest.path("person")[:64]


async def _page(guest: Guest, refused: Refused | None = None) -> Response:
    """What makes the person risky is read before what is shown of it: what comes in between is seen and not meant."""
    house, visit = guest.house, guest.visit
    user = await find_user(house, visit, _id(guest))
    if isinstance(user, Refused):
        return missing(guest, HERE, "There is no such account.")
    risky = await find_risky_user(house, visit, user.id)
    about = await list_findings(house, visit, Query(filter=Compare("user", "eq", user.id), top=MOST_FINDINGS))
    policy = await look_at_responses(house, visit)
    done = () if isinstance(policy, Refused) else tuple(_OF_ALL[one] for one in policy.confirmed if one in _OF_ALL)
    version = NOT_RISKY if isinstance(risky, Refused) else risky.version
    return show(
        guest, "risky.html", HERE, refused=refused, user=user, whose=person_path(user.id),
        level=None if isinstance(risky, Refused) else _level(risky),
        confirmed=not isinstance(risky, Refused) and risky.confirmed,
        findings=[(each, title_of(each), finding_path(each.kept.finding.id), SEVERITIES[each.kept.finding.severity],
                   STATES[each.kept.state]) for each in seen(about)],
        done=done, says=may(guest, Action.TRIAGE_FINDINGS), path=risk_path(user.id), everyone=PATH,
        reason=guest.typed("reason")[:LONGEST_TEXT], me=visit.caller.user, live="findings people",
        version=version_typed(guest, "seen", version, refused),
    )  # fmt: skip


async def _say(guest: Guest) -> Response:
    """A confirmation is for whatever stands there, as that of a finding is; a dismissal for what was looked at."""
    ids, reason = [_id(guest)], guest.form.get("reason", "").strip()[:LONGEST_TEXT]
    match guest.form.get("word", ""):
        case "confirm":
            refused = await confirm_people(guest.house, guest.visit, ids, reason)
        case "dismiss":
            refused = await dismiss_people(guest.house, guest.visit, ids, reason, seen=version_seen(guest, "seen"))
        case _:
            return await _page(guest)
    back = risk_path(_id(guest))
    if refused is None:
        return go(back, typed.forget())
    return proof_asked(refused, back, keep(guest, _ONE)) or await _page(guest, refused)


_ONE = console_page(HERE, path=f"{PATH}/{{person}}", get=_page, post=_say, keeps=("reason", "seen"))
ROUTES = (console_page(HERE, path=PATH, get=_list), _ONE)
