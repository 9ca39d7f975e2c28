"""
A finding as Graph's `riskDetection` (https://learn.microsoft.com/graph/api/resources/riskdetection).

`riskEventType` is the id of our rule; Graph has no type for device codes. What the rule saw stands in `additionalInfo`,
as Graph has it (JSON as a text), and under the open property `ostiary`.
"""

import json
from dataclasses import dataclass
from typing import Any

from ostiary.core.detections.finding import Kept, State
from ostiary.core.detections.published import BY_ID as PUBLISHED
from ostiary.core.detections.response import Response
from ostiary.core.detections.rule import Rule
from ostiary.core.detections.rules import BY_ID
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.words.instants import between, days, minutes

__all__ = ["COUNTED_FOR", "FINDING", "RULE", "ShownFinding", "ShownRule"]

COUNTED_FOR = days(30)
"""How far back the findings of a rule are counted."""

REALTIME = minutes(5)
"""So soon after it happened a finding was made as it happened; else the journal was read later."""

_STATES = {State.OPEN: "atRisk", State.CONFIRMED: "confirmedCompromised", State.DISMISSED: "dismissed"}
_OF_GRAPH = {name: state.value for state, name in _STATES.items()}
_DETAILS = {
    State.OPEN: "none", State.CONFIRMED: "adminConfirmedUserCompromised",
    State.DISMISSED: "adminDismissedAllRiskForUser",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding with the names of its person, as they are now."""

    kept: Kept
    user_name: str = ""
    user_display_name: str = ""

    @property
    def rule(self) -> Rule | None:
        """None: a rule that this version does not have any more."""
        return BY_ID.get(self.kept.finding.rule)


def _info(shown: ShownFinding) -> str:
    finding = shown.kept.finding
    told = [{"Key": "sentence", "Value": finding.sentence}]
    told += [{"Key": name, "Value": _plain(value)} for name, value in sorted(finding.evidence.items())]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _plain(value: object) -> Any:
    return [str(each) for each in value] if isinstance(value, list | tuple) else value


def _timing(shown: ShownFinding) -> str:
    late = between(shown.kept.finding.at, shown.kept.detected) > REALTIME
    return "offline" if late else "realtime"


def _signs_in(shown: ShownFinding) -> str:
    rule = shown.rule
    admin = rule is not None and all(kind.value.startswith(("admin:", "system:")) for kind in rule.watches)
    return "user" if admin else "signin"


_OURS: tuple[Field[ShownFinding], ...] = (
    Field("title", Kind.STRING, lambda s: s.rule.title if s.rule else None, doc="What the rule is called."),
    Field("sentence", Kind.STRING, lambda s: s.kept.finding.sentence, doc="What it saw."),
    Field("explanation", Kind.STRING, lambda s: s.rule.explanation if s.rule else None),
    Field("falsePositives", Kind.STRING, lambda s: s.rule.false_positives if s.rule else None),
    Field("covers", Kind.STRINGS, lambda s: s.rule.covers if s.rule else (), doc="Published rules that see the same."),
    Field("evidence", Kind.JSON, lambda s: {name: _plain(value) for name, value in s.kept.finding.evidence.items()}),
    Field("state", Kind.ID, lambda s: s.kept.state.value, column="state", doc="open, confirmed or dismissed."),
    Field("seen", Kind.INTEGER, lambda s: s.kept.seen, doc="How often, within the rule's time."),
    Field("lastSeenDateTime", Kind.MOMENT, lambda s: s.kept.last),
    Field("entry", Kind.ID, lambda s: s.kept.finding.entry, doc="The journal's entry that made it."),
    Field("appId", Kind.ID, lambda s: s.kept.finding.client or None, column="client"),
    Field("sessionId", Kind.ID, lambda s: s.kept.finding.session or None, column="session"),
    Field("exemptionId", Kind.ID, lambda s: s.kept.finding.exemption or None),
)

FINDING: Shape[ShownFinding] = Shape(
    "identityProtection/riskDetections",
    "microsoft.graph.riskDetection",
    (
        Field("id", Kind.ID, lambda s: s.kept.finding.id, column="id"),
        Field("activityDateTime", Kind.MOMENT, lambda s: s.kept.finding.at, column="at", sortable=True),
        Field("detectedDateTime", Kind.MOMENT, lambda s: s.kept.detected),
        Field("lastUpdatedDateTime", Kind.MOMENT, lambda s: s.kept.changed),
        Field("riskEventType", Kind.ID, lambda s: s.kept.finding.rule, column="rule", doc="The rule's id."),
        Field("riskLevel", Kind.ID, lambda s: s.kept.finding.severity.value, column="severity",
              doc="low, medium or high."),
        Field("riskState", Kind.ID, lambda s: _STATES[s.kept.state], column="state",
              stored=lambda text: _OF_GRAPH.get(text, text), doc="atRisk, confirmedCompromised or dismissed."),
        Field("riskDetail", Kind.ID, lambda s: _DETAILS[s.kept.state]),
        Field("source", Kind.STRING, lambda s: "Ostiary"),
        Field("detectionTimingType", Kind.ID, _timing),
        Field("activity", Kind.ID, _signs_in, doc="signin, or user: an act of administration."),
        Field("tokenIssuerType", Kind.ID, lambda s: "Ostiary"),
        Field("userId", Kind.ID, lambda s: s.kept.finding.user or None, column="user"),
        Field("userPrincipalName", Kind.STRING, lambda s: s.user_name or None, column="user_name", stored=str.lower),
        Field("userDisplayName", Kind.STRING, lambda s: s.user_display_name or None),
        Field("ipAddress", Kind.ID, lambda s: s.kept.finding.source or None, column="source",
              doc="Of the machine that asked, where there is one."),
        Field("correlationId", Kind.ID, lambda s: s.kept.finding.story or None, column="story",
              doc="The sign-in, or the deed."),
        Field("requestId", Kind.ID, lambda s: s.kept.finding.story or None),
        Field("location", Kind.OBJECT, lambda s: s.kept.finding, fields=(
            Field("countryOrRegion", Kind.ID, lambda f: f.country or None),
        )),
        Field("additionalInfo", Kind.STRING, _info),
        Field("ostiary", Kind.OBJECT, fields=_OURS, doc="What only this service knows."),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownRule:
    """A rule, and how much of it was not kept lately."""

    rule: Rule
    held_back: int = 0
    found: int = 0
    """Of what happened within `COUNTED_FOR`."""
    responses: tuple[Response, ...] | None = None
    """What policy says is done; None: not for this reader."""


_COVERED: tuple[Field[Any], ...] = (
    Field("id", Kind.ID, lambda p: p.id),
    Field("name", Kind.STRING, lambda p: p.name),
    Field("source", Kind.STRING, lambda p: p.source),
)

RULE: Shape[ShownRule] = Shape(
    "ostiary/detectionRules",
    "ostiary.detectionRule",
    (
        Field("id", Kind.ID, lambda s: s.rule.id),
        Field("displayName", Kind.STRING, lambda s: s.rule.title),
        Field("riskLevel", Kind.ID, lambda s: s.rule.severity.value, doc="Unless a finding says another."),
        Field("explanation", Kind.STRING, lambda s: s.rule.explanation),
        Field("falsePositives", Kind.STRING, lambda s: s.rule.false_positives),
        Field("needs", Kind.STRING, lambda s: s.rule.needs or None, doc="What must be known, beside the journal."),
        Field("covers", Kind.OBJECTS, lambda s: [PUBLISHED[id] for id in s.rule.covers], fields=_COVERED),
        Field("heldBack", Kind.INTEGER, lambda s: s.held_back, doc="Findings of the last day beyond the bounds."),
        Field("found", Kind.INTEGER, lambda s: s.found, doc="Findings of the last 30 days, counted up to 10,000."),
        Field(
            "responses",
            Kind.STRINGS,
            lambda s: None if s.responses is None else [r.value for r in s.responses],
            doc="What is done about its findings, of its usual level; null without the right to read policies.",
        ),
    ),
)
