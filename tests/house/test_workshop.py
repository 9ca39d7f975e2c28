"""The workshop: commands, locks, pages and the files around the code."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.house import checks

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements-client.lock", "requirements.lock", "requirements-dev.lock")


def tracked() -> list[Path]:
    """Every file that belongs to the project, committed or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def pins(lock: str) -> dict[str, str]:
    """The version that *lock* names for each package."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,._-]+\])?==([^\s;\\]+)", text, re.MULTILINE))


def test_no_file_names_a_folder_of_one_machine() -> None:
    """What is written here holds on any machine."""
    assert [line for path in tracked() for line in checks.machine_paths(path)] == []


def test_no_lock_says_where_to_fetch_from() -> None:
    """A lock pins what, never where: the machine's own index settings decide that."""
    locks = [path for path in tracked() if path.suffix == ".lock" or path.name == "package-lock.json"]
    assert {path.name for path in locks} >= set(LOCKS)
    assert [line for path in locks for line in checks.addresses(path)] == []


def test_every_pin_has_its_hashes() -> None:
    """Nothing is installed that was not seen when the lock was written."""
    for lock in LOCKS:
        blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text(encoding="utf-8"))[1:]
        assert len(blocks) == len(pins(lock)) > 10
        assert [block.split()[0] for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", block)] == []


def test_the_three_locks_agree() -> None:
    """What is tested is what is installed: the smaller locks are parts of the larger ones."""
    client, server, everything = (pins(lock).items() for lock in LOCKS)
    assert client < server < everything


def test_the_readme_begins_with_the_two_commands() -> None:
    """Start it, then test it: the first two commands are those that a newcomer and the automation type."""
    blocks = re.findall(
        r"^```(?:sh|console)\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    commands = [line for block in blocks for line in block.splitlines() if line.strip()]
    assert commands[:2] == ["make run", "make test"]


def test_the_automation_runs_the_checks_and_then_the_tests() -> None:
    """`.ci/run` is `make lint` and the README's test command, in that order and nothing else."""
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line.split()[-1] for line in lines if line.startswith("make ")] == ["lint", "test"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_help_tells_every_target() -> None:
    """`make` alone lists what can be done, and each thing in the list exists."""
    told = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    ).stdout
    names = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert names is not None
    assert sorted(line.split()[1] for line in told.splitlines()) == sorted(names[1].split())


def test_links_between_the_pages_lead_somewhere() -> None:
    """A reader who follows a link inside the project arrives."""
    assert [line for path in tracked() if path.suffix == ".md" for line in checks.broken_links(path)] == []


def test_files_that_the_pages_name_are_there() -> None:
    """A claim that names its code and its test can be looked up."""
    pages = [path for path in tracked() if path.suffix == ".md"]
    assert [line for page in pages for line in checks.missing_files(ROOT, page)] == []
    named = [page.name for page in pages if "`tests/" in page.read_text(encoding="utf-8")]
    assert {"threat-model.md", "rfc10027.md"} <= set(named)


def test_the_threat_model_has_every_section() -> None:
    """RFC 8628 §5, RFC 9700 §4, and a row for each."""
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    rows = {
        number.strip() for cells in re.findall(r"^\| ([\d., ]+) \|", text, re.MULTILINE) for number in cells.split(",")
    }
    wanted = {f"5.{n}" for n in range(1, 8)} | {f"4.{n}" for n in range(1, 18)}
    assert wanted <= rows, sorted(wanted - rows)


def test_decisions_have_numbers_of_their_own_and_are_listed() -> None:
    """A decision can be cited by its number and found from the list."""
    folder = ROOT / "docs" / "decisions"
    pages = [path.name for path in folder.glob("0*.md")]
    listed = re.findall(r"^\| \[(\d{4})\]\((.*?)\)", (folder / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted((name[:4], name) for name in pages)
    assert len({number for number, _ in listed}) == len(pages) > 5


def test_a_release_collects_the_fragments(tmp_path: Path) -> None:
    """The changelog is written from the fragments, newest release first, and each fragment is used once."""
    for name in ("scripts", "changelog.d"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / "scripts" / "changelog", tmp_path / "scripts")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n<!-- releases -->\n")
    for version, kind, text in (("0.1.0", "added", "A door."), ("0.2.0", "fixed", "It\nsqueaked.")):
        (tmp_path / "changelog.d" / f"door.{kind}.md").write_text(text + "\n")
        subprocess.run(
            [sys.executable, tmp_path / "scripts" / "changelog", version, "2026-01-01"], check=True, timeout=300
        )
    written = (tmp_path / "CHANGELOG.md").read_text()
    assert re.findall(r"^(## .*|### .*|- .*)$", written, re.MULTILINE) == [
        *("## 0.2.0 (2026-01-01)", "### Fixed", "- It squeaked."),
        *("## 0.1.0 (2026-01-01)", "### Added", "- A door."),
    ]
    assert list((tmp_path / "changelog.d").iterdir()) == []
    again = [sys.executable, str(tmp_path / "scripts" / "changelog"), "0.3.0", "2026-01-01"]
    assert subprocess.run(again, capture_output=True, timeout=300).returncode != 0
