"""Signed messages about compliance: whose they are, when, and what they may say."""

from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any

import pytest

from ostiary.core.devices.webhook import MOST, WINDOW, Signed, genuine, in_time, read_said, secret_of, signature
from ostiary.core.words.instants import Instant, Span, after, from_iso, from_seconds

SECRET = b"s" * 32
NOW = from_seconds(1_795_420_800)
ID = "7a0d1f2e-0000-4000-8000-0000000000d1"
MESSAGE = Signed("msg_1", "1795420800", "", b'{"devices":[]}')
RIGHT = replace(MESSAGE, signatures=signature(SECRET, MESSAGE))


def test_the_example_of_the_specification_verifies() -> None:
    """The vector that Standard Webhooks publishes for its libraries."""
    example = Signed("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "", b'{"test": 2432232314}')
    secret = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert signature(secret, example) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RIGHT, id="msg_2"),
        replace(RIGHT, timestamp="1795420801"),
        replace(RIGHT, body=b'{"devices":[ ]}'),
        replace(RIGHT, signatures=""),
        replace(RIGHT, signatures=RIGHT.signatures.replace("v1,", "v2,")),
        replace(RIGHT, signatures=" ".join(["v1,AAAA"] * 8 + [RIGHT.signatures])),
    ],
)
def test_whatever_differs_is_not_genuine(wrong: Signed) -> None:
    """Id, time, body, version; and of a heap of signatures only the first few are looked at."""
    assert genuine(SECRET, RIGHT)
    assert genuine(SECRET, replace(RIGHT, signatures=f"v1,AAAA {RIGHT.signatures}"))
    assert not genuine(b"t" * 32, RIGHT)
    assert not genuine(SECRET, wrong)


def test_a_message_without_an_id_is_not_genuine() -> None:
    """Nothing could tell it from its own replay."""
    nameless = replace(MESSAGE, id="")
    assert not genuine(SECRET, replace(nameless, signatures=signature(SECRET, nameless)))
    long = replace(MESSAGE, id="x" * 129)
    assert not genuine(SECRET, replace(long, signatures=signature(SECRET, long)))


def test_old_and_future_messages_do_not_count() -> None:
    """Five minutes either way; what is no number is never in time."""
    assert in_time(MESSAGE, NOW)
    assert in_time(MESSAGE, after(NOW, WINDOW))
    assert not in_time(MESSAGE, after(NOW, Span(WINDOW + 1)))
    assert not in_time(MESSAGE, Instant(NOW - WINDOW - 1))
    for text in ("", "x", "-1", "1e9", "9" * 13, "٣"):
        assert not in_time(replace(MESSAGE, timestamp=text), NOW)


def test_a_secret_is_text_with_a_prefix() -> None:
    """32 bytes, or it is none of ours."""
    assert secret_of("whsec_" + b64encode(SECRET).decode()) == SECRET
    assert secret_of("whsec_!!") is None
    assert secret_of("whsec_" + b64encode(b"short").decode()) is None


def test_what_may_be_said_is_read() -> None:
    """Managed, compliant, until when; null takes the end away."""
    said = read_said({"devices": [{"deviceId": ID.upper(), "isManaged": True, "isCompliant": False,
                                   "complianceExpirationDateTime": "2026-12-01T00:00:00Z"}]})  # fmt: skip
    assert not isinstance(said, str)
    (one,) = said
    assert one.device == ID
    assert one.changes == {"managed": True, "compliant": False, "compliance_ends": from_iso("2026-12-01T00:00:00Z")}
    assert read_said({"devices": [{"deviceId": ID, "complianceExpirationDateTime": None}]})[0].changes == {  # type: ignore[union-attr]
        "compliance_ends": None
    }


@pytest.mark.parametrize(
    "wrong",
    [
        None, [], {}, {"devices": []}, {"devices": [1]}, {"devices": [{"deviceId": ID}]}, {"devices": {}},
        {"devices": [{"deviceId": "x", "isManaged": True}]}, {"devices": [{"deviceId": ID, "isManaged": 1}]},
        {"devices": [{"deviceId": ID, "isCompliant": "true"}]}, {"devices": [{"isCompliant": True, "isManaged": True}]},
        {"devices": [{"deviceId": ID, "complianceExpirationDateTime": 5}]},
        {"devices": [{"deviceId": ID, "complianceExpirationDateTime": "soon"}]},
        {"devices": [{"deviceId": ID, "displayName": "x", "isManaged": True}]},
        {"devices": [{"deviceId": ID, "isManaged": True}] * 2},
        {"devices": [{"deviceId": ID, "isManaged": True}], "more": 1},
        {"devices": [{"deviceId": ID, "isManaged": True}] * (MOST + 1)},
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_its_place(wrong: Any) -> None:
    """Nothing is taken half."""
    said = read_said(wrong)
    assert isinstance(said, str)
    assert said.startswith("$.devices")
