"""
A policy in words: whom and what it means, whom it does not, and what it demands.

Reads what `core/access/compile.py` made of the document, never the document itself: what stands here is what is
enforced.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from ostiary.core.access.compile import UNREADABLE, Policy, State
from ostiary.core.access.conditions import (
    CONDITIONS,
    applications,
    authentication_flows,
    client_app_types,
    client_applications,
    locations,
    platforms,
    requester_locations,
    sign_in_risk_levels,
    user_risk_levels,
    users,
)
from ostiary.core.access.controls import Control, sign_in_frequency
from ostiary.core.access.decision import Result
from ostiary.core.access.facts import TRUSTED
from ostiary.core.access.filters import PERSON, REQUESTER
from ostiary.core.access.sides import ANY, Sides
from ostiary.core.words.instants import Span
from ostiary.core.words.said import Said, counted
from ostiary.web.pages.console.lists import Tag
from ostiary.web.pages.texts import marked

__all__ = ["CONDITION", "RESULTS", "STATES", "Row", "Term", "about", "demands", "limits", "meant", "shortly", "terms"]

STATES = {
    State.ENABLED: Tag("on", "good"),
    State.REPORT_ONLY: Tag("report-only"),
    State.DISABLED: Tag("off"),
}
RESULTS = {
    Result.SUCCESS: Tag("satisfied", "good"),
    Result.FAILURE: Tag("says no", "bad"),
    Result.NOT_APPLIED: Tag("does not apply"),
    Result.NOT_ENABLED: Tag("is off"),
    Result.REPORT_SUCCESS: Tag("report-only: satisfied", "good"),
    Result.REPORT_FAILURE: Tag("report-only: would say no", "bad"),
    Result.REPORT_NOT_APPLIED: Tag("report-only: does not apply"),
    Result.UNKNOWN: Tag("cannot be judged"),
}
CONDITION: Mapping[str, str] = {
    users.NAME: marked("Who"),
    applications.NAME: marked("What for"),
    client_app_types.NAME: marked("With which sort of program"),
    authentication_flows.NAME: marked("How the sign-in travels"),
    platforms.NAME: marked("System of the person's browser"),
    locations.NAME: marked("Where the person is"),
    sign_in_risk_levels.NAME: marked("Risk of the sign-in"),
    user_risk_levels.NAME: marked("Risk of the person"),
    client_applications.NAME: marked("Which workloads"),
    requester_locations.NAME: marked("Where the machine is"),
    PERSON: marked("Device of the person"),
    REQUESTER: marked("The machine"),
}
_EVERYBODY: Mapping[str, str] = {
    users.NAME: marked("everybody"),
    applications.NAME: marked("every application"),
    client_app_types.NAME: marked("every sort"),
    platforms.NAME: marked("every system"),
    locations.NAME: marked("everywhere"),
    client_applications.NAME: marked("everybody"),
    requester_locations.NAME: marked("everywhere"),
}
_WORDS: Mapping[str, str] = {
    "role:administrator": marked("administrators"),
    "role:approver": marked("approvers"),
    "role:auditor": marked("auditors"),
    TRUSTED: marked("every trusted location"),
    client_applications.EVERY: marked("every workload"),
    "deviceCodeFlow": marked("with a device code"),
    "authenticationTransfer": marked("by authentication transfer"),
    "browser": marked("browsers"),
    "mobileAppsAndDesktopClients": marked("apps and programs of the command line"),
    "exchangeActiveSync": marked("Exchange ActiveSync"),
    "other": marked("other programs"),
    "none": marked("no risk known"),
    "low": marked("low"),
    "medium": marked("medium"),
    "high": marked("high"),
}
_CONTROLS: Mapping[str, str] = {
    "block": marked("It is blocked."),
    "mfa": marked("a second factor"),
    "compliantDevice": marked("a compliant device of the person"),
    "numberConfirmation": marked("the number, confirmed at the machine"),
    "startTicket": marked("a start ticket"),
    "referenceBinding": marked("the reference of the request, typed by the person"),
    "machineBinding": marked("the machine's name, typed by the person"),
    UNREADABLE.name: marked("something that cannot be read, so that nobody satisfies it"),
}
_VALUED: Mapping[str, str] = {
    "authenticationStrength": marked("authentication strength: %(which)s"),
    "proximity": marked("machine and person near each other: %(which)s"),
    "requesterDevice": marked("the machine, in the inventory: %(which)s"),
    "scopes": marked("what is asked for: %(which)s"),
    **dict.fromkeys(sign_in_frequency.NAMES, marked("a proof not older than: %(which)s")),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One of those that a condition names."""

    text: str
    link: str = ""
    gone: bool = False
    """It names something that is not there any more."""
    ours: bool = False
    """A word of ours, which has a translation."""


@dataclass(frozen=True, slots=True)
class Row:
    """One condition: whom it means, and whom it leaves out all the same."""

    title: str
    include: tuple[Term, ...]
    exclude: tuple[Term, ...] = ()


def meant(policy: Policy, names: Mapping[str, str]) -> Iterator[Row]:
    """Each condition that is set, in words; *names* as `services/access/view.py` finds them."""
    for condition, side in zip(CONDITIONS, policy.sides, strict=True):
        if side != ANY or condition.REQUIRED:
            included = _terms(condition.NAME, side, side.include, names)
            yield Row(CONDITION[condition.NAME], included, terms(condition.NAME, side.exclude, names))
    for one in policy.filters:
        rule = (Term(one.text),)
        yield Row(CONDITION[one.name], () if one.exclude else rule, rule if one.exclude else ())


def _terms(condition: str, side: Sides, keys: frozenset[str], names: Mapping[str, str]) -> tuple[Term, ...]:
    if side.everyone:
        return (Term(_EVERYBODY.get(condition, marked("all")), ours=True),)
    return terms(condition, keys, names) or (Term(marked("nobody"), ours=True),)


def terms(condition: str, keys: frozenset[str], names: Mapping[str, str]) -> tuple[Term, ...]:
    """What *keys* of *condition* are called, by name."""
    return tuple(sorted((_term(condition, key, names) for key in keys), key=lambda term: term.text.casefold()))


def _term(condition: str, key: str, names: Mapping[str, str]) -> Term:
    if key in _WORDS:
        return Term(_WORDS[key], ours=True)
    if condition in (platforms.NAME, client_app_types.NAME, authentication_flows.NAME):
        return Term(key)
    kind, _, id = key.rpartition(":")
    link = {"user": f"/console/people/{quote(id)}", "group": f"/console/groups/{quote(id)}"}.get(kind, "")
    if condition == applications.NAME:
        link = f"/console/applications/{quote(id)}"
    found = names.get(key)
    return Term(id, gone=True) if found is None else Term(found, link)


def demands(policy: Policy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What Graph's grant demands, all or one of it (`Policy.every`), and what is demanded besides."""
    return tuple(map(_demanded, policy.controls)), tuple(map(_demanded, policy.also))


def _demanded(control: Control) -> str:
    if control.name in _VALUED and control.said:
        return Said.made(_VALUED[control.name], {"which": control.said})
    return _CONTROLS.get(control.name, control.label)


def limits(policy: Policy) -> tuple[tuple[str, Span], ...]:
    """What it narrows without saying no."""
    found = (
        (marked("Access tokens live at most"), policy.limits.access),
        (marked("Sessions live at most"), policy.limits.session),
    )
    return tuple((title, span) for title, span in found if span is not None)


def about(policy: Policy) -> tuple[str, ...]:
    """Whom and what it names, for a list: who, how the sign-in travels, and which further conditions are set."""
    sides = dict(zip((each.NAME for each in CONDITIONS), policy.sides, strict=True))
    who = sides.pop(users.NAME)
    found = [
        _told(_EVERYBODY[users.NAME])
        if who.everyone
        else counted("%(count)s named", "%(count)s named", len(who.include))
    ]
    if who.exclude:
        found.append(counted("%(count)s left out", "%(count)s left out", len(who.exclude)))
    flows = sorted(sides.pop(authentication_flows.NAME).include)
    found += [_told(_WORDS.get(flow, flow)) for flow in flows]
    found += [_told(CONDITION[name]) for name, side in sides.items() if side != ANY]
    return (*found, *(_told(CONDITION[one.name]) for one in policy.filters))


def _told(text: str) -> Said:
    """A text that is marked above, for a page that says it by itself."""
    return Said.made(text, {})


def shortly(policy: Policy) -> tuple[str, ...]:
    """What it demands, for a list."""
    if policy.blocks:
        return ("block",)
    return tuple(dict.fromkeys(control.name for control in policy.demands)) or ("limits",)
