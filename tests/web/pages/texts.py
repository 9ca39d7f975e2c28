"""
What the pages say, read out of their sources: every text that must be in the catalogue, and every word that is not.

``python -m tests.web.pages.texts`` brings each language's file up to what the sources say: new texts are added without
a translation (`test_texts.py` names them then), those that nobody says any more go.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import nodes
from jinja2.ext import extract_from_ast

import ostiary
from ostiary.core.detections.rules import RULES
from ostiary.core.tokens.refusals import TABLE
from ostiary.web.pages.environment import ENVIRONMENTS, TEMPLATES
from ostiary.web.pages.texts import LANGUAGES
from tests.web.pages.reach import Definition, reached

SOURCES = Path(ostiary.__file__).parent
CATALOGUES = SOURCES / "web/pages/texts"
PAGES = "web/pages"
ENGLISH = {"core/graph/odata.py": "a page writes its own queries; `lists.py` says itself what cannot be asked"}
"""Whose texts are no page's, though pages can come to them, and why."""
SAYS: dict[str, tuple[int | str, ...]] = {"marked": (0,), "said": (0,), "Refused": (1, "detail")}
"""Which arguments of which calls are texts, wherever they stand."""
PAGES_SAY: dict[str, tuple[int | str, ...]] = {
    "missing": (2, "says"),
    "Chart": (1, 2, 3),
    "Choice": (1,),
    "Column": (0,),
    "Guardrail": (0, 2),
    "List": ("lead", "empty", "title"),
    "Place": (1,),
    "Search": (0, 1),
    "Tag": (0,),
    "Way": (1,),
}
"""The same in the modules of pages."""
SENTENCES = ("_", "gettext", "ngettext", "pgettext")
SHOWN = frozenset({"alt", "aria-label", "aria-description", "placeholder", "title", "data-title", "label"})
"""Attributes that people see or hear."""
UNSAID = frozenset({"code", "script", "style"})
"""Elements whose content is no language."""
IN_TAGS = frozenset({"aims", "body", "shape"})
"""Blocks and macros that stand inside of a tag: what they hold are attributes."""
_WORD = re.compile(r"[A-Za-zÀ-ÿ]{2,}")
_SPOKEN = re.compile(r"^\W*[A-Z][a-z]|[A-Za-z]{2,}[,;:.]? [A-Za-z(]")
"""What a literal in an expression looks like that somebody will read: capital first, or words with a space between."""


class Text(NamedTuple):
    """One text of the sources."""

    where: str
    id: str
    many: str = ""
    context: str = ""


# ---- templates


def templates() -> list[str]:
    """The names of all templates."""
    return sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))


def in_template(name: str, source: str | None = None) -> Iterator[Text]:
    """The texts of a template."""
    tree = ENVIRONMENTS["en"].parse((TEMPLATES / name).read_text() if source is None else source)
    for _, function, message in extract_from_ast(tree, SENTENCES):
        parts = [part or "" for part in message] if isinstance(message, tuple) else [message or ""]
        if function == "pgettext":
            yield Text(f"web/pages/templates/{name}", parts[1], context=parts[0])
        else:
            yield Text(f"web/pages/templates/{name}", parts[0], parts[1] if function == "ngettext" else "")


def outside(name: str, source: str | None = None) -> list[str]:
    """Words of a template that are not in the catalogue, and sentences that it cannot hold."""
    tree = ENVIRONMENTS["en"].parse((TEMPLATES / name).read_text() if source is None else source)
    found = list(_wrong_literals(tree))
    reader = _Words()
    reader.feed("".join(_markup(tree)))
    reader.close()
    return found + reader.found


def _markup(tree: nodes.Node) -> Iterator[str]:
    tags: list[nodes.Block | nodes.Macro] = [*tree.find_all(nodes.Block), *tree.find_all(nodes.Macro)]
    attributes = {id(output) for each in tags if each.name in IN_TAGS for output in each.find_all(nodes.Output)}
    for output in tree.find_all(nodes.Output):
        if id(output) in attributes:
            continue
        for part in output.nodes:
            yield part.data if isinstance(part, nodes.TemplateData) else "\0"


def _wrong_literals(tree: nodes.Node) -> Iterator[str]:
    inside = set()
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in SENTENCES:
            texts = call.args if call.node.name != "ngettext" else call.args[:2]
            if not all(isinstance(each, nodes.Const) for each in texts):
                yield f"line {call.lineno}: {call.node.name}() of what is no literal would be put out unescaped"
            inside |= {id(each) for each in call.args}
    for pair in tree.find_all(nodes.Pair):  # a key is looked up, not shown; so is what something is compared with
        inside.add(id(pair.key))
    for compared in tree.find_all(nodes.Compare):
        inside |= {id(each) for each in compared.find_all(nodes.Const)}
    for const in tree.find_all(nodes.Const):
        if isinstance(const.value, str) and id(const) not in inside and _SPOKEN.search(const.value):
            yield f"line {const.lineno}: {const.value!r}"


class _Words(HTMLParser):
    """Finds words between tags and in the attributes that people see."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSAID:
            self._inside.append(tag)
        self.found += [f"{name}={value!r}" for name, value in attrs if name in SHOWN and _WORD.search(value or "")]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self._inside and _WORD.search(data):
            self.found.append(data.replace("\0", "…").strip())


# ---- Python


def in_python(sources: Path = SOURCES) -> Iterator[Text]:
    """The texts of all Python that pages can come to: their own, and those of the deeds and rules below them."""
    for definition in reached(sources, PAGES):
        if definition.where not in ENGLISH:
            yield from in_definition(definition)


def in_definition(definition: Definition) -> Iterator[Text]:
    """
    The texts of one definition. Raises ValueError for one that cannot be found: glued together from pieces, or handed
    on from a parameter.
    """
    says = SAYS | PAGES_SAY if definition.where.startswith(PAGES) else SAYS
    for call, around in (found for statement in definition.statements for found in _calls(statement, ())):
        name = getattr(call.func, "id", "") or getattr(call.func, "attr", "")
        reading = _Reading(definition, around, says)
        if name == "counted" and isinstance(call.func, ast.Name):
            one, many = (list(reading.literals(each)) for each in call.args[:2])
            yield Text(definition.where, one[0], many[0])
            continue
        for place in says.get(name, ()):
            for given in _arguments(call, place):
                yield from (Text(definition.where, text) for text in reading.literals(given) if text)


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _calls(node: ast.AST, around: tuple[_Function, ...]) -> Iterator[tuple[ast.Call, tuple[_Function, ...]]]:
    """Every call in *node*, with the functions *around* it, the innermost first."""
    if isinstance(node, ast.Call):
        yield node, around
    inside = (node, *around) if isinstance(node, _Function) else around
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, inside)


def _arguments(call: ast.Call, place: int | str) -> list[ast.expr]:
    if isinstance(place, int):
        return call.args[place : place + 1]
    return [each.value for each in call.keywords if each.arg == place]


class _Reading(NamedTuple):
    """How an argument is read: by what its names stand for where it is written."""

    definition: Definition
    around: tuple[_Function, ...]
    says: Mapping[str, tuple[int | str, ...]]

    def literals(self, node: ast.expr) -> Iterator[str]:
        """What *node* may be, as far as it is written there; what another call makes, that call is read for."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.IfExp):
            yield from self.literals(node.body)
            yield from self.literals(node.orelse)
        elif isinstance(node, ast.BoolOp):
            yield from (text for each in node.values for text in self.literals(each))
        elif isinstance(node, (ast.JoinedStr, ast.BinOp)):
            raise ValueError(f"{self._at(node)}: a text made of pieces cannot be looked up; use said()")
        elif isinstance(node, ast.Name):
            yield from self._named(node)

    def _named(self, node: ast.Name) -> Iterator[str]:
        for function in self.around:
            values = [value for value in _assigned(function.body, node.id) if value is not node]
            if values:
                yield from (text for value in values for text in self.literals(value))
                return
            if node.id in {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}:
                if function.name not in self.says:
                    raise ValueError(
                        f"{self._at(node)}: a text that is handed on cannot be found; make the refusal there"
                    )
                return
        for value in _assigned(self.definition.module.defined.get(node.id, []), node.id):
            yield from self.literals(value)

    def _at(self, node: ast.expr) -> str:
        return f"{self.definition.where}:{node.lineno}"


def _assigned(statements: Iterable[ast.stmt], name: str) -> Iterator[ast.expr]:
    """The values that *name* gets in *statements*."""
    for node in (node for statement in statements for node in ast.walk(statement)):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            yield from (node.value for each in targets if isinstance(each, ast.Name) and each.id == name)


def of_rules() -> Iterator[Text]:
    """What the console says of each rule of detections: its title, what it sees, when that is harmless."""
    for rule in RULES:
        where = f"core/detections/rules/{rule.id}.py"
        yield from (Text(where, text) for text in (rule.title, rule.explanation, rule.false_positives))


# ---- the catalogue


def all_texts() -> dict[tuple[str, str], Text]:
    """Every text that pages say, by its context and English, where it stands first; one that counts wins."""
    found: dict[tuple[str, str], Text] = {}
    in_order = [text for name in templates() for text in in_template(name)]
    in_order += in_python()
    for entry in TABLE.values():  # most of its next steps have names of their own
        in_order += [Text("core/tokens/refusals.py", text) for text in (entry.sentence, entry.next_step)]
    in_order += of_rules()
    for text in in_order:
        key = (text.context, text.id)
        known = found.get(key)
        if known is None or (text.many and not known.many):
            found[key] = text
    return found


def catalogue(tag: str) -> Catalog:
    """The catalogue of a language, as its file has it."""
    with (CATALOGUES / f"{tag}.po").open("rb") as file:
        return read_po(file, locale=tag, abort_invalid=True)


def _update(tag: str) -> None:
    path = CATALOGUES / f"{tag}.po"
    head, _, _ = path.read_text().partition("\n\n")
    old, new = catalogue(tag), Catalog(locale=tag)
    for text in all_texts().values():
        known = old.get(text.id, text.context or None)
        string: Any = known.string if known is not None else ""
        id = (text.id, text.many) if text.many else text.id
        if isinstance(string, str) is bool(text.many):
            string = ("",) * new.num_plurals if text.many else ""
        new.add(id, string, [(text.where, 0)], context=text.context or None)
    written = BytesIO()
    write_po(written, new, width=118, omit_header=True, include_lineno=False)
    path.write_text(f"{head}\n\n{written.getvalue().decode().strip()}\n")


if __name__ == "__main__":
    for tag in LANGUAGES[1:]:
        _update(tag)
