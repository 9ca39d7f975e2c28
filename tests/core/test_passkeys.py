"""Passkeys, codes on paper and strengths: the rules."""

from dataclasses import replace

import pytest

from ostiary.core.access.controls import authentication_strength
from ostiary.core.access.controls.control import Control
from ostiary.core.access.facts import Facts
from ostiary.core.access.strengths import Strength, satisfied
from ostiary.core.directory.passkeys import (
    Flaw,
    Passkey,
    Proof,
    amr_of,
    device_bound,
    flaw_of,
    read_name,
    relying_party,
)
from ostiary.core.directory.recovery import in_groups, normal_code, read_lifetime
from ostiary.core.words.ids import UserId
from ostiary.core.words.instants import Instant, hours, minutes, seconds
from ostiary.core.words.outcome import Refused

ALICE, BOB = UserId("alice"), UserId("bob")
KEY = Passkey("p", ALICE, b"c", b"k", 5, (), False, False, "", "blue key", Instant(0))
PROOF = Proof("alice", 6, False, False)


@pytest.mark.parametrize(
    ("proof", "person", "flaw"),
    [
        (PROOF, None, None),
        (PROOF, ALICE, None),
        (replace(PROOF, user_handle=""), ALICE, None),
        (replace(PROOF, user_handle=""), None, Flaw.PERSON),
        (replace(PROOF, user_handle="bob"), None, Flaw.PERSON),
        (replace(PROOF, user_handle="bob"), ALICE, Flaw.PERSON),
        (PROOF, BOB, Flaw.PERSON),
        (replace(PROOF, user_handle=""), BOB, Flaw.PERSON),
        (replace(PROOF, sign_count=5), None, Flaw.COUNTER),
        (replace(PROOF, sign_count=4), None, Flaw.COUNTER),
        (replace(PROOF, sign_count=0), None, Flaw.COUNTER),
        (replace(PROOF, backup_eligible=True), None, Flaw.BACKUP),
    ],
)
def test_what_a_right_signature_must_agree_with(proof: Proof, person: UserId | None, flaw: Flaw | None) -> None:
    """Its person, its backup flag and its counter (WebAuthn §7.2)."""
    assert flaw_of(KEY, proof, person=person) is flaw


def test_an_authenticator_without_a_counter_says_nought_for_ever() -> None:
    """Synced passkeys do: it is no clone (WebAuthn §6.1.1)."""
    assert flaw_of(replace(KEY, sign_count=0), replace(PROOF, sign_count=0)) is None


def test_r22_a_synced_passkey_is_never_a_device() -> None:
    """BE = 0 is recorded, and only such a one may count as a device later; both are MFA."""
    synced = replace(KEY, backup_eligible=True)
    assert device_bound(KEY)
    assert not device_bound(synced)
    assert amr_of(KEY) == ("hwk", "user", "mfa", "pop")
    assert amr_of(synced) == ("swk", "user", "mfa", "pop")


@pytest.mark.parametrize(
    ("origin", "party"),
    [
        ("https://localhost:8443", "localhost"),
        ("https://Login.Example.com", "login.example.com"),
        ("https://192.0.2.7:8443", None),
        ("https://[2001:db8::1]:8443", None),
        ("https://", None),
        ("nonsense", None),
    ],
)
def test_the_relying_party_is_the_host_of_the_origin(origin: str, party: str | None) -> None:
    """An address cannot have passkeys (WebAuthn §5.1.2)."""
    assert relying_party(origin) == party


def test_a_name_is_printable_and_short() -> None:
    """What people type is shown to them again, so nothing in it hides or turns text."""
    assert read_name("  blue \n key ") == "blue key"
    assert read_name("") == read_name("  ") == "Passkey"
    assert read_name("n" * 64) == "n" * 64
    for wrong in ("n" * 65, "a\u202eb", "a\x00b"):
        assert isinstance(read_name(wrong), Refused), wrong


@pytest.mark.parametrize(
    ("amr", "strengths"),
    [
        (amr_of(KEY), set(Strength)),
        (("swk", "user", "mfa", "pop"), set(Strength)),
        (("pwd", "otp", "mfa"), {Strength.MFA}),
        (("otp", "mfa"), {Strength.MFA}),
        (("pwd", "hwk", "user", "mfa", "pop"), {Strength.MFA}),
        (("hwk", "otp", "mfa"), {Strength.MFA}),
        (("hwk", "user", "pop"), set()),  # somebody was there, nobody was verified
        (("pwd",), set()),
        (("otp",), set()),
        (("fido",), set()),
        ((), set()),
    ],
)
def test_strengths_by_what_was_proved(amr: tuple[str, ...], strengths: set[Strength]) -> None:
    """Graph's built-in authentication strengths over RFC 8176 values."""
    assert satisfied(amr) == strengths


@pytest.mark.parametrize("more", ["pwd", "otp", "sms", "unheard"])
@pytest.mark.parametrize("amr", [("hwk", "mfa"), ("mfa",), ("swk", "user"), ()])
def test_nothing_added_beside_a_key_or_mfa_makes_stronger(amr: tuple[str, ...], more: str) -> None:
    """A further, weaker proof never lifts a sign-in over a bar."""
    assert satisfied((*amr, more)) <= satisfied(amr)


def test_codes_are_read_as_people_type_them() -> None:
    """Any case, any signs between; letters that could be confused are in no code."""
    assert in_groups("ABCDEFGHJK") == "ABCD-EFGH-JK"
    assert normal_code(" abcd efgh–jk\n") == "ABCDEFGHJK"
    assert normal_code("IO01") == ""
    assert len(normal_code("A" * 1000)) == 64


def test_an_access_pass_lives_ten_minutes_to_eight_hours() -> None:
    """Not a second more or less."""
    for right in (minutes(10), hours(8)):
        assert read_lifetime(right) == right
    for wrong in (minutes(10) - seconds(1), hours(8) + seconds(1)):
        assert isinstance(read_lifetime(wrong), Refused)  # type: ignore[arg-type]


@pytest.mark.parametrize("strength", list(Strength))
@pytest.mark.parametrize(
    "amr", [amr_of(KEY), amr_of(replace(KEY, backup_eligible=True)), ("pwd", "otp", "mfa"), ("otp", "mfa"), ("otp",)]
)
def test_policies_and_this_rule_agree_on_what_our_sign_ins_leave(amr: tuple[str, ...], strength: Strength) -> None:
    """A policy that asks for a strength is satisfied exactly by those that have it."""
    control = Control("authenticationStrength", strength.value, "")
    assert authentication_strength.satisfied(control, Facts(amr=amr)) is (strength in satisfied(amr))
