"""
Trusts: which patterns may be saved, and what fits them.
"""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.directory.applications import Application, from_document, to_document
from ostiary.core.directory.trusts import MOST_TRUSTS, Trust, amended, fits, made, trusting
from ostiary.core.words.ids import AppId
from ostiary.core.words.instants import Instant
from ostiary.core.words.outcome import Reason, Refused

ISSUER = "https://token.actions.githubusercontent.com"
MAIN = "repo:octo-org/octo-repo:ref:refs/heads/main"
WISH: dict[str, Any] = {
    "name": "deploy", "issuer": ISSUER, "subject": MAIN, "audiences": ["https://us.example"],
    "scopes": ["api://x/deploy"],
}  # fmt: skip
NOW = Instant(1_000_000)


def make(old: tuple[Trust, ...] = (), **changes: Any) -> Trust | Refused:
    """`WISH` with changes, saved beside *old*."""
    return made(old, {**WISH, **changes}, id=f"t{len(old)}", audience="https://default", host="us.example", now=NOW)


def right(**changes: Any) -> Trust:
    """One that can be saved."""
    found = make(**changes)
    assert isinstance(found, Trust), found
    return found


@pytest.mark.parametrize(
    "subject",
    ["*", "repo:*", "repo:*:ref:refs/heads/main", "repo:octo-org/*", "repo:octo-org/octo*", "**", "a:*", "*:a:b:c",
     "repo:*/octo-repo:environment:prod", "repo:octo-org/*:environment:prod", "system:serviceaccount:*:*", ":::*",
     "repo:octo-org/octo-repo:**", "repo:o/r:*:*:*", "repo:octo-org/octo-repo:ref:refs/heads/\u043cain",
     "repo:octo-org/octo-repo:\n*", " repo:octo-org/octo-repo:x", "", "x" * 601],
)  # fmt: skip
def test_a_subject_that_would_trust_everybody_is_refused(subject: str) -> None:
    """Kind, owner and name are spelled out before any `*`; nothing but plain printable text is kept."""
    refused = make(subject=subject)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.field) == (Reason.INVALID_VALUE, "subject")


@pytest.mark.parametrize(
    ("field", "changes"),
    [("issuer", {"issuer": "http://token.example"}), ("issuer", {"issuer": "https://*.example"}),
     ("issuer", {"issuer": "https://us.example/x"}), ("issuer", {"issuer": "https://a@b.example"}),
     ("issuer", {"issuer": ISSUER + "?x"}), ("issuer", {"issuer": "https://"}), ("name", {"name": "a b"}),
     ("audiences", {"audiences": ["a", "b"]}), ("audiences", {"audiences": ["*"]}), ("audiences", {"audiences": []}),
     ("ostiary.claims", {"claims": [{"name": "sub", "value": "x"}]}),
     ("ostiary.claims", {"claims": [{"name": "ref", "value": "*"}]}),
     ("ostiary.claims", {"claims": [{"name": "ref", "value": "a"}, {"name": "ref", "value": "b"}]}),
     ("ostiary.claims", {"claims": [{"name": "ref", "value": "\u043cain"}]}),
     ("ostiary.permissions", {"scopes": []}), ("ostiary.permissions", {"scopes": ["deploy"]}),
     ("ostiary.permissions", {"scopes": ["api://x/"]})],
)  # fmt: skip
def test_each_part_is_looked_at_when_it_is_saved(field: str, changes: dict[str, Any]) -> None:
    """Every field that decides is checked, and the refusal names it."""
    refused = make(**changes)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.field) == (Reason.INVALID_VALUE, field)


def test_a_trust_stands_once_and_there_are_few() -> None:
    """No name and no subject twice; twenty at most, as in Graph."""
    first = right()
    again, same = make((first,)), make((first,), name="other")
    assert [getattr(one, "reason", None) for one in (again, same)] == [Reason.CONFLICT, Reason.CONFLICT]
    full = tuple(right(name=f"deploy{n}", subject=f"{MAIN}{n}") for n in range(MOST_TRUSTS))
    assert getattr(make(full, name="more", subject="a:b:c:d"), "reason", None) is Reason.WRONG_STATE


def test_a_change_ends_what_a_trust_gave() -> None:
    """Whatever changes dates it anew; a change that changes nothing does not, and its name never does."""
    old = right()
    later = Instant(NOW + 5)
    for wish in ({"subject": MAIN + "2"}, {"scopes": ["api://x/read"]}, {"again": True}, {"audiences": ["https://b"]}):
        new = amended((old,), old, wish, host="us.example", now=later)
        assert isinstance(new, Trust)
        assert (new.changed, new.created) == (later, NOW)
    assert amended((old,), old, {"subject": MAIN, "name": "x"}, host="us.example", now=later) == old


def test_a_registration_keeps_its_trusts() -> None:
    """What is stored as JSON is read back as it was, claims and all."""
    one = right(claims=[{"name": "ref", "value": "refs/heads/*"}], again=True, description="d")
    application = Application(AppId("a"), "o", "A", trusts=(one,))
    stored = json.loads(json.dumps(to_document(application)))
    assert from_document(stored, id="a", object_id="o", name="A", enabled=True, created=0) == application


LOOK_ALIKES = [
    "repo:octo-org/octo-repo-evil:ref:refs/heads/main", "repo:octo-org/octo-repo:ref:refs/heads/main-evil",
    "repo:octo-org/octo-repo:ref:refs/heads/main ", "repo:octo-org/octo-repo:ref:refs/heads/main\n",
    " repo:octo-org/octo-repo:ref:refs/heads/main", "Repo:octo-org/octo-repo:ref:refs/heads/main",
    "repo:Octo-Org/octo-repo:ref:refs/heads/main", "repo:octo-org/octo-repo:ref:refs/heads/MAIN",
    "repo:octo-org/octo-repo:ref:refs/heads/m\u0430in", "repo:octo-org\u2215octo-repo:ref:refs/heads/main",
    "repo:octo-org/octo-repo:ref:refs/heads/main\u200b", "repo:octo-org/octo-repo:ref:refs/heads/main\x00",
    "xrepo:octo-org/octo-repo:ref:refs/heads/main", "repo:octo-org/octo-repo:ref:refs/heads/", "", None, 7, True,
    ["repo:octo-org/octo-repo:ref:refs/heads/main"], "repo:evil/octo-org/octo-repo:ref:refs/heads/main",
]  # fmt: skip


@pytest.mark.parametrize("value", LOOK_ALIKES)
@pytest.mark.parametrize("pattern", [MAIN, "repo:octo-org/octo-repo:ref:refs/heads/ma*n"])
def test_a_look_alike_never_fits(pattern: str, value: Any) -> None:
    """Another case, another alphabet, something before or behind: none of it is the subject that was trusted."""
    assert not fits(pattern, value)


@pytest.mark.parametrize(
    ("pattern", "value", "does"),
    [("repo:o/r:ref:refs/heads/release-*", "repo:o/r:ref:refs/heads/release-1.2", True),
     ("repo:o/r:ref:refs/heads/release-*", "repo:o/r:ref:refs/heads/release-", False),
     ("repo:o/r:ref:refs/heads/release-*", "repo:o/r:ref:refs/heads/release-1/x", False),
     ("repo:o/r:environment:*", "repo:o/r:environment:prod:ref:refs/heads/evil", False),
     ("repo:o/r:*", "repo:o/r:pull_request", True), ("repo:o.r/x:y:*", "repo:oxr/x:y:z", False),
     ("74", 74, True), ("1", True, False), ("a+", "aa", False), ("a.c", "abc", False)],
)  # fmt: skip
def test_a_star_is_one_part_and_never_more(pattern: str, value: Any, does: bool) -> None:
    """It stands for one or more characters but `/` and `:`; every other character is itself."""
    assert fits(pattern, value) is does


@given(st.text(alphabet="ab/:*.", max_size=12), st.text(alphabet="ab/:*.", max_size=12))
def test_patterns_mean_the_same_as_written_down_simply(pattern: str, value: str) -> None:
    """Against a second reading of the rule, character by character."""

    def naive(p: str, v: str) -> bool:
        if not p:
            return not v
        if p[0] != "*":
            return bool(v) and v[0] == p[0] and naive(p[1:], v[1:])
        return any(naive(p[1:], v[n:]) for n in range(1, len(v) + 1) if not re.search("[/:]", v[:n]))

    assert fits(pattern, value) == (bool(value) and (value == pattern if "*" not in pattern else naive(pattern, value)))


def test_every_part_of_a_trust_must_fit() -> None:
    """Issuer, audience, subject and each claim; one audience and no more; an exact subject before a pattern."""
    wide = right(name="wide", subject="repo:octo-org/octo-repo:ref:refs/heads/*")
    exact = replace(right(claims=[{"name": "environment", "value": "prod"}]), id="exact")
    said = {"iss": ISSUER, "sub": MAIN, "aud": "https://us.example", "environment": "prod"}
    assert trusting((wide, exact), said) is exact
    assert trusting((wide, exact), {**said, "aud": ["https://us.example"]}) is exact
    assert trusting((wide, exact), {**said, "environment": "test"}) is wide
    for change in ({"iss": ISSUER + "/"}, {"aud": "https://US.example"}, {"aud": ["https://us.example", "x"]},
                   {"aud": None}, {"iss": [ISSUER]}, {"sub": [MAIN]}):  # fmt: skip
        assert trusting((wide, exact), {**said, **change}) is None
    without = {name: value for name, value in said.items() if name != "environment"}
    assert trusting((exact,), without) is None
