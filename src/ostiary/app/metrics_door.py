"""
The door for Prometheus: a listener of its own that knows `GET /metrics` and nothing else.

Nothing of it is ever behind the public port. On loopback it is plain HTTP, and open to the machine's users unless there
is a token; elsewhere it shows the service's certificate and asks for the token.
"""

import os
from dataclasses import dataclass, field

from ostiary.app.config import Config, ConfigRefused
from ostiary.app.metrics import Metrics
from ostiary.app.telemetry_config import place
from ostiary.core.words.digests import digest, same
from ostiary.outside import files
from ostiary.web.front.answer import Answer, Send, send_answer
from ostiary.web.front.hot import Asgi, Receive
from ostiary.web.front.visit import Scope, headers

__all__ = ["MetricsDoor", "metrics_app", "metrics_door"]

PATH = "/metrics"
SHORTEST, LONGEST = 16, 4096  # bytes of a token
_NOT_FOUND = Answer(404, [(b"content-length", b"0")], b"")
_NOT_ALLOWED = Answer(405, [(b"content-length", b"0"), (b"allow", b"GET")], b"")
_NOT_YOU = Answer(401, [(b"content-length", b"0"), (b"www-authenticate", b'Bearer realm="metrics"')], b"")


@dataclass(frozen=True, slots=True)
class MetricsDoor:
    """Where it is and who may come in."""

    host: str
    port: int
    tls: bool
    token: bytes | None = field(repr=False)
    """SHA-256 of the token; None: whoever reaches it."""


def metrics_door(config: Config) -> MetricsDoor | None:
    """The door of the configuration, if it has one. Raises ConfigRefused."""
    if not config.metrics_listen:
        return None
    address, port = place(config.metrics_listen)
    if not address.is_loopback and config.plain:
        raise ConfigRefused(("metrics_listen: with `plain` there is no certificate for it: use loopback",))
    return MetricsDoor(str(address), port, tls=not address.is_loopback, token=_token(config))


def _token(config: Config) -> bytes | None:
    path = config.metrics_token_file
    if path is None:
        return None
    try:
        status, content = files.read_bounded(path, LONGEST)
    except (OSError, ValueError) as error:
        raise ConfigRefused((f"metrics_token_file: {error}",)) from None
    if reason := files.exposure(status, owners=(0, os.geteuid()), forbidden=0o037):
        raise ConfigRefused((f"metrics_token_file: {path}: {reason}",))
    if len(content.strip()) < SHORTEST:
        raise ConfigRefused((f"metrics_token_file: needs at least {SHORTEST} bytes",))
    return digest(content.strip())


def metrics_app(metrics: Metrics, door: MetricsDoor) -> Asgi:
    """What answers there. Who shows no token learns not even whether the path is right."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if door.token is not None and not _shown(headers(scope, b"authorization"), door.token):
            await send_answer(_NOT_YOU, send)
        elif scope["path"] != PATH:
            await send_answer(_NOT_FOUND, send)
        elif scope["method"] != "GET":
            await send_answer(_NOT_ALLOWED, send)
        else:
            body, content = await metrics.exposition(b",".join(headers(scope, b"accept")).decode("latin-1"))
            length = b"%d" % len(body)
            more = [(b"content-type", content.encode()), (b"content-length", length), (b"cache-control", b"no-store")]
            await send_answer(Answer(200, more, body), send)

    return app


def _shown(values: list[bytes], token: bytes) -> bool:
    """Whether the one `Authorization` header holds the token (RFC 6750 §2.1)."""
    if len(values) != 1:
        return False
    scheme, _, shown = values[0].partition(b" ")
    return scheme.lower() == b"bearer" and same(digest(shown.strip()), token)
