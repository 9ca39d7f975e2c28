"""Policies in Graph's JSON: in, out and in again, and they decide the same."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.core.access.compile import compile_policy
from ostiary.core.access.decision import Decision
from ostiary.core.access.evaluate import evaluate
from ostiary.core.access.facts import Facts, Treat
from ostiary.core.access.policy_set import compile_set
from ostiary.core.access.stored import Stored
from ostiary.core.graph.fields import render
from ostiary.core.graph.json_text import read_json
from ostiary.core.graph.policy import POLICY, document_of
from ostiary.core.words.ids import PolicyId
from ostiary.core.words.instants import Instant
from ostiary.web.graph.bodies import Body
from tests.core.access.dice import Dice

CREATED = Body.of(POLICY.fields, "create")
WRITTEN = {field.name for field in POLICY.fields if field.writable}


def saved(id: str, body: str) -> Stored[PolicyId]:
    """What a body with this text becomes: read, checked and kept as `POST` does."""
    read = read_json(body.encode())
    assert isinstance(read, dict), read
    changes = CREATED.check(read)
    assert isinstance(changes, dict), changes
    return Stored(PolicyId(id), json.loads(json.dumps(document_of(changes))), Instant(0), Instant(1))


def shown(policy: Stored[PolicyId]) -> str:
    """What `GET` answers."""
    return json.dumps(render(POLICY.fields, policy))


def decided(documents: list[tuple[str, dict[str, Any]]], facts: Facts, treat: Treat) -> Decision:
    """What they decide; each must be free of problems."""
    read = [compile_policy(PolicyId(id), document) for id, document in documents]
    assert [one.problems for one in read if one.problems] == []
    return evaluate(compile_set(one.policy for one in read), facts, unknown=treat)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from(list(Treat)))
def test_a_policy_means_the_same_when_it_is_read_again(seed: int, treat: Treat) -> None:
    """
    As a document that was written by hand, as it is kept, as it is shown (which is what policy tests take), and as what
    is made anew from what was shown: one decision, to the last detail.
    """
    dice = Dice(seed)
    documents = [(str(n), dice.policy()) for n in range(4)]
    sign_in = dice.facts()
    first = [saved(id, json.dumps(document)) for id, document in documents]
    out = [json.loads(shown(one)) for one in first]
    again = [saved(one["id"], json.dumps({k: v for k, v in one.items() if k in WRITTEN})) for one in out]
    wanted = decided(documents, sign_in, treat)
    assert decided([(one.id, one.document) for one in first], sign_in, treat) == wanted
    assert decided([(one["id"], one) for one in out], sign_in, treat) == wanted
    assert decided([(one.id, one.document) for one in again], sign_in, treat) == wanted
    assert [json.loads(shown(one)) for one in again] == out
