"""
What a story tells: what a sign-in came to, as a pure function of its folded entries (`story.py`) and *now*.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from ostiary.core.logs.circumstances import UNJUDGED, UNKNOWN, Circumstances, Risk, circumstances
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.story import Mark, Story
from ostiary.core.words.instants import Instant, after, minutes

__all__ = ["Heading", "Outcome", "Protocol", "Telling", "heading", "tell"]

REDEEM_WITHIN = minutes(5)  # R5: ready and not redeemed for so long is expired
NUMBER_WITHIN = minutes(2)  # R12: and so is a consent whose number does not come


class Outcome(StrEnum):
    """What a sign-in came to so far."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


class Protocol(StrEnum):
    """Graph's `protocolType` values that happen here."""

    DEVICE_CODE = "deviceCode"
    AUTHORIZATION_CODE = "authorizationCodeWithPkce"
    REFRESH = "refreshTokenGrant"
    OAUTH2 = "oAuth2"
    NONE = "none"
    """A session at our own pages."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What a story comes to at one moment: the sign-in log's row."""

    id: str
    started: Instant
    changed: Instant
    outcome: Outcome
    reason: str
    """`words/outcome.Reason` of a failure; empty otherwise."""
    protocol: Protocol
    user: str | None
    user_name: str
    user_display_name: str
    client: str | None
    client_name: str
    resource: str | None
    scopes: tuple[str, ...]
    requester_address: str
    requester_agent: str
    approver_address: str
    approver_agent: str
    exemption: str | None
    session: str | None
    token: str
    """Id of the first access token."""
    amr: tuple[str, ...]
    policies: tuple[Mapping[str, Any], ...]
    attempts: int
    """How many refusals the row stands for (R21)."""
    refreshes: int
    waits: Instant | None
    """Until when a pending one may still come to something."""
    ends: Instant | None
    """When what it gave ends at the latest."""
    ended: Instant | None
    """When that ended before its time."""
    end_cause: str
    drill: bool = False
    """A test of people (M13): what they did is not told here."""
    access: str = "notApplied"
    resource_name: str = ""
    around: Circumstances = UNKNOWN
    risk: Risk = UNJUDGED
    trust: str = ""
    """Of a workload: the trust by which it was believed."""
    tenant: str = ""
    row: str = ""
    """Of a refresh, which is told by itself: the place of its entry."""
    device: Mapping[str, Any] = field(default_factory=dict)
    """The machine of the inventory that asked, as policy saw it last; empty for none."""


_OF_MACHINES = (Kind.REFRESHED, Kind.REDEEMED, Kind.APPROVED, Kind.CLAIMED, Kind.REDEMPTION_REFUSED, Kind.BLOCKED)
_SUCCESS = (Kind.REDEEMED, Kind.CODE_REDEEMED, Kind.SIGNED_IN, Kind.WORKLOAD_ISSUED)
_CLOSED = ((Kind.REPORTED, "reported"), (Kind.DENIED, "denied"), (Kind.NUMBER_WRONG, "wrong_number"),
           (Kind.BINDING_FAILED, "wrong_binding"), (Kind.EXEMPTION_REFUSED, "exemption_refused"),
           (Kind.EXPIRED, "code_expired"))  # fmt: skip
# The last of these decides while nothing above does; later ones win where the clock stood still.
_STEPS = (
    Kind.STARTED, Kind.CODE_ISSUED, Kind.PASSWORD_PASSED, Kind.CLAIMED, Kind.RELEASED, Kind.BOUND,
    Kind.EXEMPTION_AWAITED, Kind.EXEMPTION_GRANTED, Kind.APPROVED, Kind.NUMBER_CONFIRMED, Kind.BLOCKED,
    Kind.REDEMPTION_REFUSED, Kind.CODE_REFUSED, Kind.START_REFUSED,
    Kind.STARTS_REFUSED, Kind.CODE_WRONG, Kind.SIGN_IN_REFUSED, Kind.REFRESH_REFUSED, Kind.CLIENT_REFUSED,
    Kind.PROOF_REFUSED, Kind.WORKLOAD_REFUSED,
)  # fmt: skip
_GOING_ON = frozenset(
    {Kind.STARTED, Kind.CODE_ISSUED, Kind.PASSWORD_PASSED, Kind.CLAIMED, Kind.RELEASED, Kind.BOUND,
     Kind.EXEMPTION_AWAITED, Kind.EXEMPTION_GRANTED, Kind.APPROVED, Kind.NUMBER_CONFIRMED}
)  # fmt: skip
_AFTERWARDS = (Kind.REFRESHED, Kind.REUSED, Kind.REVOKED, Kind.STEPPED_UP, Kind.SIGNED_OUT, Kind.REPLAYED)
_ENDS = ((Kind.REPORTED, "reported"), (Kind.REUSED, "token_reused"), (Kind.REPLAYED, "code_replayed"),
         (Kind.REVOKED, "revoked"), (Kind.SIGNED_OUT, "signed_out"))  # fmt: skip
# Where to look for whose it is; somebody whose claim was refused is not the sign-in's person.
_PERSONAL = (
    Kind.REDEEMED, Kind.APPROVED, Kind.EXEMPTION_AWAITED, Kind.CLAIMED, Kind.BLOCKED, Kind.DENIED, Kind.REPORTED,
    Kind.CODE_REDEEMED, Kind.CODE_ISSUED, Kind.SIGNED_IN, Kind.PASSWORD_PASSED, Kind.SIGN_IN_REFUSED, Kind.CODE_WRONG,
    Kind.REDEMPTION_REFUSED, Kind.CODE_REFUSED, Kind.REFRESHED, Kind.REFRESH_REFUSED, Kind.STEPPED_UP, Kind.SIGNED_OUT,
    Kind.REVOKED, Kind.REUSED, Kind.DRILL_STARTED,
)  # fmt: skip
_ASKING = (
    Kind.STARTED, Kind.DRILL_STARTED, Kind.START_REFUSED, Kind.STARTS_REFUSED, Kind.REDEEMED, Kind.REDEMPTION_REFUSED,
    Kind.CODE_REDEEMED,
    Kind.CODE_REFUSED, Kind.CODE_ISSUED, Kind.SIGNED_IN, Kind.PASSWORD_PASSED, Kind.SIGN_IN_REFUSED,
    Kind.CLIENT_REFUSED, Kind.PROOF_REFUSED, Kind.REFRESHED, Kind.REFRESH_REFUSED, Kind.REUSED, Kind.REVOKED,
    Kind.CODE_WRONG, Kind.STEPPED_UP, Kind.SIGNED_OUT, Kind.WORKLOAD_ISSUED, Kind.WORKLOAD_REFUSED,
)  # fmt: skip
_CONSENTS = (Kind.APPROVED, Kind.EXEMPTION_AWAITED)
_DECIDING = (
    *_CONSENTS, Kind.DENIED, Kind.REPORTED, Kind.BLOCKED, Kind.CLAIMED, Kind.CODE_ISSUED, Kind.SIGNED_IN,
    Kind.PASSWORD_PASSED, Kind.SIGN_IN_REFUSED, Kind.CODE_WRONG,
)  # fmt: skip
_JUDGED = (Kind.START_REFUSED, Kind.BLOCKED, *_CONSENTS, Kind.CODE_ISSUED, Kind.REDEEMED, Kind.REDEMPTION_REFUSED,
           Kind.CODE_REFUSED, Kind.WORKLOAD_ISSUED, Kind.WORKLOAD_REFUSED)  # fmt: skip
_GAVE = (Kind.REDEEMED, Kind.CODE_REDEEMED, Kind.WORKLOAD_ISSUED)
_WITHOUT_PEOPLE = frozenset({Kind.CLIENT_REFUSED, Kind.PROOF_REFUSED, Kind.WORKLOAD_ISSUED, Kind.WORKLOAD_REFUSED})


class Heading(NamedTuple):
    """The part of a telling that sign-ins are found by."""

    outcome: Outcome
    reason: str
    waits: Instant | None
    protocol: Protocol
    user: str | None
    client: str | None
    exemption: str | None
    requester_address: str
    approver_address: str
    resource: str | None
    access: str
    """What conditional access came to: success, failure or notApplied."""


def heading(story: Story, now: Instant) -> Heading:
    """What *story* comes to at *now*, as much of it as it is found by: told for each entry that is folded."""
    outcome, reason, waits = _outcome(story, now)
    asking, deciding = _first_of(story, _ASKING), _first_of(story, _DECIDING)
    return Heading(
        outcome,
        reason,
        waits,
        _protocol(story),
        _user(story),
        _detail(story, _ASKING, "client"),
        _detail(story, (Kind.REDEEMED, *_CONSENTS), "exemption"),
        str(asking.detail.get("source") or asking.address) if asking else "",
        deciding.address if deciding else "",
        _detail(story, _ASKING, "resource"),
        access_of(policies_of(story)),
    )


def tell(story: Story, now: Instant) -> Telling:
    """What *story* comes to at *now*."""
    head = heading(story, now)
    asking, deciding = _first_of(story, _ASKING), _first_of(story, _DECIDING)
    user_name, display_name = _names(story, head.user)
    ended, cause = _end(story) if head.outcome is Outcome.SUCCESS else (None, "")
    return Telling(
        id=story.id,
        started=story.started,
        changed=story.changed,
        outcome=head.outcome,
        reason=head.reason,
        protocol=head.protocol,
        user=head.user,
        user_name=user_name,
        user_display_name=display_name,
        client=head.client,
        client_name=_detail(story, _ASKING, "client_name") or "",
        resource=head.resource,
        access=head.access,
        scopes=_scopes(_detail(story, (*_GAVE, Kind.STARTED, Kind.DRILL_STARTED, Kind.CODE_ISSUED), "scopes")),
        requester_address=head.requester_address,
        requester_agent=asking.agent if asking else "",
        approver_address=head.approver_address,
        approver_agent=deciding.agent if deciding else "",
        exemption=head.exemption,
        session=_detail(story, (*_GAVE, Kind.SIGNED_IN, Kind.REFRESHED), "session"),
        token=_detail(story, _GAVE, "jti") or "",
        amr=_scopes(_detail(story, (*_CONSENTS, Kind.CODE_ISSUED, Kind.SIGNED_IN), "amr")),
        policies=policies_of(story),
        attempts=_attempts(story),
        refreshes=story.counts.get(Kind.REFRESHED, 0),
        waits=head.waits,
        ends=_detail(story, _GAVE, "ends"),
        ended=ended,
        end_cause=cause,
        drill=Kind.DRILL_STARTED in story.first,
        around=circumstances(story),
        trust=_detail(story, (Kind.WORKLOAD_ISSUED,), "trust") or "",
        device=(_detail(story, _OF_MACHINES, "facts") or {}).get("requesterDevice") or {},
    )


def _outcome(story: Story, now: Instant) -> tuple[Outcome, str, Instant | None]:
    """What it came to, why it failed, and until when it may still come to something."""
    if any(kind in story.first for kind in _SUCCESS):
        return Outcome.SUCCESS, "", None
    for kind, reason in _CLOSED:
        if kind in story.first:
            return Outcome.FAILURE, reason, None
    if Kind.DRILL_STARTED in story.first:
        ends = Instant(int(story.first[Kind.DRILL_STARTED].detail.get("ends", 0)))
        over = Kind.DRILL_DECIDED in story.first or ends <= now
        return (Outcome.FAILURE, "drill", None) if over else (Outcome.PENDING, "", ends)
    steps = [(story.last[kind].at, rank, kind) for rank, kind in enumerate(_STEPS) if kind in story.last]
    if not steps:
        known = any(kind in story.first for kind in _AFTERWARDS)
        return (Outcome.SUCCESS, "", None) if known else (Outcome.FAILURE, "invalid_request", None)
    kind = max(steps)[2]
    if kind not in _GOING_ON:
        return Outcome.FAILURE, _why(story, kind), None
    waits = _waits(story)
    return (Outcome.PENDING, "", waits) if now < waits else (Outcome.FAILURE, "code_expired", None)


def _why(story: Story, kind: str) -> str:
    """The reason of the failure that *kind* tells."""
    if kind == Kind.CODE_WRONG:  # R11: a second person's try ends what somebody else had claimed
        return "claimed_by_another" if Kind.CLAIMED in story.first else "bad_code"
    return str(story.last[kind].detail.get("reason") or ("blocked" if kind == Kind.BLOCKED else "invalid_request"))


def _waits(story: Story) -> Instant:
    """
    When nothing can come of it any more: its own end, that of the wait for an exemption, what redemption is given after
    a late consent, or what the number of a consent is given.
    """
    consents = [story.last[kind] for kind in _CONSENTS if kind in story.last]
    numbered = [mark.at for mark in consents if mark.detail.get("number")]
    if numbered and Kind.NUMBER_CONFIRMED not in story.first:
        return after(Instant(max(numbered)), NUMBER_WITHIN)
    begun = _first_of(story, (Kind.STARTED, Kind.CODE_ISSUED, Kind.PASSWORD_PASSED))
    awaited = story.last.get(Kind.EXEMPTION_AWAITED)
    ends = max(int(mark.detail.get("ends", 0)) if mark else 0 for mark in (begun, awaited))
    latest = max(mark.at for kind, mark in story.last.items() if kind in _GOING_ON)
    return Instant(max(ends, after(Instant(latest), REDEEM_WITHIN)))


def _first_of(story: Story, kinds: Iterable[str]) -> Mark | None:
    return next((story.first[kind] for kind in kinds if kind in story.first), None)


def _detail(story: Story, kinds: Iterable[str], key: str) -> Any:
    """The first value of *key* that one of *kinds*, in their order, carries."""
    marks = (story.first[kind].detail for kind in kinds if kind in story.first)
    return next((detail[key] for detail in marks if detail.get(key)), None)


def _user(story: Story) -> str | None:
    """Id of the person, as far as the entries say; after a change of account the last."""
    return next((who for who in (_named(story.last[kind]) for kind in _PERSONAL if kind in story.last) if who), None)


def _names(story: Story, user: str | None) -> tuple[str, str]:
    """Principal name and display name of *user*, where entries give them."""
    marks = sorted({m.place: m for m in (*story.first.values(), *story.last.values())}.values(), key=lambda m: m.place)
    theirs = [mark for mark in marks if user is not None and _named(mark) == user]
    names = [str(mark.detail["user_name"]) for mark in theirs if mark.detail.get("user_name")]
    shown = [mark.actor_name for mark in theirs if mark.actor == f"user:{user}" and mark.actor_name]
    return names[0] if names else "", shown[0] if shown else ""


def _named(mark: Mark) -> str | None:
    """The person whom an entry is about: named, aimed at, or acting."""
    found = (mark.detail.get("user"), mark.target.partition("user:")[2], mark.actor.partition("user:")[2])
    return next((str(name) for name in found if name), None)


def _scopes(value: Any) -> tuple[str, ...]:
    return tuple(value.split()) if isinstance(value, str) else tuple(str(item) for item in value or ())


def _protocol(story: Story) -> Protocol:
    kinds = set(story.first)
    if any(kind.startswith("device:") for kind in kinds):
        return Protocol.DEVICE_CODE
    if kinds & {Kind.CODE_ISSUED, Kind.CODE_REDEEMED, Kind.CODE_REFUSED}:
        return Protocol.AUTHORIZATION_CODE
    if any(kind.startswith("browser:") for kind in kinds):
        return Protocol.NONE
    return Protocol.OAUTH2 if kinds & _WITHOUT_PEOPLE else Protocol.REFRESH


def policies_of(story: Story) -> tuple[Mapping[str, Any], ...]:
    """What the last judgement applied; a refusal at the start names its rules only."""
    judged = [(story.last[kind].place, story.last[kind]) for kind in _JUDGED if kind in story.last]
    marks = [mark for _, mark in sorted(judged, key=lambda pair: pair[0], reverse=True)]
    told = next((mark.detail for mark in marks if mark.detail.get("policies")), None)
    return applied(told or next((mark.detail for mark in marks if mark.detail.get("rules")), {}))


def applied(detail: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The policies that one entry names: as they were judged, or only those that refused."""
    return tuple(detail.get("policies") or ()) or tuple(
        {"id": "", "displayName": rule, "result": "failure", "enforcedGrantControls": ["block"],
         "enforcedSessionControls": []}
        for rule in detail.get("rules") or ()
    )  # fmt: skip


def access_of(policies: Iterable[Mapping[str, Any]]) -> str:
    """Graph's `conditionalAccessStatus` of what was applied."""
    results = {policy.get("result") for policy in policies}
    return "failure" if "failure" in results else "success" if "success" in results else "notApplied"


def _attempts(story: Story) -> int:
    many = story.last.get(Kind.STARTS_REFUSED)
    return int(many.detail.get("count", 1)) if many else 1


def _end(story: Story) -> tuple[Instant | None, str]:
    """When what the sign-in gave was ended by somebody, and how; the earliest counts."""
    found = [(story.first[kind].place, cause) for kind, cause in _ENDS if kind in story.first]
    if not found:
        return None, ""
    place, cause = min(found)
    return Instant(place[0]), cause
