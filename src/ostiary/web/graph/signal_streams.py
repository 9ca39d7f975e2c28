"""
`/ostiary/signalStreams`: who is told of ended sessions, and what waits for them.
"""

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.signal_stream import SIGNAL_STREAM
from ostiary.services.signals.administer import all_streams, remove_stream
from ostiary.web.graph.resource import Path, listing, removing

__all__ = ["PATHS"]

PATHS: tuple[Path, ...] = (
    Path(
        "/ostiary/signalStreams",
        (listing(SIGNAL_STREAM, Action.READ_DIRECTORY, lambda c: all_streams(c.house, c.visit, c.query)),),
    ),
    Path(
        "/ostiary/signalStreams/{id}",
        (
            removing(
                SIGNAL_STREAM, Action.WRITE_APPLICATIONS, lambda c: remove_stream(c.house, c.visit, c.path["id"])
            ),
        ),
    ),
)  # fmt: skip
