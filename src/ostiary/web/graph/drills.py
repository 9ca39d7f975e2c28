"""
`/ostiary/drills`: marked tests of whether people refuse a code that they did not ask for (M13). Codes are shown once;
what people did, administrators alone see.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.drill import DRILL, WISH
from ostiary.core.graph.fields import render
from ostiary.core.words.outcome import Refused
from ostiary.services.signins.drills import find_drill, search_drills, start_drills
from ostiary.web.graph.resource import Call, Gives, Path, acting, listing, reading

__all__ = ["PATHS"]


async def _start(call: Call) -> Any:
    begun = await start_drills(call.house, call.visit, call.changes, call.reason)
    if isinstance(begun, Refused):
        return begun
    page = f"{call.house.settings.origin}/devicelogin"
    return {
        "value": [
            {**render(DRILL.fields, one.shown), "userCode": one.code, "verificationUri": page} for one in begun.sent
        ],
        "skipped": [{"userPrincipalName": name, "reason": why} for name, why in begun.skipped],
    }


PATHS: tuple[Path, ...] = (
    Path(
        "/ostiary/drills",
        (
            listing(DRILL, Action.READ_DRILLS, lambda c: search_drills(c.house, c.visit, c.query)),
            acting(Action.START_DRILL, _start, "Send a drill", fields=WISH, gives=Gives.OBJECT),
        ),
    ),
    Path(
        "/ostiary/drills/{id}",
        (reading(DRILL, Action.READ_DRILLS, lambda c: find_drill(c.house, c.visit, c.path["id"])),),
    ),
)
