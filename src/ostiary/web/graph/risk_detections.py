"""
`/identityProtection/riskDetections`: what detections found; `/ostiary/detectionRules`: what they look for;
`/ostiary/detectionReplays`: what they would have found. `/identityProtection/riskyUsers`: whom that makes risky, and
`/ostiary/responsePolicy`: what is done about it.

A replay is a POST because it is gone through piece by piece; unless its findings are to be kept, nothing changes.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.fields import Field, Kind
from ostiary.core.graph.finding import FINDING, RULE
from ostiary.core.graph.response_policy import RESPONSE_POLICY
from ostiary.core.graph.risky_user import RISKY_USER
from ostiary.core.words.instants import Instant
from ostiary.services.detections.list import find_finding, list_findings, list_rules
from ostiary.services.detections.replay import begin_replay, go_on
from ostiary.services.detections.risky_users import (
    MOST_PEOPLE,
    confirm_people,
    dismiss_people,
    find_risky_user,
    list_risky_users,
)
from ostiary.services.detections.triage import change_responses, confirm, dismiss, look_at_responses
from ostiary.web.graph.resource import Call, Gives, Operation, Path, acting, changing, listing, reading

__all__ = ["PATHS"]

_ASKED: tuple[Field[Any], ...] = (
    Field("from", Kind.MOMENT, write="since", doc="What happened from then on is told; everything without it."),
    Field("to", Kind.MOMENT, write="until", doc="What was written until then is read; everything without it."),
    Field("rules", Kind.STRINGS, write="rules", doc="Ids of rules; all without it."),
    Field("keep", Kind.BOOL, write="keep", doc="Store what is found, as though it had been found then."),
)


async def _begin(call: Call) -> Any:
    asked = call.changes
    since, until = asked.get("since"), asked.get("until")
    return await begin_replay(
        call.house, call.visit, since=since or Instant(0), until=call.visit.now if until is None else until,
        rules=tuple(asked.get("rules") or ()), keep=bool(asked.get("keep")),
    )  # fmt: skip


async def _go_on(call: Call) -> Any:
    return await go_on(call.house, call.visit, call.path["id"])


_WHY: tuple[Field[Any], ...] = (
    Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log. A dismissal needs one."),
)


async def _confirm(call: Call) -> Any:
    return await confirm(call.house, call.visit, call.path["id"], call.reason)


async def _dismiss(call: Call) -> Any:
    return await dismiss(call.house, call.visit, call.path["id"], call.reason)


async def _change(call: Call) -> Any:
    return await change_responses(call.house, call.visit, call.changes, call.reason, seen=call.seen)


_WHOM: tuple[Field[Any], ...] = (
    Field("userIds", Kind.STRINGS, write="ids", required=True, most=MOST_PEOPLE, doc="Ids of accounts."),
    Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log. Graph has no such thing."),
)


async def _confirm_people(call: Call) -> Any:
    return await confirm_people(call.house, call.visit, call.changes["ids"], call.reason)


async def _dismiss_people(call: Call) -> Any:
    return await dismiss_people(call.house, call.visit, call.changes["ids"], call.reason or None)


def _judging(run: Any, summary: str) -> Operation:
    return acting(Action.TRIAGE_FINDINGS, run, summary, fields=_WHOM, gives=Gives.NOTHING)


def _saying(run: Any, summary: str) -> Operation:
    return acting(Action.TRIAGE_FINDINGS, run, summary, fields=_WHY, gives=Gives.ENTITY, shape=FINDING)


PATHS: tuple[Path, ...] = (
    Path(f"/{FINDING.name}/{{id}}/confirmCompromised", (_saying(_confirm, "Confirm a finding, and act on it"),)),
    Path(f"/{FINDING.name}/{{id}}/dismiss", (_saying(_dismiss, "Dismiss a finding as harmless"),)),
    Path(
        f"/{RESPONSE_POLICY.name}",
        (
            reading(
                RESPONSE_POLICY,
                Action.READ_POLICIES,
                lambda c: look_at_responses(c.house, c.visit),
                "What is done about findings",
            ),
            changing(RESPONSE_POLICY, Action.TRIAGE_FINDINGS, _change, "Change what is done about findings"),
        ),
    ),
    Path(f"/{FINDING.name}", (listing(FINDING, Action.READ_LOGS, lambda c: list_findings(c.house, c.visit, c.query)),)),
    Path(
        f"/{FINDING.name}/{{id}}",
        (reading(FINDING, Action.READ_LOGS, lambda c: find_finding(c.house, c.visit, c.path["id"])),),
    ),
    Path(
        f"/{RISKY_USER.name}",
        (listing(RISKY_USER, Action.READ_LOGS, lambda c: list_risky_users(c.house, c.visit, c.query)),),
    ),
    # https://learn.microsoft.com/graph/api/riskyuser-confirmcompromised, …/riskyuser-dismiss
    Path(f"/{RISKY_USER.name}/confirmCompromised", (_judging(_confirm_people, "Confirm accounts as compromised"),)),
    Path(f"/{RISKY_USER.name}/dismiss", (_judging(_dismiss_people, "Dismiss what was found about people"),)),
    Path(
        f"/{RISKY_USER.name}/{{id}}",
        (reading(RISKY_USER, Action.READ_LOGS, lambda c: find_risky_user(c.house, c.visit, c.path["id"])),),
    ),
    Path(f"/{RULE.name}", (listing(RULE, Action.READ_LOGS, lambda c: list_rules(c.house, c.visit)),)),
    Path(
        "/ostiary/detectionReplays",
        (acting(Action.EXPORT_LOGS, _begin, "Begin to look for what detections would have found", fields=_ASKED),),
    ),
    Path(
        "/ostiary/detectionReplays/{id}/next",
        (acting(Action.EXPORT_LOGS, _go_on, "Go on: the findings of the next piece of the journal"),),
    ),
)
