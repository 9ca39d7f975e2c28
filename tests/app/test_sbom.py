"""`make sbom` says what runs: each package of the lock at its version, with a licence, and nothing of this machine."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", re.MULTILINE)


def normal(name: str) -> str:
    """A name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, set[str]]:
    """Name -> versions (of different systems), from a lock."""
    found: dict[str, set[str]] = {}
    for package, version in NAME.findall((ROOT / name).read_text(encoding="utf-8")):
        found.setdefault(normal(package), set()).add(version)
    return found


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Both bills of material, made as `make sbom` makes them."""
    folder = tmp_path_factory.mktemp("sbom")
    done = subprocess.run(["scripts/sbom", folder], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return {part: json.loads((folder / f"ostiary-{part}.cdx.json").read_text()) for part in ("client", "server")}


@pytest.mark.parametrize(
    ("part", "lock", "some"),
    [
        ("client", "requirements-client.lock", {"httpx", "typer", "cryptography"}),
        ("server", "requirements.lock", {"uvicorn", "joserfc", "sqlalchemy", "httpx"}),
    ],
)
def test_the_bill_is_what_the_lock_says(bills: dict[str, dict[str, Any]], part: str, lock: str, some: set[str]) -> None:
    """CycloneDX 1.6 of our application: what the lock names, at its versions, with licences and who needs whom."""
    bill, pinned = bills[part], locked(lock)
    assert (bill["bomFormat"], bill["specVersion"], bill["metadata"]["component"]["name"]) == (
        "CycloneDX", "1.6", "ostiary",
    )  # fmt: skip
    parts = {normal(one["name"]): one for one in bill["components"]}
    assert some <= set(parts)
    assert {"pytest", "mypy", "ruff", "cyclonedx-bom", "pip"}.isdisjoint(parts)
    assert {name: one["version"] for name, one in parts.items() if one["version"] not in pinned.get(name, ())} == {}
    assert [name for name, one in parts.items() if not one.get("licenses")] == []
    wanted = {name: f"pkg:pypi/{name}@{one['version']}" for name, one in parts.items()}
    assert {name: one["purl"].replace(".", "-", one["name"].count(".")) for name, one in parts.items()} == wanted
    assert {one["ref"] for one in bill["dependencies"]} >= {one["bom-ref"] for one in parts.values()}
    text = json.dumps(bill)
    assert [told for told in ("file:", "localhost", str(ROOT), "/tmp/") if told in text] == []
