"""
`/ostiary/killSwitch`: how it stands; `on` and `off` turn it. Off is one step a caller: the first proposes it.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.fields import Field, Kind
from ostiary.core.graph.kill_switch import KILL_SWITCH
from ostiary.services.access.kill_switch import look, turn_off, turn_on
from ostiary.web.graph.resource import Call, Gives, Operation, Path, acting, reading

__all__ = ["PATHS"]

_WHY: tuple[Field[Any], ...] = (
    Field("reason", Kind.STRING, write="reason", required=True, limit=512, doc="Why; kept in the audit log."),
)


async def _on(call: Call) -> Any:
    return await turn_on(call.house, call.visit, call.reason)


async def _off(call: Call) -> Any:
    return await turn_off(call.house, call.visit, call.reason)


def _turning(run: Any, summary: str) -> Operation:
    return acting(Action.TURN_KILL_SWITCH, run, summary, fields=_WHY, gives=Gives.ENTITY, shape=KILL_SWITCH)


PATHS: tuple[Path, ...] = (
    Path(
        "/ostiary/killSwitch",
        (
            reading(
                KILL_SWITCH, Action.READ_KILL_SWITCH, lambda c: look(c.house, c.visit), "How the kill switch stands"
            ),
        ),
    ),
    Path("/ostiary/killSwitch/on", (_turning(_on, "Stop every device sign-in"),)),
    Path("/ostiary/killSwitch/off", (_turning(_off, "Propose to allow device sign-ins again, or confirm it"),)),
)
