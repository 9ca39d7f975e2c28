"""
A policy as somebody is writing it: what would keep it from being saved, what it would change, and what it weakens.

Changes nothing, and says what saving would say: `policies.py` judges both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.core.access.compile import Compiled, compile_policy
from ostiary.core.access.guardrail import Weakening, weakening
from ostiary.core.access.history import Difference, differences
from ostiary.core.access.picture import Picture
from ostiary.core.access.stored import Stored
from ostiary.core.directory.permissions import Action, judge
from ostiary.core.graph.error import Problem
from ostiary.core.words.ids import PolicyId
from ostiary.core.words.outcome import Reason, Refused
from ostiary.core.words.visit import Visit
from ostiary.services.access.desk import settled
from ostiary.services.access.policies import problems_of
from ostiary.services.access.view import names_in
from ostiary.services.house import House
from ostiary.store import Tx, policies

__all__ = ["Draft", "check_draft"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of a document before it is saved."""

    old: Stored[PolicyId] | None
    """What stands in its place now."""
    compiled: Compiled
    problems: tuple[Problem, ...]
    """What keeps it from being saved, each with its place."""
    names: Mapping[str, str]
    """What those that it names are called, by the keys of its conditions."""
    differences: tuple[Difference, ...]
    weakens: Weakening | None


async def check_draft(house: House, visit: Visit, document: dict[str, Any], id: str = "") -> Draft | Refused:
    """
    Look at *document* in the place of policy *id* (empty: as a new one). Refused: NOT_FOUND and who may not ask.
    """
    refused = judge(Action.ASK_POLICIES, visit.caller, now=visit.now)
    if refused is not None:
        return refused

    async def look(tx: Tx, picture: Picture) -> Draft | Refused:
        old = await policies.find(tx, PolicyId(id)) if id else None
        if id and old is None:
            return Refused(Reason.NOT_FOUND)
        compiled = compile_policy(PolicyId(id), document)
        before = None if old is None else compile_policy(old.id, old.document).policy
        return Draft(
            old, compiled, await problems_of(tx, picture, PolicyId(id), document),
            await names_in(tx, picture, compiled.policy), differences({} if old is None else old.document, document),
            None if before is None else weakening(before, compiled.policy),
        )  # fmt: skip

    return await settled(house, look, write=False)
