"""
Listening: the public port, with TLS whose certificate is reloaded, the proxy's socket (R13) and the local door (R2),
one ASGI application on all.
"""

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ostiary.app.config import Config
from ostiary.app.console import Refused
from ostiary.app.jobs import end_jobs, run_jobs
from ostiary.app.masters import take_keys
from ostiary.app.metrics import Metrics
from ostiary.app.metrics_door import metrics_app, metrics_door
from ostiary.outside.data_folder import peer_uid, user_name
from ostiary.outside.tls import Kept, Reloader, Swapped
from ostiary.services.house import House
from ostiary.web import graph, oauth, pages, scim
from ostiary.web.front import health
from ostiary.web.front.credentials import api_visit
from ostiary.web.front.hot import Asgi, hot, tenant_names
from ostiary.web.front.stack import http_error, stack
from ostiary.web.front.traced import traced
from ostiary.web.front.visit import LOCAL, PROXY

__all__ = ["application", "serve"]

SOCKET = "admin.sock"
CERTIFICATE_CHECKS = 5.0  # seconds between two looks at the certificate's files
GRACE = 5  # seconds that open requests get when the process is told to stop
CONNECTIONS = 4096
PORT = "--port, the setting `port`, or make run PORT=..."

_log = structlog.get_logger("ostiary.serve")


class _Rooms(Starlette):
    """The router alone: Starlette would answer a fault itself, before ours gives it the shape of its door (R9)."""

    def build_middleware_stack(self) -> ASGIApp:
        return ExceptionMiddleware(self.router, handlers=self.exception_handlers)


def application(house: House) -> Asgi:
    """Everything behind the ports: hot paths, then the router, all behind the one pipeline."""
    routes: list[BaseRoute] = [
        *oauth.routes(house), *pages.routes(house), *graph.routes(house, api_visit), *scim.routes(house),
        *health.routes(house),
    ]  # fmt: skip
    handlers: dict[Any, Callable[..., Any]] = {HTTPException: http_error(house)}
    router = _Rooms(routes=routes, exception_handlers=handlers)
    names = tenant_names(house.desk.picture.organisation)
    cold: Asgi = router
    doors = hot(oauth.hot_doors(house), names=names, unknown=oauth.unknown_tenant(house), cold=cold)
    return stack(traced(doors, house), house)


class _LocalProtocol(HttpToolsProtocol):
    """HTTP on the local door: each request is marked with the user at the other end, as the kernel names them."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        try:
            uid = peer_uid(transport.get_extra_info("socket"))
        except (OSError, ValueError):
            transport.close()
            return
        self._peer = {"uid": uid, "user": user_name(uid)}
        if uid not in (0, os.geteuid()):
            transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {LOCAL: self._peer}  # type: ignore[dict-item]


class _ProxyProtocol(HttpToolsProtocol):
    """HTTP on the proxy's socket: each request is marked, because it shows no address by itself (R13)."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {PROXY: {}}


class _Server(uvicorn.Server):
    """A listener that leaves signals to us: there are two in one loop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: Asgi, tls: ssl.SSLContext | None, protocol: type[HttpToolsProtocol] | str) -> _Server:
    config = uvicorn.Config(
        app,
        http=protocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        interface="asgi3",
        proxy_headers=False,  # R13: the address is our own code's business
        server_header=False,
        access_log=False,
        log_config=None,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE,
        backlog=1024,
    )
    config.load()
    config.ssl = tls
    return _Server(config)


def _tcp(host: str, port: int, hint: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, since asyncio's own loop switches Nagle's delay off only then: 40 ms for each answer in two TLS records.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Refused(f"cannot listen on {host} port {port}: {error.strerror} (another one: {hint})") from None
    return listener


def _unix(path: Path, hidden: int) -> socket.socket:
    """A Unix socket without the permissions *hidden*, from before anybody can connect."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(hidden)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    return listener


def _listeners(app: Asgi, config: Config, reloader: Reloader | None) -> list[tuple[_Server, socket.socket]]:
    """Every way in. Plain HTTP behind a socket leaves TCP closed: only the proxy comes in."""
    servers = []
    if config.proxy_socket is None or not config.plain:
        servers.append(
            (_server(app, reloader.context if reloader else None, "httptools"), _tcp(config.listen, config.port, PORT))
        )
    if config.proxy_socket is not None:
        servers.append((_server(app, None, _ProxyProtocol), _unix(config.proxy_socket, 0o117)))
    if config.local_door:
        servers.append((_server(app, None, _LocalProtocol), _unix(config.data / SOCKET, 0o177)))
    return servers


async def _watched(house: House, config: Config, reloader: Reloader | None) -> list[tuple[_Server, socket.socket]]:
    """The door for Prometheus, where the configuration has one. Raises ConfigRefused, Refused."""
    door = metrics_door(config)
    if door is None:
        return []
    app = metrics_app(await Metrics.from_now(house, reloader), door)
    tls = reloader.context if door.tls and reloader is not None else None
    if door.tls and tls is None:
        raise Refused("metrics_listen: there is no certificate for it")
    return [(_server(app, tls, "httptools"), _tcp(door.host, door.port, "the setting `metrics_listen`"))]


async def serve(
    house: House, config: Config, reloader: Reloader | None, *, ready: Callable[[], None], stop: asyncio.Event,
    reread: Callable[[], Config] | None = None,
) -> None:  # fmt: skip
    """
    Listen until *stop* is set or the process is told to end; *ready* is called when both doors are open. SIGUSR1 takes
    the master keys of the configuration anew, as *reread* gives it.
    """
    servers = [*await _watched(house, config, reloader), *_listeners(application(house), config, reloader)]
    side = [asyncio.create_task(run_jobs(house))]
    if house.outside.traces is not None:
        side.append(asyncio.create_task(house.outside.traces.run()))
    if reread is not None:
        side.append(asyncio.create_task(_masters(house, reread)))
    if reloader is not None:
        side.append(asyncio.create_task(_certificates(reloader)))
    running = [asyncio.create_task(server.serve(sockets=[listener])) for server, listener in servers]
    await _opened([server for server, _ in servers], running)
    ready()
    await _until_told(stop, running)
    for server, _ in servers:
        server.should_exit = True
    house.room.close()
    house.polls.close()
    await asyncio.gather(*running)
    for task in side:
        task.cancel()
    await asyncio.gather(*side, return_exceptions=True)
    await end_jobs(house)
    for path in filter(None, (config.data / SOCKET, config.proxy_socket)):
        path.unlink(missing_ok=True)


async def _opened(servers: list[_Server], running: list[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        if any(task.done() for task in running):
            raise RuntimeError("a listener ended before it was open")
        await asyncio.sleep(0.01)  # uvicorn has no event for it


async def _until_told(stop: asyncio.Event, running: list[asyncio.Task[None]]) -> None:
    loop = asyncio.get_running_loop()
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    except (ValueError, RuntimeError):  # not the main thread: whoever started us sets `stop`
        pass
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([waiting, *running], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _masters(house: House, reread: Callable[[], Config]) -> None:
    """Each SIGUSR1, one after the other."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
    while True:
        await told.wait()
        told.clear()
        await take_keys(house, reread, os.environ)


async def _certificates(reloader: Reloader) -> None:
    while True:
        await asyncio.sleep(CERTIFICATE_CHECKS)
        match reloader.check():
            case Swapped(ends=ends):
                _log.info("certificate reloaded", ends=ends)
            case Kept(reason=reason):
                _log.error("certificate kept", reason=reason)
