"""
`/ostiary/logSinks`: where every entry of the journal is sent.
"""

from ostiary.core.directory.permissions import Action
from ostiary.core.graph.log_sink import SINK
from ostiary.services.logs.sinks import add_sink, list_sinks, remove_sink, test_sink
from ostiary.web.graph.resource import Gives, Path, acting, creating, listing, removing

__all__ = ["PATHS"]

_WRITE = Action.WRITE_SINKS

PATHS: tuple[Path, ...] = (
    Path(
        f"/{SINK.name}",
        (
            listing(SINK, Action.READ_LOGS, lambda c: list_sinks(c.house, c.visit, c.query)),
            creating(SINK, _WRITE, lambda c: add_sink(c.house, c.visit, c.changes, c.reason), "Send the journal there"),
        ),
    ),
    Path(
        f"/{SINK.name}/{{id}}",
        (
            removing(
                SINK, _WRITE, lambda c: remove_sink(c.house, c.visit, c.path["id"]), "Send the journal there no more"
            ),
        ),
    ),
    Path(
        f"/{SINK.name}/{{id}}/test",
        (acting(_WRITE, lambda c: test_sink(c.house, c.visit, c.path["id"]), "Try it at once", gives=Gives.NOTHING),),
    ),
)
