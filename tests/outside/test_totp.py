"""One-time codes of RFC 6238."""

import base64
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.words.instants import Instant, after, from_seconds, seconds
from ostiary.outside.random import SystemRandom
from ostiary.outside.totp import STEP_SECONDS, matching_step, new_seed, provisioning_uri

RFC_SEED = base64.b32encode(b"12345678901234567890").decode()  # RFC 6238 appendix B
NOW = from_seconds(1_111_111_111)
STEP = 1_111_111_111 // STEP_SECONDS


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_the_codes_are_those_of_the_rfc(moment: int, code: str) -> None:
    """The test vectors of RFC 6238 appendix B, their last six digits."""
    assert matching_step(RFC_SEED, code, from_seconds(moment)) == moment // STEP_SECONDS


@pytest.mark.parametrize(("offset", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_either_way_is_accepted(offset: int, accepted: bool) -> None:
    """A clock that is off by half a minute is forgiven, by a minute not."""
    code = pyotp.HOTP(RFC_SEED).at(STEP + offset)
    assert matching_step(RFC_SEED, code, NOW) == (STEP + offset if accepted else None)


def test_a_code_is_accepted_once() -> None:
    """The step that was used, and those before it, count no more; the next one does."""
    hotp = pyotp.HOTP(RFC_SEED)
    assert matching_step(RFC_SEED, hotp.at(STEP), NOW, after_step=STEP - 1) == STEP
    assert matching_step(RFC_SEED, hotp.at(STEP), NOW, after_step=STEP) is None
    assert matching_step(RFC_SEED, hotp.at(STEP - 1), NOW, after_step=STEP) is None
    assert matching_step(RFC_SEED, hotp.at(STEP + 1), NOW, after_step=STEP) == STEP + 1


@pytest.mark.parametrize("code", ["050471", "050 471", " 050471 ", "0 5 0 4 7 1"])
def test_spaces_are_forgiven(code: str) -> None:
    """Apps show the code in groups."""
    assert matching_step(RFC_SEED, code, NOW) == STEP


@pytest.mark.parametrize(
    "code",
    [
        "",
        "05047",
        "0504711",
        "50471",
        "05047a",
        "٠٥٠٤٧١",
        "０５０４７１",
        "0x471a",
        "+50471",
        "050471" + " " * 1_000_000,
    ],
)
def test_what_is_no_code_is_refused(code: str) -> None:
    """Wrong length, letters, digits of other scripts, a text of any size: no match and no fault."""
    assert matching_step(RFC_SEED, code, NOW) is None


@given(st.integers(0, 4_000_000_000), st.integers(-2, 2))
def test_it_agrees_with_the_other_side_at_any_time(moment: int, drift: int) -> None:
    """What an authenticator shows is accepted while it is shown, and no step is named whose code is another."""
    seed = base64.b32encode(moment.to_bytes(20, "big")).decode()
    shown = pyotp.TOTP(seed).at(max(moment + drift * STEP_SECONDS, 0))
    step = matching_step(seed, shown, from_seconds(moment))
    assert step is not None or abs(drift) == 2
    assert step is None or (pyotp.HOTP(seed).at(step) == shown and abs(step - moment // STEP_SECONDS) <= 1)


def test_at_the_beginning_of_time_there_is_no_step_before() -> None:
    """No negative step is computed."""
    assert matching_step(RFC_SEED, pyotp.HOTP(RFC_SEED).at(0), Instant(0)) == 0
    assert matching_step(RFC_SEED, pyotp.HOTP(RFC_SEED).at(1), after(Instant(0), seconds(29))) == 1


def test_seeds_are_new_and_have_160_bits() -> None:
    """RFC 4226 §4 R6."""
    seeds = {new_seed(SystemRandom()) for _ in range(100)}
    assert len(seeds) == 100
    assert {len(base64.b32decode(seed)) for seed in seeds} == {20}


def test_the_address_is_what_an_app_reads() -> None:
    """Scheme, label and parameters of the key URI; names with spaces, colons and umlauts arrive as they are."""
    seed = new_seed(SystemRandom())
    parts = urlsplit(provisioning_uri(seed, account="zoë@example.test", issuer="Contoso Sign in"))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Contoso Sign in:zoë@example.test"
    assert (query["secret"], query["issuer"]) == (seed, "Contoso Sign in")
    read = pyotp.parse_uri(parts.geturl())
    assert isinstance(read, pyotp.TOTP)
    assert (read.interval, read.digits) == (30, 6)
