"""
What a story tells: what a sign-in came to, as a pure function of its folded entries (`story.py`) and *now*.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
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


class Telling(NamedTuple):
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
    device: Mapping[str, Any] = MappingProxyType({})
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
_EXEMPTED = (Kind.REDEEMED, *_CONSENTS)
_SCOPED = (*_GAVE, Kind.STARTED, Kind.DRILL_STARTED, Kind.CODE_ISSUED)
_IN_SESSION = (*_GAVE, Kind.SIGNED_IN, Kind.REFRESHED)
_PROVED = (*_CONSENTS, Kind.CODE_ISSUED, Kind.SIGNED_IN)
_place = attrgetter("place")
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
    return _heading(story, now, _marks(story.first, _ASKING), _marks(story.first, _DECIDING), policies_of(story))


def _heading(
    story: Story, now: Instant, asking: list[Mark], deciding: list[Mark], policies: tuple[Mapping[str, Any], ...]
) -> Heading:
    outcome, reason, waits = _outcome(story, now)
    return Heading(
        outcome,
        reason,
        waits,
        _protocol(story),
        _user(story),
        _said(asking, "client"),
        _said(_marks(story.first, _EXEMPTED), "exemption"),
        str(asking[0].detail.get("source") or asking[0].address) if asking else "",
        deciding[0].address if deciding else "",
        _said(asking, "resource"),
        access_of(policies),
    )


def tell(story: Story, now: Instant) -> Telling:
    """What *story* comes to at *now*."""
    first, policies = story.first, policies_of(story)
    asking, deciding, gave = _marks(first, _ASKING), _marks(first, _DECIDING), _marks(first, _GAVE)
    head = _heading(story, now, asking, deciding, policies)
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
        client_name=_said(asking, "client_name") or "",
        resource=head.resource,
        access=head.access,
        scopes=_scopes(_said(_marks(first, _SCOPED), "scopes")),
        requester_address=head.requester_address,
        requester_agent=asking[0].agent if asking else "",
        approver_address=head.approver_address,
        approver_agent=deciding[0].agent if deciding else "",
        exemption=head.exemption,
        session=_said(_marks(first, _IN_SESSION), "session"),
        token=_said(gave, "jti") or "",
        amr=_scopes(_said(_marks(first, _PROVED), "amr")),
        policies=policies,
        attempts=_attempts(story),
        refreshes=story.counts.get(Kind.REFRESHED, 0),
        waits=head.waits,
        ends=_said(gave, "ends"),
        ended=ended,
        end_cause=cause,
        drill=Kind.DRILL_STARTED in first,
        around=circumstances(story),
        trust=_said(_marks(first, (Kind.WORKLOAD_ISSUED,)), "trust") or "",
        device=(_said(_marks(first, _OF_MACHINES), "facts") or {}).get("requesterDevice") or {},
    )


def _outcome(story: Story, now: Instant) -> tuple[Outcome, str, Instant | None]:
    """What it came to, why it failed, and until when it may still come to something."""
    if not story.first.keys().isdisjoint(_SUCCESS):
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
    begun = _marks(story.first, (Kind.STARTED, Kind.CODE_ISSUED, Kind.PASSWORD_PASSED))[:1]
    awaited = _marks(story.last, (Kind.EXEMPTION_AWAITED,))
    ends = max((int(mark.detail.get("ends", 0)) for mark in (*begun, *awaited)), default=0)
    latest = max(mark.at for kind, mark in story.last.items() if kind in _GOING_ON)
    return Instant(max(ends, after(Instant(latest), REDEEM_WITHIN)))


def _marks(of: Mapping[str, Mark], kinds: Iterable[str]) -> list[Mark]:
    """Those of *kinds*, in their order, that happened."""
    return [of[kind] for kind in kinds if kind in of]


def _said(marks: Iterable[Mark], key: str) -> Any:
    """The first value of *key* that one of *marks* carries."""
    for mark in marks:
        if value := mark.detail.get(key):
            return value
    return None


def _user(story: Story) -> str | None:
    """Id of the person, as far as the entries say; after a change of account the last."""
    return next((who for mark in _marks(story.last, _PERSONAL) if (who := _named(mark))), None)


def _names(story: Story, user: str | None) -> tuple[str, str]:
    """Principal name and display name of *user*, where entries give them: as the first did."""
    if user is None:
        return "", ""
    theirs = [mark for mark in (*story.first.values(), *story.last.values()) if _named(mark) == user]
    named = [mark for mark in theirs if mark.detail.get("user_name")]
    shown = [mark for mark in theirs if mark.actor_name and mark.actor == f"user:{user}"]
    return (
        str(min(named, key=_place).detail["user_name"]) if named else "",
        min(shown, key=_place).actor_name if shown else "",
    )


def _named(mark: Mark) -> str | None:
    """The person whom an entry is about: named, aimed at, or acting."""
    found = mark.detail.get("user") or mark.target.partition("user:")[2] or mark.actor.partition("user:")[2]
    return str(found) if found else None


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
    details = [mark.detail for mark in sorted(_marks(story.last, _JUDGED), key=_place, reverse=True)]
    told = next((detail for detail in details if detail.get("policies")), None)
    return applied(told or next((detail for detail in details if detail.get("rules")), {}))


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
