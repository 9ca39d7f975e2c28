"""What nobody may foresee."""

import re
import uuid
from base64 import urlsafe_b64decode
from collections import Counter

import pytest

from ostiary.outside.random import Random, SystemRandom

RANDOM: Random = SystemRandom()
CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"


@pytest.mark.parametrize(("bits", "characters"), [(8, 2), (128, 22), (256, 43), (512, 86)])
def test_a_token_has_the_bits_asked_for(bits: int, characters: int) -> None:
    """A token is unpadded base64url and decodes to exactly its bits."""
    token = RANDOM.token(bits)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert len(token) == characters
    assert len(urlsafe_b64decode(token + "=" * (-len(token) % 4))) * 8 == bits


@pytest.mark.parametrize("bits", [0, -8, 7, 130])
def test_a_token_of_broken_bytes_is_refused(bits: int) -> None:
    """Bits that are no whole bytes are a mistake of the caller."""
    with pytest.raises(ValueError, match="multiple of 8"):
        RANDOM.token(bits)


def test_tokens_differ() -> None:
    """No two of a thousand tokens, ids or byte strings are the same."""
    assert len({RANDOM.token() for _ in range(1000)}) == 1000
    assert len({RANDOM.guid() for _ in range(1000)}) == 1000
    assert len({RANDOM.bytes(16) for _ in range(1000)}) == 1000


def test_letters_are_of_the_alphabet_and_all_of_it_comes_up() -> None:
    """Each letter is about equally frequent: chi-squared of 100,000 draws, under a bound passed once in 10^8."""
    counts = Counter(RANDOM.letters(CONSONANTS, 100_000))
    assert set(counts) == set(CONSONANTS)
    expected = 100_000 / len(CONSONANTS)
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 80  # 19 degrees of freedom


def test_letters_throw_away_the_bytes_that_would_be_unfair() -> None:
    """A plain remainder would favour the first 56 of 100 letters by half; here they come up like the others."""
    alphabet = "".join(map(chr, range(28, 128)))
    counts = Counter(RANDOM.letters(alphabet, 200_000))
    first, last = (sum(counts[letter] for letter in part) / 200_000 for part in (alphabet[:56], alphabet[56:]))
    assert first == pytest.approx(0.56, abs=0.01)  # a plain remainder gives 0.656
    assert last == pytest.approx(0.44, abs=0.01)


@pytest.mark.parametrize("count", [0, 1, 8, 11, 1000])
def test_letters_come_in_the_number_asked_for(count: int) -> None:
    """However many bytes are thrown away, the text has its length."""
    assert len(RANDOM.letters(CONSONANTS, count)) == count


@pytest.mark.parametrize("alphabet", ["", "A", "ABCA", "ÄÖ", "x" * 300])
def test_an_alphabet_that_cannot_be_fair_is_refused(alphabet: str) -> None:
    """Doubles, single letters and letters beyond ASCII are a mistake of the caller."""
    with pytest.raises(ValueError, match="alphabet"):
        RANDOM.letters(alphabet, 8)


def test_a_guid_is_a_version_4_uuid() -> None:
    """Python's own reader finds version 4 and the variant of RFC 9562 in each of a hundred."""
    for _ in range(100):
        text = RANDOM.guid()
        read = uuid.UUID(text)
        assert (str(read), read.version, read.variant) == (text, 4, uuid.RFC_4122)
