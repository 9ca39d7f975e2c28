"""What the flags of `ostiary signins list` ask of the log."""

import pytest

from ostiary.cli.signins import _begins, _network
from ostiary.client.errors import Misused


@pytest.mark.parametrize(
    ("network", "asked"),
    [
        ("", ""),
        ("203.0.113.9/32", "ipAddress eq '203.0.113.9'"),
        ("203.0.113.0/24", "startswith(ipAddress,'203.0.113.')"),
        ("10.0.0.0/8", "startswith(ipAddress,'10.')"),
        ("2001:db8:1::/48", "startswith(ipAddress,'2001:db8:1:')"),
        ("2001:db8::/32", "startswith(ipAddress,'2001:db8:')"),
        ("2001:db8::9/128", "ipAddress eq '2001:db8::9'"),
    ],
)
def test_a_network_is_the_beginning_of_its_addresses(network: str, asked: str) -> None:
    """Exactly those: an address of a neighbour never begins so."""
    assert _network(network) == asked


@pytest.mark.parametrize(
    "network", ["203.0.113.0/25", "0.0.0.0/0", "203.0.113.9/24", "x", "2001:db8:0::/48", "2001::/20"]
)
def test_a_network_that_is_no_beginning_is_refused(network: str) -> None:
    """IPv6 shortens zeros, so that addresses of one network may begin in two ways."""
    with pytest.raises(Misused):
        _network(network)


def test_a_star_asks_for_the_beginning() -> None:
    """What is typed cannot become another condition."""
    assert _begins("f", "") == ""
    assert _begins("f", "o'x") == "f eq 'o''x'"
    assert _begins("f", "o'*") == "startswith(f,'o''')"
