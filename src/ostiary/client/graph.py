"""
The admin API, spoken as Microsoft Graph v1.0 is: JSON resources, `@odata.nextLink`, one shape of error.

Owns the paths' base, paging, waiting when the server says so, and what an error means; knows no resource. Two doors
lead to the same API: https with a person's token, or the Unix socket in the server's data folder (R2).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import httpx

from ostiary.client.certificate import ClientCertificate
from ostiary.client.discovery import origin_of
from ostiary.client.drive import http_client, run
from ostiary.client.errors import (
    Conflict,
    DeniedByPolicy,
    Misused,
    NotSignedIn,
    OstiaryError,
    Refusal,
    ServerFault,
    StepUpNeeded,
    Unreachable,
    plain,
)
from ostiary.client.exchange import Answer, Call, Exchange, answered, pause
from ostiary.client.machine import Machine
from ostiary.client.proofs import Prover, proved

__all__ = ["Graph", "Query", "local_graph", "remote_graph", "request"]

PAGE_LIMIT = 8 * 1024 * 1024
_MOST_PAGES = 1000
_LONGEST_PAUSE = 60.0

Fields = Mapping[str, Any]
Query = Mapping[str, str]
Bearer = Callable[[str | None], str]
"""Gives a token; its argument is one that the server has just refused."""


@dataclass(frozen=True, slots=True)
class _Door:
    """Where the API is: *origin*, who gives the token (None at the local door), and what proves the token's key."""

    origin: str
    bearer: Bearer | None
    prover: Callable[[], Prover | None]


class Graph:
    """The admin API. Use as a context manager. All methods raise what `request` raises."""

    def __init__(
        self,
        http: httpx.Client,
        origin: str,
        bearer: Bearer | None,
        machine: Machine,
        prover: Callable[[], Prover | None] = lambda: None,
        *,
        home: str = "",
    ) -> None:
        """*home* is the origin that the server's own links name, where that is another than the one to go to."""
        self._http = http
        self._home = home or origin
        self._door = _Door(origin, bearer, prover)
        self._machine = machine

    @property
    def base(self) -> str:
        """The address that references to resources begin with."""
        return f"{self._door.origin}/v1.0"

    def get(self, path: str, query: Query | None = None) -> Fields:
        """One resource."""
        return self._ask("GET", path, query)

    def post(self, path: str, content: object = None) -> Fields:
        """Create, or perform an action; empty when the server answers with no content."""
        return self._ask("POST", path, None, {} if content is None else content)

    def patch(self, path: str, content: object, *, seen: Fields | None = None) -> Fields:
        """Change; *seen* is the resource as it was read: raises Conflict when it is another by now."""
        return self._ask("PATCH", path, None, content, seen)

    def delete(self, path: str, reason: str = "") -> Fields:
        """Remove; *reason* is why, for the audit log."""
        return self._ask("DELETE", path, {"reason": reason} if reason else None)

    def items(self, path: str, query: Query | None = None, *, most: int | None = None) -> Iterator[Fields]:
        """The resources of a collection, page after page, at most *most*."""
        address: str | None = self._address(path, query)
        given = 0
        for _ in range(_MOST_PAGES):
            if address is None:
                return
            page = self._send("GET", address, None)
            for item in _values(page):
                if most is not None and given >= most:
                    return
                given += 1
                yield item
            address = self._next(page)
        raise ServerFault(f"{path} has more than {_MOST_PAGES} pages; narrow it with a filter")

    def __enter__(self) -> "Graph":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def _ask(
        self, method: str, path: str, query: Query | None, content: object = None, seen: Fields | None = None
    ) -> Fields:
        return self._send(method, self._address(path, query), content, _tag_of(seen))

    def _send(self, method: str, address: str, content: object, tag: str | None = None) -> Fields:
        bearer = self._door.bearer
        token = None if bearer is None else bearer(None)
        prover = None if token is None else self._door.prover()
        try:
            return self._run(request(method, address, content, token, prover, tag=tag))
        except NotSignedIn as fault:
            if bearer is None or isinstance(fault, StepUpNeeded):
                raise
        token = bearer(token)
        return self._run(request(method, address, content, token, self._door.prover(), tag=tag))

    def _run(self, exchange: Exchange[Fields]) -> Fields:
        try:
            return run(exchange, http=self._http, machine=self._machine)
        except Unreachable as fault:
            if self._door.bearer is None:  # the door hangs up on everybody else (R2)
                fault.next_step = "be root or the service's own user here; in a container, call ostiary inside it"
            raise

    def _address(self, path: str, query: Query | None) -> str:
        version = "" if path.startswith(("/beta/", "/v1.0/")) else "/v1.0"
        return f"{self._door.origin}{version}{path}{'?' + urlencode(query) if query else ''}"

    def _next(self, page: Fields) -> str | None:
        link = page.get("@odata.nextLink")
        if not isinstance(link, str):
            return None
        if origin_of(link) != self._home and self._door.bearer is not None:
            raise ServerFault("the next page is on another server; the token stays here")
        return self._door.origin + link.removeprefix(origin_of(link))


def remote_graph(
    origin: str, bearer: Bearer, machine: Machine, prover: Callable[[], Prover | None] = lambda: None,
    *, pair: ClientCertificate | None = None, home: str = "",
) -> Graph:  # fmt: skip
    """
    The API over https; *prover* is asked for what proves the key of the token that *bearer* has just given, and *pair*
    is shown to a server that asks for a certificate.
    """
    return Graph(http_client(pair), origin, bearer, machine, prover, home=home)


def local_graph(data: Path, machine: Machine) -> Graph:
    """The API through the local door of the server whose data folder is *data*. Raises Unreachable."""
    socket = data / "admin.sock"
    if not socket.exists():
        raise Unreachable(
            f"there is no local door at {socket}: is the server running, and is this its data folder?",
            next_step="name the server's data folder with --data FOLDER, or in OSTIARY_DATA",
        )
    transport = httpx.HTTPTransport(uds=str(socket))
    return Graph(httpx.Client(transport=transport, trust_env=False), "http://local", None, machine)


def request(
    method: str, address: str, content: object, token: str | None, prover: Prover | None = None,
    *, tag: str | None = None,
) -> Exchange[Fields]:  # fmt: skip
    """
    One request to the API, with proofs of the key that *token* is bound to; *tag*: only if the resource still has this
    entity tag (RFC 9110 §13.1.1).

    429 with Retry-After is waited for, three times at most. Raises NotSignedIn, StepUpNeeded, DeniedByPolicy, Conflict,
    Misused (not found, not acceptable), ServerFault, Unreachable.
    """
    headers = {"accept": "application/json"}
    if token is not None:
        headers["authorization"] = f"{'Bearer' if prover is None else 'DPoP'} {token}"
    if tag is not None:
        headers["if-match"] = tag
    sent = Call(method, address, content=content, headers=headers, limit=PAGE_LIMIT)
    for _ in range(3):
        answer = answered(sent, (yield from proved(prover, sent, token=token)))
        if answer.status != 429:
            break
        yield from pause(_patience(answer))
    if 200 <= answer.status < 300:
        return {} if not answer.body else answer.fields()
    raise _error(answer)


def _tag_of(seen: Fields | None) -> str | None:
    """The entity tag that a resource was read with. Raises ServerFault where it had none: nothing would be compared."""
    if seen is None:
        return None
    tag = seen.get("@odata.etag")
    if not isinstance(tag, str) or not tag.isascii() or not tag.isprintable():
        raise ServerFault("the server does not say which version it gave; nothing was changed")
    return tag


def _patience(answer: Answer) -> float:
    text = answer.headers.get("retry-after", "")
    return min(float(text), _LONGEST_PAUSE) if text.isascii() and text.isdigit() else 2.0


def _values(page: Fields) -> list[Fields]:
    values = page.get("value")
    if not isinstance(values, list) or not all(isinstance(item, dict) for item in values):
        raise ServerFault("the server's answer is not a list of resources")
    return values


def _error(answer: Answer) -> OstiaryError:
    fields = (answer.fields_or_none() or {}).get("error")
    error: Fields = fields if isinstance(fields, dict) else {}
    inner = error.get("innerError")
    reference = plain(inner.get("request-id"), 80) if isinstance(inner, dict) else None
    refusal = Refusal(answer.status, plain(error.get("code"), 80), plain(error.get("message")), reference=reference)
    message = refusal.description or f"the server answered {answer.status}"
    kind = _kind(answer, refusal)
    return kind(message, refusal=refusal, next_step=_NEXT.get(kind))


_BY_STATUS: Mapping[int, type[OstiaryError]] = {
    400: Misused,
    401: NotSignedIn,
    403: DeniedByPolicy,
    404: Misused,
    405: Misused,
    409: Conflict,
    412: Conflict,
    413: Misused,
}
_NEXT: Mapping[type[OstiaryError], str] = {
    NotSignedIn: "ostiary login",
    StepUpNeeded: "ostiary login --browser --fresh",
}


def _kind(answer: Answer, refusal: Refusal) -> type[OstiaryError]:
    challenge = answer.headers.get("www-authenticate", "")
    if answer.status == 401 and ("insufficient_user_auth" in challenge or refusal.error == "InteractionRequired"):
        return StepUpNeeded
    return _BY_STATUS.get(answer.status, ServerFault)
