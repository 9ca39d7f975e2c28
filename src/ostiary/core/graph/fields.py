"""
A Graph resource as one tuple of fields.

A *field* says how one property is called, how it is read from our value, whether a body may carry it and under which
name the deed gets it, and which column may be asked about in `$filter` and `$orderby`. A *shape* is the tuple with the
resource's name and type.

    GROUP = Shape("groups", "microsoft.graph.group", (
        Field("id", Kind.ID, lambda g: g.id, column="id"),
        Field("displayName", Kind.STRING, lambda g: g.display_name, write="display_name", column="display_name"),
    ))

Not here: checking a body (`web/graph/bodies.py`, which makes its models from these fields) and running a query
(`store/ask.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, Generic, Literal, TypeVar

from ostiary.core.graph.query import LONGEST_PAGE
from ostiary.core.words.instants import to_iso, to_iso_duration

T = TypeVar("T")


class Kind(StrEnum):
    """What sort of value a property has."""

    STRING = "string"
    """Text; `$filter` compares it whatever its case."""
    ID = "id"
    """Exact text: ids, enumerations, addresses; compared as it is, so that an index helps."""
    BOOL = "bool"
    INTEGER = "integer"
    MOMENT = "moment"
    """Our value an `Instant` or None, on the wire RFC 3339."""
    DURATION = "duration"
    """Our value a `Span` or None, on the wire ISO 8601."""
    STRINGS = "strings"
    """A list of texts; its column holds a JSON array, which `any` looks into."""
    OBJECT = "object"
    """
    A nested object of `fields`; without a getter of its own its fields read the same value as it stands in. With a name
    to `write` a body's object arrives as one mapping of its fields' `write` names.
    """
    OBJECTS = "objects"
    """
    A list of such objects; its getter gives what each is read from, a body's entries arrive as mappings of their
    `write` names.
    """
    JSON = "json"
    """A JSON object or list that passes through unread; whoever takes it checks it."""


@dataclass(frozen=True, slots=True, eq=False)
class Field(Generic[T]):
    """One property; equal to itself alone, so that what is known of a tuple of them is found at once."""

    name: str
    """On the wire."""
    kind: Kind
    get: Callable[[T], Any] | None = None
    """Reads it from our value; None for what is only written (and for an OBJECT that only groups)."""
    write: str = ""
    """
    The name under which a body's value reaches the deed; empty means read-only. Names inside an OBJECT stand beside
    those around it.
    """
    on: Literal["create", "change", "both"] = "both"
    """Which bodies may carry it."""
    required: bool = False
    """A body that creates must carry it."""
    null: bool = False
    """A body may set it to null."""
    values: tuple[str, ...] = ()
    """The only texts allowed; empty means any."""
    limit: int = 256
    """Characters of a text (of each, in a list)."""
    most: int = 64
    """Entries of a list."""
    column: str = ""
    """The store's name of the column to ask; empty means that `$filter` may not."""
    sortable: bool = False
    """`$orderby` may name it; needs a column."""
    stored: Callable[[Any], Any] | None = None
    """From a literal of `$filter` to what the column holds, where they differ."""
    fields: tuple["Field[Any]", ...] = ()
    """What an OBJECT or each of OBJECTS consists of."""
    beta: bool = False
    """Graph has it under `/beta` only."""
    doc: str = ""
    """A sentence for the OpenAPI document."""

    @property
    def readable(self) -> bool:
        """Whether answers carry it."""
        return self.get is not None or (self.kind is Kind.OBJECT and any(f.readable for f in self.fields))

    @property
    def writable(self) -> bool:
        """Whether some body may carry it."""
        return bool(self.write) or (self.kind is Kind.OBJECT and any(f.writable for f in self.fields))


@dataclass(frozen=True, slots=True)
class Shape(Generic[T]):
    """One kind of entity on the wire."""

    name: str
    """Its collection, e.g. ``users``; also names the `@odata.context`."""
    type: str
    """E.g. ``microsoft.graph.user``."""
    fields: tuple[Field[T], ...]
    longest: int = LONGEST_PAGE
    """The most that `$top` may ask."""
    version: Callable[[T], str] | None = None
    """What stands for exactly this state of one; without it there is no entity tag."""

    @property
    def names(self) -> frozenset[str]:
        """What `$select` may name."""
        return frozenset(f.name for f in self.fields if f.readable)


def released(shape: Shape[T]) -> Shape[T]:
    """*shape* as `/v1.0` knows it: without what only beta has."""
    if not any(f.beta for f in shape.fields):
        return shape
    return replace(shape, fields=tuple(f for f in shape.fields if not f.beta))


def render(fields: tuple[Field[T], ...], value: T, select: tuple[str, ...] = ()) -> dict[str, Any]:
    """*value* as the JSON object that answers carry: all readable fields, or those that *select* names and `id`."""
    readers = _readers(fields)
    if select:
        readers = tuple(one for one in readers if one[0] == "id" or one[0] in select)
    return _object(readers, value)


Readers = tuple[tuple[str, Callable[[Any], Any]], ...]
"""The properties of an object, each with what reads it."""


def _object(readers: Readers, value: Any) -> dict[str, Any]:
    return {name: read(value) for name, read in readers}


@lru_cache(maxsize=512)
def _readers(fields: tuple[Field[Any], ...]) -> Readers:
    """Of those that answers carry; found once, for a page asks a thousand times."""
    return tuple((f.name, _reader(f)) for f in fields if f.readable)


def _reader(field: Field[Any]) -> Callable[[Any], Any]:
    """From our value to the property's; None stays None."""
    get, shown = field.get or _itself, _shown(field)
    if shown is None:
        return get
    return lambda value: None if (found := get(value)) is None else shown(found)


def _itself(value: T) -> T:
    """Of an OBJECT that only groups."""
    return value


def _shown(field: Field[Any]) -> Callable[[Any], Any] | None:
    """From what the getter gives to what the wire carries; None: as it is."""
    match field.kind:
        case Kind.MOMENT:
            return to_iso
        case Kind.DURATION:
            return to_iso_duration
        case Kind.STRINGS:
            return list
        case Kind.OBJECT:
            return partial(_object, _readers(field.fields))
        case Kind.OBJECTS:
            readers = _readers(field.fields)
            return lambda values: [_object(readers, value) for value in values]
        case _:
            return None


def askable(fields: tuple[Field[Any], ...], prefix: str = "") -> Iterator[tuple[str, Field[Any]]]:
    """Every field that has a column, by its path (``displayName``, ``status/errorCode``)."""
    for field in fields:
        if field.column:
            yield prefix + field.name, field
        if field.kind is Kind.OBJECT:
            yield from askable(field.fields, f"{prefix}{field.name}/")


def flatten(fields: tuple[Field[Any], ...], body: Mapping[str, Any]) -> dict[str, Any]:
    """
    A checked body (by wire names, values already ours) as the changes that a deed takes, by `write` names.

    Only what the body carried is in it: a change is told from an absence.
    """
    changes: dict[str, Any] = {}
    for field in fields:
        if field.name not in body:
            continue
        value = body[field.name]
        if field.kind is Kind.OBJECT and not field.write:
            changes |= flatten(field.fields, value)
        elif field.kind is Kind.OBJECT:
            changes[field.write] = flatten(field.fields, value)
        elif field.kind is Kind.OBJECTS:
            changes[field.write] = tuple(flatten(field.fields, item) for item in value)
        else:
            changes[field.write] = tuple(value) if field.kind is Kind.STRINGS and value is not None else value
    return changes
