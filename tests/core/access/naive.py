"""
The engine a second time, written for the eye: reads the JSON documents one by one, with no index and no masks.

Used only to compare. Answers with the outcome, and for each policy whether it applies: yes, no or None for "nobody
knows".
"""

from typing import Any

from ostiary.core.access.facts import UNKNOWN, Facts, Place, Treat

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
    somebody = UNKNOWN in (facts.user, facts.groups, facts.roles)

    def who(side: str) -> Truth:
        keys = [users.get(f"{side}{kind}") or [] for kind in ("Users", "Groups", "Roles")]
        if "All" in keys[0]:
            return True
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
    return both(
        both(who("include"), no(who("exclude"))),
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
        where(ours.get("requesterLocations"), facts.requester),
        device(c.get("devices"), facts.person_device),
        device(ours.get("requesterDevice"), facts.requester_device),
    )


def device(part: Any, about: Any) -> Truth:
    """The one rule that the generator writes: `device.isCompliant -eq True`."""
    if not part:
        return True
    if about is UNKNOWN:
        return None
    compliant = about is not None and about.compliant
    return compliant if part["deviceFilter"]["mode"] == "include" else not compliant


def met(document: dict[str, Any], facts: Facts, *, later: bool, hope: bool) -> bool:
    """Whether the demands are met; *hope* counts what the person can still bring, *later* also what is unknown."""

    def answer(name: str) -> bool:
        if name == "mfa":
            return hope or later or (facts.amr is not UNKNOWN and "mfa" in facts.amr)
        if name == "compliantDevice":
            known = facts.person_device
            return later if known is UNKNOWN else known is not None and known.compliant
        if name == "startTicket":
            return later if facts.start_ticket is UNKNOWN else facts.start_ticket is True
        return False  # block, and what nobody knows

    grant = document.get("grantControls") or {}
    asked = [answer(name) for name in grant.get("builtInControls", [])]
    ticket = (document.get("ostiary") or {}).get("controls", {}).get("startTicket")
    enough = True if not asked else all(asked) if grant.get("operator") == "AND" else any(asked)
    return enough and (not ticket or answer("startTicket"))


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
