"""Policy where it decides: whole device sign-ins by place, scope and age; what is kept of them, and explained later."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from ostiary.core.access.picture import VERSION as PICTURE
from ostiary.core.directory.people import Role
from ostiary.core.signins.view import Approved, Claimed
from ostiary.core.words.caller import Caller
from ostiary.core.words.instants import hours, minutes, seconds
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.access import impact as impacts
from ostiary.services.access import locations as places
from ostiary.services.access import policies as rules
from ostiary.services.access import what_if
from ostiary.services.access.impact import impact, impact_of_draft
from ostiary.services.signins import decide
from ostiary.services.signins.start import Started
from ostiary.services.tokens.issue import Issued
from ostiary.store import schema
from ostiary.web.graph.what_if import document_of
from tests.services.door import PERSON, REQUESTER, Door
from tests.web.oauth.requester import DEVICE, OWN
from tests.web.oauth.site import ALICE, CLI, GROUP


def admin(door: Door) -> Any:
    """Alice as an administrator at the API."""
    seen = door.at_browser()
    caller: Caller = replace(seen.caller, roles=frozenset({Role.ADMINISTRATOR}))
    return replace(seen, caller=caller)


def save(door: Door, **changes: Any) -> str:
    """A policy about device code flow; *changes* replace top fields, `conditions` are merged."""
    document: dict[str, Any] = {
        "displayName": "Rule", "state": "enabled", "grantControls": None,
        "conditions": {
            "users": {"includeGroups": [GROUP]}, "applications": {"includeApplications": ["All"]},
            "clientAppTypes": ["all"], **changes.pop("conditions", {}),
        },
    }  # fmt: skip
    made = door.run(rules.create_policy(door.house, admin(door), document | changes, "because"))
    assert hasattr(made, "id"), made
    return str(made.id)


def block(door: Door) -> str:
    """The policy of the founding."""
    ((id,),) = door.rows(select(schema.policies.c.id))
    return str(id)


def locate(door: Door, *ranges: str, **more: Any) -> str:
    """A named location."""
    given = {"displayName": "Here", "ipRanges": [{"cidrAddress": one} for one in ranges], **more}
    made = door.run(places.create_location(door.house, admin(door), given))
    assert hasattr(made, "id"), made
    return str(made.id)


def approve(door: Door, code: str) -> Approved | Refused:
    """Alice claims and says yes."""
    shown = door.claim(code)
    if isinstance(shown, Refused):
        return shown
    return door.run(decide.approve(door.house, door.at_browser(), shown.signin.id))


def sign_in(door: Door, **asked: Any) -> Issued | Refused:
    """As far as it comes."""
    begun = door.start(**asked)
    if isinstance(begun, Refused):
        return begun
    answer = approve(door, begun.user_code)
    return answer if isinstance(answer, Refused) else door.poll(begun.device_code)


def refresh(door: Door, token: str | None) -> Issued | Refused:
    """Bring a refresh token back."""
    assert token
    return door.refresh(token)


def why(answer: object) -> Reason:
    """Of a refusal."""
    assert isinstance(answer, Refused), answer
    return answer.reason


BLOCK = {"grantControls": {"operator": "OR", "builtInControls": ["block"]}}


def test_the_persons_place_decides_at_the_claim(door: Door) -> None:
    """Graph's companion policy: exception members are blocked outside a trusted place."""
    door.open()
    here = locate(door, "198.51.100.0/24")
    elsewhere = {"locations": {"includeLocations": ["All"], "excludeLocations": [here]}}
    save(door, conditions=elsewhere, **BLOCK)
    assert isinstance(sign_in(door), Issued)
    door.run(places.change_location(door.house, admin(door), here, {"ipRanges": [{"cidrAddress": "192.0.2.0/24"}]}))
    begun = door.started()
    assert why(door.claim(begun.user_code)) is Reason.BLOCKED


def test_the_requesters_place_decides_at_the_start(door: Door) -> None:
    """R1: where the machine may not be, no code exists."""
    door.open()
    data_centre = locate(door, "203.0.113.0/28")
    outside = {"requesterLocations": {"includeLocations": ["All"], "excludeLocations": [data_centre]}}
    save(door, ostiary={"conditions": outside}, **BLOCK)
    assert isinstance(door.start(), Started)
    refused = door.start("203.0.113.77")
    assert why(refused) is Reason.BLOCKED
    assert len(door.signins()) == 1


def test_r1_the_journal_names_what_stood_in_the_way_of_an_open_exemption_and_the_answer_does_not(door: Door) -> None:
    """R1: strangers hear the same as when no exemption is open; administrators find the rule that they have to mend."""
    save(door, displayName="Nobody on Sundays", **BLOCK)
    answers = [door.post(DEVICE, {"client_id": CLI, "scope": OWN})]
    door.open()
    answers.append(door.post(DEVICE, {"client_id": CLI, "scope": OWN}))
    assert [answer.status_code for answer in answers] == [403, 403]
    said = [answer.json()["error_description"].partition(" Trace ID")[0] for answer in answers]
    assert said[0] == said[1]
    assert "Policy: Block device code flow." in said[1]
    told = [entry["detail"]["rules"] for entry in door.entries("device:signin:refused")]
    assert told == [["Block device code flow"], ["Nobody on Sundays"]]


def test_proximity_stops_a_code_that_was_started_elsewhere(door: Door) -> None:
    """The machine must be in the person's network: the relayed code of a phisher is worth nothing."""
    door.open()
    save(door, ostiary={"controls": {"proximity": {"allOf": ["samePrefix"]}}})
    begun = door.started("198.51.100.200")
    assert isinstance(door.claim(begun.user_code), Claimed)
    assert why(sign_in(door)) is Reason.BLOCKED


def test_tokens_go_to_the_machine_that_polls(door: Door) -> None:
    """At the redemption the machine is where the poll comes from: a device code that was carried off stays closed."""
    door.open()
    save(door, ostiary={"controls": {"proximity": {"allOf": ["samePrefix"]}}})
    begun = door.started("198.51.100.200")
    assert isinstance(approve(door, begun.user_code), Approved)
    assert why(door.poll(begun.device_code)) is Reason.BLOCKED  # the poll comes from REQUESTER


def test_a_refresh_is_judged_by_where_it_comes_from_and_where_it_was_approved(door: Door) -> None:
    """The approving browser stays a fact of the session; the machine is where the refresh comes from."""
    door.open()
    given = sign_in(door)
    assert isinstance(given, Issued)
    assert given.refresh_token
    person_here = locate(door, f"{PERSON}/32")
    elsewhere = {"includeLocations": ["All"], "excludeLocations": [person_here]}
    save(door, conditions={"locations": elsewhere}, **BLOCK)
    again = refresh(door, given.refresh_token)
    assert isinstance(again, Issued)
    assert again.refresh_token
    save(door, ostiary={"conditions": {"requesterLocations": elsewhere}}, **BLOCK)
    assert why(refresh(door, again.refresh_token)) is Reason.BLOCKED


def test_policy_shortens_tokens_and_sessions(door: Door) -> None:
    """Access minutes and session hours: only ever shorter than what the registration and the exemption allow."""
    door.open(length=hours(4))
    save(door, ostiary={"limits": {"accessMinutes": 3, "sessionHours": 1}})
    given = sign_in(door)
    assert isinstance(given, Issued)
    assert (given.expires_in, given.session_expires_in) == (180, 3600)
    token = given.refresh_token
    for _ in range(2):
        door.clock.move(minutes(29))
        again = refresh(door, token)
        assert isinstance(again, Issued)
        token = again.refresh_token
    door.clock.move(minutes(3))
    assert isinstance(refresh(door, token), Refused)


def test_a_scope_ceiling_holds_at_the_start_and_at_each_refresh(door: Door) -> None:
    """R7: what policy does not allow is not asked for, now or later."""
    door.open()
    rule = save(door, ostiary={"controls": {"scopes": ["Read", "offline_access"]}})
    given = sign_in(door)
    assert isinstance(given, Issued)
    changes = {"ostiary": {"controls": {"scopes": ["offline_access"]}}}
    door.run(rules.change_policy(door.house, admin(door), rule, changes))
    assert why(refresh(door, given.refresh_token)) is Reason.BLOCKED
    assert why(door.start()) is Reason.BLOCKED


def test_sign_in_frequency_ends_silent_refreshes(door: Door) -> None:
    """Entra: with `everyTime` a silent refresh fails once the proof is older than five minutes."""
    door.open()
    often = {"isEnabled": True, "frequencyInterval": "everyTime"}
    save(door, sessionControls={"signInFrequency": often})
    given = sign_in(door)
    assert isinstance(given, Issued)
    door.clock.move(minutes(4))
    again = refresh(door, given.refresh_token)
    assert isinstance(again, Issued)
    door.clock.move(minutes(2))
    assert why(refresh(door, again.refresh_token)) is Reason.PROOF_TOO_OLD
    save(door, ostiary={"controls": {"startTicket": True}})
    assert why(refresh(door, again.refresh_token)) is Reason.BLOCKED


def test_a_demand_for_a_number_that_comes_after_the_consent_hinders_the_redemption(door: Door) -> None:
    """R12: whoever approved before the policy stood there was shown no number."""
    door.open()
    begun = door.started(number=True)
    assert isinstance(approve(door, begun.user_code), Approved)
    save(door, ostiary={"controls": {"numberConfirmation": True}})
    assert why(door.poll(begun.device_code)) is Reason.BLOCKED


def test_a_role_is_a_fact_of_every_decision(door: Door) -> None:
    """Policies by role: also at the start, where only memory is asked (R1)."""
    door.open()
    save(door, conditions={"users": {"includeRoles": ["auditor"]}}, **BLOCK)
    assert isinstance(sign_in(door), Issued)
    roles = json.dumps(["auditor"])
    door.change(update(schema.users).where(schema.users.c.id == ALICE).values(roles=roles), PICTURE, "openings")
    assert why(door.start()) is Reason.BLOCKED


def test_what_was_decided_is_explained_with_the_policies_of_that_time(door: Door) -> None:
    """The journal keeps the facts and the version; a policy that was changed or deleted since is found as it was."""
    door.open()
    here = locate(door, "198.51.100.0/24")
    elsewhere = {"includeLocations": ["All"], "excludeLocations": [here]}
    rule = save(door, displayName="Outside", conditions={"locations": elsewhere}, **BLOCK)
    begun = door.started()
    assert isinstance(approve(door, begun.user_code), Approved)
    assert isinstance(door.poll(begun.device_code), Issued)
    ((story, _),) = door.signins()
    before = door.run(what_if.explain_sign_in(door.house, admin(door), story))
    assert not isinstance(before, Refused)
    assert [step["step"].rpartition(":")[2] for step in before["value"]] == ["claimed", "approved", "redeemed"]
    for step in before["value"]:
        assert step["outcome"] == step["recordedOutcome"] == "allowed"
        told = {one["displayName"]: (one["result"], one["condition"]) for one in step["policies"]}
        assert told == {
            "Block device code flow": ("notApplied", "users"),
            "Outside": ("notApplied", "locations"),
        }
        assert step["facts"]["person"]["named"] == [here]
        assert step["facts"]["requester"]["address"] == REQUESTER
    door.run(
        rules.change_policy(
            door.house, admin(door), rule, {"displayName": "Renamed", "conditions": {"locations": None}}
        )
    )
    door.run(rules.delete_policy(door.house, admin(door), rule))
    save(door, displayName="Later", **BLOCK)
    assert door.run(what_if.explain_sign_in(door.house, admin(door), story)) == before
    unknown = door.run(what_if.explain_sign_in(door.house, admin(door), "nothing"))
    assert why(unknown) is Reason.NOT_FOUND


def test_the_impact_of_a_report_only_policy_is_counted_over_real_sign_ins(door: Door) -> None:
    """Who would have been kept out, and by what, before anybody is."""
    door.open()
    rule = save(
        door, state="enabledForReportingButNotEnforced", ostiary={"controls": {"proximity": {"allOf": ["samePrefix"]}}}
    )
    assert isinstance(sign_in(door), Issued)
    assert isinstance(sign_in(door), Issued)
    found = door.run(impact(door.house, admin(door), rule, 7, device=True))
    assert not isinstance(found, Refused)
    told = document_of(found)
    assert (told["decisions"], told["wouldFail"], told["truncated"]) == (2, 2, False)
    assert (told["wouldBlock"], told["wouldChallenge"], told["becauseUnknown"], told["notJudged"]) == (2, 0, 0, 0)
    assert told["recorded"] == {"reportOnlyFailure": 2}
    (person,) = told["people"]
    assert (person["userId"], person["signIns"]) == (ALICE, 2)
    assert told["because"] == [{"missing": "proximity: samePrefix", "signIns": 2}]
    assert {hit.id for hit in found.hits} == {id for id, _ in found.noes} == {id for id, _ in door.signins()}
    door.clock.move(hours(49))
    later = door.run(impact(door.house, admin(door), rule, 1))
    assert not isinstance(later, Refused)
    assert (later.decisions, later.kept) == (0, {})
    assert why(door.run(impact(door.house, admin(door), rule, 91))) is Reason.INVALID_VALUE
    assert why(door.run(impact(door.house, door.at_browser(), rule, 7))) is Reason.FORBIDDEN
    assert why(door.run(impact(door.house, admin(door), "none", 7))) is Reason.NOT_FOUND


def test_the_impact_of_a_draft_tells_blocked_challenged_and_not_known(door: Door) -> None:
    """What can be brought is asked for, what turns on something unknown is said to, and no facts are no verdict."""
    door.open()
    assert isinstance(sign_in(door), Issued)
    door.started()
    everything: dict[str, Any] = {
        "users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"],
    }  # fmt: skip
    base: dict[str, Any] = {"displayName": "Draft", "state": "disabled", "conditions": everything}

    def asked(**more: Any) -> tuple[int, int, int, int, int]:
        found = door.run(impact_of_draft(door.house, admin(door), {**base, **more}, 7))
        assert not isinstance(found, Refused), found
        return found.decisions, found.unjudged, found.blocked, found.challenged, found.unknown

    assert asked(grantControls={"operator": "OR", "builtInControls": ["block"]}) == (1, 1, 1, 0, 0)
    strength = {"operator": "OR", "authenticationStrength": {"id": "00000000-0000-0000-0000-000000000004"}}
    assert asked(grantControls=strength) == (1, 1, 0, 1, 0)
    assert asked(grantControls={"operator": "OR", "builtInControls": ["mfa"]}) == (1, 1, 0, 0, 0)
    country = locate(door, countriesAndRegions=["NO"], displayName="Norway")
    abroad = everything | {"locations": {"includeLocations": [country]}}
    assert asked(conditions=abroad, grantControls={"operator": "OR", "builtInControls": ["block"]}) == (1, 1, 1, 0, 1)
    assert why(door.run(impact_of_draft(door.house, door.at_browser(), base, 7))) is Reason.FORBIDDEN


def test_an_impact_is_bounded_in_rows_and_in_time(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest sign-ins are looked at, and that there are more is said."""
    door.open()
    assert isinstance(sign_in(door), Issued)
    assert isinstance(sign_in(door), Issued)

    def asked() -> tuple[int, bool]:
        found = door.run(impact(door.house, admin(door), block(door), 7))
        assert not isinstance(found, Refused), found
        return found.decisions, found.truncated

    assert asked() == (2, False)
    monkeypatch.setattr(impacts, "PAGE", 1)
    assert asked() == (2, False)
    monkeypatch.setattr(impacts, "MOST_STORIES", 1)
    assert asked() == (1, True)
    monkeypatch.setattr(impacts, "MOST_STORIES", 20_000)
    monkeypatch.setattr(impacts, "PATIENCE", seconds(-1))
    assert asked() == (1, True)


def test_an_impact_counts_what_was_refused_at_the_start(door: Door) -> None:
    """There is no code and no fact of a person, but the log names the rule: it says no, and nothing is judged anew."""
    assert why(door.start()) is Reason.BLOCKED
    found = door.run(impact(door.house, admin(door), block(door), 7, device=True))
    assert not isinstance(found, Refused)
    assert (found.decisions, found.unjudged, dict(found.kept)) == (0, 1, {"failure": 1})
    assert len(found.noes) == 1


def test_only_what_decides_is_written_down(door: Door) -> None:
    """Each entry of a decision holds its facts in one canonical form: no floats, keys sorted, unknown left out."""
    door.open()
    assert isinstance(sign_in(door), Issued)
    kept = [json.loads(body) for (body,) in door.rows(select(schema.journal.c.body))]
    facts = [one["detail"]["facts"] for one in kept if "facts" in one["detail"]]
    assert len(facts) == 3
    assert all(one["signInRisk"] == one["userRisk"] == "none" and one["personDevice"] is None for one in facts)
