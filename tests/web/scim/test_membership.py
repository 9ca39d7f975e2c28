"""Members of a group as a set: what each operation of a PATCH leaves, whatever came before."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.words.ids import UserId
from ostiary.web.scim.membership import MOST_OPERATIONS, split

IDS = st.sampled_from("abcdef")


def value(ids: list[str]) -> list[dict[str, str]]:
    """As it is sent."""
    return [{"value": id} for id in ids]


@given(
    st.sets(IDS), st.lists(st.tuples(st.sampled_from(["Add", "remove", "Replace", "one"]), st.lists(IDS, min_size=1)))
)
def test_operations_do_to_a_set_what_they_say(before: set[str], acts: list[tuple[str, list[str]]]) -> None:
    """Compared with a set that is changed step by step."""
    operations: list[dict[str, Any]] = []
    wanted = set(before)
    for act, ids in acts[:MOST_OPERATIONS]:
        if act == "one":
            operations.append({"op": "remove", "path": f'members[value eq "{ids[0]}"]'})
            wanted -= {ids[0]}
        else:
            operations.append({"op": act, "path": "members", "value": value(ids)})
            wanted = {"add": wanted | set(ids), "remove": wanted - set(ids), "replace": set(ids)}[act.lower()]
    if not operations:
        return
    steps = split({"Operations": operations})
    assert not isinstance(steps, str)
    assert steps.others == ()
    assert steps.applied(frozenset(map(UserId, before))) == wanted


def test_what_is_about_something_else_is_left_to_others() -> None:
    """Members within a value without a path are taken out of it."""
    steps = split({"Operations": [{"op": "replace", "value": {"displayName": "x", "members": value(["a"])}}]})
    assert not isinstance(steps, str)
    assert steps.others == ({"op": "replace", "value": {"displayName": "x"}},)
    assert steps.applied(frozenset()) == {"a"}


@pytest.mark.parametrize(
    "operations",
    [
        None, [], ["x"], [{"op": "remove", "path": 'members[value ne "a"]'}], [{"op": "add", "path": "members"}],
        [{"op": "add", "path": "members", "value": [{"value": 1}]}], [{"op": "eat", "path": "members", "value": []}],
        [{"op": "add", "path": "members", "value": [{"value": "x" * 65}]}], [{"op": "add", "path": "members.display"}],
        [{"op": "remove", "path": "members"}] * (MOST_OPERATIONS + 1),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(operations: Any) -> None:
    """A sentence, and nothing is done."""
    assert isinstance(split({"Operations": operations}), str)
