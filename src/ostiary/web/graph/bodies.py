"""
JSON bodies, checked against the fields of a resource, all errors at once.

At most 64 KiB, read by `core/graph/json_text.py`. Unknown properties are errors. The models are pydantic's, made from
the field tuple once at start.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    create_model,
)
from pydantic import Field as Property

from ostiary.core.graph.error import Invalid, Problem
from ostiary.core.graph.fields import Field, Kind, flatten
from ostiary.core.words.instants import from_duration, from_iso

__all__ = ["BODY_LIMIT", "Body"]

BODY_LIMIT = 64 * 1024
MOST_PROBLEMS = 20
NAME_SHOWN = 60  # characters of a name that came from outside


@dataclass(frozen=True, slots=True)
class Body:
    """What one operation takes: a tuple of fields, for a new entity or for a change, and the model made of it."""

    fields: tuple[Field[Any], ...]
    mode: Literal["create", "change"]
    model: type[BaseModel]

    @classmethod
    def of(cls, fields: tuple[Field[Any], ...], mode: Literal["create", "change"]) -> "Body":
        """Make the model."""
        return cls(fields, mode, _model("Body", fields, mode))

    def check(self, document: Mapping[str, Any]) -> dict[str, Any] | Invalid:
        """The changes (by `write` names, values ours) that *document* asks for, or everything that is wrong with it."""
        try:
            checked = self.model.model_validate(document)
        except ValidationError as wrong:
            return Invalid(tuple(self._problems(wrong)))
        return flatten(self.fields, checked.model_dump(by_alias=True, exclude_unset=True))

    def _problems(self, wrong: ValidationError) -> Iterable[Problem]:
        for error in wrong.errors(include_url=False, include_input=False)[:MOST_PROBLEMS]:
            yield Problem(_path(error["loc"]), _message(error, self._known(error["loc"])))

    def _known(self, place: tuple[int | str, ...]) -> bool:
        """Whether *place* names a property that the resource has (and that this body may not carry)."""
        fields = self.fields
        for name in [part for part in place if isinstance(part, str)]:
            field = next((f for f in fields if f.name == name), None)
            if field is None:
                return False
            fields = field.fields
        return True


def _model(name: str, fields: tuple[Field[Any], ...], mode: str) -> type[BaseModel]:
    properties: dict[str, Any] = {}
    for number, field in enumerate(fields):
        if field.writable and field.on in ("both", mode):
            kind = _type(field, mode)
            default = ... if field.required and mode == "create" else None
            properties[f"p{number}"] = (kind | None if field.null else kind, Property(default, alias=field.name))
    return create_model(name, __config__=ConfigDict(extra="forbid", strict=True), **properties)


def _type(field: Field[Any], mode: str) -> Any:
    match field.kind:
        case Kind.STRING | Kind.ID:
            return _text_type(field)
        case Kind.BOOL:
            return StrictBool
        case Kind.INTEGER:
            return Annotated[StrictInt, Property(ge=0, le=2**53)]
        case Kind.MOMENT:
            return Annotated[int, BeforeValidator(_moment)]
        case Kind.DURATION:
            return Annotated[int, BeforeValidator(_duration)]
        case Kind.STRINGS:
            return Annotated[list[_text_type(field)], Property(max_length=field.most), AfterValidator(_no_doubles)]  # type: ignore[misc]
        case Kind.OBJECT:
            return _model(field.name, field.fields, mode)
        case Kind.OBJECTS:
            return Annotated[list[_model(field.name, field.fields, "create")], Property(max_length=field.most)]  # type: ignore[misc]
        case Kind.JSON:
            return dict[str, Any] | list[Any]


def _text_type(field: Field[Any]) -> Any:
    shortest = 0 if field.kind is Kind.STRING and not field.required else 1
    checks: list[Any] = [Property(min_length=shortest, max_length=field.limit), AfterValidator(_printable)]
    if field.values:
        checks.append(AfterValidator(_one_of(field.values)))
    return Annotated[(StrictStr, *checks)]


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("Text without control characters, and without spaces at its ends, is needed.")
    return text


def _one_of(values: tuple[str, ...]) -> Any:
    def check(text: str) -> str:
        if text not in values:
            raise ValueError(f"One of {', '.join(values)} is needed.")
        return text

    return check


def _no_doubles(items: list[str]) -> list[str]:
    if len(set(items)) < len(items):
        raise ValueError("An entry stands there twice.")
    return items


def _moment(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("A date-time such as 2026-11-23T08:00:00Z is needed.")
    return from_iso(value)


def _duration(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("A duration such as PT2H is needed.")
    return from_duration(value)


def _path(place: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{p}]" if isinstance(p, int) else f".{p[:NAME_SHOWN]}" for p in place)


_MESSAGES = {
    "missing": "The property is required.",
    "string_type": "A text is needed.",
    "bool_type": "Either true or false is needed.",
    "int_type": "A whole number is needed.",
    "list_type": "A list is needed.",
    "dict_type": "An object is needed.",
    "model_type": "An object is needed.",
    "model_attributes_type": "An object is needed.",
}


def _message(error: Any, known: bool) -> str:
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "extra_forbidden":
            return "The property cannot be set here." if known else "There is no such property."
        case "string_too_long":
            return f"At most {context['max_length']} characters are allowed."
        case "too_long":
            return f"At most {context['max_length']} entries are allowed."
        case "string_too_short":
            return "The text may not be empty."
        case "value_error":
            return str(context["error"])
    return _MESSAGES.get(kind) or f"{error['msg']}."
