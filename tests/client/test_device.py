"""
The device flow from the requester's side (RFC 8628), against a server that does not always behave; with threads and
with asyncio.
"""

from dataclasses import replace
from typing import Any

import pytest

from ostiary.client.device import CodeIssued, ConnectionLost, Extended, Request, Resumed, sign_in_by_device
from ostiary.client.discovery import discover
from ostiary.client.errors import (
    CodeExpired,
    DeniedByPerson,
    DeniedByPolicy,
    Exit,
    Misused,
    ServerFault,
    TimedOut,
    Unreachable,
)
from ostiary.client.exchange import Event, Exchange
from ostiary.client.tokens import Granted
from tests.client.conftest import Clock, Perform
from tests.client.wire import BLOCKED, CLIENT, DROP, PENDING, SLOW_DOWN, Wire


def signing_in(wire: Wire, **wishes: Any) -> Exchange[Granted]:
    """Discovery and one sign-in, as a program does it."""
    server = yield from discover(wire.origin)
    return (yield from sign_in_by_device(server, Request(CLIENT, f"{wire.origin}/.default", **wishes)))


def test_a_code_is_shown_and_the_tokens_come_after_approval(wire: Wire, clock: Clock, perform: Perform) -> None:
    """Start, wait, approved, tokens; the device code is never among what is told."""
    events: list[Event] = []
    clock.then = lambda count: setattr(wire.state, "approved", count == 3)
    granted = perform(signing_in(wire), clock.machine(), events.append)
    assert granted.access_token == "access-1-1"
    assert granted.claims["preferred_username"] == "alice@example.com"
    assert events == [CodeIssued("WDJB-MJH1", f"{wire.origin}/devicelogin", None, 300.0)]
    assert "device-secret" not in repr(events)


def test_the_first_poll_waits_one_interval(wire: Wire, clock: Clock, perform: Perform) -> None:
    """RFC 8628 §3.5: the pace is the server's, from the first poll on."""
    wire.state.interval = 7
    clock.then = lambda count: setattr(wire.state, "approved", True)
    perform(signing_in(wire), clock.machine())
    assert clock.waits == [7.0]


def test_an_interval_that_is_missing_is_five_seconds(wire: Wire, clock: Clock, perform: Perform) -> None:
    """RFC 8628 §3.2: no interval means 5."""
    wire.state.extra_code = {"interval": None}
    wire.state.approved = True
    perform(signing_in(wire), clock.machine())
    assert clock.waits == [5.0]


def test_where_polls_may_wait_the_next_goes_out_when_one_was_answered(
    wire: Wire, clock: Clock, perform: Perform
) -> None:
    """As long as the server says, never beyond the code's end; one that was answered early waits for its interval."""
    wire.state.extra_metadata = {"ostiary_longest_wait": 15}
    wire.state.interval, wire.state.code_life = 5, 60
    took = [15.0, 2.0, 15.0, 15.0]
    polls = wire.state.polls

    def monotonic() -> float:
        return clock.now + sum(took[: len(wire.state.calls("/token"))])

    polls.extend([PENDING] * 4)
    wire.state.approved = True
    machine = replace(clock.machine(), monotonic=monotonic)
    perform(signing_in(wire), machine)
    assert clock.waits == [5.0, 0.0, 3.0, 0.0, 0.0]
    assert [call.form.get("ostiary_wait") for call in wire.state.calls("/token")] == ["15", "15", "15", "15", "5"]


@pytest.mark.parametrize("offer", [None, 0, -3, 3600, "15", True, 1.5])
def test_a_server_that_offers_no_waiting_or_nonsense_is_polled_as_ever(
    wire: Wire, clock: Clock, perform: Perform, offer: Any
) -> None:
    """Nothing is asked for that it did not offer."""
    wire.state.extra_metadata = {"ostiary_longest_wait": offer}
    wire.state.approved = True
    perform(signing_in(wire), clock.machine())
    assert "ostiary_wait" not in wire.state.calls("/token")[0].form


def test_slow_down_adds_five_seconds_for_good(wire: Wire, clock: Clock, perform: Perform) -> None:
    """RFC 8628 §3.5: for this and all later requests."""
    wire.state.polls.extend([PENDING, SLOW_DOWN, PENDING, SLOW_DOWN, PENDING])
    wire.state.approved = True
    perform(signing_in(wire), clock.machine())
    assert clock.waits == [1.0, 1.0, 6.0, 6.0, 11.0, 11.0]


@pytest.mark.parametrize("fault", [DROP, (503, b"<html>"), (200, b"not json"), (429, {}), (400, b"[]")])
def test_a_minute_without_a_real_answer_is_survived(wire: Wire, clock: Clock, perform: Perform, fault: Any) -> None:
    """Lost connections and answers that are none: asked less often, told once, then on as before."""
    events: list[Event] = []
    wire.state.polls.extend([PENDING, fault, fault, fault, fault])
    wire.state.approved = True
    granted = perform(signing_in(wire), clock.machine(), events.append)
    assert granted.access_token == "access-1-1"
    assert clock.waits == [1.0, 1.0, 2.0, 4.0, 8.0, 16.0]
    assert [type(event) for event in events] == [CodeIssued, ConnectionLost]


def test_the_pace_returns_with_the_connection(wire: Wire, clock: Clock, perform: Perform) -> None:
    """After a pending answer nothing of the backoff is left."""
    events: list[Event] = []
    wire.state.polls.extend([DROP, DROP, PENDING])
    wire.state.approved = True
    perform(signing_in(wire), clock.machine(), events.append)
    assert clock.waits == [1.0, 2.0, 4.0, 1.0]
    assert isinstance(events[-1], Resumed)


def test_more_than_a_minute_without_an_answer_ends_it(wire: Wire, clock: Clock, perform: Perform) -> None:
    """Exit 7, and not before the 60 s are over."""
    wire.state.polls.extend([DROP] * 50)
    with pytest.raises(Unreachable) as caught:
        perform(signing_in(wire), clock.machine())
    assert caught.value.exit is Exit.SERVER
    assert sum(clock.waits) >= 60


def test_a_rule_that_says_no_at_the_start_is_a_denial_by_policy(wire: Wire, clock: Clock, perform: Perform) -> None:
    """R1, R9: 403 before a code exists; rule, reference and address are there, control characters are not."""
    wire.state.device.append((403, BLOCKED))
    with pytest.raises(DeniedByPolicy) as caught:
        perform(signing_in(wire), clock.machine())
    refusal = caught.value.refusal
    assert refusal is not None
    assert (refusal.rule, refusal.reference, refusal.numbers) == ("Block device code flow", "ref-1", (53003,))
    assert refusal.error_uri == "https://id.example.com/error/53003?ref=ref-1"
    assert "\x1b" not in caught.value.message
    assert "\r" not in caught.value.message
    assert clock.waits == []


def test_a_reason_asks_for_an_exemption(wire: Wire, clock: Clock, perform: Perform) -> None:
    """R1: the parameter is there only when a reason was given."""
    wire.state.approved = True
    perform(signing_in(wire, reason="fix INC-1"), clock.machine())
    perform(signing_in(wire), clock.machine())
    first, second = wire.state.calls("/devicecode")
    assert first.form["ostiary_request"] == "fix INC-1"
    assert "ostiary_request" not in second.form


ENDINGS = [
    ({"error": "access_denied"}, DeniedByPerson),
    ({"error": "authorization_declined"}, DeniedByPerson),
    ({"error": "access_denied", "error_codes": [53003]}, DeniedByPolicy),
    ({"error": "invalid_grant", "error_codes": [53003]}, DeniedByPolicy),
    ({"error": "expired_token"}, CodeExpired),
    ({"error": "bad_verification_code"}, CodeExpired),
    ({"error": "invalid_grant"}, CodeExpired),
    ({"error": "invalid_scope"}, Misused),
    ({"error": "invalid_request"}, Misused),
    ({"error": "never_heard_of"}, ServerFault),
]


@pytest.mark.parametrize(("answer", "kind"), ENDINGS)
def test_every_other_error_ends_the_polling(
    wire: Wire, clock: Clock, perform: Perform, answer: dict[str, Any], kind: type[Exception]
) -> None:
    """RFC 8628 §3.5: the client must stop; each error has one meaning."""
    wire.state.polls.extend([PENDING, (400, answer)])
    with pytest.raises(kind) as caught:
        perform(signing_in(wire), clock.machine())
    assert type(caught.value) is kind
    assert len(wire.state.calls("/token")) == 2


def test_a_code_that_nobody_used_is_asked_for_once_more_at_its_end(wire: Wire, clock: Clock, perform: Perform) -> None:
    """The server has the last word: the last poll falls on the end, not before it."""
    wire.state.code_life, wire.state.interval = 12, 5
    with pytest.raises(CodeExpired):
        perform(signing_in(wire), clock.machine())
    assert clock.waits == [5.0, 5.0, 2.0]


def test_a_sign_in_that_waits_for_an_exemption_lives_longer(wire: Wire, clock: Clock, perform: Perform) -> None:
    """R5: `ostiary_expires_in` in a pending answer extends the wait, and the person is told once."""
    events: list[Event] = []
    wire.state.code_life, wire.state.interval = 10, 5
    waiting = (400, {"error": "authorization_pending", "ostiary_expires_in": 1800})
    wire.state.polls.extend([waiting, waiting, *[PENDING] * 20])
    wire.state.approved = True
    assert perform(signing_in(wire), clock.machine(), events.append).access_token
    assert len(clock.waits) == 23
    assert [event for event in events if isinstance(event, Extended)] == [Extended(1800.0)]


def test_giving_up_gives_the_request_back(wire: Wire, clock: Clock, perform: Perform) -> None:
    """After --timeout nothing is left half open: the device code goes to the revocation endpoint."""
    with pytest.raises(TimedOut) as caught:
        perform(signing_in(wire, timeout=4.5), clock.machine())
    assert type(caught.value) is TimedOut
    assert sum(clock.waits) == 4.5
    assert [form["token"] for form in wire.state.revoked] == ["device-secret-1"]


def test_an_interruption_gives_the_request_back(wire: Wire, clock: Clock, perform: Perform) -> None:
    """Ctrl-C, or a cancelled task: the same, and the interruption goes on."""

    def interrupt(count: int) -> None:
        if count == 2:
            raise KeyboardInterrupt

    clock.then = interrupt
    with pytest.raises(KeyboardInterrupt):
        perform(signing_in(wire), clock.machine())
    assert [form["token"] for form in wire.state.revoked] == ["device-secret-1"]


def test_a_clock_that_is_two_minutes_off_does_not_matter(wire: Wire, clock: Clock, perform: Perform) -> None:
    """Only lengths of time are believed, so id_token times of another clock change nothing."""
    for skew in (-120, 120, 10**9):
        wire.state.id_token_skew, wire.state.approved = skew, True
        assert perform(signing_in(wire), clock.machine(wall=lambda: 5.0)).expires_in == 600


@pytest.mark.parametrize(
    ("wild", "waits"),
    [({"interval": -3}, 1.0), ({"interval": 10**9}, 60.0), ({"interval": "2"}, 2.0), ({"interval": True}, 5.0)],
)
def test_a_wild_pace_is_brought_to_reason(
    wire: Wire, clock: Clock, perform: Perform, wild: dict[str, Any], waits: float
) -> None:
    """A server cannot make us hammer it, nor sleep for a year."""
    wire.state.extra_code, wire.state.approved = wild, True
    perform(signing_in(wire), clock.machine())
    assert clock.waits == [waits]


@pytest.mark.parametrize(
    "broken",
    [
        {"user_code": None},
        {"device_code": 7},
        {"verification_uri": ""},
        {"padding": "x" * 70_000},
    ],
)
def test_a_start_that_cannot_be_used_is_a_fault_of_the_server(
    wire: Wire, clock: Clock, perform: Perform, broken: dict[str, Any]
) -> None:
    """A missing code, or an answer over 64 KiB: exit 7 at once."""
    wire.state.extra_code = broken
    with pytest.raises(ServerFault):
        perform(signing_in(wire), clock.machine())


@pytest.mark.parametrize(
    "broken",
    [
        {"token_type": "DPoP"},
        {"access_token": "two words"},
        {"access_token": ""},
        {"id_token": "a.b"},
        {"id_token": "e30.e30.e30"},
    ],
)
def test_tokens_that_cannot_be_used_are_refused(
    wire: Wire, clock: Clock, perform: Perform, broken: dict[str, Any]
) -> None:
    """Another kind of token, one that fits into no header, an id_token of nobody's."""
    wire.state.extra_tokens, wire.state.approved = broken, True
    with pytest.raises(ServerFault):
        perform(signing_in(wire), clock.machine())
