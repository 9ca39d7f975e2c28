"""What receivers ask for is read within bounds; what their answers mean; what of a stream is whose."""

from typing import Any

import pytest

from ostiary.core.signals.delivery import REFUSED_TRIES, Outcome, Poll, again_in, judge_push, read_poll
from ostiary.core.signals.events import SUPPORTED
from ostiary.core.signals.streams import (
    POLL,
    PUSH,
    Method,
    Stream,
    Target,
    Wish,
    changed,
    contradiction,
    document,
    read_wish,
)
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant, minutes, seconds

STREAM = Stream("s", AppId("a"), "https://rs.example", Method.POLL, "", ("urn:x",), "Ours", Instant(0), failures=3,
                retry=Instant(9))  # fmt: skip
PUSHED = {"method": PUSH, "endpoint_url": "https://rs.example:8443/x?k=1", "authorization_header": "Bearer x"}


def test_a_wish_is_what_the_receiver_says() -> None:
    """Nothing said changes nothing; a whole configuration without a delivery is polled (§8.1.1.1)."""
    assert read_wish({}, whole=False) == Wish()
    assert read_wish({}, whole=True) == Wish(method=Method.POLL)
    wish = read_wish({"delivery": PUSHED, "events_requested": ["a", "a", "b"], "description": "d"}, whole=False)
    target = Target("https://rs.example:8443/x?k=1", "Bearer x")
    assert wish == Wish(("a", "b"), Method.PUSH, target, "d")
    assert "rs.example" not in repr(wish), "neither address nor header is ever printed"


def test_what_cannot_be_read_is_said_by_its_name() -> None:
    """Bounded lists and texts; an address that is one; one line of a header."""
    push = {"method": PUSH, "endpoint_url": "https://rs.example/"}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"events_requested": "x"}, "events_requested"),
        ({"events_requested": ["x"] * 65}, "events_requested"),
        ({"events_requested": [7]}, "events_requested"),
        ({"description": "a\nb"}, "description"),
        ({"description": "x" * 257}, "description"),
        ({"delivery": "push"}, "delivery"),
        ({"delivery": {"method": "push"}}, "delivery.method"),
        ({"delivery": {"method": PUSH}}, "delivery.endpoint_url"),
        ({"delivery": {**push, "endpoint_url": "https://a:b@rs.example/"}}, "delivery.endpoint_url"),
        ({"delivery": {**push, "endpoint_url": "https://rs.example/#x"}}, "delivery.endpoint_url"),
        ({"delivery": {**push, "authorization_header": "a\r\nb"}}, "delivery.authorization_header"),
        ({"delivery": {**push, "authorization_header": "x" * 4097}}, "delivery.authorization_header"),
        ({"delivery": {**push, "authorization_header": 7}}, "delivery.authorization_header"),
    ]
    for given, name in wrong:
        read = read_wish(given, whole=False)
        assert isinstance(read, str), given
        assert read.partition(": ")[0] == name
    assert read_wish({"delivery": {"method": POLL}}, whole=False) == Wish(method=Method.POLL)


def test_a_change_keeps_what_it_does_not_name() -> None:
    """A new delivery forgets the failures of the old one; a replacement forgets what it does not name (§8.1.1.4)."""
    pushed = read_wish({"delivery": PUSHED}, whole=False)
    assert isinstance(pushed, Wish)
    new = changed(STREAM, pushed, whole=False)
    assert (new.method, new.host, new.failures, new.retry, new.revision) == (Method.PUSH, "rs.example", 0, None, 1)
    assert (new.requested, new.description) == (STREAM.requested, "Ours")
    same = changed(STREAM, Wish(description=""), whole=False)
    assert (same.description, same.failures, same.method) == ("", 3, Method.POLL)
    bare = changed(STREAM, Wish(method=Method.POLL), whole=True)
    assert (bare.requested, bare.description, bare.delivered) == (None, "", SUPPORTED)
    assert STREAM.delivered == ()


def test_ours_cannot_be_changed() -> None:
    """SSF 1.0 §8.1.1.3: it may be there, and must then be as it is."""
    shown = document(STREAM, issuer="https://i", endpoint="https://i/ssf/poll/s")
    assert contradiction({"description": "x", **shown}, shown) is None
    assert (shown["events_requested"], shown["description"]) == (["urn:x"], "Ours")
    bare = document(changed(STREAM, Wish(), whole=True), issuer="https://i", endpoint="https://e")
    assert not {"events_requested", "description"} & bare.keys()
    for name in ("stream_id", "iss", "aud", "events_supported", "events_delivered", "min_verification_interval"):
        assert contradiction({name: "other"}, shown) == f"{name}: this cannot be changed."
    assert shown["delivery"] == {"method": POLL, "endpoint_url": "https://i/ssf/poll/s"}


@pytest.mark.parametrize(
    ("status", "body", "tries", "outcome"),
    [
        (202, b"", 0, Outcome.DELIVERED),
        (200, b"ok", 0, Outcome.DELIVERED),
        (400, b'{"err":"invalid_request","description":"x"}', 0, Outcome.REJECTED),
        (400, b'{"err":"invalid_issuer"}', 0, Outcome.REJECTED),
        (400, b'{"err":"invalid_audience"}', 0, Outcome.REJECTED),
        (400, b'{"err":"invalid_state"}', 0, Outcome.REJECTED),
        (400, b'{"err":"invalid_key"}', 0, Outcome.LATER),
        (400, b'{"err":"invalid_key"}', REFUSED_TRIES - 1, Outcome.REJECTED),
        (400, b'{"err":"of_its_own"}', REFUSED_TRIES - 1, Outcome.REJECTED),
        (400, b'{"err":"authentication_failed"}', 100, Outcome.LATER),
        (400, b'{"err":"access_denied"}', 100, Outcome.LATER),
        (400, b"nonsense", 100, Outcome.LATER),
        (400, b'["err"]', 100, Outcome.LATER),
        (400, b'{"err":7}', 100, Outcome.LATER),
        (401, b"", 100, Outcome.LATER),
        (404, b"", 100, Outcome.LATER),
        (429, b"", 100, Outcome.LATER),
        (503, b"", 100, Outcome.LATER),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, body: bytes, tries: int, outcome: Outcome) -> None:
    """RFC 8935 §2.2 to §2.4: final only where the receiver means this event; in doubt it is sent again."""
    assert judge_push(status, body, tries=tries).outcome is outcome


def test_what_a_receiver_says_is_tamed() -> None:
    """It stands in the journal: short and without control characters."""
    said = judge_push(400, b'{"err":"invalid_request","description":"%s\\n"}' % (b"x" * 500), tries=0)
    assert len(said.description) <= 200
    assert judge_push(400, b'{"err":"a\\u0000b"}', tries=0).err == "a\\x00b"


def test_waits_double_up_to_five_minutes() -> None:
    """1, 2, 4 … seconds."""
    assert [again_in(n) for n in (1, 2, 3)] == [seconds(1), seconds(2), seconds(4)]
    assert again_in(9) == seconds(256)
    assert again_in(10) == again_in(10_000) == minutes(5)


def test_a_poll_is_read_within_bounds() -> None:
    """RFC 8936 §2.2: absent members have its defaults; nobody gets more than a hundred at once."""
    assert read_poll({}) == Poll()
    read: Any = read_poll({
        "maxEvents": 1000, "returnImmediately": True, "ack": ["a"], "setErrs": {"b": {"err": "invalid_key"}},
    })  # fmt: skip
    assert (read.most, read.at_once, read.acknowledged, read.errors) == (100, True, ("a",), {"b": ("invalid_key", "")})
    wishes: list[dict[str, Any]] = [
        {"maxEvents": "1"}, {"ack": [7]}, {"returnImmediately": 0}, {"setErrs": {"a": "b"}},
        {"setErrs": {str(n): {} for n in range(101)}},
    ]  # fmt: skip
    for wrong in wishes:
        assert isinstance(read_poll(wrong), str), wrong
