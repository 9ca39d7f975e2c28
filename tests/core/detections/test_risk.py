"""Risk from findings, by table: who caused what, and for whom it counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.detections.cause import ALLOWED, HOLDERS, cause_of
from ostiary.core.detections.event import Event
from ostiary.core.detections.finding import Cause, Finding, Severity, State
from ostiary.core.detections.risk import HIGHEST, LASTS, Ranks, level, of_person, of_sign_in, ranks, risen
from ostiary.core.detections.rules import BY_ID
from ostiary.core.logs.kinds import Kind
from ostiary.core.words.instants import Instant

ALICE, MALLORY = "alice", "mallory"


def event(kind: Kind, actor: str, user: str = ALICE, story: str = "s1") -> Event:
    """What an entry told."""
    by = actor.removeprefix("user:") if actor.startswith("user:") else ""
    return Event("n1.1", kind, Instant(0), story, actor, "", by=by, user=user)


@pytest.mark.parametrize(
    ("kind", "actor", "user", "cause"),
    [
        (Kind.CLAIMED, "user:alice", ALICE, Cause.PERSON),
        (Kind.CODE_WRONG, "user:alice", ALICE, Cause.PERSON),
        (Kind.REPORTED, "user:alice", ALICE, Cause.REPORTER),
        (Kind.DENIED, "user:alice", ALICE, Cause.REPORTER),
        (Kind.PASSKEY_ADDED, "user:alice", ALICE, Cause.PERSON),
        (Kind.EXEMPTION_OPENED, "user:alice", ALICE, Cause.ANYBODY),
        (Kind.POLICY_CHANGED, "user:alice", ALICE, Cause.ANYBODY),
        (Kind.CLAIMED, "user:mallory", ALICE, Cause.ANYBODY),
        (Kind.USER_CHANGED, "user:mallory", ALICE, Cause.ANYBODY),
        (Kind.REDEEMED, "nobody", ALICE, Cause.HOLDER),
        (Kind.REUSED, "nobody", ALICE, Cause.HOLDER),
        (Kind.REFRESH_REFUSED, "nobody", ALICE, Cause.HOLDER),
        (Kind.STARTED, "nobody", ALICE, Cause.ANYBODY),
        (Kind.START_REFUSED, "nobody", ALICE, Cause.ANYBODY),
        (Kind.WRONG_KEY, "nobody", ALICE, Cause.ANYBODY),
        (Kind.PROOF_REFUSED, "nobody", ALICE, Cause.ANYBODY),
        (Kind.REDEEMED, "nobody", "", Cause.ANYBODY),
    ],
)
def test_only_what_was_proved_is_somebodys_own_act(kind: Kind, actor: str, user: str, cause: Cause) -> None:
    """What needs no account is nobody's, whomever it names."""
    assert cause_of(event(kind, actor), user, "some_rule") is cause


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in HOLDERS])
def test_no_kind_beyond_the_list_counts_without_its_person(kind: Kind) -> None:
    """A kind that is added later is nobody's act until somebody says otherwise."""
    assert cause_of(event(kind, "nobody"), ALICE, "some_rule") is Cause.ANYBODY


def test_a_token_of_no_known_sign_in_proves_nothing() -> None:
    """Whose it was, only the sign-in's own entries tell."""
    assert cause_of(event(Kind.REDEEMED, "nobody", story=""), ALICE, "some_rule") is Cause.ANYBODY
    assert cause_of(event(Kind.REDEEMED, "nobody", user=MALLORY), ALICE, "some_rule") is Cause.ANYBODY


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("cause", list(Cause))
def test_what_was_dismissed_counts_for_nobody_and_what_was_confirmed_is_high(severity: Severity, cause: Cause) -> None:
    """An administrator's word goes before what the rule said."""
    assert of_sign_in(severity, State.DISMISSED, cause) == of_person(severity, State.DISMISSED, cause) == 0
    assert of_sign_in(severity, State.CONFIRMED, cause) == of_person(severity, State.CONFIRMED, cause) == HIGHEST


@pytest.mark.parametrize(
    ("cause", "counts"),
    [(Cause.PERSON, True), (Cause.HOLDER, True), (Cause.REPORTER, False), (Cause.ANYBODY, False)],
)
def test_an_open_finding_counts_for_its_person_only_where_it_is_about_their_own_act(cause: Cause, counts: bool) -> None:
    """Whoever reports is not punished for it, and a stranger makes nobody risky."""
    for rank, severity in enumerate(Severity, 1):
        assert of_sign_in(severity, State.OPEN, cause) == rank
        assert of_person(severity, State.OPEN, cause) == (rank if counts else 0)


def test_levels_have_graphs_names() -> None:
    """Rank and name; the worse, the longer it counts."""
    assert [level(rank) for rank in (0, 1, 2, 3)] == ["none", "low", "medium", "high"]
    assert sorted(LASTS.values()) == [LASTS[rank] for rank in (1, 2, 3)]


@pytest.mark.parametrize("rule", sorted(ALLOWED))
def test_what_is_allowed_is_told_and_makes_nothing_risky(rule: str) -> None:
    """An emergency does not end because it was announced; an administrator may still say that it was none."""
    assert rule in BY_ID
    assert cause_of(event(Kind.REDEEMED, "nobody"), ALICE, rule) is Cause.ALLOWED
    assert of_sign_in(Severity.HIGH, State.OPEN, Cause.ALLOWED) == 0
    assert of_person(Severity.HIGH, State.OPEN, Cause.ALLOWED) == 0
    assert of_sign_in(Severity.HIGH, State.CONFIRMED, Cause.ALLOWED) == HIGHEST


@pytest.mark.parametrize("kind", [Kind.CLAIMED, Kind.CODE_WRONG, Kind.REDEEMED])
def test_who_comes_last_at_a_source_is_not_blamed_for_it(kind: Kind) -> None:
    """What several people's acts make is the act of none of them, not even of the person who signed in there."""
    assert cause_of(event(kind, "user:alice"), ALICE, "some_rule") is not Cause.ANYBODY
    assert cause_of(event(kind, "user:alice"), ALICE, "some_rule", about_source=True) is Cause.ANYBODY


def made(severity: Severity, cause: Cause) -> Finding:
    """The same finding, as it may come."""
    return Finding("f", "some_rule", severity, Instant(0), "Seen.", "n1.1", cause=cause)


@given(st.lists(st.tuples(st.sampled_from(Severity), st.sampled_from(Cause)), min_size=1, max_size=12))
def test_what_is_milder_hides_nothing_that_comes_after_it(seen: list[tuple[Severity, Cause]]) -> None:
    """In whatever order: a finding counts for the worst of what came, and rises only so often."""
    counts, rose = ranks(made(*seen[0])), 0
    for each in seen[1:]:
        higher = risen(counts, made(*each))
        rose += higher is not None
        counts = higher or counts
    assert counts == Ranks(
        max(ranks(made(*each)).sign_in for each in seen), max(ranks(made(*each)).person for each in seen)
    )
    assert rose <= 2 * HIGHEST


def test_a_finding_rises_with_its_severity_and_with_what_was_proved() -> None:
    """High after medium, and the holder of a token after nobody; the same again does not."""
    stranger, holder = ranks(made(Severity.HIGH, Cause.ANYBODY)), ranks(made(Severity.MEDIUM, Cause.HOLDER))
    assert risen(holder, made(Severity.HIGH, Cause.ANYBODY)) == Ranks(3, 2)
    assert risen(holder, made(Severity.HIGH, Cause.HOLDER)) == Ranks(3, 3)
    assert risen(stranger, made(Severity.HIGH, Cause.PERSON)) == Ranks(3, 3)
    for same in (stranger, holder):
        assert risen(same, made(Severity.MEDIUM, Cause.ANYBODY)) is None
