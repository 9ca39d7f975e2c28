"""
Findings: what detections saw, one of them with all that is known of it, and the administrator's word on it. And the
rules, with what each has found and what policy has done about it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.responses import Response

from ostiary.core.detections.finding import CONFIRMED_PERSON, Severity, State
from ostiary.core.detections.published import BY_ID as PUBLISHED
from ostiary.core.detections.response import Response as Done
from ostiary.core.detections.rules import RULES
from ostiary.core.directory.permissions import Action
from ostiary.core.graph.audit import Audit
from ostiary.core.graph.finding import FINDING, RULE, ShownFinding, ShownRule
from ostiary.core.graph.query import Page, Query
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.outcome import Refused
from ostiary.core.words.said import said
from ostiary.core.words.visit import Visit
from ostiary.services.detections.list import list_findings, list_rules
from ostiary.services.detections.triage import confirm, dismiss
from ostiary.services.detections.view import FindingFile, view_finding
from ostiary.services.house import House
from ostiary.web.front import typed
from ostiary.web.pages.console.audit import by_whom, entry_path
from ostiary.web.pages.console.frame import console_page, may, missing, proof_asked, show, version_seen, version_typed
from ostiary.web.pages.console.lists import Choice, Column, How, List, Period, Search, Tag, by_look, listed, literal
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.console.people import person_path
from ostiary.web.pages.console.signins import story_path
from ostiary.web.pages.page import LONGEST_TEXT, Guest, go, keep
from ostiary.web.pages.texts import marked

__all__ = ["HELD_BACK", "LIST", "OF_RULES", "ROUTES", "SEVERITIES", "STATES", "finding_path", "said_of", "title_of"]

HERE = at("/console/findings")
SEVERITIES: Mapping[Severity, Tag] = {
    Severity.HIGH: Tag(marked("high"), "bad"), Severity.MEDIUM: Tag(marked("medium")), Severity.LOW: Tag(marked("low")),
}  # fmt: skip
"""The worst first."""
STATES = {
    State.OPEN: Tag(marked("open")), State.CONFIRMED: Tag(marked("confirmed"), "bad"),
    State.DISMISSED: Tag(marked("dismissed"), "good"),
}  # fmt: skip
_RESPONSES: Mapping[Done, str] = {
    Done.NOTE: marked("noted only"),
    Done.ALERT: marked("administrators are told"),
    Done.END_EXEMPTION: marked("the exemption behind it ends"),
    Done.REVOKE_SESSIONS: marked("the sign-in and its session end"),
    Done.BLOCK_SOURCE: marked("its source is blocked for a while"),
    Done.SUSPEND_APPLICATION: marked("device codes are turned off for its application"),
    Done.KILL_SWITCH: marked("the kill switch is pulled"),
}
_DONE: Mapping[Done, str] = {
    Done.END_EXEMPTION: marked("The exemption behind it was ended."),
    Done.REVOKE_SESSIONS: marked("The sign-in, or the session that it gave, was ended."),
    Done.BLOCK_SOURCE: marked("Its source was blocked for a while."),
    Done.SUSPEND_APPLICATION: marked("Device codes were turned off for its application."),
    Done.KILL_SWITCH: marked("The kill switch was pulled."),
}
_NOT_DONE: Mapping[Done, str] = {
    Done.END_EXEMPTION: marked("The exemption behind it was not ended."),
    Done.REVOKE_SESSIONS: marked("The sign-in and its session were not ended."),
    Done.BLOCK_SOURCE: marked("Its source was not blocked."),
    Done.SUSPEND_APPLICATION: marked("Device codes stay on for its application."),
    Done.KILL_SWITCH: marked("The kill switch was not pulled."),
}
HELD_BACK: Mapping[str, str] = {
    "nobodys_act": marked("Nobody's own act made it, as far as that is proved."),
    "allowed": marked("It tells of what people foresaw."),
    "reporter": marked("Whoever refuses a sign-in stops nothing for others."),
    "late": marked("It happened more than a day ago."),
    "few_people": marked("It was found about too few people."),
    "many_of_one": marked("As much was done about this person already as may be in an hour."),
    "many": marked("As much was done already as may be in an hour."),
}
"""The words of `held_back`, for people."""
_WORDS: Mapping[str, str] = {
    Kind.FINDING_RAISED: marked("It was found."),
    Kind.FINDING_CONFIRMED: marked("It was confirmed."),
    Kind.FINDING_DISMISSED: marked("It was dismissed as harmless."),
}


def finding_path(id: str) -> str:
    """The page of one finding."""
    return HERE.below(id)


def said_of(responses: Iterable[Done]) -> tuple[str, ...]:
    """What policy has done, for people."""
    return tuple(_RESPONSES[each] for each in responses)


def title_of(shown: ShownFinding) -> str:
    """What it is called."""
    if shown.kept.finding.rule == CONFIRMED_PERSON:
        return marked("An account that was confirmed as compromised")
    return said(shown.rule.title) if shown.rule is not None else shown.kept.finding.rule


def _ask(text: str) -> str:
    return by_look(text, "correlationId", lambda name: f"userPrincipalName eq {literal(name)}")


LIST = List(
    HERE,
    FINDING,
    list_findings,
    (
        Column("What", title_of, link=lambda f: finding_path(f.kept.finding.id)),
        Column("Severity", lambda f: SEVERITIES[f.kept.finding.severity], How.TAG),
        Column("State", lambda f: STATES[f.kept.state], How.TAG),
        Column("When", lambda f: f.kept.finding.at, How.MOMENT),
        Column("Person", lambda f: f.user_display_name or f.user_name),
        Column("From", lambda f: f.kept.finding.source, How.CODE),
    ),
    lead="What looked like abuse of device codes. The latest is first.",
    empty="Nothing was found yet.",
    search=Search(
        "User name, address or reference", "The whole of it: alice@example.com, 203.0.113.9, a sign-in's reference",
        _ask,
    ),
    choices=(
        Choice(
            "state", "State", lambda guest: [(str(key), tag.text) for key, tag in STATES.items()],
            lambda value: f"ostiary/state eq {literal(value)}",
        ),
        Choice(
            "severity", "Severity", lambda guest: [(str(key), tag.text) for key, tag in SEVERITIES.items()],
            lambda value: f"riskLevel eq {literal(value)}",
        ),
        Choice(
            "rule", "Rule", lambda guest: sorted(((rule.id, rule.title) for rule in RULES), key=lambda pair: pair[1]),
            lambda value: f"riskEventType eq {literal(value)}",
        ),
    ),
    period=Period("activityDateTime"),
    subject="findings",
    further=(
        (f"{HERE.path}/people", marked("Risky people")),
        (f"{HERE.path}/rules", marked("The rules, and what is done about what they find")),
    ),
)  # fmt: skip


async def _every_rule(house: House, visit: Visit, query: Query) -> Page[ShownRule]:
    return await list_rules(house, visit)


OF_RULES = List(
    HERE,
    RULE,
    _every_rule,
    (
        Column("Rule", lambda r: said(r.rule.title), link=lambda r: f"{HERE.path}?rule={r.rule.id}"),
        Column("Severity", lambda r: SEVERITIES[r.rule.severity], How.TAG),
        Column("What it sees", lambda r: said(r.rule.explanation)),
        Column("What is done", lambda r: said_of(r.responses or ()), How.TAG),
        Column("Found in 30 days", lambda r: str(r.found)),
        Column("Beyond its bounds, in a day", lambda r: str(r.held_back)),
    ),
    lead="What is looked for in each entry of the journal, and what policy has done about what is found.",
    empty="There are no rules.",
    path=f"{HERE.path}/rules",
    title="Rules",
)


async def _list(guest: Guest) -> Response:
    return await listed(guest, LIST)


async def _rules(guest: Guest) -> Response:
    return await listed(guest, OF_RULES)


def _id(guest: Guest) -> str:
    return guest.path("finding")[:64]


async def _page(guest: Guest, refused: Refused | None = None) -> Response:
    found = await view_finding(guest.house, guest.visit, _id(guest))
    if isinstance(found, Refused):
        return missing(guest, HERE, "There is no such finding.")
    kept = found.shown.kept
    finding, rule = kept.finding, found.shown.rule
    return show(
        guest, "finding.html", HERE, refused=refused, shown=found.shown, finding=finding, kept=kept, rule=rule,
        heading=title_of(found.shown), severity=SEVERITIES[finding.severity], state=STATES[kept.state],
        covers=[PUBLISHED[id] for id in rule.covers] if rule is not None else [],
        whose=person_path(finding.user) if finding.user and may(guest, Action.READ_DIRECTORY) else "",
        client=_client(guest, finding.client), story=story_path(finding.story) if found.story is not None else "",
        others=[(id, story_path(id)) for id in found.others], answers=_answers(found),
        history=[_word(each) for each in found.history], confirmed=said_of(found.policy.confirmed),
        words=_buttons(guest, kept.state), path=finding_path(finding.id),
        reason=guest.typed("reason")[:LONGEST_TEXT], me=guest.visit.caller.user, live="findings",
        seen=version_typed(guest, "seen", kept.version, refused),
    )  # fmt: skip


def _client(guest: Guest, id: str) -> str:
    known = {str(each): application.name for each, application in guest.house.desk.picture.applications.items()}
    return known.get(id, id)


def _answers(found: FindingFile) -> list[tuple[str, str, Any]]:
    """What was done, or not; why not; and when."""
    return [
        (_DONE[each.response], "", each.at)
        if each.done
        else (_NOT_DONE[each.response], HELD_BACK.get(each.outcome, each.outcome), each.at)
        for each in found.answers
    ]


def _word(entry: Audit) -> tuple[str, str, str, Any, str]:
    """What was said of it, by whom, why, when, and where the log says so."""
    why = str(entry.detail.get("reason") or "")
    return _WORDS[entry.entry.kind], by_whom(entry), why, entry.entry.at, entry_path(entry)


def _buttons(guest: Guest, state: State) -> frozenset[str]:
    """What the person before the page may say of it now."""
    if not may(guest, Action.TRIAGE_FINDINGS):
        return frozenset()
    return frozenset(_SAYS) - {_SAID.get(state, "")}


async def _confirm(guest: Guest, reason: str) -> ShownFinding | Refused:
    """Of any version: who makes a finding come again and again must not keep anybody from stopping them."""
    return await confirm(guest.house, guest.visit, _id(guest), reason)


async def _dismiss(guest: Guest, reason: str) -> ShownFinding | Refused:
    """Only of the version that was looked at; a form that names none saw none."""
    return await dismiss(guest.house, guest.visit, _id(guest), reason, seen=version_seen(guest, "seen"))


_SAYS = {"confirm": _confirm, "dismiss": _dismiss}
_SAID = {State.CONFIRMED: "confirm", State.DISMISSED: "dismiss"}


async def _say(guest: Guest) -> Response:
    say = _SAYS.get(guest.form.get("word", ""))
    if say is None:
        return await _page(guest)
    answer = await say(guest, guest.form.get("reason", "").strip()[:LONGEST_TEXT])
    back = finding_path(_id(guest))
    if not isinstance(answer, Refused):
        return go(back, typed.forget())
    return proof_asked(answer, back, keep(guest, _ONE)) or await _page(guest, answer)


_ONE = console_page(HERE, path=HERE.path + "/{finding}", get=_page, post=_say, keeps=("reason", "seen"))
ROUTES = (console_page(HERE, get=_list), console_page(HERE, path=OF_RULES.address, get=_rules), _ONE)
