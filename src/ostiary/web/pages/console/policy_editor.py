"""
Writing a policy: its document in a field, checked as often as wanted, saved by the admin API's own deed.

What is checked is told with its place, in words, with what it changes and weakens and whom it would have kept out. A
proof that is too old is asked for on the way and what was typed is kept; what somebody else saved meanwhile is shown
beside it instead of being overwritten.
"""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from ostiary.core.access.compile import State
from ostiary.core.directory.permissions import Action
from ostiary.core.graph.error import Invalid, Problem
from ostiary.core.graph.policy import DOCUMENT_LIMIT, read_document, write_document
from ostiary.core.words.outcome import Reason, Refused
from ostiary.services.access.drafts import Draft, check_draft
from ostiary.services.access.impact import impact_of_draft
from ostiary.services.access.policies import create_policy, find_policy, replace_policy
from ostiary.web.front import typed
from ostiary.web.pages.console.frame import console_page, missing, proof_asked, show, version_seen, version_typed
from ostiary.web.pages.console.policies import HERE, NO_POLICY, as_text, policy_path
from ostiary.web.pages.console.policy_impact import kept_results
from ostiary.web.pages.console.policy_words import CONDITION, STATES, demands, limits, meant, terms
from ostiary.web.pages.page import Guest, go, keep

__all__ = ["ROUTES"]

NEW = HERE.below("new")
KEEPS = ("document", "reason", "seen")
LOOKS_BACK = 7  # days, over which a draft is asked about
WRONG = Refused(Reason.INVALID_VALUE, "It cannot be saved as it is: look at what is named below.", field="document")
GONE = Refused(
    Reason.NOT_FOUND, "Somebody deleted the policy since you looked at it. What you typed can be saved as a new one."
)
TOO_LONG = Refused(
    Reason.STEP_UP,
    "Prove yourself once more before you save: the last proof is too old, and the document is too long to be kept on "
    "the way. Copy it first.",
)
BEGINNING: dict[str, Any] = {
    "displayName": "",
    "state": State.REPORT_ONLY.value,
    "conditions": {
        "users": {"includeUsers": ["All"]},
        "applications": {"includeApplications": ["All"]},
        "clientAppTypes": ["all"],
        "authenticationFlows": {"transferMethods": "deviceCodeFlow"},
    },
    "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
}
"""What a new one begins with: it does nothing before somebody says so."""


def _id(guest: Guest) -> str:
    return str(guest.scope["path_params"].get("policy", ""))[:64]


async def _page(
    guest: Guest, *, refused: Refused | None = None, problems: Sequence[Problem] = (), draft: Draft | None = None,
    **more: Any,
) -> Response:  # fmt: skip
    """The form with what was typed, else with what is stored; with a *draft* for what that was compared with."""
    id = _id(guest)
    stored = await find_policy(guest.house, guest.visit, id) if id else None
    if isinstance(stored, Refused):
        if not guest.form:
            return missing(guest, HERE, NO_POLICY)
        id, stored, refused = "", None, GONE
    stands = draft.old if draft is not None and draft.old is not None else stored
    document = guest.typed("document") or as_text(BEGINNING if stored is None else write_document(stored))
    return show(
        guest, "policy_edit.html", HERE, refused=refused, problems=problems, draft=draft, document=document,
        name=str(stored.document.get("displayName", "")) if stored is not None else "", longest=DOCUMENT_LIMIT,
        seen=version_typed(guest, "seen", "" if stands is None else stands.version, refused),
        reason=guest.typed("reason"),
        path=f"{policy_path(id)}/edit" if id else NEW, policy_path=policy_path(id) if id else "",
        me=guest.visit.caller.user, **more,
    )  # fmt: skip


async def _show(guest: Guest) -> Response:
    return await _page(guest)


async def _post(guest: Guest) -> Response:
    document = read_document(guest.form.get("document", ""))
    if isinstance(document, Invalid):
        return await _page(guest, refused=WRONG, problems=document.problems)
    return await (_save if guest.form.get("do") == "save" else _check)(guest, document)


async def _check(guest: Guest, document: dict[str, Any], refused: Refused | None = None) -> Response:
    """The form with what is said of *document*."""
    draft = await check_draft(guest.house, guest.visit, document, _id(guest))
    if isinstance(draft, Refused):
        return await _page(guest, refused=draft)
    asked = await impact_of_draft(guest.house, guest.visit, document, LOOKS_BACK, _id(guest))
    found = None if isinstance(asked, Refused) else asked
    policy = draft.compiled.policy
    grant, besides = demands(policy)
    weakens = draft.weakens
    excluded = [] if weakens is None else [
        (CONDITION[name], terms(name, keys, draft.names)) for name, keys in weakens.excluded.items()
    ]  # fmt: skip
    return await _page(
        guest, refused=refused or (WRONG if draft.problems else None), problems=draft.problems, draft=draft,
        policy=policy, state=STATES[policy.state], meant=tuple(meant(policy, draft.names)), grant=grant,
        besides=besides, limits=limits(policy), weakens=weakens, excluded=excluded,
        found=found, kept=kept_results(found) if found is not None else [],
    )  # fmt: skip


async def _save(guest: Guest, document: dict[str, Any]) -> Response:
    id, reason = _id(guest), guest.form.get("reason", "")
    if id:
        seen = version_seen(guest, "seen")
        answer = await replace_policy(guest.house, guest.visit, id, document, reason, seen=seen)
    else:
        answer = await create_policy(guest.house, guest.visit, document, reason)
    if isinstance(answer, Invalid):
        return await _check(guest, document, WRONG)
    if not isinstance(answer, Refused):
        return go(policy_path(answer.id), typed.forget())
    kept = keep(guest, _EDIT)
    if proof_asked(answer, "") is not None and kept == typed.forget():
        return await _check(guest, document, TOO_LONG)
    asked = proof_asked(answer, guest.scope["path"], kept)
    return asked or await _check(guest, document, answer)


_EDIT = console_page(
    HERE, path=HERE.path + "/{policy}/edit", get=_show, post=_post, keeps=KEEPS, long=True, action=Action.WRITE_POLICIES
)
ROUTES = (
    console_page(HERE, path=NEW, get=_show, post=_post, keeps=KEEPS, long=True, action=Action.WRITE_POLICIES),
    _EDIT,
)
