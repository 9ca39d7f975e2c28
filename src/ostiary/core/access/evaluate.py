"""
The decision: every enabled policy whose conditions all match applies; a block beats everything; otherwise every
applying policy's controls must be satisfied
(https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-policies). Report-only
policies are judged and reported, never enforced.
"""

from collections.abc import Iterator

from ostiary.core.access.compile import Dimension, Policy, PolicySet, State
from ostiary.core.access.conditions import CONDITIONS
from ostiary.core.access.decision import Applied, Decision, Outcome, Result
from ostiary.core.access.facts import Facts, Treat, Unknown


def evaluate(policies: PolicySet, facts: Facts, *, unknown: Treat) -> Decision:
    """Judge *facts*. Under `Treat.LATER` only blocks count: controls are asked for when the person is there."""
    applying = policies.enforced | policies.reporting
    for condition, dimension in zip(CONDITIONS, policies.dimensions, strict=True):
        applying &= _matching(dimension, condition.keys(facts), unknown)
    has = satisfied_controls(facts)
    applied = tuple(_applied(policies.policies[n], has, unknown) for n in _bits(applying))
    return _answer(policies, applied, has, applying & policies.enforced, unknown)


def _matching(dimension: Dimension, keys: frozenset[str] | Unknown, unknown: Treat) -> int:
    """The policies whose condition on this dimension matches (R4 for unknown facts)."""
    if isinstance(keys, Unknown):
        return -1 if unknown is Treat.STRICT else dimension.certain
    inside, outside = dimension.everyone, 0
    for key in keys:
        inside |= dimension.include.get(key, 0)
        outside |= dimension.exclude.get(key, 0)
    return inside & ~outside


def satisfied_controls(facts: Facts) -> frozenset[str]:
    """Grant controls that *facts* satisfy; unknown facts satisfy none."""
    return frozenset({"mfa"} if not isinstance(facts.amr, Unknown) and "mfa" in facts.amr else ())


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _applied(policy: Policy, has: frozenset[str], unknown: Treat) -> Applied:
    passed = policy.satisfied(has) or (unknown is Treat.LATER and not policy.blocks)
    if policy.state is State.REPORT_ONLY:
        result = Result.REPORT_SUCCESS if passed else Result.REPORT_FAILURE
    else:
        result = Result.SUCCESS if passed else Result.FAILURE
    return Applied(policy.id, policy.name, result, policy.controls)


def _answer(
    policies: PolicySet, applied: tuple[Applied, ...], has: frozenset[str], enforced: int, unknown: Treat
) -> Decision:
    failing = [policies.policies[n] for n in _bits(enforced) if not policies.policies[n].satisfied(has)]
    if any(policy.blocks for policy in failing):
        return Decision(Outcome.BLOCKED, policies=applied)
    missing = {control for policy in failing for control in policy.controls if control not in has}
    if missing and unknown is Treat.STRICT:
        reachable = all(control == "mfa" for control in missing)
        return Decision(Outcome.CONTROLS if reachable else Outcome.BLOCKED, tuple(sorted(missing)), applied)
    return Decision(Outcome.ALLOWED, policies=applied)


def explain(policies: PolicySet, facts: Facts) -> tuple[Applied, ...]:
    """
    Every policy, the ones that do not apply too, with the first condition that decided; strict about unknown facts.
    """
    has = satisfied_controls(facts)
    return tuple(_explained(policies, n, facts, has) for n in range(len(policies.policies)))


def _explained(policies: PolicySet, n: int, facts: Facts, has: frozenset[str]) -> Applied:
    policy = policies.policies[n]
    if policy.state is State.DISABLED:
        return Applied(policy.id, policy.name, Result.NOT_ENABLED, policy.controls)
    for condition, dimension in zip(CONDITIONS, policies.dimensions, strict=True):
        if not _matching(dimension, condition.keys(facts), Treat.STRICT) >> n & 1:
            result = Result.REPORT_NOT_APPLIED if policy.state is State.REPORT_ONLY else Result.NOT_APPLIED
            return Applied(policy.id, policy.name, result, policy.controls, condition.NAME)
    return _applied(policy, has, Treat.STRICT)
