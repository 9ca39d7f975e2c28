"""
What if somebody signed in so: the decision and what each policy says, by the admin API's own question. Changes nothing.
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from ostiary.core.access.decision import Outcome, Result
from ostiary.core.graph.error import Invalid
from ostiary.core.tokens.scopes import OPENID, asked_scopes
from ostiary.core.words.ids import AppId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said
from ostiary.services.access.what_if import what_if
from ostiary.services.directory.people import find_user
from ostiary.web.pages.console.frame import console_page, show
from ostiary.web.pages.console.lists import Tag
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.console.policy_words import CONDITION, RESULTS
from ostiary.web.pages.page import Guest
from ostiary.web.pages.texts import marked

__all__ = ["ROUTES"]

HERE = at("/console/policies")
PATH = HERE.below("what-if")
LONGEST = 1024  # characters of one field
FIELDS = (
    "person", "application", "scopes", "way", "client", "address", "country", "requester", "platform", "factor",
    "device", "machine", "signin_risk", "user_risk", "exemption",
)  # fmt: skip
ALONE = "alone"
WAYS = (
    ("device", marked("With a device code")), ("browser", marked("In a browser")),
    (ALONE, marked("An application alone, no person")),
)  # fmt: skip
_OF_PEOPLE = (
    "person", "requester", "platform", "factor", "device", "machine", "signin_risk", "user_risk", "exemption",
)  # fmt: skip
"""What an application that asks alone has not: it asks from one place, and nobody is there who could prove anything."""
PLATFORMS = ("android", "iOS", "windows", "macOS", "linux")
RISKS = ("none", "low", "medium", "high")
DEVICES = (
    ("none", marked("None of the inventory")), ("managed", marked("A managed one")),
    ("compliant", marked("A managed, compliant one")),
)  # fmt: skip
FACTORS = (
    ("no", marked("A password alone")), ("yes", marked("A password and a second factor")), ("key", marked("A passkey")),
)  # fmt: skip
_PROVED = {"no": ["pwd"], "yes": ["pwd", "otp", "mfa"], "key": ["hwk", "pop", "mfa"]}
_CHOSEN: Mapping[str, tuple[str, ...]] = {
    "way": tuple(value for value, _ in WAYS), "platform": PLATFORMS, "signin_risk": RISKS, "user_risk": RISKS,
    **dict.fromkeys(("device", "machine"), tuple(value for value, _ in DEVICES)), "factor": tuple(_PROVED),
    "exemption": ("yes",),
}  # fmt: skip
OUTCOMES = {
    Outcome.ALLOWED: (Tag("allowed", "good"), marked("Policy lets it through.")),
    Outcome.BLOCKED: (Tag("blocked", "bad"), marked("Policy says no.")),
    Outcome.CONTROLS: (Tag("not yet"), marked("Policy asks for more first.")),
    Outcome.UNJUDGED: (Tag("cannot be judged"), marked("It turns on something that was not told.")),
}
_ORDER = {result: number for number, result in enumerate((Result.FAILURE, Result.SUCCESS, Result.REPORT_FAILURE))}


async def _ask(guest: Guest) -> Response:
    typed = {name: guest.query[name].strip()[:LONGEST] for name in FIELDS if guest.query.get(name, "").strip()}
    answer = await _answer(guest, typed) if typed else None
    refused = answer if isinstance(answer, Refused) else None
    told: Mapping[str, Any] | None = None if isinstance(answer, Refused) else answer
    return show(
        guest, "what_if.html", HERE, refused=refused, typed=typed, path=PATH, applications=_applications(guest),
        ways=WAYS, platforms=PLATFORMS, risks=RISKS, devices=DEVICES, factors=FACTORS,
        outcome=None if told is None else OUTCOMES[Outcome(told["ostiary"]["outcome"])],
        missing=() if told is None else told["ostiary"]["missing"],
        rows=() if told is None else sorted(map(_row, told["value"]), key=lambda row: (row["order"], row["name"])),
    )  # fmt: skip


async def _answer(guest: Guest, typed: Mapping[str, str]) -> dict[str, Any] | Refused:
    for name in typed:
        if len(guest.query[name].strip()) > LONGEST:
            return Refused(Reason.INVALID_VALUE, "That is too long to be read.", field=name)
    for name, values in _CHOSEN.items():
        if name in typed and typed[name] not in values:
            return Refused(Reason.INVALID_VALUE, "That cannot be chosen.", field=name)
    applications = dict(_applications(guest))
    if typed.get("application") not in applications:
        return Refused(Reason.INVALID_VALUE, "Choose what the sign-in is for.", field="application")
    if "client" in typed and typed["client"] not in applications:
        return Refused(Reason.INVALID_VALUE, "That cannot be chosen.", field="client")
    who = await _who(guest, typed)
    if isinstance(who, Refused):
        return who
    scopes = _scopes(guest, typed)
    if isinstance(scopes, Refused):
        return scopes
    found = await what_if(guest.house, guest.visit, _question(typed, who, scopes))
    if isinstance(found, Invalid):
        first = found.problems[0]
        where, what = first.path.rpartition(".")[2], first.message[:200]
        return Refused(Reason.INVALID_VALUE, said("%(where)s: %(what)s", where=where, what=what))
    return found


async def _who(guest: Guest, typed: Mapping[str, str]) -> dict[str, str] | Refused:
    """Graph's `signInIdentity`: the person who was named, or the application that asks alone."""
    if typed.get("way") == ALONE:
        for name in _OF_PEOPLE:
            if name in typed:
                text = "An application alone has no person, proof, machine, risk or exemption: leave these empty."
                return Refused(Reason.INVALID_VALUE, text, field=name)
        if "client" not in typed:
            return Refused(Reason.INVALID_VALUE, "Choose which application asks.", field="client")
        return {"servicePrincipalId": typed["client"]}
    user = await find_user(guest.house, guest.visit, typed.get("person", ""))
    if isinstance(user, Refused):
        return Refused(Reason.NOT_FOUND, "There is no such person.", field="person")
    return {"userId": user.id}


def _scopes(guest: Guest, typed: Mapping[str, str]) -> list[str] | Refused:
    """What is asked for, by names that the resource has or OpenID Connect."""
    resource = guest.house.desk.picture.applications[AppId(typed["application"])]
    known = {*OPENID, *(scope.value for scope in resource.scopes)}
    names = typed.get("scopes", "").split()
    for name in names:
        if name not in known:
            wrong = said("Not a scope of this resource: %(scope)s", scope=name[:100])
            return Refused(Reason.INVALID_VALUE, wrong, field="scopes")
    return sorted(asked_scopes(names))


def _question(typed: Mapping[str, str], who: Mapping[str, str], scopes: list[str]) -> dict[str, Any]:
    """The body of Graph's question, as the admin API hands it on."""
    browser, alone = typed.get("way") == "browser", typed.get("way") == ALONE
    machine = typed.get("address" if browser else "requester", "")
    facts: dict[str, Any] = {} if alone else {"transferMethod": None if browser else "deviceCodeFlow"}
    facts |= {"application": typed["client"]} if "client" in typed else {}
    facts |= {"scopes": scopes} if "scopes" in typed else {}
    facts |= {"requester": {"address": machine}} if machine else {}
    facts |= {"amr": _PROVED[typed["factor"]], "proofAge": 0} if "factor" in typed else {}
    for name, fact in (("device", "personDevice"), ("machine", "requesterDevice")):
        if name in typed:
            held = {"id": "simulated", "managed": True, "compliant": typed[name] == "compliant"}
            facts[fact] = None if typed[name] == "none" else held
    conditions = {
        "clientAppType": None if alone else "browser" if browser else "mobileAppsAndDesktopClients",
        "ipAddress": typed.get("address"),
        "country": typed.get("country", "").upper(), "devicePlatform": typed.get("platform"),
        "signInRiskLevel": typed.get("signin_risk"), "userRiskLevel": typed.get("user_risk"),
    }  # fmt: skip
    return {
        "identity": who,
        "context": {"includeApplications": [typed["application"]]},
        "conditions": {name: value for name, value in conditions.items() if value},
        "ours": {"facts": facts, "exemption": typed.get("exemption") == "yes"},
    }


def _row(told: Mapping[str, Any]) -> dict[str, Any]:
    """One policy's verdict: what it says, and what decided."""
    ours = told["ostiaryAnalysis"]
    result = Result(ours["result"])
    condition, doubt = ours["condition"], ours.get("unknown")
    return {
        "id": told["id"], "name": str(ours["displayName"]), "verdict": RESULTS[result], "missing": ours["missing"],
        "condition": CONDITION.get(condition, condition) if condition else "",
        "doubt": CONDITION.get(doubt, doubt) if doubt else "", "order": _ORDER.get(result, len(_ORDER)),
        "blocks": "block" in ours["controls"] and result in (Result.FAILURE, Result.REPORT_FAILURE),
    }  # fmt: skip


def _applications(guest: Guest) -> list[tuple[str, str]]:
    """What tokens may be for."""
    found = guest.house.desk.picture.applications
    return sorted(((str(id), each.name) for id, each in found.items()), key=lambda pair: pair[1].casefold())


ROUTES = (console_page(HERE, path=PATH, get=_ask),)
