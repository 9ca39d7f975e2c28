"""
The language of device filter rules, as Entra writes it, e.g. `device.isCompliant -eq True -or device.model -in ["X1"]`.

Owns the grammar, which attribute takes which operator, and what a rule says of a device. Texts compare whatever their
case. A device that is not registered has every attribute null: then only negative operators hold
(https://learn.microsoft.com/entra/identity/conditional-access/concept-condition-filters-for-devices).

    rule    = and { "-or" and }
    and     = not { "-and" not }
    not     = "-not" not | "(" rule ")" | "device." attribute operator value
    value   = text | "True" | "False" | "[" text { "," text } "]"
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ostiary.core.access.facts import DeviceFacts

__all__ = ["And", "BadRule", "Compare", "Node", "Not", "Or", "holds", "parse"]

LONGEST = 3072  # characters, Entra's limit
DEEPEST = 32  # parentheses and `-not` inside one another
MOST_VALUES = 100  # of one list


class BadRule(ValueError):
    """A rule that cannot be read: why, and at which character (from 1)."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} at character {position + 1}")
        self.position = position


@dataclass(frozen=True, slots=True)
class Compare:
    """`device.attribute operator value`."""

    attribute: str
    operator: str
    values: tuple[str, ...]
    """Folded; several only for `in` and `notIn`."""


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    inner: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """Both."""

    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Or:
    """Either."""

    left: "Node"
    right: "Node"


Node = Compare | Not | And | Or

_EQUAL = ("eq", "ne")
_LISTED = (*_EQUAL, "in", "notIn")
_INSIDE = ("contains", "notContains")
_TEXT = (*_LISTED, "startsWith", "notStartsWith", "endsWith", "notEndsWith", *_INSIDE)
_PLAIN = (
    "displayName", "manufacturer", "model", "operatingSystem", "operatingSystemVersion", "enrollmentProfileName",
    "profileType", *(f"extensionAttribute{n}" for n in range(1, 16)),
)  # fmt: skip

OPERATORS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_PLAIN, _TEXT),
    "deviceId": _LISTED,
    "mdmAppId": _LISTED,
    "trustType": _LISTED,
    "deviceOwnership": _EQUAL,
    "isCompliant": _EQUAL,
    "physicalIds": _INSIDE,
    "systemLabels": _INSIDE,
}
"""Which operators Entra allows for which attribute."""

_ATTRIBUTES = {name.lower(): name for name in OPERATORS}
_NAMES = {name.lower(): name for name in _TEXT}


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


_TOKENS = re.compile(
    r"""(?P<space>\s+)|(?P<word>-[A-Za-z]+)|(?P<attribute>device\.[A-Za-z0-9]+)|(?P<truth>(?:True|False)\b)"""
    r"""|(?P<text>"(?:`["'`]|[^"`])*"|'(?:`["'`]|[^'`])*')|(?P<sign>[()\[\],])""",
    re.ASCII | re.IGNORECASE,
)


def parse(rule: str) -> Node:
    """The rule as a tree. Raises BadRule."""
    if len(rule) > LONGEST:
        raise BadRule(f"longer than {LONGEST} characters", LONGEST)
    reader = _Reader(_split(rule), len(rule))
    tree = reader.either(0)
    if reader.token.kind != "end":
        raise BadRule("-and, -or or the end is expected", reader.token.at)
    return tree


def _split(rule: str) -> list[_Token]:
    found, at = [], 0
    while at < len(rule):
        match = _TOKENS.match(rule, at)
        if match is None:
            raise BadRule("this cannot be read", at)
        if match.lastgroup != "space":
            found.append(_Token(str(match.lastgroup), match.group(), at))
        at = match.end()
    return found


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[_Token], length: int) -> None:
        self._rest = iter([*tokens, _Token("end", "", length)])
        self.token = next(self._rest)

    def _take(self) -> _Token:
        taken, self.token = self.token, next(self._rest, self.token)
        return taken

    def _is(self, word: str) -> bool:
        return self.token.kind in ("word", "sign") and self.token.text.lower() == word

    def _expect(self, sign: str) -> None:
        if not self._is(sign):
            raise BadRule(f"{sign} is expected", self.token.at)
        self._take()

    def either(self, depth: int) -> Node:
        tree = self._both(depth)
        while self._is("-or"):
            self._take()
            tree = Or(tree, self._both(depth))
        return tree

    def _both(self, depth: int) -> Node:
        tree = self._one(depth)
        while self._is("-and"):
            self._take()
            tree = And(tree, self._one(depth))
        return tree

    def _one(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise BadRule(f"nested deeper than {DEEPEST}", self.token.at)
        if self._is("-not"):
            self._take()
            return Not(self._one(depth + 1))
        if self._is("("):
            self._take()
            tree = self.either(depth + 1)
            self._expect(")")
            return tree
        return self._comparison()

    def _comparison(self) -> Compare:
        named = self._take()
        if named.kind != "attribute":
            raise BadRule("device.<attribute> is expected", named.at)
        attribute = _ATTRIBUTES.get(named.text[len("device.") :].lower())
        if attribute is None:
            raise BadRule(f"{named.text[:60]} is not an attribute", named.at)
        said = self._take()
        operator = _NAMES.get(said.text[1:].lower(), "") if said.kind == "word" else ""
        if operator not in OPERATORS[attribute]:
            raise BadRule(f"device.{attribute} takes -{', -'.join(OPERATORS[attribute])}", said.at)
        return Compare(attribute, operator, self._values(attribute, operator))

    def _values(self, attribute: str, operator: str) -> tuple[str, ...]:
        if operator not in ("in", "notIn"):
            return (self._value(attribute),)
        self._expect("[")
        values = [self._value(attribute)]
        while self._is(","):
            self._take()
            values.append(self._value(attribute))
            if len(values) > MOST_VALUES:
                raise BadRule(f"more than {MOST_VALUES} values", self.token.at)
        self._expect("]")
        return tuple(values)

    def _value(self, attribute: str) -> str:
        token = self._take()
        wanted = "truth" if attribute == "isCompliant" else "text"
        if token.kind != wanted:
            raise BadRule("True or False is expected" if wanted == "truth" else "a quoted text is expected", token.at)
        plain = token.text if wanted == "truth" else re.sub(r"`([\"'`])", r"\1", token.text[1:-1])
        if not plain:
            raise BadRule("an empty text matches nothing that is meant", token.at)
        return plain.casefold()


def holds(rule: Node, device: DeviceFacts | None) -> bool:
    """Whether *rule* is true of *device*; `None` is one that is not registered."""
    match rule:
        case And(left, right):
            return holds(left, device) and holds(right, device)
        case Or(left, right):
            return holds(left, device) or holds(right, device)
        case Not(inner):
            return not holds(inner, device)
        case Compare(attribute, operator, values):
            positive = _POSITIVE.get(operator)
            found = _found(attribute, device)
            if positive is None:  # a negative operator is the opposite of its positive one, also of null
                return not any(_POSITIVE[_OPPOSITE[operator]](one, values) for one in found)
            return any(positive(one, values) for one in found)


def _found(attribute: str, device: DeviceFacts | None) -> tuple[str, ...]:
    """The attribute's values, folded; null is none."""
    if device is None:
        return ()
    if attribute == "deviceId":
        return (device.id.casefold(),)
    if attribute == "isCompliant":
        return (str(device.compliant).casefold(),)
    value = device.attributes.get(attribute)
    several = (value,) if isinstance(value, str) else value or ()
    return tuple(one.casefold() for one in several)


_POSITIVE: dict[str, Callable[[str, tuple[str, ...]], bool]] = {
    "eq": lambda found, values: found == values[0],
    "in": lambda found, values: found in values,
    "startsWith": lambda found, values: found.startswith(values[0]),
    "endsWith": lambda found, values: found.endswith(values[0]),
    "contains": lambda found, values: values[0] in found,
}
_OPPOSITE = {
    "ne": "eq", "notIn": "in", "notStartsWith": "startsWith", "notEndsWith": "endsWith", "notContains": "contains",
}  # fmt: skip
