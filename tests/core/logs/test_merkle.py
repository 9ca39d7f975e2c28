"""The Merkle tree of the journal (R15): RFC 9162's hashes, and trees that are shown to be one."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.logs.merkle import EMPTY, Frontier, leaf_hash, node, widths
from tests.core.logs.sealed import between

# The leaves with which implementations of RFC 6962 and RFC 9162 are tried, and two of their roots.
LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                           "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}

hashes = st.lists(st.binary(min_size=0, max_size=8), max_size=70).map(lambda found: [leaf_hash(one) for one in found])


def naive(leaves: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node(naive(leaves[:split]), naive(leaves[split:]))


@pytest.mark.parametrize("count", ROOTS)
def test_r15_roots_are_those_of_the_known_leaves(count: int) -> None:
    """The published roots come out."""
    assert EMPTY.grown(leaf_hash(leaf) for leaf in LEAVES[:count]).root.hex() == ROOTS[count]


@given(hashes)
def test_r15_the_frontier_has_the_root_of_the_whole_tree(leaves: list[bytes]) -> None:
    """However many leaves: the root is the one that the definition gives."""
    assert EMPTY.grown(leaves).root == naive(leaves)


@given(hashes, st.data())
def test_r15_growing_in_steps_is_growing_at_once(leaves: list[bytes], data: st.DataObject) -> None:
    """Where a tree was stopped does not matter."""
    cut = data.draw(st.integers(0, len(leaves)))
    assert EMPTY.grown(leaves[:cut]).grown(leaves[cut:]) == EMPTY.grown(leaves)


@given(hashes, st.data())
def test_r15_an_earlier_tree_is_shown_to_be_the_beginning_of_a_later_one(
    leaves: list[bytes], data: st.DataObject
) -> None:
    """The subtrees between them lead from one frontier to the other, and are few."""
    cut = data.draw(st.integers(0, len(leaves)))
    subtrees = between(cut, leaves[cut:], len(leaves))
    assert EMPTY.grown(leaves[:cut]).joined(subtrees, len(leaves)) == EMPTY.grown(leaves)
    assert len(subtrees) <= 2 * len(leaves).bit_length()


@given(hashes.filter(lambda leaves: len(leaves) > 1), st.data())
def test_r15_another_beginning_does_not_lead_there(leaves: list[bytes], data: st.DataObject) -> None:
    """One leaf of the earlier tree is another: the later root does not come out."""
    cut = data.draw(st.integers(1, len(leaves)))
    wrong = data.draw(st.integers(0, cut - 1))
    other = [*leaves[:wrong], leaf_hash(b"something else"), *leaves[wrong + 1 : cut]]
    joined = EMPTY.grown(other).joined(between(cut, leaves[cut:], len(leaves)), len(leaves))
    assert joined.root != naive(leaves)


def test_r15_what_does_not_fit_is_refused() -> None:
    """Peaks that are not those of the size, subtrees too few or too many, a tree that shrinks."""
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    tree = EMPTY.grown(leaves[:5])
    for size, peaks in ((5, tree.peaks[:1]), (-1, ()), (1, (b"short",))):
        with pytest.raises(ValueError, match="frontier"):
            Frontier(size, peaks)
    subtrees = between(5, leaves[5:], 8)
    with pytest.raises(ValueError, match="too few"):
        tree.joined(subtrees[:-1], 8)
    with pytest.raises(ValueError, match="too many"):
        tree.joined((*subtrees, leaves[0]), 8)
    with pytest.raises(ValueError, match="only grows"):
        tree.joined((), 4)
    with pytest.raises(ValueError, match="only grows"):
        list(widths(5, 4))
