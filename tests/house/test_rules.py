"""Each rule of docs/rules.md that is built has a test named after it."""

import re
from pathlib import Path

from tests.house import checks

ROOT = Path(__file__).resolve().parents[2]

# How this grows: when a rule is built, a test named ``test_r<number>_…`` (it, or its file) proves it and its number
# joins this line; from then on the test has to stay.
REQUIRED: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22, 23, 24)


def test_every_rule_that_is_built_is_proved_by_name() -> None:
    """Who changes a rule finds its test by the rule's number."""
    assert checks.unproved(ROOT / "tests", REQUIRED) == []


def test_the_rules_are_all_on_their_page() -> None:
    """The page that code and tests cite has R1 to R24, once each and in order."""
    headings = re.findall(r"^## R(\d+) ", (ROOT / "docs" / "rules.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number in headings] == list(range(1, 25))
    assert set(REQUIRED) <= set(range(1, 25))
