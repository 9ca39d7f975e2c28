"""The client alone: its wheel, built from this tree, in an empty environment with its own lock and nothing more."""

import json
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SERVER_ONLY = (
    *("alembic", "argon2", "httptools", "jinja2", "joserfc", "orjson", "pydantic", "pyotp"),
    *("sqlalchemy", "starlette", "structlog", "uvicorn", "uvloop"),
)
HOUSE = tuple(f"ostiary.{floor}" for floor in ("app", "web", "services", "store", "outside"))


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """What *command* prints; a failure shows all of it."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(python: str | Path, *arguments: str | Path) -> str:
    """Run our pip for *python*, which needs none of its own."""
    return run(
        sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "--no-input", *arguments
    )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of this tree: building must leave no traces here."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    pip(sys.executable, "wheel", "-q", "--no-index", "--no-deps", "--no-build-isolation", "-w", tree / "dist", tree)
    (built,) = (tree / "dist").glob("*.whl")
    return built


def modules(wheel: Path) -> set[str]:
    """The modules of the tree that *wheel* was built from."""
    source = wheel.parents[1] / "src"
    return {path.relative_to(source).as_posix() for path in source.rglob("ostiary/**/*.py")}


@pytest.fixture(scope="module")
def client(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of an environment that has the client and what its lock names."""
    folder = tmp_path_factory.mktemp("client")
    venv.create(folder)
    python = folder / "bin" / "python"
    pip(python, "install", "-qq", "--no-compile", "--require-hashes", "-r", ROOT / "requirements-client.lock")
    pip(python, "install", "-qq", "--no-index", "--no-deps", wheel)
    return folder / "bin"


def ask(client: Path, names: Sequence[str], code: str) -> list[str]:
    """Which of *names* fulfil the expression *code* (of ``name``) in the environment, after the client was imported."""
    script = (
        "import importlib.util, json, sys; import ostiary.cli, ostiary.client; "
        f"print(json.dumps([name for name in json.loads(sys.argv[1]) if {code}]))"
    )
    found = json.loads(run(client / "python", "-c", script, json.dumps(names), cwd=client))
    assert isinstance(found, list)
    return found


def test_the_client_s_wheel_works_alone(client: Path) -> None:
    """Its lock is all it needs: pip finds nothing missing and the program tells its verbs."""
    pip(client / "python", "check")
    told = run(client / "ostiary", "--help", cwd=client)
    assert [verb for verb in ("login", "logout", "status", "token", "run", "exemption") if verb not in told] == []


def test_the_client_brings_no_server(client: Path) -> None:
    """Nothing that only the server needs is installed beside it, and it loads no floor of the house."""
    assert ask(client, SERVER_ONLY, "importlib.util.find_spec(name) is not None") == []
    assert ask(client, HOUSE, "name in sys.modules") == []
    assert ask(client, ("ostiary.client", "httpx"), "name in sys.modules") == ["ostiary.client", "httpx"]


def test_the_wheel_holds_what_it_should(wheel: Path) -> None:
    """Types, licence and all programs are in it; tests and caches are not."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (points,) = (archive.read(name).decode() for name in names if name.endswith("/entry_points.txt"))
    assert "ostiary/py.typed" in names
    assert [name for name in names if name.endswith("licenses/LICENSE")] != []
    programs = {"ostiary", "git-credential-ostiary", "docker-credential-ostiary", "ostiary-server"}
    assert {line.split(" = ")[0] for line in points.splitlines() if " = " in line} == programs
    assert [name for name in names if name.startswith("tests") or "__pycache__" in name] == []
    assert len(modules(wheel)) > 50
    assert modules(wheel) <= set(names)
