"""Where outgoing requests may go (R24)."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.words.destinations import PUBLIC, Place, literal, place_of, read_destinations

SOMEWHERE = Place("https", "somewhere.example", 443)

INSIDE = (
    "127.0.0.1", "127.8.9.10", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1", "0.0.0.0",
    "100.64.0.1", "192.0.0.1", "198.18.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "::", "::1", "::2", "::7f00:1", "fe80::1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "ff0e::1",
    "2001:db8::1", "2001::1", "100::1", "64:ff9b:1::7f00:1", "3fff::1", "5f00::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "2002:7f00:1::1", "2002:a00:1::",
)  # fmt: skip
METADATA = (
    "169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254",
    "::ffff:168.63.129.16", "64:ff9b::168.63.129.16",
)  # fmt: skip
OUTSIDE = ("1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8")


@pytest.mark.parametrize("text", [*INSIDE, *METADATA])
def test_r24_an_address_inside_is_never_asked_unless_listed(text: str) -> None:
    """R24: loopback, private, link-local, metadata, in every dress of IPv6."""
    assert not PUBLIC.admits(SOMEWHERE, ip_address(text))


@pytest.mark.parametrize("text", OUTSIDE)
def test_r24_the_public_network_needs_no_list(text: str) -> None:
    """R24: whoever asks a public address needs no permission."""
    assert PUBLIC.admits(SOMEWHERE, ip_address(text))


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "64:ff9b::"]))
def test_r24_an_ipv4_address_in_ipv6_is_judged_as_the_one_it_means(address: IPv4Address, prefix: str) -> None:
    """R24: a translator would connect to the IPv4 address, so that one is asked about."""
    dressed = IPv6Address(int(IPv6Address(prefix)) | int(address))
    assert PUBLIC.admits(SOMEWHERE, dressed) is PUBLIC.admits(SOMEWHERE, address)


@given(st.ip_addresses())
def test_r24_what_is_not_global_is_never_admitted(address: IPv4Address | IPv6Address) -> None:
    """R24: the list of ours only ever narrows what Python calls global."""
    if PUBLIC.admits(SOMEWHERE, address) and not isinstance(address, IPv6Address):
        assert address.is_global


def test_r24_a_listed_host_may_be_inside_but_never_where_metadata_is() -> None:
    """R24: a name can be made to point anywhere, so a name alone opens no way to a machine's own secrets."""
    listed = read_destinations(["tickets.example", "other.example:8443"])
    tickets, other = Place("https", "tickets.example", 443), Place("https", "other.example", 8443)
    for text in ("10.0.0.1", "127.0.0.1", "::1", "fd12::1"):
        assert listed.admits(tickets, ip_address(text))
        assert listed.admits(other, ip_address(text))
        assert not listed.admits(Place("https", "other.example", 443), ip_address(text))
        assert not listed.admits(SOMEWHERE, ip_address(text))
    for text in (*METADATA, "169.254.7.7", "fe80::1"):
        assert not listed.admits(tickets, ip_address(text)), text


def test_r24_a_listed_network_admits_its_addresses_and_no_other() -> None:
    """R24: whoever lists a network means whatever is in it."""
    listed = read_destinations(["10.1.0.0/16", "169.254.169.254/32", "fd00:1::/32"])
    for text in ("10.1.2.3", "169.254.169.254", "fd00:1::5", "::ffff:10.1.2.3"):
        assert listed.admits(SOMEWHERE, ip_address(text)), text
    for text in ("10.2.0.1", "169.254.169.253", "fd00:2::1"):
        assert not listed.admits(SOMEWHERE, ip_address(text)), text


def test_r24_plain_http_is_spoken_where_it_is_listed_only() -> None:
    """R24: https everywhere else, and a host that is listed without http stays with https."""
    listed = read_destinations(["http://plain.example:8080", "tls.example"])
    assert listed.may_speak(Place("http", "plain.example", 8080))
    assert listed.may_speak(Place("https", "anything.example", 443))
    assert not listed.may_speak(Place("http", "plain.example", 80))
    assert not listed.may_speak(Place("http", "tls.example", 80))
    assert not PUBLIC.may_speak(Place("http", "anything.example", 80))


@pytest.mark.parametrize(
    "url",
    ["", "ftp://a.example/", "//a.example/", "a.example", "https://", "https:///x", "https://u:p@a.example/",
     "https://a.example@b.example/", "https://a.example:99999/", "https://a.example:x/", "https://[fe80::1%25eth0]/",
     "https://a.example\\@b.example/", "https://a.example/ x", "https://a.example/\n", "file:///etc/passwd",
     "https://ä.example/", "https://a.example/" + "x" * 2048],
)  # fmt: skip
def test_r24_a_url_that_can_be_read_in_two_ways_names_nobody(url: str) -> None:
    """R24: one reading, or none."""
    assert place_of(url) is None


def test_r24_a_place_is_what_the_connection_needs() -> None:
    """R24: scheme, host and port, in one form."""
    assert place_of("HTTPS://A.Example./x?y#z") == Place("https", "a.example", 443)
    assert place_of("http://[::1]:8080/") == Place("http", "::1", 8080)
    assert literal("::1") == ip_address("::1")
    assert literal("2130706433") is None  # a resolver makes 127.0.0.1 of it: then it is judged as that


@pytest.mark.parametrize(
    "entry",
    ["", "*.example", "https://a.example", "a.example/x", "10.0.0.1/8", "ü.example", "a.example:x", "u@a.example"],
)
def test_r24_a_list_says_exactly_what_it_opens(entry: str) -> None:
    """R24: no patterns, no paths, no networks with host bits: whatever is unclear is an error at the start."""
    with pytest.raises(ValueError):  # noqa: PT011  the sentence differs by entry
        read_destinations([entry])


def test_r24_networks_are_read_as_networks() -> None:
    """R24: both families."""
    assert read_destinations(["10.0.0.0/8", "fd00::/8"]).networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert read_destinations(["[fd00::1]:443"]).listed(Place("https", "fd00::1", 443))
