"""
From the documents of a group's rules to something that can be applied: the only code that knows their fields.

Every problem is told at once with its JSON path. A rule that could not be enforced as it stands is refused on save
(R4); there is no such thing as a rule that is quietly not applied.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ostiary.core.access.sides import Problem, chosen, members
from ostiary.core.access.strengths import Strength
from ostiary.core.exemptions.compile_approval import read_approval
from ostiary.core.exemptions.exemption import HARD_CAP, SHORTEST
from ostiary.core.exemptions.hours import DAYS, Hours, Stretch, clock_minutes, zone_exists
from ostiary.core.exemptions.pattern import Pattern, read_pattern
from ostiary.core.exemptions.reading import flag, length, number, text
from ostiary.core.exemptions.rule_documents import DEFAULTS, OURS, RULE_IDS, rule_type
from ostiary.core.exemptions.rules import NARROWINGS, Checker, Clock, Rules
from ostiary.core.words.instants import Span, days, hours, minutes, to_iso_duration

__all__ = ["Compiled", "compile_rules"]

_COMMON = ("@odata.type", "id", "target", "ostiary")
LONGEST_ELIGIBILITY = days(3650)
LONGEST_WINDOW = hours(72)
CONSENT_WINDOW = (minutes(5), minutes(60))  # R5
MOST_STRETCHES = 21
CHECKERS = ("http",)

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Rules with what is wrong with them."""

    rules: Rules
    problems: tuple[Problem, ...] = ()


def compile_rules(documents: Mapping[str, Document]) -> Compiled:
    """
    Read the rules in *documents* (by id); one that is not there is the default.

    The problems' paths begin with the rule's place, ``$.rules['Expiration_EndUser_Assignment'].maximumDuration``.
    """
    problems = [Problem(f"$.rules['{id[:60]}']", "there is no such rule") for id in documents if id not in RULE_IDS]
    every = {id: documents.get(id, DEFAULTS[id]) for id in RULE_IDS}
    for id, document in every.items():
        _frame(id, document, problems)
    rules = _window(every["Expiration_EndUser_Assignment"], problems)
    rules = _assigned(every, rules, problems)
    rules = _enablement(every["Enablement_EndUser_Assignment"], rules, problems)
    rules = read_approval(every["Approval_EndUser_Assignment"], rules, problems)
    _context(every["AuthenticationContext_EndUser_Assignment"], problems)
    return Compiled(rules, tuple(problems))


_FIELDS: Mapping[str, tuple[str, ...]] = {
    "Expiration": ("isExpirationRequired", "maximumDuration"),
    "Enablement": ("enabledRules",),
    "Approval": ("setting",),
    "AuthenticationContext": ("isEnabled", "claimValue"),
}


def _place(id: str) -> str:
    return f"$.rules['{id}']"


def _frame(id: str, document: Document, problems: list[Problem]) -> None:
    """What all rules have: their type, their id, a target that is the one of this id."""
    place, kind = _place(id), id.partition("_")[0]
    members(dict(document), place, (*_COMMON, *_FIELDS[kind]), problems)
    members(document.get("ostiary"), f"{place}.ostiary", OURS[id], problems)
    if document.get("@odata.type") != rule_type(id):
        problems.append(Problem(f"{place}['@odata.type']", f"must be {rule_type(id)}"))
    if document.get("id", id) != id:
        problems.append(Problem(f"{place}.id", f"must be {id}"))
    target = members(document.get("target"), f"{place}.target", tuple(DEFAULTS[id]["target"]), problems)
    for name, meant in DEFAULTS[id]["target"].items():
        if not name.startswith("@") and target.get(name) not in (None, meant):
            problems.append(Problem(f"{place}.target.{name}", f"is {meant} for this rule and cannot be changed"))


def ours(document: Document) -> Document:
    """Our part of a rule."""
    found = document.get("ostiary")
    return found if isinstance(found, dict) else {}


def _window(document: Document, problems: list[Problem]) -> Rules:
    place, own, base = _place("Expiration_EndUser_Assignment"), ours(document), Rules()
    _required(document, place, problems)
    cap = to_iso_duration(HARD_CAP)
    longest = length(
        document.get("maximumDuration"), f"{place}.maximumDuration", SHORTEST, HARD_CAP, problems,
        f"must be {to_iso_duration(SHORTEST)} to {cap}: nothing is open for longer than {cap}",
    )  # fmt: skip
    place = f"{place}.ostiary"
    longest = longest or base.longest
    shortest = length(
        own.get("minimumDuration", "PT30M"), f"{place}.minimumDuration", SHORTEST, longest, problems,
        f"must be {to_iso_duration(SHORTEST)} to the maximum",
    )  # fmt: skip
    shortest = shortest or min(base.shortest, longest)
    given = own.get("defaultDuration")
    usual = (
        min(max(base.usual, shortest), longest)
        if given is None
        else length(given, f"{place}.defaultDuration", shortest, longest, problems, "must lie between the two ends")
    )
    clock = own.get("clock", Clock.FIRST_USE.value)
    if clock not in tuple(Clock):
        problems.append(Problem(f"{place}.clock", "must be firstUse or approval"))
        clock = Clock.FIRST_USE.value
    window = length(
        own.get("startWindow", "PT8H"), f"{place}.startWindow", minutes(5), LONGEST_WINDOW, problems,
        f"must be PT5M to {to_iso_duration(LONGEST_WINDOW)}",
    )  # fmt: skip
    consent = length(
        own.get("consentWindow", "PT30M"), f"{place}.consentWindow", *CONSENT_WINDOW, problems, "must be PT5M to PT1H"
    )
    pause = length(own.get("coolDown", "PT0S"), f"{place}.coolDown", Span(0), days(7), problems, "must be at most P7D")
    return Rules(
        shortest=shortest,
        longest=longest,
        usual=usual or longest,
        clock=Clock(clock),
        start_window=window or base.start_window,
        consent_window=consent or base.consent_window,
        cool_down=pause or Span(0),
        allowed=_hours(own.get("allowedHours"), f"{place}.allowedHours", problems),
    )


def _required(document: Document, place: str, problems: list[Problem]) -> None:
    if document.get("isExpirationRequired", True) is not True:
        problems.append(Problem(f"{place}.isExpirationRequired", "must be true: every exemption ends"))


def _hours(value: Any, place: str, problems: list[Problem]) -> Hours | None:
    if value is None:
        return None
    found = members(value, place, ("timeZone", "weekly"), problems)
    zone, weekly = found.get("timeZone"), found.get("weekly")
    if not isinstance(zone, str) or not zone_exists(zone):
        problems.append(Problem(f"{place}.timeZone", "must name a time zone that this machine knows: Europe/Zurich"))
        zone = ""
    if not isinstance(weekly, list) or not 0 < len(weekly) <= MOST_STRETCHES:
        problems.append(Problem(f"{place}.weekly", f"must be a list of 1 to {MOST_STRETCHES} stretches"))
        weekly = []
    stretches = [_stretch(each, f"{place}.weekly[{at}]", problems) for at, each in enumerate(weekly)]
    return Hours(zone, tuple(each for each in stretches if each is not None))


def _stretch(value: Any, place: str, problems: list[Problem]) -> Stretch | None:
    found = members(value, place, ("days", "from", "to"), problems)
    named = chosen(found.get("days"), f"{place}.days", DAYS, "a day of the week", problems)
    opens, closes = clock_minutes(found.get("from")), clock_minutes(found.get("to"))
    if not named:
        problems.append(Problem(f"{place}.days", "must name a day"))
    if opens is None or closes is None or opens >= closes:
        problems.append(Problem(place, "must go from a time such as 08:00 to a later one, 24:00 at most"))
        return None
    return Stretch(frozenset(DAYS.index(day) for day in named if day in DAYS), opens, closes)


def _assigned(every: Mapping[str, Document], rules: Rules, problems: list[Problem]) -> Rules:
    """What administrators may give: windows and eligibilities."""
    direct, place = every["Expiration_Admin_Assignment"], _place("Expiration_Admin_Assignment")
    _required(direct, place, problems)
    most = length(
        direct.get("maximumDuration"), f"{place}.maximumDuration", SHORTEST, hours(4), problems,
        "must be PT5M to PT4H: administrators open no longer ones",
    )  # fmt: skip
    eligible, place = every["Expiration_Admin_Eligibility"], _place("Expiration_Admin_Eligibility")
    permanent = not flag(eligible.get("isExpirationRequired"), f"{place}.isExpirationRequired", problems, default=True)
    longest = length(
        eligible.get("maximumDuration", "P365D"), f"{place}.maximumDuration", hours(1), LONGEST_ELIGIBILITY, problems,
        "must be PT1H to P3650D",
    )  # fmt: skip
    for id in ("Enablement_Admin_Assignment", "Enablement_Admin_Eligibility"):
        named = chosen(
            every[id].get("enabledRules"), f"{_place(id)}.enabledRules", ("Justification", "MultiFactorAuthentication"),
            "enforced for administrators: Justification and MultiFactorAuthentication are, always", problems,
        )  # fmt: skip
        if "Justification" not in named:
            problems.append(Problem(f"{_place(id)}.enabledRules", "must name Justification: administrators say why"))
    return replace(
        rules,
        assigned_longest=most or rules.assigned_longest,
        eligible_longest=None if permanent else longest or rules.eligible_longest,
    )


_ENABLED = ("MultiFactorAuthentication", "Justification", "Ticketing")


def _enablement(document: Document, rules: Rules, problems: list[Problem]) -> Rules:
    place, own = _place("Enablement_EndUser_Assignment"), ours(document)
    named = chosen(document.get("enabledRules"), f"{place}.enabledRules", _ENABLED, "a rule that is known", problems)
    place = f"{place}.ostiary"
    reasoned, ticket = "Justification" in named, "Ticketing" in named
    pattern = _pattern(own.get("justificationPattern"), f"{place}.justificationPattern", problems)
    if pattern is not None and not reasoned:
        problems.append(Problem(f"{place}.justificationPattern", "needs Justification among enabledRules"))
    tickets = _pattern(own.get("ticketPattern"), f"{place}.ticketPattern", problems)
    checker = _checker(own.get("ticketCheck"), f"{place}.ticketCheck", problems)
    for name, value in (("ticketPattern", tickets), ("ticketCheck", checker)):
        if value is not None and not ticket:
            problems.append(Problem(f"{place}.{name}", "needs Ticketing among enabledRules"))
    narrow = chosen(own.get("narrowing"), f"{place}.narrowing", NARROWINGS, f"one of {', '.join(NARROWINGS)}", problems)
    return replace(
        rules,
        mfa="MultiFactorAuthentication" in named,
        strength=strength(own.get("authenticationStrength"), f"{place}.authenticationStrength", problems),
        trusted_device=flag(own.get("trustedDevice"), f"{place}.trustedDevice", problems),
        reasoned=reasoned,
        pattern=pattern,
        ticket=ticket,
        ticket_pattern=tickets,
        checker=checker,
        narrow=frozenset(narrow),
        most_sign_ins=number(own.get("maximumSignIns"), f"{place}.maximumSignIns", 1, 1000, problems),
    )


def strength(value: Any, place: str, problems: list[Problem]) -> Strength | None:
    """A built-in authentication strength by its id, or null."""
    if value is None:
        return None
    if value not in tuple(Strength):
        problems.append(Problem(place, "must be the id of a built-in authentication strength"))
        return None
    return Strength(value)


def _pattern(value: Any, place: str, problems: list[Problem]) -> Pattern | None:
    if value is None:
        return None
    found = read_pattern(value) if isinstance(value, str) else "must be a text"
    if isinstance(found, Pattern):
        return found
    problems.append(Problem(place, found))
    return None


def _checker(value: Any, place: str, problems: list[Problem]) -> Checker | None:
    if value is None:
        return None
    found = members(value, place, ("kind", "url", "statePath", "openStates"), problems)
    kind, address = found.get("kind"), text(found.get("url"), f"{place}.url", problems, most=1000)
    if kind not in CHECKERS:
        problems.append(Problem(f"{place}.kind", f"must be one of {', '.join(CHECKERS)}"))
    host, _, rest = address.removeprefix("https://").partition("/")
    if not address.startswith("https://") or not host or "{" in host or rest.count("{ticket}") != 1:
        problems.append(Problem(f"{place}.url", "must be https://host/… with {ticket} once after the host"))
    states = found.get("openStates") or []
    named = states if isinstance(states, list) and all(isinstance(s, str) and s for s in states) else None
    path = text(found.get("statePath") or "", f"{place}.statePath", problems, most=200)
    if named is None or len(named) > 50 or bool(named) != bool(path):
        problems.append(Problem(f"{place}.openStates", "must be a list of texts, and come together with statePath"))
    return Checker(
        str(kind), address, tuple(path.split(".")) if path else (), frozenset(s.lower() for s in named or ())
    )


def _context(document: Document, problems: list[Problem]) -> None:
    place = _place("AuthenticationContext_EndUser_Assignment")
    if flag(document.get("isEnabled"), f"{place}.isEnabled", problems):
        text_ = "is not supported: ask for ostiary.authenticationStrength in Enablement_EndUser_Assignment"
        problems.append(Problem(f"{place}.isEnabled", text_))
