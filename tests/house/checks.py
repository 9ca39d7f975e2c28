"""
What the house forbids and no linter knows: one function a rule, from a source tree to a list of complaints.

Pure but for reading files under the folder they are given, so that each can be tried on a planted violation. Which
folder is judged, and what is expected of it today, stands in the tests beside this file.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 60

CLOCKED_PACKAGE = "outside"
CLOCKED_FILE = "client/machine.py"

_IMPURE_MODULES = ("time", "random", "secrets")
_IMPURE_NAMES = (
    *(f"datetime.{kind}.{name}" for kind in ("datetime", "date") for name in ("now", "utcnow", "today")),
    *(f"uuid.uuid{version}" for version in (1, 4, 6, 7, 8)),
    *("os.urandom", "os.getrandom", "os.times", "ssl.RAND_bytes"),
    *("email.utils.formatdate", "email.utils.localtime", "email.utils.make_msgid"),
    *("pyotp.random_base32", "pyotp.random_hex", "cryptography.x509.random_serial_number"),
    *("sqlalchemy.func.now", "sqlalchemy.func.random", "sqlalchemy.func.current_timestamp"),
)
_IMPURE_METHODS = ("generate_private_key", "generate_key")
_IMPURE_SQL = re.compile(
    r"\b(CURRENT_TIMESTAMP|unixepoch\s*\(|randomblob\s*\(|datetime\s*\(\s*'now'|random\s*\(\s*\))", re.I
)

Tree = ast.Module
Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(root: Path) -> list[Path]:
    """Every Python file under *root*, in a stable order."""
    return sorted(path for path in root.rglob("*.py") if not {"__pycache__", "node_modules"} & set(path.parts))


def each_tree(
    root: Path, check: Callable[[Tree], Iterable[tuple[int, str]]], *, skip: Callable[[str], bool] = lambda _: False
) -> list[str]:
    """What *check* complains of under *root*, as ``path:line: complaint``; *skip* takes the path below *root*."""
    found = []
    for path in python_files(root):
        below = path.relative_to(root).as_posix()
        if not skip(below):
            found += [f"{below}:{line}: {text}" for line, text in check(ast.parse(path.read_text(encoding="utf-8")))]
    return found


def may_ask_the_machine(below: str) -> bool:
    """Whether the file at *below* (a path inside the package) is one of those that own clock and randomness."""
    return below.startswith(f"{CLOCKED_PACKAGE}/") or below == CLOCKED_FILE


# Clock and randomness


def impurities(tree: Tree) -> Iterator[tuple[int, str]]:
    """Every place where *tree* asks for the time or for randomness."""
    names = bindings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (
                (node.lineno, f"imports {name}") for name in _imported(node) if name.split(".")[0] in _IMPURE_MODULES
            )
            yield from ((node.lineno, f"imports {name}") for name in _imported(node) if name in _IMPURE_NAMES)
        elif isinstance(node, ast.Attribute):
            full = dotted(node, names)
            if full in _IMPURE_NAMES or node.attr in _IMPURE_METHODS or full.endswith("PrivateKey.generate"):
                yield node.lineno, f"uses {full or node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "time" and not node.args and not node.keywords:
                yield node.lineno, "asks something for its time()"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _IMPURE_SQL.search(node.value):
            yield node.lineno, "asks the database for time or randomness"


def bindings(tree: Tree) -> dict[str, str]:
    """What each imported name in *tree* stands for, as a dotted path."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module or ''}.{alias.name}"
    return found


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """The full dotted path that *node* names, or an empty string when its root is not an imported name."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        head = dotted(node.value, names)
        return f"{head}.{node.attr}" if head else ""
    return ""


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [f"{node.module or ''}.{alias.name}" for alias in node.names]


# Rooms and their signs


def hidden_imports(tree: Tree) -> Iterator[tuple[int, str]]:
    """Imports of our own modules inside functions, and imports by name at run time, which hide a cycle."""
    names = bindings(tree)
    for function in functions(tree):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                own = isinstance(node, ast.ImportFrom) and node.level > 0
                if own or any(name.split(".")[0] == "ostiary" for name in _imported(node)):
                    yield node.lineno, f"{function.name} imports {', '.join(_imported(node))}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "__import__":
            yield node.lineno, "calls __import__"
        if isinstance(node, ast.Attribute | ast.Name) and dotted(node, names) == "importlib.import_module":
            yield node.lineno, "imports by name"


def signless(tree: Tree) -> Iterator[tuple[int, str]]:
    """A module without a sign on its door: a docstring of at least one sentence."""
    sign = ast.get_docstring(tree) or ""
    if len(sign.split()) < 4 or "." not in sign:
        yield 1, "has no sign on its door"


def doorless(root: Path) -> list[str]:
    """Folders under *root* that hold modules and no ``__init__.py`` to carry a sign."""
    folders = {path.parent for path in python_files(root)}
    return [str(folder.relative_to(root)) for folder in sorted(folders) if not (folder / "__init__.py").exists()]


def functions(tree: Tree) -> list[Function]:
    """Every function and method in *tree*, nested ones too."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def oversized(root: Path) -> list[str]:
    """Files and functions that are longer than a reader can hold."""
    found = []
    for path in python_files(root):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES:
            found.append(f"{path.relative_to(root)}: {lines} lines, at most {FILE_LINES}")
    return found + each_tree(root, _long_functions)


def _long_functions(tree: Tree) -> Iterator[tuple[int, str]]:
    for function in functions(tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES:
            yield function.lineno, f"{function.name} has {lines} lines, at most {FUNCTION_LINES}"


def unregistered(folder: Path, package: str, registries: tuple[str, ...], helpers: tuple[str, ...] = ()) -> list[str]:
    """
    How the tuples *registries* in the ``__init__`` of *folder*, which is *package*, differ from its modules.

    Each module must give the tuples exactly one entry; *helpers* are modules that belong to none.
    """
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    names = bindings(tree)
    listed = [_sibling(entry, names, package) for name in registries for entry in _entries(tree, name)]
    present = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    expected = present - {"__init__", *helpers}
    where = " or ".join(registries)
    return [
        *(f"{package}.{each} is missing in {where}" for each in sorted(expected - set(listed))),
        *(f"{where} lists {each}, which is no module of {package}" for each in sorted(set(listed) - expected)),
        *(f"{where} lists {each} twice" for each in sorted({each for each in listed if listed.count(each) > 1})),
    ]


def _entries(tree: Tree, name: str) -> list[ast.expr]:
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if isinstance(value, ast.Tuple):
                return value.elts
    raise LookupError(f"no tuple {name}")


def _sibling(entry: ast.expr, names: dict[str, str], package: str) -> str:
    for node in ast.walk(entry):
        full = dotted(node, names) if isinstance(node, ast.Name | ast.Attribute) else ""
        if full.startswith(f"{package}."):
            return full[len(package) + 1 :].split(".")[0]
    return ast.unparse(entry)


# Texts

_MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:root|work|home|Users|opt|tmp)/[\w.]")
_REGISTRY = re.compile(r"://|--(?:extra-)?index-url|--find-links|--trusted-host|\bfile:")
_NPM_ADDRESS = re.compile(r'"resolved"|"version": "[^"]*[:/]|registry')
_INLINE = re.compile(
    r"""\sstyle\s*=|<style\b|\son[a-z]+\s*=\s*["'{]|javascript:|<script\b(?![^>]*\ssrc\s*=)|(?:src|action)\s*=\s*["']?(?:https?:)?//""",
    re.I,
)


def matching_lines(path: Path, pattern: re.Pattern[str]) -> list[str]:
    """The lines of the text file at *path* that *pattern* finds; none for a binary file."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    return [
        f"{path.name}:{number}: {line.strip()[:100]}"
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def machine_paths(path: Path) -> list[str]:
    """Lines that name a folder of one machine, which no other has."""
    return matching_lines(path, _MACHINE_PATH)


def addresses(path: Path) -> list[str]:
    """Lines of a lock file that say where to fetch from: that is for each machine to decide."""
    return matching_lines(path, _NPM_ADDRESS if path.suffix == ".json" else _REGISTRY)


def inline_code(path: Path) -> list[str]:
    """Lines of a template that the Content-Security-Policy of R16 would not let work."""
    return matching_lines(path, _INLINE)


def broken_links(path: Path) -> list[str]:
    """Relative links of the Markdown page at *path* that lead to no file."""
    found = []
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists():
            found.append(f"{path.name}: {target}")
    return found


_NAMED_FILE = re.compile(
    r"`((?:app|bench|cli|client|core|deploy|examples|outside|scripts|services|store|tests|web)/[\w./-]*\w/?)`"
)


def missing_files(root: Path, page: Path) -> list[str]:
    """Files and folders that the Markdown *page* names, from *root* or from the package, and that are not there."""
    named = _NAMED_FILE.findall(page.read_text(encoding="utf-8"))
    places = (root, root / "src" / "ostiary")
    there = {name for name in named for place in places if (place / name).exists() or (place / f"{name}.py").exists()}
    return [f"{page.name}: {name}" for name in named if name not in there]


# Tests


def tests_of(root: Path) -> Iterator[tuple[str, Function]]:
    """Every test function under *root*, with its place."""
    for path in python_files(root):
        if path.name.startswith("test_"):
            for function in functions(ast.parse(path.read_text(encoding="utf-8"))):
                if function.name.startswith("test_"):
                    yield f"{path.relative_to(root)}:{function.lineno} {function.name}", function


def speechless(root: Path) -> list[str]:
    """Tests under *root* that do not say in a sentence what they hold."""
    return [place for place, function in tests_of(root) if "." not in (ast.get_docstring(function) or "")]


def unproved(root: Path, rules: Iterable[int]) -> list[str]:
    """Which of *rules* have no test named after them (``test_r6_…``, or a file of that name) that does something."""
    proved = set()
    for place, function in tests_of(root):
        if any(
            isinstance(node, ast.Assert | ast.With | ast.AsyncWith | ast.Await | ast.Call)
            for node in ast.walk(function)
        ):
            proved |= {int(number) for number in re.findall(r"(?:^|[/_ ])r(\d{1,2})_", place)}
    return [f"R{number}" for number in rules if number not in proved]
