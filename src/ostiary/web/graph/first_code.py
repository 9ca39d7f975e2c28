"""
`/ostiary/firstCode`: another one-time code for `/setup`, while nobody administers the house (R18). Ours, in no Graph.

`ostiary-server init` asks for it through the local door when a service runs already and so has the data folder.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.words.instants import to_iso
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.directory.first_admin import issue_code
from ostiary.web.graph.resource import Call, Path, acting

__all__ = ["PATHS"]


async def _issue(call: Call) -> Any:
    """The code, shown this once: only its digest is kept."""
    issued = await issue_code(call.house, call.visit)
    if isinstance(issued, Refused):
        return Refused(Reason.WRONG_STATE, issued.detail)
    return {"code": issued[0], "expires": to_iso(issued[1])}


PATHS: tuple[Path, ...] = (
    Path(
        "/ostiary/firstCode",
        (acting(Action.RECOVER_ADMINISTRATOR, _issue, "Make another code for the first administrator's page"),),
    ),
)
