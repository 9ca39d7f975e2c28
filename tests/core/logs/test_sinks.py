"""How entries are put on the wire for other systems, and when it is tried again."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.logs.entry import Recorded
from ostiary.core.logs.kinds import Kind
from ostiary.core.logs.sinks import LARGEST, Body, Form, Target, again, as_syslog, as_webhook, read_target
from ostiary.core.words.instants import Instant, between, minutes
from ostiary.core.words.outcome import Refused
from tests.core.logs.test_formats import body

MESSAGE = re.compile(
    r"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z) "
    r"([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) "
    r'\[meta sequenceId="([1-9]\d{0,9})"\] (?:\ufeff)?(.*)', re.DOTALL,
)  # fmt: skip


def recorded(position: int, kind: str = Kind.USER_CREATED, **more: Any) -> Recorded:
    """An entry at its place."""
    content = body(kind, number=position, **more)
    return Recorded(position, "main", position, kind, content["at"], "s1", "user:u1", content["target"], content)


def frames(data: bytes) -> list[str]:
    """What a receiver of RFC 5425 reads, by octet counting alone."""
    found = []
    while data:
        length, _, rest = data.partition(b" ")
        assert re.fullmatch(rb"[1-9][0-9]*", length)
        found.append(rest[: int(length)].decode())
        data = rest[int(length) :]
    return found


ENTRIES = st.lists(
    st.builds(lambda kind, text: (kind, text), st.sampled_from(list(Kind)), st.text(max_size=40)),
    min_size=1,
    max_size=8,
)


@given(ENTRIES, st.sampled_from(list(Body)))
def test_syslog_messages_are_read_back_by_counting(made: list[tuple[Kind, str]], form: Body) -> None:
    """RFC 5424 in RFC 5425's frames, whatever the entries hold: none is cut, none runs into the next."""
    entries = [recorded(n, kind, agent=text, detail={"reason": text}) for n, (kind, text) in enumerate(made, 1)]
    batch = as_syslog(entries, form, "s", "login.example.com")
    assert batch.last == len(entries)
    for message, entry in zip(frames(batch.data), entries, strict=True):
        found = MESSAGE.fullmatch(message)
        assert found is not None, message
        assert int(found[1]) // 8 == 13
        assert (found[3], found[7]) == ("login.example.com", str(entry.position))
        if form is Body.JSON:
            assert json.loads(found[8]) == {k: v for k, v in entry.body.items() if k != "salt"}


@given(st.lists(st.integers(0, 30_000), min_size=1, max_size=12), st.sampled_from([Body.JSON, Body.OCSF]))
def test_a_batch_fits_and_leaves_nothing_out(sizes: list[int], form: Body) -> None:
    """Piece after piece, every entry once and in order; one that is too large goes without its detail."""
    left = [recorded(n, detail={"reason": "ä" * size}) for n, size in enumerate(sizes, 1)]
    told: list[int] = []
    while left:
        batch, again_ = as_webhook(left, form, "s"), as_webhook(left, form, "s")
        assert batch == again_
        assert len(batch.data) <= LARGEST + 1000
        for one in json.loads(batch.data)["data"]["entries"]:
            told.append(one["metadata"]["sequence"] if form is Body.OCSF else one["number"])
        left = [entry for entry in left if entry.position > batch.last]
    assert told == list(range(1, len(sizes) + 1))


@pytest.mark.parametrize(("form", "address", "place"), [
    (Form.SYSLOG, "logs.example.com", ("logs.example.com", 6514)),
    (Form.SYSLOG, "logs.example.com:443", ("logs.example.com", 443)),
    (Form.SYSLOG, "[2001:db8::1]:7000", ("2001:db8::1", 7000)),
    (Form.SYSLOG, "logs.example.com/x", None),
    (Form.SYSLOG, "a b", None),
    (Form.SYSLOG, "user:pw@logs.example.com", None),
    (Form.WEBHOOK, "https://logs.example.com/in?k=1", ("logs.example.com", 443)),
    (Form.WEBHOOK, "logs.example.com", None),
])  # fmt: skip
def test_an_address_is_read_whole_or_not(form: Form, address: str, place: tuple[str, int] | None) -> None:
    """Port 6514 where none is said; nothing besides host and port for syslog."""
    found = read_target(form, Body.JSON, address)
    assert isinstance(found, Refused if place is None else Target)
    if isinstance(found, Target):
        assert (found.place.host, found.place.port) == place


def test_a_webhook_is_not_sent_cef() -> None:
    """CEF is for syslog."""
    assert isinstance(read_target(Form.WEBHOOK, Body.CEF, "https://x.example/"), Refused)


def test_it_is_tried_again_for_ever_with_longer_pauses() -> None:
    """Nothing may be left out, so it is never given up."""
    pauses = [between(Instant(0), again(n, Instant(0))) for n in range(1, 20)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == minutes(10)
