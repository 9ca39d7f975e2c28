"""The checks themselves are tried on planted violations: a check that finds nothing anywhere would be no check."""

import ast
from pathlib import Path

import pytest

from tests.house import checks


def plant(folder: Path, name: str, text: str) -> Path:
    """Write *text* to a file below *folder* and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "import time as clock",
        "from time import monotonic",
        "import random",
        "from secrets import token_bytes",
        "from datetime import datetime\nx = datetime.now()",
        "from datetime import datetime as moment, UTC\nx = moment.now(UTC)",
        "import datetime\nx = datetime.datetime.utcnow()",
        "import datetime as d\nx = d.date.today()",
        "import uuid\nx = uuid.uuid4()",
        "from uuid import uuid4",
        "import os\nx = os.urandom(16)",
        "from os import urandom",
        "def f():\n    from os import urandom",
        "import asyncio\nx = asyncio.get_running_loop().time()",
        "from cryptography.hazmat.primitives.asymmetric import ec\nx = ec.generate_private_key(ec.SECP256R1())",
        "from a import Ed25519PrivateKey\nx = Ed25519PrivateKey.generate()",
        "from cryptography import x509\nx = x509.random_serial_number()",
        "import pyotp\nx = pyotp.random_base32()",
        "from sqlalchemy import func\nx = func.now()",
        "x = 'SELECT CURRENT_TIMESTAMP'",
        "x = 'SELECT randomblob(16)'",
    ],
)
def test_a_clock_or_randomness_is_found(text: str) -> None:
    """Every way to ask the machine that a rule might be tempted by is found, under any alias."""
    assert list(checks.impurities(ast.parse(text)))


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import UTC, datetime, timedelta\nx = datetime(1970, 1, 1, tzinfo=UTC)",
        "def f(visit):\n    return visit.now",
        "def f(house):\n    return house.clock.now()",
        "import uuid\nx = uuid.UUID(int=1)",
        "import os\nx = os.environ",
        "import hmac\nx = hmac.compare_digest('a', 'b')",
    ],
)
def test_time_as_a_value_is_no_clock(text: str) -> None:
    """Types and arguments are how time travels; only asking for it is a complaint."""
    assert list(checks.impurities(ast.parse(text))) == []


def test_only_the_outside_and_the_client_s_machine_may_ask() -> None:
    """The two places that own clock and randomness are these, and no neighbour with a similar name."""
    allowed = ["outside/clock.py", "outside/deep/er.py", "client/machine.py"]
    refused = [
        "client/device.py",
        "core/outside.py",
        "outsider/clock.py",
        "cli/machine.py",
        "services/client/machine.py",
    ]
    assert all(map(checks.may_ask_the_machine, allowed))
    assert not any(map(checks.may_ask_the_machine, refused))


def test_a_complaint_names_file_and_line_and_exceptions_are_left_out(tmp_path: Path) -> None:
    """What is found can be found again, and the exempted file is not read."""
    plant(tmp_path, "core/rule.py", '"""Sign."""\n\nimport time\n')
    plant(tmp_path, "outside/clock.py", "import time\n")
    found = checks.each_tree(tmp_path, checks.impurities, skip=checks.may_ask_the_machine)
    assert found == ["core/rule.py:3: imports time"]


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import ostiary.store",
        "def f():\n    from ostiary.store import sql",
        "async def f():\n    from . import sibling",
        "class A:\n    def f(self):\n        if self:\n            from ostiary import store",
        "import importlib\nimportlib.import_module('ostiary.store')",
        "from importlib import import_module\nx = import_module('ostiary.store')",
        "x = __import__('ostiary')",
    ],
)
def test_a_hidden_import_is_found(text: str) -> None:
    """An import that the import contracts cannot see is a complaint."""
    assert list(checks.hidden_imports(ast.parse(text)))


def test_an_import_at_the_top_is_not_hidden() -> None:
    """Imports where everybody looks for them are fine."""
    assert list(checks.hidden_imports(ast.parse("from ostiary.core import words\nimport importlib.metadata"))) == []


@pytest.mark.parametrize("text", ["", "x = 1", '"""Short."""', '"""many words but not one sentence"""'])
def test_a_door_without_a_sign_is_found(text: str) -> None:
    """A module has to say what it owns, in a sentence."""
    assert list(checks.signless(ast.parse(text)))


def test_a_sign_is_seen() -> None:
    """One sentence is enough."""
    assert list(checks.signless(ast.parse('"""Owns the pace of polls."""'))) == []


def test_a_room_without_a_door_is_found(tmp_path: Path) -> None:
    """A folder of modules needs an ``__init__.py``, which carries the sign and lets the import contracts see it."""
    plant(tmp_path, "__init__.py", "")
    plant(tmp_path, "room/__init__.py", "")
    plant(tmp_path, "room/inner/thing.py", "")
    assert checks.doorless(tmp_path) == ["room/inner"]


def test_what_is_too_long_is_found(tmp_path: Path) -> None:
    """A line over the limit counts, the limit itself does not."""
    body = "    pass\n"
    plant(tmp_path, "good.py", "def f():\n" + body * (checks.FUNCTION_LINES - 1))
    plant(tmp_path, "long.py", "async def g():\n" + body * checks.FUNCTION_LINES)
    plant(tmp_path, "full.py", "x = 1\n" * checks.FILE_LINES)
    plant(tmp_path, "over.py", "x = 1\n" * (checks.FILE_LINES + 1))
    assert checks.oversized(tmp_path) == [
        f"over.py: {checks.FILE_LINES + 1} lines, at most {checks.FILE_LINES}",
        f"long.py:1: g has {checks.FUNCTION_LINES + 1} lines, at most {checks.FUNCTION_LINES}",
    ]


def test_a_registry_that_differs_from_its_folder_is_found(tmp_path: Path) -> None:
    """A module that was forgotten, one that is gone and one that is listed twice are each named."""
    for name in ("apple", "pear", "plum", "tools"):
        plant(tmp_path, f"{name}.py", "")
    plant(tmp_path, "nut/__init__.py", "")
    head = "from fruit import apple, fig, nut\nfrom fruit.pear import PEAR\nfrom fruit.plum import make\n"
    plant(
        tmp_path,
        "__init__.py",
        head + "FRUIT: tuple[object, ...] = (apple, PEAR, make('x'), ('nut', nut.NUT, apple))\n",
    )
    assert checks.unregistered(tmp_path, "fruit", ("FRUIT",), ("tools",)) == []
    plant(tmp_path, "__init__.py", head + "FRUIT = (apple, apple, PEAR, fig, nut)\n")
    assert checks.unregistered(tmp_path, "fruit", ("FRUIT",), ("tools",)) == [
        "fruit.plum is missing in FRUIT",
        "FRUIT lists fig, which is no module of fruit",
        "FRUIT lists apple twice",
    ]
    with pytest.raises(LookupError):
        checks.unregistered(tmp_path, "fruit", ("NUTS",))


def test_a_path_of_one_machine_is_found(tmp_path: Path) -> None:
    """A folder that only one machine has is named with its line; addresses, relative and system paths are not."""
    for bad in ("/ro" + "ot/.venv", "see /ho" + "me/anna/x", "'/wo" + "rk/main'", "(/t" + "mp/plan)"):
        assert checks.machine_paths(plant(tmp_path, "bad.txt", f"fine\n{bad}\n"))[0].startswith("bad.txt:2:")
    good = (
        "https://a.example/home/x docs/work/x ./tmp/x /etc/ostiary /var/lib/ostiary /usr/bin/env /v1.0/users root/x\n"
    )
    assert checks.machine_paths(plant(tmp_path, "good.txt", good)) == []


def test_an_address_in_a_lock_is_found(tmp_path: Path) -> None:
    """Every spelling of "fetch it from there" is a complaint, in both kinds of lock."""
    for bad in (
        "--index-url x",
        "--extra-index-url x",
        "--find-links x",
        "a @ https://h/a.whl",
        "-e file:///x",
        "# via http://h",
    ):
        assert checks.addresses(plant(tmp_path, "a.lock", f"a==1 \\\n    --hash=sha256:00\n{bad}\n"))
    for bad in ('"resolved": "https://h/a.tgz"', '"version": "git+ssh://h/a"', '"x": "https://registry.h/a"'):
        assert checks.addresses(plant(tmp_path, "package-lock.json", "{\n" + bad + "\n}\n"))
    assert (
        checks.addresses(
            plant(tmp_path, "b.lock", "httpx==0.28.1 \\\n    --hash=sha256:00\n    # via -r requirements.in\n")
        )
        == []
    )
    assert (
        checks.addresses(plant(tmp_path, "package-lock.json", '{"version": "1.0.0", "integrity": "sha512-a/b=="}\n'))
        == []
    )


@pytest.mark.parametrize(
    "text",
    [
        '<p style="color: red">',
        "<style>p {}</style>",
        "<script>alert(1)</script>",
        '<script type="module">x()</script>',
        '<a href="javascript:x()">',
        '<button onclick="x()">',
        '<script src="https://cdn.example/x.js"></script>',
        '<form action="//elsewhere.example/">',
    ],
)
def test_r16_inline_code_in_a_template_is_found(tmp_path: Path, text: str) -> None:
    """R16: what the policy of our pages would block is found before a browser blocks it."""
    assert checks.inline_code(plant(tmp_path, "page.html", f"<main>\n{text}\n</main>\n"))


def test_r16_a_clean_template_passes(tmp_path: Path) -> None:
    """Classes, our own files and words that look alike are fine."""
    text = '<link rel="stylesheet" href="/static/style.css">\n<script src="/x.js" defer></script>\n<p class="on style">'
    assert checks.inline_code(plant(tmp_path, "page.html", text)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    """A page that sends its reader nowhere is named with the place it names."""
    plant(tmp_path, "docs/there.md", "")
    page = plant(tmp_path, "README.md", "[a](docs/there.md#x) [b](https://x.example/y) [c](#here) [d](docs/gone.md)")
    assert checks.broken_links(page) == ["README.md: docs/gone.md"]


def test_a_file_that_a_page_names_is_looked_for(tmp_path: Path) -> None:
    """From the project's root and from the package; other code spans are not files."""
    plant(tmp_path, "src/ostiary/core/there.py", "")
    plant(tmp_path, "tests/test_there.py", "")
    page = plant(
        tmp_path, "page.md", "`core/there.py` `core/` `tests/test_there.py` `a/b` `core/gone.py` `tests/gone/`"
    )
    assert checks.missing_files(tmp_path, page) == ["page.md: core/gone.py", "page.md: tests/gone/"]


def test_a_rule_without_a_test_is_found(tmp_path: Path) -> None:
    """A test counts by its own name or its file's, if it does something."""
    plant(tmp_path, "web/test_start.py", "def test_r1_start():\n    assert 1\n\n\ndef test_r5_consent():\n    pass\n")
    plant(tmp_path, "web/test_r10_guessing.py", "class TestIt:\n    async def test_odds(self):\n        check(1)\n")
    plant(tmp_path, "helper_r7_x.py", "def test_r8_x():\n    assert 1\n")
    assert checks.unproved(tmp_path, (1, 5, 7, 8, 10, 11)) == ["R5", "R7", "R8", "R11"]


def test_a_test_without_a_sentence_is_found(tmp_path: Path) -> None:
    """A test says what it holds."""
    plant(
        tmp_path,
        "test_a.py",
        'def test_good():\n    """One code buys one token."""\n\n\ndef test_mute():\n    assert 1\n',
    )
    assert checks.speechless(tmp_path) == ["test_a.py:5 test_mute"]
