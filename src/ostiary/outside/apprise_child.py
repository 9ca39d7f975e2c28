"""
A process that hands one message to Apprise, within the outgoing rule (R24). Not imported: `outside/apprise` runs it.

Apprise asks by itself, with libraries of its own, so the rule is put below them: each request is judged by the URL that
it is sent to, a name is resolved once, each of its addresses is judged as `outside/outgoing` does, and an audit hook,
which nothing in a process can take away again, lets no connection be made to any address that was not admitted, and no
other program be started. So redirects lead nowhere either; they are off besides. A proxy is used for HTTP alone, and
told nothing that may not be asked. The process dies with its message, or is killed in time.

In: one JSON object on stdin. Out: one JSON object, `{"trouble": ""}` when the message was taken.
"""

import json
import logging
import os
import resource
import socket
import sys
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from ostiary.core.notices.address import At, Form, Scheme, read_address
from ostiary.core.words.destinations import Destinations, Place, literal, place_of, read_destinations
from ostiary.core.words.outcome import Refused

Send = Callable[..., Any]

MEMORY = 1024 * 1024 * 1024  # bytes of address space: an answer without an end fails here
_STARTING = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn")

_REACHING = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind")


class Barred(OSError):
    """Not to be asked."""


class Guard:
    """What this process may ask and connect to. *tls*: nothing else is spoken, even where plain HTTP is listed."""

    def __init__(self, destinations: Destinations, proxy: str, *, tls: bool) -> None:
        self._destinations, self._tls = destinations, tls
        self._scheme = "https" if tls else "http"  # until a request tells its own
        self._way, self._proxy = proxy, place_of(proxy)
        self._proxied = False
        self._admitted: set[tuple[str, int]] = set()
        self._resolve = socket.getaddrinfo
        self.barred = False

    def judged(self, send: Send) -> Send:
        """
        *send* of `requests`, for what may be asked: the URL is the one that is sent, whatever made it. Who is not
        listed is asked through the proxy, so what that is told is judged before.
        """

        def judge_and_send(adapter: Any, request: Any, **options: Any) -> Any:
            place = place_of(request.url)
            if place is None or self._destinations.bars(place) or (self._tls and place.scheme != "https"):
                raise self._bar()
            self._scheme = place.scheme
            self._proxied = self._proxy is not None and not self._destinations.listed(place)
            proven = options.get("verify") or True  # a file of authorities, or the default ones; never no proof
            proxies = {place.scheme: self._way} if self._proxied else {}
            return send(adapter, request, **{**options, "verify": proven, "proxies": proxies})

        return judge_and_send

    def getaddrinfo(self, host: Any, port: Any, *more: Any, **options: Any) -> Any:
        """The machine's resolver; one address that may not be asked bars the name."""
        name = host.decode() if isinstance(host, bytes) else str(host or "")
        place = Place(self._scheme, name.lower().rstrip("."), int(port or 0))
        found = self._resolve(host, port, *more, **options)
        addresses = {str(where[4][0]) for where in found}
        if not self._may(place, addresses):
            raise self._bar()
        self._admitted |= {(address, place.port) for address in addresses}
        return found

    def _may(self, place: Place, addresses: set[str]) -> bool:
        if self._proxy is not None and self._proxied:
            return (place.host, place.port) == (self._proxy.host, self._proxy.port)
        if self._proxy is not None and not self._destinations.listed(place):
            return False  # mail, which knows no proxy
        return self._destinations.may_speak(place) and all(
            self._destinations.admits(place, ip_address(address.partition("%")[0])) for address in addresses
        )

    def _bar(self) -> Barred:
        self.barred = True
        return Barred("this address may not be asked")

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook (PEP 578): raising here keeps the thing from happening."""
        if event in _STARTING:
            raise Barred("no programs")
        if event in _REACHING and arguments[1] is not None:  # of a message, None: to whom it is connected
            where = arguments[1]
            known = isinstance(where, tuple) and literal(str(where[0])) is not None
            if not known or (str(where[0]), where[1]) not in self._admitted:
                raise self._bar()


def deliver(given: dict[str, Any]) -> str:
    """Send the message; why not, in a word: ``barred``, ``refused``, ``unfit``."""
    read = read_address(Form.APPRISE, given["address"])
    if isinstance(read, Refused) or read.scheme is None:
        return "unfit"
    guard = Guard(read_destinations(given["allow"]), given["proxy"], tls=read.scheme.tls)
    import apprise  # noqa: PLC0415 - after the environment is set: it reads it when it is imported
    import requests  # noqa: PLC0415

    asset = apprise.AppriseAsset(
        storage_mode=apprise.PersistentStoreMode.MEMORY, async_mode=False, http_redirects=False, app_id="Ostiary",
        pgp_autogen=False, pem_autogen=False,
    )  # fmt: skip
    plugin = apprise.Apprise.instantiate(given["address"], asset=asset, suppress_exceptions=True)
    if plugin is None or not _forced(plugin, read.scheme):
        return "unfit"
    requests.adapters.HTTPAdapter.send = guard.judged(requests.adapters.HTTPAdapter.send)  # type: ignore[method-assign]
    socket.getaddrinfo = guard.getaddrinfo
    sys.addaudithook(guard.hook)
    try:
        sent = bool(plugin.notify(body=given["text"], title=given["title"], body_format=apprise.NotifyFormat.TEXT))
    except Barred:
        sent = False
    return "" if sent else "barred" if guard.barred else "refused"


def _forced(plugin: Any, scheme: Scheme) -> bool:
    """Certificates are checked and redirects are off, whatever is set; False where mail would go without TLS."""
    plugin.verify_certificate, plugin.redirects = True, False
    if not scheme.tls or scheme.at is not At.MAIL:
        return True  # the guard sees the scheme of each request
    return bool(plugin.secure) and plugin.secure_mode != "insecure"


def _environment(given: dict[str, Any]) -> None:
    """Nothing of the machine's own settings but its authorities, and those of the operator."""
    os.environ.clear()
    os.environ |= {"HOME": "/nonexistent", "NETRC": os.devnull, "LC_ALL": "C.UTF-8"}
    if given["authorities"]:
        bundle = os.memfd_create("authorities")  # libraries want a file; nothing is left of this one
        with os.fdopen(bundle, "w", closefd=False) as file:
            file.write(given["authorities"])
        os.environ |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), f"/proc/self/fd/{bundle}")


def main() -> None:
    """One message."""
    given = json.loads(sys.stdin.read())
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an address holds passwords
    logging.disable(logging.CRITICAL)  # it would write addresses, which hold passwords
    try:
        _environment(given)
        trouble = deliver(given)
    except Exception:
        trouble = "refused"
    sys.stdout.write(json.dumps({"trouble": trouble}))


if __name__ == "__main__":
    main()
