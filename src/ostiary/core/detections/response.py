"""
What a finding leads to: responses, the policy that names them, and what none of them may do.

A response that hits somebody acts only on what that person did themselves, completely signed in, or on the sign-in that
they approved (`cause.py`): whoever has no account ends nothing that is somebody else's. A whole source is blocked only
after two reporters (R11), an application stopped only for two people's sake, everything only for three; and of each
there are only so many in an hour, and fewer about one person. What may not be done is an alert instead. An
administrator's word on a finding needs none of that.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from ostiary.core.detections.finding import Cause, Finding, Severity
from ostiary.core.words.digests import digest
from ostiary.core.words.instants import Instant, Span, between, days, from_duration, hours, minutes, to_iso_duration
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.said import said

__all__ = [
    "DEFAULT", "HOURLY", "PARTS", "PERSONAL", "Known", "Response", "ResponsePolicy", "differences",
    "held_back", "policy_document", "read_policy", "version_of", "weakened",
]  # fmt: skip


class Response(StrEnum):
    """What may be done; in this order."""

    NOTE = "note"
    """Nothing beyond the finding itself."""
    ALERT = "alert"
    END_EXEMPTION = "endExemption"
    """The exemption behind the sign-in."""
    REVOKE_SESSIONS = "revokeSessions"
    """The sign-in, if it is open, and the session that it gave."""
    BLOCK_SOURCE = "blockSource"
    """For this person; for everybody where two people reported it."""
    SUSPEND_APPLICATION = "suspendApplication"
    """Its device flow is off until an administrator turns it on."""
    KILL_SWITCH = "killSwitch"


_ORDER = tuple(Response)
_HITS = frozenset(_ORDER[2:])
_NEVER = frozenset({Cause.ANYBODY, Cause.ALLOWED})
_STOPS = frozenset({Response.SUSPEND_APPLICATION, Response.KILL_SWITCH})
HOURLY: Mapping[Response, int] = {
    Response.END_EXEMPTION: 20, Response.REVOKE_SESSIONS: 50, Response.BLOCK_SOURCE: 20,
    Response.SUSPEND_APPLICATION: 2, Response.KILL_SWITCH: 1,
}  # fmt: skip
"""How many of each are done in an hour without a person's word."""
PERSONAL: Mapping[Response, int] = {
    Response.END_EXEMPTION: 5, Response.REVOKE_SESSIONS: 10, Response.BLOCK_SOURCE: 5,
    Response.SUSPEND_APPLICATION: 1, Response.KILL_SWITCH: 1,
}  # fmt: skip
"""How many of those are done because of one person: whoever makes noise does not use up what protects the others."""
PEOPLE: Mapping[Response, int] = {Response.SUSPEND_APPLICATION: 2, Response.KILL_SWITCH: 3}
"""How many people's own acts must have been found at the same severity within a day."""
REPORTERS = 2
"""R11: who must have reported a source before it is blocked for everybody."""
LATE = days(1)
SHORTEST, LONGEST = minutes(5), days(1)
MOST_RULES = 200

_GUARDED = (Response.ALERT, Response.END_EXEMPTION, Response.REVOKE_SESSIONS)


@dataclass(frozen=True, slots=True)
class ResponsePolicy:
    """What is done, by severity, and by rule where a rule has its own."""

    severities: Mapping[Severity, tuple[Response, ...]] = field(
        default_factory=lambda: {
            Severity.LOW: (Response.NOTE,), Severity.MEDIUM: (Response.ALERT,), Severity.HIGH: _GUARDED,
        }
    )  # fmt: skip
    rules: Mapping[str, tuple[Response, ...]] = field(default_factory=dict)
    confirmed: tuple[Response, ...] = _GUARDED
    """When an administrator says that it is what it looks like."""
    block: Span = hours(1)
    """How long a source is blocked."""

    def of(self, finding: Finding, *, confirmed: bool = False) -> tuple[Response, ...]:
        """What is to be done about *finding*."""
        if confirmed:
            return self.confirmed
        return self.of_rule(finding.rule, finding.severity)

    def of_rule(self, rule: str, severity: Severity) -> tuple[Response, ...]:
        """What is to be done about findings of *rule* that are of *severity*, while nobody has confirmed them."""
        return self.rules.get(rule, self.severities[severity])


DEFAULT = ResponsePolicy()


class Known(NamedTuple):
    """What must be known before a response acts."""

    now: Instant
    confirmed: bool = False
    """By an administrator."""
    people: int = 0
    """About whom the same was found lately, this one among them."""
    done: int = 0
    """Of the same response within an hour, without a person's word."""
    own: int = 0
    """Of those, about the same person."""


def held_back(response: Response, finding: Finding, known: Known) -> str:
    """Why *response* does not act on *finding*, as one word; empty: it does."""
    if response not in _HITS or known.confirmed:
        return ""
    if finding.cause in _NEVER or not finding.user:
        return finding.cause.value if finding.cause is Cause.ALLOWED else "nobodys_act"
    if finding.cause is Cause.REPORTER and response in _STOPS:  # whoever refuses is not counted there
        return Cause.REPORTER.value
    if between(finding.at, known.now) > LATE:
        return "late"
    if known.people < PEOPLE.get(response, 0):
        return "few_people"
    if known.own >= PERSONAL[response]:
        return "many_of_one"
    return "many" if known.done >= HOURLY[response] else ""


# ---- as a document

PARTS = ("severities", "rules", "confirmed", "blockLength")
"""What a document of a policy has, and nothing else."""


def policy_document(policy: ResponsePolicy) -> dict[str, Any]:
    """*policy* as JSON values."""
    return {
        "severities": {level.value: [one.value for one in policy.severities[level]] for level in Severity},
        "rules": {rule: [one.value for one in found] for rule, found in sorted(policy.rules.items())},
        "confirmed": [one.value for one in policy.confirmed],
        "blockLength": to_iso_duration(policy.block),
    }


def read_policy(old: ResponsePolicy, changes: Mapping[str, Any], rules: Iterable[str]) -> ResponsePolicy | Refused:
    """
    *old* with *changes*: any of the four parts of `policy_document`, each whole, but for severities that are not named.
    *rules*: those that there are.
    """
    severities, own, confirmed, block = dict(old.severities), old.rules, old.confirmed, old.block
    try:
        if (part := "severities") in changes:
            given = _object(changes["severities"])
            severities |= {Severity(name): _responses(value) for name, value in given.items()}
        if (part := "rules") in changes:
            given, known = _object(changes["rules"]), frozenset(rules)
            if len(given) > MOST_RULES or not known >= set(given):
                raise ValueError("there is no such rule")
            own = {name: _responses(value) for name, value in given.items()}
        if (part := "confirmed") in changes:
            confirmed = _responses(changes["confirmed"])
        if (part := "blockLength") in changes:
            given = changes["blockLength"]
            block = Span(given) if isinstance(given, int) else from_duration(str(given)[:32])
    except ValueError as error:
        wrong = said("Not a policy for responses: %(wrong)s", wrong=str(error)[:120])
        return Refused(Reason.INVALID_VALUE, wrong, field=part)
    if not SHORTEST <= block <= LONGEST:
        return Refused(Reason.INVALID_VALUE, "A source is blocked for 5 minutes to a day.", field="blockLength")
    return ResponsePolicy(severities, own, confirmed, block)


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("an object is needed")
    return value


def _responses(value: Any) -> tuple[Response, ...]:
    if not isinstance(value, list) or len(value) > len(_ORDER):
        raise ValueError("a list of responses is needed")
    named = {Response(each) for each in value}
    return tuple(one for one in _ORDER if one in named) or (Response.NOTE,)


def version_of(policy: ResponsePolicy) -> str:
    """What stands for exactly this policy: whoever changes it says which one they saw."""
    return digest(json.dumps(policy_document(policy), sort_keys=True)).hex()[:32]


def differences(old: ResponsePolicy, new: ResponsePolicy) -> tuple[tuple[str, str, str], ...]:
    """What *new* says otherwise: the part (``severities.high``), before and after; empty where it was not named."""
    before, after = (_flat(policy_document(policy)) for policy in (old, new))
    names = sorted({*before, *after}, key=lambda name: (PARTS.index(name.partition(".")[0]), name))
    return tuple(
        (name, before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name, "") != after.get(name, "")
    )


def _flat(document: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for part, value in document.items():
        inside = value if isinstance(value, dict) else {"": value}
        for name, done in inside.items():
            found[f"{part}.{name}" if name else part] = done if isinstance(done, str) else ", ".join(done)
    return found


def weakened(old: ResponsePolicy, new: ResponsePolicy) -> tuple[str, ...]:
    """What *new* does no more, one short text for each, for people."""
    told = [_less(level.value, old.severities[level], new.severities[level]) for level in Severity]
    for rule in sorted({*old.rules, *new.rules}):
        for level in Severity:
            before, after = (one.rules.get(rule, one.severities[level]) for one in (old, new))
            told.append(_less(f"{rule}, {level.value}", before, after))
    told.append(_less("confirmed", old.confirmed, new.confirmed))
    shorter = f"blockLength: {to_iso_duration(new.block)}" if new.block < old.block else ""
    return tuple(dict.fromkeys(text for text in (*told, shorter) if text))


def _less(name: str, old: tuple[Response, ...], new: tuple[Response, ...]) -> str:
    lost = [one.value for one in old if one not in new and one is not Response.NOTE]
    return f"{name}: {', '.join(lost)}" if lost else ""
