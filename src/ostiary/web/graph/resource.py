"""
The one generic door of the admin API: what every Graph resource has in common.

A resource's module lists its *paths*; a path has *operations*; an operation names its action, its shape and the deed to
run:

    PATHS = (
        Path("/groups", (
            listing(GROUP, Action.READ_DIRECTORY, lambda c: list_groups(c.house, c.visit, c.query)),
            creating(GROUP, Action.WRITE_GROUPS, lambda c: create_group(c.house, c.visit, c.changes, c.reason)),
        )),
        Path("/groups/{id}", (
            reading(GROUP, Action.READ_DIRECTORY, lambda c: find_group(c.house, c.visit, c.path["id"])),
            changing(GROUP, Action.WRITE_GROUPS, _change),
            removing(GROUP, Action.WRITE_GROUPS, lambda c: delete_group(c.house, c.visit, c.path["id"])),
        )),
    )

A deed answers with a value of the shape (`reading`, `creating`), a `Page` (`listing`), anything (`changing`,
`removing`: 204), a JSON object (`acting` without a shape), or `Refused`. `call.changes` holds what the checked body
carried, by the fields' `write` names; a body's `reason` stands apart in `call.reason`, and a DELETE, which has no body,
takes one as a query option. An operation names the actions that it may turn out to be; the door lets through whom
`judge` allows one of them (the first one's refusal is recorded and answered), and a deed with several finds out which
it is and judges again.

A shape with a `version` gives its entities a tag (`ETag`, `@odata.etag`); what `If-Match` names of them is `call.seen`,
which the deed compares.

Order of one request: method, caller and permission (before anything else is read), query, body, deed, answer. Cookies
are not credentials here: only a Bearer token or the local door, so no page of another site can act for anybody.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import orjson
from starlette.types import Receive, Scope, Send

from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.error import Invalid
from ostiary.core.graph.etag import ANY, Seen, read_if_match, tag_of
from ostiary.core.graph.fields import Field, Kind, Shape, released, render
from ostiary.core.graph.json_text import read_json
from ostiary.core.graph.odata import read_query
from ostiary.core.graph.query import Page, Query, write_cursor
from ostiary.core.words.caller import CallerKind
from ostiary.core.words.errors import StoreError
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.reasons import read_reason
from ostiary.core.words.visit import Visit
from ostiary.services.directory.door import note_refusal, note_use
from ostiary.services.house import House
from ostiary.web.front.answer import Answer, send_answer
from ostiary.web.graph.answers import entity, not_allowed, nothing, options, refusal, too_much, unsupported
from ostiary.web.graph.bodies import BODY_LIMIT, Body

Porch = Callable[[House, Scope], Awaitable[Visit]]
"""Makes the visit, with its caller, of a request."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and checked as far as its operation says."""

    house: House
    visit: Visit
    path: Mapping[str, str]
    query: Query
    changes: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    seen: Seen = ANY
    """What a PATCH or DELETE is for (`If-Match`); the deed compares."""


Run = Callable[[Call], Awaitable[Any]]


REASON: tuple[Field[Any], ...] = (
    Field("reason", Kind.STRING, write="reason", limit=512, doc="Why; kept in the audit log."),
)
"""What an action takes that changes something."""


class Gives(Enum):
    """What an operation answers with when it succeeds."""

    PAGE = 200
    ENTITY = 200.1
    CREATED = 201
    NOTHING = 204
    OBJECT = 200.2
    """A plain JSON object of no shape."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.value)


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method does at one path."""

    method: str
    actions: tuple[Action, ...]
    run: Run
    gives: Gives
    shape: Shape[Any] | None = None
    body: Body | None = None
    summary: str = ""

    def under(self, prefix: str) -> "Operation":
        """The operation as *prefix* has it: `/v1.0` shows nothing that is beta's."""
        shown = released(self.shape) if self.shape is not None and prefix != "/beta" else self.shape
        return replace(self, shape=shown)


@dataclass(frozen=True, slots=True)
class Path:
    """One path below `/v1.0` and `/beta`."""

    path: str
    operations: tuple[Operation, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        """Every method that it answers, HEAD and OPTIONS too."""
        own = tuple(o.method for o in self.operations)
        return (*own, *(("HEAD",) if "GET" in own else ()), "OPTIONS")


def listing(shape: Shape[Any], action: Action | tuple[Action, ...], run: Run, summary: str = "") -> Operation:
    """GET of a collection; *run* gives a `Page`."""
    return Operation("GET", _actions(action), run, Gives.PAGE, shape, None, summary or f"List {shape.name}")


def reading(shape: Shape[Any], action: Action | tuple[Action, ...], run: Run, summary: str = "") -> Operation:
    """GET of one entity."""
    return Operation("GET", _actions(action), run, Gives.ENTITY, shape, None, summary or f"Get one of {shape.name}")


def creating(shape: Shape[Any], action: Action | tuple[Action, ...], run: Run, summary: str = "") -> Operation:
    """POST to a collection; *run* gives the new value."""
    body = Body.of(shape.fields, "create")
    return Operation(
        "POST", _actions(action), run, Gives.CREATED, shape, body, summary or f"Create one of {shape.name}"
    )


def changing(shape: Shape[Any], action: Action | tuple[Action, ...], run: Run, summary: str = "") -> Operation:
    """PATCH of one entity: 204, as Graph answers."""
    body = Body.of(shape.fields, "change")
    return Operation(
        "PATCH", _actions(action), run, Gives.NOTHING, shape, body, summary or f"Change one of {shape.name}"
    )


def removing(shape: Shape[Any], action: Action | tuple[Action, ...], run: Run, summary: str = "") -> Operation:
    """DELETE of one entity."""
    return Operation(
        "DELETE", _actions(action), run, Gives.NOTHING, shape, None, summary or f"Delete one of {shape.name}"
    )


def acting(
    action: Action | tuple[Action, ...],
    run: Run,
    summary: str,
    *,
    fields: tuple[Field[Any], ...] = (),
    gives: Gives = Gives.OBJECT,
    shape: Shape[Any] | None = None,
) -> Operation:
    """POST of an action whose body has *fields* of its own."""
    return Operation("POST", _actions(action), run, gives, shape, Body.of(fields, "create"), summary)


def _actions(action: Action | tuple[Action, ...]) -> tuple[Action, ...]:
    return action if isinstance(action, tuple) else (action,)


_IN_PATHS = "/()=',:@$"  # characters that stay as they are in the next address


class Door:
    """One path as an ASGI application; answers every method, in Graph's shapes."""

    def __init__(self, house: House, path: Path, prefix: str, porch: Porch) -> None:
        """Answer *path* below *prefix* (``/v1.0``)."""
        self._house = house
        self._methods = path.methods
        self._operations = {o.method: o.under(prefix) for o in path.operations}
        self._prefix = prefix
        self._porch = porch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        visit = await self._porch(self._house, scope)
        try:
            answer = await self._answer(scope, receive, visit)
        except StoreError as wrong:
            answer = refusal(Refused(Reason.UNAVAILABLE, wrong.public), visit, self._house)
        await send_answer(answer if scope["method"] != "HEAD" else answer._replace(body=b""), send)

    async def _answer(self, scope: Scope, receive: Receive, visit: Visit) -> Answer:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        if method == "OPTIONS":
            return options(visit, self._methods)
        operation = self._operations.get(method)
        if operation is None:
            return not_allowed(visit, self._methods)
        refused = await _admitted(operation, visit, self._house)
        call = refused or await self._call(operation, scope, receive, visit)
        if isinstance(call, Answer):
            return call
        if not isinstance(call, Call):
            return refusal(call, visit, self._house)
        outcome = await operation.run(call)
        if isinstance(outcome, Refused | Invalid):
            return refusal(outcome, visit, self._house)
        return self._success(operation, outcome, call, scope)

    async def _call(
        self, operation: Operation, scope: Scope, receive: Receive, visit: Visit
    ) -> Call | Refused | Invalid | Answer:
        """Read query and body. Raises nothing for what a caller sends."""
        query, seen = _query(operation, scope), _seen(operation, scope)
        if isinstance(query, Refused):
            return query
        if isinstance(seen, Refused):
            return seen
        if isinstance(query, str):
            return Call(
                self._house, replace(visit, reason=query), scope["path_params"], Query(), reason=query, seen=seen
            )
        changes: dict[str, Any] = {}
        if operation.body is not None:
            raw = await _body(scope, receive, visit, self._house)
            document = read_json(raw) if isinstance(raw, bytes) else raw
            checked = operation.body.check(document) if isinstance(document, dict) else document
            if not isinstance(checked, dict):
                return checked
            changes = checked
        reason = changes.pop("reason", None) or ""
        return Call(self._house, visit, scope["path_params"], query, changes, reason, seen)

    def _success(self, operation: Operation, outcome: Any, call: Call, scope: Scope) -> Answer:
        shape, headers, document = operation.shape, _tagged(operation, outcome), outcome
        if operation.gives is Gives.NOTHING:
            return nothing(call.visit, *headers)
        root = f"{self._house.settings.origin}{self._prefix}"
        if operation.gives is Gives.PAGE and shape is not None:
            document = _page(outcome, shape, call, root, scope)
        elif shape is not None:
            document = {"@odata.context": _context(root, shape, call.query) + "/$entity"}
            document |= _shown(shape, outcome, call.query)
            if operation.gives is Gives.CREATED:
                headers.append((b"location", f"{root}/{shape.name}/{document['id']}".encode()))
        return entity(operation.gives.status, document, call.visit, *headers)


def _tagged(operation: Operation, outcome: Any) -> list[tuple[bytes, bytes]]:
    """The `ETag` of one entity that is answered with, or that a change has left (RFC 9110 §8.8.3)."""
    shape = operation.shape
    if shape is None or shape.version is None or outcome is None or operation.gives is Gives.PAGE:
        return []
    return [(b"etag", tag_of(shape.version(outcome)).encode())]


def _shown(shape: Shape[Any], item: Any, query: Query) -> dict[str, Any]:
    """One entity, with its tag where it has one: whatever is selected, as at Graph."""
    tag = {} if shape.version is None else {"@odata.etag": tag_of(shape.version(item))}
    return tag | render(shape.fields, item, query.select)


async def _admitted(operation: Operation, visit: Visit, house: House) -> Refused | None:
    """
    None when the table allows one of the operation's actions. What it refuses to somebody known is recorded, and what
    it allows through the local door.
    """
    if visit.caller.kind not in (CallerKind.USER, CallerKind.LOCAL):
        return Refused(Reason.NOT_SIGNED_IN)
    verdicts = [judge(action, visit.caller, now=visit.now) for action in operation.actions]
    if None in verdicts:
        await note_use(house, visit, operation.actions[verdicts.index(None)])
        return None
    refused = verdicts[0] or Refused(Reason.FORBIDDEN)
    return await note_refusal(house, visit, operation.actions[0], refused)


def _page(page: Page[Any], shape: Shape[Any], call: Call, root: str, scope: Scope) -> dict[str, Any]:
    """A list as Graph answers it; the next address is this one with another `$skiptoken`."""
    document: dict[str, Any] = {"@odata.context": _context(root, shape, call.query)}
    if call.query.count:
        document["@odata.count"] = page.count
    if page.next is not None:
        asked = [(name, text) for name, text in _options(scope) if name != "$skiptoken"]
        query = urlencode([*asked, ("$skiptoken", write_cursor(page.next))], safe="$")
        document["@odata.nextLink"] = f"{call.house.settings.origin}{quote(scope['path'], safe=_IN_PATHS)}?{query}"
    rows = (_shown(shape, item, call.query) for item in page.items)
    document["value"] = [orjson.Fragment(orjson.dumps(row)) for row in rows]  # of a thousand none waits for the others
    return document


def _context(root: str, shape: Shape[Any], query: Query) -> str:
    return f"{root}/$metadata#{shape.name}" + (f"({','.join(query.select)})" if query.select else "")


def _options(scope: Scope) -> list[tuple[str, str]]:
    """The query string's names and values. Raises ValueError when it is not ASCII, not UTF-8 inside, or too long."""
    raw: bytes = scope["query_string"]
    return parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=16)


def _query(operation: Operation, scope: Scope) -> Query | str | Refused:
    """The query's options; of a DELETE, which has no body, the reason."""
    try:
        options = _options(scope)
    except ValueError:
        return Refused(Reason.INVALID_VALUE, "The query string is not readable.")
    if operation.method == "DELETE" and [name for name, _ in options] == ["reason"]:
        return read_reason(options[0][1])
    if operation.shape is None or operation.method != "GET":
        return (
            Query()
            if not options
            else Refused(Reason.INVALID_VALUE, "No query options here.", field=options[0][0][:40])
        )
    return read_query(options, operation.shape, listing=operation.gives is Gives.PAGE)


def _seen(operation: Operation, scope: Scope) -> Seen | Refused:
    """
    What a change is for, by its `If-Match`. What has no entity tag matches none (RFC 9110 §13.1.1): whoever trusts in
    the comparison is told that there is none.
    """
    if operation.method not in ("PATCH", "DELETE"):
        return ANY
    seen = read_if_match(text.decode("latin-1") for name, text in scope["headers"] if name == b"if-match")
    tagged = operation.shape is not None and operation.shape.version is not None
    if seen == ANY or isinstance(seen, Refused) or tagged:
        return seen
    return Refused(Reason.PRECONDITION_FAILED, "It has no entity tag, so that none can match.")


async def _body(scope: Scope, receive: Receive, visit: Visit, house: House) -> bytes | Answer:
    """The raw body: at most BODY_LIMIT bytes, JSON by its header."""
    headers = dict(scope["headers"])
    kind, _, parameters = headers.get(b"content-type", b"application/json").decode("latin-1").lower().partition(";")
    charset = [p.strip().removeprefix("charset=").strip('"') for p in parameters.split(";") if "charset=" in p]
    if kind.strip() != "application/json" or charset not in ([], ["utf-8"]) or b"content-encoding" in headers:
        return unsupported(visit)
    raw, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return refusal(Refused(Reason.INVALID_REQUEST, "The body was cut off."), visit, house)
        raw += message.get("body", b"")
        if len(raw) > BODY_LIMIT:
            return too_much(visit)
        more = message.get("more_body", False)
    return bytes(raw)
