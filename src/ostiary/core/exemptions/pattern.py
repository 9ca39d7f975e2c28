"""
Patterns that a justification or a ticket number must contain, matched in time that grows with the text alone.

The language is the harmless part of regular expressions: characters, `.`, classes (`[A-Z0-9_]`, `[^ ]`), `\\d \\w \\s`,
a backslash before anything else for the thing itself, `?`, `*`, `+`, `{2}`, `{2,4}` after one of these, `^` at the
beginning, `$` at the end, `|` between whole patterns. There are no groups, so nothing can be nested and nothing has to
be tried twice.
"""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["LONGEST_PATTERN", "Pattern", "read_pattern"]

LONGEST_PATTERN = 200  # characters
MOST_STEPS = 400  # of all alternatives together, `{m,n}` written out
MOST_TIMES = 64

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Step:
    """One character, or as many as like."""

    test: Test
    skip: bool = False
    """It may be left out."""
    again: bool = False
    """It may come again."""


@dataclass(frozen=True, slots=True)
class _Line:
    steps: tuple[_Step, ...]
    from_start: bool
    to_end: bool

    def found(self, text: str) -> bool:
        """Whether the steps lead through *text* somewhere; the set of places stands for every way at once."""
        last = len(self.steps)
        places = self._reach({0})
        for character in text:
            if last in places and not self.to_end:
                return True
            ahead: set[int] = set() if self.from_start else {0}
            for place in places:
                if place < last and self.steps[place].test(character):
                    ahead.add(place + 1)
                    if self.steps[place].again:
                        ahead.add(place)
            places = self._reach(ahead)
        return last in places

    def _reach(self, places: set[int]) -> set[int]:
        """*places*, and those behind steps that may be left out."""
        for place in sorted(places):
            while place < len(self.steps) and self.steps[place].skip:
                place += 1
                places.add(place)
        return places


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that was read."""

    text: str
    lines: tuple[_Line, ...]

    def found(self, text: str) -> bool:
        """Whether *text* contains what the pattern describes."""
        return any(line.found(text) for line in self.lines)


def read_pattern(text: str) -> Pattern | str:
    """Read *text*, or say what is wrong with it."""
    if not 0 < len(text) <= LONGEST_PATTERN:
        return f"must be a pattern of 1 to {LONGEST_PATTERN} characters"
    try:
        lines = tuple(_line(part) for part in _alternatives(text))
    except _Wrong as wrong:
        return str(wrong)
    if sum(len(line.steps) for line in lines) > MOST_STEPS:
        return f"is longer than {MOST_STEPS} characters when its counts are written out"
    if any(all(step.skip for step in line.steps) for line in lines):
        return "matches the empty text, which demands nothing"
    return Pattern(text, lines)


class _Wrong(ValueError):
    """What is wrong, as a sentence that follows the path."""


def _alternatives(text: str) -> list[str]:
    parts, start, place, inside = [], 0, 0, False
    while place < len(text):
        character = text[place]
        if character == "\\":
            place += 1
        elif character in "[]":
            inside = character == "["
        elif character == "|" and not inside:
            parts.append(text[start:place])
            start = place + 1
        place += 1
    return [*parts, text[start:]]


def _line(text: str) -> _Line:
    from_start, to_end = text.startswith("^"), text.endswith("$") and not text.endswith("\\$")
    text = text[1 if from_start else 0 : len(text) - to_end]
    steps: list[_Step] = []
    place = 0
    while place < len(text):
        test, place = _atom(text, place)
        least, most, place = _times(text, place)
        steps += [_Step(test)] * least
        if most is None:
            steps.append(_Step(test, skip=True, again=True))
        else:
            steps += [_Step(test, skip=True)] * (most - least)
        if len(steps) > MOST_STEPS:
            break
    return _Line(tuple(steps), from_start, to_end)


_CLASSES: dict[str, Test] = {
    "d": lambda c: c.isascii() and c.isdigit(),
    "w": lambda c: c.isalnum() or c == "_",
    "s": str.isspace,
}


def _atom(text: str, place: int) -> tuple[Test, int]:
    character = text[place]
    if character == "\\":
        return _escaped(text, place)
    if character == "[":
        return _class(text, place + 1)
    if character in "(){}*+?^$|]":
        raise _Wrong(f"has {character} where a character is needed; put a backslash before it to mean the character")
    return (lambda c: True) if character == "." else _same(character), place + 1


def _escaped(text: str, place: int) -> tuple[Test, int]:
    if place + 1 >= len(text):
        raise _Wrong("ends with a backslash")
    character = text[place + 1]
    if character in _CLASSES:
        return _CLASSES[character], place + 2
    if character.isalnum():
        raise _Wrong(f"has \\{character}, which is not supported: \\d, \\w and \\s are")
    return _same(character), place + 2


def _same(character: str) -> Test:
    return lambda c: c == character


def _between(first: str, last: str) -> Test:
    return lambda c: first <= c <= last


def _class(text: str, place: int) -> tuple[Test, int]:
    """A class, from behind its bracket on."""
    other = text[place : place + 1] == "^"
    place += other
    tests: list[Test] = []
    while place < len(text) and text[place] != "]":
        if text[place] == "\\":
            test, place = _escaped(text, place)
        elif text[place + 1 : place + 2] == "-" and text[place + 2 : place + 3] not in ("", "]", "\\"):
            if text[place] > text[place + 2]:
                raise _Wrong(f"has the range {text[place : place + 3]}, which is empty")
            test, place = _between(text[place], text[place + 2]), place + 3
        else:
            test, place = _same(text[place]), place + 1
        tests.append(test)
    if place >= len(text) or not tests:
        raise _Wrong("has a [ without its ], or with nothing in it")
    found = tuple(tests)
    return (lambda c: any(test(c) for test in found) is not other), place + 1


def _times(text: str, place: int) -> tuple[int, int | None, int]:
    """How often the atom before *place* comes: least, most (None: any number), and where it goes on."""
    character = text[place : place + 1]
    if character in ("?", "*", "+") and character:
        return int(character == "+"), 1 if character == "?" else None, place + 1
    if character != "{":
        return 1, 1, place
    closing = text.find("}", place)
    least, comma, most = text[place + 1 : max(closing, place)].partition(",")
    numbers = (least, most or least) if comma else (least, least)
    if closing < 0 or not all(n.isascii() and n.isdigit() and len(n) < 3 for n in numbers):
        raise _Wrong("has a { that is no count such as {4} or {2,6}")
    low, high = int(numbers[0]), int(numbers[1])
    if not 0 <= low <= high <= MOST_TIMES or high == 0:
        raise _Wrong(f"has a count outside 1 to {MOST_TIMES}")
    return low, high, closing + 1
