"""
Examples of the rules about exemptions, guardrails, administrators, and what an account or an inventory gets.
"""

from typing import Any

from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import days, hours, minutes
from tests.core.detections.examples import Examples, Tale
from tests.core.detections.told import ALICE, BOB, FARAWAY, LAPTOP, Journal

POLICY: dict[str, Any] = {
    "displayName": "Two factors", "state": "enabled", "conditions": {"users": {"includeUsers": ["All"]}},
}  # fmt: skip


def _given(number: int, apart: int) -> Tale:
    def tale(j: Journal) -> None:
        for each in range(number):
            j.add(Kind.REQUEST_APPROVED, target=f"exemption:e{each}", actor=f"user:{BOB}", user=ALICE)
            j.wait(apart)

    return tale


def _policy(after: dict[str, Any] | None, before: dict[str, Any] = POLICY) -> Tale:
    kind = Kind.POLICY_DELETED if after is None else Kind.POLICY_CHANGED
    return lambda j: j.add(
        kind, actor=f"user:{BOB}", target="policy:p", address=LAPTOP, before=before, after=after, reason="why"
    )


def _added(kind: Kind, later: int = minutes(5), user: str = ALICE) -> Tale:
    def tale(j: Journal) -> None:
        j.sign_in()
        j.wait(later)
        j.add(kind, actor=f"user:{user}", target=f"user:{user}", address=FARAWAY)

    return tale


def _enrolled(later: int, owner: str = ALICE, address: str = LAPTOP) -> Tale:
    def tale(j: Journal) -> None:
        j.sign_in()
        j.wait(later)
        j.add(Kind.DEVICE_ASKED, target="device:d1", address=address, owner=owner, name="DESKTOP-1")

    return tale


def _machines(number: int, owner: str = ALICE, apart: int = 0) -> Tale:
    def tale(j: Journal) -> None:
        for each in range(number):
            j.add(Kind.DEVICE_ASKED, target=f"device:d{each}", address=LAPTOP, owner=owner)
            j.wait(apart)

    return tale


def _glass(j: Journal) -> None:
    j.add(Kind.EXEMPTION_OPENED, target="exemption:ex1", actor=f"user:{BOB}", user=BOB, break_glass=True)


AROUND: dict[str, Examples] = {
    "break_glass_used": Examples(
        fires={
            "opened": _glass,
            "asked for": lambda j: j.add(Kind.REQUEST_MADE, target="exemption:e", user=ALICE, break_glass=True),
        },
        quiet={
            "an ordinary one": lambda j: j.add(
                Kind.EXEMPTION_OPENED, target="exemption:e", user=ALICE, break_glass=False
            ),
            "a sign-in by another": lambda j: j.sign_in(),
        },
    ),
    "guardrail_weakened": Examples(
        fires={
            "the service's own alert": lambda j: j.add(
                Kind.ALERT, target="policy:p", about="guardrail_weakened", text="The guardrail was weakened."
            ),
            "rules": lambda j: j.add(
                Kind.EXEMPTION_RULES_CHANGED, target="rules:g", weakened=["nobody has to approve"], reason="why"
            ),
            "a policy is deleted": _policy(None),
            "a policy only reports": _policy({**POLICY, "state": "enabledForReportingButNotEnforced"}),
            "a policy excludes more": _policy(
                {**POLICY, "conditions": {"users": {"includeUsers": ["All"], "excludeUsers": [ALICE]}}}
            ),
            "the kill switch is lifted": lambda j: j.add(Kind.KILL_SWITCH_OFF, actor=f"user:{BOB}"),
            "an issuer is trusted": lambda j: j.add(Kind.TRUST_ADDED, target="application:a", name="ci"),
        },
        quiet={
            "a policy is renamed": _policy({**POLICY, "displayName": "Other"}),
            "a policy that was off is deleted": _policy(None, {**POLICY, "state": "disabled"}),
            "stricter rules": lambda j: j.add(Kind.EXEMPTION_RULES_CHANGED, target="rules:g", weakened=[]),
            "another alert": lambda j: j.add(Kind.ALERT, about="wrong number", text="…"),
        },
    ),
    "first_policy_change": Examples(
        fires={
            "never before": _policy({**POLICY, "displayName": "Other"}),
            "not for half a year": lambda j: (_policy(POLICY)(j), j.wait(days(190)), _policy(POLICY)(j)),
        },
        quiet={
            "somebody at the machine": lambda j: j.add(Kind.POLICY_CREATED, actor="local:root"),
            "something else": lambda j: j.add(Kind.GROUP_CREATED, actor=f"user:{BOB}"),
        },
    ),
    "administrators_changed": Examples(
        fires={
            "one more": lambda j: j.add(
                Kind.USER_CHANGED, target=f"user:{ALICE}", before={"roles": []}, after={"roles": ["administrator"]}
            ),
            "one less": lambda j: j.add(
                Kind.USER_CHANGED, target=f"user:{ALICE}", before={"roles": ["approver"]}, after={"roles": []}
            ),
        },
        quiet={
            "another name": lambda j: j.add(
                Kind.USER_CHANGED, target=f"user:{ALICE}", before={"display_name": "A"}, after={"display_name": "B"}
            ),
            "a person": lambda j: j.add(Kind.USER_CREATED, target=f"user:{ALICE}", roles=[]),
        },
    ),
    "activated_too_often": Examples(
        fires={"four in a day": _given(4, hours(1)), "ten in a week": _given(10, hours(15))},
        quiet={"three in a day": _given(3, hours(1)), "one a day": _given(9, days(1))},
    ),
    "requests_denied": Examples(
        fires={
            "an approver says no": lambda j: j.add(
                Kind.REQUEST_DECIDED, target="exemption:e", actor=f"user:{BOB}", user=ALICE, approved=False
            )
        },
        quiet={
            "an approver says yes": lambda j: j.add(
                Kind.REQUEST_DECIDED, target="exemption:e", actor=f"user:{BOB}", user=ALICE, approved=True
            )
        },
    ),
    "approved_unused": Examples(
        fires={"not used": lambda j: j.add(Kind.EXEMPTION_UNUSED, target="exemption:e", user=ALICE)},
        quiet={"it ran out": lambda j: j.add(Kind.EXEMPTION_RAN_OUT, target="exemption:e", user=ALICE)},
    ),
    "new_method_in_window": Examples(
        fires={
            "a passkey": _added(Kind.PASSKEY_ADDED),
            "recovery codes": _added(Kind.RECOVERY_CODES_MADE),
            "notices go elsewhere": _added(Kind.OWN_CHANNEL_ADDED),
        },
        quiet={
            "a passkey on another day": _added(Kind.PASSKEY_ADDED, hours(3)),
            "somebody else's": _added(Kind.PASSKEY_ADDED, user=BOB),
        },
    ),
    "device_after_sign_in": Examples(
        fires={"after five minutes": _enrolled(minutes(5)), "from elsewhere": _enrolled(minutes(5), address=FARAWAY)},
        quiet={"on another day": _enrolled(hours(20)), "somebody else's": _enrolled(minutes(5), BOB),
               "nobody's": _enrolled(minutes(5), "")},
    ),
    "many_devices": Examples(
        fires={"three at once": _machines(3)},
        quiet={"two": _machines(2), "three in a day": _machines(3, apart=hours(1)), "nobody's": _machines(9, "")},
    ),
    "device_no_longer_compliant": Examples(
        fires={
            "not compliant": lambda j: j.add(
                Kind.DEVICE_COMPLIANCE, target="device:d", before={"compliant": True}, after={"compliant": False}
            )
        },
        quiet={
            "compliant again": lambda j: j.add(
                Kind.DEVICE_COMPLIANCE, target="device:d", before={"compliant": False}, after={"compliant": True}
            ),
            "another name": lambda j: j.add(
                Kind.DEVICE_CHANGED, target="device:d", before={"name": "a"}, after={"name": "b"}
            ),
        },
    ),
}  # fmt: skip
