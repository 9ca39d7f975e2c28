"""
Conditional access policies: all of them, one in words with its document and its history, and what it said on a day.

Writing one is `policy_editor.py`, trying all of them out `what_if.py`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from starlette.responses import Response

from ostiary.core.access.compile import State, compile_policy
from ostiary.core.directory.permissions import Action
from ostiary.core.graph.audit import audit_id
from ostiary.core.graph.error import Invalid, Problem
from ostiary.core.graph.policy import POLICY, write_document
from ostiary.core.words.ids import PolicyId
from ostiary.core.words.instants import Instant, from_datetime
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.access.history import Told, history, list_told, on_day
from ostiary.services.access.policies import change_policy, delete_policy
from ostiary.services.access.view import Seen, look_at_policy
from ostiary.web.front import typed
from ostiary.web.pages.console.frame import console_page, may, missing, proof_asked, show, version_seen, version_typed
from ostiary.web.pages.console.home import guardrails
from ostiary.web.pages.console.lists import Choice, Column, How, List, Search, Tag, listed, literal
from ostiary.web.pages.console.navigation import at
from ostiary.web.pages.console.policy_words import STATES, about, demands, limits, meant, shortly
from ostiary.web.pages.page import LONGEST_TEXT, Guest, go, keep
from ostiary.web.pages.texts import marked

__all__ = ["HERE", "NO_POLICY", "ROUTES", "as_text", "policy_path"]

HERE = at("/console/policies")
WRONG = Refused(Reason.INVALID_VALUE, "It cannot be switched like this: look at what is named below.", field="state")
NO_POLICY = marked("There is no such policy.")


def policy_path(id: str) -> str:
    """The page of one policy."""
    return HERE.below(id)


def as_text(document: Any) -> str:
    """A document as people read and write it."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def _name(policy: Told) -> str:
    return str(policy.document.get("displayName", ""))


def _named(policy: Told) -> tuple[str, ...]:
    return about(compile_policy(policy.id, policy.document).policy)


def _demanded(policy: Told) -> tuple[str, ...]:
    return shortly(compile_policy(policy.id, policy.document).policy)


LIST: List[Any] = List(  # its rows say more than the shape of an export knows
    HERE,
    POLICY,
    list_told,
    (
        Column("Name", _name, link=lambda p: policy_path(p.id)),
        Column("State", lambda p: STATES[compile_policy(p.id, p.document).policy.state], How.TAG),
        Column("About", _named, How.TAG),
        Column("Demands", _demanded, How.TAG),
        Column("Changed", lambda p: p.modified, How.MOMENT),
        Column("By", lambda p: p.by),
    ),
    lead="Every policy that is on and whose conditions all match applies. A block beats everything else.",
    empty="There are no policies: nobody is kept from anything.",
    search=Search("Name", "How it begins", lambda text: f"startswith(displayName,{literal(text)})"),
    choices=(
        Choice(
            "state", "State", lambda guest: [(str(state), tag.text) for state, tag in STATES.items()],
            lambda value: f"state eq {literal(value)}",
        ),
    ),
    subject="policies",
)  # fmt: skip


async def _list(guest: Guest) -> Response:
    return await listed(
        guest, LIST, template="policies.html", writes=may(guest, Action.WRITE_POLICIES),
        guardrails=guardrails(guest.house, guest.house.desk.picture)[:2],
    )  # fmt: skip


def _id(guest: Guest) -> str:
    return guest.path("policy")[:64]


async def _page(guest: Guest, refused: Refused | None = None, wrong: Sequence[Problem] = ()) -> Response:
    """The page of one policy, with what was typed where *refused* turned it down, and what is *wrong* with it."""
    seen = await look_at_policy(guest.house, guest.visit, _id(guest))
    past = await history(guest.house, guest.visit, _id(guest))
    changes = () if isinstance(past, Refused) else past
    if isinstance(seen, Refused):
        if not changes:
            return missing(guest, HERE, NO_POLICY)
        return show(guest, "policy_gone.html", HERE, changes=changes, path=policy_path(_id(guest)), audited=audit_id)
    return show(
        guest, "policy.html", HERE, refused=refused, seen=seen, path=policy_path(seen.stored.id), changes=changes,
        **_told(seen), document=as_text(write_document(seen.stored)), audited=audit_id, live="policies", wrong=wrong,
        writes=may(guest, Action.WRITE_POLICIES), states=STATES, me=guest.visit.caller.user,
        typed={"state": guest.typed("state"), "reason": guest.typed("reason")[:LONGEST_TEXT]},
        version=version_typed(guest, "seen", seen.stored.version, refused),
    )  # fmt: skip


def _told(seen: Seen) -> dict[str, Any]:
    """What the template tells of a policy."""
    policy = seen.compiled.policy
    grant, besides = demands(policy)
    return {
        "policy": policy, "state": STATES[policy.state], "meant": tuple(meant(policy, seen.names)), "grant": grant,
        "besides": besides, "limits": limits(policy), "problems": seen.compiled.problems,
        "enforced": policy.state is State.ENABLED,
    }  # fmt: skip


async def _one(guest: Guest) -> Response:
    return await _page(guest)


async def _act(guest: Guest) -> Response:
    """Another state, or the end of it."""
    house, visit, id = guest.house, guest.visit, _id(guest)
    reason, seen = guest.form.get("reason", "")[:LONGEST_TEXT], version_seen(guest, "seen")
    match guest.form.get("do"):
        case "delete":
            answer: Any = await delete_policy(house, replace(visit, reason=reason), id, seen=seen)
        case "state":
            changes = {"state": guest.form.get("state", "")[:64]}
            answer = await change_policy(house, visit, id, changes, reason, seen=seen)
        case _:
            return await _page(guest)
    if isinstance(answer, Invalid):
        return await _page(guest, WRONG, answer.problems)
    back = policy_path(id)
    if not isinstance(answer, Refused):
        return go(back, typed.forget())
    return proof_asked(answer, back, keep(guest, _ONE)) or await _page(guest, answer)


async def _day(guest: Guest) -> Response:
    asked = guest.query.get("on", "")[:10]
    start = _start(guest, asked)
    found = start if isinstance(start, Refused) else await on_day(guest.house, guest.visit, _id(guest), start)
    if isinstance(found, Refused) and found.reason is Reason.NOT_FOUND:
        return missing(guest, HERE, NO_POLICY)
    refused, day = (found, None) if isinstance(found, Refused) else (None, found)
    told = tuple(
        (one, as_text(one.document), _state(one.document) if one.document is not None else None)
        for one in (day.stands if day is not None else ())
    )
    return show(
        guest, "policy_day.html", HERE, refused=refused, day=day, told=told, asked=asked,
        path=policy_path(_id(guest)), audited=audit_id,
    )  # fmt: skip


def _state(document: Mapping[str, Any]) -> Tag:
    return STATES[compile_policy(PolicyId(""), document).policy.state]


def _start(guest: Guest, day: str) -> Instant | Refused:
    """Where that day begins in UTC. Refused: what is no day, and what is still to come."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return Refused(Reason.INVALID_VALUE, "Type a day as 2026-01-31.", field="on")
    start = from_datetime(datetime(found.year, found.month, found.day, tzinfo=UTC))
    return (
        start if start <= guest.visit.now else Refused(Reason.INVALID_VALUE, "That day is still to come.", field="on")
    )


_ONE = console_page(HERE, path=HERE.path + "/{policy}", get=_one, post=_act, keeps=("state", "reason", "seen"))
ROUTES = (console_page(HERE, get=_list), console_page(HERE, path=HERE.path + "/{policy}/day", get=_day), _ONE)
