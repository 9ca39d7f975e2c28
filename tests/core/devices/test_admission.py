"""The rule that admits without asking: all of its limits, or nobody."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.devices.admission import OFF, AdmissionRule, read_rule, rule_document, rule_from
from ostiary.core.words.ids import GroupId
from ostiary.core.words.instants import days
from ostiary.core.words.outcome import Refused

STAFF = GroupId("staff")
RULE = AdmissionRule(True, STAFF, (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")), 2, days(30))
FITS: dict[str, Any] = {"groups": frozenset({STAFF}), "address": "192.0.2.7", "held": 1}


def test_all_limits_together_admit() -> None:
    """Either network will do."""
    assert RULE.admits(**FITS)
    assert RULE.admits(**FITS | {"address": "2001:db8::7"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"groups": frozenset()},
        {"groups": frozenset({GroupId("others")})},
        {"address": "198.51.100.7"},
        {"address": ""},
        {"address": "somewhere"},
        {"held": 2},
    ],
)
def test_each_limit_alone_keeps_out(wrong: dict[str, Any]) -> None:
    """And a rule that is off admits nobody whatever else it says."""
    assert not RULE.admits(**FITS | wrong)
    assert not replace(RULE, enabled=False).admits(**FITS)
    assert not replace(RULE, group=None).admits(**FITS | {"groups": frozenset()})
    assert not OFF.admits(**FITS)


@given(
    st.booleans(), st.lists(st.ip_addresses().map(str), max_size=4, unique=True), st.integers(1, 20),
    st.integers(1, 366),
)  # fmt: skip
def test_a_rule_is_stored_as_it_is(enabled: bool, addresses: list[str], most: int, length: int) -> None:
    """What was read, written and read again is the same rule."""
    changes = {"enabled": enabled, "group": STAFF, "networks": tuple(addresses), "most": most, "lifetime": days(length)}
    read = read_rule(OFF, changes)
    if isinstance(read, Refused):
        assert enabled
        assert not addresses
        return
    assert rule_from(rule_document(read)) == read
    assert read_rule(read, {}) == read


def test_more_networks_than_anybody_oversees_are_refused() -> None:
    """Fifty."""
    refused = read_rule(RULE, {"networks": tuple(f"10.0.{n}.0/24" for n in range(51))})
    assert isinstance(refused, Refused)
    assert refused.field == "networks"
