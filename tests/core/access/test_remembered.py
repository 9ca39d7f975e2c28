"""Facts written down and read back, and what no such document holds."""

from typing import Any

import pytest

from ostiary.core.access.conditions.locations import special
from ostiary.core.access.conditions.platforms import platform_of
from ostiary.core.access.facts import TRUSTED, UNKNOWN, DeviceFacts, Facts, Place
from ostiary.core.access.remembered import facts_document, facts_from
from ostiary.core.words.ids import AppId, GroupId, UserId

DEVICE = DeviceFacts("d", managed=True, attributes={"model": None, "physicalIds": ("a", "b"), "displayName": "x"})
FULL = Facts(
    UserId("u"), frozenset({GroupId("b"), GroupId("a")}), frozenset({"auditor"}), AppId("c"), AppId("r"),
    frozenset({"Read"}), "browser", None, ("pwd", "mfa"), 7, "linux", "none", "high",
    Place("203.0.113.9", "NO", 64500, (599139, -107522), frozenset({"l"}), frozenset({"m"})),
    Place("203.0.113.9", None, None, None, frozenset()), DEVICE, None, True, False, None,
    True,
)  # fmt: skip


def test_everything_that_is_known_is_written_and_read() -> None:
    """The one canonical form: sorted lists, whole numbers, null for none."""
    document = facts_document(FULL)
    assert facts_from(document) == FULL
    assert document["groups"] == ["a", "b"]
    assert document["transferMethod"] is None
    assert document["requester"] == {
        "address": "203.0.113.9", "country": None, "network": None, "coordinates": None, "named": [],
    }  # fmt: skip
    assert document["personDevice"]["attributes"] == {"displayName": "x", "model": None, "physicalIds": ["a", "b"]}


def test_nothing_known_is_nothing_written() -> None:
    """Unknown is left out."""
    assert facts_document(Facts()) == {}
    assert facts_from({}) == Facts()


BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"mood": "good"}, "mood: there is no such fact"),
    ({"user": 7}, "user: must be a text"),
    ({"user": "x" * 513}, "user: must be a text"),
    ({"groups": "a"}, "groups: must be a list"),
    ({"groups": ["a"] * 4001}, "groups: must be a list"),
    ({"amr": [1]}, "amr: must be a text"),
    ({"proofAge": 1.5}, "proofAge: must be a whole number"),
    ({"proofAge": True}, "proofAge: must be a whole number"),
    ({"startTicket": "yes"}, "startTicket: must be true or false"),
    ({"person": "here"}, "person: must be an object"),
    ({"person": {"planet": "x"}}, "person.planet: there is no such fact"),
    ({"person": {"network": "AS1"}}, "person.network: must be a whole number"),
    ({"person": {"coordinates": [1]}}, "person.coordinates: must be latitude"),
    ({"person": {"coordinates": [1.5, 2]}}, "person.coordinates: must be a whole number"),
    ({"personDevice": {"id": "d", "compliant": 1}}, "personDevice.compliant: must be true or false"),
    ({"personDevice": {"id": "d", "attributes": []}}, "personDevice.attributes: must be an object"),
    ({"personDevice": {}}, "personDevice.id: must be a text"),
)


@pytest.mark.parametrize(("document", "said"), BAD, ids=[said for _, said in BAD])
def test_what_no_facts_are_is_refused_by_name(document: dict[str, Any], said: str) -> None:
    """Simulations and policy tests bring theirs from outside."""
    with pytest.raises(ValueError, match=r".") as wrong:
        facts_from(document)
    assert said in str(wrong.value)


def test_a_platform_is_what_the_agent_says_or_unknown() -> None:
    """R4: an agent that names none is not known to be none."""
    for agent, platform in (
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "windows"), ("Mozilla/5.0 (Windows Phone 10.0)", "windowsPhone"),
        ("Mozilla/5.0 (Linux; Android 14)", "android"), ("Mozilla/5.0 (X11; Linux x86_64)", "linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)", "iOS"), ("Mozilla/5.0 (Macintosh)", "macOS"),
        ("curl/8.0", UNKNOWN), ("", UNKNOWN),
    ):  # fmt: skip
        assert platform_of(agent) is platform or platform_of(agent) == platform


def test_words_of_graph_are_no_ids_of_locations() -> None:
    """They need not exist."""
    assert [special(id) for id in ("All", TRUSTED, "00000000-0000-0000-0000-000000000000", "office")] == [
        True, True, True, False,
    ]  # fmt: skip
