"""How long a sign-in waits for an exemption, and how long its consent counts (R5)."""

from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.signins.awaiting import LONGEST_WAIT, consent_counts, waits_until
from ostiary.core.signins.signin import SignIn, State
from ostiary.core.words.ids import AppId, SignInId
from ostiary.core.words.instants import Instant, Span, after, hours, minutes

NOW = Instant(1_795_000_000_000_000)


def signin(*, jkt: str | None = None, x5t: str | None = None, decided: Instant | None = None) -> SignIn:
    """One that began NOW."""
    return SignIn(
        SignInId("s"), AppId("app"), AppId("api"), (), State.CLAIMED, "203.0.113.9", "", NOW, after(NOW, minutes(5)),
        jkt=jkt, x5t=x5t, decided=decided,
    )  # fmt: skip


@given(st.integers(1, 72 * 60))
def test_r5_only_what_is_bound_outlives_its_code_and_nothing_the_request(left: int) -> None:
    """R5: to the request's expiry, 8 h at most; without a key or certificate no longer than the code."""
    ends = after(NOW, minutes(left))
    for bound in (signin(jkt="k" * 43), signin(x5t="c" * 43)):
        assert waits_until(bound, ends, minutes(5)) == min(ends, after(NOW, hours(8)))
    assert waits_until(signin(), ends, minutes(5)) == min(ends, after(NOW, minutes(5)))
    assert hours(8) == LONGEST_WAIT


@given(st.integers(0, 7200), st.sampled_from([minutes(5), minutes(30), minutes(60)]))
def test_r5_a_consent_counts_for_its_window_and_not_a_moment_longer(passed: int, window: Span) -> None:
    """R5: an approval within it goes on; one at its end is too late; without a consent there is none."""
    now = after(NOW, Span(passed * 1_000_000))
    assert consent_counts(signin(decided=NOW), window, now) is (passed * 1_000_000 < window)
    assert not consent_counts(signin(), window, now)
