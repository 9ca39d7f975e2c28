"""
What pages can come to: the definitions of the house that they name, and those that these name, down to the last.

Read out of the sources and never run. A name counts wherever it stands (called, kept in a table, in an annotation), and
a class counts whole: rather too much is found than too little. What a deed calls on a value is found with the value's
class, which somebody on the way must have named.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Definition", "reached"]

PACKAGE = "ostiary"


class Definition(NamedTuple):
    """One name that a module defines at its top, with every statement that does."""

    where: str
    """The module's file, below the package."""
    name: str
    statements: tuple[ast.stmt, ...]
    module: "Module"


@dataclass(frozen=True, slots=True)
class Module:
    """What a file defines and imports at its top."""

    where: str
    defined: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By the name here: the module and the name there."""


@cache
def reached(sources: Path, start: str) -> tuple[Definition, ...]:
    """Every definition that the room *start* (``web/pages``) of *sources* can come to, its own with them."""
    house = _House(sources)
    own = {name: house.module(name) for name in house.names(start)}
    waiting = [(name, defined) for name, module in own.items() if module for defined in module.defined]
    found: dict[tuple[str, str], Definition] = {}
    while waiting:
        place = waiting.pop()
        module = house.module(place[0])
        if place in found or module is None:
            continue
        statements = tuple(module.defined[place[1]])
        found[place] = Definition(module.where, place[1], statements, module)
        waiting += [other for statement in statements for other in house.named(place[0], statement)]
    return tuple(sorted(found.values(), key=lambda each: (each.where, each.statements[0].lineno, each.name)))


class _House:
    """Its modules by their dotted names, each read when somebody comes to it."""

    def __init__(self, sources: Path) -> None:
        self._sources = sources
        self._read: dict[str, Module | None] = {}

    def names(self, room: str) -> list[str]:
        """The modules of a room."""
        below = (path.relative_to(self._sources) for path in (self._sources / room).rglob("*.py"))
        parts = ((PACKAGE, *path.with_suffix("").parts) for path in below)
        return [".".join(each[:-1] if each[-1] == "__init__" else each) for each in parts]

    def module(self, name: str) -> Module | None:
        """The module called *name*; None: there is none of ours."""
        if name not in self._read:
            self._read[name] = self._module(name)
        return self._read[name]

    def _module(self, name: str) -> Module | None:
        package, *parts = name.split(".")
        path = self._sources.joinpath(*parts)
        files = [each for each in (path.with_suffix(".py"), path / "__init__.py") if parts and each.is_file()]
        if package != PACKAGE or not files:
            return None
        module = Module(str(files[0].relative_to(self._sources)))
        for statement in _top(ast.parse(files[0].read_text()).body):
            for defined in _defines(statement):
                module.defined.setdefault(defined, []).append(statement)
            if isinstance(statement, ast.ImportFrom) and statement.module:
                for each in statement.names:
                    module.imported[each.asname or each.name] = (statement.module, each.name)
        return module

    def named(self, module: str, statement: ast.stmt) -> Iterator[tuple[str, str]]:
        """The definitions of ours that *statement* of *module* names: alone, or as a part of a module."""
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                yield from self._defining(module, node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                other = self._imported_module(module, node.value.id)
                yield from self._defining(other, node.attr) if other else ()

    def _defining(self, module: str, name: str) -> Iterator[tuple[str, str]]:
        """Where *name*, as *module* has it, is defined: there, or where it imports it from."""
        read = self.module(module)
        if read is not None and name in read.defined:
            yield module, name
        elif read is not None and read.imported.get(name, (module, name)) != (module, name):  # a room imports its files
            yield from self._defining(*read.imported[name])

    def _imported_module(self, module: str, name: str) -> str:
        read = self.module(module)
        if read is None or name not in read.imported:
            return ""
        package, part = read.imported[name]
        return f"{package}.{part}" if self.module(f"{package}.{part}") else ""


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield from _top(statement.body) if isinstance(statement, ast.If) else (statement,)  # imports for types


def _defines(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement.name
    elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        yield from (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))
