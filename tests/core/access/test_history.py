"""How a policy changed: what differs, and what it said on a day, from the changes around that day."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.access.history import Change, Difference, Stand, differences, joins, stands
from ostiary.core.logs.entry import Recorded
from ostiary.core.words.instants import Instant

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def change(at: int, before: Any, after: Any, reason: str = "") -> Change:
    """One change, at that moment."""
    body = {"actor_name": "Alice", "detail": {"before": before, "after": after, "reason": reason}}
    return Change(Recorded(at, "n1", at, "admin:policy:changed", Instant(at), "s", "user:a", "policy:p", body))


def documents(found: tuple[Stand, ...]) -> list[tuple[int, Any]]:
    """Since when, and what."""
    return [(one.since, one.document) for one in found]


def test_each_property_that_differs_is_told_by_its_path() -> None:
    """Objects are looked into; a list is another as a whole; what is not there is none."""
    before = {"state": "enabled", "conditions": {"users": {"includeUsers": ["a"]}, "platforms": None}, "x": 1}
    after = {"state": "enabled", "conditions": {"users": {"includeUsers": ["a", "b"]}}, "x": True}
    assert differences(before, after) == (
        Difference("$.conditions.users.includeUsers", ["a"], ["a", "b"]),
        Difference("$.x", 1, True),
    )


def bare(value: Any) -> Any:
    """*value* without what is null: to Graph that is as good as absent."""
    if not isinstance(value, dict):
        return value
    return {name: bare(each) for name, each in value.items() if each is not None}


@given(DOCUMENTS, DOCUMENTS)
def test_differences_are_none_of_the_same_and_mirror_each_other(one: Any, other: Any) -> None:
    """Nothing differs from itself; the way back tells the same properties the other way round."""
    assert differences(one, one) == ()
    there, back = differences(one, other), differences(other, one)
    assert [(each.path, each.before, each.after) for each in there] == [
        (each.path, each.after, each.before) for each in back
    ]
    assert there or bare(one) == bare(other)


def test_a_change_says_who_and_why() -> None:
    """In the words of then."""
    told = change(5, {"a": 1}, {"a": 2}, "for a test")
    assert (told.by, told.why, told.differences) == ("Alice", "for a test", (Difference("$.a", 1, 2),))
    bare = Change(Recorded(1, "n1", 1, "k", Instant(1), "s", "local:root", "policy:p", {}))
    assert (bare.by, bare.why, bare.before, bare.after, bare.differences) == ("local:root", "", None, None, ())


def test_what_stood_is_told_from_the_changes_around() -> None:
    """From the one before, else from the next one, else it is as it is now."""
    start, end = Instant(100), Instant(200)
    none: dict[str, Any] = {"last": None, "during": (), "following": None, "now": None, "born": None}
    one, two, three = {"v": 1}, {"v": 2}, {"v": 3}
    first = change(50, None, one)
    inside = change(150, one, two)
    later = change(250, two, three)

    def stood(**known: Any) -> list[tuple[int, Any]]:
        return documents(stands(start, end, **none | known))

    assert stood(last=first, during=(inside,), following=later, now=three, born=Instant(50)) == [(100, one), (150, two)]
    assert stood(during=(change(150, None, one),), now=one, born=Instant(150)) == [(100, None), (150, one)]
    assert stood(following=later, now=three, born=Instant(0)) == [(100, two)]
    assert stood(now=three, born=Instant(0)) == [(100, three)]
    assert stood(following=later) == [(100, two)]
    assert stood(last=change(50, one, None)) == [(100, None)]
    assert stood(now=three, born=Instant(150)) == [(100, None), (150, three)]
    assert stood(now=three, born=Instant(300)) == [(100, None)]
    assert stood(following=change(400, one, two), now=two, born=Instant(150)) == [(100, None), (150, one)]


def test_changes_join_only_where_none_between_them_is_missing() -> None:
    """Each begins with what the one before left; the last left what is there now, if nothing else followed."""
    one, two, three = {"v": 1}, {"v": 2}, {"v": 3}
    chain = (change(1, None, one), change(2, one, two), change(3, two, None))
    assert joins(chain, None, to_now=True)
    assert not joins(chain, three, to_now=True)
    assert joins(chain, three, to_now=False)
    assert not joins((chain[0], chain[2]), None, to_now=True)
    assert not joins(chain[:1], two, to_now=True)
    assert joins((), two, to_now=True)
