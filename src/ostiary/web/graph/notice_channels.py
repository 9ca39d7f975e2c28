"""
`/ostiary/noticeChannels` and `/ostiary/ownNoticeChannels`: where notices go, the organisation's and the caller's own.
"""

from typing import Any

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.notice_channel import CHANNEL, OWN_CHANNEL
from ostiary.services.notices.channels import add_channel, list_channels, remove_channel, test_channel
from ostiary.web.graph.resource import Call, Gives, Path, acting, creating, listing, removing

__all__ = ["PATHS"]


def _paths(*, own: bool) -> tuple[Path, ...]:
    """The same three paths twice; whose channels they are about is the only difference."""
    shape = OWN_CHANNEL if own else CHANNEL
    read, write = (Action.READ_SELF, Action.CHANGE_CHANNELS) if own else (Action.READ_POLICIES, Action.WRITE_CHANNELS)

    async def show(call: Call) -> Any:
        return await list_channels(call.house, call.visit, call.query, own=own)

    async def add(call: Call) -> Any:
        return await add_channel(call.house, call.visit, call.changes, call.reason, own=own)

    async def remove(call: Call) -> Any:
        return await remove_channel(call.house, call.visit, call.path["id"], own=own)

    async def test(call: Call) -> Any:
        return await test_channel(call.house, call.visit, call.path["id"], own=own)

    whose = "one's own notices go to" if own else "the organisation's notices go to"
    return (
        Path(
            f"/{shape.name}",
            (
                listing(shape, read, show, f"List the places that {whose}"),
                creating(shape, write, add, f"Add a place that {whose}"),
            ),
        ),
        Path(f"/{shape.name}/{{id}}", (removing(shape, write, remove, f"Remove a place that {whose}"),)),
        Path(
            f"/{shape.name}/{{id}}/test",
            (acting(write, test, "Send a test message there", gives=Gives.NOTHING),),
        ),
    )


PATHS: tuple[Path, ...] = _paths(own=False) + _paths(own=True)
