"""Names of applications that deceive: what looks alike is one name, and what others own is not given away (R23)."""

import pytest

from ostiary.core.directory.names import RESERVED, deceives, skeleton
from ostiary.core.directory.presets import PRESETS
from ostiary.core.words.outcome import Reason

TWINS = (
    ("Payroll", "PAYROLL"),
    ("Payroll", "Pay-roll "),
    ("Payroll", "P\N{CYRILLIC SMALL LETTER A}yroll"),
    ("Payroll", "\N{GREEK CAPITAL LETTER RHO}ayroll"),
    ("Payroll", "Payro1l"),
    ("Payroll", "PayroII"),
    ("Payroll", "Ｐａｙｒｏｌｌ"),
    ("Payroll", "𝐏𝐚𝐲𝐫𝐨𝐥𝐥"),
    ("Payroll", "Pàyroll"),
    ("Modern", "Modem"),
    ("Wind", "VVind"),
    ("Scope", "\N{CYRILLIC CAPITAL LETTER DZE}\N{CYRILLIC CAPITAL LETTER ES}\N{CYRILLIC CAPITAL LETTER O}"
     "\N{CYRILLIC CAPITAL LETTER ER}\N{CYRILLIC CAPITAL LETTER IE}"),
    ("Tool 0", "Tool O"),
)  # fmt: skip

HIDDEN = (
    "Pay\u200broll",
    "Pay\u202eroll",
    "Pay\u2066roll",
    "Pay\u00adroll",
    "Pay\ufeffroll",
    "Pay\u3164roll",
    "Pay\u2800roll",
    "Pay\ufe0froll",
    "Pay\U000e0101roll",
    "Pay\x00roll",
    "Pa\u0300\u0301\u0302y",
    "---",
    "\u3164",
)

MIXED = (
    "P\N{CYRILLIC SMALL LETTER A}yroll",
    "\N{GREEK CAPITAL LETTER RHO}ayroll",
    "Tool \N{CYRILLIC SMALL LETTER EF}",
)
OWNED = ("Microsoft", "Micros0ft Login", "MicrosoftTeams", "AZURE backup", "Ostiary", "0stiary helper",
         "My Administrator", "Mlcrosoft", "Rnicrosoft", "Office365", "administration-tool")  # fmt: skip
FINE = (
    "Payroll",
    "Wind tool",
    "Зарплата",
    "Μισθοδοσία",
    "給与計算 Tool",
    "Lohn & Gehalt",
    "Azurite",
    "Centra",
    "C++ build",
)


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_r23_names_that_look_alike_have_one_skeleton(one: str, other: str) -> None:
    """R23: case, spaces, marks, look-alike letters and digits make no other name."""
    assert skeleton(one) == skeleton(other)


def test_names_that_differ_have_skeletons_that_differ() -> None:
    """Else nothing could be registered."""
    names = ("Payroll", "Payroll 2", "Wind", "Wind tool", "Зарплата", "給与計算", "Shell")
    assert len({skeleton(name) for name in names}) == len(names)


@pytest.mark.parametrize("name", [*HIDDEN, *MIXED, *OWNED], ids=ascii)
def test_r23_a_name_that_deceives_is_refused(name: str) -> None:
    """R23: nothing invisible, one alphabet of those that resemble each other, no word that others own."""
    refused = deceives(name, id="x", verified=False)
    assert refused is not None
    assert (refused.reason, refused.field) == (Reason.INVALID_VALUE, "displayName")
    assert refused.detail


@pytest.mark.parametrize("name", FINE)
def test_honest_names_of_any_language_are_taken(name: str) -> None:
    """Also those that only contain a short reserved word."""
    assert deceives(name, id="x", verified=False) is None


@pytest.mark.parametrize("name", OWNED)
def test_r23_a_verified_application_may_have_an_owned_word_and_nothing_hidden(name: str) -> None:
    """R23: the mark is about whose word it is, not about how it is written."""
    assert deceives(name, id="x", verified=True) is None
    assert deceives(f"{name}\u200b", id="x", verified=True) is not None


def test_a_well_known_client_has_its_own_name() -> None:
    """Under its own id only."""
    for preset in PRESETS.values():
        assert deceives(preset["name"], id=preset["id"], verified=False) is None
        assert deceives(preset["name"], id="another", verified=False) is not None


def test_every_reserved_word_is_reserved() -> None:
    """By itself, at the end, and in capitals."""
    for word in RESERVED:
        for name in (word, f"my {word}", word.upper()):
            assert deceives(name, id="x", verified=False) is not None, name
