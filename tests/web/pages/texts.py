"""
What the pages say, read out of their sources: every text that must be in the catalogue, and every word that is not.

``python -m tests.web.pages.texts`` brings each language's file up to what the sources say: new texts are added without
a translation (`test_texts.py` names them then), those that nobody says any more go.
"""

import ast
import re
from collections.abc import Iterator
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

SOURCES = Path(ostiary.__file__).parent
CATALOGUES = SOURCES / "web/pages/texts"
SAYING = (
    "core/access/places.py", "core/directory/credentials.py", "core/directory/passkeys.py",
    "core/directory/permissions.py", "core/exemptions/asking.py", "core/exemptions/deciding.py",
    "core/exemptions/oddities.py", "core/exemptions/opening.py", "core/signins/drill.py", "core/signins/oddities.py",
    "core/words/instants.py", "core/words/reasons.py",
    "services/devices/inventory.py", "services/devices/passkeys.py",
    "services/directory/credentials.py", "services/directory/first_admin.py", "services/directory/passkeys.py",
    "services/exemptions/ask.py", "services/exemptions/decide.py", "services/exemptions/end.py",
    "services/exemptions/granting.py", "services/exemptions/requests.py", "services/exemptions/view.py",
    "services/signins/ask.py", "services/signins/askable.py", "services/signins/bind.py", "services/signins/claim.py",
    "services/signins/decide.py", "services/signins/guessing.py", "services/signins/prompts.py",
    "services/signins/tickets.py",
    "services/tokens/browser.py", "services/tokens/other_ways.py", "services/tokens/own_password.py",
    "services/tokens/passkey_sign_in.py", "services/tokens/sign_in.py", "services/tokens/tries.py",
    "services/tokens/upstream.py", "services/tokens/upstream_people.py",
    "web/front/forms.py", "web/pages",
)  # fmt: skip
"""Where Python says what pages show: files and rooms, below the package."""
SAYS: dict[str, tuple[int | str, ...]] = {
    "marked": (0,),
    "said": (0,),
    "Refused": (1, "detail"),
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
"""Which arguments of which calls are texts."""
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


def modules() -> list[Path]:
    """The files whose texts pages show."""
    found = [[SOURCES / place] if place.endswith(".py") else (SOURCES / place).rglob("*.py") for place in SAYING]
    return sorted(path for paths in found for path in paths)


def in_module(path: Path) -> Iterator[Text]:
    """The texts of a module. Raises ValueError for one that is glued together from pieces."""
    where = str(path.relative_to(SOURCES))
    for call in ast.walk(ast.parse(path.read_text())):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "id", "") or getattr(call.func, "attr", "")
        if name == "counted" and isinstance(call.func, ast.Name):
            one, many = (_literals(each, where) for each in call.args[:2])
            yield Text(where, one[0], many[0])
            continue
        for place in SAYS.get(name, ()):
            for given in _arguments(call, place):
                yield from (Text(where, text) for text in _literals(given, where) if text)


def _arguments(call: ast.Call, place: int | str) -> list[ast.expr]:
    if isinstance(place, int):
        return call.args[place : place + 1]
    return [each.value for each in call.keywords if each.arg == place]


def _literals(node: ast.expr, where: str) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return _literals(node.body, where) + _literals(node.orelse, where)
    if isinstance(node, ast.BoolOp):
        return [text for each in node.values for text in _literals(each, where)]
    if isinstance(node, (ast.JoinedStr, ast.BinOp)):
        raise ValueError(f"{where}:{node.lineno}: a text made of pieces cannot be looked up; use said()")
    return []


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
    in_order += [text for path in modules() for text in in_module(path)]
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
