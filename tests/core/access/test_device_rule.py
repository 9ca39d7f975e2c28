"""The language of device filter rules, and Entra's rule about devices that are not registered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.access.device_rule import DEEPEST, LONGEST, BadRule, holds, parse
from ostiary.core.access.facts import DeviceFacts

LAPTOP = DeviceFacts(
    "d-1", compliant=True, attributes={
        "displayName": "LAP-042", "trustType": "AzureAD", "operatingSystem": "Linux", "model": None,
        "extensionAttribute3": 'say "hi"', "physicalIds": ("[ZTDId]:7", "[USER-GID]:9"), "systemLabels": (),
    },
)  # fmt: skip

ROWS = (
    ("device.isCompliant -eq True", True, False),
    ("device.isCompliant -eq true", True, False),
    ("device.isCompliant -ne True", False, True),
    ('device.trustType -eq "azuread"', True, False),
    ('device.trustType -in ["ServerAD", "AzureAD"]', True, False),
    ('device.trustType -notIn ["ServerAD", "AzureAD"]', False, True),
    ('device.displayName -startsWith "lap-"', True, False),
    ('device.displayName -notStartsWith "lap-"', False, True),
    ('device.displayName -endsWith "042"', True, False),
    ('device.displayName -notEndsWith "042"', False, True),
    ('device.displayName -contains "P-0"', True, False),
    ('device.displayName -notContains "P-0"', False, True),
    ('device.deviceId -eq "D-1"', True, False),
    ('device.model -eq "X"', False, False),
    ('device.model -ne "X"', True, True),
    ("device.extensionAttribute3 -eq 'say \"hi\"'", True, False),
    ('device.extensionAttribute3 -eq "say `"hi`""', True, False),
    ('device.extensionAttribute15 -ne "x"', True, True),
    ('device.physicalIds -contains "[ztdid]:7"', True, False),
    ('device.physicalIds -notContains "[ZTDId]:7"', False, True),
    ('device.systemLabels -notContains "M365Managed"', True, True),
    ('device.isCompliant -eq True -and device.operatingSystem -eq "Windows"', False, False),
    ('device.isCompliant -eq True -or device.operatingSystem -eq "Windows"', True, False),
    ('device.isCompliant -eq False -or device.isCompliant -eq True -and device.model -ne "x"', True, False),
    ("-not (device.isCompliant -eq True)", False, True),
    ("-NOT -not (device.isCompliant -EQ True)", True, False),
    ('(device.isCompliant -eq True -or device.model -eq "x") -and device.trustType -eq "Workplace"', False, False),
)


@pytest.mark.parametrize(("rule", "laptop", "stranger"), ROWS, ids=[row[0] for row in ROWS])
def test_what_a_rule_says_of_a_device(rule: str, laptop: bool, stranger: bool) -> None:
    """Filter for devices: of a device that is not registered every attribute is null; only negative operators hold."""
    tree = parse(rule)
    assert (holds(tree, LAPTOP), holds(tree, None)) == (laptop, stranger)


BAD = (
    ("", 1, "is expected"),
    ("device.isCompliant", 19, "takes -eq, -ne"),
    ("device.isCompliant -eq", 23, "True or False"),
    ('device.isCompliant -eq "True"', 24, "True or False"),
    ("device.isCompliant -eq True device", 29, "cannot be read"),
    ("device.isCompliant -eq True device.model", 29, "the end is expected"),
    ("device.moon -eq True", 1, "is not an attribute"),
    ('device.isCompliant -startsWith "T"', 20, "takes -eq, -ne"),
    ('device.physicalIds -eq "x"', 20, "takes -contains"),
    ('device.deviceId -contains "x"', 17, "takes -eq"),
    ("device.model -eq X", 18, "cannot be read"),
    ('device.model -eq "', 18, "cannot be read"),
    ('device.model -eq ""', 18, "empty text"),
    ('device.model -in "X"', 18, "[ is expected"),
    ('device.model -in ["X"', 22, "] is expected"),
    ('(device.model -eq "X"', 22, ") is expected"),
    ('device.model -eq "X")', 21, "the end is expected"),
    ('device.model -eq "X" -and', 26, "device.<attribute> is expected"),
    ("(" * (DEEPEST + 2), DEEPEST + 2, "nested deeper"),
    ("-not " * (DEEPEST + 2), 5 * (DEEPEST + 1) + 1, "nested deeper"),
    ("d" * (LONGEST + 1), LONGEST + 1, "longer than"),
    ("device.model -in [" + '"x",' * 101 + '"x"]', 18 + 4 * 100 + 4, "more than"),
)


@pytest.mark.parametrize(("rule", "position", "said"), BAD, ids=[f"{n}-{row[0][:30]}" for n, row in enumerate(BAD)])
def test_what_cannot_be_read_is_told_with_its_place(rule: str, position: int, said: str) -> None:
    """Nobody searches a long rule for one character."""
    with pytest.raises(BadRule) as wrong:
        parse(rule)
    assert said in str(wrong.value)
    assert f"at character {position}" in str(wrong.value)


@given(st.text(max_size=80) | st.text("device.isCompliant -eq True()-andornotmdl[]\"',", max_size=120))
def test_any_text_is_read_or_refused(rule: str) -> None:
    """No text breaks the reader."""
    try:
        tree = parse(rule)
    except BadRule:
        return
    assert holds(tree, None) in (True, False)
