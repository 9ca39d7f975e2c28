"""The house as it stands keeps its own rules (docs/house.md)."""

import configparser
from pathlib import Path
from typing import NamedTuple

from tests.house import checks

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "src" / "ostiary"


class Registry(NamedTuple):
    """A room that grows by one file and one entry in one of its tuples; *helpers* are its modules that need none."""

    package: str
    names: tuple[str, ...]
    helpers: tuple[str, ...] = ()


# A new room that grows by files adds a line.
REGISTRIES = (
    Registry("ostiary.core.access.conditions", ("CONDITIONS",)),
    Registry("ostiary.core.access.controls", ("CONTROLS",), ("control",)),
    Registry("ostiary.services.tokens.grants", ("GRANTS",), ("grant",)),
    Registry("ostiary.core.detections.rules", ("RULES",)),
    Registry("ostiary.web.pages", ("PAGES",), ("environment", "page", "texts")),
    Registry(
        "ostiary.web.pages.console",
        ("SUBJECTS",),
        ("charts", "export", "frame", "lists", "live", "navigation", "policy_words"),
    ),
    Registry(
        "ostiary.cli",
        ("VERBS", "NOUNS"),
        (
            "audit_log",
            "detections_score",
            "by_code",
            "device_certificates",
            "device_files",
            "durations",
            "ending",
            "eligible",
            "errand",
            "handed",
            "exemption_rows",
            "files",
            "lookup",
            "output",
            "own_exemption",
            "pipelines",
            "policy_files",
            "policy_history",
            "policy_lookup",
            "report_page",
            "settings",
            "since",
            "verb",
            "waiting",
            "when",
        ),
    ),
)


def test_nobody_asks_for_time_or_randomness_inside() -> None:
    """Clock and randomness come in from `outside` and, in the client, from `machine`; rules take them as arguments."""
    assert checks.each_tree(HOUSE, checks.impurities, skip=checks.may_ask_the_machine) == []


def test_no_import_hides_inside_a_function() -> None:
    """What a module needs of ours stands at its top, where the import contracts see it."""
    assert checks.each_tree(HOUSE, checks.hidden_imports) == []


def test_a_sign_is_on_every_door() -> None:
    """Each module says what it owns before anything else."""
    assert checks.each_tree(HOUSE, checks.signless) == []
    assert checks.doorless(HOUSE) == []


def test_files_and_functions_fit_into_a_head() -> None:
    """At most 400 lines a file and 60 a function: beyond that there is a second subject in it."""
    assert checks.oversized(HOUSE) == []


def test_a_registry_equals_its_folder() -> None:
    """Growth is one file and one line; neither comes alone."""
    found = []
    for package, names, helpers in REGISTRIES:
        found += checks.unregistered(ROOT / "src" / Path(*package.split(".")), package, names, helpers)
    assert found == []


def test_r16_templates_hold_no_code_of_their_own() -> None:
    """R16: no inline script, style or handler, and nothing fetched from elsewhere."""
    templates = [path for kind in ("*.html", "*.svg") for path in HOUSE.rglob(kind)]
    assert [line for path in templates for line in checks.inline_code(path)] == []


def test_contracts_know_every_room_that_exists() -> None:
    """A room in parentheses is one that is not built yet: the day it is, the contracts hold for it."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    optional = []
    for name in contracts.sections():
        for line in contracts[name].get("layers", "").split("|"):
            for room in line.split("\n"):
                if room.strip().startswith("("):
                    optional.append((contracts[name]["containers"], room.strip(" ()")))
    built = [f"{place}.{room}" for place, room in optional if (ROOT / "src" / Path(*place.split("."), room)).is_dir()]
    assert built == []


def test_each_tower_is_named_in_the_contracts_between_them() -> None:
    """Every floor that exists is on one side or the other, and none on both."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    towers = {f"ostiary.{path.parent.name}" for path in HOUSE.glob("*/__init__.py")}
    headless = set(contracts["importlinter:contract:headless"]["source_modules"].split())
    house = set(contracts["importlinter:contract:house"]["source_modules"].split())
    assert towers <= headless | house | {"ostiary.core"}
    assert not headless & house


def test_every_test_says_what_it_holds() -> None:
    """The name tells the behaviour, the sentence why it matters."""
    assert checks.speechless(ROOT / "tests") == []
