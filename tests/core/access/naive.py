"""
The engine a second time, written for the eye: reads the JSON documents one by one, with no index and no masks.

Used only to compare. Answers with the outcome, and for each policy whether it applies: yes, no or None for "nobody
knows".
"""

from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

from ostiary.core.access.facts import TRUSTED, UNKNOWN, DeviceFacts, Facts, Place, Treat
from tests.core.access.dice import RULES, STRENGTHS

Truth = bool | None


def both(*answers: Truth) -> Truth:
    """Kleene's and."""
    return False if False in answers else None if None in answers else True


def either(*answers: Truth) -> Truth:
    """Kleene's or."""
    return True if True in answers else None if None in answers else False


def no(answer: Truth) -> Truth:
    """Kleene's not."""
    return None if answer is None else not answer


# ---- does it apply?


def listed(names: Any, value: Any) -> Truth:
    """Whether a known value is among *names*; an unknown one may be, if there are any."""
    if value is UNKNOWN:
        return None if names else False
    return value in (names or ())


def inside(names: Any, place: Place) -> Truth:
    """Whether *place* is in one of the named locations."""
    if place.named is UNKNOWN:
        return None if names else False
    answers = [True if n in place.named else None if n in place.unsure else False for n in names or ()]
    return either(*answers, False)


def applies(document: dict[str, Any], facts: Facts) -> Truth:
    """Whether the policy's assignments match."""
    c = document["conditions"]
    users, apps = c["users"], c["applications"]
    workloads = c.get("clientApplications") or {}
    somebody = facts.user is not None and UNKNOWN in (facts.user, facts.groups, facts.roles)

    def who(side: str) -> Truth:
        keys = [users.get(f"{side}{kind}") or [] for kind in ("Users", "Groups", "Roles")]
        if "All" in keys[0]:
            return True
        if facts.user is None:
            return False
        if somebody:
            return None if any(keys) and keys != [["None"], [], []] else False
        known: Any = facts
        return either(known.user in keys[0], bool(known.groups & set(keys[1])), bool(known.roles & set(keys[2])))

    def where(part: Any, place: Place) -> Truth:
        if not part:
            return True
        included = "All" in part["includeLocations"] or inside(part["includeLocations"], place)
        return both(included, no(inside(part.get("excludeLocations"), place)))

    flow = {m for m in ((c.get("authenticationFlows") or {}).get("transferMethods") or "").split(",") if m}
    platforms, ours = c.get("platforms"), (document.get("ostiary") or {}).get("conditions") or {}
    nobody = not any(set(names) - {"None"} for names in users.values() if names)
    return both(
        (nobody and bool(workloads.get("includeServicePrincipals"))) or both(who("include"), no(who("exclude"))),
        both(
            not workloads.get("includeServicePrincipals")
            or workload(workloads["includeServicePrincipals"], facts.service_principal),
            no(workload(workloads.get("excludeServicePrincipals"), facts.service_principal)),
        ),
        both(
            "All" in (apps["includeApplications"]) or listed(apps["includeApplications"], facts.resource),
            no(listed(apps.get("excludeApplications"), facts.resource)),
        ),
        "all" in c["clientAppTypes"] or listed(c["clientAppTypes"], facts.client_type),
        not flow or listed(flow, facts.transfer_method),
        platforms is None
        or both(
            "all" in platforms["includePlatforms"] or listed(platforms["includePlatforms"], facts.platform),
            no(listed(platforms.get("excludePlatforms"), facts.platform)),
        ),
        where(c.get("locations"), facts.person),
        not c.get("signInRiskLevels") or listed(c["signInRiskLevels"], facts.sign_in_risk),
        not c.get("userRiskLevels") or listed(c["userRiskLevels"], facts.user_risk),
        where(ours.get("requesterLocations"), facts.requester),
        device(c.get("devices"), facts.person_device),
        device(ours.get("requesterDevice"), facts.requester_device),
    )


def workload(names: Any, value: Any) -> Truth:
    """Whether it is one of the workloads named, or any where all are; a person is none."""
    if value is UNKNOWN:
        return None if names else False
    return value is not None and bool({value, "ServicePrincipalsInMyTenant"} & set(names or ()))


def _attribute(one: DeviceFacts | None, name: str) -> str:
    return str((one.attributes.get(name) if one else None) or "").lower()


MEANS: dict[str, Callable[[DeviceFacts | None], bool]] = {
    RULES[0]: lambda one: one is not None and one.compliant,
    RULES[1]: lambda one: one is None or not one.compliant,
    RULES[2]: lambda one: one is not None and (_attribute(one, "model")[:1] == "x" or one.id.lower() == "d"),
    RULES[3]: lambda one: _attribute(one, "trustType") != "azuread" and "9" not in _attribute(one, "model"),
}


def device(part: Any, about: Any) -> Truth:
    """What a rule about a device says, in words of this file."""
    if not part:
        return True
    if about is UNKNOWN:
        return None
    return MEANS[part["deviceFilter"]["rule"]](about) is (part["deviceFilter"]["mode"] == "include")


# ---- is what it demands there?

NEVER, PERSON, LATE = "never", "the person, now", "after consent"
Answer = tuple[Truth, str]
"""Whether it is there (None: nobody knows), and who can still bring it."""


def demands(document: dict[str, Any], facts: Facts) -> Iterator[list[Answer]]:
    """What is demanded: one of each list is enough."""
    grant, ours = document.get("grantControls") or {}, (document.get("ostiary") or {}).get("controls") or {}
    asked = [built_in(name, facts) for name in grant.get("builtInControls", [])]
    if grant.get("authenticationStrength"):
        asked.append(strength(STRENGTHS.index(grant["authenticationStrength"]["id"]), facts))
    yield from [[one] for one in asked] if grant.get("operator") == "AND" else [asked] if asked else []
    often = (document.get("sessionControls") or {}).get("signInFrequency") or {}
    if often.get("isEnabled"):
        most = 300 if often.get("frequencyInterval") == "everyTime" else often["value"] * 3600
        yield [(known(facts.proof_age, lambda age: age <= most), PERSON)]
    near = ours.get("proximity") or {}
    yield from ([(together([kind], facts), NEVER)] for kind in near.get("allOf") or ())
    if near.get("anyOf"):
        yield [(together(near["anyOf"], facts), NEVER)]
    if near.get("maxKilometres"):
        yield [(within(near["maxKilometres"], facts), NEVER)]
    yield from ([machine(kind, facts)] for kind in ours.get("requesterDevice") or ())
    if ours.get("numberConfirmation"):
        able = facts.number_confirmed is not None
        yield [(known(facts.number_confirmed, bool), LATE if able else NEVER)]
    for name, typed in (("referenceBinding", facts.reference_bound), ("machineBinding", facts.machine_bound)):
        if ours.get(name):  # what the request did not bring, nobody can type
            yield [(known(typed, bool), NEVER if typed is None else PERSON)]
    if ours.get("startTicket"):
        yield [(known(facts.start_ticket, bool), NEVER)]
    if ours.get("scopes") is not None:
        yield [(allowed(ours["scopes"], facts), NEVER)]


def known(value: Any, says: Callable[[Any], bool]) -> Truth:
    """What *says* of a value that is known."""
    return None if value is UNKNOWN else says(value)


def built_in(name: str, facts: Facts) -> Answer:
    """Graph's own."""
    if name == "mfa":
        return known(facts.amr, lambda amr: "mfa" in amr), PERSON
    if name == "compliantDevice":
        return known(facts.person_device, lambda one: one is not None and one.compliant), NEVER
    return False, NEVER


def strength(number: int, facts: Facts) -> Answer:
    """The first is any second factor, the other two a key and nothing that can be typed."""

    def enough(amr: Any) -> bool:
        a_key, typed = {"hwk", "swk", "pop"} & set(amr), {"pwd", "otp"} & set(amr)
        return "mfa" in amr and (number == 0 or (bool(a_key) and not typed))

    return known(facts.amr, enough), PERSON


def together(kinds: list[str], facts: Facts) -> Truth:
    """Whether machine and person share one of *kinds*."""
    one, other = facts.person, facts.requester
    same = alike(one.address, other.address)

    def share(kind: str) -> Truth:
        if kind == "sameNamedLocation":
            return shared(one, other)
        if kind == "samePrefix":
            if UNKNOWN in (one.address, other.address):
                return None
            return ip_address(str(other.address)) in ip_network(f"{one.address}/24", strict=False)
        part = {"sameAddress": "address", "sameAsn": "network", "sameCountry": "country"}[kind]
        return alike(getattr(one, part), getattr(other, part))

    if kinds != ["sameNamedLocation"] and same is True:
        return True
    return either(*map(share, kinds))


def alike(one: Any, other: Any) -> Truth:
    """The same thing; none is nothing to share."""
    return None if UNKNOWN in (one, other) else one is not None and one == other


def shared(one: Place, other: Place) -> Truth:
    """A named location that both are in."""
    if one.named is UNKNOWN or other.named is UNKNOWN:
        return None
    places: Any = ("l1", "l2")
    known_: Any = (one, other)
    return either(*(both(*(inside([name], place) for place in known_)) for name in places if name != TRUSTED))


def within(most: int, facts: Facts) -> Truth:
    """No farther from each other than that; Oslo and Bergen are 306 km apart."""
    one, other = facts.person, facts.requester
    if alike(one.address, other.address) is True:
        return True
    if UNKNOWN in (one.coordinates, other.coordinates):
        return None
    if None in (one.coordinates, other.coordinates):
        return False
    return one.coordinates == other.coordinates or most >= 306


def machine(kind: str, facts: Facts) -> Answer:
    """What the machine is."""
    parts = {"managed": "managed", "compliant": "compliant", "keyBound": "key_bound"}
    says = lambda one: one is not None and (kind == "registered" or getattr(one, parts[kind]))  # noqa: E731
    return known(facts.requester_device, says), NEVER


def allowed(ceiling: list[str], facts: Facts) -> Truth:
    """Whether nothing is asked for beyond *ceiling*."""
    if UNKNOWN in (facts.scopes, facts.resource):
        return None
    asked: Any = facts.scopes
    return all(scope in ceiling or f"{facts.resource}/{scope}" in ceiling for scope in asked)


def met(document: dict[str, Any], facts: Facts, *, later: bool, hope: bool) -> bool:
    """Whether the demands are met; *hope* counts what can still be brought, *later* also what is unknown."""

    def enough(answer: Answer) -> bool:
        there, who = answer
        return there is True or (later and there is None) or ((hope or later) and who != NEVER)

    return all(any(map(enough, one)) for one in demands(document, facts))


def decide(documents: list[dict[str, Any]], facts: Facts, treat: Treat) -> str:
    """allowed, controls, blocked, or unjudged."""
    if treat is Treat.ENTRA and facts.platform is UNKNOWN:
        raise AssertionError("give a platform: Entra's own rule is tested by itself")
    worst, doubt = 0, False
    for document in documents:
        if document["state"] != "enabled":
            continue
        answer = applies(document, facts)
        if answer is None and treat is Treat.ENTRA:
            doubt = True
        if answer is True or (answer is None and treat is Treat.STRICT):
            later = treat is Treat.LATER
            if not met(document, facts, later=later, hope=False):
                worst = max(worst, 1 if met(document, facts, later=later, hope=True) else 2)
    if worst < 2 and doubt:
        return "unjudged"
    return ("allowed", "controls", "blocked")[worst]
