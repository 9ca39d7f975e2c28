"""
A process that hands one message to Apprise, within the outgoing rule (R24). Not imported: `outside/apprise` runs it.

Apprise asks by itself, with libraries of its own, so the rule is put below them: a name is resolved once, each of its
addresses is judged as `outside/outgoing` does, and an audit hook, which nothing in a process can take away again, lets
no connection be made to any address that was not admitted, and no other program be started. So redirects lead nowhere
either; they are off besides. The process dies with its message, or is killed in time.

In: one JSON object on stdin. Out: one JSON object, `{"trouble": ""}` when the message was taken.
"""

import json
import logging
import os
import resource
import socket
import sys
from ipaddress import ip_address
from typing import Any

from ostiary.core.words.destinations import Destinations, Place, literal, read_destinations

MEMORY = 1024 * 1024 * 1024  # bytes of address space: an answer without an end fails here
_HOSTED = ("slack", "workflow", "workflows", "discord", "tgram", "pover")
"""Services with one address of their own, which they speak TLS to whatever `secure` says."""
_STARTING = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn")


class Barred(OSError):
    """Not to be asked."""


class Guard:
    """What this process may connect to."""

    def __init__(self, destinations: Destinations, proxy: str, *, tls: bool) -> None:
        self._destinations, self._scheme = destinations, "https" if tls else "http"
        self._proxy = Place("http", *_host_port(proxy)) if proxy else None
        self._admitted: set[tuple[str, int]] = set()
        self._resolve = socket.getaddrinfo
        self.barred = False

    def getaddrinfo(self, host: Any, port: Any, *more: Any, **options: Any) -> Any:
        """The machine's resolver; one address that may not be asked bars the name."""
        name = host.decode() if isinstance(host, bytes) else str(host or "")
        place = Place(self._scheme, name.lower().rstrip("."), int(port or 0))
        found = self._resolve(host, port, *more, **options)
        addresses = {str(where[4][0]) for where in found}
        if not self._may(place, addresses):
            self.barred = True
            raise Barred("this address may not be asked")
        self._admitted |= {(address, place.port) for address in addresses}
        return found

    def _may(self, place: Place, addresses: set[str]) -> bool:
        if self._proxy is not None and (place.host, place.port) == (self._proxy.host, self._proxy.port):
            return True
        if self._proxy is not None and not self._destinations.listed(place):
            return False  # everything that is not listed goes through the proxy
        return self._destinations.may_speak(place) and all(
            self._destinations.admits(place, ip_address(address.partition("%")[0])) for address in addresses
        )

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook (PEP 578): raising here keeps the thing from happening."""
        if event in _STARTING:
            raise Barred("no programs")
        if event in ("socket.connect", "socket.sendto", "socket.bind"):
            where = arguments[1]
            known = isinstance(where, tuple) and literal(str(where[0])) is not None
            if not known or (str(where[0]), where[1]) not in self._admitted:
                self.barred = True
                raise Barred("this address may not be asked")


def _host_port(url: str) -> tuple[str, int]:
    host, _, port = url.rpartition("://")[2].rpartition(":")
    return host.strip("[]"), int(port)


def deliver(given: dict[str, Any]) -> str:
    """Send the message; why not, in a word: ``barred``, ``refused``, ``unfit``."""
    guard = Guard(read_destinations(given["allow"]), given["proxy"], tls=given["tls"])
    import apprise  # noqa: PLC0415 - after the environment is set: it reads it when it is imported

    asset = apprise.AppriseAsset(
        storage_mode=apprise.PersistentStoreMode.MEMORY, async_mode=False, http_redirects=False, app_id="Ostiary",
        pgp_autogen=False, pem_autogen=False,
    )  # fmt: skip
    plugin = apprise.Apprise.instantiate(given["address"], asset=asset, suppress_exceptions=True)
    if plugin is None or not _forced(plugin, tls=given["tls"]):
        return "unfit"
    socket.getaddrinfo = guard.getaddrinfo
    sys.addaudithook(guard.hook)
    sent = bool(plugin.notify(body=given["text"], title=given["title"], body_format=apprise.NotifyFormat.TEXT))
    return "" if sent else "barred" if guard.barred else "refused"


def _forced(plugin: Any, *, tls: bool) -> bool:
    """Certificates are checked and redirects are off, whatever the address says; False where TLS is not what it is."""
    plugin.verify_certificate, plugin.redirects = True, False
    if not tls or plugin.schema in _HOSTED:
        return True
    return bool(plugin.secure) and getattr(plugin, "secure_mode", None) != "insecure"


def _environment(given: dict[str, Any]) -> None:
    """Nothing of the machine's own settings but its authorities, and those of the operator."""
    os.environ.clear()
    os.environ |= {"HOME": "/nonexistent", "NETRC": os.devnull, "LC_ALL": "C.UTF-8"}
    if given["authorities"]:
        bundle = os.memfd_create("authorities")  # libraries want a file; nothing is left of this one
        with os.fdopen(bundle, "w", closefd=False) as file:
            file.write(given["authorities"])
        os.environ |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), f"/proc/self/fd/{bundle}")
    if given["proxy"]:
        listed = ",".join(sorted(host for host, _ in read_destinations(given["allow"]).hosts))
        os.environ |= {"HTTPS_PROXY": given["proxy"], "HTTP_PROXY": given["proxy"], "NO_PROXY": listed}


def main() -> None:
    """One message."""
    given = json.loads(sys.stdin.read())
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable(logging.CRITICAL)  # it would write addresses, which hold passwords
    try:
        _environment(given)
        trouble = deliver(given)
    except Exception:
        trouble = "refused"
    sys.stdout.write(json.dumps({"trouble": trouble}))


if __name__ == "__main__":
    main()
