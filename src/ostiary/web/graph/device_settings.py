"""
`/ostiary/deviceAdmission` and `/ostiary/complianceWebhooks`: what the organisation says about machines.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.device_settings import ADMISSION_RULE, WEBHOOK
from ostiary.services.devices.admission import change_rule, look_at_rule
from ostiary.services.devices.compliance import add_hook, list_hooks, remove_hook
from ostiary.web.graph.resource import Call, Path, changing, creating, listing, reading, removing

__all__ = ["PATHS"]

_READ, _WRITE = Action.READ_POLICIES, Action.WRITE_DEVICES


async def _change(call: Call) -> Any:
    return await change_rule(call.house, call.visit, call.changes, call.reason)


async def _add(call: Call) -> Any:
    return await add_hook(call.house, call.visit, call.changes["name"], call.reason)


PATHS: tuple[Path, ...] = (
    Path(
        "/ostiary/deviceAdmission",
        (
            reading(ADMISSION_RULE, _READ, lambda c: look_at_rule(c.house, c.visit), "What admits machines by itself"),
            changing(ADMISSION_RULE, _WRITE, _change, "Change what admits machines by itself"),
        ),
    ),
    Path(
        "/ostiary/complianceWebhooks",
        (
            listing(WEBHOOK, _READ, lambda c: list_hooks(c.house, c.visit, c.query)),
            creating(WEBHOOK, _WRITE, _add, "Make a secret for messages about compliance"),
        ),
    ),
    Path(
        "/ostiary/complianceWebhooks/{id}",
        (removing(WEBHOOK, _WRITE, lambda c: remove_hook(c.house, c.visit, c.path["id"])),),
    ),
)
