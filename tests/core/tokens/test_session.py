"""When a session is alive, and what a refresh token is worth (R6, R8)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.directory.applications import Application
from ostiary.core.directory.people import User
from ostiary.core.exemptions.exemption import Exemption
from ostiary.core.tokens.refresh import GRACE, Use, judge, next_grace, read, token
from ostiary.core.tokens.session import Session, SessionKind, alive
from ostiary.core.words.caller import Origin
from ostiary.core.words.ids import AppId, ExemptionId, GroupId, SessionId, UserId
from ostiary.core.words.instants import Instant

FAMILY = SessionId("7a0d1f2e-0000-4000-8000-000000000001")
KEY = b"k" * 32
NOW = Instant(1_000)
USER = User(UserId("u"), "u@example.com", "U")
CLIENT = Application(AppId("c"), "o", "C")
WINDOW = Exemption(ExemptionId("e"), USER.id, GroupId("g"), "why", Instant(0), Instant(2_000), Instant(0), "local:root")
SESSION = Session(
    FAMILY, SessionKind.DEVICE, Origin.DEVICE_CODE, USER.id, CLIENT.id, "s", Instant(500), Instant(3_000),
    Instant(4_000), Instant(500), ("mfa",), exemption=WINDOW.id,
)  # fmt: skip


def lives(
    session: Session = SESSION,
    user: User | None = USER,
    client: Application | None = CLIENT,
    window: Exemption | None = WINDOW,
    now: Instant = NOW,
) -> bool:
    """Whether it gives anything."""
    return alive(session, user=user, client=client, exemption=window, now=now)


@pytest.mark.parametrize(
    "living",
    [
        lives(replace(SESSION, ended=Instant(900))),
        lives(replace(SESSION, ends=NOW)),
        lives(replace(SESSION, idle_ends=NOW)),
        lives(user=None),
        lives(user=replace(USER, enabled=False)),
        lives(user=replace(USER, epoch=Instant(501))),
        lives(client=None),
        lives(client=replace(CLIENT, enabled=False)),
        lives(window=None),
        lives(window=replace(WINDOW, id=ExemptionId("other"))),
        lives(window=replace(WINDOW, ended=Instant(900))),
        lives(now=WINDOW.ends),
    ],
)
def test_r8_one_dead_part_ends_a_session(living: bool) -> None:
    """R8: session, person, client and exemption, each as it is now."""
    assert lives()
    assert not living


def test_r8_a_browser_session_needs_no_exemption() -> None:
    """R8: the window is the device sign-in's."""
    assert lives(replace(SESSION, origin=Origin.BROWSER, exemption=None), window=None)


@given(st.integers(0, 10**11))
def test_r6_a_token_is_read_back_and_by_its_key_only(number: int) -> None:
    """R6: derived, not stored."""
    made = token(KEY, FAMILY, number)
    assert read(KEY, made) == (FAMILY, number)
    assert read(b"x" * 32, made) is None


@given(st.text(max_size=200) | st.tuples(st.text(max_size=20), st.text(max_size=14)).map(".".join))
def test_r6_anything_else_is_no_token(text: str) -> None:
    """R6: whatever comes is answered, never raised about."""
    assert read(KEY, text) is None
    assert read(KEY, f"{FAMILY}.{text}") is None


def test_r6_a_number_that_was_head_is_good_for_less_than_a_minute() -> None:
    """R6: then it is a theft, as is any number that never was."""
    moved = replace(SESSION, head=1, grace=next_grace(SESSION, NOW))
    assert judge(moved, 1, NOW) is Use.HEAD
    assert judge(moved, 0, Instant(NOW + GRACE - 1)) is Use.AGAIN
    assert judge(moved, 0, Instant(NOW + GRACE)) is Use.STOLEN
    assert judge(moved, 2, NOW) is Use.STOLEN
    assert [past.number for past in next_grace(moved, Instant(NOW + GRACE))] == [1]
