"""
The rule that admits machines without asking, in the hands of administrators.

Whatever leaves it on needs a reason and raises an alert: it opens a door that a person stood at before.
"""

from collections.abc import Mapping
from typing import Any

from ostiary.core.devices.admission import AdmissionRule, read_rule, rule_document
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.logs.entry import Entry
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.house import House
from ostiary.services.logs.alerts import alert, refuse
from ostiary.services.logs.record import record
from ostiary.store import Tx, device_settings, groups

__all__ = ["change_rule", "look_at_rule"]

TARGET = "device_rule:admission"


async def look_at_rule(house: House, visit: Visit) -> AdmissionRule | Refused:
    """How it stands."""
    refused = judge(Action.READ_POLICIES, visit.caller, now=visit.now)

    async def body(tx: Tx) -> AdmissionRule | Refused:
        return refused or await device_settings.rule(tx)

    return await house.store.read(body)


async def change_rule(
    house: House, visit: Visit, changes: Mapping[str, Any], reason: str = ""
) -> AdmissionRule | Refused:
    """
    Change it. Refused: FORBIDDEN and its kin, INVALID_VALUE, REASON_REQUIRED for everything that leaves it on.
    """

    async def body(tx: Tx) -> AdmissionRule | Refused:
        old = await device_settings.rule(tx)
        new = await _read(tx, visit, old, changes)
        if isinstance(new, Refused):
            return await refuse(tx, visit, Action.WRITE_DEVICES, new, target=TARGET)
        why = read_reason(reason) if reason or new.enabled else ""
        if isinstance(why, Refused):
            return await refuse(tx, visit, Action.WRITE_DEVICES, why, target=TARGET)
        if not await device_settings.put_rule(tx, old, new, visit.now):
            return Refused(Reason.CONFLICT)
        detail = {"before": rule_document(old), "after": rule_document(new), "reason": why}
        await record(tx, visit, Entry(Kind.DEVICE_RULE_CHANGED, target=TARGET, detail=detail))
        if new.enabled:
            text = f"{visit.caller.name} lets a rule admit machines: {why}"
            await alert(tx, visit, about="guardrail_weakened", text=text, target=TARGET)
        return new

    return await house.store.write(body)


async def _read(tx: Tx, visit: Visit, old: AdmissionRule, changes: Mapping[str, Any]) -> AdmissionRule | Refused:
    """Step: the rule as it would be, if the caller may and its group exists."""
    refused = judge(Action.WRITE_DEVICES, visit.caller, now=visit.now)
    new = refused or read_rule(old, changes)
    if isinstance(new, Refused) or new.group is None or await groups.find(tx, new.group) is not None:
        return new
    return Refused(Reason.INVALID_VALUE, "There is no such group.", field="groupId")
