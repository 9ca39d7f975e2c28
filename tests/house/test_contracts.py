"""The import contracts catch what they are for: each is tried on a skeleton of the house with one violation planted."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# contract, the file that breaks it, and its line. One at least for each contract of .importlinter.
PLANTED = (
    ("Stairs go down only", "store/bad.py", "import ostiary.services.logs"),
    ("Stairs go down only", "services/logs/bad.py", "from ostiary.web import oauth"),
    ("Stairs go down only", "store/bad.py", "import ostiary.outside"),
    ("Stairs go down only", "attic/__init__.py", ""),
    ("The headless tower never imports the house", "cli/bad.py", "import ostiary.services.logs"),
    ("The headless tower never imports the house", "client/bad.py", "import ostiary.outside"),
    ("The house never imports the headless tower", "services/logs/bad.py", "import ostiary.client"),
    ("Doors call deeds, never the store or the outside", "web/graph/bad.py", "from ostiary import store"),
    ("The client takes only words from core", "client/bad.py", "import ostiary.core.tokens"),
    ("The order of rooms in core", "core/words/bad.py", "import ostiary.core.tokens"),
    ("The order of rooms in core", "core/tokens/bad.py", "import ostiary.core.signins"),
    ("The order of rooms in services", "services/directory/bad.py", "import ostiary.services.signins"),
    ("Doors do not know each other", "web/pages/bad.py", "import ostiary.web.graph"),
    ("Rules ask nobody: no storage, network, process or loop in core", "core/tokens/bad.py", "import os"),
    ("Only the store speaks SQL", "services/logs/bad.py", "from sqlalchemy import select"),
    ("The headless tower needs no library of the server", "client/bad.py", "import pydantic"),
)


def skeleton(folder: Path) -> Path:
    """The house as the contracts see it: each room they name, empty, and the contracts beside it."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    rooms = {"ostiary"}
    for contract in contracts.values():
        below = contract.get("containers", "")
        rooms |= {f"{below}.{name}" for name in re.findall(r"\w+", contract.get("layers", ""))}
    for room in rooms:
        door = folder / Path(*room.split(".")) / "__init__.py"
        door.parent.mkdir(parents=True, exist_ok=True)
        door.touch()
    (folder / ".importlinter").write_text((ROOT / ".importlinter").read_text(encoding="utf-8"), encoding="utf-8")
    return folder / "ostiary"


def broken(folder: Path) -> list[str]:
    """The names of the contracts that do not hold for the house in *folder*."""
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120)
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    assert re.search(r"Contracts: \d+ kept, \d+ broken\.", text), text
    return re.findall(r"^(.*\S) BROKEN", text, re.MULTILINE)


def test_an_empty_house_keeps_every_contract(tmp_path: Path) -> None:
    """Nothing in the contracts is broken from the start: what breaks below was planted."""
    skeleton(tmp_path)
    assert broken(tmp_path) == []


@pytest.mark.parametrize(("contract", "file", "line"), PLANTED)
def test_a_planted_violation_breaks_its_contract(tmp_path: Path, contract: str, file: str, line: str) -> None:
    """One import in the wrong direction is enough."""
    bad = skeleton(tmp_path) / file
    bad.parent.mkdir(exist_ok=True)
    bad.write_text(line + "\n", encoding="utf-8")
    assert contract in broken(tmp_path)


def test_a_cycle_between_siblings_breaks_the_contract(tmp_path: Path) -> None:
    """Two modules of one room that need each other are one module."""
    house = skeleton(tmp_path)
    (house / "store" / "hen.py").write_text("import ostiary.store.egg\n")
    (house / "store" / "egg.py").write_text("import ostiary.store.hen\n")
    assert broken(tmp_path) == ["No cycles between siblings anywhere"]


def test_every_contract_was_tried() -> None:
    """A contract that no planted violation breaks may be one that cannot break."""
    names = re.findall(r"^name = (.*)$", (ROOT / ".importlinter").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(names) == {contract for contract, _, _ in PLANTED} | {"No cycles between siblings anywhere"}
