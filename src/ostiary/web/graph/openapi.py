"""
The admin API's OpenAPI 3.1 document, made from the same paths and field tuples that answer; nobody writes it by hand.

Served at `/v1.0/openapi.json` to whoever is signed in; it tells nothing that the source does not.
"""

import re
from collections.abc import Iterable
from typing import Any

from ostiary.core.directory.permissions import TABLE, Action
from ostiary.core.graph.fields import Field, Kind, Shape
from ostiary.core.graph.query import LONGEST_PAGE
from ostiary.web.graph.bodies import Body
from ostiary.web.graph.resource import Call, Gives, Operation, Path

__all__ = ["describing", "document"]

_PARAMETER = re.compile(r"\{(\w+)\}")
_OPTIONS = ("$select", "$filter", "$orderby", "$top", "$count", "$skiptoken")
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "innerError"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "innerError": {"type": "object"},
                "details": {"type": "array", "items": {"type": "object"}},
            },
        }
    },
}
_SIMPLE: dict[Kind, dict[str, Any]] = {
    Kind.BOOL: {"type": "boolean"},
    Kind.INTEGER: {"type": "integer"},
    Kind.MOMENT: {"type": "string", "format": "date-time"},
    Kind.DURATION: {"type": "string", "format": "duration"},
    Kind.JSON: {},
}


def describing(paths: Iterable[Path]) -> Path:
    """The path that serves the document of *paths* and of itself."""
    made: dict[str, Any] = {}

    async def run(call: Call) -> Any:
        return made

    own = Path(
        "/openapi.json",
        (Operation("GET", (Action.READ_SELF,), run, Gives.OBJECT, None, None, "This description"),),
    )
    made |= document((*paths, own))
    return own


def document(paths: Iterable[Path]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of *paths*."""
    every = tuple(paths)
    shapes = {o.shape.type: o.shape for path in every for o in path.operations if o.shape is not None}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ostiary administration", "version": "v1.0"},
        "servers": [{"url": "/v1.0"}, {"url": "/beta"}],
        "security": [{"token": []}],
        "paths": {path.path: _path(path) for path in every},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": {**{name: _entity(shape) for name, shape in sorted(shapes.items())}, "error": _ERROR},
        },
    }


def _path(path: Path) -> dict[str, Any]:
    names = _PARAMETER.findall(path.path)
    found: dict[str, Any] = {o.method.lower(): _operation(path, o) for o in path.operations}
    if names:
        found["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
    return found


def _operation(path: Path, operation: Operation) -> dict[str, Any]:
    """Summary, who may, what goes in and what comes out."""
    grant = TABLE[operation.actions[0]]
    answer: dict[str, Any] = {"description": "Done."}
    if operation.gives is not Gives.NOTHING:
        answer["content"] = {"application/json": {"schema": _answer(operation)}}
    found: dict[str, Any] = {
        "operationId": f"{operation.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', path.path)}",
        "summary": operation.summary,
        "x-ostiary-actions": [action.value for action in operation.actions],
        "x-ostiary-scope": grant.scope,
        "responses": {
            str(operation.gives.status): answer,
            "default": {"description": "Refused.", "content": _content({"$ref": "#/components/schemas/error"})},
        },
    }
    if operation.body is not None:
        found["requestBody"] = {"content": _content(_body(operation.body)), "required": bool(_required(operation.body))}
    options = _options(operation) + _conditions(operation)
    return found | ({"parameters": options} if options else {})


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _options(operation: Operation) -> list[dict[str, Any]]:
    if operation.method == "DELETE":
        return [
            {"name": "reason", "in": "query", "schema": {"type": "string"}, "description": "Why, for the audit log."}
        ]
    if operation.method != "GET" or operation.shape is None:
        return []
    names = _OPTIONS if operation.gives is Gives.PAGE else _OPTIONS[:1]
    schemas: dict[str, dict[str, Any]] = {
        "$top": {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE},
        "$count": {"type": "boolean"},
    }
    return [{"name": name, "in": "query", "schema": schemas.get(name, {"type": "string"})} for name in names]


def _conditions(operation: Operation) -> list[dict[str, Any]]:
    """What a change may be made to depend on."""
    shape = operation.shape
    if operation.method not in ("PATCH", "DELETE") or shape is None or shape.version is None:
        return []
    told = "The entity tag of what was read (RFC 9110 §13.1.1); refused with 412 where it is another by now."
    return [{"name": "If-Match", "in": "header", "schema": {"type": "string"}, "description": told}]


def _answer(operation: Operation) -> dict[str, Any]:
    if operation.shape is None:
        return {"type": "object"}
    one = {"$ref": f"#/components/schemas/{operation.shape.type}"}
    if operation.gives is not Gives.PAGE:
        return one
    properties = {
        "@odata.context": {"type": "string"},
        "@odata.count": {"type": "integer"},
        "@odata.nextLink": {"type": "string"},
        "value": {"type": "array", "items": one},
    }
    return {"type": "object", "required": ["value"], "properties": properties}


def _entity(shape: Shape[Any]) -> dict[str, Any]:
    found = _object(f for f in shape.fields if f.readable)
    tag = {} if shape.version is None else {"@odata.etag": {"type": "string"}}
    return {**found, "properties": tag | found["properties"]}


def _object(fields: Iterable[Field[Any]], mode: str = "") -> dict[str, Any]:
    return {"type": "object", "properties": {f.name: _schema(f, mode) for f in fields}}


def _body(body: Body) -> dict[str, Any]:
    found = _object(_carried(body.fields, body.mode), body.mode) | {"additionalProperties": False}
    required = _required(body)
    return found | ({"required": required} if required else {})


def _required(body: Body) -> list[str]:
    return [f.name for f in body.fields if f.required and body.mode == "create"]


def _carried(fields: Iterable[Field[Any]], mode: str) -> list[Field[Any]]:
    return [f for f in fields if f.writable and f.on in ("both", mode)]


def _schema(field: Field[Any], mode: str) -> dict[str, Any]:
    """One property; *mode* is empty for an answer."""
    found = _bare(field, mode)
    if "type" in found and (field.null or not (mode or field.writable)):
        found = {**found, "type": [found["type"], "null"]}
    return found | ({"description": field.doc} if field.doc else {})


def _bare(field: Field[Any], mode: str) -> dict[str, Any]:
    match field.kind:
        case Kind.OBJECT:
            inner = _carried(field.fields, mode) if mode else [f for f in field.fields if f.readable]
            return _object(inner, mode)
        case Kind.OBJECTS:
            inner = _carried(field.fields, mode) if mode else [f for f in field.fields if f.readable]
            return {"type": "array", "items": _object(inner, mode)}
        case Kind.STRINGS:
            return {"type": "array", "items": _text(field)}
        case Kind.STRING | Kind.ID:
            return _text(field)
        case _:
            return dict(_SIMPLE[field.kind])


def _text(field: Field[Any]) -> dict[str, Any]:
    return {"type": "string"} | ({"enum": list(field.values)} if field.values else {})
