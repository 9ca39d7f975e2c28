"""The published patterns find what we send people, and are made from it (RFC 10027 M5)."""

import re
from itertools import cycle, islice
from pathlib import Path

import pytest

from ostiary.core.signins.mail_filters import PLACE, address_pattern, code_pattern, page
from ostiary.core.signins.user_code import ALPHABET, GROUPS, spaced

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_page_of_mail_filters_is_made_from_the_rules() -> None:
    """`python -m ostiary.core.signins.mail_filters` prints it."""
    assert (DOCS / "mail-filters.md").read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("letters", sorted(GROUPS))
def test_a_code_of_any_length_is_found_in_a_mail(letters: int) -> None:
    """Every letter that codes have, at every place."""
    for start in range(len(ALPHABET)):
        code = spaced("".join(islice(cycle(ALPHABET), start, start + letters)))
        (found,) = re.findall(code_pattern(), f"Your code: {code}. Hurry!")
        assert found == code


@pytest.mark.parametrize("text", ["HELLO-WORD", "wdjb-mjht", "WDJB-MJH", "XWDJB-MJHT", "1234-5678", "WDJBMJHT"])
def test_what_is_no_code_is_not_found(text: str) -> None:
    """Vowels, digits, small letters, other lengths: a filter that finds everything is switched off."""
    assert not re.search(code_pattern(), text)


def test_the_address_is_found_with_a_code_and_without() -> None:
    """Of this host only: dots are dots."""
    pattern = address_pattern(f"https://{PLACE}")
    for address in ("/devicelogin", "/devicelogin?user_code=WDJB-MJHT&mark=a.b_c"):
        found = re.search(pattern, f"Go to https://{PLACE}{address} now")
        assert found is not None
        assert found.group() == f"https://{PLACE}{address}"
    assert not re.search(pattern, f"https://{PLACE.replace('.', 'x')}/devicelogin")
