"""What an upstream provider's word must say, and what it proves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.access.strengths import Strength, satisfied
from ostiary.core.directory.people import FEDERATED, User, stands
from ostiary.core.tokens.upstream import (
    BACK_CHANNEL,
    Flaw,
    Logout,
    Match,
    Proof,
    Provider,
    Statement,
    fresh,
    mapped_groups,
    match_name,
    proved,
    read_id_token,
    read_logout_token,
    vouched_until,
)
from ostiary.core.words.ids import GroupId, UserId
from ostiary.core.words.instants import Instant, after, between, from_seconds, minutes, seconds, to_seconds

NOW = from_seconds(1_800_000_000)
STAFF, OPS = GroupId("g-staff"), GroupId("g-ops")
PROVIDER = Provider(
    "elsewhere", "Somebody else", "https://issuer.example", "us", domains=("elsewhere.test",),
    proofs=(
        Proof("acr", "urn:mfa", Strength.MFA), Proof("amr", "mfa", Strength.MFA),
        Proof("acr", "phr", Strength.PHISHING_RESISTANT),
    ),
    groups={"staff": STAFF, "ops": OPS},
)  # fmt: skip
NONCE = "n" * 43


def claims(**more: Any) -> dict[str, Any]:
    """A right ID token's claims, but for *more*; None leaves one out."""
    said = {
        "iss": "https://issuer.example", "aud": "us", "sub": "42", "exp": to_seconds(NOW) + 300, "iat": to_seconds(NOW),
        "nonce": NONCE, "auth_time": to_seconds(NOW) - 5, **more,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def read(**more: Any) -> Statement | Flaw:
    """What of it counts."""
    return read_id_token(PROVIDER, claims(**more), now=NOW, nonce=NONCE)


def said(**more: Any) -> Statement:
    """A statement that counts."""
    found = read(**more)
    assert isinstance(found, Statement)
    return found


def test_a_right_word_is_read() -> None:
    """Every claim that rules look at, and no other."""
    more = {"sid": "s", "acr": "a", "amr": ["x"], "email": "N@elsewhere.test", "email_verified": True, "name": "N"}
    when = from_seconds(to_seconds(NOW) - 5)
    assert said(groups=["staff"], **more) == Statement(
        "https://issuer.example", "42", "s", when, "a", ("x",), "N@elsewhere.test", True, "", "N", frozenset({"staff"})
    )


@pytest.mark.parametrize(
    ("more", "flaw"),
    [
        ({"iss": "https://other.example"}, Flaw.ISSUER),
        ({"iss": "https://issuer.example/"}, Flaw.ISSUER),
        ({"iss": None}, Flaw.ISSUER),
        ({"aud": "them"}, Flaw.AUDIENCE),
        ({"aud": []}, Flaw.AUDIENCE),
        ({"aud": None}, Flaw.AUDIENCE),
        ({"aud": ["us", "them"]}, Flaw.PARTY),
        ({"azp": "them"}, Flaw.PARTY),
        ({"aud": ["us", "them"], "azp": "them"}, Flaw.PARTY),
        ({"exp": None}, Flaw.SHAPE),
        ({"exp": "1900000000"}, Flaw.SHAPE),
        ({"exp": True}, Flaw.SHAPE),
        ({"exp": float("nan")}, Flaw.SHAPE),
        ({"iat": None}, Flaw.SHAPE),
        ({"nbf": "x"}, Flaw.SHAPE),
        ({"exp": to_seconds(NOW) - 60}, Flaw.EXPIRED),
        ({"iat": to_seconds(NOW) - 601}, Flaw.EXPIRED),
        ({"iat": to_seconds(NOW) + 61}, Flaw.NOT_YET),
        ({"nbf": to_seconds(NOW) + 61}, Flaw.NOT_YET),
        ({"nonce": None}, Flaw.NONCE),
        ({"nonce": "m" * 43}, Flaw.NONCE),
        ({"nonce": 5}, Flaw.NONCE),
        ({"sub": None}, Flaw.SHAPE),
        ({"sub": ""}, Flaw.SHAPE),
        ({"sub": "x" * 256}, Flaw.SHAPE),
        ({"sub": 42}, Flaw.SHAPE),
        ({"auth_time": "yesterday"}, Flaw.SHAPE),
        ({"groups": "staff"}, Flaw.SHAPE),
        ({"groups": ["g"] * 1001}, Flaw.GROUPS),
        ({"hasgroups": True}, Flaw.GROUPS),
        ({"_claim_names": {"groups": "src1"}}, Flaw.GROUPS),
    ],
)
def test_a_wrong_word_counts_for_nothing(more: dict[str, Any], flaw: Flaw) -> None:
    """OpenID Connect Core §3.1.3.7, claim by claim."""
    assert read(**more) is flaw


def test_a_party_is_named_among_several_audiences() -> None:
    """An ID token for several is ours only if it says that it was made for us."""
    assert isinstance(read(aud=["us", "them"], azp="us"), Statement)
    assert isinstance(read(aud=["us"]), Statement)


def test_the_word_of_a_refresh_is_about_the_same_person() -> None:
    """Core §12.2: no nonce, and never another subject."""
    said_again = claims(nonce=None)
    assert isinstance(read_id_token(PROVIDER, said_again, now=NOW, nonce=None, subject="42"), Statement)
    assert read_id_token(PROVIDER, said_again, now=NOW, nonce=None, subject="43") is Flaw.SUBJECT


def test_a_provider_without_a_mapping_of_groups_may_say_what_it_likes_of_them() -> None:
    """What nobody reads refuses nobody."""
    bare = Provider("b", "B", "https://issuer.example", "us")
    found = read_id_token(bare, claims(hasgroups=True, groups="x"), now=NOW, nonce=NONCE)
    assert isinstance(found, Statement)
    assert mapped_groups(bare, found) == frozenset()


def test_only_values_of_the_mapping_lead_into_groups() -> None:
    """A group that nobody mapped is nothing here, whatever it is called."""
    assert mapped_groups(PROVIDER, said(groups=["staff", "administrators", "ops "])) == {STAFF}
    assert mapped_groups(PROVIDER, said()) == frozenset()


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"email": "Nora@Elsewhere.test", "email_verified": True}, "nora@elsewhere.test"),
        ({"email": "nora@elsewhere.test", "email_verified": False}, ""),
        ({"email": "nora@elsewhere.test", "email_verified": "true"}, ""),
        ({"email": "nora@elsewhere.test"}, ""),
        ({"email": "nora@here.test", "email_verified": True}, ""),
        ({"email": "nora@sub.elsewhere.test", "email_verified": True}, ""),
        ({"email": "a@here.test@elsewhere.test", "email_verified": True}, ""),
        ({"email": "@elsewhere.test", "email_verified": True}, ""),
        ({"email": "elsewhere.test", "email_verified": True}, ""),
        ({"email": "nör@elsewhere.test", "email_verified": True}, ""),
        ({"preferred_username": "nora@elsewhere.test"}, ""),
    ],
)
def test_a_name_counts_verified_and_in_a_domain_of_the_provider(more: dict[str, Any], name: str) -> None:
    """Anybody can write any address into their profile; only a verified one of the provider's own domain is a name."""
    assert match_name(PROVIDER, said(**more)) == name


def test_a_preferred_username_counts_where_the_operator_says_so() -> None:
    """It is the operator's word that this provider gives such names to nobody else."""
    by_name = Provider(
        "p", "P", "https://issuer.example", "us", domains=("elsewhere.test",), match=Match.PREFERRED_USERNAME
    )  # fmt: skip
    assert match_name(by_name, said(preferred_username="nora@elsewhere.test")) == "nora@elsewhere.test"
    assert match_name(by_name, said(email="nora@elsewhere.test", email_verified=True)) == ""


def test_nothing_is_proved_that_the_mapping_does_not_name() -> None:
    """`mfa` in the provider's words is `mfa` here only where a line says so; acr is compared as a whole."""
    assert proved(PROVIDER, said()) == (FEDERATED,)
    assert proved(PROVIDER, said(acr="urn:mfa:not", amr=["pwd", "otp"])) == (FEDERATED,)
    assert proved(PROVIDER, said(amr=["pwd", "mfa"])) == (FEDERATED, "mfa")
    assert satisfied(proved(PROVIDER, said(acr="urn:mfa"))) == {Strength.MFA}
    assert satisfied(proved(PROVIDER, said(acr="phr"))) == frozenset(Strength)
    assert satisfied(proved(PROVIDER, said())) == frozenset()
    bare = Provider("b", "B", "https://issuer.example", "us")
    assert proved(bare, said(acr="urn:mfa", amr=["mfa", "hwk"])) == (FEDERATED,)


@given(st.integers(-7200, 7200))
def test_fresh_is_what_was_proved_after_the_question(ago: int) -> None:
    """An `auth_time` from before we asked is no answer, and none at all is none."""
    asked = from_seconds(to_seconds(NOW) - 3600)
    statement = Statement("i", "s", authenticated=from_seconds(to_seconds(NOW) + ago))
    assert fresh(statement, asked) is (ago >= -3660)
    assert not fresh(Statement("i", "s"), asked)


def test_an_auth_time_of_the_future_is_now() -> None:
    """Another's clock never makes a proof of ours younger than it is."""
    assert said(auth_time=to_seconds(NOW) + 30).authenticated == NOW


def test_a_yes_counts_for_a_question_and_a_grace() -> None:
    """Then everything that stands on it is over, whatever job runs or does not."""
    until = vouched_until(PROVIDER, NOW)
    assert between(NOW, until) == seconds(30) + minutes(5)
    person = User(UserId("u"), "n@elsewhere.test", "N", vouched=until)
    amr = (FEDERATED, "mfa")
    assert stands(person, began=NOW, amr=amr, now=Instant(until - 1))
    assert not stands(person, began=NOW, amr=amr, now=until)
    assert stands(person, began=NOW, amr=("pwd", "otp", "mfa"), now=until)
    assert not stands(User(UserId("u"), "n", "N"), began=NOW, amr=amr, now=NOW)


def logout(**more: Any) -> dict[str, Any]:
    """A right logout token's claims, but for *more*."""
    said_ = {
        "iss": "https://issuer.example", "aud": "us", "iat": to_seconds(NOW), "jti": "j", "sub": "42", "sid": "s",
        "exp": to_seconds(NOW) + 120, "events": {BACK_CHANNEL: {}}, **more,
    }  # fmt: skip
    return {name: value for name, value in said_.items() if value is not None}


def test_a_logout_token_names_a_session_or_a_person() -> None:
    """Back-Channel Logout §2.4: one of both at least; it is remembered for as long as it would count."""
    found = read_logout_token(PROVIDER, logout(), now=NOW)
    assert isinstance(found, Logout)
    assert (found.subject, found.session, found.id) == ("42", "s", "j")
    assert found.ends >= after(NOW, minutes(11))
    assert isinstance(read_logout_token(PROVIDER, logout(sid=None), now=NOW), Logout)
    assert isinstance(read_logout_token(PROVIDER, logout(sub=None, exp=None), now=NOW), Logout)


@pytest.mark.parametrize(
    ("more", "flaw"),
    [
        ({"sub": None, "sid": None}, Flaw.SHAPE),
        ({"jti": None}, Flaw.SHAPE),
        ({"nonce": NONCE}, Flaw.SHAPE),
        ({"events": None}, Flaw.SHAPE),
        ({"events": {}}, Flaw.SHAPE),
        ({"events": {BACK_CHANNEL: "x"}}, Flaw.SHAPE),
        ({"iss": "https://other.example"}, Flaw.ISSUER),
        ({"aud": "them"}, Flaw.AUDIENCE),
        ({"iat": None}, Flaw.SHAPE),
        ({"iat": to_seconds(NOW) - 601}, Flaw.EXPIRED),
        ({"exp": to_seconds(NOW) - 60}, Flaw.EXPIRED),
    ],
)
def test_a_wrong_logout_token_ends_nobody(more: dict[str, Any], flaw: Flaw) -> None:
    """An ID token is none, and neither is one for somebody else, or of long ago."""
    assert read_logout_token(PROVIDER, logout(**more), now=NOW) is flaw
